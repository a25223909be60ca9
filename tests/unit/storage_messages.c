/* SPDX-License-Identifier: BSD-2-Clause */
/* The storage test: APPEND and CHANGE. */
#include <stdlib.h>
#include <string.h>

#include "storage_test.h"

void test_append_counts_up(void)
{
	struct outcome *a = do_append(&store, "alice", "bob", "c1", "one");
	struct outcome *b = do_append(&store, "bob", "alice", "c2", "two");
	struct outcome *c = do_append(&store, "alice", "carol", "c3", "three");
	struct page *page = ask_messages(&store, "bob", "alice");

	CU_ASSERT_EQUAL(a->error, PAR_OK);
	CU_ASSERT(a->op[0].applied);
	CU_ASSERT_EQUAL(a->op[0].id, 1);
	CU_ASSERT_EQUAL(a->op[0].timestamp, store.host->now);
	CU_ASSERT(text_is(a->op[0].client_id, "c1"));
	CU_ASSERT_PTR_NULL(a->op[0].reply);
	CU_ASSERT_EQUAL(b->op[0].id, 2);
	CU_ASSERT_EQUAL(c->op[0].id, 1);
	CU_ASSERT_EQUAL_FATAL(page->n, 2);
	CU_ASSERT_EQUAL(page->messages[0].id, 1);
	CU_ASSERT(str_is(page->messages[0].sender, "alice"));
	CU_ASSERT(str_is(page->messages[0].message, "one"));
	CU_ASSERT(str_is(page->messages[1].sender, "bob"));
	CU_ASSERT(str_is(page->messages[1].client_id, "c2"));
	CU_ASSERT_EQUAL(ask_messages(&store, "alice", "bob")->n, 2);
	CU_ASSERT_EQUAL(ask_messages(&store, "alice", "nobody")->n, 0);
	CU_ASSERT_EQUAL(ask_messages(&store, "alice", "nobody")->error, PAR_OK);
}

void test_append_recognises_a_resend(void)
{
	struct outcome *first = do_append(&store, "alice", "bob", "c1", "one"), *again, *other;
	struct outcome *plain, *plain_again;

	host_advance(store.host, 1000);
	again = do_append(&store, "alice", "bob", "c1", "one");
	CU_ASSERT_EQUAL(again->error, PAR_OK);
	CU_ASSERT_FALSE(again->op[0].applied);
	CU_ASSERT_EQUAL(again->op[0].id, first->op[0].id);
	CU_ASSERT_EQUAL(again->op[0].timestamp, first->op[0].timestamp);
	CU_ASSERT(text_is(again->op[0].client_id, "c1"));

	/* Another's id, or one in another chat, is another message. */
	other = do_append(&store, "bob", "alice", "c1", "one");
	CU_ASSERT(other->op[0].applied);
	CU_ASSERT_EQUAL(other->op[0].id, 2);
	CU_ASSERT(do_append(&store, "alice", "carol", "c1", "one")->op[0].applied);
	CU_ASSERT_FALSE(do_append(&store, "bob", "alice", "c1", "one")->op[0].applied);

	plain = do_append(&store, "alice", "bob", NULL, "same");
	plain_again = do_append(&store, "alice", "bob", NULL, "same");
	CU_ASSERT_EQUAL(plain_again->op[0].id, plain->op[0].id + 1);
	CU_ASSERT_PTR_NULL(plain->op[0].client_id);
	CU_ASSERT_EQUAL(ask_messages(&store, "alice", "bob")->n, 4);
}

void test_append_refuses_a_reused_client_id(void)
{
	struct outcome *reused;

	do_append(&store, "alice", "bob", "c1", "one");
	reused = do_append(&store, "alice", "bob", "c1", "another text");
	CU_ASSERT_EQUAL(reused->error, PAR_E_CONFLICT);
	CU_ASSERT_EQUAL(ask_messages(&store, "alice", "bob")->n, 1);
	CU_ASSERT_EQUAL(do_append(&store, "alice", "bob", "c2", "two")->op[0].id, 2);
}

void test_append_to_oneself(void)
{
	struct outcome *first = do_append(&store, "alice", "alice", "c1", "note");
	struct page *chats = ask_chats(&store, "alice");

	CU_ASSERT_EQUAL(first->op[0].id, 1);
	CU_ASSERT_FALSE(do_append(&store, "alice", "alice", "c1", "note")->op[0].applied);
	CU_ASSERT_EQUAL_FATAL(chats->n, 1);
	CU_ASSERT(str_is(chats->chats[0].peer, "alice"));
	CU_ASSERT_EQUAL(chats->chats[0].missed, 0);
	CU_ASSERT_EQUAL(ask_messages(&store, "alice", "alice")->n, 1);
}

