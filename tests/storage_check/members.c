/* SPDX-License-Identifier: BSD-2-Clause */
/* Rules of what a group's members see of it: access, what was before they joined, pages. */
#include <string.h>

#include "words.h"

#define GROUP "grp_g"

void rule_group_is_for_its_members(void)
{
	static const char *const groups[] = { GROUP, "grp_none" };
	struct par_query *q;
	struct par_tx *tx;
	unsigned i;

	group_new("ann", GROUP, "bob");
	group_say("ann", GROUP, "c1");
	for (i = 0; i < 2; i++) {
		const char *group = groups[i];
		EXPECT_ERROR(do_append(&store, "eve", group, "c1", "x")->error, PAR_E_NOT_FOUND);
		EXPECT_ERROR(do_change(&store, PAR_CHANGE_EDIT, "eve", group, 1)->error,
			     PAR_E_NOT_FOUND);
		EXPECT_ERROR(do_change(&store, PAR_CHANGE_DELETE, "eve", group, 1)->error,
			     PAR_E_NOT_FOUND);
		EXPECT_ERROR(do_change(&store, PAR_CHANGE_HIDE, "eve", group, 1)->error,
			     PAR_E_NOT_FOUND);
		EXPECT_ERROR(do_mark(&store, PAR_MARK_READ, "eve", group, 0)->error,
			     PAR_E_NOT_FOUND);
		EXPECT_TEXT(group_messages("eve", group), "PAR_E_NOT_FOUND");
		EXPECT_TEXT(group_members("eve", group), "PAR_E_NOT_FOUND");
		EXPECT_EQ(ask_chat(&store, "eve", group)->n, 0);
		EXPECT_ERROR(ask_chat(&store, "eve", group)->error, PAR_OK);
		q = store_query(&store, PAR_QUERY_CHATS, "eve");
		q->after_key = par_str_of(group);
		EXPECT_ERROR(store_run_query(&store, q)->error, PAR_E_NOT_FOUND);
		tx = store_tx(&store);
		add_append(&store, tx, "eve", "eve", NULL, "x")->u.append.forward =
		    store_chat(&store, "eve", group);
		tx->ops[0].u.append.forward_id = 1;
		EXPECT_ERROR(store_run(&store, tx)->error, PAR_E_NOT_FOUND);
	}
	EXPECT_TEXT(group_messages("bob", GROUP), "1");
	EXPECT_TEXT(group_chats("eve"), "");
}

void rule_group_counts_for_each(void)
{
	struct page *page;

	group_new("ann", GROUP, "bob cid");
	group_say("ann", GROUP, "c1");
	group_say("bob", GROUP, "c2");
	group_say("ann", GROUP, "c3");
	EXPECT_TEXT(group_chats("ann"), GROUP ":1");
	EXPECT_TEXT(group_chats("bob"), GROUP ":2");
	EXPECT_TEXT(group_chats("cid"), GROUP ":3");
	EXPECT_EQ(do_mark(&store, PAR_MARK_READ, "cid", GROUP, 2)->op[0].missed, 1);
	EXPECT_EQ(do_mark(&store, PAR_MARK_DELIVERED, "bob", GROUP, 0)->op[0].id, 3);
	EXPECT_TEXT(group_marks("ann", GROUP, "cid"), "2/2");
	EXPECT_TEXT(group_marks("ann", GROUP, "bob"), "3/0");
	EXPECT_TEXT(group_marks("ann", GROUP, "ann"), "0/0");
	page = ask_chat(&store, "cid", GROUP);
	NEED_EQ(page->n, 1);
	EXPECT_EQ(page->chats[0].first_missed, 3);
	EXPECT_EQ(page->chats[0].my_read, 2);
	EXPECT_EQ(page->chats[0].peer_read, 0);
	EXPECT_EQ(page->chats[0].peer_delivered, 0);
	page = ask_messages(&store, "bob", GROUP);
	EXPECT_EQ(page->my_delivered, 3);
	EXPECT_EQ(page->peer_read, 0);
	do_change(&store, PAR_CHANGE_DELETE, "ann", GROUP, 3);
	EXPECT_TEXT(group_chats("bob"), GROUP ":1");
	EXPECT_TEXT(group_chats("cid"), GROUP ":0");
	do_change(&store, PAR_CHANGE_HIDE, "ann", GROUP, 2);
	EXPECT_TEXT(group_chats("ann"), GROUP ":0");
	EXPECT_TEXT(group_messages("ann", GROUP), "1 3 4");
	EXPECT_TEXT(group_messages("cid", GROUP), "1 2 3 4");
	EXPECT_ERROR(do_change(&store, PAR_CHANGE_DELETE, "cid", GROUP, 1)->error, PAR_E_FORBIDDEN);
}

