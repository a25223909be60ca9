/* SPDX-License-Identifier: BSD-2-Clause */
/* The storage test: MARK, what is missed, and the pages of history. */
#include "storage_test.h"

static uint64_t missed_by(const char *user, const char *peer)
{
	struct page *page = ask_chat(&store, user, peer);

	return page->n == 0 ? 0 : page->chats[0].missed;
}

static uint64_t first_missed_by(const char *user, const char *peer)
{
	return ask_chat(&store, user, peer)->chats[0].first_missed;
}

void test_missed_counts(void)
{
	unsigned i;

	do_append(&store, "bob", "alice", "own", "mine");
	CU_ASSERT_EQUAL(missed_by("bob", "alice"), 0);
	CU_ASSERT_EQUAL(missed_by("alice", "bob"), 1);
	for (i = 0; i < 200; i++)
		do_append(&store, "alice", "bob", NULL, "hello");
	CU_ASSERT_EQUAL(missed_by("bob", "alice"), 200);
	CU_ASSERT_EQUAL(first_missed_by("bob", "alice"), 2);
	CU_ASSERT_EQUAL(do_mark(&store, PAR_MARK_DELIVERED, "bob", "alice", 150)->op[0].missed,
			200);
	CU_ASSERT_EQUAL(do_mark(&store, PAR_MARK_READ, "bob", "alice", 101)->op[0].missed, 100);
	CU_ASSERT_EQUAL(first_missed_by("bob", "alice"), 102);
	/* Changes are nothing that must be read. */
	do_change(&store, PAR_CHANGE_EDIT, "alice", "bob", 3);
	CU_ASSERT_EQUAL(missed_by("bob", "alice"), 100);
	CU_ASSERT_EQUAL(do_mark(&store, PAR_MARK_READ, "bob", "alice", 110)->op[0].missed, 91);
	CU_ASSERT_EQUAL(do_mark(&store, PAR_MARK_READ, "bob", "alice", 200)->op[0].missed, 1);
	CU_ASSERT_EQUAL(do_mark(&store, PAR_MARK_READ, "bob", "alice", 0)->op[0].missed, 0);
	CU_ASSERT_EQUAL(first_missed_by("bob", "alice"), 0);
	CU_ASSERT_EQUAL(missed_by("alice", "bob"), 1);
}

void test_missed_survives_changes(void)
{
	unsigned i;

	for (i = 1; i <= 6; i++)
		do_append(&store, "alice", "bob", NULL, "hello");
	do_mark(&store, PAR_MARK_READ, "bob", "alice", 2);
	CU_ASSERT_EQUAL(missed_by("bob", "alice"), 4);
	do_change(&store, PAR_CHANGE_DELETE, "alice", "bob", 1); /* read before */
	CU_ASSERT_EQUAL(missed_by("bob", "alice"), 4);
	do_change(&store, PAR_CHANGE_DELETE, "alice", "bob", 3);
	CU_ASSERT_EQUAL(missed_by("bob", "alice"), 3);
	CU_ASSERT_EQUAL(first_missed_by("bob", "alice"), 4);
	do_change(&store, PAR_CHANGE_HIDE, "bob", "alice", 4);
	CU_ASSERT_EQUAL(missed_by("bob", "alice"), 2);
	CU_ASSERT_EQUAL(first_missed_by("bob", "alice"), 5);
	do_change(&store, PAR_CHANGE_HIDE, "bob", "alice", 3); /* deleted before */
	do_change(&store, PAR_CHANGE_DELETE, "alice", "bob", 4); /* hidden before */
	do_change(&store, PAR_CHANGE_HIDE, "alice", "bob", 5); /* from its author */
	CU_ASSERT_EQUAL(missed_by("bob", "alice"), 2);
	CU_ASSERT_EQUAL(do_mark(&store, PAR_MARK_READ, "bob", "alice", 5)->op[0].missed, 1);
	store_reopen(&store);
	if (ask_chats(&store, "bob")->n > 0)
		CU_ASSERT_EQUAL(missed_by("bob", "alice"), 1);
}

