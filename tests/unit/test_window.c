/* SPDX-License-Identifier: BSD-2-Clause */
/* The window of a session: what is on the wire, and the cursor that follows. */
#include <string.h>

#include "engine/window.h"
#include "unit.h"

static const struct window_limits limits = { .events = 4, .bytes = 1000 };

static void acks_in_order_move_the_cursor(void)
{
	struct window w = { 0 };
	uint64_t seq = 0;

	window_push(&w, 1, 11, 10);
	window_push(&w, 2, 12, 10);
	CU_ASSERT_EQUAL(window_acked_below(&w, 12), 10);
	CU_ASSERT(window_ack(&w, 1, &seq));
	CU_ASSERT_EQUAL(seq, 11);
	CU_ASSERT_EQUAL(window_acked_below(&w, 12), 11);
	CU_ASSERT(window_ack(&w, 2, &seq));
	CU_ASSERT_EQUAL(window_acked_below(&w, 12), 12);
	CU_ASSERT_EQUAL(w.bytes, 0);
	window_free(&w);
}

static void an_ack_covers_its_event_alone(void)
{
	struct window w = { 0 };
	uint64_t seq, above[4];

	window_push(&w, 1, 11, 10);
	window_push(&w, 2, 12, 10);
	window_push(&w, 3, 13, 10);
	CU_ASSERT(window_ack(&w, 2, &seq));
	CU_ASSERT_EQUAL(window_acked_below(&w, 13), 10);
	CU_ASSERT_EQUAL(window_acked_above(&w, above, 4), 1);
	CU_ASSERT_EQUAL(above[0], 12);
	CU_ASSERT(window_ack(&w, 1, &seq));
	CU_ASSERT_EQUAL(window_acked_below(&w, 13), 12);
	CU_ASSERT_EQUAL(window_acked_above(&w, above, 4), 0);
	window_free(&w);
}

static void unknown_repeated_and_late_acks_change_nothing(void)
{
	struct window w = { 0 };
	uint64_t seq;

	CU_ASSERT_FALSE(window_ack(&w, 1, &seq));
	window_push(&w, 5, 11, 10);
	window_push(&w, 7, 12, 10);
	CU_ASSERT_FALSE(window_ack(&w, 0, &seq));
	CU_ASSERT_FALSE(window_ack(&w, 4, &seq));
	CU_ASSERT_FALSE(window_ack(&w, 6, &seq)); /* an ephemeral event's id, between them */
	CU_ASSERT_FALSE(window_ack(&w, 8, &seq));
	CU_ASSERT(window_ack(&w, 7, &seq));
	CU_ASSERT_FALSE(window_ack(&w, 7, &seq));
	CU_ASSERT_EQUAL(w.unacked, 1);
	CU_ASSERT_EQUAL(w.bytes, 10);
	window_free(&w);
}

static void a_full_window_has_no_room_until_an_ack(void)
{
	struct window w = { 0 };
	uint64_t seq, id;

	CU_ASSERT_EQUAL(window_free_slots(&w, &limits), 4);
	for (id = 1; id <= 4; id++)
		window_push(&w, id, id, 10);
	CU_ASSERT_EQUAL(window_free_slots(&w, &limits), 0);
	CU_ASSERT(window_ack(&w, 3, &seq));
	CU_ASSERT_EQUAL(window_free_slots(&w, &limits), 1);
	window_free(&w);
}

static void bytes_fill_it_too_but_one_event_always_goes(void)
{
	struct window w = { 0 };
	uint64_t seq;

	CU_ASSERT(window_free_slots(&w, &limits) > 0);
	window_push(&w, 1, 1, 5000); /* larger than the limit, and alone */
	CU_ASSERT_EQUAL(window_free_slots(&w, &limits), 0);
	CU_ASSERT(window_ack(&w, 1, &seq));
	CU_ASSERT_EQUAL(window_free_slots(&w, &limits), 4);
	window_free(&w);
}

static void the_ring_is_bounded_when_the_first_is_never_acked(void)
{
	struct window w = { 0 };
	uint64_t seq, id = 1;

	window_push(&w, id, id, 1);
	while (window_free_slots(&w, &limits) > 0 && id < 1000) {
		id++;
		window_push(&w, id, id, 1);
		CU_ASSERT(window_ack(&w, id, &seq));
	}
	CU_ASSERT_EQUAL(w.n, limits.events * WINDOW_SPAN);
	CU_ASSERT(window_ack(&w, 1, &seq));
	CU_ASSERT_EQUAL(w.n, 0);
	CU_ASSERT_EQUAL(window_acked_below(&w, id), id);
	window_free(&w);
}

static void what_was_acked_before_stays_acked(void)
{
	struct window w = { 0 };
	uint64_t seq, above[4];

	window_push_acked(&w, 10); /* nothing before it waits: no entry is needed */
	CU_ASSERT_EQUAL(w.n, 0);
	window_push(&w, 1, 11, 10);
	window_push_acked(&w, 12);
	window_push(&w, 2, 13, 10);
	CU_ASSERT_EQUAL(w.unacked, 2);
	CU_ASSERT_EQUAL(window_acked_above(&w, above, 4), 1);
	CU_ASSERT_EQUAL(above[0], 12);
	CU_ASSERT(window_ack(&w, 1, &seq));
	CU_ASSERT_EQUAL(seq, 11);
	CU_ASSERT_EQUAL(window_acked_below(&w, 13), 12);
	CU_ASSERT(window_ack(&w, 2, &seq));
	CU_ASSERT_EQUAL(seq, 13);
	window_free(&w);
}

static void it_wraps_and_grows(void)
{
	struct window w = { 0 };
	struct window_limits wide = { .events = 64, .bytes = 1 << 20 };
	uint64_t seq, pushed = 0, acked = 0;
	unsigned round;

	/* head and tail meet at every place of rings of every size */
	for (round = 0; round < 500; round++) {
		unsigned burst = round % 37 + 1;

		while (burst-- > 0 && window_free_slots(&w, &wide) > 0) {
			pushed++;
			window_push(&w, pushed, pushed * 2, 1);
		}
		while (acked + round % 5 < pushed) {
			CU_ASSERT(window_ack(&w, ++acked, &seq));
			CU_ASSERT_EQUAL(seq, acked * 2);
		}
	}
	CU_ASSERT(pushed > 5000);
	CU_ASSERT_EQUAL(w.unacked, pushed - acked);
	window_free(&w);
}

int main(void)
{
	static const struct unit_test tests[] = {
		{ "acks in order move the cursor", acks_in_order_move_the_cursor },
		{ "an ack covers its event alone", an_ack_covers_its_event_alone },
		{ "unknown, repeated and late acks change nothing",
		  unknown_repeated_and_late_acks_change_nothing },
		{ "a full window has no room until an ack",
		  a_full_window_has_no_room_until_an_ack },
		{ "bytes fill it too, but one event always goes",
		  bytes_fill_it_too_but_one_event_always_goes },
		{ "the ring is bounded when the first is never acked",
		  the_ring_is_bounded_when_the_first_is_never_acked },
		{ "what was acked before stays acked", what_was_acked_before_stays_acked },
		{ "it wraps and grows", it_wraps_and_grows },
		{ NULL, NULL },
	};

	return unit_main("window", tests);
}
