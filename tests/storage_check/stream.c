/* SPDX-License-Identifier: BSD-2-Clause */
/* Rules of EVENT and EVENTS. */
#include <string.h>

#include "check.h"

void rule_event_fills_holes(void)
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
	EXPECT_ERROR(out->error, PAR_OK);
	expect = store_format(
	    &store, "{\"id\":3,\"clientId\":\"a\\\"3\",\"time\":%llu,\"missed\":2,\"reply\":%s}",
	    (unsigned long long)store.host->now, out->op[0].reply);
	EXPECT_TEXT(out->op[2].payload, expect);
	EXPECT_TEXT(out->op[3].payload, "{\"id\":1,\"clientId\":\"b1\",\"missed\":0}");
	EXPECT_TEXT(out->op[4].payload, "{\"no\":\"holes\"}");
	EXPECT(out->op[2].applied);
	EXPECT_EQ(out->op[2].seq, 1);
	EXPECT_EQ(out->op[3].seq, 1);
	page = ask_events(&store, "bob", "phone", 0);
	NEED_EQ(page->n, 1);
	EXPECT_TEXT(page->events[0].payload, expect);

	tx = store_tx(&store);
	add_change(&store, tx, PAR_CHANGE_EDIT, "alice", "bob", 2);
	add_event(&store, tx, "bob", "{\"o\":@20,\"oc\":@30,\"c\":@10,\"id\":@00}");
	out = store_run(&store, tx);
	EXPECT_TEXT(out->op[1].payload, "{\"o\":2,\"oc\":\"a2\",\"id\":4}");
	EXPECT_EQ(out->op[1].seq, 2);
}

static struct outcome *own_event_in(const char *device, bool always, par_session_id session)
{
	struct par_tx *tx = store_tx(&store);
	struct par_op_event *event = &add_event(&store, tx, "alice", "{}")->u.event;

	event->own = true;
	event->always = always;
	event->origin_device = par_str_of(device);
	event->origin_session = session;
	return store_run(&store, tx);
}

static struct outcome *own_event(const char *device, bool always)
{
	return own_event_in(device, always, 1);
}

void rule_event_own(void)
{
	struct outcome *out;
	struct page *page;

	out = own_event("phone", false);
	EXPECT_ERROR(out->error, PAR_OK);
	EXPECT(!out->op[0].applied);
	EXPECT_TEXT(out->op[0].payload, NULL);
	ask_device(&store, "alice", "phone");
	EXPECT(!own_event("phone", false)->op[0].applied);
	EXPECT_EQ(own_event("phone", true)->op[0].seq, 1);
	EXPECT_EQ(own_event("laptop", false)->op[0].seq, 2);
	ask_device(&store, "alice", "laptop");
	EXPECT_EQ(own_event("phone", false)->op[0].seq, 3);
	do_event(&store, "alice", "{}");
	page = ask_events(&store, "alice", "phone", 0);
	NEED_EQ(page->n, 4);
	EXPECT(page->events[0].origin);
	EXPECT(!page->events[1].origin);
	EXPECT(page->events[2].origin);
	EXPECT(!page->events[3].origin);
	page = ask_events(&store, "alice", "laptop", 2);
	NEED_EQ(page->n, 2);
	EXPECT(!page->events[0].origin);
}

void rule_events_pages(void)
{
	struct par_query *q;
	struct page *page;
	unsigned i;

	EXPECT_EQ(ask_events(&store, "alice", "phone", 0)->n, 0);
	for (i = 1; i <= 20; i++)
		EXPECT_EQ(do_event(&store, "alice", store_format(&store, "{\"number\":%02u}", i))
			      ->op[0]
			      .seq,
			  i);
	page = ask_events(&store, "alice", "phone", 0);
	NEED_EQ(page->n, 20);
	EXPECT(!page->has_more);
	EXPECT_TEXT(page->events[19].payload, "{\"number\":20}");
	page = ask_events(&store, "alice", "phone", 18);
	NEED_EQ(page->n, 2);
	EXPECT_EQ(page->events[0].seq, 19);
	EXPECT_EQ(ask_events(&store, "alice", "phone", 20)->n, 0);
	EXPECT_EQ(ask_events(&store, "alice", "phone", 99)->n, 0);
	q = store_query(&store, PAR_QUERY_EVENTS, "alice");
	q->limit = 5;
	page = store_run_query(&store, q);
	EXPECT_EQ(page->n, 5);
	EXPECT(page->has_more);
	q = store_query(&store, PAR_QUERY_EVENTS, "alice");
	q->after = 15;
	q->limit = 5;
	EXPECT(!store_run_query(&store, q)->has_more);
	q = store_query(&store, PAR_QUERY_EVENTS, "alice");
	q->max_bytes = 3 * strlen("{\"number\":01}");
	page = store_run_query(&store, q);
	EXPECT_EQ(page->n, 3);
	EXPECT(page->has_more);
	q = store_query(&store, PAR_QUERY_EVENTS, "alice");
	q->max_bytes = 1;
	EXPECT_EQ(store_run_query(&store, q)->n, 1);
}

