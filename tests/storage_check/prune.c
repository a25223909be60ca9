/* SPDX-License-Identifier: BSD-2-Clause */
/* Rules of PRUNE: what may be dropped and forgotten, and what may not. */
#include "check.h"

/* Events of one user, 10 ms apart. Returns when the first one was stored. */
static uint64_t add_events(const char *user, unsigned n)
{
	uint64_t start = store.host->now;

	for (; n > 0; n--) {
		do_event(&store, user, "{}");
		host_advance(store.host, 10);
	}
	return start;
}

static uint64_t first_kept(const char *user)
{
	struct page *page = ask_events(&store, user, "nobody's", 0);

	return page->n == 0 ? 0 : page->events[0].seq;
}

static bool on_record(const char *device)
{
	return do_cursor(&store, "bob", device, 0, 0, false)->op[0].applied;
}

void rule_prune_nothing(void)
{
	struct outcome *out = do_prune(&store, store.host->now, store.host->now, 100);

	EXPECT_ERROR(out->error, PAR_OK);
	EXPECT(!out->op[0].applied);
	ask_device(&store, "bob", "phone");
	do_cursor(&store, "bob", "phone", 0, 0, true);
	add_events("bob", 5);
	out = do_prune(&store, 0, 0, 100);
	EXPECT_ERROR(out->error, PAR_OK);
	EXPECT(!out->op[0].applied);
	EXPECT_EQ(out->op[0].events, 0);
	EXPECT_EQ(out->op[0].devices, 0);
	EXPECT_EQ(ask_events(&store, "bob", "phone", 0)->n, 5);
	EXPECT(on_record("phone"));
}

void rule_prune_by_time(void)
{
	struct result sum;
	uint64_t start;

	ask_device(&store, "bob", "phone");
	start = add_events("bob", 10);
	add_events("carol", 3);
	sum = do_prune_all(&store, start + 40, 0, 100);
	EXPECT_EQ(sum.events, 4);
	EXPECT_EQ(sum.devices, 0);
	EXPECT_EQ(first_kept("bob"), 5); /* stored at that very moment */
	EXPECT_EQ(ask_events(&store, "bob", "phone", 0)->n, 6);
	EXPECT_EQ(ask_events(&store, "carol", "phone", 0)->n, 3);
	do_prune_all(&store, start + 41, 0, 100);
	EXPECT_EQ(first_kept("bob"), 6);
}

void rule_prune_in_steps(void)
{
	uint64_t events = 0, left;
	struct outcome *out;
	unsigned steps = 0;

	add_events("alice", 20);
	add_events("bob", 3);
	add_events("carol", 20);
	do {
		out = do_prune(&store, store.host->now, 0, 7);
		EXPECT_ERROR(out->error, PAR_OK);
		EXPECT(out->op[0].events <= 7);
		left = ask_events(&store, "alice", "d", 0)->n +
		       ask_events(&store, "bob", "d", 0)->n +
		       ask_events(&store, "carol", "d", 0)->n;
		events += out->op[0].events;
		EXPECT_EQ(events + left, 43);
		EXPECT(out->op[0].applied || left == 0);
		NEED(++steps < 100);
	} while (out->op[0].applied);
}

void rule_prune_by_ack(void)
{
	ask_device(&store, "bob", "phone");
	ask_device(&store, "bob", "laptop");
	add_events("bob", 50);
	do_cursor(&store, "bob", "phone", 50, 50, false);
	do_prune_all(&store, 0, 0, 7);
	EXPECT_EQ(first_kept("bob"), 1);
	do_cursor(&store, "bob", "laptop", 30, 50, false);
	do_prune_all(&store, 0, 0, 7);
	EXPECT(first_kept("bob") == 30 || first_kept("bob") == 31);
	EXPECT_EQ(ask_events(&store, "bob", "laptop", 30)->n, 20);
	EXPECT_EQ(ask_device(&store, "bob", "laptop")->device.resync_from, 0);
	do_cursor(&store, "bob", "laptop", 50, 50, false);
	do_prune_all(&store, 0, 0, 7);
	EXPECT_EQ(ask_events(&store, "bob", "laptop", 50)->n, 0);
	EXPECT_EQ(do_event(&store, "bob", "{}")->op[0].seq, 51);
	EXPECT_EQ(ask_device(&store, "bob", "laptop")->device.resync_from, 0);
}

