/* SPDX-License-Identifier: BSD-2-Clause */
/* What sessions see of a storage that is down, unwell, hangs, or has much to do. */
#include <stdlib.h>
#include <string.h>

#include "engine/core_internal.h"
#include "engine/fetch.h"
#include "stream_world.h"
#include "unit.h"

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

static void count_unsound(void *state, void *arg)
{
	const struct par_query *q = arg;

	(void)state;
	n_answered += q->error == PAR_OK && q->n == PAR_DOCS_MAX && !q->has_more;
	n_refused += q->error == PAR_E_INTERNAL && q->message != NULL && q->n == 0;
}

/* The storage relies on what is refused here; it never sees it. */
static void keys_that_make_no_sense_are_refused(void)
{
	static struct par_str keys[PAR_DOCS_MAX + 1];
	struct par_query *q;
	unsigned i;

	open_world("{}");
	n_answered = n_refused = 0;
	for (i = 0; i <= PAR_DOCS_MAX; i++)
		keys[i] = par_str_of("key");
	for (i = 0; i < 200; i++) {
		keys[PAR_DOCS_MAX - 1].s = i % 3 == 1 ? NULL : "key";
		q = api_table.query_new(&w.plugin, count_unsound, NULL);
		q->kind = PAR_QUERY_DOCS;
		q->plugin = par_str_of("test");
		q->keys = keys;
		q->n_keys = i % 3 == 2 ? PAR_DOCS_MAX + 1 : PAR_DOCS_MAX;
		q->limit = PAR_DOCS_MAX + 1;
		api_table.query_submit(q);
	}
	CU_ASSERT_EQUAL(n_refused, 0); /* not from within query_submit */
	keys[PAR_DOCS_MAX - 1].s = "key";
	world_run(&w);
	CU_ASSERT_EQUAL(gate.asked, 67);
	CU_ASSERT_EQUAL(n_answered, 67);
	CU_ASSERT_EQUAL(n_refused, 133);
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

int main(void)
{
	static const struct unit_test tests[] = {
		{ "few ask at a time", few_ask_at_a_time },
		{ "a storage that is down is left alone", a_storage_that_is_down_is_left_alone },
		{ "what is unwell is tried all the same", what_is_unwell_is_tried_all_the_same },
		{ "acks are tried by few", acks_are_tried_by_few },
		{ "a storage that hangs is not fed for ever",
		  a_storage_that_hangs_is_not_fed_for_ever },
		{ "requests wait until the device is on record",
		  requests_wait_until_the_device_is_on_record },
		{ "pages for plugins take turns", pages_for_plugins_take_turns },
		{ "a device that left while the storage was down is forgotten",
		  a_device_that_left_while_the_storage_was_down_is_forgotten },
		{ "one that cannot be read does not hold up the others",
		  one_that_cannot_be_read_does_not_hold_up_the_others },
		{ "pages that are refused let no others through",
		  pages_that_are_refused_let_no_others_through },
		{ "keys that make no sense are refused", keys_that_make_no_sense_are_refused },
		{ "acks are kept while the storage is down",
		  acks_are_kept_while_the_storage_is_down },
		{ NULL, NULL },
	};

	return unit_main("outage", tests);
}