static struct outcome *append_reply(const char *user, const char *peer, const char *client_id,
				    uint64_t to)
{
	struct par_tx *tx = store_tx(&store);

	add_append(&store, tx, user, peer, client_id, "reply")->u.append.reply_to = to;
	return store_run(&store, tx);
}

void test_append_replies(void)
{
	static const char object[] =
	    "{\"messageId\":1,\"clientMessageId\":\"c\\\"1\",\"sender\":\"alice\","
	    "\"createdAt\":1700000000000,\"message\":\"one\"}";
	static const char erased[] = "{\"messageId\":1,\"clientMessageId\":\"c\\\"1\","
				     "\"sender\":\"alice\",\"createdAt\":1700000000000}";
	struct outcome *reply;
	struct page *page;

	CU_ASSERT_EQUAL(append_reply("alice", "bob", "r0", 1)->error, PAR_E_NOT_FOUND);
	CU_ASSERT_EQUAL(ask_chats(&store, "alice")->n, 0);
	do_append(&store, "alice", "bob", "c\"1", "one");
	reply = append_reply("bob", "alice", "r1", 1);
	CU_ASSERT_EQUAL(reply->error, PAR_OK);
	CU_ASSERT(text_is(reply->op[0].reply, object));
	page = ask_messages(&store, "alice", "bob");
	CU_ASSERT(str_is(page->messages[0].reply, NULL));
	CU_ASSERT(str_is(page->messages[1].reply, object));

	do_change(&store, PAR_CHANGE_DELETE, "alice", "bob", 1);
	page = ask_messages(&store, "alice", "bob");
	CU_ASSERT(str_is(page->messages[1].reply, erased));
	CU_ASSERT(text_is(append_reply("bob", "alice", "r2", 1)->op[0].reply, erased));
	/* 3 is the service message of the deletion; 4 is r2. */
	CU_ASSERT_EQUAL(append_reply("bob", "alice", "r3", 3)->error, PAR_E_NOT_FOUND);
	CU_ASSERT_EQUAL(append_reply("bob", "alice", "r3", 5)->error, PAR_E_NOT_FOUND);
	/* A resend is the same message, whatever became of the other. */
	CU_ASSERT_EQUAL(append_reply("bob", "alice", "r1", 1)->op[0].id, 2);
	CU_ASSERT_EQUAL(ask_messages(&store, "alice", "bob")->n, 4);
}

void test_append_keeps_time(void)
{
	uint64_t start = store.host->now;
	struct outcome *late;

	do_append(&store, "alice", "bob", "c1", "one");
	store.host->now = start - 5000;
	late = do_append(&store, "bob", "alice", "c2", "two");
	CU_ASSERT_EQUAL(late->op[0].timestamp, start);
	CU_ASSERT_EQUAL(do_mark(&store, PAR_MARK_READ, "alice", "bob", 2)->op[0].timestamp, start);
	CU_ASSERT_EQUAL(do_append(&store, "alice", "carol", "c1", "x")->op[0].timestamp,
			start - 5000);
}

void test_append_keeps_all_fields(void)
{
	struct par_tx *tx = store_tx(&store);
	struct par_op_append *append =
	    &add_append(&store, tx, "alice", "bob", "c1", NULL)->u.append;
	const struct par_stored_message *m;
	struct page *page;

	append->attachments = par_str_of("[{\"type\":\"file\"}]");
	append->forwarded = par_str_of("{\"chatId\":\"x\"}");
	store_run(&store, tx);
	tx = store_tx(&store);
	append = &add_append(&store, tx, "bob", "alice", NULL, NULL)->u.append;
	append->type = par_str_of("call");
	append->payload = par_str_of("{\"callId\":\"k\"}");
	store_run(&store, tx);
	tx = store_tx(&store);
	add_append(&store, tx, "bob", "alice", NULL, "");
	store_run(&store, tx);

	page = ask_messages(&store, "bob", "alice");
	CU_ASSERT_EQUAL_FATAL(page->n, 3);
	m = page->messages;
	CU_ASSERT(str_is(m[0].type, "new"));
	CU_ASSERT(str_is(m[0].message, NULL));
	CU_ASSERT(str_is(m[0].attachments, "[{\"type\":\"file\"}]"));
	CU_ASSERT(str_is(m[0].forwarded, "{\"chatId\":\"x\"}"));
	CU_ASSERT(str_is(m[0].payload, NULL));
	CU_ASSERT_EQUAL(m[0].created, store.host->now);
	CU_ASSERT_EQUAL(m[0].updated, 0);
	CU_ASSERT_EQUAL(m[0].deleted, 0);
	CU_ASSERT(str_is(m[1].type, "call"));
	CU_ASSERT(str_is(m[1].client_id, NULL));
	CU_ASSERT(str_is(m[1].payload, "{\"callId\":\"k\"}"));
	CU_ASSERT(str_is(m[2].message, ""));
}

