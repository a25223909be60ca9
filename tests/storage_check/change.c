/* SPDX-License-Identifier: BSD-2-Clause */
/* Rules of CHANGE. */
#include "check.h"

void rule_edit_in_place(void)
{
	struct par_tx *tx = store_tx(&store);
	struct outcome *edit;
	struct page *page;

	add_append(&store, tx, "alice", "bob", "c1", "one")->u.append.attachments =
	    par_str_of("[1]");
	store_run(&store, tx);
	host_advance(store.host, 10);
	edit = do_change(&store, PAR_CHANGE_EDIT, "alice", "bob", 1);
	EXPECT_ERROR(edit->error, PAR_OK);
	EXPECT(edit->op[0].applied);
	EXPECT_EQ(edit->op[0].id, 2);
	EXPECT_EQ(edit->op[0].timestamp, store.host->now);
	EXPECT_EQ(edit->op[0].original_id, 1);
	EXPECT_TEXT(edit->op[0].original_client_id, "c1");
	EXPECT_TEXT(edit->op[0].client_id, NULL);

	page = ask_messages(&store, "bob", "alice");
	NEED_EQ(page->n, 2);
	EXPECT_STR(page->messages[0].message, "edited");
	EXPECT_STR(page->messages[0].attachments, "[1]");
	EXPECT_EQ(page->messages[0].created, store.host->now - 10);
	EXPECT_EQ(page->messages[0].updated, store.host->now);
	EXPECT_STR(page->messages[1].type, "edit");
	EXPECT_STR(page->messages[1].sender, "alice");
	EXPECT_STR(page->messages[1].message, NULL);
	EXPECT_STR(page->messages[1].payload,
		   "{\"originalMessageId\":1,\"originalClientMessageId\":\"c1\"}");

	tx = store_tx(&store);
	edit = NULL;
	add_change(&store, tx, PAR_CHANGE_EDIT, "alice", "bob", 1)->u.change.attachments =
	    par_str_of("[2]");
	tx->ops[0].u.change.message = par_str_of(NULL);
	store_run(&store, tx);
	page = ask_messages(&store, "bob", "alice");
	EXPECT_STR(page->messages[0].message, "edited");
	EXPECT_STR(page->messages[0].attachments, "[2]");
}

void rule_edit_refused(void)
{
	struct par_tx *tx;

	EXPECT_ERROR(do_change(&store, PAR_CHANGE_EDIT, "alice", "bob", 1)->error, PAR_E_NOT_FOUND);
	do_append(&store, "alice", "bob", "c1", "one");
	EXPECT_ERROR(do_change(&store, PAR_CHANGE_EDIT, "bob", "alice", 1)->error, PAR_E_FORBIDDEN);
	EXPECT_ERROR(do_change(&store, PAR_CHANGE_EDIT, "alice", "bob", 2)->error, PAR_E_NOT_FOUND);
	do_change(&store, PAR_CHANGE_EDIT, "alice", "bob", 1);
	/* 2 is a service message now. */
	EXPECT_ERROR(do_change(&store, PAR_CHANGE_EDIT, "alice", "bob", 2)->error, PAR_E_NOT_FOUND);
	do_change(&store, PAR_CHANGE_DELETE, "alice", "bob", 1);
	EXPECT_ERROR(do_change(&store, PAR_CHANGE_EDIT, "alice", "bob", 1)->error, PAR_E_NOT_FOUND);
	tx = store_tx(&store);
	add_append(&store, tx, "alice", "bob", "c4", NULL)->u.append.type = par_str_of("call");
	EXPECT_EQ(store_run(&store, tx)->op[0].id, 4);
	EXPECT_ERROR(do_change(&store, PAR_CHANGE_EDIT, "alice", "bob", 4)->error, PAR_E_FORBIDDEN);
	do_append(&store, "alice", "bob", "c5", "five");
	do_change(&store, PAR_CHANGE_HIDE, "alice", "bob", 5);
	EXPECT_ERROR(do_change(&store, PAR_CHANGE_EDIT, "alice", "bob", 5)->error, PAR_E_NOT_FOUND);
	EXPECT_EQ(ask_messages(&store, "bob", "alice")->n, 5);
	EXPECT_STR(ask_messages(&store, "bob", "alice")->messages[4].message, "five");
}

static struct outcome *edit_with_id(const char *client_id, uint64_t target, uint64_t fingerprint)
{
	struct par_tx *tx = store_tx(&store);
	struct par_op *op = add_change(&store, tx, PAR_CHANGE_EDIT, "alice", "bob", target);

