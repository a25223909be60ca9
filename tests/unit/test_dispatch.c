/* SPDX-License-Identifier: BSD-2-Clause */
/* The core, from the inbox to the outbox: requests completed once, events in
 * order, windows, sessions that come and go. */
#include <stdio.h>
#include <string.h>

#include "core_world.h"
#include "unit.h"
#include "ws/close_code.h"

#define NEW(id, to, text) \
	"{\"type\":\"request\",\"id\":\"" id "\",\"payloadType\":\"new\",\"payload\":{\"chatId\":" \
	"\"" to "\",\"message\":\"" text "\"}}"

/* A handler that keeps the request's id and answers nothing. */
static par_request_id kept;

static void keep(void *state, const struct par_request *request)
{
	(void)state;
	kept = request->id;
}

static void a_message_goes_from_one_to_the_other(void)
{
	struct world w;
	struct conn *alice, *bob;

	world_open(&w, "{}");
	alice = world_connect(&w, "alice", NULL);
	bob = world_connect(&w, "bob", NULL);
	world_say(&w, alice, NEW("r1", "bob", "hi"));
	world_run(&w);
	CU_ASSERT(world_next_has(alice, "\"id\":\"r1\",\"payload\":{\"messageId\":1"));
	CU_ASSERT(world_next_has(bob, "\"id\":1,\"seq\":1,\"eventType\":\"new\""));
	CU_ASSERT_PTR_NULL(world_next(alice));
	CU_ASSERT_PTR_NULL(world_next(bob));
	world_hang_up(&w, alice);
	world_hang_up(&w, bob);
	world_close(&w);
}

static void a_request_is_completed_exactly_once(void)
{
	struct world w;
	struct conn *alice;
	static const char ask[] = "{\"type\":\"request\",\"id\":\"a\",\"payloadType\":\"keep\"}";

	world_open(&w, "{}");
	CU_ASSERT(api_table.handle_request(&w.plugin, "keep", keep, NULL));
	alice = world_connect(&w, "alice", NULL);
	world_say(&w, alice, ask);
	world_run(&w);
	CU_ASSERT_PTR_NULL(world_next(alice));
	CU_ASSERT(api_table.reply(&w.plugin, kept, NULL));
	CU_ASSERT_FALSE(api_table.reply(&w.plugin, kept, NULL));
	CU_ASSERT_FALSE(api_table.fail(&w.plugin, kept, PAR_E_INTERNAL, NULL, NULL));
	world_run(&w);
	CU_ASSERT(world_next_has(alice, "\"id\":\"a\"}"));
	CU_ASSERT_PTR_NULL(world_next(alice));
	world_hang_up(&w, alice);
	world_close(&w);
}

static void a_request_that_nobody_completes_times_out(void)
{
	struct world w;
	struct conn *alice;
	static const char ask[] = "{\"type\":\"request\",\"id\":\"a\",\"payloadType\":\"keep\"}";

	world_open(&w, "{request_timeout: 3s}");
	api_table.handle_request(&w.plugin, "keep", keep, NULL);
	alice = world_connect(&w, "alice", NULL);
	world_say(&w, alice, ask);
	world_run(&w);
	world_advance(&w, 2999);
	CU_ASSERT_PTR_NULL(world_next(alice));
	world_advance(&w, 1);
	CU_ASSERT(world_next_has(alice, "\"code\":\"timeout\""));
	CU_ASSERT_FALSE(api_table.reply(&w.plugin, kept, NULL)); /* too late, and safe */
	world_say(&w, alice, ask); /* the id is free again */
	world_run(&w);
	CU_ASSERT(api_table.reply(&w.plugin, kept, NULL));
	world_run(&w);
	CU_ASSERT(world_next_has(alice, "\"type\":\"response\""));
	world_hang_up(&w, alice);
	world_close(&w);
}

