/* SPDX-License-Identifier: BSD-2-Clause */
/* storage_sqlite on a file that an earlier version has written: dumps of such lie beside this file. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "sqlite_test.h"

#define CONFIG "{\"path\": \"@DIR@/p.db\"}"
#define DAY ((uint64_t)86400000)

static struct store store;

/* The file of that version, just as the server left it that was killed. */
static void open_version(unsigned version)
{
	static char sql[16 << 10];
	char name[512];
	sqlite3 *file;
	FILE *dump;
	size_t n;

	snprintf(name, sizeof(name), UPGRADE_FILES "/sqlite_v%u.sql", version);
	dump = fopen(name, "r");
	CU_ASSERT_PTR_NOT_NULL_FATAL(dump);
	n = fread(sql, 1, sizeof(sql) - 1, dump);
	CU_ASSERT(n > 0 && n < sizeof(sql) - 1);
	sql[n] = '\0';
	fclose(dump);
	store_open(&store, OBJECT, CONFIG);
	store_shut(&store);
	CU_ASSERT_EQUAL(unlink(file_path(&store, "p.db")), 0);
	file = other_open(&store);
	other_exec(file, sql);
	sqlite3_close(file);
	store_reopen(&store);
}

static void test_keeps_everything(void)
{
	struct page *page;

	open_version(1);
	page = ask_messages(&store, "bob", "alice");
	CU_ASSERT_EQUAL_FATAL(page->n, 3);
	CU_ASSERT(str_is(page->messages[0].message, "edited"));
	CU_ASSERT(str_is(page->messages[1].message, "three"));
	CU_ASSERT_EQUAL(page->my_read, 1);
	CU_ASSERT_EQUAL(ask_chat(&store, "bob", "alice")->chats[0].missed, 1);
	CU_ASSERT_FALSE(do_append(&store, "alice", "bob", "a3", "three")->op[0].applied);
	CU_ASSERT_EQUAL(do_append(&store, "alice", "bob", "a5", "five")->op[0].id, 5);
	page = ask_events(&store, "bob", "laptop", 0);
	CU_ASSERT_EQUAL_FATAL(page->n, 3);
	CU_ASSERT_EQUAL(page->events[0].seq, 3);
	CU_ASSERT(text_is(page->events[2].payload, "{\"n\":5}"));
	CU_ASSERT_EQUAL(do_event(&store, "carol", "{}")->op[0].seq, 3);
	store_close(&store);
}

static void test_devices(void)
{
	struct par_device_state state;

	open_version(1);
	state = ask_device(&store, "bob", "laptop")->device;
	CU_ASSERT_EQUAL(state.acked, 2);
	CU_ASSERT_EQUAL(state.sent, 5);
	CU_ASSERT_EQUAL(state.n_above, 2);
	CU_ASSERT_EQUAL(state.resync_from, 0);
	/* It was connected when its server died. */
	do_event(&store, "bob", "{}");
	state = ask_device(&store, "bob", "phone")->device;
	CU_ASSERT_EQUAL(state.acked, 3);
	CU_ASSERT_EQUAL(state.sent, 6);
	/* Version 1 forgot devices and did not write it down. */
	state = ask_device(&store, "bob", "watch")->device;
	CU_ASSERT_EQUAL(state.acked, 5);
	CU_ASSERT_EQUAL(state.resync_from, 7);
	/* A new user has no such past. */
	ask_device(&store, "dave", "phone");
	do_event(&store, "dave", "{}");
	CU_ASSERT_EQUAL(ask_device(&store, "dave", "watch")->device.resync_from, 0);
	store_close(&store);
}

/* Nobody knows how old the events are: they are as new as the upgrade. */
static void test_events_are_not_old(void)
{
	uint64_t now;

	open_version(1);
	/* The one that every device has acked. */
	CU_ASSERT_EQUAL(do_prune(&store, store.host->now + DAY, 0, 100)->op[0].events, 1);
	now = (uint64_t)time(NULL) * 1000;
	CU_ASSERT_EQUAL(do_prune(&store, now - DAY, 0, 100)->op[0].events, 0);
	CU_ASSERT_EQUAL(do_prune(&store, now + DAY, 0, 100)->op[0].events, 3);
	store_close(&store);
}

/* An older server would write events without their time, and lose gaps. */
static void test_no_way_back(void)
{
	open_version(1);
	CU_ASSERT_EQUAL(ask_file(&store, "PRAGMA user_version"), 3);
	CU_ASSERT_EQUAL(ask_file(&store, "SELECT value FROM meta WHERE key = 'writer'"), 3);
	CU_ASSERT_EQUAL(
	    ask_file(&store, "SELECT integrity_check = 'ok' FROM pragma_integrity_check"), 1);
	store_close(&store);
}

