/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Events to many: what sessions get of a transaction with receivers, and what they do when
 * nobody knows whether it stands. The storage's part is played by hand: it takes
 * what has an EVENT in it, and answers when and as a test says.
 */
#include <stdarg.h>
#include <string.h>

#include "engine/core_internal.h"
#include "engine/fetch.h"
#include "engine/session.h"
#include "engine/stream.h"
#include "stream_world.h"
#include "unit.h"

static struct par_tx *taken; /* by the storage */
static enum par_error submitted_error; /* what the submitter was told */
static const char *submitted_message;
static unsigned n_submitted;

static bool has_event(const struct par_tx *tx)
{
	unsigned i;

	for (i = 0; i < tx->n_ops; i++) {
		if (tx->ops[i].kind == PAR_OP_EVENT)
			return true;
	}
	return false;
}

static void hand_submit(void *state, struct par_tx *tx)
{
	if (has_event(tx)) {
		CU_ASSERT_PTR_NULL(taken);
		taken = tx;
	} else {
		gate.role.submit(state, tx);
	}
}

static void open_hands(const char *server)
{
	open_world(server);
	w.core->registry.storage.submit = hand_submit;
	taken = NULL;
	n_submitted = 0;
}

static void was_submitted(void *state, void *arg)
{
	const struct par_tx *tx = arg;

	(void)state;
	submitted_error = tx->error;
	submitted_message = tx->message;
	n_submitted++;
}

static struct par_tx *tx_of_test(void)
{
	return api_table.tx_new(&w.plugin, was_submitted, NULL);
}

static struct par_op_event *add_reach(struct par_tx *tx, enum par_reach reach)
{
	struct par_op_event *event = &par_tx_add(tx, PAR_OP_EVENT)->u.event;

	event->type = par_str_of("new");
	event->payload = par_str_of("{\"a\":1}");
	event->reach = reach;
	event->missed = true;
	event->chat.key = event->chat.peer = par_str_of("grp_1");
	event->chat.user = par_str_of("alice");
	return event;
}

static struct par_str copied(struct par_tx *tx, const char *text)
{
	size_t len = strlen(text);

	return (struct par_str){ memcpy(api_table.tx_alloc(tx, len), text, len), len };
}

/* What the storage says of the tx that it has: NAME, seq, missed for each who got it, then NULL. */
static void answer(const char *payload, ...)
{
	struct par_op *op = &taken->ops[0];
	struct par_op_event *event = &op->u.event;
	struct par_receiver *at = api_table.tx_alloc(taken, 16 * sizeof(*at));
	struct par_tx *tx = taken;
	const char *name;
	va_list args;

	op->result.applied = true;
	event->data = api_table.event_data_new(event->type, par_str_of(payload));
	event->receivers = at;
	va_start(args, payload);
	while ((name = va_arg(args, const char *)) != NULL) {
		at->user = copied(tx, name);
		at->seq = va_arg(args, unsigned);
		at++->missed = va_arg(args, unsigned);
		event->n_receivers++;
	}
	va_end(args);
	taken = NULL;
	api_table.tx_done(tx);
	world_run(&w);
}

static void answer_error(enum par_error error)
{
	struct par_tx *tx = taken;

	taken = NULL;
	tx->error = error;
	api_table.tx_done(tx);
	world_run(&w);
}

static void submit(struct par_tx *tx)
{
	api_table.tx_submit(tx);
	world_run(&w);
}

static void submit_reach(void)
{
	struct par_tx *tx = tx_of_test();

	add_reach(tx, PAR_REACH_MEMBERS);
	submit(tx);
}

static struct session *session_of(const struct conn *conn)
{
	return conn->link.session;
}