static void an_id_in_flight_is_refused(void)
{
	struct world w;
	struct conn *alice, *bob;
	static const char ask[] = "{\"type\":\"request\",\"id\":\"a\",\"payloadType\":\"keep\"}";

	world_open(&w, "{}");
	api_table.handle_request(&w.plugin, "keep", keep, NULL);
	alice = world_connect(&w, "alice", NULL);
	bob = world_connect(&w, "bob", NULL);
	world_say(&w, alice, ask);
	world_say(&w, alice, ask);
	world_say(&w, bob, ask); /* another connection's ids are its own */
	world_run(&w);
	CU_ASSERT(world_next_has(alice, "duplicate_request"));
	CU_ASSERT_PTR_NULL(world_next(bob));
	world_hang_up(&w, alice);
	world_hang_up(&w, bob);
	world_close(&w);
}

static void a_reply_to_a_session_that_is_gone_does_nothing(void)
{
	struct world w;
	struct conn *alice;

	world_open(&w, "{}");
	api_table.handle_request(&w.plugin, "keep", keep, NULL);
	alice = world_connect(&w, "alice", NULL);
	world_say(&w, alice, "{\"type\":\"request\",\"id\":\"a\",\"payloadType\":\"keep\"}");
	world_run(&w);
	world_hang_up(&w, alice);
	CU_ASSERT_FALSE(api_table.reply(&w.plugin, kept, NULL));
	CU_ASSERT_PTR_NULL(api_table.reply_open(&w.plugin, kept));
	world_close(&w);
}

static void too_many_requests_in_flight_pause_the_connection(void)
{
	struct world w;
	struct conn *alice;
	par_request_id ids[4];
	char ask[] = "{\"type\":\"request\",\"id\":\"0\",\"payloadType\":\"keep\"}";
	char *digit = strchr(ask, '0');
	unsigned i;

	world_open(&w, "{max_inflight: 2}");
	api_table.handle_request(&w.plugin, "keep", keep, NULL);
	alice = world_connect(&w, "alice", NULL);
	for (i = 0; i < 4; i++) {
		*digit = (char)('0' + i);
		world_say(&w, alice, ask);
		world_run(&w);
		ids[i] = kept;
	}
	CU_ASSERT_EQUAL(world_next(alice)->kind, OUT_PAUSE);
	CU_ASSERT_PTR_NULL(world_next(alice));
	for (i = 0; i < 4; i++)
		api_table.reply(&w.plugin, ids[i], NULL);
	world_run(&w);
	CU_ASSERT_EQUAL(alice->said[alice->n_said - 2].kind, OUT_RESUME);
	world_hang_up(&w, alice);
	world_close(&w);
}

static void a_full_window_waits_for_acks_and_loses_nothing(void)
{
	struct world w;
	struct conn *alice, *bob;
	const struct said *said;
	unsigned i, got = 0;

	world_open(&w, "{ack_window: 4}");
	alice = world_connect(&w, "alice", NULL);
	bob = world_connect(&w, "bob", NULL);
	for (i = 0; i < 20; i++) {
		char ask[256];

		snprintf(ask, sizeof(ask),
			 "{\"type\":\"request\",\"id\":\"r%u\",\"payloadType\":\"new\","
			 "\"payload\":{\"chatId\":\"bob\",\"message\":\"m\"}}",
			 i);
		world_say(&w, alice, ask);
	}
	world_run(&w);
	CU_ASSERT_EQUAL(bob->n_said, 1 + 4);
	while ((said = world_next(bob)) != NULL) {
		got++;
		CU_ASSERT_EQUAL(said->seq, got);
		CU_ASSERT_EQUAL(said->id, got);
		CU_ASSERT_FALSE(said->redelivered);
		world_ack(&w, bob, said->id);
		world_run(&w);
		CU_ASSERT(bob->n_said - 1 <= got + 4);
	}
	CU_ASSERT_EQUAL(got, 20);
	world_hang_up(&w, alice);
	world_hang_up(&w, bob);
	world_close(&w);
}

