/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two servers on one PostgreSQL database, each with a host of its own, in one process: so what
 * they do at the same time is done in the same few microseconds, and what one does
 * between two steps of the other can be chosen.
 */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "postgres_test.h"

static struct store a, b;

static void open_both(void)
{
	postgres_open(&a);
	postgres_open_beside(&b, &a);
}

static void close_both(void)
{
	store_close(&b);
	store_close(&a);
}

static struct store *one_of(unsigned i)
{
	return i % 2 == 0 ? &a : &b;
}

/* --- writing the same --- */

#define USERS 40
#define WRITES 800
#define ROUNDS 12
#define MIDDLE 93 /* of k: that chat's key is in the middle, and begins with who writes */

/* Of the people who write from the g-th third round on; kept as long as the store. */
static const char *user_name(unsigned g, unsigned i)
{
	return store_format(&a, "u%u.%u", g, i % USERS);
}

/* What the core submits for a message: it, and an event for either user. */
static struct outcome *submit_new(struct store *s, const char *from, const char *to,
				  const char *client)
{
	struct par_tx *tx = store_tx(s);

	add_append(s, tx, from, to, client, "text");
	add_mark(s, tx, PAR_MARK_READ, from, to, 0)->when = 0;
	add_event(s, tx, to, "{}")->when = 0;
	add_event(s, tx, from, "{}")->when = 0;
	return store_submit(s, tx);
}

static unsigned from_of(unsigned k)
{
	return k * 7 + k / 11;
}

/* `apart` 1: the chat is none of those with 0. */
static unsigned to_of(unsigned k, unsigned apart)
{
	return from_of(k) + 1 + 2 * ((k * 5 + k / 3) % (USERS / 2 - 1)) + apart;
}

enum kind { NEW_CHATS, NEW_USERS, CHATS, USERS_ONLY };

static enum kind kind_of(unsigned round)
{
	if (round % 3 == 0)
		return round / 3 % 2 == 0 ? NEW_USERS : NEW_CHATS;
	return round % 3 == 1 ? CHATS : USERS_ONLY;
}

/* Both servers get the same users, one from behind; and the same chats, unless it is about
 * users: whoever waits for a chat has not come to the users yet. */
static void submit_round(struct outcome **out, unsigned round)
{
	bool same = kind_of(round) == CHATS || kind_of(round) == NEW_CHATS;
	unsigned i, k, g = round / 3;

	for (i = 0; i < WRITES; i++) {
		k = i % 2 == 0 ? i / 2 : (WRITES - i) / 2;
		out[i] = submit_new(one_of(i), user_name(g, from_of(k)),
				    user_name(g, to_of(k, !same && i % 2 == 1)),
				    store_format(&a, "c%u %u", round, i));
	}
}

/* Locks one row, or the name of one that is to be made, from the middle of what both lock. */
static const char *in_the_way(unsigned round)
{
	unsigned g = round / 3;
	const char *from = user_name(g, from_of(MIDDLE)), *to = user_name(g, to_of(MIDDLE, 0));

	switch (kind_of(round)) {
	case CHATS:
		return store_format(&a, "SELECT id FROM chat WHERE key = E'%s\\n%s' FOR UPDATE",
				    from, to);
	case USERS_ONLY:
		return store_format(&a, "SELECT id FROM users WHERE name = '%s' FOR UPDATE",
				    user_name(g, 25));
	case NEW_USERS:
		return store_format(&a, "INSERT INTO users (name) VALUES ('%s')", user_name(g, 25));
	default:
		return store_format(&a, "INSERT INTO chat (key) VALUES (E'%s\\n%s')", from, to);
	}
}

static void run_on(PGconn *other, const char *sql)
{
	PGresult *result = PQexec(other, sql);

	CU_ASSERT_FATAL(PQresultStatus(result) == PGRES_COMMAND_OK ||
			PQresultStatus(result) == PGRES_TUPLES_OK);
	PQclear(result);
}

/* Somebody has locked a row that both want, in the middle of what they lock: each has some rows
 * by then and waits for more. */
static void write_round(PGconn *other, struct outcome **out, unsigned round)
{
	run_on(other, "BEGIN");
	run_on(other, in_the_way(round));
	submit_round(out, round);
	do
		turn_both(&a, &b);
	while (a.host->in_flight + b.host->in_flight > 0 &&
	       strcmp(ask_database(&a, "SELECT count(DISTINCT pid) > 1 FROM pg_locks"
				       " WHERE NOT granted"),
		      "t") != 0);
	CU_ASSERT(a.host->in_flight > 0 && b.host->in_flight > 0);
	run_on(other, "ROLLBACK");
	settle_both(&a, &b);
}

/* Nothing is tried again, so nobody stood in each other's way, and nothing is doubled or
 * left out, in chats and streams. */
