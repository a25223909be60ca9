/* SPDX-License-Identifier: BSD-2-Clause */
/* A session's way through its user's stream where it is not smooth: gaps, events
 * that stay unacked, a storage that is down, many who ask at once. */
#include <stdlib.h>
#include <string.h>

#include "core_world.h"
#include "engine/core_internal.h"
#include "engine/fetch.h"
#include "unit.h"

#define NEW(to, text) \
	"{\"type\":\"request\",\"id\":\"r\",\"payloadType\":\"new\",\"payload\":{\"chatId\":\"" to \
	"\",\"message\":\"" text "\"}}"

static struct world w;

/* In front of storage_memory: what is asked and told, and whether it gets there. */
static struct {
	struct par_storage_role role;
	const char *down;
	const char *unwell; /* the same, but it goes on working */
	const char *broken; /* the user whose stream cannot be read */
	unsigned asked, submitted;
	bool hold; /* queries wait ... */
	struct par_query *held; /* ... here */
	unsigned n_held;
	struct par_tx *failed;
	struct par_query *unanswered;
} gate;

static void gate_submit(void *state, struct par_tx *tx)
{
	gate.submitted++;
	if (gate.down == NULL) {
		gate.role.submit(state, tx);
		return;
	}
	tx->error = PAR_E_UNAVAILABLE;
	tx->next = gate.failed;
	gate.failed = tx;
}

static void gate_query(void *state, struct par_query *q)
{
	gate.asked++;
	if (gate.hold) {
		q->next = gate.held;
		gate.held = q;
		gate.n_held++;
	} else if (gate.down != NULL) {
		q->error = PAR_E_UNAVAILABLE;
		q->next = gate.unanswered;
		gate.unanswered = q;
	} else if (gate.broken != NULL && par_str_equal(q->user, par_str_of(gate.broken))) {
		q->error = PAR_E_INTERNAL;
		q->next = gate.unanswered;
		gate.unanswered = q;
	} else {
		gate.role.query(state, q);
	}
}

static void gate_flush(void *state)
{
	struct par_query *q;
	struct par_tx *tx;

	gate.role.flush(state);
	while ((tx = gate.failed) != NULL) {
		gate.failed = tx->next;
		api_table.tx_done(tx);
	}
	while ((q = gate.unanswered) != NULL) {
		gate.unanswered = q->next;
		api_table.query_done(q);
	}
}

static const char *gate_down(void *state)
{
	(void)state;
	return gate.down != NULL ? gate.down : gate.unwell;
}

static void open_world(const char *server)
{
	struct par_storage_role *role;

	world_open(&w, server);
	role = &w.core->registry.storage;
	memset(&gate, 0, sizeof(gate));
	gate.role = *role;
	role->submit = gate_submit;
	role->query = gate_query;
	role->flush = gate_flush;
	role->down = gate_down;
}

static struct conn *connect_user(const char *user, const char *device)
{
	struct conn *conn = world_hello(&w, user, device);
	const struct said *said = world_next(conn);

	CU_ASSERT_FATAL(said != NULL && said->kind == OUT_ACCEPT);
	return conn;
}

static void say(struct conn *conn, const char *text)
{
	world_say(&w, conn, text);
	world_run(&w);
}

static void ack(struct conn *conn, uint64_t id)
{
	world_ack(&w, conn, id);
	world_run(&w);
}

/* The next thing said is the event with this seq; returns its id. */
static uint64_t next_event(struct conn *conn, uint64_t seq, bool redelivered)
{
	const struct said *said = world_next(conn);

	CU_ASSERT_FATAL(said != NULL && said->kind == OUT_EVENT);
	CU_ASSERT_EQUAL(said->seq, seq);
	CU_ASSERT_EQUAL(said->redelivered, redelivered);
	return said->id;
}