static void what_was_not_acked_comes_again_in_order(void)
{
	struct world w;
	struct conn *alice, *bob;
	const struct said *said;

	world_open(&w, "{}");
	alice = world_connect(&w, "alice", NULL);
	bob = world_connect(&w, "bob", "phone");
	world_say(&w, alice, NEW("1", "bob", "one"));
	world_say(&w, alice, NEW("2", "bob", "two"));
	world_say(&w, alice, NEW("3", "bob", "three"));
	world_run(&w);
	world_ack(&w, bob, 2); /* that event alone */
	world_run(&w);
	world_hang_up(&w, bob);
	world_say(&w, alice, NEW("4", "bob", "four"));
	world_run(&w);
	bob = world_connect(&w, "bob", "phone");
	said = world_next(bob);
	CU_ASSERT(said->seq == 1 && said->redelivered && said->id == 1);
	said = world_next(bob);
	CU_ASSERT(said->seq == 3 && said->redelivered && said->id == 2);
	said = world_next(bob);
	CU_ASSERT(said->seq == 4 && !said->redelivered && said->id == 3);
	CU_ASSERT_PTR_NULL(world_next(bob));
	world_hang_up(&w, alice);
	world_hang_up(&w, bob);
	world_close(&w);
}

static void a_congested_session_is_sent_nothing_until_drained(void)
{
	struct world w;
	struct conn *alice, *bob;

	world_open(&w, "{}");
	alice = world_connect(&w, "alice", NULL);
	bob = world_connect(&w, "bob", NULL);
	world_signal(&w, bob, IN_CONGESTED);
	world_say(&w, alice, NEW("1", "bob", "one"));
	world_say(
	    &w, alice,
	    "{\"type\":\"event\",\"payloadType\":\"typing\",\"payload\":{\"chatId\":\"bob\"}}");
	world_run(&w);
	CU_ASSERT_PTR_NULL(world_next(bob));
	world_signal(&w, bob, IN_DRAINED);
	world_run(&w);
	CU_ASSERT(world_next_has(bob, "\"seq\":1"));
	CU_ASSERT_PTR_NULL(world_next(bob));
	world_hang_up(&w, alice);
	world_hang_up(&w, bob);
	world_close(&w);
}

static void ones_other_devices_hear_what_one_did(void)
{
	struct world w;
	struct conn *phone, *desk;

	world_open(&w, "{}");
	phone = world_connect(&w, "alice", "phone");
	desk = world_connect(&w, "alice", "desk");
	world_say(&w, phone, NEW("1", "bob", "hi"));
	world_run(&w);
	CU_ASSERT(world_next_has(phone, "\"type\":\"response\""));
	CU_ASSERT_PTR_NULL(world_next(phone));
	CU_ASSERT(world_next_has(desk, "\"eventType\":\"new\",\"payload\":{\"chatId\":\"bob\""));
	world_hang_up(&w, phone);
	world_hang_up(&w, desk);
	world_close(&w);
}

static void bad_messages_are_answered_and_then_too_many(void)
{
	struct world w;
	struct conn *alice;
	unsigned i;

	world_open(&w, "{max_bad_messages: 3}");
	alice = world_connect(&w, "alice", NULL);
	world_say(&w, alice, "{");
	world_run(&w);
	CU_ASSERT(world_next_has(alice, "\"id\":null,\"error\":{\"code\":\"bad_json\""));
	world_advance(&w, 61000); /* a minute later it is forgotten */
	for (i = 0; i < 3; i++)
		world_say(&w, alice, "{\"type\":\"nonsense\"}");
	world_say(&w, alice, NEW("1", "bob", "not heard any more"));
	world_run(&w);
	for (i = 0; i < 3; i++)
		CU_ASSERT(world_next_has(alice, "unknown_type"));
	CU_ASSERT_EQUAL(world_next(alice)->code, WS_CLOSE_POLICY);
	CU_ASSERT_PTR_NULL(world_next(alice));
	world_hang_up(&w, alice);
	world_close(&w);
}

static void a_handshake_can_fail(void)
{
	struct world w;
	struct conn *conn;
	const struct said *said;

	world_open(&w, "{}");
	conn = world_hello(&w, "grp_pretender", NULL);
	said = world_next(conn);
	CU_ASSERT(said->kind == OUT_REFUSE && said->code == 401);
	world_hang_up(&w, conn);
	conn = world_hello(&w, "alice", "bad\ndevice");
	said = world_next(conn);
	CU_ASSERT(said->kind == OUT_REFUSE && said->code == 400);
	world_hang_up(&w, conn);
	world_close(&w);
}

