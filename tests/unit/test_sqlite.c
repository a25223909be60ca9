/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is special to storage_sqlite: its file, what it says when that cannot be
 * used, one commit a batch, and disks that are full or locked. The rules of
 * every storage are in test_storage.c. A second connection plays the operator.
 */
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "support/store.h"
#include "unit.h"

#define OBJECT PLUGIN_BUILD_DIR "/storage_sqlite.so"
#define CONFIG "{\"path\": \"@DIR@/p.db\", \"busy_timeout\": 1, \"batch\": 100}"

static struct store store;

static const char *file_path(const char *name)
{
	return store_format(&store, "%s/%s", store.dir, name);
}

static sqlite3 *other_open(void)
{
	sqlite3 *other;

	CU_ASSERT_EQUAL_FATAL(sqlite3_open(file_path("p.db"), &other), SQLITE_OK);
	return other;
}

static void other_exec(sqlite3 *other, const char *sql)
{
	CU_ASSERT_EQUAL(sqlite3_exec(other, sql, NULL, NULL, NULL), SQLITE_OK);
}

/* One statement on the file, by a connection of its own. */
static void other_run(const char *sql)
{
	sqlite3 *other = other_open();

	other_exec(other, sql);
	sqlite3_close(other);
}

static const char *down(void)
{
	return store.host->storage->down(store.host->storage_state);
}

static int64_t metric(const char *name)
{
	return host_metric(store.host, "storage_sqlite", name);
}

/* Loads and starts on `path`; why that fails, or NULL. */
static const char *start_error(const char *path)
{
	struct host *host = host_new();
	const char *error = NULL;
	struct par_plugin *plugin =
	    host_load(host, OBJECT, store_format(&store, "{\"path\": \"%s\"}", path));

	CU_ASSERT_PTR_NOT_NULL_FATAL(plugin);
	if (!host_start(plugin))
		error = store_format(&store, "%s", host->error);
	host_free(&host);
	return error;
}

static bool says(const char *error, const char *words)
{
	return error != NULL && strstr(error, words) != NULL;
}

static mode_t mode_of(const char *name)
{
	struct stat st;

	return stat(file_path(name), &st) == 0 ? st.st_mode & 0777 : 0;
}

static void test_file_is_private(void)
{
	mode_t old = umask(0);

	store_open(&store, OBJECT, CONFIG);
	do_append(&store, "alice", "bob", "c1", "one");
	umask(old);
	CU_ASSERT_EQUAL(mode_of("p.db"), 0600);
	CU_ASSERT_EQUAL(mode_of("p.db-wal"), 0600);
	CU_ASSERT_EQUAL(mode_of("p.db-shm"), 0600);
	store_shut(&store);
	/* All is in the one file once the server has stopped. */
	CU_ASSERT_EQUAL(mode_of("p.db-wal"), 0);
	store_close(&store);
}

static void test_start_says_what_to_do(void)
{
	FILE *file;

	store_open(&store, OBJECT, CONFIG);
	CU_ASSERT(says(start_error(file_path("none/p.db")), "does not exist: make it"));
	CU_ASSERT(says(start_error(store.dir), "cannot open"));
	file = fopen(file_path("text.db"), "w");
	CU_ASSERT_PTR_NOT_NULL_FATAL(file);
	fprintf(file, "%200s", "This is a text, and no database of anybody.");
	fclose(file);
	CU_ASSERT(says(start_error(file_path("text.db")), "not a database"));
	if (geteuid() != 0) {
		CU_ASSERT_EQUAL(chmod(file_path("text.db"), 0400), 0);
		CU_ASSERT(says(start_error(file_path("text.db")), "own the file"));
	}
	store_close(&store);
}

static void test_schema_of_others(void)
{
	store_open(&store, OBJECT, CONFIG);
	store_shut(&store);
	other_run("PRAGMA user_version = 99; UPDATE meta SET value = '7.5' WHERE key = "
		  "'writer_version'");
	/* Newer, but this server still knows enough to write it. */
	CU_ASSERT_PTR_NULL(start_error(file_path("p.db")));
	other_run("UPDATE meta SET value = 99 WHERE key = 'writer'");
	CU_ASSERT(says(start_error(file_path("p.db")), "run Parlance 7.5 or later"));
	other_run("PRAGMA application_id = 7");
	CU_ASSERT(says(start_error(file_path("p.db")), "not a database of Parlance"));
	store_close(&store);
}

static struct outcome *submit_append(unsigned i)
{
	struct par_tx *tx = store_tx(&store);

	add_append(&store, tx, "alice", "bob", store_format(&store, "c%u", i), "text");
	return store_submit(&store, tx);
}