static uint64_t next_resync(struct conn *conn, uint64_t seq, bool redelivered, const char *payload)
{
	uint64_t id = next_event(conn, seq, redelivered);

	CU_ASSERT_PTR_NOT_NULL(
	    strstr(conn->said[conn->n_read - 1].text, "\"eventType\":\"resync\""));
	CU_ASSERT_PTR_NOT_NULL(strstr(conn->said[conn->n_read - 1].text, payload));
	return id;
}

static void let_held_through(void)
{
	struct par_query *q;

	gate.hold = false;
	while ((q = gate.held) != NULL) {
		gate.held = q->next;
		gate_query(w.core->registry.storage_state, q);
	}
	gate_flush(w.core->registry.storage_state);
	world_run(&w);
}

#define ASK(id) "{\"type\":\"request\",\"id\":\"" id "\",\"payloadType\":\"chats\",\"payload\":{}}"

static void nothing_more(struct conn *conn)
{
	CU_ASSERT_PTR_NULL(world_next(conn));
}

static void a_gap_is_told_first_and_until_it_is_acked(void)
{
	struct conn *alice, *bob;

	open_world("{event_ttl: 1s, prune_interval: 100ms}");
	alice = connect_user("alice", NULL);
	bob = connect_user("bob", NULL);
	world_hang_up(&w, bob);
	say(alice, NEW("bob", "one"));
	say(alice, NEW("bob", "two"));
	say(alice, NEW("bob", "three"));
	world_advance(&w, 1500);
	say(alice, NEW("bob", "four"));
	bob = connect_user("bob", NULL);
	next_resync(bob, 3, false, "{\"fromSeq\":4}");
	next_event(bob, 4, false);
	world_hang_up(&w, bob);
	bob = connect_user("bob", NULL);
	ack(bob, next_resync(bob, 3, true, "{\"fromSeq\":4}"));
	ack(bob, next_event(bob, 4, true));
	world_hang_up(&w, bob);
	bob = connect_user("bob", NULL);
	nothing_more(bob);
	world_hang_up(&w, bob);
	world_hang_up(&w, alice);
	world_close(&w);
}

static void a_session_that_falls_behind_is_told_of_the_gap(void)
{
	struct conn *alice, *bob;

	open_world("{ack_window: 1, event_ttl: 1s, prune_interval: 100ms}");
	alice = connect_user("alice", NULL);
	bob = connect_user("bob", NULL);
	say(alice, NEW("bob", "one"));
	say(alice, NEW("bob", "two"));
	say(alice, NEW("bob", "three"));
	world_advance(&w, 1500);
	say(alice, NEW("bob", "four"));
	ack(bob, next_event(bob, 1, false));
	ack(bob, next_resync(bob, 3, false, "{\"fromSeq\":4}"));
	ack(bob, next_event(bob, 4, false));
	nothing_more(bob);
	world_hang_up(&w, bob);
	world_hang_up(&w, alice);
	world_close(&w);
}

/* All that was kept is gone: there is nothing newer to tell it before. */
static void a_gap_at_the_end_is_told_too(void)
{
	struct conn *alice, *bob;

	open_world("{event_ttl: 1s, prune_interval: 100ms}");
	alice = connect_user("alice", NULL);
	bob = connect_user("bob", NULL);
	world_hang_up(&w, bob);
	say(alice, NEW("bob", "one"));
	world_advance(&w, 1500);
	bob = connect_user("bob", NULL);
	ack(bob, next_resync(bob, 1, false, "{\"fromSeq\":2}"));
	say(alice, NEW("bob", "two"));
	next_event(bob, 2, false);
	world_hang_up(&w, bob);
	world_hang_up(&w, alice);
	world_close(&w);
}

