/* SPDX-License-Identifier: BSD-2-Clause */
/* Rules of MESSAGES, CHATS and CHAT. */
#include "check.h"

static struct page *page_of(uint64_t start, uint64_t end, unsigned limit, size_t max_bytes)
{
	struct par_query *q = store_query(&store, PAR_QUERY_MESSAGES, "bob");

	q->chat = store_chat(&store, "bob", "alice");
	q->start_id = start;
	q->end_id = end;
	q->limit = limit;
	q->max_bytes = max_bytes;
	return store_run_query(&store, q);
}

static bool page_is(const struct page *page, uint64_t first, unsigned n, bool has_more)
{
	return page->error == PAR_OK && page->n == n && page->has_more == has_more &&
	       (n == 0 ||
		(page->messages[0].id == first && page->messages[n - 1].id == first + n - 1));
}

void rule_messages_pages(void)
{
	unsigned i;

	for (i = 1; i <= 10; i++)
		do_append(&store, "alice", "bob", NULL, "0123456789");
	EXPECT(page_is(page_of(0, 0, 4, 1 << 20), 7, 4, true));
	EXPECT(page_is(page_of(0, 0, 10, 1 << 20), 1, 10, false));
	EXPECT(page_is(page_of(0, 7, 4, 1 << 20), 3, 4, true));
	EXPECT(page_is(page_of(0, 3, 4, 1 << 20), 1, 2, false));
	EXPECT(page_is(page_of(0, 1, 4, 1 << 20), 0, 0, false));
	EXPECT(page_is(page_of(0, 99, 4, 1 << 20), 7, 4, true));
	EXPECT(page_is(page_of(3, 0, 4, 1 << 20), 3, 4, true));
	EXPECT(page_is(page_of(7, 0, 4, 1 << 20), 7, 4, false));
	EXPECT(page_is(page_of(11, 0, 4, 1 << 20), 0, 0, false));
	do_change(&store, PAR_CHANGE_HIDE, "bob", "alice", 10);
	EXPECT(page_is(page_of(0, 0, 4, 1 << 20), 6, 4, true));
	do_change(&store, PAR_CHANGE_HIDE, "bob", "alice", 1);
	EXPECT(page_is(page_of(0, 0, 8, 1 << 20), 2, 8, false));
	EXPECT(page_is(page_of(8, 0, 2, 1 << 20), 8, 2, false));
}

void rule_messages_bounds(void)
{
	unsigned i;

	for (i = 1; i <= 10; i++)
		do_append(&store, "alice", "bob", NULL, "0123456789");
	EXPECT(page_is(page_of(0, 0, 10, 30), 8, 3, true));
	EXPECT(page_is(page_of(2, 0, 10, 39), 2, 3, true));
	EXPECT(page_is(page_of(9, 0, 10, 20), 9, 2, false));
	EXPECT(page_is(page_of(9, 0, 10, 1), 9, 1, true));
}

/* A service message is short, whatever the length of what it is about. */
void rule_messages_bounds_of_services(void)
{
	char text[1001];
	unsigned i;

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	do_append(&store, "alice", "bob", NULL, text);
	for (i = 0; i < 9; i++) {
		struct par_tx *tx = store_tx(&store);
		struct par_op *op = add_change(&store, tx, PAR_CHANGE_EDIT, "alice", "bob", 1);

		op->u.change.message = par_str_of(text);
		store_run(&store, tx);
	}
	EXPECT(page_is(page_of(2, 0, 20, 2000), 2, 9, false));
	EXPECT(page_is(page_of(2, 0, 8, 2000), 2, 8, true));
	EXPECT(page_is(page_of(0, 0, 9, 2000), 2, 9, true));
}