/* Each its own number, at the end of the same text. */
static void each_receiver_gets_his_own(void)
{
	struct conn *phone, *tablet, *bob, *carol;
	struct par_tx *tx;

	open_hands("{}");
	phone = connect_user("alice", "phone");
	tablet = connect_user("alice", "tablet");
	bob = connect_user("bob", NULL);
	carol = connect_user("carol", NULL);
	tx = tx_of_test();
	add_reach(tx, PAR_REACH_MEMBERS)->origin_session = session_of(phone)->id;
	submit(tx);
	CU_ASSERT_TRUE(taken->ops[0].u.event.always);
	answer("{\"a\":1}", "alice", 1u, 0u, "bob", 1u, 7u, "nobody here", 9u, 1u, "carol", 1u,
	       1234567u, NULL);
	CU_ASSERT_EQUAL(submitted_error, PAR_OK);
	nothing_more(phone);
	CU_ASSERT_EQUAL(session_of(phone)->sent_seq, 1);
	CU_ASSERT(world_next_has(
	    tablet, "\"seq\":1,\"eventType\":\"new\",\"payload\":{\"a\":1,\"missed\":0}}"));
	CU_ASSERT(world_next_has(bob, "\"payload\":{\"a\":1,\"missed\":7}}"));
	CU_ASSERT(world_next_has(carol, "\"payload\":{\"a\":1,\"missed\":1234567}}"));
	nothing_more(bob);
	world_hang_up(&w, tablet);
	submit_reach();
	CU_ASSERT_FALSE(taken->ops[0].u.event.always);
	answer("{\"b\":2}", "bob", 2u, 8u, NULL);
	CU_ASSERT(world_next_has(bob, "\"payload\":{\"b\":2,\"missed\":8}}"));
	nothing_more(carol);
	/* asked for in her name: he did not do it himself */
	tx = tx_of_test();
	add_reach(tx, PAR_REACH_MEMBERS)->origin_session = session_of(bob)->id;
	submit(tx);
	answer("{\"c\":3}", "bob", 3u, 9u, NULL);
	CU_ASSERT(world_next_has(bob, "\"payload\":{\"c\":3,\"missed\":9}}"));
	world_hang_up(&w, phone);
	world_hang_up(&w, bob);
	world_hang_up(&w, carol);
	world_close(&w);
}

/* The storage's answer to those that look: one has `n` events that nobody told of. */
static void answer_looks(const char *user, unsigned n, const char *payload)
{
	struct par_query *q;

	gate.hold = false;
	while ((q = gate.held) != NULL) {
		gate.held = q->next;
		gate.n_held--;
		q->n = par_str_equal(q->user, par_str_of(user)) ? n : 0;
		q->events = api_table.query_alloc(q, (n + 1) * sizeof(*q->events));
		memset(q->events, 0, (n + 1) * sizeof(*q->events));
		q->device_state.last_seq = q->n;
		for (unsigned i = 0; i < q->n; i++) {
			q->events[i].seq = i + 1;
			q->events[i].data =
			    api_table.event_data_new(par_str_of("new"), par_str_of(payload));
		}
		api_table.query_done(q);
	}
	world_run(&w);
}

/* One whose other events are not here yet looks for them, and takes this one from there. */
static void a_gap_is_fetched(void)
{
	struct conn *bob;

	open_hands("{}");
	bob = connect_user("bob", NULL);
	gate.hold = true;
	submit_reach();
	answer("{\"a\":1}", "bob", 2u, 0u, NULL);
	nothing_more(bob);
	CU_ASSERT_EQUAL(gate.n_held, 1);
	answer_looks("bob", 2, "{\"b\":2,\"missed\":5}");
	next_event(bob, 1, false);
	next_event(bob, 2, false);
	submit_reach();
	answer("{\"a\":1}", "bob", 3u, 6u, NULL);
	next_event(bob, 3, false);
	nothing_more(bob);
	world_hang_up(&w, bob);
	world_close(&w);
}

static void the_window_counts_what_is_sent(void)
{
	struct conn *bob;
	struct session *session;
	size_t shared = strlen(",\"eventType\":\"new\",\"payload\":{\"a\":1}}");

	open_hands("{}");
	bob = connect_user("bob", NULL);
	session = session_of(bob);
	submit_reach();
	answer("{\"a\":1}", "bob", 1u, 12345u, NULL);
	CU_ASSERT_EQUAL(session->window.bytes, shared + strlen(",\"missed\":12345"));
	ack(bob, 1);
	CU_ASSERT_EQUAL(session->window.bytes, 0);
	world_hang_up(&w, bob);
	world_close(&w);
}