void test_edit_in_place(void)
{
	struct par_tx *tx = store_tx(&store);
	struct outcome *edit;
	struct page *page;

	add_append(&store, tx, "alice", "bob", "c1", "one")->u.append.attachments =
	    par_str_of("[1]");
	store_run(&store, tx);
	host_advance(store.host, 10);
	edit = do_change(&store, PAR_CHANGE_EDIT, "alice", "bob", 1);
	CU_ASSERT_EQUAL(edit->error, PAR_OK);
	CU_ASSERT(edit->op[0].applied);
	CU_ASSERT_EQUAL(edit->op[0].id, 2);
	CU_ASSERT_EQUAL(edit->op[0].timestamp, store.host->now);
	CU_ASSERT_EQUAL(edit->op[0].original_id, 1);
	CU_ASSERT(text_is(edit->op[0].original_client_id, "c1"));
	CU_ASSERT_PTR_NULL(edit->op[0].client_id);

	page = ask_messages(&store, "bob", "alice");
	CU_ASSERT_EQUAL_FATAL(page->n, 2);
	CU_ASSERT(str_is(page->messages[0].message, "edited"));
	CU_ASSERT(str_is(page->messages[0].attachments, "[1]"));
	CU_ASSERT_EQUAL(page->messages[0].created, store.host->now - 10);
	CU_ASSERT_EQUAL(page->messages[0].updated, store.host->now);
	CU_ASSERT(str_is(page->messages[1].type, "edit"));
	CU_ASSERT(str_is(page->messages[1].sender, "alice"));
	CU_ASSERT(str_is(page->messages[1].message, NULL));
	CU_ASSERT(str_is(page->messages[1].payload,
			 "{\"originalMessageId\":1,\"originalClientMessageId\":\"c1\"}"));

	tx = store_tx(&store);
	edit = NULL;
	add_change(&store, tx, PAR_CHANGE_EDIT, "alice", "bob", 1)->u.change.attachments =
	    par_str_of("[2]");
	tx->ops[0].u.change.message = par_str_of(NULL);
	store_run(&store, tx);
	page = ask_messages(&store, "bob", "alice");
	CU_ASSERT(str_is(page->messages[0].message, "edited"));
	CU_ASSERT(str_is(page->messages[0].attachments, "[2]"));
}

void test_edit_refused(void)
{
	struct par_tx *tx;

	CU_ASSERT_EQUAL(do_change(&store, PAR_CHANGE_EDIT, "alice", "bob", 1)->error,
			PAR_E_NOT_FOUND);
	do_append(&store, "alice", "bob", "c1", "one");
	CU_ASSERT_EQUAL(do_change(&store, PAR_CHANGE_EDIT, "bob", "alice", 1)->error,
			PAR_E_FORBIDDEN);
	CU_ASSERT_EQUAL(do_change(&store, PAR_CHANGE_EDIT, "alice", "bob", 2)->error,
			PAR_E_NOT_FOUND);
	do_change(&store, PAR_CHANGE_EDIT, "alice", "bob", 1);
	/* 2 is a service message now. */
	CU_ASSERT_EQUAL(do_change(&store, PAR_CHANGE_EDIT, "alice", "bob", 2)->error,
			PAR_E_NOT_FOUND);
	do_change(&store, PAR_CHANGE_DELETE, "alice", "bob", 1);
	CU_ASSERT_EQUAL(do_change(&store, PAR_CHANGE_EDIT, "alice", "bob", 1)->error,
			PAR_E_NOT_FOUND);
	tx = store_tx(&store);
	add_append(&store, tx, "alice", "bob", "c4", NULL)->u.append.type = par_str_of("call");
	CU_ASSERT_EQUAL(store_run(&store, tx)->op[0].id, 4);
	CU_ASSERT_EQUAL(do_change(&store, PAR_CHANGE_EDIT, "alice", "bob", 4)->error,
			PAR_E_FORBIDDEN);
	do_append(&store, "alice", "bob", "c5", "five");
	do_change(&store, PAR_CHANGE_HIDE, "alice", "bob", 5);
	CU_ASSERT_EQUAL(do_change(&store, PAR_CHANGE_EDIT, "alice", "bob", 5)->error,
			PAR_E_NOT_FOUND);
	CU_ASSERT_EQUAL(ask_messages(&store, "bob", "alice")->n, 5);
	CU_ASSERT(str_is(ask_messages(&store, "bob", "alice")->messages[4].message, "five"));
}

