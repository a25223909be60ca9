/* SPDX-License-Identifier: BSD-2-Clause */
/* storage_postgres: connections lost exactly at a commit, rows that others have locked, and
 * deadlocks. A cutter (tests/support) lies in between. EVENT has no client id: one that was
 * carried out twice would show. */
#include <signal.h>

#include "postgres_test.h"
#include "support/cutter.h"

static struct store store;
static struct cutter cutter;

static int64_t metric(const char *name)
{
	return host_metric(store.host, "storage_postgres", name);
}

static void open_with(const char *options, int connections, unsigned timeout)
{
	cutter_start(&cutter);
	memset(&store, 0, sizeof(store));
	store.object = OBJECT;
	store.config = store_format(&store,
				    "{\"conninfo\": \"host=%s dbname=fresh_@NAME@ %s\","
				    " \"connections\": %d, \"timeout\": %u}",
				    cutter.dir, options, connections, timeout);
	store.prepare = PREPARE;
	store_open_fresh(&store);
	while (metric("connections") < connections)
		host_turn(store.host);
}

static void open_store(int connections, unsigned timeout)
{
	open_with("", connections, timeout);
}

static void close_store(void)
{
	store_close(&store);
	cutter_end(&cutter);
}

static struct outcome *submit_event(const char *user, const char *payload)
{
	struct par_tx *tx = store_tx(&store);

	add_event(&store, tx, user, payload);
	return store_submit(&store, tx);
}

/* Turns the loop until the storage says that it is down, or well. */
static void turn_until_down(bool down)
{
	struct host *host = store.host;

	while ((host->storage->down(host->storage_state) != NULL) != down)
		host_turn(host);
}

/* Names that are new are made in a transaction of their own: these are there. */
static void make_known(void)
{
	do_append(&store, "bob", "carol", "c0", "text");
	do_event(&store, "alice", "{}");
	ask_device(&store, "dave", "phone");
}

static void a_commit_that_did_not_arrive_is_done_again(void)
{
	struct outcome *outcome;

	open_store(1, 2000);
	CU_ASSERT_EQUAL(do_event(&store, "alice", "{}")->op[0].seq, 1);
	cutter.cut = CUT_BEFORE;
	outcome = do_event(&store, "alice", "{\"a\":1}");
	CU_ASSERT_EQUAL(outcome->error, PAR_OK);
	CU_ASSERT_EQUAL(outcome->op[0].seq, 2);
	CU_ASSERT_EQUAL(metric("in_doubt_total"), 1);
	CU_ASSERT_EQUAL(metric("retries_total"), 1);
	CU_ASSERT_EQUAL(metric("losses_total"), 1);
	CU_ASSERT_EQUAL(do_event(&store, "alice", "{}")->op[0].seq, 3);
	CU_ASSERT_STRING_EQUAL(ask_database(&store, "SELECT count(*) FROM event"), "3");
	close_store();
}

static void a_commit_that_stood_is_not_done_again(void)
{
	struct outcome *event, *append;
	struct par_query *query;
	struct page *device;
	struct par_tx *tx;

	open_store(1, 2000);
	make_known();
	cutter.cut = CUT_AFTER;
	event = submit_event("alice", "{\"a\":1}");
	tx = store_tx(&store);
	add_append(&store, tx, "bob", "carol", "c1", "text");
	append = store_submit(&store, tx);
	query = store_query(&store, PAR_QUERY_DEVICE, "dave");
	query->device = par_str_of("phone");
	device = store_ask(&store, query);
	store_settle(&store);
	CU_ASSERT_EQUAL(event->error, PAR_OK);
	CU_ASSERT_EQUAL(event->op[0].seq, 2);
	CU_ASSERT_STRING_EQUAL(event->op[0].payload, "{\"a\":1}");
	CU_ASSERT_EQUAL(append->op[0].id, 2);
	CU_ASSERT_STRING_EQUAL(append->op[0].client_id, "c1");
	CU_ASSERT(append->op[0].applied);
	CU_ASSERT_EQUAL(device->error, PAR_OK);
	CU_ASSERT_EQUAL(metric("in_doubt_total"), 3);
	CU_ASSERT_EQUAL(metric("retries_total"), 0);
	CU_ASSERT_STRING_EQUAL(ask_database(&store, "SELECT count(*) FROM event"), "2");
	CU_ASSERT_STRING_EQUAL(ask_database(&store, "SELECT count(*) FROM message"), "2");
	close_store();
}