/* The times of a member's marks. */
static void expect_times(const char *user, uint64_t joined, uint64_t delivered, uint64_t read)
{
	struct page *page = ask_members(&store, "ann", GROUP);
	unsigned i = 0;

	while (i < page->n && !str_is(page->members[i].user, user))
		i++;
	NEED(i < page->n);
	EXPECT_EQ(page->members[i].joined, joined);
	EXPECT_EQ(page->members[i].delivered_at, delivered);
	EXPECT_EQ(page->members[i].read_at, read);
}

void rule_group_keeps_times(void)
{
	uint64_t start = store.host->now;

	group_new("ann", GROUP, "bob");
	expect_times("ann", start, 0, 0);
	store.host->now = start + 10;
	group_say("bob", GROUP, "c1");
	store.host->now = start + 5;
	do_roster(&store, PAR_ROSTER_ADD, "ann", GROUP, "cid");
	expect_times("cid", start + 10, 0, 0);
	do_mark(&store, PAR_MARK_DELIVERED, "ann", GROUP, 0);
	store.host->now = start + 20;
	do_mark(&store, PAR_MARK_READ, "ann", GROUP, 0);
	expect_times("ann", start, start + 10, start + 20);
	EXPECT_EQ(ask_chat(&store, "cid", GROUP)->chats[0].last_time, start + 10);
	EXPECT_EQ(ask_chat(&store, "cid", GROUP)->chats[0].last_id, 0);
}

static enum par_error append_answering(const char *user, uint64_t reply_to)
{
	struct par_tx *tx = store_tx(&store);

	add_append(&store, tx, user, GROUP, NULL, "answer")->u.append.reply_to = reply_to;
	return store_run(&store, tx)->error;
}

static enum par_error append_forwarding(const char *user, const char *to, const char *chat,
					uint64_t id)
{
	struct par_tx *tx = store_tx(&store);
	struct par_op *op = add_append(&store, tx, user, to, NULL, "forwarded");

	op->u.append.forward = store_chat(&store, user, chat);
	op->u.append.forward_id = id;
	return store_run(&store, tx)->error;
}

static void add_with_history(const char *users)
{
	struct par_tx *tx = store_tx(&store);

	add_roster(&store, tx, PAR_ROSTER_ADD, "ann", GROUP, users)->u.roster.history = true;
	NEED(store_run(&store, tx)->error == PAR_OK);
}

static struct outcome *hide_by_client_id(const char *user, const char *client_id)
{
	struct par_tx *tx = store_tx(&store);

	add_change(&store, tx, PAR_CHANGE_HIDE, user, GROUP, 0)->u.change.target_client_id =
	    par_str_of(client_id);
	return store_run(&store, tx);
}

