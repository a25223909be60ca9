/* SPDX-License-Identifier: BSD-2-Clause */
/* Rules of restarts: the same storage, opened again. */
#include "check.h"

void rule_restart_keeps_everything(void)
{
	struct page *page;
	unsigned i;

	ask_device(&store, "bob", "phone");
	for (i = 1; i <= 100; i++)
		do_append(&store, "alice", "bob", store_format(&store, "c%u", i), "text");
	do_append(&store, "carol", "bob", "c1", "text");
	do_event(&store, "bob", "{\"a\":1}");
	do_event(&store, "bob", "{\"a\":2}");
	do_cursor(&store, "bob", "phone", 1, 2, true);
	do_mark(&store, PAR_MARK_READ, "bob", "alice", 10);
	do_change(&store, PAR_CHANGE_HIDE, "bob", "alice", 99);
	do_change(&store, PAR_CHANGE_DELETE, "alice", "bob", 98);
	do_put(&store, "p", "k", "v");
	store_restart(&store);
	page = ask_chats(&store, "bob");
	NEED_EQ(page->n, 2);
	EXPECT_STR(page->chats[0].peer, "carol");
	EXPECT_EQ(page->chats[1].missed, 88);
	EXPECT_EQ(page->chats[1].my_read, 10);
	EXPECT_EQ(page->chats[1].last_id, 100);
	EXPECT_EQ(page->chats[1].first_missed, 11);
	EXPECT_EQ(do_append(&store, "alice", "bob", "c101", "text")->op[0].id, 102);
	EXPECT_STR(ask_chats(&store, "bob")->chats[0].peer, "alice");
	EXPECT_EQ(do_mark(&store, PAR_MARK_READ, "bob", "alice", 0)->op[0].id, 102);
	page = ask_device(&store, "bob", "phone");
	EXPECT_EQ(page->device.acked, 1);
	EXPECT_EQ(page->device.sent, 2);
	EXPECT_EQ(page->device.last_seq, 2);
	EXPECT_TEXT(ask_events(&store, "bob", "phone", 1)->events[0].payload, "{\"a\":2}");
	EXPECT_EQ(do_event(&store, "bob", "{}")->op[0].seq, 3);
	EXPECT_TEXT(ask_doc(&store, "p", "k"), "v");
}

void rule_restart_keeps_missed(void)
{
	const struct par_chat_entry *row;
	struct page *page;
	unsigned i;

	for (i = 1; i <= 9; i++)
		do_append(&store, "alice", "bob", NULL, "hello");
	do_mark(&store, PAR_MARK_READ, "bob", "alice", 2);
	do_change(&store, PAR_CHANGE_DELETE, "alice", "bob", 3);
	do_change(&store, PAR_CHANGE_HIDE, "bob", "alice", 4);
	do_change(&store, PAR_CHANGE_EDIT, "alice", "bob", 5);
	store_restart(&store);
	page = ask_chats(&store, "bob");
	NEED_EQ(page->n, 1);
	row = &page->chats[0];
	EXPECT_EQ(row->missed, 5);
	EXPECT_EQ(row->first_missed, 5);
	/* What is deleted and hidden now counts as it would have before. */
	do_change(&store, PAR_CHANGE_DELETE, "alice", "bob", 4);
	do_change(&store, PAR_CHANGE_HIDE, "bob", "alice", 3);
	do_change(&store, PAR_CHANGE_DELETE, "alice", "bob", 6);
	EXPECT_EQ(do_mark(&store, PAR_MARK_READ, "bob", "alice", 7)->op[0].missed, 2);
}

void rule_restart_knows_client_ids(void)
{
	struct outcome *first = do_append(&store, "alice", "bob", "c1", "one"), *again;
	struct outcome *gone;

	do_append(&store, "alice", "bob", "c2", "two");
	gone = do_change(&store, PAR_CHANGE_DELETE, "alice", "bob", 2);
	store_restart(&store);
	host_advance(store.host, 1000);
	again = do_append(&store, "alice", "bob", "c1", "one");
	EXPECT_ERROR(again->error, PAR_OK);
	EXPECT(!again->op[0].applied);
	EXPECT_EQ(again->op[0].id, first->op[0].id);
	EXPECT_EQ(again->op[0].timestamp, first->op[0].timestamp);
	EXPECT_TEXT(again->op[0].client_id, "c1");
	EXPECT_ERROR(do_append(&store, "alice", "bob", "c1", "another text")->error,
		     PAR_E_CONFLICT);
	EXPECT(do_append(&store, "bob", "alice", "c1", "one")->op[0].applied);
	again = do_change(&store, PAR_CHANGE_DELETE, "alice", "bob", 2);
	EXPECT(!again->op[0].applied);
	EXPECT_EQ(again->op[0].id, gone->op[0].id);
	EXPECT_EQ(again->op[0].timestamp, gone->op[0].timestamp);
	EXPECT_EQ(ask_messages(&store, "alice", "bob")->n, 4);
}