/* Nobody can say what became of it: so the answer is that, in time; and it stood. */
static void doubt_that_lasts_is_unavailable(void)
{
	struct outcome *outcome;

	open_store(1, 2000);
	make_known();
	cutter.cut = CUT_AFTER;
	cutter.away = true;
	outcome = do_event(&store, "alice", "{}");
	CU_ASSERT_EQUAL(outcome->error, PAR_E_UNAVAILABLE);
	turn_until_down(true);
	CU_ASSERT_EQUAL(do_event(&store, "alice", "{}")->error, PAR_E_UNAVAILABLE);
	cutter.away = false;
	turn_until_down(false);
	CU_ASSERT_EQUAL(do_event(&store, "alice", "{}")->op[0].seq, 3);
	CU_ASSERT_EQUAL(metric("in_doubt_total"), 1);
	close_store();
}

/* While it is not known what became of a transaction nobody reads or writes what it was about;
 * others are not disturbed. */
static void doubt_holds_up_whom_it_concerns(void)
{
	struct outcome *doubtful, *other, *same;
	struct page *page;

	open_store(2, 1000);
	make_known();
	cutter.cut = CUT_AFTER;
	cutter.away = true;
	doubtful = do_event(&store, "alice", "{}");
	CU_ASSERT_EQUAL(doubtful->error, PAR_E_UNAVAILABLE);
	other = do_event(&store, "bob", "{}");
	CU_ASSERT_EQUAL(other->error, PAR_OK);
	same = do_event(&store, "alice", "{}");
	CU_ASSERT_EQUAL(same->error, PAR_E_UNAVAILABLE);
	page = ask_events(&store, "alice", "phone", 0);
	CU_ASSERT_EQUAL(page->error, PAR_E_UNAVAILABLE);
	CU_ASSERT_PTR_NULL(store.host->storage->down(store.host->storage_state));
	cutter.away = false;
	while (metric("connections") < 2)
		host_turn(store.host);
	page = ask_events(&store, "alice", "phone", 0);
	CU_ASSERT_EQUAL(page->n, 2);
	CU_ASSERT_EQUAL(do_event(&store, "alice", "{}")->op[0].seq, 3);
	close_store();
}

static void the_end_settles_a_doubt(void)
{
	struct outcome *outcome;

	open_store(1, 2000);
	make_known();
	cutter.cut = CUT_AFTER;
	cutter.away = true;
	outcome = submit_event("alice", "{}");
	store.host->storage->flush(store.host->storage_state);
	while (metric("in_doubt_total") == 0)
		host_turn(store.host);
	cutter.away = false;
	store_shut(&store);
	CU_ASSERT(outcome->done);
	CU_ASSERT_EQUAL(outcome->error, PAR_OK);
	CU_ASSERT_STRING_EQUAL(ask_database(&store, "SELECT count(*) FROM event"), "2");
	close_store();
}

/* --- what others do --- */

static void run_other(PGconn *other, const char *sql)
{
	PGresult *result = PQexec(other, sql);

	CU_ASSERT(PQresultStatus(result) != PGRES_FATAL_ERROR);
	PQclear(result);
}

static void connections_that_are_ended_are_made_again(void)
{
	PGconn *other;

	open_store(2, 8000);
	other = other_open(&store);
	run_other(other, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE"
			 " application_name = 'parlanced' AND datname = current_database()");
	PQfinish(other);
	CU_ASSERT_EQUAL(do_event(&store, "alice", "{}")->op[0].seq, 1);
	while (metric("losses_total") < 2 || metric("connections") < 2)
		host_turn(store.host);
	CU_ASSERT_EQUAL(do_event(&store, "alice", "{}")->op[0].seq, 2);
	CU_ASSERT_EQUAL(metric("in_doubt_total"), 0);
	close_store();
}

/* A row that somebody holds fails who needs it, and nobody else in the batch. */
static void a_locked_row_fails_alone(void)
{
	struct outcome *outcome[3];
	static const char *const users[3] = { "alice", "bob", "carol" };
	PGconn *other;
	unsigned i;

	open_store(1, 2000);
	for (i = 0; i < 3; i++)
		do_event(&store, users[i], "{}");
	other = other_open(&store);
	run_other(other, "BEGIN; SELECT FROM users WHERE name = 'bob' FOR UPDATE");
	for (i = 0; i < 3; i++)
		outcome[i] = submit_event(users[i], "{}");
	store_settle(&store);
	CU_ASSERT_EQUAL(outcome[0]->error, PAR_OK);
	CU_ASSERT_EQUAL(outcome[1]->error, PAR_E_UNAVAILABLE);
	CU_ASSERT_EQUAL(outcome[2]->error, PAR_OK);
	CU_ASSERT_EQUAL(metric("losses_total"), 0);
	CU_ASSERT_PTR_NULL(store.host->storage->down(store.host->storage_state));
	run_other(other, "ROLLBACK");
	PQfinish(other);
	CU_ASSERT_EQUAL(do_event(&store, "bob", "{}")->op[0].seq, 2);
	close_store();
}