static void a_newer_connection_of_the_device_replaces_the_older(void)
{
	struct world w;
	struct conn *older, *newer, *other;

	world_open(&w, "{session_policy: replace}");
	older = world_connect(&w, "alice", "phone");
	other = world_connect(&w, "alice", "desk");
	newer = world_connect(&w, "alice", "phone");
	CU_ASSERT_EQUAL(world_next(older)->code, WS_CLOSE_REPLACED);
	CU_ASSERT_PTR_NULL(world_next(other));
	CU_ASSERT_PTR_NULL(world_next(newer));
	world_hang_up(&w, older);
	world_hang_up(&w, newer);
	world_hang_up(&w, other);
	world_close(&w);
}

static void draining_finishes_what_is_in_flight(void)
{
	struct world w;
	struct conn *alice, *late;
	const struct said *said;

	world_open(&w, "{}");
	api_table.handle_request(&w.plugin, "keep", keep, NULL);
	alice = world_connect(&w, "alice", NULL);
	world_say(&w, alice, "{\"type\":\"request\",\"id\":\"a\",\"payloadType\":\"keep\"}");
	world_run(&w);
	core_drain(w.core);
	late = world_hello(&w, "bob", NULL);
	CU_ASSERT_EQUAL(world_next(late)->code, 503);
	world_hang_up(&w, late);
	CU_ASSERT_PTR_NULL(world_next(alice));
	CU_ASSERT_FALSE(core_drained(w.core));
	CU_ASSERT(api_table.reply(&w.plugin, kept, NULL));
	world_run(&w);
	CU_ASSERT(world_next_has(alice, "\"id\":\"a\"}"));
	said = world_next(alice);
	CU_ASSERT(said->kind == OUT_CLOSE && said->code == WS_CLOSE_GOING_AWAY);
	world_hang_up(&w, alice);
	world_run(&w);
	CU_ASSERT(core_drained(w.core));
	world_close(&w);
}

static void the_clock_never_goes_backwards(void)
{
	struct world w;
	struct conn *alice;
	const struct said *said;

	world_open(&w, "{}");
	alice = world_connect(&w, "alice", NULL);
	world_advance(&w, 1000);
	w.wall_ms -= 500000;
	world_say(&w, alice, NEW("1", "bob", "hi"));
	world_run(&w);
	said = world_next(alice);
	CU_ASSERT_PTR_NOT_NULL(strstr(said->text, "\"timestamp\":1700000001000,\"id\":\"1\""));
	world_hang_up(&w, alice);
	world_close(&w);
}

int main(void)
{
	static const struct unit_test tests[] = {
		{ "a message goes from one to the other", a_message_goes_from_one_to_the_other },
		{ "a request is completed exactly once", a_request_is_completed_exactly_once },
		{ "a request that nobody completes times out",
		  a_request_that_nobody_completes_times_out },
		{ "an id in flight is refused", an_id_in_flight_is_refused },
		{ "a reply to a session that is gone does nothing",
		  a_reply_to_a_session_that_is_gone_does_nothing },
		{ "too many requests in flight pause the connection",
		  too_many_requests_in_flight_pause_the_connection },
		{ "a full window waits for acks and loses nothing",
		  a_full_window_waits_for_acks_and_loses_nothing },
		{ "what was not acked comes again in order",
		  what_was_not_acked_comes_again_in_order },
		{ "a congested session is sent nothing until drained",
		  a_congested_session_is_sent_nothing_until_drained },
		{ "one's other devices hear what one did", ones_other_devices_hear_what_one_did },
		{ "bad messages are answered, and then too many",
		  bad_messages_are_answered_and_then_too_many },
		{ "a handshake can fail", a_handshake_can_fail },
		{ "a newer connection of the device replaces the older",
		  a_newer_connection_of_the_device_replaces_the_older },
		{ "draining finishes what is in flight", draining_finishes_what_is_in_flight },
		{ "the clock never goes backwards", the_clock_never_goes_backwards },
		{ NULL, NULL },
	};

	return unit_main("dispatch", tests);
}
