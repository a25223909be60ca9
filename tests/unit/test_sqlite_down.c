/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * storage_sqlite when nothing can be stored: the file locked by another process,
 * no room for it, the file gone. What it is handed fails at once, reading goes
 * on, and it comes back by itself. That nothing waits is seen by what was not tried:
 * the clock is asked nowhere.
 */
#include <stdio.h>
#include <unistd.h>

#include "sqlite_test.h"

#define CONFIG "{\"path\": \"@DIR@/p.db\", \"busy_timeout\": 1, \"batch\": 100}"
#define PATIENT "{\"path\": \"@DIR@/p.db\", \"busy_timeout\": 60000}"

static struct store store;
static char large[1 << 20];

static struct page *ask_bob(void)
{
	struct par_query *q = store_query(&store, PAR_QUERY_MESSAGES, "bob");

	q->chat = store_chat(&store, "bob", "alice");
	return store_ask(&store, q);
}

static void test_locked_by_another(void)
{
	struct outcome *out[80];
	struct page *page;
	sqlite3 *other;
	unsigned i, failed = 0;

	store_open(&store, OBJECT, CONFIG);
	do_append(&store, "alice", "bob", "c0", "text");
	other = other_open(&store);
	other_exec(other, "BEGIN IMMEDIATE");
	for (i = 0; i < 40; i++)
		out[i] = submit_append(&store, i + 1);
	page = ask_bob();
	for (; i < 80; i++)
		out[i] = submit_append(&store, i + 1);
	store_settle(&store);
	for (i = 0; i < 80; i++)
		failed += out[i]->error == PAR_E_UNAVAILABLE && !out[i]->op[0].applied;
	CU_ASSERT_EQUAL(failed, 80);
	/* One wait for the lock was enough for all of them; reading needs none. */
	CU_ASSERT_EQUAL(store_metric(&store, "refused_total"), 80);
	CU_ASSERT_EQUAL(store_metric(&store, "retries_total"), 1);
	CU_ASSERT_EQUAL(page->error, PAR_OK);
	CU_ASSERT_EQUAL(page->n, 1);
	CU_ASSERT(says(store_down(&store), "locked"));
	CU_ASSERT(host_logged(store.host, "cannot store"));
	other_exec(other, "COMMIT");
	sqlite3_close(other);
	/* also when nothing is asked of it */
	until_down_says(&store, NULL);
	CU_ASSERT_EQUAL(do_append(&store, "alice", "bob", "c1", "text")->op[0].id, 2);
	CU_ASSERT(host_logged(store.host, "storing again"));
	store_close(&store);
}

/* A short lock is waited for. */
static void test_locked_for_a_moment(void)
{
	struct outcome *out;
	sqlite3 *other;

	store_open(&store, OBJECT, PATIENT);
	other = other_open(&store);
	other_exec(other, "BEGIN IMMEDIATE");
	out = submit_append(&store, 1);
	store.host->storage->flush(store.host->storage_state);
	other_exec(other, "COMMIT");
	store_settle(&store);
	CU_ASSERT_EQUAL(out->error, PAR_OK);
	sqlite3_close(other);
	store_close(&store);
}

/* One that is down for another reason does not wait for a lock when it tries:
 * it would for a minute. */
static void test_down_and_locked(void)
{
	sqlite3 *other;

	store_open(&store, OBJECT, PATIENT);
	do_append(&store, "alice", "bob", "c0", "text");
	other = other_open(&store);
	limit_files(1 << 10);
	CU_ASSERT_EQUAL(do_append(&store, "alice", "bob", "c1", "text")->error, PAR_E_UNAVAILABLE);
	other_exec(other, "BEGIN EXCLUSIVE");
	limit_files(RLIM_INFINITY);
	until_down_says(&store, "locked");
	CU_ASSERT_EQUAL(do_append(&store, "alice", "bob", "c2", "text")->error, PAR_E_UNAVAILABLE);
	CU_ASSERT_EQUAL(ask_messages(&store, "bob", "alice")->n, 1);
	other_exec(other, "ROLLBACK");
	sqlite3_close(other);
	until_down_says(&store, NULL);
	CU_ASSERT_EQUAL(do_append(&store, "alice", "bob", "c1", "text")->op[0].id, 2);
	store_close(&store);
}

static struct outcome *submit_large(const char *client_id)
{
	struct par_tx *tx = store_tx(&store);

	memset(large, 'x', sizeof(large) - 1);
	add_append(&store, tx, "alice", "bob", client_id, large);
	add_event(&store, tx, "bob", "{}");
	return store_submit(&store, tx);
}