static void test_version_2(void)
{
	static const uint64_t shown[] = { 2, 3, 4, 5, 6, 7 };
	struct par_tx *tx;
	struct page *page;
	unsigned i;

	open_version(2);
	page = ask_messages(&store, "bob", "alice");
	CU_ASSERT_EQUAL_FATAL(page->n, 6);
	for (i = 0; i < page->n; i++)
		CU_ASSERT_EQUAL(page->messages[i].id, shown[i]);
	CU_ASSERT_PTR_NOT_NULL(page->messages[2].reply.s);
	CU_ASSERT(page->messages[3].deleted > 0);
	CU_ASSERT_EQUAL(page->my_read, 1);
	CU_ASSERT_EQUAL(page->my_delivered, 3);
	CU_ASSERT_EQUAL(ask_chat(&store, "bob", "alice")->chats[0].missed, 2);
	page = ask_chats(&store, "alice");
	CU_ASSERT_EQUAL_FATAL(page->n, 3);
	CU_ASSERT(str_is(page->chats[0].peer, "bob"));
	CU_ASSERT(str_is(page->chats[1].peer, "alice"));
	CU_ASSERT_PTR_NULL(page->chats[0].name.s);
	CU_ASSERT_FALSE(do_append(&store, "alice", "bob", "a7", "seven")->op[0].applied);
	CU_ASSERT_EQUAL(do_append(&store, "alice", "bob", "a8", "eight")->op[0].id, 8);
	page = ask_events(&store, "bob", "laptop", 2);
	CU_ASSERT_EQUAL_FATAL(page->n, 1);
	CU_ASSERT(page->events[0].origin);
	CU_ASSERT(text_is(ask_doc(&store, "calls", "k"), "{\"v\":1}"));

	/* And groups, beside what was there. */
	do_roster(&store, PAR_ROSTER_CREATE, "alice", "grp_a", "bob dave");
	do_append(&store, "bob", "grp_a", "b1", "to all");
	tx = store_tx(&store);
	add_reach(&store, tx, PAR_REACH_MEMBERS, "bob", "grp_a", "{\"n\":4}")->u.event.missed =
	    true;
	CU_ASSERT_EQUAL(store_run(&store, tx)->op[0].n_receivers, 3);
	page = ask_events(&store, "bob", "laptop", 3);
	CU_ASSERT_EQUAL_FATAL(page->n, 1);
	CU_ASSERT(text_is(page->events[0].payload, "{\"n\":4,\"missed\":0}"));
	page = ask_chats(&store, "alice");
	CU_ASSERT_EQUAL_FATAL(page->n, 4);
	CU_ASSERT(str_is(page->chats[0].peer, "grp_a"));
	CU_ASSERT(str_is(page->chats[0].name, "name of grp_a"));
	CU_ASSERT(str_is(page->chats[1].peer, "bob"));
	CU_ASSERT_EQUAL(
	    ask_file(&store, "SELECT integrity_check = 'ok' FROM pragma_integrity_check"), 1);
	store_close(&store);
}

/* One that fails leaves the file as it was. */
static void test_all_or_nothing(void)
{
	struct host *host;
	struct par_plugin *plugin;

	open_version(1);
	store_shut(&store);
	other_run(&store, "ALTER TABLE device DROP COLUMN lost");
	other_run(&store, "PRAGMA user_version = 1");
	host = host_new();
	plugin = host_load(host, OBJECT,
			   store_format(&store, "{\"path\": \"%s\"}", file_path(&store, "p.db")));
	CU_ASSERT_PTR_NOT_NULL_FATAL(plugin);
	CU_ASSERT_FALSE(host_start(plugin));
	CU_ASSERT(says(host->error, "migration 2"));
	CU_ASSERT(says(host->error, "nothing is changed"));
	host_free(&host);
	CU_ASSERT_EQUAL(ask_file(&store, "PRAGMA user_version"), 1);
	CU_ASSERT_EQUAL(ask_file(&store, "SELECT count(*) FROM pragma_table_info('device')"
					 " WHERE name = 'lost'"),
			0);
	store_close(&store);
}

int main(void)
{
	static const struct unit_test tests[] = {
		{ "keeps_everything", test_keeps_everything },
		{ "devices", test_devices },
		{ "events_are_not_old", test_events_are_not_old },
		{ "no_way_back", test_no_way_back },
		{ "version_2", test_version_2 },
		{ "all_or_nothing", test_all_or_nothing },
		{ NULL, NULL },
	};

	return unit_main("sqlite_upgrade", tests);
}
