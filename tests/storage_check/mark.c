/* SPDX-License-Identifier: BSD-2-Clause */
/* Rules of MARK, and of what is missed. */
#include "check.h"

static uint64_t missed_by(const char *user, const char *peer)
{
	struct page *page = ask_chat(&store, user, peer);

	return page->n == 0 ? 0 : page->chats[0].missed;
}

static uint64_t first_missed_by(const char *user, const char *peer)
{
	return ask_chat(&store, user, peer)->chats[0].first_missed;
}

void rule_missed_counts(void)
{
	unsigned i;

	do_append(&store, "bob", "alice", "own", "mine");
	EXPECT_EQ(missed_by("bob", "alice"), 0);
	EXPECT_EQ(missed_by("alice", "bob"), 1);
	for (i = 0; i < 200; i++)
		do_append(&store, "alice", "bob", NULL, "hello");
	EXPECT_EQ(missed_by("bob", "alice"), 200);
	EXPECT_EQ(first_missed_by("bob", "alice"), 2);
	EXPECT_EQ(do_mark(&store, PAR_MARK_DELIVERED, "bob", "alice", 150)->op[0].missed, 200);
	EXPECT_EQ(do_mark(&store, PAR_MARK_READ, "bob", "alice", 101)->op[0].missed, 100);
	EXPECT_EQ(first_missed_by("bob", "alice"), 102);
	/* Changes are nothing that must be read. */
	do_change(&store, PAR_CHANGE_EDIT, "alice", "bob", 3);
	EXPECT_EQ(missed_by("bob", "alice"), 100);
	EXPECT_EQ(do_mark(&store, PAR_MARK_READ, "bob", "alice", 110)->op[0].missed, 91);
	EXPECT_EQ(do_mark(&store, PAR_MARK_READ, "bob", "alice", 200)->op[0].missed, 1);
	EXPECT_EQ(do_mark(&store, PAR_MARK_READ, "bob", "alice", 0)->op[0].missed, 0);
	EXPECT_EQ(first_missed_by("bob", "alice"), 0);
	EXPECT_EQ(missed_by("alice", "bob"), 1);
}

void rule_missed_survives_changes(void)
{
	unsigned i;

	for (i = 1; i <= 6; i++)
		do_append(&store, "alice", "bob", NULL, "hello");
	do_mark(&store, PAR_MARK_READ, "bob", "alice", 2);
	EXPECT_EQ(missed_by("bob", "alice"), 4);
	do_change(&store, PAR_CHANGE_DELETE, "alice", "bob", 1); /* read before */
	EXPECT_EQ(missed_by("bob", "alice"), 4);
	do_change(&store, PAR_CHANGE_DELETE, "alice", "bob", 3);
	EXPECT_EQ(missed_by("bob", "alice"), 3);
	EXPECT_EQ(first_missed_by("bob", "alice"), 4);
	do_change(&store, PAR_CHANGE_HIDE, "bob", "alice", 4);
	EXPECT_EQ(missed_by("bob", "alice"), 2);
	EXPECT_EQ(first_missed_by("bob", "alice"), 5);
	do_change(&store, PAR_CHANGE_HIDE, "bob", "alice", 3); /* deleted before */
	do_change(&store, PAR_CHANGE_DELETE, "alice", "bob", 4); /* hidden before */
	do_change(&store, PAR_CHANGE_HIDE, "alice", "bob", 5); /* from its author */
	EXPECT_EQ(missed_by("bob", "alice"), 2);
	EXPECT_EQ(do_mark(&store, PAR_MARK_READ, "bob", "alice", 5)->op[0].missed, 1);
}

void rule_mark_covers(void)
{
	struct outcome *first, *again, *read;
	struct page *page;
	unsigned i;

	for (i = 1; i <= 5; i++)
		do_append(&store, "alice", "bob", i == 3 ? "c3" : NULL, "hello");
	host_advance(store.host, 10);
	first = do_mark(&store, PAR_MARK_DELIVERED, "bob", "alice", 3);
	EXPECT(first->op[0].applied);
	EXPECT_EQ(first->op[0].id, 3);
	EXPECT_TEXT(first->op[0].client_id, "c3");
	EXPECT_EQ(first->op[0].timestamp, store.host->now);
	host_advance(store.host, 10);
	again = do_mark(&store, PAR_MARK_DELIVERED, "bob", "alice", 3);
	EXPECT(!again->op[0].applied);
	EXPECT_EQ(again->op[0].timestamp, first->op[0].timestamp);
	EXPECT_TEXT(again->op[0].client_id, "c3");
	again = do_mark(&store, PAR_MARK_DELIVERED, "bob", "alice", 1);
	EXPECT(!again->op[0].applied);
	EXPECT_EQ(again->op[0].timestamp, first->op[0].timestamp);
	EXPECT_EQ(again->op[0].id, 1);

	read = do_mark(&store, PAR_MARK_READ, "bob", "alice", 4);
	EXPECT(read->op[0].applied);
	EXPECT_EQ(read->op[0].missed, 1);
	again = do_mark(&store, PAR_MARK_DELIVERED, "bob", "alice", 4);
	EXPECT(!again->op[0].applied);
	EXPECT_EQ(again->op[0].timestamp, read->op[0].timestamp);
	/* Reading what is delivered already does not move the delivery. */
	do_mark(&store, PAR_MARK_DELIVERED, "bob", "alice", 5);
	page = ask_messages(&store, "alice", "bob");
	EXPECT_EQ(page->peer_delivered, 5);
	EXPECT_EQ(page->peer_read, 4);
	EXPECT_EQ(page->my_read, 0);
	page = ask_messages(&store, "bob", "alice");
	EXPECT_EQ(page->my_delivered, 5);
	EXPECT_EQ(page->my_read, 4);
	EXPECT_EQ(page->peer_delivered, 0);
}