static void test_full_disk(void)
{
	struct outcome *before, *big, *after;

	store_open(&store, OBJECT, CONFIG);
	do_append(&store, "alice", "bob", "c0", "text");
	limit_files(512 << 10);
	before = submit_append(&store, 1);
	big = submit_large("big");
	after = submit_append(&store, 2);
	store_settle(&store);
	/* They shared a commit that failed; alone the small ones had room. */
	CU_ASSERT_EQUAL(before->error, PAR_OK);
	CU_ASSERT_EQUAL(before->op[0].id, 2);
	CU_ASSERT_EQUAL(big->error, PAR_E_UNAVAILABLE);
	CU_ASSERT_FALSE(big->op[0].applied);
	CU_ASSERT_PTR_NULL(big->op[1].payload);
	CU_ASSERT_EQUAL(after->error, PAR_OK);
	CU_ASSERT_EQUAL(after->op[0].id, 3);
	CU_ASSERT_EQUAL(store_metric(&store, "retries_total"), 3);
	CU_ASSERT_EQUAL(store_metric(&store, "failures_total"), 1);
	CU_ASSERT_PTR_NULL(store_down(&store));

	limit_files(1 << 10);
	CU_ASSERT_EQUAL(do_append(&store, "alice", "bob", "c3", "text")->error, PAR_E_UNAVAILABLE);
	CU_ASSERT(says(store_down(&store), "disk"));
	limit_files(RLIM_INFINITY);
	until_down_says(&store, NULL);
	CU_ASSERT_EQUAL(do_append(&store, "alice", "bob", "c3", "text")->op[0].id, 4);
	CU_ASSERT_EQUAL(do_append(&store, "alice", "bob", "big", large)->op[0].id, 5);
	CU_ASSERT_EQUAL(ask_events(&store, "bob", "phone", 0)->n, 0);
	CU_ASSERT_EQUAL(ask_chat(&store, "bob", "alice")->chats[0].missed, 5);
	store_close(&store);
}

/* Of many that find no room a few are tried; and the file is as good as before. */
static void test_full_disk_under_load(void)
{
	struct outcome *out[50];
	unsigned i, failed = 0;

	store_open(&store, OBJECT, CONFIG);
	do_append(&store, "alice", "bob", "c0", "text");
	limit_files(512 << 10);
	for (i = 0; i < 50; i++)
		out[i] = submit_large(store_format(&store, "big%u", i));
	store_settle(&store);
	for (i = 0; i < 50; i++)
		failed += out[i]->error == PAR_E_UNAVAILABLE && !out[i]->op[0].applied;
	CU_ASSERT_EQUAL(failed, 50);
	CU_ASSERT_EQUAL(store_metric(&store, "retries_total"), 3);
	CU_ASSERT_EQUAL(store_metric(&store, "refused_total"), 47);
	CU_ASSERT(says(store_down(&store), "disk"));
	until_down_says(&store, NULL);
	CU_ASSERT_EQUAL(do_append(&store, "alice", "bob", "c1", "text")->op[0].id, 2);
	limit_files(RLIM_INFINITY);
	CU_ASSERT_EQUAL(ask_file(&store, "SELECT count(*) FROM message"), 2);
	CU_ASSERT_EQUAL(
	    ask_file(&store, "SELECT integrity_check = 'ok' FROM pragma_integrity_check"), 1);
	store_close(&store);
}

/* Fails once, and stores something after that. */
static void turn(unsigned n)
{
	struct outcome *out = submit_large("big");

	store_settle(&store);
	CU_ASSERT_EQUAL(out->error, PAR_E_UNAVAILABLE);
	do
		out = do_append(&store, "alice", "bob", store_format(&store, "c%u", n), "text");
	while (out->error == PAR_E_UNAVAILABLE);
	CU_ASSERT_EQUAL(out->error, PAR_OK);
}

/* What is small fits and what is large does not: that is stored, and it is not called
 * well at every turn. A turn may fall on a machine that stands still for long. */
static void test_well_and_ill_by_turns(void)
{
	unsigned n = 0;

	store_open(&store, OBJECT, CONFIG);
	do_append(&store, "alice", "bob", "c0", "text");
	limit_files(512 << 10);
	turn(++n);
	CU_ASSERT_PTR_NULL(store_down(&store));
	do
		turn(++n);
	while (store_down(&store) == NULL && n < 10);
	CU_ASSERT(says(store_down(&store), "disk"));
	until_down_says(&store, NULL);
	limit_files(RLIM_INFINITY);
	store_close(&store);
}

/* The log cannot be copied into the file, for want of room there: while the log
 * has room it is stored all the same, and said. */
static void test_no_room_for_a_checkpoint(void)
{
	unsigned i = 0;

	store_open(&store, OBJECT, CONFIG);
	other_run(&store, "CREATE TABLE filler (x); INSERT INTO filler VALUES (zeroblob(12000000));"
			  "PRAGMA wal_checkpoint(TRUNCATE)");
	limit_files(13000000);
	while (store_metric(&store, "checkpoint_failures_total") == 0 && i < 100) {
		struct outcome *out = submit_large(store_format(&store, "big%u", i++));
		store_settle(&store);
		CU_ASSERT_EQUAL_FATAL(out->error, PAR_OK);
		CU_ASSERT_EQUAL(out->op[0].id, i);
	}
	CU_ASSERT(host_logged(store.host, "it grows"));
	CU_ASSERT(store_metric(&store, "log_pages") >= 2000);
	CU_ASSERT_PTR_NULL(store_down(&store));
	limit_files(RLIM_INFINITY);
	while (!host_logged(store.host, "into the database again") && i < 100)
		do_append(&store, "alice", "bob", store_format(&store, "big%u", i++), large);
	CU_ASSERT(i < 100);
	store_reopen(&store);
	CU_ASSERT_EQUAL(ask_chat(&store, "bob", "alice")->chats[0].missed, i);
	store_close(&store);
}