static void a_device_that_may_have_been_forgotten_resyncs(void)
{
	struct conn *alice, *bob, *desk;

	open_world("{device_ttl: 1s, prune_interval: 100ms}");
	alice = connect_user("alice", NULL);
	bob = connect_user("bob", "phone");
	desk = connect_user("bob", "desk");
	world_hang_up(&w, desk);
	say(alice, NEW("bob", "one"));
	world_advance(&w, 1500);
	CU_ASSERT_EQUAL(w.core->count.devices_forgotten->value, 1);
	desk = connect_user("bob", "desk");
	next_resync(desk, 1, false, "{\"fromSeq\":2}");
	world_hang_up(&w, desk);
	desk = connect_user("bob", "desk");
	ack(desk, next_resync(desk, 1, true, "{\"fromSeq\":2}"));
	say(alice, NEW("bob", "two"));
	next_event(desk, 2, false);
	world_hang_up(&w, desk);
	world_hang_up(&w, bob);
	world_hang_up(&w, alice);
	world_close(&w);
}

static void what_stays_unacked_comes_again(void)
{
	struct conn *alice, *bob;
	uint64_t old, again;

	open_world("{redeliver_after: 1s}");
	alice = connect_user("alice", NULL);
	bob = connect_user("bob", NULL);
	say(alice, NEW("bob", "one"));
	say(alice, NEW("bob", "two"));
	say(alice, NEW("bob", "three"));
	old = next_event(bob, 1, false);
	ack(bob, next_event(bob, 2, false));
	next_event(bob, 3, false);
	world_advance(&w, 900);
	nothing_more(bob);
	world_advance(&w, 400);
	again = next_event(bob, 1, true);
	CU_ASSERT_EQUAL(again, 4);
	CU_ASSERT_EQUAL(next_event(bob, 3, true), 5);
	nothing_more(bob);
	world_advance(&w, 1500); /* it waits twice as long now */
	nothing_more(bob);
	ack(bob, old); /* too late: this id is no more */
	world_advance(&w, 750);
	again = next_event(bob, 1, true);
	ack(bob, next_event(bob, 3, true));
	ack(bob, again);
	say(alice, NEW("bob", "four"));
	ack(bob, next_event(bob, 4, false));
	world_advance(&w, 10000);
	nothing_more(bob);
	world_hang_up(&w, bob);
	bob = connect_user("bob", NULL);
	nothing_more(bob);
	world_hang_up(&w, bob);
	world_hang_up(&w, alice);
	world_close(&w);
}

static void few_ask_at_a_time(void)
{
	enum { MANY = 3 * FETCH_MAX };
	struct conn *conns[MANY];
	struct par_query *q;
	char name[16];
	unsigned i, answered = 0;

	open_world("{}");
	gate.hold = true;
	for (i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "user %u", i);
		conns[i] = connect_user(name, NULL);
	}
	CU_ASSERT_EQUAL(gate.n_held, FETCH_MAX);
	world_hang_up(&w, conns[MANY - 1]); /* one that waits leaves */
	while ((q = gate.held) != NULL) {
		gate.held = q->next;
		gate.n_held--;
		gate.role.query(w.core->registry.storage_state, q);
		gate.role.flush(w.core->registry.storage_state);
		answered++;
		CU_ASSERT(gate.n_held <= FETCH_MAX);
		world_run(&w);
	}
	CU_ASSERT_EQUAL(answered, MANY - 1);
	gate.hold = false;
	for (i = 0; i < MANY - 1; i++)
		world_hang_up(&w, conns[i]);
	world_close(&w);
}

static void a_storage_that_is_down_is_left_alone(void)
{
	struct conn *alice, *bob;

	open_world("{}");
	alice = connect_user("alice", NULL);
	say(alice, NEW("bob", "one"));
	gate.down = "for a test";
	bob = connect_user("bob", NULL);
	world_advance(&w, 500);
	gate.asked = 0;
	for (unsigned i = 0; i < 20; i++)
		world_advance(&w, 500);
	CU_ASSERT(gate.asked <= 20);
	nothing_more(bob);
	gate.down = NULL;
	world_advance(&w, 1000);
	next_event(bob, 1, false);
	world_hang_up(&w, bob);
	world_hang_up(&w, alice);
	world_close(&w);
}