/* The other has the user and wants the chat, ours has the chat and wants the user. Ours looks
 * after two seconds whether it is so, and is refused; the other would wait for long. */
static void a_deadlock_is_tried_again(void)
{
	struct outcome *outcome;
	struct par_tx *tx;
	PGconn *other;

	open_with("options='-c deadlock_timeout=2s'", 1, 16000);
	do_append(&store, "alice", "bob", "c1", "text");
	other = other_open(&store);
	run_other(other, "SET deadlock_timeout = '1h'; BEGIN;"
			 "SELECT FROM users WHERE name = 'bob' FOR UPDATE");
	tx = store_tx(&store);
	add_append(&store, tx, "alice", "bob", "c2", "text");
	add_event(&store, tx, "bob", "{}");
	outcome = store_submit(&store, tx);
	store.host->storage->flush(store.host->storage_state);
	while (strcmp(ask_database(&store, "SELECT count(*) FROM pg_stat_activity WHERE"
					   " wait_event_type = 'Lock'"),
		      "1") != 0)
		host_turn(store.host);
	CU_ASSERT(PQsendQuery(other, "SELECT FROM chat FOR UPDATE; COMMIT"));
	store_settle(&store);
	CU_ASSERT_EQUAL(outcome->error, PAR_OK);
	CU_ASSERT_EQUAL(outcome->op[0].id, 2);
	/* ours may be back before the other woke up, and in its way once more */
	CU_ASSERT(metric("retries_total") >= 1);
	CU_ASSERT(host_logged(store.host, "40P01"));
	PQfinish(other);
	close_store();
}

/* The process at the other end of the connection that carries something. */
static pid_t busy_process(void)
{
	const char *pid = NULL;

	while (pid == NULL)
		pid = ask_database(&store, "SELECT pid FROM pg_stat_activity WHERE"
					   " application_name = 'parlanced'"
					   " AND datname = current_database()"
					   " AND wait_event_type = 'Lock'");
	return (pid_t)atol(pid);
}

/* What one lane gives up at the end, another one must not begin: the second is stuck with bob,
 * and the first is idle. */
static void the_end_leaves_nothing(void)
{
	struct outcome *alice, *bob[2];
	PGconn *others[2];
	pid_t process;

	open_store(2, 2000);
	do_event(&store, "alice", "{}");
	do_event(&store, "bob", "{}");
	others[0] = other_open(&store);
	others[1] = other_open(&store);
	run_other(others[0], "BEGIN; SELECT FROM users WHERE name = 'alice' FOR UPDATE");
	alice = submit_event("alice", "{}");
	store.host->storage->flush(store.host->storage_state);
	kill(process = busy_process(), SIGSTOP);
	run_other(others[1], "BEGIN; SELECT FROM users WHERE name = 'bob' FOR UPDATE");
	bob[0] = submit_event("bob", "{}");
	bob[1] = submit_event("bob", "{}");
	store.host->storage->flush(store.host->storage_state);
	kill(process, SIGCONT);
	run_other(others[0], "ROLLBACK");
	kill(process = busy_process(), SIGSTOP);
	while (!alice->done)
		host_turn(store.host);
	store_shut(&store);
	kill(process, SIGCONT);
	CU_ASSERT_EQUAL(alice->error, PAR_OK);
	CU_ASSERT(bob[0]->done && bob[1]->done);
	CU_ASSERT_EQUAL(bob[0]->error, PAR_E_UNAVAILABLE);
	CU_ASSERT_EQUAL(bob[1]->error, PAR_E_UNAVAILABLE);
	run_other(others[1], "ROLLBACK");
	PQfinish(others[0]);
	PQfinish(others[1]);
	CU_ASSERT_STRING_EQUAL(ask_database(&store, "SELECT count(*) FROM event"), "3");
	close_store();
}

static const struct unit_test tests[] = {
	{ "a commit that did not arrive is done again",
	  a_commit_that_did_not_arrive_is_done_again },
	{ "a commit that stood is not done again", a_commit_that_stood_is_not_done_again },
	{ "doubt that lasts is unavailable", doubt_that_lasts_is_unavailable },
	{ "doubt holds up whom it concerns", doubt_holds_up_whom_it_concerns },
	{ "the end settles a doubt", the_end_settles_a_doubt },
	{ "connections that are ended are made again", connections_that_are_ended_are_made_again },
	{ "a locked row fails alone", a_locked_row_fails_alone },
	{ "a deadlock is tried again", a_deadlock_is_tried_again },
	{ "the end leaves nothing", the_end_leaves_nothing },
	{ NULL, NULL },
};

int main(void)
{
	return unit_main("storage_postgres: what is lost", tests);
}