/* The storage never sees it, and nobody is in doubt. */
static void is_refused(struct par_tx *tx, const char *why)
{
	unsigned before = n_submitted;

	submit(tx);
	CU_ASSERT_PTR_NULL_FATAL(taken);
	CU_ASSERT_EQUAL(n_submitted, before + 1);
	CU_ASSERT_EQUAL(submitted_error, PAR_E_INTERNAL);
	CU_ASSERT_PTR_NOT_NULL(submitted_message);
	CU_ASSERT_EQUAL(w.core->count.sweeps->value, 0);
	if (submitted_error != PAR_E_INTERNAL)
		fprintf(stderr, "not refused: %s\n", why);
}

static void what_makes_no_sense_is_refused(void)
{
	struct par_op_event *event;
	struct par_tx *tx;
	unsigned i;

	open_hands("{}");
	tx = tx_of_test();
	add_reach(tx, PAR_REACH_MEMBERS)->chat.key = par_str_of("alice\nbob");
	is_refused(tx, "no group");
	for (i = PAR_REACH_CHANGED; i <= PAR_REACH_AUTHORS; i++) {
		tx = tx_of_test();
		add_reach(tx, (enum par_reach)i)->of = 0; /* itself */
		is_refused(tx, "of itself");
		tx = tx_of_test();
		par_tx_add(tx, PAR_OP_DOC_DELETE);
		add_reach(tx, (enum par_reach)i)->of = 0;
		is_refused(tx, "of another kind");
		tx = tx_of_test();
		add_reach(tx, (enum par_reach)i)->of = 7;
		is_refused(tx, "of what is not there");
	}
	tx = tx_of_test();
	add_reach(tx, (enum par_reach)77);
	is_refused(tx, "unknown reach");
	tx = tx_of_test();
	add_reach(tx, PAR_REACH_MEMBERS)->payload = par_str_of("{}");
	is_refused(tx, "missed without a member before it");
	tx = tx_of_test();
	add_reach(tx, PAR_REACH_USER);
	is_refused(tx, "missed to one");
	tx = tx_of_test();
	event = add_reach(tx, PAR_REACH_USER);
	event->missed = false;
	event->chat.key = par_str_of("alice\nbob");
	is_refused(tx, "to one member of no group");
	tx = tx_of_test();
	par_tx_add(tx, PAR_OP_ROSTER)->u.roster.chat.key = par_str_of("bob");
	is_refused(tx, "roster of no group");
	tx = tx_of_test();
	par_tx_add(tx, PAR_OP_MARK);
	add_reach(tx, PAR_REACH_AUTHORS)->of = 0;
	submit(tx);
	CU_ASSERT_PTR_NOT_NULL_FATAL(taken);
	answer_error(PAR_E_NOT_FOUND);
	CU_ASSERT_EQUAL(w.core->count.sweeps->value, 0);
	world_close(&w);
}

#define CROWD (FETCH_MAX + 3 * SWEEP_STEP)

static struct conn *crowd[CROWD];

static void crowd_comes(void)
{
	char name[16];
	unsigned i;

	for (i = 0; i < CROWD; i++) {
		snprintf(name, sizeof(name), "user %u", i);
		crowd[i] = connect_user(name, NULL);
	}
	gate.asked = 0;
}

static void crowd_goes(void)
{
	unsigned i;

	for (i = 0; i < CROWD; i++)
		world_hang_up(&w, crowd[i]);
	world_close(&w);
}

/* As long as something is under way; the most that one step asked. */
static unsigned sweep_on(void)
{
	unsigned most = 0, before;

	while (w.core->sweep.timer != 0) {
		before = gate.asked;
		world_advance(&w, SWEEP_STEP_US / 1000);
		if (gate.asked - before > most)
			most = gate.asked - before;
	}
	return most;
}