void test_mark_covers(void)
{
	struct outcome *first, *again, *read;
	struct page *page;
	unsigned i;

	for (i = 1; i <= 5; i++)
		do_append(&store, "alice", "bob", i == 3 ? "c3" : NULL, "hello");
	host_advance(store.host, 10);
	first = do_mark(&store, PAR_MARK_DELIVERED, "bob", "alice", 3);
	CU_ASSERT(first->op[0].applied);
	CU_ASSERT_EQUAL(first->op[0].id, 3);
	CU_ASSERT(text_is(first->op[0].client_id, "c3"));
	CU_ASSERT_EQUAL(first->op[0].timestamp, store.host->now);
	host_advance(store.host, 10);
	again = do_mark(&store, PAR_MARK_DELIVERED, "bob", "alice", 3);
	CU_ASSERT_FALSE(again->op[0].applied);
	CU_ASSERT_EQUAL(again->op[0].timestamp, first->op[0].timestamp);
	CU_ASSERT(text_is(again->op[0].client_id, "c3"));
	again = do_mark(&store, PAR_MARK_DELIVERED, "bob", "alice", 1);
	CU_ASSERT_FALSE(again->op[0].applied);
	CU_ASSERT_EQUAL(again->op[0].timestamp, first->op[0].timestamp);
	CU_ASSERT_EQUAL(again->op[0].id, 1);

	read = do_mark(&store, PAR_MARK_READ, "bob", "alice", 4);
	CU_ASSERT(read->op[0].applied);
	CU_ASSERT_EQUAL(read->op[0].missed, 1);
	again = do_mark(&store, PAR_MARK_DELIVERED, "bob", "alice", 4);
	CU_ASSERT_FALSE(again->op[0].applied);
	CU_ASSERT_EQUAL(again->op[0].timestamp, read->op[0].timestamp);
	/* Reading what is delivered already does not move the delivery. */
	do_mark(&store, PAR_MARK_DELIVERED, "bob", "alice", 5);
	page = ask_messages(&store, "alice", "bob");
	CU_ASSERT_EQUAL(page->peer_delivered, 5);
	CU_ASSERT_EQUAL(page->peer_read, 4);
	CU_ASSERT_EQUAL(page->my_read, 0);
	page = ask_messages(&store, "bob", "alice");
	CU_ASSERT_EQUAL(page->my_delivered, 5);
	CU_ASSERT_EQUAL(page->my_read, 4);
	CU_ASSERT_EQUAL(page->peer_delivered, 0);
}

void test_mark_meaning_of_upto(void)
{
	do_append(&store, "alice", "bob", "a1", "1");
	do_append(&store, "alice", "bob", "a2", "2");
	do_append(&store, "bob", "alice", "b3", "3");
	do_append(&store, "bob", "alice", "b4", "4");
	/* One's own message stands for the other's before it. */
	CU_ASSERT_EQUAL(do_mark(&store, PAR_MARK_DELIVERED, "bob", "alice", 4)->op[0].id, 2);
	CU_ASSERT_EQUAL(do_mark(&store, PAR_MARK_READ, "bob", "alice", 0)->op[0].id, 2);
	CU_ASSERT_EQUAL(do_mark(&store, PAR_MARK_READ, "alice", "bob", 0)->op[0].id, 4);
	CU_ASSERT_EQUAL(do_mark(&store, PAR_MARK_READ, "alice", "bob", 2)->error, PAR_E_NOT_FOUND);
	/* A service message is one that the other wrote, too. */
	do_change(&store, PAR_CHANGE_EDIT, "alice", "bob", 1);
	CU_ASSERT_EQUAL(do_mark(&store, PAR_MARK_READ, "bob", "alice", 0)->op[0].id, 5);
}

void test_mark_refused(void)
{
	CU_ASSERT_EQUAL(do_mark(&store, PAR_MARK_READ, "bob", "alice", 0)->error, PAR_E_NOT_FOUND);
	do_append(&store, "alice", "bob", "a1", "1");
	CU_ASSERT_EQUAL(do_mark(&store, PAR_MARK_READ, "bob", "alice", 2)->error, PAR_E_NOT_FOUND);
	CU_ASSERT_EQUAL(do_mark(&store, PAR_MARK_READ, "alice", "bob", 0)->error, PAR_E_NOT_FOUND);
	CU_ASSERT_EQUAL(do_mark(&store, PAR_MARK_READ, "alice", "carol", 1)->error,
			PAR_E_NOT_FOUND);
	CU_ASSERT_EQUAL(do_mark(&store, PAR_MARK_READ, "bob", "alice", 1)->error, PAR_OK);
	do_append(&store, "alice", "alice", "a1", "1");
	CU_ASSERT_EQUAL(do_mark(&store, PAR_MARK_READ, "alice", "alice", 0)->error,
			PAR_E_NOT_FOUND);
}