/* A damaged file is said to be so until the next start, and works where it is whole. */
static void what_is_unwell_is_tried_all_the_same(void)
{
	struct conn *alice, *bob;

	open_world("{event_ttl: 30s, prune_interval: 1s}");
	alice = connect_user("alice", NULL);
	say(alice, NEW("bob", "one"));
	gate.unwell = "for a test";
	gate.down = "for a moment";
	bob = connect_user("bob", NULL);
	world_advance(&w, 1000);
	gate.down = NULL;
	world_advance(&w, 500);
	world_advance(&w, 500);
	ack(bob, next_event(bob, 1, false));
	world_advance(&w, 1000);
	CU_ASSERT(TAILQ_EMPTY(&w.core->acked));
	say(alice, NEW("bob", "two"));
	CU_ASSERT(world_next_has(alice, "\"payload\""));
	next_event(bob, 2, false);
	world_advance(&w, 31000);
	world_advance(&w, 1000);
	CU_ASSERT(w.core->count.events_pruned->value > 0);
	world_hang_up(&w, bob);
	gate.hold = true;
	bob = connect_user("bob", NULL);
	say(bob, ASK("a"));
	let_held_through();
	next_resync(bob, 2, true, "{\"fromSeq\":3}");
	CU_ASSERT(world_next_has(bob, "\"id\":\"a\",\"payload\""));
	world_hang_up(&w, bob);
	world_hang_up(&w, alice);
	world_close(&w);
}

/* Many wait with their acks: few are tried while it is down, all are written afterwards. */
static void acks_are_tried_by_few(void)
{
	enum { MANY = 300 };
	struct conn *alice, *conns[MANY];
	unsigned i, before;
	char text[256];

	open_world("{}");
	alice = connect_user("alice", NULL);
	for (i = 0; i < MANY; i++) {
		snprintf(text, sizeof(text), "user %u", i);
		conns[i] = connect_user(text, NULL);
		snprintf(text, sizeof(text), NEW("user %u", "text"), i);
		say(alice, text);
	}
	gate.down = "for a test";
	for (i = 0; i < MANY; i++)
		ack(conns[i], next_event(conns[i], 1, false));
	world_advance(&w, 1000);
	before = gate.submitted;
	for (i = 0; i < 10; i++)
		world_advance(&w, 1000);
	CU_ASSERT(gate.submitted - before <= 10);
	CU_ASSERT_EQUAL(w.core->n_acked, MANY);
	gate.down = NULL;
	world_advance(&w, 1000);
	CU_ASSERT_EQUAL(w.core->n_acked, 0);
	for (i = 0; i < MANY; i++)
		world_hang_up(&w, conns[i]);
	world_hang_up(&w, alice);
	world_close(&w);
}

/* It keeps most of its window unacked all the time. */
static void a_client_that_acks_in_arrears_goes_on(void)
{
	struct conn *alice, *bob;
	uint64_t seq;

	open_world("{ack_window: 8}");
	alice = connect_user("alice", NULL);
	for (seq = 1; seq <= 30; seq++)
		say(alice, NEW("bob", "text"));
	bob = connect_user("bob", NULL);
	for (seq = 1; seq <= 8; seq++)
		next_event(bob, seq, false);
	nothing_more(bob);
	for (; seq <= 30; seq++) {
		ack(bob, seq - 8);
		world_advance(&w, 1000);
		next_event(bob, seq, false);
		nothing_more(bob);
	}
	world_hang_up(&w, bob);
	world_hang_up(&w, alice);
	world_close(&w);
}

static struct par_tx *hung; /* by the storage that does not answer */
static unsigned refused;

static void count_refused(void *state, void *arg)
{
	const struct par_tx *tx = arg;

	(void)state;
	CU_ASSERT_EQUAL(tx->error, PAR_E_UNAVAILABLE);
	refused++;
}

static void hanging_submit(void *state, struct par_tx *tx)
{
	(void)state;
	tx->next = hung;
	hung = tx;
}