static struct outcome *edit_with_id(const char *client_id, uint64_t target, uint64_t fingerprint)
{
	struct par_tx *tx = store_tx(&store);
	struct par_op *op = add_change(&store, tx, PAR_CHANGE_EDIT, "alice", "bob", target);

	op->u.change.client_id = par_str_of(client_id);
	op->u.change.fingerprint = fingerprint;
	return store_run(&store, tx);
}

void test_edit_recognises_a_resend(void)
{
	struct outcome *first, *again;

	do_append(&store, "alice", "bob", "c1", "one");
	first = edit_with_id("e1", 1, 7);
	CU_ASSERT(text_is(first->op[0].client_id, "e1"));
	do_change(&store, PAR_CHANGE_DELETE, "alice", "bob", 1);
	again = edit_with_id("e1", 1, 7);
	CU_ASSERT_EQUAL(again->error, PAR_OK);
	CU_ASSERT_FALSE(again->op[0].applied);
	CU_ASSERT_EQUAL(again->op[0].id, first->op[0].id);
	CU_ASSERT_EQUAL(again->op[0].timestamp, first->op[0].timestamp);
	CU_ASSERT_EQUAL(again->op[0].original_id, 1);
	CU_ASSERT(text_is(again->op[0].original_client_id, "c1"));
	CU_ASSERT_EQUAL(edit_with_id("e1", 1, 8)->error, PAR_E_CONFLICT);
	CU_ASSERT_EQUAL(edit_with_id("c1", 1, 8)->error, PAR_E_CONFLICT);
	CU_ASSERT_EQUAL(ask_messages(&store, "bob", "alice")->n, 3);
}

static struct outcome *change_by_client_id(enum par_change_kind kind, const char *user,
					   const char *peer, const char *client_id)
{
	struct par_tx *tx = store_tx(&store);

	add_change(&store, tx, kind, user, peer, 0)->u.change.target_client_id =
	    par_str_of(client_id);
	return store_run(&store, tx);
}

void test_change_finds_by_client_id(void)
{
	struct outcome *out;

	do_append(&store, "alice", "bob", "same", "alice's");
	do_append(&store, "bob", "alice", "same", "bob's");
	do_append(&store, "bob", "alice", "only", "bob's too");
	out = change_by_client_id(PAR_CHANGE_EDIT, "bob", "alice", "same");
	CU_ASSERT_EQUAL(out->op[0].original_id, 2);
	CU_ASSERT(text_is(out->op[0].original_client_id, "same"));
	out = change_by_client_id(PAR_CHANGE_EDIT, "alice", "bob", "same");
	CU_ASSERT_EQUAL(out->op[0].original_id, 1);
	CU_ASSERT_EQUAL(change_by_client_id(PAR_CHANGE_EDIT, "alice", "bob", "only")->error,
			PAR_E_FORBIDDEN);
	CU_ASSERT_EQUAL(change_by_client_id(PAR_CHANGE_DELETE, "alice", "bob", "none")->error,
			PAR_E_NOT_FOUND);
	out = change_by_client_id(PAR_CHANGE_HIDE, "alice", "bob", "only");
	CU_ASSERT_EQUAL(out->op[0].id, 3);
	CU_ASSERT(text_is(out->op[0].client_id, "only"));
}

