/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a batch of storage_postgres sees that another transaction commits while the batch
 * loads: its statements see different moments, and only what was locked counts.
 */
#include "postgres_test.h"

static struct store s;
static PGconn *other;

static void run(const char *sql)
{
	PGresult *result = PQexec(other, sql);

	if (PQresultStatus(result) == PGRES_FATAL_ERROR)
		fprintf(stderr, "%s: %s", sql, PQresultErrorMessage(result));
	CU_ASSERT_FATAL(PQresultStatus(result) != PGRES_FATAL_ERROR);
	PQclear(result);
}

/* Alice and bob have a chat, and somebody else has its row, or alice's. */
static void open_locked(const char *lock)
{
	postgres_open(&s);
	do_append(&s, "alice", "bob", "c1", "one");
	other = other_open(&s);
	run("BEGIN");
	run(lock);
}

static bool somebody_waits(void)
{
	PGresult *result = PQexec(other, "SELECT 1 FROM pg_locks WHERE NOT granted");
	bool waits = PQntuples(result) > 0;

	PQclear(result);
	return waits;
}

/* Begins what was submitted, and returns when it waits for the row. */
static void flush_until_it_waits(void)
{
	s.host->storage->flush(s.host->storage_state);
	while (!somebody_waits())
		host_drain(s.host);
}

static void let_go(void)
{
	run("COMMIT");
	store_settle(&s);
	PQfinish(other);
}

/* A user of this name whom nobody has seen before. */
#define MAKE_USER(name) "INSERT INTO users (name, last_seq) VALUES ('" name "', 3)"

/* Two marks in one batch; the chat of the second is made when the first's is waited for. */
static void test_chat_made_meanwhile(void)
{
	struct par_tx *tx;
	struct outcome *known, *unknown;

	open_locked("SELECT 1 FROM chat FOR UPDATE");
	tx = store_tx(&s);
	add_mark(&s, tx, PAR_MARK_READ, "bob", "alice", 0);
	known = store_submit(&s, tx);
	tx = store_tx(&s);
	add_mark(&s, tx, PAR_MARK_READ, "bob", "carol", 0);
	unknown = store_submit(&s, tx);
	flush_until_it_waits();
	run(MAKE_USER("carol"));
	run("INSERT INTO chat (key, last_id, last_time, content) VALUES (E'bob\\ncarol', 1, 1, 1)");
	run("INSERT INTO member (chat, usr, peer, theirs, missed) SELECT c.id, u.id, p.peer, p.n, "
	    "p.n"
	    " FROM chat c, (VALUES ('bob', 'carol', 1), ('carol', 'bob', 0)) p (name, peer, n)"
	    " JOIN users u ON u.name = p.name WHERE c.key = E'bob\\ncarol'");
	run("INSERT INTO message (chat, id, sender, created, kind, text) SELECT c.id, 1, u.id, 1, "
	    "0,"
	    " 'hi' FROM chat c, users u WHERE c.key = E'bob\\ncarol' AND u.name = 'carol'");
	let_go();
	CU_ASSERT_EQUAL(known->error, PAR_OK);
	CU_ASSERT_TRUE(known->op[0].applied);
	CU_ASSERT_EQUAL(unknown->error, PAR_E_NOT_FOUND);
	CU_ASSERT_EQUAL(ask_chat(&s, "bob", "carol")->chats[0].missed, 1);
	store_close(&s);
}

/* A user with a device, likewise: what he acks, and what he does himself. */
static void test_user_made_meanwhile(void)
{
	struct par_tx *tx;
	struct outcome *acked, *own;
	struct par_op *op;

	open_locked("SELECT 1 FROM users WHERE name = 'alice' FOR UPDATE");
	tx = store_tx(&s);
	add_event(&s, tx, "alice", "{}");
	store_submit(&s, tx);
	tx = store_tx(&s);
	add_cursor(tx, "carol", "phone", 3, 3);
	acked = store_submit(&s, tx);
	tx = store_tx(&s);
	op = add_event(&s, tx, "dave", "{}");
	op->u.event.own = true;
	op->u.event.origin_device = par_str_of("laptop");
	own = store_submit(&s, tx);
	flush_until_it_waits();
	run(MAKE_USER("carol"));
	run(MAKE_USER("dave"));
	run("INSERT INTO device (usr, name, acked, sent, connected, seen)"
	    " SELECT id, 'phone', 0, 0, 0, 1 FROM users WHERE name IN ('carol', 'dave')");
	let_go();
	CU_ASSERT_EQUAL(acked->error, PAR_OK);
	CU_ASSERT_FALSE(acked->op[0].applied);
	CU_ASSERT_EQUAL(own->error, PAR_OK);
	CU_ASSERT_FALSE(own->op[0].applied);
	CU_ASSERT_EQUAL(ask_device(&s, "carol", "phone")->device.acked, 0);
	CU_ASSERT_EQUAL(do_event(&s, "alice", "{}")->op[0].seq, 2);
	store_close(&s);
}

/* And one who is written to for the first time: the batch that makes the chat finds that somebody
 * was quicker, and goes on from there. */
static void test_written_to_meanwhile(void)
{
	struct par_tx *tx;
	struct outcome *out;

	open_locked("SELECT 1 FROM chat FOR UPDATE");
	tx = store_tx(&s);
	add_append(&s, tx, "alice", "bob", "c2", "two");
	add_append(&s, tx, "alice", "carol", "c1", "one");
	add_event(&s, tx, "carol", "{}");
	out = store_submit(&s, tx);
	flush_until_it_waits();
	run(MAKE_USER("carol"));
	run("INSERT INTO chat (key, last_id, last_time, content) VALUES (E'alice\\ncarol', 4, 1, "
	    "0)");
	run("INSERT INTO member (chat, usr, peer) SELECT c.id, u.id, p.peer"
	    " FROM chat c, (VALUES ('alice', 'carol'), ('carol', 'alice')) p (name, peer)"
	    " JOIN users u ON u.name = p.name WHERE c.key = E'alice\\ncarol'");
	let_go();
	CU_ASSERT_EQUAL(out->error, PAR_OK);
	CU_ASSERT_EQUAL(out->op[0].id, 2);
	CU_ASSERT_EQUAL(out->op[1].id, 5);
	CU_ASSERT_EQUAL(out->op[2].seq, 4);
	store_close(&s);
}

static const struct unit_test tests[] = {
	{ "chat made meanwhile", test_chat_made_meanwhile },
	{ "user made meanwhile", test_user_made_meanwhile },
	{ "written to meanwhile", test_written_to_meanwhile },
	{ NULL, NULL },
};

int main(void)
{
	return unit_main("postgres batch", tests);
}
