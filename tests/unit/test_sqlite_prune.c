/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How storage_sqlite forgets: PRUNE in steps, what stays known of a stream that
 * is empty, devices of servers that died. What every storage owes is tested
 * elsewhere; here it is the file, read anew after each step, and the ways of
 * finding the work, which must not lead through everything there is.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sqlite_test.h"

#include "../../plugins/storage_sqlite/statements.h"

#define CONFIG "{\"path\": \"@DIR@/p.db\"}"
#define DAY ((uint64_t)86400000)

static struct store store;

/* One step; `age` and `unseen` are for how long, 0: for ever. */
static struct result prune(uint64_t age, uint64_t unseen, unsigned limit)
{
	uint64_t now = store.host->now;
	struct outcome *out =
	    do_prune(&store, age == 0 ? 0 : now - age, unseen == 0 ? 0 : now - unseen, limit);

	CU_ASSERT_EQUAL(out->error, PAR_OK);
	return out->op[0];
}

static bool pruned(struct result step, uint64_t events, uint64_t devices, bool more)
{
	return step.events == events && step.devices == devices && step.applied == more;
}

static void events(const char *user, unsigned n)
{
	while (n-- > 0)
		do_event(&store, user, "{}");
}

static uint64_t first_kept(const char *user)
{
	struct page *page = ask_events(&store, user, "none", 0);

	return page->n == 0 ? 0 : page->events[0].seq;
}

static void test_old_events_go_in_steps(void)
{
	store_open(&store, OBJECT, CONFIG);
	events("alice", 3);
	events("bob", 2);
	events("alice", 3);
	host_advance(store.host, DAY);
	events("alice", 1);
	events("carol", 1);
	CU_ASSERT(pruned(prune(DAY, 0, 4), 0, 0, false));
	host_advance(store.host, 1);
	CU_ASSERT(pruned(prune(DAY, 0, 4), 4, 0, true));
	CU_ASSERT_EQUAL(first_kept("alice"), 4);
	CU_ASSERT_EQUAL(first_kept("bob"), 2);
	store_reopen(&store);
	CU_ASSERT_EQUAL(first_kept("alice"), 4);
	host_advance(store.host, DAY + 1);
	CU_ASSERT(pruned(prune(DAY, 0, 4), 4, 0, true));
	CU_ASSERT(pruned(prune(DAY, 0, 4), 0, 0, false));
	CU_ASSERT_EQUAL(first_kept("alice"), 7);
	CU_ASSERT_EQUAL(first_kept("carol"), 1);
	store_close(&store);
}

/* All of a stream is gone, its end is not: in the cache, and in the file. */
static void test_end_of_an_empty_stream(void)
{
	struct par_device_state state;
	unsigned i;

	store_open(&store, OBJECT, CONFIG);
	ask_device(&store, "alice", "phone");
	events("alice", 5);
	events("bob", 1);
	do_cursor(&store, "alice", "phone", 2, 5, true);
	host_advance(store.host, 2 * DAY);
	CU_ASSERT(pruned(prune(DAY, 0, 100), 4, 0, false));
	for (i = 0; i < 2; i++) {
		CU_ASSERT_EQUAL(ask_events(&store, "bob", "none", 0)->device.last_seq, 1);
		state = ask_events(&store, "alice", "phone", 2)->device;
		CU_ASSERT_EQUAL(state.last_seq, 5);
		CU_ASSERT_EQUAL(state.resync_from, 6);
		state = ask_device(&store, "alice", "phone")->device;
		CU_ASSERT_EQUAL(state.acked, 2);
		CU_ASSERT_EQUAL(state.last_seq, 5);
		CU_ASSERT_EQUAL(state.resync_from, 6);
		do_cursor(&store, "alice", "phone", 2, 5, true);
		store_reopen(&store);
	}
	CU_ASSERT_EQUAL(do_event(&store, "alice", "{}")->op[0].seq, 6);
	CU_ASSERT_EQUAL(do_event(&store, "bob", "{}")->op[0].seq, 2);
	state = ask_device(&store, "alice", "phone")->device;
	CU_ASSERT_EQUAL(state.resync_from, 6);
	do_cursor(&store, "alice", "phone", 5, 5, true);
	CU_ASSERT_EQUAL(ask_device(&store, "alice", "phone")->device.resync_from, 0);
	CU_ASSERT_EQUAL(first_kept("alice"), 6);
	store_close(&store);
}

/* The last events of a device that is to be forgotten go first, then the device:
 * a server that dies in between leaves nothing that the next one would not find. */