/* Neither down nor answering: what clients send again must not pile up. */
static void a_storage_that_hangs_is_not_fed_for_ever(void)
{
	enum { MANY = 20000 };
	struct par_tx *tx;
	unsigned i, n = 0;

	open_world("{}");
	w.core->registry.storage.submit = hanging_submit;
	hung = NULL;
	refused = 0;
	for (i = 0; i < MANY; i++)
		api_table.tx_submit(api_table.tx_new(&w.plugin, count_refused, NULL));
	world_run(&w);
	CU_ASSERT(refused > 0 && refused < MANY);
	n = refused;
	while ((tx = hung) != NULL) {
		hung = tx->next;
		tx->error = PAR_E_UNAVAILABLE;
		api_table.tx_done(tx);
		n++;
	}
	CU_ASSERT_EQUAL(n, MANY);
	world_close(&w);
}

/* What it was told before could be of a time from which on nothing is kept for it. */
static void requests_wait_until_the_device_is_on_record(void)
{
	struct conn *bob;

	open_world("{}");
	gate.hold = true;
	bob = connect_user("bob", NULL);
	say(bob, ASK("a"));
	say(bob, ASK("b"));
	nothing_more(bob);
	CU_ASSERT_EQUAL(gate.n_held, 1);
	let_held_through();
	CU_ASSERT(world_next_has(bob, "\"id\":\"a\",\"payload\""));
	CU_ASSERT(world_next_has(bob, "\"id\":\"b\",\"payload\""));
	world_hang_up(&w, bob);

	gate.hold = true;
	bob = connect_user("bob", NULL);
	say(bob, ASK("c"));
	gate.down = "for a test";
	let_held_through();
	CU_ASSERT(world_next_has(bob, "\"id\":\"c\",\"error\":{\"code\":\"unavailable\""));
	say(bob, ASK("d"));
	CU_ASSERT(world_next_has(bob, "\"id\":\"d\",\"error\":{\"code\":\"unavailable\""));
	gate.down = NULL;
	world_advance(&w, 500);
	say(bob, ASK("e"));
	CU_ASSERT(world_next_has(bob, "\"id\":\"e\",\"payload\""));
	world_hang_up(&w, bob);
	world_close(&w);
}

static void pages_for_plugins_take_turns(void)
{
	struct conn *bob;
	char text[128];
	unsigned i;

	open_world("{}");
	bob = connect_user("bob", NULL);
	gate.hold = true;
	for (i = 0; i < 200; i++) {
		snprintf(text, sizeof(text),
			 "{\"type\":\"request\",\"id\":\"%u\",\"payloadType\":\"chats\","
			 "\"payload\":{}}",
			 i);
		say(bob, text);
	}
	CU_ASSERT_EQUAL(gate.n_held, 64);
	let_held_through();
	for (i = 0; i < 200; i++)
		CU_ASSERT_PTR_NOT_NULL(world_next(bob));
	nothing_more(bob);
	world_hang_up(&w, bob);
	world_close(&w);
}

static unsigned n_answered, n_refused;

static void count_answered(void *state, void *arg)
{
	const struct par_query *q = arg;

	(void)state;
	n_answered += q->error == PAR_OK;
	n_refused += q->error == PAR_E_UNAVAILABLE;
}

/* Its turn of going on comes with its cursor, which another session had written before. */
static void a_client_that_acks_in_arrears_has_a_second_session(void)
{
	struct conn *alice, *bob, *other;
	uint64_t seq;

	open_world("{ack_window: 8}");
	alice = connect_user("alice", NULL);
	for (seq = 1; seq <= 30; seq++)
		say(alice, NEW("bob", "text"));
	bob = connect_user("bob", NULL);
	for (seq = 1; seq <= 8; seq++)
		next_event(bob, seq, false);
	world_advance(&w, 5000);
	ack(bob, 1);
	other = connect_user("bob", NULL);
	next_event(other, 2, true);
	nothing_more(bob);
	world_advance(&w, 1000);
	next_event(bob, 9, false);
	world_hang_up(&w, other);
	world_hang_up(&w, bob);
	world_hang_up(&w, alice);
	world_close(&w);
}