	op->u.change.client_id = par_str_of(client_id);
	op->u.change.fingerprint = fingerprint;
	return store_run(&store, tx);
}

void rule_edit_recognises_a_resend(void)
{
	struct outcome *first, *again;

	do_append(&store, "alice", "bob", "c1", "one");
	first = edit_with_id("e1", 1, 7);
	EXPECT_TEXT(first->op[0].client_id, "e1");
	do_change(&store, PAR_CHANGE_DELETE, "alice", "bob", 1);
	again = edit_with_id("e1", 1, 7);
	EXPECT_ERROR(again->error, PAR_OK);
	EXPECT(!again->op[0].applied);
	EXPECT_EQ(again->op[0].id, first->op[0].id);
	EXPECT_EQ(again->op[0].timestamp, first->op[0].timestamp);
	EXPECT_EQ(again->op[0].original_id, 1);
	EXPECT_TEXT(again->op[0].original_client_id, "c1");
	EXPECT_ERROR(edit_with_id("e1", 1, 8)->error, PAR_E_CONFLICT);
	EXPECT_ERROR(edit_with_id("c1", 1, 8)->error, PAR_E_CONFLICT);
	EXPECT_EQ(ask_messages(&store, "bob", "alice")->n, 3);
}

static struct outcome *change_by_client_id(enum par_change_kind kind, const char *user,
					   const char *peer, const char *client_id)
{
	struct par_tx *tx = store_tx(&store);

	add_change(&store, tx, kind, user, peer, 0)->u.change.target_client_id =
	    par_str_of(client_id);
	return store_run(&store, tx);
}

void rule_change_finds_by_client_id(void)
{
	struct outcome *out;

	do_append(&store, "alice", "bob", "same", "alice's");
	do_append(&store, "bob", "alice", "same", "bob's");
	do_append(&store, "bob", "alice", "only", "bob's too");
	out = change_by_client_id(PAR_CHANGE_EDIT, "bob", "alice", "same");
	EXPECT_EQ(out->op[0].original_id, 2);
	EXPECT_TEXT(out->op[0].original_client_id, "same");
	out = change_by_client_id(PAR_CHANGE_EDIT, "alice", "bob", "same");
	EXPECT_EQ(out->op[0].original_id, 1);
	EXPECT_ERROR(change_by_client_id(PAR_CHANGE_EDIT, "alice", "bob", "only")->error,
		     PAR_E_FORBIDDEN);
	EXPECT_ERROR(change_by_client_id(PAR_CHANGE_DELETE, "alice", "bob", "none")->error,
		     PAR_E_NOT_FOUND);
	out = change_by_client_id(PAR_CHANGE_HIDE, "alice", "bob", "only");
	EXPECT_EQ(out->op[0].id, 3);
	EXPECT_TEXT(out->op[0].client_id, "only");
}

void rule_delete_erases(void)
{
	struct par_tx *tx = store_tx(&store);
	struct par_op_append *append = &add_append(&store, tx, "alice", "bob", "c1", "x")->u.append;
	const struct par_stored_message *m;
	struct outcome *out;

	append->attachments = par_str_of("[1]");
	append->forwarded = par_str_of("{}");
	append->payload = par_str_of("{}");
	store_run(&store, tx);
	host_advance(store.host, 10);
	out = do_change(&store, PAR_CHANGE_DELETE, "alice", "bob", 1);
	EXPECT(out->op[0].applied);
	EXPECT_EQ(out->op[0].id, 2);
	EXPECT_EQ(out->op[0].original_id, 1);
	m = ask_messages(&store, "bob", "alice")->messages;
	EXPECT_STR(m[0].message, NULL);
	EXPECT_STR(m[0].attachments, NULL);
	EXPECT_STR(m[0].forwarded, NULL);
	EXPECT_STR(m[0].payload, NULL);
	EXPECT_STR(m[0].client_id, "c1");
	EXPECT_STR(m[0].type, "new");
	EXPECT_EQ(m[0].deleted, store.host->now);
	EXPECT_STR(m[1].type, "delete");
	EXPECT_STR(m[1].payload, "{\"originalMessageId\":1,\"originalClientMessageId\":\"c1\"}");
	do_append(&store, "alice", "bob", NULL, "no id");
	do_change(&store, PAR_CHANGE_DELETE, "alice", "bob", 3);
	m = ask_messages(&store, "bob", "alice")->messages;
	EXPECT_STR(m[3].payload, "{\"originalMessageId\":3}");
}