static void test_no_deadlock(void)
{
	static struct outcome *out[WRITES];
	unsigned round, i, bad = 0;
	PGconn *other;

	open_both();
	other = other_open(&a);
	for (round = 0; round < ROUNDS; round++) {
		write_round(other, out, round);
		for (i = 0; i < WRITES; i++)
			bad += out[i]->error != PAR_OK || !out[i]->op[0].applied;
	}
	PQfinish(other);
	CU_ASSERT_EQUAL(bad, 0);
	CU_ASSERT_EQUAL(host_metric(a.host, "storage_postgres", "retries_total"), 0);
	CU_ASSERT_EQUAL(host_metric(b.host, "storage_postgres", "retries_total"), 0);
	CU_ASSERT_STRING_EQUAL(ask_database(&a, "SELECT count(*) FROM message"), "9600");
	CU_ASSERT_STRING_EQUAL(
	    ask_database(&a, "SELECT count(*) FROM (SELECT chat, count(*) AS n, max(id) AS last"
			     " FROM message GROUP BY chat) AS c WHERE n <> last"),
	    "0");
	CU_ASSERT_STRING_EQUAL(
	    ask_database(&a, "SELECT count(*) FROM (SELECT usr, count(*) AS n, max(seq) AS last"
			     " FROM event GROUP BY usr) AS s WHERE n <> last"),
	    "0");
	CU_ASSERT_STRING_EQUAL(ask_database(&a, "SELECT count(*) FROM event"), "19200");
	close_both();
}

/* The first of all messages, for which chat and users must be made, to both at once. */
static void test_made_by_both(void)
{
	struct outcome *one, *two;
	unsigned i;

	open_both();
	for (i = 0; i < 20; i++) {
		const char *user = store_format(&a, "alice%u", i);
		const char *peer = store_format(&a, "bob%u", i);
		struct par_tx *tx = store_tx(&a);

		add_append(&a, tx, user, peer, "c1", "one");
		one = store_submit(&a, tx);
		tx = store_tx(&b);
		add_append(&b, tx, peer, user, "c1", "two");
		two = store_submit(&b, tx);
		settle_both(&a, &b);
		CU_ASSERT(one->error == PAR_OK && two->error == PAR_OK);
		CU_ASSERT_EQUAL(one->op[0].id + two->op[0].id, 3);
	}
	CU_ASSERT_STRING_EQUAL(ask_database(&a, "SELECT count(*) FROM chat"), "20");
	CU_ASSERT_STRING_EQUAL(ask_database(&a, "SELECT count(*) FROM users"), "40");
	close_both();
}

static void test_sent_to_both(void)
{
	struct outcome *one, *two;
	unsigned i, applied = 0;

	open_both();
	for (i = 0; i < 50; i++) {
		const char *client = store_format(&a, "c%u", i);

		one = submit_new(&a, "u0", "u1", client);
		two = submit_new(&b, "u0", "u1", client);
		settle_both(&a, &b);
		CU_ASSERT(one->error == PAR_OK && two->error == PAR_OK);
		CU_ASSERT_EQUAL(one->op[0].id, i + 1);
		CU_ASSERT_EQUAL(two->op[0].id, i + 1);
		CU_ASSERT_EQUAL(one->op[0].timestamp, two->op[0].timestamp);
		applied += one->op[0].applied + two->op[0].applied;
	}
	CU_ASSERT_EQUAL(applied, 50);
	CU_ASSERT_EQUAL(ask_device(&b, "u1", "phone")->device.last_seq, 50);
	close_both();
}

static void test_clocks_apart(void)
{
	struct outcome *later, *earlier;

	open_both();
	host_advance(a.host, 5000);
	later = do_append(&a, "alice", "bob", "c1", "text");
	earlier = do_append(&b, "bob", "alice", "c2", "text");
	CU_ASSERT_EQUAL(earlier->op[0].id, 2);
	CU_ASSERT(earlier->op[0].timestamp >= later->op[0].timestamp);
	close_both();
}

/* --- devices that move from one to the other --- */

static void five_events(void)
{
	unsigned i;

	ask_device(&a, "bob", "phone");
	for (i = 0; i < 5; i++)
		do_event(&b, "bob", "{}");
}

static const char *holder(void)
{
	return ask_database(&a, "SELECT connected = (SELECT max(id) FROM server) FROM device");
}

/* While the one still has it: that one may have sent all. What the first says later counts,
 * but does not take the device from the second. */
static void test_device_moves(void)
{
	const struct par_device_state *state;

	open_both();
	five_events();
	state = &ask_device(&b, "bob", "phone")->device;
	CU_ASSERT_EQUAL(state->acked, 0);
	CU_ASSERT_EQUAL(state->last_seq, 5);
	CU_ASSERT_EQUAL(state->sent, 5);
	CU_ASSERT_STRING_EQUAL(holder(), "t");
	CU_ASSERT(do_cursor(&a, "bob", "phone", 2, 3, true)->op[0].applied);
	CU_ASSERT_STRING_EQUAL(holder(), "t");
	CU_ASSERT(do_cursor(&b, "bob", "phone", 1, 4, true)->op[0].applied);
	state = &ask_device(&a, "bob", "phone")->device;
	CU_ASSERT_EQUAL(state->acked, 2);
	close_both();
}