void test_delete_erases(void)
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
	CU_ASSERT(out->op[0].applied);
	CU_ASSERT_EQUAL(out->op[0].id, 2);
	CU_ASSERT_EQUAL(out->op[0].original_id, 1);
	m = ask_messages(&store, "bob", "alice")->messages;
	CU_ASSERT(str_is(m[0].message, NULL));
	CU_ASSERT(str_is(m[0].attachments, NULL));
	CU_ASSERT(str_is(m[0].forwarded, NULL));
	CU_ASSERT(str_is(m[0].payload, NULL));
	CU_ASSERT(str_is(m[0].client_id, "c1"));
	CU_ASSERT(str_is(m[0].type, "new"));
	CU_ASSERT_EQUAL(m[0].deleted, store.host->now);
	CU_ASSERT(str_is(m[1].type, "delete"));
	CU_ASSERT(
	    str_is(m[1].payload, "{\"originalMessageId\":1,\"originalClientMessageId\":\"c1\"}"));
	do_append(&store, "alice", "bob", NULL, "no id");
	do_change(&store, PAR_CHANGE_DELETE, "alice", "bob", 3);
	m = ask_messages(&store, "bob", "alice")->messages;
	CU_ASSERT(str_is(m[3].payload, "{\"originalMessageId\":3}"));
}

void test_delete_twice(void)
{
	struct outcome *first, *again;

	do_append(&store, "alice", "bob", "c1", "one");
	first = do_change(&store, PAR_CHANGE_DELETE, "alice", "bob", 1);
	host_advance(store.host, 10);
	do_append(&store, "alice", "bob", "c2", "two");
	again = do_change(&store, PAR_CHANGE_DELETE, "alice", "bob", 1);
	CU_ASSERT_EQUAL(again->error, PAR_OK);
	CU_ASSERT_FALSE(again->op[0].applied);
	CU_ASSERT_EQUAL(again->op[0].id, first->op[0].id);
	CU_ASSERT_EQUAL(again->op[0].timestamp, first->op[0].timestamp);
	CU_ASSERT_EQUAL(again->op[0].original_id, 1);
	CU_ASSERT(text_is(again->op[0].original_client_id, "c1"));
	CU_ASSERT_EQUAL(ask_messages(&store, "alice", "bob")->n, 3);
}

void test_delete_refused(void)
{
	CU_ASSERT_EQUAL(do_change(&store, PAR_CHANGE_DELETE, "alice", "bob", 1)->error,
			PAR_E_NOT_FOUND);
	do_append(&store, "alice", "bob", "c1", "one");
	CU_ASSERT_EQUAL(do_change(&store, PAR_CHANGE_DELETE, "bob", "alice", 1)->error,
			PAR_E_FORBIDDEN);
	do_change(&store, PAR_CHANGE_DELETE, "alice", "bob", 1);
	CU_ASSERT_EQUAL(do_change(&store, PAR_CHANGE_DELETE, "alice", "bob", 2)->error,
			PAR_E_NOT_FOUND);
	CU_ASSERT_EQUAL(do_change(&store, PAR_CHANGE_HIDE, "alice", "bob", 2)->error,
			PAR_E_NOT_FOUND);
	CU_ASSERT_EQUAL(do_change(&store, PAR_CHANGE_DELETE, "alice", "bob", 3)->error,
			PAR_E_NOT_FOUND);
	CU_ASSERT_EQUAL(do_change(&store, PAR_CHANGE_HIDE, "carol", "bob", 1)->error,
			PAR_E_NOT_FOUND);
	CU_ASSERT_EQUAL(ask_messages(&store, "alice", "bob")->n, 2);
}

void test_hide_is_for_one(void)
{
	struct outcome *hide, *again;
	struct page *page;

	do_append(&store, "alice", "bob", "c1", "one");
	do_append(&store, "alice", "bob", "c2", "two");
	host_advance(store.host, 10);
	hide = do_change(&store, PAR_CHANGE_HIDE, "bob", "alice", 1);
	CU_ASSERT(hide->op[0].applied);
	CU_ASSERT_EQUAL(hide->op[0].id, 1);
	CU_ASSERT_EQUAL(hide->op[0].original_id, 1);
	CU_ASSERT(text_is(hide->op[0].client_id, "c1"));
	CU_ASSERT_EQUAL(hide->op[0].timestamp, store.host->now);
	host_advance(store.host, 10);
	again = do_change(&store, PAR_CHANGE_HIDE, "bob", "alice", 1);
	CU_ASSERT_EQUAL(again->error, PAR_OK);
	CU_ASSERT_FALSE(again->op[0].applied);
	CU_ASSERT_EQUAL(again->op[0].id, 1);
	CU_ASSERT_EQUAL(again->op[0].timestamp, hide->op[0].timestamp);
	page = ask_messages(&store, "bob", "alice");
	CU_ASSERT_EQUAL_FATAL(page->n, 1);
	CU_ASSERT_EQUAL(page->messages[0].id, 2);
	CU_ASSERT_EQUAL(ask_messages(&store, "alice", "bob")->n, 2);
}