static void test_unseen_devices_go_in_steps(void)
{
	struct par_device_state state;

	store_open(&store, OBJECT, CONFIG);
	ask_device(&store, "alice", "phone");
	ask_device(&store, "alice", "old");
	do_cursor(&store, "alice", "old", 0, 0, true);
	events("alice", 10);
	host_advance(store.host, 2 * DAY);
	do_cursor(&store, "alice", "phone", 9, 10, false);
	CU_ASSERT_EQUAL(first_kept("alice"), 1);
	CU_ASSERT(pruned(prune(0, DAY, 4), 4, 0, true));
	CU_ASSERT_EQUAL(ask_file(&store, "SELECT count(*) FROM device"), 2);
	store_reopen(&store);
	host_advance(store.host, 2 * DAY);
	do_cursor(&store, "alice", "phone", 9, 10, false);
	CU_ASSERT(pruned(prune(0, DAY, 4), 4, 0, true));
	CU_ASSERT(pruned(prune(0, DAY, 4), 1, 1, false));
	CU_ASSERT_EQUAL(first_kept("alice"), 10);
	CU_ASSERT_EQUAL(ask_file(&store, "SELECT count(*) FROM device"), 1);
	store_reopen(&store);
	state = ask_device(&store, "alice", "old")->device;
	CU_ASSERT_EQUAL(state.acked, 9);
	CU_ASSERT_EQUAL(state.resync_from, 11);
	/* also from one DEVICE to the next */
	do_cursor(&store, "alice", "old", 9, 9, true);
	store_reopen(&store);
	CU_ASSERT_EQUAL(ask_device(&store, "alice", "old")->device.resync_from, 11);
	do_cursor(&store, "alice", "old", 10, 10, true);
	CU_ASSERT_EQUAL(ask_device(&store, "alice", "old")->device.resync_from, 0);
	store_close(&store);
}

/* What is too much to be dropped along with an ack is left to PRUNE, of any server. */
static void test_acked_at_once(void)
{
	unsigned i;

	store_open(&store, OBJECT, CONFIG);
	ask_device(&store, "alice", "phone");
	for (i = 0; i < 2500; i++) {
		struct par_tx *tx = store_tx(&store);
		add_event(&store, tx, "alice", "{}");
		store_submit(&store, tx);
	}
	store_settle(&store);
	CU_ASSERT(pruned(prune(0, DAY, 1000), 0, 0, false));
	do_cursor(&store, "alice", "phone", 2400, 2500, true);
	CU_ASSERT_EQUAL(first_kept("alice"), 1001);
	store_reopen(&store);
	/* No step is long, whatever the limit. */
	for (i = 0; i < 5; i++)
		CU_ASSERT(pruned(prune(0, DAY, 1000), 250, 0, true));
	CU_ASSERT(pruned(prune(0, DAY, 1000), 150, 0, false));
	CU_ASSERT_EQUAL(first_kept("alice"), 2401);
	CU_ASSERT(pruned(prune(0, DAY, 1000), 0, 0, false));
	store_close(&store);
}

/* Runs `then` in a server that is killed. */
static void in_killed_server(void (*then)(void))
{
	int status = -1;
	pid_t child;

	store_shut(&store);
	child = fork();
	if (child == 0) {
		store_reopen(&store);
		then();
		_exit(0);
	}
	CU_ASSERT_EQUAL(waitpid(child, &status, 0), child);
	CU_ASSERT_EQUAL(status, 0);
	store_reopen(&store);
}

static void connect_phone(void)
{
	ask_device(&store, "alice", "phone");
	events("alice", 3);
}

/* It is not connected for ever, and neither is it unseen all that time. */
static void test_server_died(void)
{
	store_open(&store, OBJECT, CONFIG);
	in_killed_server(connect_phone);
	in_killed_server(connect_phone);
	host_advance(store.host, 9 * DAY);
	events("alice", 1);
	CU_ASSERT(pruned(prune(0, DAY, 9), 0, 0, false));
	host_advance(store.host, DAY);
	CU_ASSERT(pruned(prune(0, DAY, 9), 0, 0, false));
	CU_ASSERT_EQUAL(ask_device(&store, "alice", "phone")->device.sent, 7);
	CU_ASSERT_EQUAL(ask_file(&store, "SELECT connected = value FROM device, meta"
					 " WHERE key = 'generation'"),
			1);
	host_advance(store.host, 9 * DAY);
	CU_ASSERT(pruned(prune(0, DAY, 9), 0, 0, false));
	do_cursor(&store, "alice", "phone", 0, 3, true);
	CU_ASSERT_EQUAL(ask_device(&store, "alice", "phone")->device.sent, 7);
	in_killed_server(connect_phone);
	prune(0, DAY, 9);
	host_advance(store.host, DAY + 1);
	CU_ASSERT(pruned(prune(0, DAY, 99), 10, 1, false));
	store_close(&store);
}

static struct page *device_of_two(const char *name)
{
	struct par_query *q = store_query(&store, PAR_QUERY_DEVICE, "alice");

	q->device = par_str_of(name);
	q->limit = 2;
	return store_run_query(&store, q);
}