void rule_prune_by_device(void)
{
	struct result sum;

	ask_device(&store, "bob", "phone");
	ask_device(&store, "bob", "laptop");
	add_events("bob", 20);
	do_cursor(&store, "bob", "phone", 5, 20, true);
	host_advance(store.host, 1000);
	do_cursor(&store, "bob", "laptop", 15, 20, true);
	sum = do_prune_all(&store, 0, store.host->now - 500, 4);
	EXPECT_EQ(sum.devices, 1);
	EXPECT(!on_record("phone"));
	EXPECT(on_record("laptop"));
	EXPECT_EQ(first_kept("bob"), 16);
	do_cursor(&store, "bob", "laptop", 15, 20, true);
	host_advance(store.host, 1000);
	sum = do_prune_all(&store, 0, store.host->now - 500, 4);
	EXPECT_EQ(sum.devices, 1);
	EXPECT_EQ(sum.events, 5);
	EXPECT_EQ(first_kept("bob"), 0);
	/* Without any device events wait for the first to come. */
	add_events("bob", 3);
	sum = do_prune_all(&store, 0, store.host->now, 4);
	EXPECT_EQ(sum.events, 0);
	EXPECT_EQ(first_kept("bob"), 21);
}

void rule_prune_spares_the_connected(void)
{
	struct result sum;

	ask_device(&store, "bob", "phone");
	add_events("bob", 5);
	host_advance(store.host, 1000000000);
	sum = do_prune_all(&store, 0, store.host->now, 100);
	EXPECT_EQ(sum.devices, 0);
	EXPECT_EQ(sum.events, 0);
	EXPECT_EQ(ask_events(&store, "bob", "phone", 0)->n, 5);
	EXPECT(on_record("phone"));
}

void rule_prune_knows_who_was_seen(void)
{
	static const char *const names[] = { "phone", "laptop", "tablet" };
	unsigned i;

	for (i = 0; i < 3; i++) {
		ask_device(&store, "bob", names[i]);
		do_cursor(&store, "bob", names[i], 0, 0, true);
	}
	host_advance(store.host, 1000);
	do_cursor(&store, "bob", "phone", 0, 0, false);
	ask_device(&store, "bob", "laptop");
	EXPECT_EQ(do_prune_all(&store, 0, store.host->now, 100).devices, 1);
	EXPECT(on_record("phone"));
	EXPECT(on_record("laptop"));
	EXPECT(!on_record("tablet"));
}

void rule_prune_keeps_the_end(void)
{
	unsigned round;

	ask_device(&store, "bob", "phone");
	for (round = 1; round <= 3; round++) {
		add_events("bob", 5);
		do_prune_all(&store, store.host->now, 0, 100);
		EXPECT_EQ(first_kept("bob"), 0);
		EXPECT_EQ(ask_device(&store, "bob", "phone")->device.last_seq, 5 * round);
	}
	EXPECT_EQ(do_event(&store, "bob", "{}")->op[0].seq, 16);
	EXPECT_EQ(first_kept("bob"), 16);
}

void rule_prune_leaves_the_rest(void)
{
	struct page *page;

	do_append(&store, "alice", "bob", "c1", "one");
	do_append(&store, "alice", "bob", "c2", "two");
	do_mark(&store, PAR_MARK_READ, "bob", "alice", 1);
	do_put(&store, "p", "k", "v");
	host_advance(store.host, 1000);
	do_prune_all(&store, store.host->now, store.host->now, 100);
	page = ask_messages(&store, "bob", "alice");
	EXPECT_EQ(page->n, 2);
	EXPECT_EQ(page->my_read, 1);
	EXPECT_EQ(ask_chat(&store, "bob", "alice")->chats[0].missed, 1);
	EXPECT_TEXT(ask_doc(&store, "p", "k"), "v");
	EXPECT(!do_append(&store, "alice", "bob", "c1", "one")->op[0].applied);
}