/* The second session of a device outlives the first, and was never on record itself. */
static void a_device_that_left_while_the_storage_was_down_is_forgotten(void)
{
	struct conn *alice, *bob, *again;

	open_world("{device_ttl: 5s, prune_interval: 100ms}");
	alice = connect_user("alice", NULL);
	bob = connect_user("bob", "phone");
	gate.down = "for a test";
	again = connect_user("bob", "phone");
	world_hang_up(&w, bob);
	world_hang_up(&w, again);
	gate.down = NULL;
	world_advance(&w, 1000);
	world_advance(&w, 6000);
	world_advance(&w, 6000);
	CU_ASSERT_EQUAL(w.core->count.devices_forgotten->value, 1);
	world_hang_up(&w, alice);
	world_close(&w);
}

/* As where a file is damaged: what is wrong is one stream, not the storage. */
static void one_that_cannot_be_read_does_not_hold_up_the_others(void)
{
	struct conn *alice, *bob, *carol;

	open_world("{}");
	alice = connect_user("alice", NULL);
	say(alice, NEW("bob", "one"));
	say(alice, NEW("carol", "one"));
	gate.broken = "bob";
	bob = connect_user("bob", NULL);
	carol = connect_user("carol", NULL);
	next_event(carol, 1, false);
	nothing_more(bob);
	gate.broken = NULL;
	world_advance(&w, 5000);
	next_event(bob, 1, false);
	gate.broken = "bob";
	world_hang_up(&w, bob);
	bob = connect_user("bob", NULL);
	world_hang_up(&w, bob); /* while it is set aside */
	world_advance(&w, 5000);
	world_hang_up(&w, carol);
	world_hang_up(&w, alice);
	world_close(&w);
}

/* What is refused for their number had no turn, so it gives none away. */
static void pages_that_are_refused_let_no_others_through(void)
{
	enum { MANY = 17000 };
	struct par_query *q;
	unsigned i;

	open_world("{}");
	gate.hold = true;
	n_answered = n_refused = 0;
	for (i = 0; i < MANY; i++) {
		q = api_table.query_new(&w.plugin, count_answered, NULL);
		q->kind = PAR_QUERY_CHATS;
		q->user = par_str_of("bob");
		q->limit = 1;
		api_table.query_submit(q);
	}
	world_run(&w);
	CU_ASSERT(n_refused > 0);
	CU_ASSERT_EQUAL(n_answered, 0);
	CU_ASSERT_EQUAL(gate.n_held, 64);
	let_held_through();
	CU_ASSERT_EQUAL(n_answered + n_refused, MANY);
	world_close(&w);
}

/* Also those that came out of order. */
static void acks_are_kept_while_the_storage_is_down(void)
{
	struct conn *alice, *bob;

	open_world("{}");
	alice = connect_user("alice", NULL);
	bob = connect_user("bob", NULL);
	say(alice, NEW("bob", "one"));
	say(alice, NEW("bob", "two"));
	say(alice, NEW("bob", "three"));
	gate.down = "for a test";
	ack(bob, 1);
	ack(bob, 3);
	world_advance(&w, 5000);
	world_hang_up(&w, bob);
	world_advance(&w, 5000);
	gate.down = NULL;
	world_advance(&w, 5000);
	bob = connect_user("bob", NULL);
	next_event(bob, 2, true);
	nothing_more(bob);
	world_hang_up(&w, bob);
	world_hang_up(&w, alice);
	world_close(&w);
}