static void connect_two(void)
{
	device_of_two("a");
	host_advance(store.host, 5);
	device_of_two("b");
}

/* What a dead server had does not take the places of devices. */
static void test_server_died_with_all_devices(void)
{
	store_open(&store, OBJECT, CONFIG);
	in_killed_server(connect_two);
	CU_ASSERT_EQUAL(device_of_two("c")->error, PAR_OK);
	CU_ASSERT_EQUAL(ask_file(&store, "SELECT name = 'b' FROM device ORDER BY name"), 1);
	CU_ASSERT_EQUAL(device_of_two("b")->error, PAR_OK);
	CU_ASSERT_EQUAL(device_of_two("d")->error, PAR_E_TOO_LARGE);
	CU_ASSERT_EQUAL(ask_file(&store, "SELECT count(*) FROM device"), 2);
	store_close(&store);
}

/* Events that only the device waited for that made room for another one. */
static void test_forgotten_for_another(void)
{
	store_open(&store, OBJECT, CONFIG);
	device_of_two("a");
	do_cursor(&store, "alice", "a", 0, 0, true);
	host_advance(store.host, 5);
	device_of_two("b");
	events("alice", 6);
	do_cursor(&store, "alice", "b", 4, 6, true);
	CU_ASSERT_EQUAL(first_kept("alice"), 1);
	CU_ASSERT_EQUAL(device_of_two("c")->device.resync_from, 7);
	CU_ASSERT(pruned(prune(0, DAY, 1000), 4, 0, false));
	CU_ASSERT_EQUAL(first_kept("alice"), 5);
	store_close(&store);
}

/* A clock that jumps back stores events that are no older than those before. */
static void test_clock_jumps_back(void)
{
	store_open(&store, OBJECT, CONFIG);
	host_advance(store.host, 9 * DAY);
	events("alice", 2);
	store.host->now -= 5 * DAY;
	events("alice", 2);
	store_reopen(&store);
	events("alice", 2);
	host_advance(store.host, 10 * DAY);
	CU_ASSERT(pruned(prune(2 * DAY, 0, 100), 0, 0, false));
	CU_ASSERT(pruned(prune(DAY - 1, 0, 100), 6, 0, false));
	store_close(&store);
}

static const char *plan_of(const char *sql)
{
	sqlite3 *file = other_open(&store);
	sqlite3_stmt *statement;
	const char *plan = "";

	sql = store_format(&store, "EXPLAIN QUERY PLAN %s", sql);
	CU_ASSERT_EQUAL_FATAL(sqlite3_prepare_v2(file, sql, -1, &statement, NULL), SQLITE_OK);
	while (sqlite3_step(statement) == SQLITE_ROW)
		plan = store_format(&store, "%s%s\n", plan, sqlite3_column_text(statement, 3));
	sqlite3_finalize(statement);
	sqlite3_close(file);
	return plan;
}

/* Two go along the oldest or the last rows, as far as a limit, and one along rows that it
 * made itself; the others scan nothing. */
static bool goes_straight(const char *name, const char *plan)
{
	if (strcmp(name, "ST_EVENTS_OLD") == 0)
		return strstr(plan, "SCAN event\n") != NULL && strstr(plan, "TEMP") == NULL;
	if (strcmp(name, "ST_EVENT_LAST_AT") == 0)
		return strcmp(plan, "SCAN event\n") == 0;
	if (strcmp(name, "ST_EVENTS_ADD") == 0)
		return strstr(plan, "SCAN event") == NULL;
	return strstr(plan, "SCAN") == NULL;
}

static void test_plans(void)
{
#define X(name, sql) { #name, sql },
	static const struct {
		const char *name, *sql;
	} all[] = { STATEMENTS(X) };
#undef X
	unsigned i;

	store_open(&store, OBJECT, CONFIG);
	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		const char *plan = plan_of(all[i].sql);
		if (getenv("PLANS") != NULL)
			printf("%s: %s\n%s\n", all[i].name, all[i].sql, plan);
		CU_ASSERT(goes_straight(all[i].name, plan));
	}
	store_close(&store);
}

int main(void)
{
	static const struct unit_test tests[] = {
		{ "old_events_go_in_steps", test_old_events_go_in_steps },
		{ "end_of_an_empty_stream", test_end_of_an_empty_stream },
		{ "unseen_devices_go_in_steps", test_unseen_devices_go_in_steps },
		{ "acked_at_once", test_acked_at_once },
		{ "server_died", test_server_died },
		{ "server_died_with_all_devices", test_server_died_with_all_devices },
		{ "forgotten_for_another", test_forgotten_for_another },
		{ "clock_jumps_back", test_clock_jumps_back },
		{ "plans", test_plans },
		{ NULL, NULL },
	};

	return unit_main("sqlite_prune", tests);
}