static void test_one_commit_a_batch(void)
{
	int64_t batches;
	unsigned i;

	store_open(&store, OBJECT, CONFIG);
	batches = metric("batches_total");
	for (i = 0; i < 100; i++)
		submit_append(i);
	store_settle(&store);
	CU_ASSERT_EQUAL(metric("batches_total"), batches + 1);
	CU_ASSERT_EQUAL(metric("transactions_total"), 100);
	CU_ASSERT_EQUAL(metric("batch_size_max"), 100);
	for (i = 100; i < 350; i++)
		submit_append(i);
	store_settle(&store);
	CU_ASSERT_EQUAL(metric("batches_total"), batches + 4);
	CU_ASSERT_EQUAL(metric("batch_size"), 50);
	CU_ASSERT_EQUAL(metric("failures_total"), 0);
	CU_ASSERT_EQUAL(ask_chat(&store, "bob", "alice")->chats[0].missed, 350);
	store_close(&store);
}

static void test_locked_by_another(void)
{
	struct outcome *first, *second;
	struct par_query *q;
	struct page *page;
	sqlite3 *other;

	store_open(&store, OBJECT, CONFIG);
	do_append(&store, "alice", "bob", "c0", "text");
	other = other_open();
	other_exec(other, "BEGIN IMMEDIATE");
	first = submit_append(1);
	q = store_query(&store, PAR_QUERY_MESSAGES, "bob");
	q->chat = store_chat(&store, "bob", "alice");
	page = store_ask(&store, q);
	second = submit_append(2);
	store_settle(&store);
	CU_ASSERT_EQUAL(first->error, PAR_E_UNAVAILABLE);
	CU_ASSERT_EQUAL(second->error, PAR_E_UNAVAILABLE);
	CU_ASSERT_FALSE(first->op[0].applied);
	/* Reading needs no lock. */
	CU_ASSERT_EQUAL(page->error, PAR_OK);
	CU_ASSERT_EQUAL(page->n, 1);
	CU_ASSERT(says(down(), "locked"));
	CU_ASSERT(host_logged(store.host, "cannot store"));
	other_exec(other, "COMMIT");
	sqlite3_close(other);
	CU_ASSERT_EQUAL(do_append(&store, "alice", "bob", "c1", "text")->op[0].id, 2);
	CU_ASSERT_PTR_NULL(down());
	CU_ASSERT(host_logged(store.host, "storing again"));
	store_close(&store);
}

/* A storage that is down tries by itself, also when nothing is asked of it. */
static void test_comes_back_by_itself(void)
{
	const struct timespec moment = { 0, 5000000 };
	sqlite3 *other;
	unsigned i;

	store_open(&store, OBJECT, CONFIG);
	other = other_open();
	other_exec(other, "BEGIN IMMEDIATE");
	CU_ASSERT_EQUAL(do_event(&store, "alice", "{}")->error, PAR_E_UNAVAILABLE);
	CU_ASSERT_PTR_NOT_NULL(down());
	other_exec(other, "COMMIT");
	sqlite3_close(other);
	for (i = 0; i < 6000 && down() != NULL; i++)
		nanosleep(&moment, NULL);
	CU_ASSERT_PTR_NULL(down());
	store_close(&store);
}

