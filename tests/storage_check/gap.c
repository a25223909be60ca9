/* SPDX-License-Identifier: BSD-2-Clause */
/* Rules of gaps: a device that missed events for good is told so until it has
 * acked that, and one that did not is not. Events are stored 10 ms apart. */
#include "check.h"

static uint64_t first_stored;

static void add_events(const char *user, unsigned n)
{
	first_stored = store.host->now;
	for (; n > 0; n--) {
		do_event(&store, user, "{}");
		host_advance(store.host, 10);
	}
}

/* Of the events that were added last, of a stream that began with them. */
static void drop_upto(uint64_t seq)
{
	do_prune_all(&store, first_stored + 10 * seq, 0, 3);
}

static const struct par_device_state *device(const char *user, const char *name)
{
	return &ask_device(&store, user, name)->device;
}

static uint64_t resync(const char *user, const char *name)
{
	return device(user, name)->resync_from;
}

static void ack(const char *user, const char *name, uint64_t acked)
{
	EXPECT(do_cursor(&store, user, name, acked, acked, false)->op[0].applied);
}

static void leave(const char *user, const char *name, uint64_t acked)
{
	EXPECT(do_cursor(&store, user, name, acked, acked, true)->op[0].applied);
}

/* What waits for the device behind `after`: n events, and nothing missing. */
static void expect_rest(const char *user, const char *name, uint64_t after, unsigned n)
{
	struct page *page = ask_events(&store, user, name, after);

	EXPECT_EQ(page->n, n);
	EXPECT_EQ(page->device.resync_from, 0);
	if (page->n > 0)
		EXPECT_EQ(page->events[0].seq, after + 1);
}

void rule_gap_after_prune(void)
{
	ask_device(&store, "bob", "phone");
	add_events("bob", 10);
	do_cursor(&store, "bob", "phone", 2, 5, true);
	drop_upto(6);
	EXPECT_EQ(device("bob", "phone")->acked, 2);
	EXPECT_EQ(resync("bob", "phone"), 7);
	leave("bob", "phone", 4);
	EXPECT_EQ(resync("bob", "phone"), 7);
	ack("bob", "phone", 6);
	EXPECT_EQ(resync("bob", "phone"), 0);
	EXPECT_EQ(device("bob", "phone")->acked, 6);
	expect_rest("bob", "phone", 6, 4);
}

void rule_gap_not_without_need(void)
{
	const uint64_t above[] = { 8, 9 };
	struct par_tx *tx = store_tx(&store);
	struct par_op_cursor *cursor;
	const struct par_device_state *state;

	ask_device(&store, "bob", "phone");
	ask_device(&store, "bob", "laptop");
	EXPECT_EQ(resync("bob", "phone"), 0);
	add_events("bob", 10);
	EXPECT_EQ(resync("bob", "phone"), 0);
	cursor = &add_cursor(tx, "bob", "phone", 6, 10)->u.cursor;
	cursor->above = above;
	cursor->n_above = 2;
	store_run(&store, tx);
	ack("bob", "laptop", 10);
	drop_upto(6);
	state = device("bob", "phone");
	EXPECT_EQ(state->resync_from, 0);
	EXPECT_EQ(state->acked, 6);
	EXPECT_EQ(state->n_above, 2);
	expect_rest("bob", "phone", 6, 4);
	EXPECT_EQ(resync("bob", "laptop"), 0);
	EXPECT_EQ(resync("bob", "tablet"), 0); /* new, and nobody was ever forgotten */
	EXPECT_EQ(resync("carol", "phone"), 0);
}

void rule_gap_with_nothing_kept(void)
{
	ask_device(&store, "bob", "phone");
	add_events("bob", 10);
	drop_upto(10);
	EXPECT_EQ(resync("bob", "phone"), 11);
	EXPECT_EQ(device("bob", "phone")->last_seq, 10);
	ack("bob", "phone", 9);
	EXPECT_EQ(resync("bob", "phone"), 11);
	do_event(&store, "bob", "{}");
	EXPECT_EQ(resync("bob", "phone"), 11);
	ack("bob", "phone", 10);
	EXPECT_EQ(resync("bob", "phone"), 0);
	expect_rest("bob", "phone", 10, 1);
}