void rule_group_begins_where_one_joins(void)
{
	struct page *page;

	group_new("ann", GROUP, "bob");
	group_say("ann", GROUP, "c1");
	group_say("bob", GROUP, "c2");
	do_roster(&store, PAR_ROSTER_ADD, "ann", GROUP, "cid");
	add_with_history("dan");
	EXPECT_TEXT(group_messages("cid", GROUP), "");
	EXPECT_TEXT(group_messages("dan", GROUP), "1 2");
	EXPECT_TEXT(group_chats("cid"), GROUP ":0");
	EXPECT_TEXT(group_chats("dan"), GROUP ":0");
	EXPECT_EQ(ask_chat(&store, "cid", GROUP)->chats[0].last_id, 0);
	EXPECT_EQ(ask_chat(&store, "dan", GROUP)->chats[0].last_id, 2);
	EXPECT_TEXT(group_marks("bob", GROUP, "cid"), "2/2");
	EXPECT_TEXT(group_marks("bob", GROUP, "dan"), "2/2");
	EXPECT_ERROR(do_mark(&store, PAR_MARK_READ, "cid", GROUP, 1)->error, PAR_E_NOT_FOUND);
	EXPECT_ERROR(do_mark(&store, PAR_MARK_READ, "cid", GROUP, 0)->error, PAR_E_NOT_FOUND);
	EXPECT_ERROR(do_mark(&store, PAR_MARK_READ, "dan", GROUP, 0)->error, PAR_E_NOT_FOUND);
	EXPECT_ERROR(do_change(&store, PAR_CHANGE_HIDE, "cid", GROUP, 2)->error, PAR_E_NOT_FOUND);
	EXPECT_ERROR(append_answering("cid", 2), PAR_E_NOT_FOUND);
	EXPECT_ERROR(append_forwarding("cid", "eve", GROUP, 2), PAR_E_NOT_FOUND);
	EXPECT_ERROR(append_forwarding("dan", "eve", GROUP, 2), PAR_OK);
	EXPECT_ERROR(do_change(&store, PAR_CHANGE_HIDE, "dan", GROUP, 2)->error, PAR_OK);

	EXPECT_EQ(group_say("ann", GROUP, "c3"), 3);
	EXPECT_TEXT(group_messages("cid", GROUP), "3");
	EXPECT_TEXT(group_messages("dan", GROUP), "1 3");
	page = ask_chat(&store, "cid", GROUP);
	EXPECT_EQ(page->chats[0].missed, 1);
	EXPECT_EQ(page->chats[0].first_missed, 3);
	EXPECT_EQ(page->chats[0].last_id, 3);
	EXPECT_ERROR(do_mark(&store, PAR_MARK_READ, "cid", GROUP, 2)->error, PAR_E_NOT_FOUND);
	EXPECT_EQ(do_mark(&store, PAR_MARK_READ, "cid", GROUP, 0)->op[0].id, 3);
	EXPECT_ERROR(append_answering("cid", 3), PAR_OK);
	/* of two who used a client id the one whose message is there */
	group_say("dan", GROUP, "c1");
	EXPECT_EQ(hide_by_client_id("cid", "c1")->op[0].id, 5);
	EXPECT_ERROR(hide_by_client_id("cid", "c2")->error, PAR_E_NOT_FOUND);
}

void rule_group_is_joined_anew(void)
{
	group_new("ann", GROUP, "bob cid");
	group_say("bob", GROUP, "c1");
	group_say("ann", GROUP, "c2");
	group_say("cid", GROUP, "c3");
	do_mark(&store, PAR_MARK_READ, "bob", GROUP, 2);
	do_change(&store, PAR_CHANGE_HIDE, "bob", GROUP, 2);
	do_roster(&store, PAR_ROSTER_LEAVE, "bob", GROUP, NULL);
	EXPECT_TEXT(group_messages("bob", GROUP), "PAR_E_NOT_FOUND");
	group_say("ann", GROUP, "c4");
	do_roster(&store, PAR_ROSTER_ADD, "ann", GROUP, "bob");
	EXPECT_TEXT(group_messages("bob", GROUP), "");
	EXPECT_TEXT(group_chats("bob"), GROUP ":0");
	EXPECT_TEXT(group_marks("ann", GROUP, "bob"), "4/4");
	/* not even what he wrote himself */
	EXPECT_ERROR(do_change(&store, PAR_CHANGE_EDIT, "bob", GROUP, 1)->error, PAR_E_NOT_FOUND);
	EXPECT_ERROR(do_change(&store, PAR_CHANGE_DELETE, "bob", GROUP, 1)->error, PAR_E_NOT_FOUND);
	group_say("cid", GROUP, "c1");
	EXPECT_TEXT(group_messages("bob", GROUP), "5");
	EXPECT_EQ(hide_by_client_id("bob", "c1")->op[0].id, 5);
	EXPECT_ERROR(hide_by_client_id("bob", "c4")->error, PAR_E_NOT_FOUND);
	group_say("ann", GROUP, "c1");
	group_say("bob", GROUP, "c1b");
	EXPECT_EQ(hide_by_client_id("bob", "c1b")->op[0].id, 7);
	EXPECT(!hide_by_client_id("bob", "c1")->op[0].applied);
	EXPECT_TEXT(group_chats("bob"), GROUP ":1");
	do_roster(&store, PAR_ROSTER_REMOVE, "ann", GROUP, "bob");
	/* deleted while he is not in it */
	do_change(&store, PAR_CHANGE_DELETE, "cid", GROUP, 5);
	/* who has left is found by his client ids too */
	do_roster(&store, PAR_ROSTER_LEAVE, "cid", GROUP, NULL);
	EXPECT_EQ(hide_by_client_id("ann", "c3")->op[0].id, 3);
	add_with_history("bob");
	EXPECT_TEXT(group_messages("bob", GROUP), "1 2 3 4 5 6 7 8");
	EXPECT_TEXT(group_chats("bob"), GROUP ":0");
	EXPECT_ERROR(do_mark(&store, PAR_MARK_READ, "bob", GROUP, 0)->error, PAR_E_NOT_FOUND);
	EXPECT_ERROR(do_change(&store, PAR_CHANGE_EDIT, "bob", GROUP, 1)->error, PAR_OK);
}

