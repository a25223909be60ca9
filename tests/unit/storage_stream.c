/* SPDX-License-Identifier: BSD-2-Clause */
/* The storage test: EVENT, CURSOR, DEVICE and EVENTS. */
#include <string.h>

#include "storage_test.h"

void test_event_fills_holes(void)
{
	struct par_tx *tx = store_tx(&store);
	struct outcome *out;
	struct page *page;
	char *expect;

	do_append(&store, "bob", "alice", "b1", "first");
	do_append(&store, "alice", "bob", "a2", "second");
	add_append(&store, tx, "alice", "bob", "a\"3", "third")->u.append.reply_to = 1;
	add_mark(&store, tx, PAR_MARK_READ, "alice", "bob", 0)->when = 0;
	add_event(&store, tx, "bob",
		  "{\"id\":@00,\"clientId\":@10,\"time\":@40,\"missed\":@50,\"reply\":@60}")
	    ->when = 0;
	add_event(&store, tx, "alice", "{\"id\":@01,\"clientId\":@11,\"missed\":@51}")->when = 1;
	add_event(&store, tx, "carol", "{\"no\":\"holes\"}");
	out = store_run(&store, tx);
	CU_ASSERT_EQUAL(out->error, PAR_OK);
	expect = store_format(
	    &store, "{\"id\":3,\"clientId\":\"a\\\"3\",\"time\":%llu,\"missed\":2,\"reply\":%s}",
	    (unsigned long long)store.host->now, out->op[0].reply);
	CU_ASSERT(text_is(out->op[2].payload, expect));
	CU_ASSERT(text_is(out->op[3].payload, "{\"id\":1,\"clientId\":\"b1\",\"missed\":0}"));
	CU_ASSERT(text_is(out->op[4].payload, "{\"no\":\"holes\"}"));
	CU_ASSERT(out->op[2].applied);
	CU_ASSERT_EQUAL(out->op[2].seq, 1);
	CU_ASSERT_EQUAL(out->op[3].seq, 1);
	page = ask_events(&store, "bob", "phone", 0);
	CU_ASSERT_EQUAL_FATAL(page->n, 1);
	CU_ASSERT(text_is(page->events[0].payload, expect));

	tx = store_tx(&store);
	add_change(&store, tx, PAR_CHANGE_EDIT, "alice", "bob", 2);
	add_event(&store, tx, "bob", "{\"o\":@20,\"oc\":@30,\"c\":@10,\"id\":@00}");
	out = store_run(&store, tx);
	CU_ASSERT(text_is(out->op[1].payload, "{\"o\":2,\"oc\":\"a2\",\"id\":4}"));
	CU_ASSERT_EQUAL(out->op[1].seq, 2);
}

static struct outcome *own_event(const char *device, bool always)
{
	struct par_tx *tx = store_tx(&store);
	struct par_op_event *event = &add_event(&store, tx, "alice", "{}")->u.event;

	event->own = true;
	event->always = always;
	event->origin_device = par_str_of(device);
	return store_run(&store, tx);
}

void test_event_own(void)
{
	struct outcome *out;
	struct page *page;

	out = own_event("phone", false);
	CU_ASSERT_EQUAL(out->error, PAR_OK);
	CU_ASSERT_FALSE(out->op[0].applied);
	CU_ASSERT_PTR_NULL(out->op[0].payload);
	ask_device(&store, "alice", "phone");
	CU_ASSERT_FALSE(own_event("phone", false)->op[0].applied);
	CU_ASSERT_EQUAL(own_event("phone", true)->op[0].seq, 1);
	CU_ASSERT_EQUAL(own_event("laptop", false)->op[0].seq, 2);
	ask_device(&store, "alice", "laptop");
	CU_ASSERT_EQUAL(own_event("phone", false)->op[0].seq, 3);
	do_event(&store, "alice", "{}");
	page = ask_events(&store, "alice", "phone", 0);
	CU_ASSERT_EQUAL_FATAL(page->n, 4);
	CU_ASSERT(page->events[0].origin);
	CU_ASSERT_FALSE(page->events[1].origin);
	CU_ASSERT(page->events[2].origin);
	CU_ASSERT_FALSE(page->events[3].origin);
	page = ask_events(&store, "alice", "laptop", 2);
	CU_ASSERT_EQUAL_FATAL(page->n, 2);
	CU_ASSERT_FALSE(page->events[0].origin);
}