/* Writing into a dialog reads it. */
static struct outcome *append_and_read(const char *user, const char *peer, const char *client_id)
{
	struct par_tx *tx = store_tx(&store);

	add_append(&store, tx, user, peer, client_id, "x");
	add_mark(&store, tx, PAR_MARK_READ, user, peer, 0)->when = 0;
	return store_run(&store, tx);
}

void test_mark_along(void)
{
	struct outcome *out = append_and_read("alice", "bob", "a1");

	CU_ASSERT_EQUAL(out->error, PAR_OK);
	CU_ASSERT(out->op[0].applied);
	CU_ASSERT_FALSE(out->op[1].applied);
	out = append_and_read("bob", "alice", "b2");
	CU_ASSERT(out->op[1].applied);
	CU_ASSERT_EQUAL(out->op[1].id, 1);
	CU_ASSERT(text_is(out->op[1].client_id, "a1"));
	CU_ASSERT_EQUAL(out->op[1].missed, 0);
	out = append_and_read("bob", "alice", "b3");
	CU_ASSERT_FALSE(out->op[1].applied);
	/* The message was there already: nothing is read by sending it again. */
	do_append(&store, "alice", "bob", "a4", "x");
	out = append_and_read("bob", "alice", "b3");
	CU_ASSERT_FALSE(out->op[0].applied);
	CU_ASSERT_FALSE(out->op[1].applied);
	CU_ASSERT_EQUAL(missed_by("bob", "alice"), 1);
	CU_ASSERT_EQUAL(append_and_read("alice", "alice", "n1")->error, PAR_OK);
}

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

void test_messages_pages(void)
{
	unsigned i;

	for (i = 1; i <= 10; i++)
		do_append(&store, "alice", "bob", NULL, "0123456789");
	CU_ASSERT(page_is(page_of(0, 0, 4, 1 << 20), 7, 4, true));
	CU_ASSERT(page_is(page_of(0, 0, 10, 1 << 20), 1, 10, false));
	CU_ASSERT(page_is(page_of(0, 7, 4, 1 << 20), 3, 4, true));
	CU_ASSERT(page_is(page_of(0, 3, 4, 1 << 20), 1, 2, false));
	CU_ASSERT(page_is(page_of(0, 1, 4, 1 << 20), 0, 0, false));
	CU_ASSERT(page_is(page_of(0, 99, 4, 1 << 20), 7, 4, true));
	CU_ASSERT(page_is(page_of(3, 0, 4, 1 << 20), 3, 4, true));
	CU_ASSERT(page_is(page_of(7, 0, 4, 1 << 20), 7, 4, false));
	CU_ASSERT(page_is(page_of(11, 0, 4, 1 << 20), 0, 0, false));
	do_change(&store, PAR_CHANGE_HIDE, "bob", "alice", 10);
	CU_ASSERT(page_is(page_of(0, 0, 4, 1 << 20), 6, 4, true));
	do_change(&store, PAR_CHANGE_HIDE, "bob", "alice", 1);
	CU_ASSERT(page_is(page_of(0, 0, 8, 1 << 20), 2, 8, false));
	CU_ASSERT(page_is(page_of(8, 0, 2, 1 << 20), 8, 2, false));
}

void test_messages_bounds(void)
{
	unsigned i;

	for (i = 1; i <= 10; i++)
		do_append(&store, "alice", "bob", NULL, "0123456789");
	CU_ASSERT(page_is(page_of(0, 0, 10, 30), 8, 3, true));
	CU_ASSERT(page_is(page_of(2, 0, 10, 39), 2, 3, true));
	CU_ASSERT(page_is(page_of(9, 0, 10, 20), 9, 2, false));
	CU_ASSERT(page_is(page_of(9, 0, 10, 1), 9, 1, true));
}

