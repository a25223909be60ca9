/* SPDX-License-Identifier: BSD-2-Clause */
/* A session's way through its user's stream where it is not smooth: gaps, events
 * that stay unacked, acks in arrears, several sessions of one device. */
#include <stdlib.h>
#include <string.h>

#include "engine/core_internal.h"
#include "stream_world.h"
#include "unit.h"

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

/* An event is as old as the server saw it become. */
static void a_clock_that_jumps_ahead_makes_nothing_old(void)
{
	struct conn *alice, *bob;

	open_world("{event_ttl: 1d, device_ttl: 1d, prune_interval: 100ms}");
	alice = connect_user("alice", NULL);
	bob = connect_user("bob", NULL);
	world_hang_up(&w, bob);
	say(alice, NEW("bob", "one"));
	w.wall_ms += 10 * 86400000ULL;
	world_advance(&w, 1000);
	bob = connect_user("bob", NULL);
	next_event(bob, 1, false);
	world_hang_up(&w, bob);
	say(alice, NEW("bob", "two"));
	w.wall_ms -= 10 * 86400000ULL;
	world_advance(&w, 86400000);
	world_advance(&w, 1000);
	bob = connect_user("bob", NULL);
	next_resync(bob, 1, true, "{\"fromSeq\":2}");
	next_event(bob, 2, false); /* stored when the clock was ahead */
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
	world_signal(&w, bob, IN_CONGESTED);
	world_run(&w);
	world_advance(&w, 400); /* it cannot ack what it has not read */
	world_signal(&w, bob, IN_DRAINED);
	world_run(&w);
	nothing_more(bob);
	world_advance(&w, 250);
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
		{ "a clock that jumps ahead makes nothing old",
		  a_clock_that_jumps_ahead_makes_nothing_old },
		{ "a device that may have been forgotten resyncs",
		  a_device_that_may_have_been_forgotten_resyncs },
		{ "what stays unacked comes again", what_stays_unacked_comes_again },
		{ "a client that acks in arrears goes on", a_client_that_acks_in_arrears_goes_on },
		{ "a client that acks in arrears has a second session",
		  a_client_that_acks_in_arrears_has_a_second_session },
		{ "an ack behind the close frame counts", an_ack_behind_the_close_frame_counts },
		{ "two sessions of a device hear of each other",
		  two_sessions_of_a_device_hear_of_each_other },
		{ "too many devices at once are turned away",
		  too_many_devices_at_once_are_turned_away },
		{ NULL, NULL },
	};

	return unit_main("stream", tests);
}