/* All in one batch: what was hidden of what is not stored yet either. */
void rule_group_is_joined_anew_in_a_batch(void)
{
	struct outcome *hidden, *forwarded;
	struct par_tx *tx;

	group_new("ann", GROUP, "bob");
	tx = store_tx(&store);
	add_append(&store, tx, "ann", GROUP, "c1", "text");
	store_submit(&store, tx);
	tx = store_tx(&store);
	add_change(&store, tx, PAR_CHANGE_HIDE, "bob", GROUP, 1);
	store_submit(&store, tx);
	tx = store_tx(&store);
	add_roster(&store, tx, PAR_ROSTER_LEAVE, "bob", GROUP, NULL);
	store_submit(&store, tx);
	tx = store_tx(&store);
	add_roster(&store, tx, PAR_ROSTER_ADD, "ann", GROUP, "bob")->u.roster.history = true;
	store_submit(&store, tx);
	tx = store_tx(&store);
	add_append(&store, tx, "bob", "bob", NULL, "text")->u.append.forward =
	    store_chat(&store, "bob", GROUP);
	tx->ops[0].u.append.forward_id = 1;
	forwarded = store_submit(&store, tx);
	tx = store_tx(&store);
	add_change(&store, tx, PAR_CHANGE_HIDE, "bob", GROUP, 1);
	hidden = store_submit(&store, tx);
	store_settle(&store);
	EXPECT_ERROR(forwarded->error, PAR_OK);
	EXPECT(hidden->op[0].applied);
	EXPECT_TEXT(group_messages("bob", GROUP), "");
	EXPECT_TEXT(group_messages("ann", GROUP), "1");
}

void rule_group_knows_what_was_sent(void)
{
	struct outcome *out;

	group_new("ann", GROUP, "bob");
	group_say("bob", GROUP, "c1");
	do_roster(&store, PAR_ROSTER_REMOVE, "ann", GROUP, "bob");
	out = do_append(&store, "bob", GROUP, "c1", "text");
	EXPECT_ERROR(out->error, PAR_OK);
	EXPECT(!out->op[0].applied);
	EXPECT_EQ(out->op[0].id, 1);
	EXPECT_ERROR(do_append(&store, "bob", GROUP, "c1", "other text")->error, PAR_E_CONFLICT);
	EXPECT_ERROR(do_append(&store, "bob", GROUP, "c2", "text")->error, PAR_E_NOT_FOUND);
	do_roster(&store, PAR_ROSTER_ADD, "ann", GROUP, "bob");
	EXPECT_EQ(do_append(&store, "bob", GROUP, "c1", "text")->op[0].id, 1);
	EXPECT_EQ(group_say("bob", GROUP, "c2"), 2);
	EXPECT_EQ(group_say("ann", GROUP, "c1"), 3);
}

void rule_group_in_the_list(void)
{
	struct par_query *q;
	struct page *page;

	do_append(&store, "ann", "bob", NULL, "x");
	group_new("ann", GROUP, "bob");
	EXPECT_TEXT(group_chats("bob"), GROUP ":0 ann:1");
	do_append(&store, "ann", "bob", NULL, "x");
	EXPECT_TEXT(group_chats("bob"), "ann:2 " GROUP ":0");
	group_new("cid", "grp_h", "ann");
	do_roster(&store, PAR_ROSTER_ADD, "cid", "grp_h", "bob");
	EXPECT_TEXT(group_chats("bob"), "grp_h:0 ann:2 " GROUP ":0");
	group_say("ann", GROUP, NULL);
	EXPECT_TEXT(group_chats("bob"), GROUP ":1 grp_h:0 ann:2");
	EXPECT_TEXT(group_chats("ann"), GROUP ":0 grp_h:0 bob:0");
	q = store_query(&store, PAR_QUERY_CHATS, "bob");
	q->after_key = par_str_of(GROUP);
	q->limit = 1;
	page = store_run_query(&store, q);
	NEED_EQ(page->n, 1);
	EXPECT_STR(page->chats[0].peer, "grp_h");
	EXPECT_STR(page->chats[0].name, "name of grp_h");
	EXPECT_EQ(page->chats[0].members, 3);
	EXPECT(page->has_more);
	/* Where all is hidden it stays in its place, with the time of joining. */
	do_change(&store, PAR_CHANGE_HIDE, "bob", GROUP, 1);
	EXPECT_TEXT(group_chats("bob"), GROUP ":0 grp_h:0 ann:2");
	do_roster(&store, PAR_ROSTER_LEAVE, "bob", "grp_h", NULL);
	EXPECT_TEXT(group_chats("bob"), GROUP ":0 ann:2");
	EXPECT_STR(ask_chats(&store, "bob")->chats[1].name, NULL);
}