/* A limit on the size of files stands for a full disk. */
static void limit_files(rlim_t bytes)
{
	struct rlimit limit;

	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &limit);
	limit.rlim_cur = bytes;
	CU_ASSERT_EQUAL(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void test_full_disk(void)
{
	static char large[1 << 20];
	struct outcome *before, *big, *after;
	struct par_tx *tx;

	store_open(&store, OBJECT, CONFIG);
	do_append(&store, "alice", "bob", "c0", "text");
	memset(large, 'x', sizeof(large) - 1);
	limit_files(512 << 10);
	before = submit_append(1);
	tx = store_tx(&store);
	add_append(&store, tx, "alice", "bob", "big", large);
	add_event(&store, tx, "bob", "{}");
	big = store_submit(&store, tx);
	after = submit_append(2);
	store_settle(&store);
	/* They shared a commit that failed; alone the small ones had room. */
	CU_ASSERT_EQUAL(before->error, PAR_OK);
	CU_ASSERT_EQUAL(before->op[0].id, 2);
	CU_ASSERT_EQUAL(big->error, PAR_E_UNAVAILABLE);
	CU_ASSERT_FALSE(big->op[0].applied);
	CU_ASSERT_PTR_NULL(big->op[1].payload);
	CU_ASSERT_EQUAL(after->error, PAR_OK);
	CU_ASSERT_EQUAL(after->op[0].id, 3);
	CU_ASSERT_EQUAL(metric("retries_total"), 3);
	CU_ASSERT_EQUAL(metric("failures_total"), 1);

	limit_files(1 << 10);
	CU_ASSERT_EQUAL(do_append(&store, "alice", "bob", "c3", "text")->error, PAR_E_UNAVAILABLE);
	CU_ASSERT_PTR_NOT_NULL(down());
	limit_files(RLIM_INFINITY);
	CU_ASSERT_EQUAL(do_append(&store, "alice", "bob", "c3", "text")->op[0].id, 4);
	CU_ASSERT_EQUAL(do_append(&store, "alice", "bob", "big", large)->op[0].id, 5);
	CU_ASSERT_PTR_NULL(down());
	CU_ASSERT_EQUAL(ask_events(&store, "bob", "phone", 0)->n, 0);
	CU_ASSERT_EQUAL(ask_chat(&store, "bob", "alice")->chats[0].missed, 5);
	store_close(&store);
}

static void test_damaged_file(void)
{
	store_open(&store, OBJECT, CONFIG);
	do_append(&store, "alice", "bob", "c0", "text");
	store_shut(&store);
	other_run("PRAGMA writable_schema = ON;"
		  "UPDATE sqlite_schema SET rootpage = 3 WHERE name = 'message_dedupe'");
	store_reopen(&store);
	CU_ASSERT_EQUAL(do_append(&store, "alice", "bob", "c1", "text")->error, PAR_E_INTERNAL);
	CU_ASSERT_PTR_NOT_NULL(down());
	store_close(&store);
}

static void test_sees_what_another_wrote(void)
{
	store_open(&store, OBJECT, CONFIG);
	CU_ASSERT_EQUAL(do_event(&store, "alice", "{}")->op[0].seq, 1);
	other_run("INSERT INTO event (id, type, payload) SELECT id + 1, type, payload FROM event");
	CU_ASSERT_EQUAL(do_event(&store, "alice", "{}")->op[0].seq, 3);
	store_close(&store);
}

/* Two client ids of one hash: the key of the first is taken by a stranger. */
static void test_hashes_may_collide(void)
{
	struct par_tx *tx;

	store_open(&store, OBJECT, CONFIG);
	do_append(&store, "alice", "bob", "c1", "one");
	do_append(&store, "alice", "bob", "c2", "two");
	other_run("UPDATE message SET client_id = 'stranger' WHERE client_id = 'c1'");
	CU_ASSERT_EQUAL(do_append(&store, "alice", "bob", "c1", "one")->op[0].id, 3);
	CU_ASSERT_EQUAL(do_append(&store, "alice", "bob", "c1", "one")->op[0].id, 3);
	CU_ASSERT_EQUAL(do_append(&store, "alice", "bob", "c1", "else")->error, PAR_E_CONFLICT);
	CU_ASSERT_FALSE(do_append(&store, "alice", "bob", "c2", "two")->op[0].applied);
	tx = store_tx(&store);
	add_change(&store, tx, PAR_CHANGE_EDIT, "alice", "bob", 0)->u.change.target_client_id =
	    par_str_of("c1");
	CU_ASSERT_EQUAL(store_run(&store, tx)->op[0].original_id, 3);
	store_close(&store);
}

static void test_stop_finishes_the_queue(void)
{
	struct outcome *out[100];
	unsigned i, done = 0;

	store_open(&store, OBJECT, CONFIG);
	for (i = 0; i < 100; i++)
		out[i] = submit_append(i);
	host_unload(store.plugin);
	for (i = 0; i < 100; i++)
		done += out[i]->done && out[i]->error == PAR_OK;
	CU_ASSERT_EQUAL(done, 100);
	store_reopen(&store);
	CU_ASSERT_EQUAL(ask_chat(&store, "bob", "alice")->chats[0].missed, 100);
	store_close(&store);
}

/* What was answered is there though the server was killed. */
static void test_killed(void)
{
	int status = -1;
	pid_t child;

	store_open(&store, OBJECT, CONFIG);
	store_shut(&store);
	child = fork();
	if (child == 0) {
		unsigned i;
		store_reopen(&store);
		ask_device(&store, "bob", "phone");
		for (i = 0; i < 30; i++)
			submit_append(i);
		store_settle(&store);
		do_event(&store, "bob", "{}");
		_exit(0);
	}
	CU_ASSERT_EQUAL(waitpid(child, &status, 0), child);
	CU_ASSERT_EQUAL(status, 0);
	store_reopen(&store);
	CU_ASSERT_EQUAL(ask_messages(&store, "bob", "alice")->n, 30);
	CU_ASSERT_EQUAL(ask_chat(&store, "bob", "alice")->chats[0].missed, 30);
	CU_ASSERT_EQUAL(ask_device(&store, "bob", "phone")->device.sent, 1);
	store_close(&store);
}

int main(void)
{
	static const struct unit_test tests[] = {
		{ "file_is_private", test_file_is_private },
		{ "start_says_what_to_do", test_start_says_what_to_do },
		{ "schema_of_others", test_schema_of_others },
		{ "one_commit_a_batch", test_one_commit_a_batch },
		{ "locked_by_another", test_locked_by_another },
		{ "comes_back_by_itself", test_comes_back_by_itself },
		{ "full_disk", test_full_disk },
		{ "damaged_file", test_damaged_file },
		{ "sees_what_another_wrote", test_sees_what_another_wrote },
		{ "hashes_may_collide", test_hashes_may_collide },
		{ "stop_finishes_the_queue", test_stop_finishes_the_queue },
		{ "killed", test_killed },
		{ NULL, NULL },
	};

	return unit_main("sqlite", tests);
}