void rule_restart_keeps_time(void)
{
	uint64_t start = store.host->now;

	do_append(&store, "alice", "bob", "c1", "one");
	store.host->now = start - 5000;
	store_restart(&store);
	EXPECT_EQ(do_append(&store, "bob", "alice", "c2", "two")->op[0].timestamp, start);
	EXPECT(do_change(&store, PAR_CHANGE_EDIT, "alice", "bob", 1)->op[0].timestamp >= start);
}

void rule_restart_keeps_the_end(void)
{
	ask_device(&store, "bob", "phone");
	do_event(&store, "bob", "{}");
	do_event(&store, "bob", "{}");
	do_event(&store, "carol", "{}");
	host_advance(store.host, 10);
	do_cursor(&store, "bob", "phone", 2, 2, true);
	do_prune_all(&store, store.host->now, 0, 100);
	EXPECT_EQ(ask_events(&store, "bob", "phone", 0)->n, 0);
	store_restart(&store);
	EXPECT_EQ(ask_device(&store, "bob", "phone")->device.last_seq, 2);
	EXPECT_EQ(do_event(&store, "bob", "{}")->op[0].seq, 3);
	EXPECT_EQ(do_event(&store, "carol", "{}")->op[0].seq, 2);
	EXPECT_EQ(ask_events(&store, "bob", "phone", 0)->n, 1);
}

void rule_restart_keeps_gaps(void)
{
	ask_device(&store, "bob", "phone");
	ask_device(&store, "bob", "laptop");
	do_event(&store, "bob", "{}");
	do_event(&store, "bob", "{}");
	do_cursor(&store, "bob", "laptop", 2, 2, true);
	host_advance(store.host, 10);
	do_event(&store, "bob", "{}");
	do_prune_all(&store, store.host->now, store.host->now, 100);
	store_restart(&store);
	EXPECT_EQ(ask_device(&store, "bob", "phone")->device.resync_from, 3);
	EXPECT_EQ(ask_device(&store, "bob", "tablet")->device.resync_from, 4);
	store_restart(&store);
	EXPECT_EQ(ask_device(&store, "bob", "phone")->device.resync_from, 3);
	EXPECT_EQ(ask_device(&store, "bob", "tablet")->device.resync_from, 4);
	do_cursor(&store, "bob", "phone", 2, 2, true);
	do_cursor(&store, "bob", "tablet", 3, 3, true);
	store_restart(&store);
	EXPECT_EQ(ask_device(&store, "bob", "phone")->device.resync_from, 0);
	EXPECT_EQ(ask_device(&store, "bob", "tablet")->device.resync_from, 0);
}

void rule_restart_keeps_devices(void)
{
	const uint64_t day = 86400000;
	struct par_query *q;
	struct page *page;
	unsigned i;

	ask_device(&store, "bob", "laptop");
	do_cursor(&store, "bob", "laptop", 0, 0, true);
	ask_device(&store, "bob", "phone"); /* and connected it stays */
	for (i = 0; i < 3; i++)
		do_event(&store, "bob", "{}");
	store.host->now += day;
	store_restart(&store);
	EXPECT_EQ(do_prune_all(&store, 0, store.host->now - day / 2, 100).devices, 1);
	EXPECT(!do_cursor(&store, "bob", "laptop", 0, 0, true)->op[0].applied);
	page = ask_events(&store, "bob", "phone", 0);
	EXPECT_EQ(page->n, 3);
	host_advance(store.host, day);
	EXPECT_EQ(do_prune_all(&store, 0, store.host->now - day / 2, 100).devices, 1);
	EXPECT(!do_cursor(&store, "bob", "phone", 0, 0, true)->op[0].applied);
	/* A server that died may have sent everything. */
	ask_device(&store, "carol", "phone");
	do_event(&store, "carol", "{}");
	store_restart(&store);
	q = store_query(&store, PAR_QUERY_DEVICE, "carol");
	q->device = par_str_of("phone");
	page = store_run_query(&store, q);
	EXPECT_EQ(page->device.acked, 0);
	EXPECT_EQ(page->device.sent, 1);
}

void rule_restart_after_stop(void)
{
	struct outcome *out[30];
	struct page *page;
	struct par_tx *tx;
	unsigned i, kept = 0;

	for (i = 0; i < 30; i++) {
		tx = store_tx(&store);
		add_append(&store, tx, "alice", "bob", store_format(&store, "c%u", i), "text");
		add_event(&store, tx, "bob", "{}");
		out[i] = store_submit(&store, tx);
		if (i == 10)
			store.host->storage->flush(store.host->storage_state);
	}
	store_restart(&store);
	for (i = 0; i < 30; i++) {
		EXPECT(out[i]->done);
		if (out[i]->error == PAR_OK)
			EXPECT_EQ(out[i]->op[0].id, ++kept);
	}
	page = ask_messages(&store, "alice", "bob");
	EXPECT_EQ(page->n, kept);
	EXPECT_EQ(ask_events(&store, "bob", "phone", 0)->n, kept);
}