static const char *members_page(const char *after, unsigned limit, size_t max_bytes)
{
	struct par_query *q = store_query(&store, PAR_QUERY_MEMBERS, "ann");
	const char *text = "";
	struct page *page;
	unsigned i;

	q->chat = store_chat(&store, "ann", GROUP);
	q->after_key = par_str_of(after);
	q->limit = limit;
	q->max_bytes = max_bytes;
	page = store_run_query(&store, q);
	for (i = 0; i < page->n; i++)
		text = store_format(&store, "%s%s ", text, page->members[i].user.s);
	return store_format(&store, "%s%s", text, page->has_more ? "more" : "end");
}

void rule_members_in_pages(void)
{
	group_new("ann", GROUP, "bob Bob b b\xc3\xa9 zed cid");
	do_roster(&store, PAR_ROSTER_REMOVE, "ann", GROUP, "cid");
	EXPECT_TEXT(members_page(NULL, 9, 999), "Bob ann b bob b\xc3\xa9 zed end");
	EXPECT_TEXT(members_page(NULL, 6, 999), "Bob ann b bob b\xc3\xa9 zed end");
	EXPECT_TEXT(members_page(NULL, 2, 999), "Bob ann more");
	EXPECT_TEXT(members_page("ann", 2, 999), "b bob more");
	EXPECT_TEXT(members_page("b", 2, 999), "bob b\xc3\xa9 more");
	/* behind one who is not in it */
	EXPECT_TEXT(members_page("cid", 2, 999), "zed end");
	EXPECT_TEXT(members_page("zed", 2, 999), "end");
	EXPECT_TEXT(members_page(NULL, 9, 1), "Bob more");
}

static struct page *members_for_the_server(const char *group, const char *after)
{
	struct par_query *q = store_query(&store, PAR_QUERY_MEMBERS, NULL);

	q->chat.key = q->chat.peer = par_str_of(group);
	q->after_key = par_str_of(after);
	q->limit = 2;
	q->max_bytes = 999;
	return store_run_query(&store, q);
}

void rule_members_for_the_server(void)
{
	struct page *page;

	EXPECT_EQ(members_for_the_server(GROUP, NULL)->error, PAR_E_NOT_FOUND);
	group_new("ann", GROUP, "bob cid");
	page = members_for_the_server(GROUP, NULL);
	NEED_EQ(page->n, 2);
	EXPECT_STR(page->members[0].user, "ann");
	EXPECT_STR(page->members[1].user, "bob");
	EXPECT(page->has_more);
	page = members_for_the_server(GROUP, "bob");
	NEED_EQ(page->n, 1);
	EXPECT_STR(page->members[0].user, "cid");
	page = members_for_the_server(GROUP, "cid");
	EXPECT_EQ(page->error, PAR_OK);
	EXPECT_EQ(page->n, 0);
	do_roster(&store, PAR_ROSTER_DELETE, "ann", GROUP, NULL);
	EXPECT_EQ(members_for_the_server(GROUP, NULL)->error, PAR_E_NOT_FOUND);
}

