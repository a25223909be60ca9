/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * storage_sqlite on a disk that fails: every write and every sync in turn, and
 * what is found after the power went off. What was answered is there, once, and
 * in order. What failed may be there, since nobody knows what a disk has done that
 * says it could not; then whoever sends it again is told so.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "sqlite_test.h"
#include "support/faulty_disk.h"

#define CONFIG "{\"path\": \"@DIR@/p.db\", \"batch\": 8}"
#define MESSAGES 24
#define LARGE (300 << 10)

static struct store store, later;
static char text[LARGE + 1];

static struct outcome *submit(unsigned i, const char *content)
{
	struct par_tx *tx = store_tx(&store);

	add_append(&store, tx, "alice", "bob", store_format(&store, "c%u", i), content);
	add_event(&store, tx, "bob", "{\"id\":@00}")->when = 0;
	return store_submit(&store, tx);
}

/* Batches of four messages; the last of each is larger than what goes to the disk at once. */
static void submit_all(struct outcome **out, unsigned from, unsigned n)
{
	unsigned i;

	for (i = from; i < from + n; i++) {
		out[i] = submit(i, text + (i % 4 == 3 ? 0 : LARGE - 100));
		if (i % 4 == 3)
			store_settle(&store);
	}
	store_settle(&store);
}

/* A second store on what is left of the first. */
static void open_later(void (*move)(const char *from, const char *to))
{
	store_open(&later, OBJECT, CONFIG);
	store_shut(&later);
	move(store.dir, later.dir);
	store_reopen(&later);
}

/* Of what was answered all is there, and nothing twice. */
static void judge(struct outcome *const *out, unsigned n)
{
	struct par_query *q = store_query(&later, PAR_QUERY_MESSAGES, "bob");
	struct page *page;
	unsigned i, kept;

	q->chat = store_chat(&later, "bob", "alice");
	q->limit = 500;
	q->max_bytes = (size_t)64 << 20;
	page = store_run_query(&later, q);
	CU_ASSERT_EQUAL_FATAL(page->error, PAR_OK);
	kept = page->n;
	for (i = 0; i < kept; i++)
		CU_ASSERT_EQUAL(page->messages[i].id, i + 1);
	CU_ASSERT_EQUAL(ask_events(&later, "bob", "none", 0)->device.last_seq, kept);
	for (i = 0; i < n; i++) {
		uint64_t id = out[i]->op[0].id;
		if (out[i]->error != PAR_OK) {
			CU_ASSERT_EQUAL(out[i]->error, PAR_E_UNAVAILABLE);
			CU_ASSERT_EQUAL(id, 0);
			continue;
		}
		CU_ASSERT_FATAL(id > 0 && id <= kept);
		CU_ASSERT(str_is(page->messages[id - 1].client_id, store_format(&later, "c%u", i)));
	}
	CU_ASSERT_EQUAL(ask_file(&later, "SELECT integrity_check = 'ok'"
					 " FROM pragma_integrity_check"),
			1);
}

/* The call fails while all is stored; what failed is sent again; then the power goes. */
static bool one_fails(enum faulty_call call, unsigned after)
{
	struct outcome *out[MESSAGES], *again[MESSAGES];
	bool failed;
	unsigned i;

	faulty_disk_start();
	store_open(&store, OBJECT, CONFIG);
	faulty_disk_fail(call, after);
	submit_all(out, 0, MESSAGES);
	failed = faulty_disk_failed() != 0;
	open_later(faulty_disk_crash);
	judge(out, MESSAGES);
	store_close(&later);
	until_down_says(&store, NULL);
	submit_all(again, 0, MESSAGES);
	for (i = 0; i < MESSAGES; i++) {
		CU_ASSERT_EQUAL(again[i]->error, PAR_OK);
		if (out[i]->error == PAR_OK)
			CU_ASSERT_EQUAL(again[i]->op[0].id, out[i]->op[0].id);
	}
	open_later(faulty_disk_crash);
	judge(again, MESSAGES);
	store_close(&later);
	store_close(&store);
	faulty_disk_stop();
	return failed;
}

static void every(enum faulty_call call)
{
	unsigned after = 0;

	memset(text, 'x', LARGE);
	while (one_fails(call, after) && after < 1000)
		after++;
	CU_ASSERT(after > 5 && after < 1000);
}

static void test_every_write(void)
{
	every(FAULTY_WRITE);
}

static void test_every_sync(void)
{
	every(FAULTY_SYNC);
}

/* Enough for the log to be copied into the file, on a disk that fails then. */
static void test_checkpoint_fails(void)
{
	static struct outcome *out[200];
	enum faulty_call call;
	unsigned after, n;

	memset(text, 'x', LARGE);
	for (call = FAULTY_WRITE; call < FAULTY_CALLS; call++) {
		for (after = 0; after < 4; after++) {
			faulty_disk_start();
			store_open(&store, OBJECT, CONFIG);
			for (n = 0; store_metric(&store, "log_pages") < 1950 && n < 180; n += 4)
				submit_all(out, n, 4);
			faulty_disk_fail(call, call == FAULTY_SYNC ? after : 4 + after * 300);
			submit_all(out, n, 8);
			CU_ASSERT(faulty_disk_failed());
			open_later(faulty_disk_crash);
			judge(out, n + 8);
			store_close(&later);
			store_close(&store);
			faulty_disk_stop();
		}
	}
}

/* The disk refuses to sync a commit and forgets it, the server is killed, and the next
 * one still reads that commit. What that one stores must not be built on it. False: the kill
 * came too late, the server had looked already whether it can write again, and so had
 * written over that commit. */
static bool killed_after_a_failed_sync(void)
{
	struct outcome *out[8];
	struct store first;
	unsigned i, kept = 0;

	faulty_disk_start();
	store_open(&store, OBJECT, CONFIG);
	for (i = 0; i < 8; i++) {
		if (i == 4)
			faulty_disk_fail(FAULTY_SYNC, 0);
		out[i] = submit(i, "text");
		store_settle(&store);
		CU_ASSERT_EQUAL(out[i]->error, i == 4 ? PAR_E_UNAVAILABLE : PAR_OK);
		if (i != 4)
			continue;
		open_later(faulty_disk_kill);
		first = store;
		store = later;
		kept = ask_messages(&store, "bob", "alice")->n;
		CU_ASSERT(kept == 4 || kept == 5);
	}
	open_later(faulty_disk_crash);
	judge(out, 8);
	store_close(&later);
	store_close(&store);
	store_close(&first);
	faulty_disk_stop();
	return kept == 5;
}

static void test_killed_after_a_failed_sync(void)
{
	unsigned tries = 20;

	while (!killed_after_a_failed_sync() && --tries > 0)
		;
	CU_ASSERT(tries > 0);
}

int main(void)
{
	static const struct unit_test tests[] = {
		{ "every_write", test_every_write },
		{ "every_sync", test_every_sync },
		{ "checkpoint_fails", test_checkpoint_fails },
		{ "killed_after_a_failed_sync", test_killed_after_a_failed_sync },
		{ NULL, NULL },
	};

	return unit_main("sqlite_disk", tests);
}