void rule_delete_twice(void)
{
	struct outcome *first, *again;

	do_append(&store, "alice", "bob", "c1", "one");
	first = do_change(&store, PAR_CHANGE_DELETE, "alice", "bob", 1);
	host_advance(store.host, 10);
	do_append(&store, "alice", "bob", "c2", "two");
	again = do_change(&store, PAR_CHANGE_DELETE, "alice", "bob", 1);
	EXPECT_ERROR(again->error, PAR_OK);
	EXPECT(!again->op[0].applied);
	EXPECT_EQ(again->op[0].id, first->op[0].id);
	EXPECT_EQ(again->op[0].timestamp, first->op[0].timestamp);
	EXPECT_EQ(again->op[0].original_id, 1);
	EXPECT_TEXT(again->op[0].original_client_id, "c1");
	EXPECT_EQ(ask_messages(&store, "alice", "bob")->n, 3);
}

void rule_delete_refused(void)
{
	EXPECT_ERROR(do_change(&store, PAR_CHANGE_DELETE, "alice", "bob", 1)->error,
		     PAR_E_NOT_FOUND);
	do_append(&store, "alice", "bob", "c1", "one");
	EXPECT_ERROR(do_change(&store, PAR_CHANGE_DELETE, "bob", "alice", 1)->error,
		     PAR_E_FORBIDDEN);
	do_change(&store, PAR_CHANGE_DELETE, "alice", "bob", 1);
	EXPECT_ERROR(do_change(&store, PAR_CHANGE_DELETE, "alice", "bob", 2)->error,
		     PAR_E_NOT_FOUND);
	EXPECT_ERROR(do_change(&store, PAR_CHANGE_HIDE, "alice", "bob", 2)->error, PAR_E_NOT_FOUND);
	EXPECT_ERROR(do_change(&store, PAR_CHANGE_DELETE, "alice", "bob", 3)->error,
		     PAR_E_NOT_FOUND);
	EXPECT_ERROR(do_change(&store, PAR_CHANGE_HIDE, "carol", "bob", 1)->error, PAR_E_NOT_FOUND);
	EXPECT_EQ(ask_messages(&store, "alice", "bob")->n, 2);
}

void rule_hide_is_for_one(void)
{
	struct outcome *hide, *again;
	struct page *page;

	do_append(&store, "alice", "bob", "c1", "one");
	do_append(&store, "alice", "bob", "c2", "two");
	host_advance(store.host, 10);
	hide = do_change(&store, PAR_CHANGE_HIDE, "bob", "alice", 1);
	EXPECT(hide->op[0].applied);
	EXPECT_EQ(hide->op[0].id, 1);
	EXPECT_EQ(hide->op[0].original_id, 1);
	EXPECT_TEXT(hide->op[0].client_id, "c1");
	EXPECT_EQ(hide->op[0].timestamp, store.host->now);
	host_advance(store.host, 10);
	again = do_change(&store, PAR_CHANGE_HIDE, "bob", "alice", 1);
	EXPECT_ERROR(again->error, PAR_OK);
	EXPECT(!again->op[0].applied);
	EXPECT_EQ(again->op[0].id, 1);
	EXPECT_EQ(again->op[0].timestamp, hide->op[0].timestamp);
	page = ask_messages(&store, "bob", "alice");
	NEED_EQ(page->n, 1);
	EXPECT_EQ(page->messages[0].id, 2);
	EXPECT_EQ(ask_messages(&store, "alice", "bob")->n, 2);
}

void rule_change_keeps_time(void)
{
	uint64_t start = store.host->now;
	struct page *page;

	do_append(&store, "alice", "bob", "c1", "one");
	do_append(&store, "alice", "bob", "c2", "two");
	store.host->now = start - 5000;
	EXPECT(do_change(&store, PAR_CHANGE_EDIT, "alice", "bob", 1)->op[0].timestamp >= start);
	EXPECT(do_change(&store, PAR_CHANGE_HIDE, "bob", "alice", 1)->op[0].timestamp >= start);
	EXPECT(do_mark(&store, PAR_MARK_READ, "bob", "alice", 2)->op[0].timestamp >= start);
	EXPECT(do_change(&store, PAR_CHANGE_DELETE, "alice", "bob", 2)->op[0].timestamp >= start);
	page = ask_messages(&store, "alice", "bob");
	NEED_EQ(page->n, 4);
	EXPECT(page->messages[0].updated >= start);
	EXPECT(page->messages[1].deleted >= start);
	EXPECT(page->messages[2].created >= start);
	EXPECT(page->messages[3].created >= start);
}