void rule_chats_list(void)
{
	struct page *page;
	const struct par_chat_entry *row;

	EXPECT_EQ(ask_chats(&store, "alice")->n, 0);
	EXPECT_EQ(ask_chat(&store, "alice", "bob")->n, 0);
	EXPECT_ERROR(ask_chat(&store, "alice", "bob")->error, PAR_OK);
	do_append(&store, "alice", "bob", "1", "to bob");
	host_advance(store.host, 10);
	do_append(&store, "carol", "alice", "1", "from carol");
	do_mark(&store, PAR_MARK_READ, "bob", "alice", 1);
	page = ask_chats(&store, "alice");
	NEED_EQ(page->n, 2);
	EXPECT(!page->has_more);
	row = page->chats;
	EXPECT_STR(row[0].peer, "carol");
	EXPECT_EQ(row[0].last_id, 1);
	EXPECT_STR(row[0].last_text, "from carol");
	EXPECT_STR(row[0].last_author, "carol");
	EXPECT_EQ(row[0].last_time, store.host->now);
	EXPECT_EQ(row[0].last_deleted, 0);
	EXPECT_EQ(row[0].missed, 1);
	EXPECT_EQ(row[0].first_missed, 1);
	EXPECT_STR(row[1].peer, "bob");
	EXPECT_EQ(row[1].missed, 0);
	EXPECT_EQ(row[1].first_missed, 0);
	EXPECT_EQ(row[1].peer_read, 1);
	EXPECT_EQ(row[1].peer_delivered, 1);
	EXPECT_EQ(row[1].my_read, 0);
	do_append(&store, "bob", "alice", "2", "back");
	EXPECT_STR(ask_chats(&store, "alice")->chats[0].peer, "bob");
	do_append(&store, "bob", "alice", "3", "back");
	do_append(&store, "carol", "alice", "2", "again");
	EXPECT_STR(ask_chats(&store, "alice")->chats[0].peer, "carol");
	EXPECT_STR(ask_chat(&store, "carol", "alice")->chats[0].peer, "alice");
}

static struct page *chats_after(const char *after, unsigned limit)
{
	struct par_query *q = store_query(&store, PAR_QUERY_CHATS, "alice");

	q->after_key = par_str_of(after);
	q->limit = limit;
	return store_run_query(&store, q);
}

void rule_chats_pages(void)
{
	static const char *const peers[] = { "p1", "p2", "p3", "p4", "p5" };
	struct page *page;
	unsigned i;

	for (i = 0; i < 5; i++)
		do_append(&store, peers[i], "alice", NULL, "x");
	page = chats_after(NULL, 2);
	NEED_EQ(page->n, 2);
	EXPECT(page->has_more);
	EXPECT_STR(page->chats[0].peer, "p5");
	EXPECT_STR(page->chats[1].peer, "p4");
	page = chats_after("p4", 2);
	NEED_EQ(page->n, 2);
	EXPECT_STR(page->chats[0].peer, "p3");
	EXPECT(page->has_more);
	page = chats_after("p2", 2);
	NEED_EQ(page->n, 1);
	EXPECT_STR(page->chats[0].peer, "p1");
	EXPECT(!page->has_more);
	EXPECT_EQ(chats_after("p1", 2)->n, 0);
	EXPECT_ERROR(chats_after("nobody", 2)->error, PAR_E_NOT_FOUND);
}

void rule_chats_show_what_is_left(void)
{
	const struct par_chat_entry *row;

	do_append(&store, "bob", "alice", NULL, "one");
	do_append(&store, "bob", "alice", NULL, "two");
	do_append(&store, "carol", "alice", NULL, "carol's");
	do_append(&store, "bob", "alice", NULL, "three");
	/* Neither a change nor hiding moves a chat. */
	do_change(&store, PAR_CHANGE_EDIT, "carol", "alice", 1);
	do_change(&store, PAR_CHANGE_HIDE, "alice", "bob", 3);
	row = ask_chats(&store, "alice")->chats;
	EXPECT_STR(row[0].peer, "bob");
	EXPECT_EQ(row[0].last_id, 2);
	EXPECT_STR(row[0].last_text, "two");
	EXPECT_STR(row[1].last_text, "edited");
	EXPECT_EQ(row[1].last_id, 1);
	EXPECT_STR(ask_chat(&store, "bob", "alice")->chats[0].last_text, "three");
	do_change(&store, PAR_CHANGE_DELETE, "bob", "alice", 2);
	row = ask_chats(&store, "alice")->chats;
	EXPECT_EQ(row[0].last_id, 2);
	EXPECT_STR(row[0].last_text, NULL);
	EXPECT_EQ(row[0].last_deleted, store.host->now);
	EXPECT_EQ(row[0].missed, 1);
	do_change(&store, PAR_CHANGE_HIDE, "alice", "bob", 1);
	do_change(&store, PAR_CHANGE_HIDE, "alice", "bob", 2);
	row = ask_chats(&store, "alice")->chats;
	EXPECT_STR(row[0].peer, "bob");
	EXPECT_EQ(row[0].last_id, 0);
	EXPECT_EQ(row[0].missed, 0);
}