void test_chats_list(void)
{
	struct page *page;
	const struct par_chat_entry *row;

	CU_ASSERT_EQUAL(ask_chats(&store, "alice")->n, 0);
	CU_ASSERT_EQUAL(ask_chat(&store, "alice", "bob")->n, 0);
	CU_ASSERT_EQUAL(ask_chat(&store, "alice", "bob")->error, PAR_OK);
	do_append(&store, "alice", "bob", "1", "to bob");
	host_advance(store.host, 10);
	do_append(&store, "carol", "alice", "1", "from carol");
	do_mark(&store, PAR_MARK_READ, "bob", "alice", 1);
	page = ask_chats(&store, "alice");
	CU_ASSERT_EQUAL_FATAL(page->n, 2);
	CU_ASSERT_FALSE(page->has_more);
	row = page->chats;
	CU_ASSERT(str_is(row[0].peer, "carol"));
	CU_ASSERT_EQUAL(row[0].last_id, 1);
	CU_ASSERT(str_is(row[0].last_text, "from carol"));
	CU_ASSERT(str_is(row[0].last_author, "carol"));
	CU_ASSERT_EQUAL(row[0].last_time, store.host->now);
	CU_ASSERT_EQUAL(row[0].last_deleted, 0);
	CU_ASSERT_EQUAL(row[0].missed, 1);
	CU_ASSERT_EQUAL(row[0].first_missed, 1);
	CU_ASSERT(str_is(row[1].peer, "bob"));
	CU_ASSERT_EQUAL(row[1].missed, 0);
	CU_ASSERT_EQUAL(row[1].first_missed, 0);
	CU_ASSERT_EQUAL(row[1].peer_read, 1);
	CU_ASSERT_EQUAL(row[1].peer_delivered, 1);
	CU_ASSERT_EQUAL(row[1].my_read, 0);
	do_append(&store, "bob", "alice", "2", "back");
	CU_ASSERT(str_is(ask_chats(&store, "alice")->chats[0].peer, "bob"));
	do_append(&store, "bob", "alice", "3", "back");
	do_append(&store, "carol", "alice", "2", "again");
	CU_ASSERT(str_is(ask_chats(&store, "alice")->chats[0].peer, "carol"));
	CU_ASSERT(str_is(ask_chat(&store, "carol", "alice")->chats[0].peer, "alice"));
}

static struct page *chats_after(const char *after, unsigned limit)
{
	struct par_query *q = store_query(&store, PAR_QUERY_CHATS, "alice");

	q->after_key = par_str_of(after);
	q->limit = limit;
	return store_run_query(&store, q);
}

void test_chats_pages(void)
{
	static const char *const peers[] = { "p1", "p2", "p3", "p4", "p5" };
	struct page *page;
	unsigned i;

	for (i = 0; i < 5; i++)
		do_append(&store, peers[i], "alice", NULL, "x");
	page = chats_after(NULL, 2);
	CU_ASSERT_EQUAL_FATAL(page->n, 2);
	CU_ASSERT(page->has_more);
	CU_ASSERT(str_is(page->chats[0].peer, "p5"));
	CU_ASSERT(str_is(page->chats[1].peer, "p4"));
	page = chats_after("p4", 2);
	CU_ASSERT_EQUAL_FATAL(page->n, 2);
	CU_ASSERT(str_is(page->chats[0].peer, "p3"));
	CU_ASSERT(page->has_more);
	page = chats_after("p2", 2);
	CU_ASSERT_EQUAL_FATAL(page->n, 1);
	CU_ASSERT(str_is(page->chats[0].peer, "p1"));
	CU_ASSERT_FALSE(page->has_more);
	CU_ASSERT_EQUAL(chats_after("p1", 2)->n, 0);
	CU_ASSERT_EQUAL(chats_after("nobody", 2)->error, PAR_E_NOT_FOUND);
}

void test_chats_show_what_is_left(void)
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
	CU_ASSERT(str_is(row[0].peer, "bob"));
	CU_ASSERT_EQUAL(row[0].last_id, 2);
	CU_ASSERT(str_is(row[0].last_text, "two"));
	CU_ASSERT(str_is(row[1].last_text, "edited"));
	CU_ASSERT_EQUAL(row[1].last_id, 1);
	CU_ASSERT(str_is(ask_chat(&store, "bob", "alice")->chats[0].last_text, "three"));
	do_change(&store, PAR_CHANGE_DELETE, "bob", "alice", 2);
	row = ask_chats(&store, "alice")->chats;
	CU_ASSERT_EQUAL(row[0].last_id, 2);
	CU_ASSERT(str_is(row[0].last_text, NULL));
	CU_ASSERT_EQUAL(row[0].last_deleted, store.host->now);
	CU_ASSERT_EQUAL(row[0].missed, 1);
	do_change(&store, PAR_CHANGE_HIDE, "alice", "bob", 1);
	do_change(&store, PAR_CHANGE_HIDE, "alice", "bob", 2);
	row = ask_chats(&store, "alice")->chats;
	CU_ASSERT(str_is(row[0].peer, "bob"));
	CU_ASSERT_EQUAL(row[0].last_id, 0);
	CU_ASSERT_EQUAL(row[0].missed, 0);
}