void test_events_pages(void)
{
	struct par_query *q;
	struct page *page;
	unsigned i;

	CU_ASSERT_EQUAL(ask_events(&store, "alice", "phone", 0)->n, 0);
	for (i = 1; i <= 20; i++)
		CU_ASSERT_EQUAL(
		    do_event(&store, "alice", store_format(&store, "{\"number\":%02u}", i))
			->op[0]
			.seq,
		    i);
	page = ask_events(&store, "alice", "phone", 0);
	CU_ASSERT_EQUAL_FATAL(page->n, 20);
	CU_ASSERT_FALSE(page->has_more);
	CU_ASSERT(text_is(page->events[19].payload, "{\"number\":20}"));
	page = ask_events(&store, "alice", "phone", 18);
	CU_ASSERT_EQUAL_FATAL(page->n, 2);
	CU_ASSERT_EQUAL(page->events[0].seq, 19);
	CU_ASSERT_EQUAL(ask_events(&store, "alice", "phone", 20)->n, 0);
	CU_ASSERT_EQUAL(ask_events(&store, "alice", "phone", 99)->n, 0);
	q = store_query(&store, PAR_QUERY_EVENTS, "alice");
	q->limit = 5;
	page = store_run_query(&store, q);
	CU_ASSERT_EQUAL(page->n, 5);
	CU_ASSERT(page->has_more);
	q = store_query(&store, PAR_QUERY_EVENTS, "alice");
	q->after = 15;
	q->limit = 5;
	CU_ASSERT_FALSE(store_run_query(&store, q)->has_more);
	q = store_query(&store, PAR_QUERY_EVENTS, "alice");
	q->max_bytes = 3 * strlen("{\"number\":01}");
	page = store_run_query(&store, q);
	CU_ASSERT_EQUAL(page->n, 3);
	CU_ASSERT(page->has_more);
	q = store_query(&store, PAR_QUERY_EVENTS, "alice");
	q->max_bytes = 1;
	CU_ASSERT_EQUAL(store_run_query(&store, q)->n, 1);
}

void test_device_first_and_later(void)
{
	struct page *page;

	do_event(&store, "alice", "{}");
	do_event(&store, "alice", "{}");
	page = ask_device(&store, "alice", "phone");
	CU_ASSERT_EQUAL(page->error, PAR_OK);
	CU_ASSERT_EQUAL(page->device.acked, 0);
	CU_ASSERT_EQUAL(page->device.sent, 0);
	CU_ASSERT_EQUAL(page->device.last_seq, 2);
	page = ask_device(&store, "alice", "laptop");
	CU_ASSERT_EQUAL(page->device.acked, 2);
	CU_ASSERT_EQUAL(page->device.sent, 2);
	page = ask_device(&store, "nobody yet", "phone");
	CU_ASSERT_EQUAL(page->device.acked, 0);
	CU_ASSERT_EQUAL(page->device.last_seq, 0);
}

void test_device_after_a_crash(void)
{
	struct page *page;
	unsigned i;

	ask_device(&store, "alice", "phone");
	for (i = 0; i < 9; i++)
		do_event(&store, "alice", "{}");
	do_cursor(&store, "alice", "phone", 2, 5, true);
	page = ask_device(&store, "alice", "phone");
	CU_ASSERT_EQUAL(page->device.acked, 2);
	CU_ASSERT_EQUAL(page->device.sent, 5);
	/* Connected from here on; a cursor on the way is not the last word. */
	do_cursor(&store, "alice", "phone", 3, 6, false);
	page = ask_device(&store, "alice", "phone");
	CU_ASSERT_EQUAL(page->device.acked, 3);
	CU_ASSERT_EQUAL(page->device.sent, 9);
	do_cursor(&store, "alice", "phone", 4, 9, true);
	do_event(&store, "alice", "{}");
	page = ask_device(&store, "alice", "phone");
	CU_ASSERT_EQUAL(page->device.acked, 4);
	CU_ASSERT_EQUAL(page->device.sent, 9);
	CU_ASSERT_EQUAL(page->device.last_seq, 10);
}