/* Nobody could ever read what is written to a file that has no name. */
static void test_file_is_gone(void)
{
	const char *path, *aside;
	struct outcome *out;
	unsigned i = 0, stored;

	store_open(&store, OBJECT, CONFIG);
	path = file_path(&store, "p.db");
	aside = file_path(&store, "aside.db");
	do_append(&store, "alice", "bob", "c0", "text");
	CU_ASSERT_EQUAL(rename(path, aside), 0);
	do
		out = do_append(&store, "alice", "bob", store_format(&store, "c%u", ++i), "text");
	while (out->error == PAR_OK && i < 100000);
	stored = i;
	CU_ASSERT_EQUAL(out->error, PAR_E_UNAVAILABLE);
	CU_ASSERT(says(store_down(&store), "moved or removed"));
	CU_ASSERT_EQUAL(ask_messages(&store, "bob", "alice")->error, PAR_OK);
	fclose(fopen(path, "w"));
	CU_ASSERT_EQUAL(do_append(&store, "alice", "bob", "c", "text")->error, PAR_E_UNAVAILABLE);
	CU_ASSERT_EQUAL(rename(aside, path), 0);
	until_down_says(&store, NULL);
	CU_ASSERT_EQUAL(do_append(&store, "alice", "bob", "c", "text")->op[0].id, stored + 1);
	store_reopen(&store);
	CU_ASSERT_EQUAL(ask_chat(&store, "bob", "alice")->chats[0].missed, stored + 1);
	store_close(&store);
}

/* Nothing that is written comes near the damage. */
static void test_damage_met_by_a_reader(void)
{
	const char *keys[] = { "x", "y" };
	struct par_query *q;
	struct page *page;

	store_open(&store, OBJECT, CONFIG);
	store_shut(&store);
	other_run(&store, "PRAGMA writable_schema = ON;"
			  "UPDATE sqlite_schema SET rootpage = (SELECT rootpage FROM"
			  " sqlite_schema WHERE name = 'user') WHERE name = 'doc'");
	store_reopen(&store);
	CU_ASSERT_EQUAL(do_event(&store, "alice", "{}")->op[0].seq, 1);
	CU_ASSERT_PTR_NULL(store_down(&store));
	q = store_query(&store, PAR_QUERY_DOC_GET, "alice");
	q->plugin = q->key = par_str_of("x");
	CU_ASSERT_EQUAL(store_run_query(&store, q)->error, PAR_E_INTERNAL);
	CU_ASSERT(says(store_down(&store), "damaged"));
	page = store_run_query(&store, store_docs_query(&store, "x", keys, 2));
	CU_ASSERT_EQUAL(page->error, PAR_E_INTERNAL);
	CU_ASSERT_EQUAL(page->n, 0);
	CU_ASSERT_EQUAL(do_event(&store, "alice", "{}")->op[0].seq, 2);
	CU_ASSERT(says(store_down(&store), "damaged"));
	store_close(&store);
}

static void test_damaged_file(void)
{
	store_open(&store, OBJECT, CONFIG);
	do_append(&store, "alice", "bob", "c0", "text");
	store_shut(&store);
	other_run(&store, "PRAGMA writable_schema = ON;"
			  "UPDATE sqlite_schema SET rootpage = 3 WHERE name = 'message_dedupe'");
	store_reopen(&store);
	CU_ASSERT_EQUAL(do_append(&store, "alice", "bob", "c1", "text")->error, PAR_E_INTERNAL);
	/* The rest of it works, but nobody should overlook this. */
	CU_ASSERT_EQUAL(do_event(&store, "alice", "{}")->op[0].seq, 1);
	CU_ASSERT(says(store_down(&store), "damaged"));
	store_close(&store);
}

int main(void)
{
	static const struct unit_test tests[] = {
		{ "locked_by_another", test_locked_by_another },
		{ "locked_for_a_moment", test_locked_for_a_moment },
		{ "down_and_locked", test_down_and_locked },
		{ "full_disk", test_full_disk },
		{ "full_disk_under_load", test_full_disk_under_load },
		{ "well_and_ill_by_turns", test_well_and_ill_by_turns },
		{ "no_room_for_a_checkpoint", test_no_room_for_a_checkpoint },
		{ "file_is_gone", test_file_is_gone },
		{ "damaged_file", test_damaged_file },
		{ "damage_met_by_a_reader", test_damage_met_by_a_reader },
		{ NULL, NULL },
	};

	return unit_main("sqlite_down", tests);
}
