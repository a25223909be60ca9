/* SPDX-License-Identifier: BSD-2-Clause */
/* Rules of DEVICE and CURSOR. */
#include "check.h"

void rule_device_first_and_later(void)
{
	struct page *page;

	do_event(&store, "alice", "{}");
	do_event(&store, "alice", "{}");
	page = ask_device(&store, "alice", "phone");
	EXPECT_ERROR(page->error, PAR_OK);
	EXPECT_EQ(page->device.acked, 0);
	EXPECT_EQ(page->device.sent, 0);
	EXPECT_EQ(page->device.last_seq, 2);
	page = ask_device(&store, "alice", "laptop");
	EXPECT_EQ(page->device.acked, 2);
	EXPECT_EQ(page->device.sent, 2);
	page = ask_device(&store, "nobody yet", "phone");
	EXPECT_EQ(page->device.acked, 0);
	EXPECT_EQ(page->device.last_seq, 0);
}

void rule_device_after_a_crash(void)
{
	struct page *page;
	unsigned i;

	ask_device(&store, "alice", "phone");
	for (i = 0; i < 9; i++)
		do_event(&store, "alice", "{}");
	do_cursor(&store, "alice", "phone", 2, 5, true);
	page = ask_device(&store, "alice", "phone");
	EXPECT_EQ(page->device.acked, 2);
	EXPECT_EQ(page->device.sent, 5);
	/* Connected from here on; a cursor on the way is not the last word. */
	do_cursor(&store, "alice", "phone", 3, 6, false);
	page = ask_device(&store, "alice", "phone");
	EXPECT_EQ(page->device.acked, 3);
	EXPECT_EQ(page->device.sent, 9);
	do_cursor(&store, "alice", "phone", 4, 9, true);
	do_event(&store, "alice", "{}");
	page = ask_device(&store, "alice", "phone");
	EXPECT_EQ(page->device.acked, 4);
	EXPECT_EQ(page->device.sent, 9);
	EXPECT_EQ(page->device.last_seq, 10);
}

static void cursor_above(uint64_t acked, uint64_t a, uint64_t b)
{
	struct par_tx *tx = store_tx(&store);
	struct par_op_cursor *cursor = &add_cursor(tx, "alice", "phone", acked, 9)->u.cursor;
	uint64_t above[2] = { a, b };

	cursor->above = above;
	cursor->n_above = 2;
	cursor->closed = true;
	EXPECT(store_run(&store, tx)->op[0].applied);
}

void rule_cursor_never_goes_back(void)
{
	const struct par_device_state *state;
	struct outcome *out;
	unsigned i;

	out = do_cursor(&store, "alice", "phone", 1, 1, true);
	EXPECT_ERROR(out->error, PAR_OK);
	EXPECT(!out->op[0].applied);
	ask_device(&store, "alice", "phone");
	for (i = 0; i < 10; i++)
		do_event(&store, "alice", "{}");
	cursor_above(3, 6, 8);
	state = &ask_device(&store, "alice", "phone")->device;
	EXPECT_EQ(state->acked, 3);
	NEED_EQ(state->n_above, 2);
	EXPECT_EQ(state->above[0], 6);
	EXPECT_EQ(state->above[1], 8);
	cursor_above(2, 7, 9);
	state = &ask_device(&store, "alice", "phone")->device;
	EXPECT_EQ(state->acked, 3);
	EXPECT_EQ(state->sent, 9);
	NEED_EQ(state->n_above, 4);
	EXPECT_EQ(state->above[3], 9);
	/* What closes the gap moves the cursor itself. */
	do_cursor(&store, "alice", "phone", 5, 5, true);
	state = &ask_device(&store, "alice", "phone")->device;
	EXPECT_EQ(state->acked, 9);
	EXPECT_EQ(state->n_above, 0);
	EXPECT_EQ(state->sent, 9);
	do_cursor(&store, "alice", "phone", 99, 99, true);
	state = &ask_device(&store, "alice", "phone")->device;
	EXPECT_EQ(state->acked, 10);
	EXPECT_EQ(state->sent, 10);
}

void rule_cursor_prunes(void)
{
	unsigned i;

	ask_device(&store, "alice", "phone");
	ask_device(&store, "alice", "laptop");
	for (i = 0; i < 20; i++)
		do_event(&store, "alice", "{}");
	do_cursor(&store, "alice", "phone", 15, 20, false);
	EXPECT_EQ(ask_events(&store, "alice", "phone", 0)->n, 20);
	do_cursor(&store, "alice", "laptop", 10, 20, false);
	EXPECT_EQ(ask_events(&store, "alice", "phone", 10)->n, 10);
	do_cursor(&store, "alice", "laptop", 20, 20, false);
	EXPECT_EQ(ask_events(&store, "alice", "phone", 15)->n, 5);
	do_cursor(&store, "alice", "phone", 20, 20, true);
	EXPECT_EQ(ask_events(&store, "alice", "phone", 20)->n, 0);
	/* The stream goes on where it was. */
	EXPECT_EQ(do_event(&store, "alice", "{}")->op[0].seq, 21);
	EXPECT_EQ(ask_device(&store, "alice", "phone")->device.last_seq, 21);
	EXPECT_EQ(ask_events(&store, "alice", "phone", 20)->n, 1);
}

static enum par_error come(const char *device, unsigned limit)
{
	struct par_query *q = store_query(&store, PAR_QUERY_DEVICE, "alice");

	host_advance(store.host, 10);
	q->device = par_str_of(device);
	q->limit = limit;
	return store_run_query(&store, q)->error;
}

static void leave(const char *device)
{
	host_advance(store.host, 10);
	do_cursor(&store, "alice", device, 0, 0, true);
}

static bool on_record(const char *device)
{
	return do_cursor(&store, "alice", device, 0, 0, false)->op[0].applied;
}

void rule_device_limit(void)
{
	come("a", 3);
	come("b", 3);
	come("c", 3);
	leave("b");
	leave("a");
	leave("c");
	EXPECT_ERROR(come("d", 3), PAR_OK);
	EXPECT(!on_record("b"));
	EXPECT(on_record("c"));
	EXPECT(on_record("a"));
	EXPECT(on_record("d"));
	/* Who is on record may always come, and `limit` 0 is none. */
	EXPECT_ERROR(come("a", 1), PAR_OK);
	EXPECT(on_record("c"));
	EXPECT_ERROR(come("e", 0), PAR_OK);
	EXPECT(on_record("c"));
	EXPECT(on_record("d"));
}

void rule_device_limit_spares_the_connected(void)
{
	come("a", 2);
	come("b", 2);
	EXPECT_ERROR(come("c", 2), PAR_E_TOO_LARGE);
	EXPECT(!on_record("c"));
	EXPECT(on_record("a"));
	EXPECT(on_record("b"));
	leave("b");
	EXPECT_ERROR(come("c", 2), PAR_OK);
	EXPECT(on_record("a"));
	EXPECT(!on_record("b"));
	EXPECT_ERROR(come("b", 2), PAR_E_TOO_LARGE);
	/* Who is refused has nobody forgotten. */
	EXPECT_ERROR(come("d", 3), PAR_OK);
	leave("c");
	EXPECT_ERROR(come("e", 2), PAR_E_TOO_LARGE);
	EXPECT(on_record("c"));
}