void rule_gap_of_a_first_device(void)
{
	add_events("bob", 10);
	EXPECT_EQ(resync("bob", "phone"), 0);
	expect_rest("bob", "phone", 0, 10);
	add_events("carol", 10);
	drop_upto(4);
	EXPECT_EQ(resync("carol", "phone"), 5);
	EXPECT_EQ(resync("carol", "phone"), 5);
	ack("carol", "phone", 4);
	EXPECT_EQ(resync("carol", "phone"), 0);
	expect_rest("carol", "phone", 4, 6);
}

void rule_gap_of_a_new_device(void)
{
	ask_device(&store, "bob", "phone");
	ask_device(&store, "bob", "laptop");
	ask_device(&store, "carol", "phone");
	ask_device(&store, "carol", "laptop");
	add_events("bob", 10);
	leave("bob", "laptop", 3);
	leave("carol", "laptop", 0);
	host_advance(store.host, 1000);
	EXPECT_EQ(do_prune_all(&store, 0, store.host->now, 3).devices, 2);
	EXPECT_EQ(resync("bob", "laptop"), 11);
	leave("bob", "laptop", 0);
	EXPECT_EQ(resync("bob", "laptop"), 11);
	do_event(&store, "bob", "{}");
	EXPECT_EQ(resync("bob", "laptop"), 11);
	expect_rest("bob", "laptop", 10, 1);
	ack("bob", "laptop", 10);
	EXPECT_EQ(resync("bob", "laptop"), 0);
	EXPECT_EQ(resync("bob", "tablet"), 12);
	/* Nobody else is told, and there was nothing to miss for carol. */
	EXPECT_EQ(resync("bob", "phone"), 0);
	EXPECT_EQ(resync("carol", "laptop"), 0);
}

void rule_gap_of_the_only_device(void)
{
	ask_device(&store, "bob", "phone");
	add_events("bob", 10);
	leave("bob", "phone", 5);
	host_advance(store.host, 1000);
	do_prune_all(&store, 0, store.host->now, 3);
	do_event(&store, "bob", "{}");
	do_event(&store, "bob", "{}");
	EXPECT_EQ(resync("bob", "phone"), 11);
	ack("bob", "phone", 10);
	EXPECT_EQ(resync("bob", "phone"), 0);
	expect_rest("bob", "phone", 10, 2);
}

static uint64_t resync_at_limit(const char *name, unsigned limit)
{
	struct par_query *q = store_query(&store, PAR_QUERY_DEVICE, "bob");

	host_advance(store.host, 10);
	q->device = par_str_of(name);
	q->limit = limit;
	return store_run_query(&store, q)->device.resync_from;
}

void rule_gap_by_the_limit(void)
{
	ask_device(&store, "bob", "phone");
	ask_device(&store, "bob", "laptop");
	add_events("bob", 5);
	leave("bob", "phone", 2);
	host_advance(store.host, 10);
	leave("bob", "laptop", 2);
	resync_at_limit("tablet", 2); /* phone has to go */
	EXPECT_EQ(resync_at_limit("laptop", 2), 0);
	expect_rest("bob", "laptop", 2, 3);
	EXPECT_EQ(resync_at_limit("phone", 3), 6);
	leave("bob", "phone", 5);
	EXPECT_EQ(resync_at_limit("phone", 3), 0);
}

void rule_gap_within_pages(void)
{
	struct page *page;

	ask_device(&store, "bob", "phone");
	ask_device(&store, "bob", "laptop");
	add_events("bob", 10);
	ack("bob", "phone", 2);
	ack("bob", "laptop", 8);
	drop_upto(6);
	page = ask_events(&store, "bob", "phone", 2);
	EXPECT_EQ(page->device.resync_from, 7);
	EXPECT_EQ(page->device.last_seq, 10);
	NEED_EQ(page->n, 4);
	EXPECT_EQ(page->events[0].seq, 7);
	expect_rest("bob", "phone", 6, 4);
	expect_rest("bob", "phone", 8, 2);
	EXPECT_EQ(ask_events(&store, "bob", "phone", 10)->device.last_seq, 10);
	/* What the device acked itself, through another session, it does not miss. */
	EXPECT_EQ(ask_events(&store, "bob", "laptop", 2)->device.resync_from, 0);
	ack("bob", "phone", 6);
	EXPECT_EQ(ask_events(&store, "bob", "phone", 2)->device.resync_from, 0);
}