void rule_append_forwards(void)
{
	struct par_tx *tx;

	do_append(&store, "ann", "bob", "c1", "1");
	do_append(&store, "bob", "ann", "c2", "2");
	do_change(&store, PAR_CHANGE_DELETE, "ann", "bob", 1); /* by 3 */
	EXPECT_ERROR(append_forwarding("ann", "cid", "bob", 1), PAR_E_NOT_FOUND);
	EXPECT_ERROR(append_forwarding("ann", "cid", "bob", 3), PAR_E_NOT_FOUND);
	EXPECT_ERROR(append_forwarding("ann", "cid", "bob", 4), PAR_E_NOT_FOUND);
	EXPECT_ERROR(append_forwarding("ann", "cid", "eve", 1), PAR_E_NOT_FOUND);
	EXPECT_ERROR(append_forwarding("cid", "ann", "bob", 2), PAR_E_NOT_FOUND);
	EXPECT_EQ(ask_chat(&store, "cid", "ann")->n, 0);
	EXPECT_ERROR(append_forwarding("ann", "cid", "bob", 2), PAR_OK);
	/* what is stored is answered, also when it could not be forwarded any more */
	tx = store_tx(&store);
	add_append(&store, tx, "ann", "cid", "f", "x")->u.append.forward =
	    store_chat(&store, "ann", "bob");
	tx->ops[0].u.append.forward_id = 2;
	EXPECT(store_run(&store, tx)->op[0].applied);
	do_change(&store, PAR_CHANGE_HIDE, "ann", "bob", 2);
	EXPECT_ERROR(append_forwarding("ann", "cid", "bob", 2), PAR_E_NOT_FOUND);
	tx = store_tx(&store);
	add_append(&store, tx, "ann", "cid", "f", "x")->u.append.forward =
	    store_chat(&store, "ann", "bob");
	tx->ops[0].u.append.forward_id = 2;
	EXPECT_EQ(store_run(&store, tx)->op[0].id, 2);
	/* of a message of the same transaction, within a chat */
	tx = store_tx(&store);
	add_append(&store, tx, "bob", "eve", NULL, "x");
	add_append(&store, tx, "bob", "eve", NULL, "x")->u.append.forward =
	    store_chat(&store, "bob", "eve");
	tx->ops[1].u.append.forward_id = 1;
	EXPECT_ERROR(store_run(&store, tx)->error, PAR_OK);
}

void rule_restart_keeps_groups(void)
{
	struct par_tx *tx;

	group_new("ann", GROUP, "bob cid");
	group_say("bob", GROUP, "c1");
	do_roster(&store, PAR_ROSTER_REMOVE, "ann", GROUP, "cid");
	do_roster(&store, PAR_ROSTER_ADD, "ann", GROUP, "dan");
	group_say("bob", GROUP, "c2");
	do_mark(&store, PAR_MARK_READ, "dan", GROUP, 0);
	tx = store_tx(&store);
	add_roster(&store, tx, PAR_ROSTER_ROLE, "ann", GROUP, "dan")->u.roster.role =
	    PAR_ROLE_ADMIN;
	add_reach(&store, tx, PAR_REACH_MEMBERS, "ann", GROUP, "{\"n\":1}")->u.event.missed = true;
	NEED(store_run(&store, tx)->error == PAR_OK);
	group_new("ann", "grp_gone", "bob");
	do_roster(&store, PAR_ROSTER_DELETE, "ann", "grp_gone", NULL);
	store_reopen(&store);
	EXPECT_TEXT(group_members("bob", GROUP), "ann=o bob=m dan=a");
	EXPECT_TEXT(group_members("cid", GROUP), "PAR_E_NOT_FOUND");
	EXPECT_TEXT(group_marks("bob", GROUP, "dan"), "2/2");
	EXPECT_TEXT(group_messages("dan", GROUP), "2");
	EXPECT_TEXT(group_chats("ann"), GROUP ":2");
	EXPECT_STR(ask_chat(&store, "ann", GROUP)->chats[0].name, "name of " GROUP);
	EXPECT_TEXT(stream_text("dan", 0), "{\"n\":1,\"missed\":0}");
	EXPECT_TEXT(stream_text("bob", 0), "{\"n\":1,\"missed\":0}");
	EXPECT_EQ(do_append(&store, "bob", GROUP, "c1", "text")->op[0].id, 1);
	EXPECT_ERROR(do_append(&store, "cid", GROUP, "c1", "text")->error, PAR_E_NOT_FOUND);
	EXPECT_ERROR(do_roster(&store, PAR_ROSTER_CREATE, "ann", "grp_gone", NULL)->error,
		     PAR_E_CONFLICT);
	EXPECT(do_roster(&store, PAR_ROSTER_NAME, "dan", GROUP, NULL)->error == PAR_OK);
	EXPECT_EQ(group_say("ann", GROUP, NULL), 3);
	EXPECT_TEXT(group_chats("dan"), GROUP ":1");
}