static void cursor_above(uint64_t acked, uint64_t a, uint64_t b)
{
	struct par_tx *tx = store_tx(&store);
	struct par_op_cursor *cursor = &add_cursor(tx, "alice", "phone", acked, 9)->u.cursor;
	uint64_t above[2] = { a, b };

	cursor->above = above;
	cursor->n_above = 2;
	cursor->closed = true;
	CU_ASSERT(store_run(&store, tx)->op[0].applied);
}

void test_cursor_never_goes_back(void)
{
	const struct par_device_state *state;
	struct outcome *out;
	unsigned i;

	out = do_cursor(&store, "alice", "phone", 1, 1, true);
	CU_ASSERT_EQUAL(out->error, PAR_OK);
	CU_ASSERT_FALSE(out->op[0].applied);
	ask_device(&store, "alice", "phone");
	for (i = 0; i < 10; i++)
		do_event(&store, "alice", "{}");
	cursor_above(3, 6, 8);
	state = &ask_device(&store, "alice", "phone")->device;
	CU_ASSERT_EQUAL(state->acked, 3);
	CU_ASSERT_EQUAL_FATAL(state->n_above, 2);
	CU_ASSERT_EQUAL(state->above[0], 6);
	CU_ASSERT_EQUAL(state->above[1], 8);
	cursor_above(2, 7, 9);
	state = &ask_device(&store, "alice", "phone")->device;
	CU_ASSERT_EQUAL(state->acked, 3);
	CU_ASSERT_EQUAL(state->sent, 9);
	CU_ASSERT_EQUAL_FATAL(state->n_above, 4);
	CU_ASSERT_EQUAL(state->above[3], 9);
	/* What closes the gap moves the cursor itself. */
	do_cursor(&store, "alice", "phone", 5, 5, true);
	state = &ask_device(&store, "alice", "phone")->device;
	CU_ASSERT_EQUAL(state->acked, 9);
	CU_ASSERT_EQUAL(state->n_above, 0);
	CU_ASSERT_EQUAL(state->sent, 9);
	do_cursor(&store, "alice", "phone", 99, 99, true);
	state = &ask_device(&store, "alice", "phone")->device;
	CU_ASSERT_EQUAL(state->acked, 10);
	CU_ASSERT_EQUAL(state->sent, 10);
}

void test_cursor_prunes(void)
{
	unsigned i;

	ask_device(&store, "alice", "phone");
	ask_device(&store, "alice", "laptop");
	for (i = 0; i < 20; i++)
		do_event(&store, "alice", "{}");
	do_cursor(&store, "alice", "phone", 15, 20, false);
	CU_ASSERT_EQUAL(ask_events(&store, "alice", "phone", 0)->n, 20);
	do_cursor(&store, "alice", "laptop", 10, 20, false);
	CU_ASSERT_EQUAL_FATAL(ask_events(&store, "alice", "phone", 0)->n, 10);
	CU_ASSERT_EQUAL(ask_events(&store, "alice", "phone", 0)->events[0].seq, 11);
	do_cursor(&store, "alice", "laptop", 20, 20, false);
	CU_ASSERT_EQUAL(ask_events(&store, "alice", "phone", 15)->n, 5);
	do_cursor(&store, "alice", "phone", 20, 20, true);
	CU_ASSERT_EQUAL(ask_events(&store, "alice", "phone", 20)->n, 0);
	/* The stream goes on where it was. */
	CU_ASSERT_EQUAL(do_event(&store, "alice", "{}")->op[0].seq, 21);
	CU_ASSERT_EQUAL(ask_device(&store, "alice", "phone")->device.last_seq, 21);
	CU_ASSERT_EQUAL(ask_events(&store, "alice", "phone", 20)->n, 1);
}