void rule_event_own_session(void)
{
	const par_session_id large = 0xfedcba9876543210u;
	struct page *page;

	ask_device(&store, "alice", "phone");
	ask_device(&store, "alice", "laptop");
	own_event_in("phone", false, 7);
	own_event_in("laptop", true, large);
	do_event(&store, "alice", "{}");
	page = ask_events(&store, "alice", "phone", 0);
	NEED_EQ(page->n, 3);
	EXPECT(page->events[0].origin);
	EXPECT_EQ(page->events[0].origin_session, 7);
	EXPECT(!page->events[1].origin);
	EXPECT(!page->events[2].origin);
	page = ask_events(&store, "alice", "laptop", 0);
	EXPECT(!page->events[0].origin);
	EXPECT(page->events[1].origin);
	EXPECT_EQ(page->events[1].origin_session, large);
}

void rule_event_keeps_its_bytes(void)
{
	static const char payload[] =
	    "{\"a\":\"\\\"\\u0000 ' \xf0\x9f\x98\x80\",\"b\":[1e999, -0]}";
	struct par_tx *tx = store_tx(&store);
	struct outcome *out;
	struct page *page;

	add_event(&store, tx, "alice", payload)->u.event.type = par_str_of("closeCall");
	add_event(&store, tx, "alice", "{}")->u.event.type = par_str_of("\xd0\x96");
	out = store_run(&store, tx);
	EXPECT_TEXT(out->op[0].payload, payload);
	page = ask_events(&store, "alice", "phone", 0);
	NEED_EQ(page->n, 2);
	EXPECT_TEXT(page->events[0].payload, payload);
	EXPECT_TEXT(page->events[0].type, "closeCall");
	EXPECT_TEXT(page->events[1].type, "\xd0\x96");
}

static struct page *events_of_1000_bytes(uint64_t after)
{
	struct par_query *q = store_query(&store, PAR_QUERY_EVENTS, "alice");

	q->after = after;
	q->max_bytes = 1000;
	return store_run_query(&store, q);
}

void rule_events_large(void)
{
	const size_t len = 300000;
	char *large = arena_alloc(&store.arena, len + 1);
	struct page *page;

	memset(large, 'x', len);
	large[0] = large[len - 1] = '"';
	large[len] = '\0';
	do_event(&store, "alice", "1");
	do_event(&store, "alice", large);
	do_event(&store, "alice", large);
	do_event(&store, "alice", "4");
	page = events_of_1000_bytes(0);
	EXPECT_EQ(page->n, 1);
	EXPECT(page->has_more);
	page = events_of_1000_bytes(1);
	NEED_EQ(page->n, 1);
	EXPECT(page->has_more);
	EXPECT_EQ(page->events[0].seq, 2);
	EXPECT(text_is(page->events[0].payload, large));
	page = events_of_1000_bytes(2);
	NEED_EQ(page->n, 1);
	EXPECT_EQ(page->events[0].seq, 3);
	page = events_of_1000_bytes(3);
	NEED_EQ(page->n, 1);
	EXPECT_EQ(page->events[0].seq, 4);
	EXPECT(!page->has_more);
}

void rule_seq_without_holes(void)
{
	struct outcome *out;
	struct par_tx *tx;
	unsigned i;

	do_append(&store, "alice", "bob", "c0", "zero");
	for (i = 1; i <= 10; i++) {
		tx = store_tx(&store);
		add_event(&store, tx, "bob", "{}");
		add_event(&store, tx, "alice", "{}");
		add_append(&store, tx, "alice", "bob", NULL, "lost");
		add_append(&store, tx, "alice", "bob", "c0", "reused");
		EXPECT_ERROR(store_run(&store, tx)->error, PAR_E_CONFLICT);
		tx = store_tx(&store);
		add_event(&store, tx, "bob", "{}");
		add_append(&store, tx, "alice", "bob", NULL, "kept");
		out = store_run(&store, tx);
		EXPECT_EQ(out->op[0].seq, i);
		EXPECT_EQ(out->op[1].id, i + 1);
	}
	EXPECT_EQ(ask_events(&store, "bob", "phone", 0)->n, 10);
	EXPECT_EQ(ask_events(&store, "alice", "phone", 0)->n, 0);
}