static void an_ack_behind_the_close_frame_counts(void)
{
	struct conn *alice, *bob;

	open_world("{max_bad_messages: 1}");
	alice = connect_user("alice", NULL);
	bob = connect_user("bob", NULL);
	say(alice, NEW("bob", "one"));
	next_event(bob, 1, false);
	say(bob, "{");
	ack(bob, 1);
	world_hang_up(&w, bob);
	bob = connect_user("bob", NULL);
	nothing_more(bob);
	world_hang_up(&w, bob);
	world_hang_up(&w, alice);
	world_close(&w);
}

/* Live or from a page: what one of them did, the other is told. */
static void two_sessions_of_a_device_hear_of_each_other(void)
{
	struct conn *one, *two;

	open_world("{ack_window: 1}");
	one = connect_user("alice", "phone");
	two = connect_user("alice", "phone");
	say(one, NEW("bob", "first"));
	say(one, NEW("bob", "second"));
	say(one, NEW("bob", "third"));
	ack(two, next_event(two, 1, false));
	ack(two, next_event(two, 2, false));
	ack(two, next_event(two, 3, false));
	nothing_more(two);
	CU_ASSERT_EQUAL(one->n_said, 4); /* its handshake and its responses */
	world_hang_up(&w, one);
	world_hang_up(&w, two);
	world_close(&w);
}

static void too_many_devices_at_once_are_turned_away(void)
{
	struct conn *phone, *desk;
	const struct said *said;

	open_world("{max_devices: 1}");
	phone = connect_user("alice", "phone");
	desk = connect_user("alice", "desk");
	said = world_next(desk);
	CU_ASSERT_FATAL(said != NULL && said->kind == OUT_CLOSE);
	CU_ASSERT_EQUAL(said->code, 1008);
	world_hang_up(&w, desk);
	world_hang_up(&w, phone);
	desk = connect_user("alice", "desk");
	nothing_more(desk);
	world_hang_up(&w, desk);
	world_close(&w);
}

int main(void)
{
	static const struct unit_test tests[] = {
		{ "a gap is told first, and until it is acked",
		  a_gap_is_told_first_and_until_it_is_acked },
		{ "a session that falls behind is told of the gap",
		  a_session_that_falls_behind_is_told_of_the_gap },
		{ "a gap at the end is told too", a_gap_at_the_end_is_told_too },
		{ "a device that may have been forgotten resyncs",
		  a_device_that_may_have_been_forgotten_resyncs },
		{ "what stays unacked comes again", what_stays_unacked_comes_again },
		{ "few ask at a time", few_ask_at_a_time },
		{ "a storage that is down is left alone", a_storage_that_is_down_is_left_alone },
		{ "what is unwell is tried all the same", what_is_unwell_is_tried_all_the_same },
		{ "acks are tried by few", acks_are_tried_by_few },
		{ "a client that acks in arrears goes on", a_client_that_acks_in_arrears_goes_on },
		{ "a storage that hangs is not fed for ever",
		  a_storage_that_hangs_is_not_fed_for_ever },
		{ "requests wait until the device is on record",
		  requests_wait_until_the_device_is_on_record },
		{ "pages for plugins take turns", pages_for_plugins_take_turns },
		{ "a client that acks in arrears has a second session",
		  a_client_that_acks_in_arrears_has_a_second_session },
		{ "a device that left while the storage was down is forgotten",
		  a_device_that_left_while_the_storage_was_down_is_forgotten },
		{ "one that cannot be read does not hold up the others",
		  one_that_cannot_be_read_does_not_hold_up_the_others },
		{ "pages that are refused let no others through",
		  pages_that_are_refused_let_no_others_through },
		{ "acks are kept while the storage is down",
		  acks_are_kept_while_the_storage_is_down },
		{ "an ack behind the close frame counts", an_ack_behind_the_close_frame_counts },
		{ "two sessions of a device hear of each other",
		  two_sessions_of_a_device_hear_of_each_other },
		{ "too many devices at once are turned away",
		  too_many_devices_at_once_are_turned_away },
		{ NULL, NULL },
	};

	return unit_main("stream", tests);
}
