/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is special to storage_sqlite: its file, what it says when that cannot be
 * used, one commit a batch. What every storage must do is tested elsewhere.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sqlite_test.h"

#define CONFIG "{\"path\": \"@DIR@/p.db\", \"busy_timeout\": 1, \"batch\": 100}"

static struct store store;

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

static mode_t mode_of(const char *name)
{
	struct stat st;

	return stat(file_path(&store, name), &st) == 0 ? st.st_mode & 0777 : 0;
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
	CU_ASSERT(says(start_error(file_path(&store, "none/p.db")), "does not exist: make it"));
	CU_ASSERT(says(start_error(store.dir), "cannot open"));
	file = fopen(file_path(&store, "text.db"), "w");
	CU_ASSERT_PTR_NOT_NULL_FATAL(file);
	fprintf(file, "%200s", "This is a text, and no database of anybody.");
	fclose(file);
	CU_ASSERT(says(start_error(file_path(&store, "text.db")), "not a database"));
	if (geteuid() != 0) {
		CU_ASSERT_EQUAL(chmod(file_path(&store, "text.db"), 0400), 0);
		CU_ASSERT(says(start_error(file_path(&store, "text.db")), "own the file"));
	}
	store_close(&store);
}

static void test_schema_of_others(void)
{
	store_open(&store, OBJECT, CONFIG);
	store_shut(&store);
	other_run(&store, "PRAGMA user_version = 99; UPDATE meta SET value = '7.5' WHERE key = "
			  "'writer_version'");
	/* Newer, but this server still knows enough to write it. */
	CU_ASSERT_PTR_NULL(start_error(file_path(&store, "p.db")));
	other_run(&store, "UPDATE meta SET value = 99 WHERE key = 'writer'");
	CU_ASSERT(says(start_error(file_path(&store, "p.db")), "run Parlance 7.5 or later"));
	other_run(&store, "PRAGMA application_id = 7");
	CU_ASSERT(says(start_error(file_path(&store, "p.db")), "not a database of Parlance"));
	store_close(&store);
}

static void test_one_commit_a_batch(void)
{
	int64_t batches;
	unsigned i;

	store_open(&store, OBJECT, CONFIG);
	batches = store_metric(&store, "batches_total");
	for (i = 0; i < 100; i++)
		submit_append(&store, i);
	store_settle(&store);
	CU_ASSERT_EQUAL(store_metric(&store, "batches_total"), batches + 1);
	CU_ASSERT_EQUAL(store_metric(&store, "transactions_total"), 100);
	CU_ASSERT_EQUAL(store_metric(&store, "batch_size_max"), 100);
	for (i = 100; i < 350; i++)
		submit_append(&store, i);
	store_settle(&store);
	CU_ASSERT_EQUAL(store_metric(&store, "batches_total"), batches + 4);
	CU_ASSERT_EQUAL(store_metric(&store, "batch_size"), 50);
	CU_ASSERT_EQUAL(store_metric(&store, "failures_total"), 0);
	CU_ASSERT_EQUAL(ask_chat(&store, "bob", "alice")->chats[0].missed, 350);
	store_close(&store);
}

static void test_sees_what_another_wrote(void)
{
	store_open(&store, OBJECT, CONFIG);
	CU_ASSERT_EQUAL(do_event(&store, "alice", "{}")->op[0].seq, 1);
	other_run(&store,
		  "INSERT INTO event (id, type, payload) SELECT id + 1, type, payload FROM event");
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
	other_run(&store, "UPDATE message SET client_id = 'stranger' WHERE client_id = 'c1'");
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
		out[i] = submit_append(&store, i);
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
			submit_append(&store, i);
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
		{ "sees_what_another_wrote", test_sees_what_another_wrote },
		{ "hashes_may_collide", test_hashes_may_collide },
		{ "stop_finishes_the_queue", test_stop_finishes_the_queue },
		{ "killed", test_killed },
		{ NULL, NULL },
	};

	return unit_main("sqlite", tests);
}