/* The proper way: it left, and its cursor says how far it got. */
static void test_device_leaves_and_comes(void)
{
	const struct par_device_state *state;

	open_both();
	five_events();
	do_cursor(&a, "bob", "phone", 2, 3, true);
	state = &ask_device(&b, "bob", "phone")->device;
	CU_ASSERT_EQUAL(state->acked, 2);
	CU_ASSERT_EQUAL(state->sent, 3);
	close_both();
}

/* A device that the other server has is not forgotten, however long it is since; nor is it
 * to make room. */
static void test_device_of_another_stays(void)
{
	struct par_query *q;

	open_both();
	ask_device(&a, "bob", "phone");
	CU_ASSERT_EQUAL(do_prune_all(&b, 0, b.host->now + 1000000, 100).devices, 0);
	q = store_query(&b, PAR_QUERY_DEVICE, "bob");
	q->device = par_str_of("laptop");
	q->limit = 1;
	CU_ASSERT_EQUAL(store_run_query(&b, q)->error, PAR_E_TOO_LARGE);
	do_cursor(&a, "bob", "phone", 0, 0, true);
	CU_ASSERT_EQUAL(do_prune_all(&b, 0, b.host->now + 1000000, 100).devices, 1);
	close_both();
}

/* A server on a's database that has the device, and dies. Returns when PostgreSQL has noticed. */
static void die_with(const char *user, const char *device)
{
	pid_t child;
	int status;

	/* a's helper threads would be missing in the child, which the thread sanitizer minds */
	while (a.host->offloaded > 0)
		host_drain(a.host);
	child = fork();
	if (child == 0) {
		postgres_open_beside(&b, &a);
		rmdir(b.dir); /* who is killed does not */
		if (ask_device(&b, user, device)->error == PAR_OK)
			raise(SIGKILL);
		_exit(1);
	}
	CU_ASSERT_EQUAL_FATAL(waitpid(child, &status, 0), child);
	CU_ASSERT(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	while (strcmp(ask_database(&a, "SELECT count(DISTINCT objid) FROM pg_locks"
				       " WHERE locktype = 'advisory'"),
		      "1") != 0)
		;
}

static void test_device_of_the_dead(void)
{
	const struct par_device_state *state;

	postgres_open(&a);
	ask_device(&a, "bob", "phone");
	do_event(&a, "bob", "{}");
	do_event(&a, "bob", "{}");
	do_cursor(&a, "bob", "phone", 1, 1, true);
	die_with("bob", "phone");
	state = &ask_device(&a, "bob", "phone")->device;
	CU_ASSERT_EQUAL(state->acked, 1);
	CU_ASSERT_EQUAL(state->sent, 2);
	store_close(&a);
}

/* It counts as seen when its server's death is noticed, so it goes no sooner than its time
 * from then; and whatever it may have been sent since, it is marked. */
static void test_adopted(void)
{
	const struct par_device_state *state;
	uint64_t noticed;

	postgres_open(&a);
	die_with("bob", "phone");
	do_event(&a, "bob", "{}");
	host_advance(a.host, 100000);
	noticed = a.host->now;
	CU_ASSERT_EQUAL(do_prune_all(&a, 0, noticed - 50000, 100).devices, 0);
	CU_ASSERT_STRING_EQUAL(ask_database(&a, "SELECT count(*) FROM server"), "1");
	CU_ASSERT_STRING_EQUAL(ask_database(&a, "SELECT connected FROM device"), "0");
	do_event(&a, "bob", "{}");
	state = &ask_device(&a, "bob", "phone")->device;
	CU_ASSERT_EQUAL(state->sent, 2);
	do_cursor(&a, "bob", "phone", 0, 0, true);
	die_with("bob", "phone");
	do_prune_all(&a, 0, noticed, 100);
	host_advance(a.host, 100000);
	CU_ASSERT_EQUAL(do_prune_all(&a, 0, noticed + 50000, 100).devices, 1);
	store_close(&a);
}

/* Nobody has them any more, so they may go for one that comes. */
static void test_the_dead_make_room(void)
{
	struct par_query *q;

	postgres_open(&a);
	die_with("bob", "phone");
	/* as a server notices at its start */
	store_reopen(&a);
	q = store_query(&a, PAR_QUERY_DEVICE, "bob");
	q->device = par_str_of("laptop");
	q->limit = 1;
	CU_ASSERT_EQUAL(store_run_query(&a, q)->error, PAR_OK);
	CU_ASSERT_STRING_EQUAL(ask_database(&a, "SELECT string_agg(name, ' ') FROM device"),
			       "laptop");
	store_close(&a);
}

static const struct unit_test tests[] = {
	{ "no deadlock", test_no_deadlock },
	{ "made by both", test_made_by_both },
	{ "sent to both", test_sent_to_both },
	{ "clocks apart", test_clocks_apart },
	{ "a device moves", test_device_moves },
	{ "a device leaves and comes", test_device_leaves_and_comes },
	{ "a device of another stays", test_device_of_another_stays },
	{ "a device of the dead", test_device_of_the_dead },
	{ "adopted", test_adopted },
	{ "the dead make room", test_the_dead_make_room },
	{ NULL, NULL },
};

int main(void)
{
	return unit_main("postgres two", tests);
}