void rule_mark_meaning_of_upto(void)
{
	do_append(&store, "alice", "bob", "a1", "1");
	do_append(&store, "alice", "bob", "a2", "2");
	do_append(&store, "bob", "alice", "b3", "3");
	do_append(&store, "bob", "alice", "b4", "4");
	/* One's own message stands for the other's before it. */
	EXPECT_EQ(do_mark(&store, PAR_MARK_DELIVERED, "bob", "alice", 4)->op[0].id, 2);
	EXPECT_EQ(do_mark(&store, PAR_MARK_READ, "bob", "alice", 0)->op[0].id, 2);
	EXPECT_EQ(do_mark(&store, PAR_MARK_READ, "alice", "bob", 0)->op[0].id, 4);
	EXPECT_ERROR(do_mark(&store, PAR_MARK_READ, "alice", "bob", 2)->error, PAR_E_NOT_FOUND);
	/* A service message is one that the other wrote, too. */
	do_change(&store, PAR_CHANGE_EDIT, "alice", "bob", 1);
	EXPECT_EQ(do_mark(&store, PAR_MARK_READ, "bob", "alice", 0)->op[0].id, 5);
}

void rule_mark_refused(void)
{
	EXPECT_ERROR(do_mark(&store, PAR_MARK_READ, "bob", "alice", 0)->error, PAR_E_NOT_FOUND);
	do_append(&store, "alice", "bob", "a1", "1");
	EXPECT_ERROR(do_mark(&store, PAR_MARK_READ, "bob", "alice", 2)->error, PAR_E_NOT_FOUND);
	EXPECT_ERROR(do_mark(&store, PAR_MARK_READ, "alice", "bob", 0)->error, PAR_E_NOT_FOUND);
	EXPECT_ERROR(do_mark(&store, PAR_MARK_READ, "alice", "carol", 1)->error, PAR_E_NOT_FOUND);
	EXPECT_ERROR(do_mark(&store, PAR_MARK_READ, "bob", "alice", 1)->error, PAR_OK);
	do_append(&store, "alice", "alice", "a1", "1");
	EXPECT_ERROR(do_mark(&store, PAR_MARK_READ, "alice", "alice", 0)->error, PAR_E_NOT_FOUND);
}

/* Writing into a dialog reads it. */
static struct outcome *append_and_read(const char *user, const char *peer, const char *client_id)
{
	struct par_tx *tx = store_tx(&store);

	add_append(&store, tx, user, peer, client_id, "x");
	add_mark(&store, tx, PAR_MARK_READ, user, peer, 0)->when = 0;
	return store_run(&store, tx);
}

void rule_mark_along(void)
{
	struct outcome *out = append_and_read("alice", "bob", "a1");

	EXPECT_ERROR(out->error, PAR_OK);
	EXPECT(out->op[0].applied);
	EXPECT(!out->op[1].applied);
	out = append_and_read("bob", "alice", "b2");
	EXPECT(out->op[1].applied);
	EXPECT_EQ(out->op[1].id, 1);
	EXPECT_TEXT(out->op[1].client_id, "a1");
	EXPECT_EQ(out->op[1].missed, 0);
	out = append_and_read("bob", "alice", "b3");
	EXPECT(!out->op[1].applied);
	/* The message was there already: nothing is read by sending it again. */
	do_append(&store, "alice", "bob", "a4", "x");
	out = append_and_read("bob", "alice", "b3");
	EXPECT(!out->op[0].applied);
	EXPECT(!out->op[1].applied);
	EXPECT_EQ(missed_by("bob", "alice"), 1);
	EXPECT_ERROR(append_and_read("alice", "alice", "n1")->error, PAR_OK);
}