static void all_look_after_an_unknown_outcome(void)
{
	open_hands("{}");
	crowd_comes();
	submit_reach();
	answer_error(PAR_E_UNAVAILABLE);
	nothing_more(crowd[CROWD - 1]);
	gate.hold = true;
	world_advance(&w, SWEEP_STEP_US / 1000);
	CU_ASSERT_EQUAL(gate.n_held, SWEEP_STEP);
	answer_looks("user 1", 1, "{\"a\":1,\"missed\":3}");
	CU_ASSERT(world_next_has(crowd[1], "\"payload\":{\"a\":1,\"missed\":3}}"));
	CU_ASSERT_EQUAL(sweep_on(), SWEEP_STEP);
	CU_ASSERT_EQUAL(gate.asked, CROWD);
	nothing_more(crowd[2]);
	crowd_goes();
}

/* A sweep for each would be without an end. */
static void many_doubts_are_one_sweep_more(void)
{
	unsigned i;

	open_hands("{}");
	crowd_comes();
	for (i = 0; i < 100; i++) {
		submit_reach();
		answer_error(PAR_E_INTERNAL);
	}
	world_advance(&w, SWEEP_STEP_US / 1000);
	CU_ASSERT_EQUAL(gate.asked, SWEEP_STEP);
	for (i = 0; i < 100; i++) {
		submit_reach();
		answer_error(PAR_E_UNAVAILABLE);
	}
	CU_ASSERT(sweep_on() <= SWEEP_STEP);
	CU_ASSERT_EQUAL(gate.asked, 2 * CROWD);
	CU_ASSERT_EQUAL(w.core->count.sweeps->value, 1);
	crowd_goes();
}

/* And then all look, also those that were passed when it went down. */
static void a_sweep_waits_for_a_storage_that_is_down(void)
{
	unsigned i;

	open_hands("{}");
	crowd_comes();
	gate.down = "for a test";
	submit_reach();
	answer_error(PAR_E_UNAVAILABLE);
	for (i = 0; i < 1000; i++)
		world_advance(&w, SWEEP_STEP_US / 1000);
	CU_ASSERT(gate.asked <= SWEEP_STEP + 20);
	gate.down = NULL;
	gate.asked = 0;
	world_advance(&w, 1000);
	sweep_on();
	CU_ASSERT_EQUAL(gate.asked, CROWD);
	crowd_goes();
}

/* Those who look must not stand in the way of those who connect. */
static void a_sweep_waits_for_a_storage_that_is_slow(void)
{
	struct session *session;
	unsigned i, waiting = 0;

	open_hands("{}");
	crowd_comes();
	submit_reach();
	answer_error(PAR_E_UNAVAILABLE);
	gate.hold = true;
	for (i = 0; i < 100; i++)
		world_advance(&w, SWEEP_STEP_US / 1000);
	CU_ASSERT_EQUAL(gate.n_held, FETCH_MAX);
	TAILQ_FOREACH(session, &w.core->fetch_queue, of_fetch)
		waiting++;
	CU_ASSERT(waiting <= SWEEP_STEP);
	let_held_through();
	gate.asked = 0;
	sweep_on();
	CU_ASSERT_EQUAL(gate.asked, CROWD - FETCH_MAX - SWEEP_STEP);
	crowd_goes();
}

int main(void)
{
	static const struct unit_test tests[] = {
		{ "each receiver gets his own", each_receiver_gets_his_own },
		{ "a gap is fetched", a_gap_is_fetched },
		{ "the window counts what is sent", the_window_counts_what_is_sent },
		{ "what makes no sense is refused", what_makes_no_sense_is_refused },
		{ "all look after an unknown outcome", all_look_after_an_unknown_outcome },
		{ "many doubts are one sweep more", many_doubts_are_one_sweep_more },
		{ "a sweep waits for a storage that is down",
		  a_sweep_waits_for_a_storage_that_is_down },
		{ "a sweep waits for a storage that is slow",
		  a_sweep_waits_for_a_storage_that_is_slow },
		{ NULL, NULL },
	};

	return unit_main("delivery", tests);
}
