/* SPDX-License-Identifier: BSD-2-Clause */
/* Rules of APPEND. */
#include <string.h>

#include "check.h"

void rule_append_counts_up(void)
{
	struct outcome *a = do_append(&store, "alice", "bob", "c1", "one");
	struct outcome *b = do_append(&store, "bob", "alice", "c2", "two");
	struct outcome *c = do_append(&store, "alice", "carol", "c3", "three");
	struct page *page = ask_messages(&store, "bob", "alice");

	EXPECT_ERROR(a->error, PAR_OK);
	EXPECT(a->op[0].applied);
	EXPECT_EQ(a->op[0].id, 1);
	EXPECT_EQ(a->op[0].timestamp, store.host->now);
	EXPECT_TEXT(a->op[0].client_id, "c1");
	EXPECT_TEXT(a->op[0].reply, NULL);
	EXPECT_EQ(b->op[0].id, 2);
	EXPECT_EQ(c->op[0].id, 1);
	NEED_EQ(page->n, 2);
	EXPECT_EQ(page->messages[0].id, 1);
	EXPECT_STR(page->messages[0].sender, "alice");
	EXPECT_STR(page->messages[0].message, "one");
	EXPECT_STR(page->messages[1].sender, "bob");
	EXPECT_STR(page->messages[1].client_id, "c2");
	EXPECT_EQ(ask_messages(&store, "alice", "bob")->n, 2);
	EXPECT_EQ(ask_messages(&store, "alice", "nobody")->n, 0);
	EXPECT_ERROR(ask_messages(&store, "alice", "nobody")->error, PAR_OK);
}

void rule_append_recognises_a_resend(void)
{
	struct outcome *first = do_append(&store, "alice", "bob", "c1", "one"), *again, *other;
	struct outcome *plain, *plain_again;

	host_advance(store.host, 1000);
	again = do_append(&store, "alice", "bob", "c1", "one");
	EXPECT_ERROR(again->error, PAR_OK);
	EXPECT(!again->op[0].applied);
	EXPECT_EQ(again->op[0].id, first->op[0].id);
	EXPECT_EQ(again->op[0].timestamp, first->op[0].timestamp);
	EXPECT_TEXT(again->op[0].client_id, "c1");

	/* Another's id, or one in another chat, is another message. */
	other = do_append(&store, "bob", "alice", "c1", "one");
	EXPECT(other->op[0].applied);
	EXPECT_EQ(other->op[0].id, 2);
	EXPECT(do_append(&store, "alice", "carol", "c1", "one")->op[0].applied);
	EXPECT(!do_append(&store, "bob", "alice", "c1", "one")->op[0].applied);

	plain = do_append(&store, "alice", "bob", NULL, "same");
	plain_again = do_append(&store, "alice", "bob", NULL, "same");
	EXPECT_EQ(plain_again->op[0].id, plain->op[0].id + 1);
	EXPECT_TEXT(plain->op[0].client_id, NULL);
	EXPECT_EQ(ask_messages(&store, "alice", "bob")->n, 4);
}

void rule_append_refuses_a_reused_client_id(void)
{
	static const unsigned bits[] = { 0, 31, 32, 63 };
	struct outcome *reused;
	unsigned i;

	do_append(&store, "alice", "bob", "c1", "one");
	reused = do_append(&store, "alice", "bob", "c1", "another text");
	EXPECT_ERROR(reused->error, PAR_E_CONFLICT);
	/* each bit of the fingerprint counts */
	for (i = 0; i < sizeof(bits) / sizeof(bits[0]); i++) {
		struct par_tx *tx = store_tx(&store);

		add_append(&store, tx, "alice", "bob", "c1", "one")->u.append.fingerprint ^=
		    UINT64_C(1) << bits[i];
		EXPECT_ERROR(store_run(&store, tx)->error, PAR_E_CONFLICT);
	}
	EXPECT_EQ(ask_messages(&store, "alice", "bob")->n, 1);
	EXPECT_EQ(do_append(&store, "alice", "bob", "c2", "two")->op[0].id, 2);
}

void rule_append_to_oneself(void)
{
	struct outcome *first = do_append(&store, "alice", "alice", "c1", "note");
	struct page *chats = ask_chats(&store, "alice");

	EXPECT_EQ(first->op[0].id, 1);
	EXPECT(!do_append(&store, "alice", "alice", "c1", "note")->op[0].applied);
	NEED_EQ(chats->n, 1);
	EXPECT_STR(chats->chats[0].peer, "alice");
	EXPECT_EQ(chats->chats[0].missed, 0);
	EXPECT_EQ(ask_messages(&store, "alice", "alice")->n, 1);
}

static struct outcome *append_reply(const char *user, const char *peer, const char *client_id,
				    uint64_t to)
{
	struct par_tx *tx = store_tx(&store);

	add_append(&store, tx, user, peer, client_id, "reply")->u.append.reply_to = to;
	return store_run(&store, tx);
}

void rule_append_replies(void)
{
	static const char object[] =
	    "{\"messageId\":1,\"clientMessageId\":\"c\\\"1\",\"sender\":\"alice\","
	    "\"createdAt\":1700000000000,\"message\":\"one\"}";
	static const char erased[] = "{\"messageId\":1,\"clientMessageId\":\"c\\\"1\","
				     "\"sender\":\"alice\",\"createdAt\":1700000000000}";
	struct outcome *reply;
	struct page *page;

	EXPECT_ERROR(append_reply("alice", "bob", "r0", 1)->error, PAR_E_NOT_FOUND);
	EXPECT_EQ(ask_chats(&store, "alice")->n, 0);
	do_append(&store, "alice", "bob", "c\"1", "one");
	reply = append_reply("bob", "alice", "r1", 1);
	EXPECT_ERROR(reply->error, PAR_OK);
	EXPECT_TEXT(reply->op[0].reply, object);
	page = ask_messages(&store, "alice", "bob");
	EXPECT_STR(page->messages[0].reply, NULL);
	EXPECT_STR(page->messages[1].reply, object);

	do_change(&store, PAR_CHANGE_DELETE, "alice", "bob", 1);
	page = ask_messages(&store, "alice", "bob");
	EXPECT_STR(page->messages[1].reply, erased);
	EXPECT_TEXT(append_reply("bob", "alice", "r2", 1)->op[0].reply, erased);
	/* 3 is the service message of the deletion; 4 is r2. */
	EXPECT_ERROR(append_reply("bob", "alice", "r3", 3)->error, PAR_E_NOT_FOUND);
	EXPECT_ERROR(append_reply("bob", "alice", "r3", 5)->error, PAR_E_NOT_FOUND);
	/* A resend is the same message, whatever became of the other. */
	EXPECT_EQ(append_reply("bob", "alice", "r1", 1)->op[0].id, 2);
	EXPECT_EQ(ask_messages(&store, "alice", "bob")->n, 4);
}

void rule_append_keeps_time(void)
{
	uint64_t start = store.host->now;
	struct outcome *late;

	do_append(&store, "alice", "bob", "c1", "one");
	store.host->now = start - 5000;
	late = do_append(&store, "bob", "alice", "c2", "two");
	EXPECT_EQ(late->op[0].timestamp, start);
	EXPECT_EQ(do_mark(&store, PAR_MARK_READ, "alice", "bob", 2)->op[0].timestamp, start);
	EXPECT_EQ(do_append(&store, "alice", "carol", "c1", "x")->op[0].timestamp, start - 5000);
}

void rule_append_keeps_all_fields(void)
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
	NEED_EQ(page->n, 3);
	m = page->messages;
	EXPECT_STR(m[0].type, "new");
	EXPECT_STR(m[0].message, NULL);
	EXPECT_STR(m[0].attachments, "[{\"type\":\"file\"}]");
	EXPECT_STR(m[0].forwarded, "{\"chatId\":\"x\"}");
	EXPECT_STR(m[0].payload, NULL);
	EXPECT_EQ(m[0].created, store.host->now);
	EXPECT_EQ(m[0].updated, 0);
	EXPECT_EQ(m[0].deleted, 0);
	EXPECT_STR(m[1].type, "call");
	EXPECT_STR(m[1].client_id, NULL);
	EXPECT_STR(m[1].payload, "{\"callId\":\"k\"}");
	EXPECT_STR(m[2].message, "");
}

/* `n` bytes that end with a NUL; `pattern` over and over. */
static char *long_text(const char *pattern, size_t n)
{
	size_t len = strlen(pattern), i;
	char *text = arena_alloc(&store.arena, n + 1);

	for (i = 0; i < n; i++)
		text[i] = pattern[i % len];
	text[n] = '\0';
	return text;
}

void rule_append_takes_any_text(void)
{
	const char *text = long_text("\"\\\n\x01'\xf0\x9f\x98\x80 \xd0\x96", 17 * 6000);
	const char *name = long_text("\xd0\x96'\"", 128), *id = long_text("\xe2\x82\xac;", 128);
	struct page *page;

	EXPECT_EQ(do_append(&store, name, "bob", id, text)->op[0].id, 1);
	EXPECT(!do_append(&store, name, "bob", id, text)->op[0].applied);
	page = ask_messages(&store, "bob", name);
	NEED_EQ(page->n, 1);
	EXPECT_STR(page->messages[0].sender, name);
	EXPECT_STR(page->messages[0].client_id, id);
	EXPECT(str_is(page->messages[0].message, text));
	EXPECT_STR(ask_chats(&store, "bob")->chats[0].peer, name);
}

void rule_names_are_bytes(void)
{
	static const char *const names[] = { "x",        "X",         "x ", " x",
					     "\xc3\xa9", "e\xcc\x81", "%_", "x\t" };
	const unsigned n = sizeof(names) / sizeof(names[0]);
	unsigned i;

	for (i = 0; i < n; i++) {
		EXPECT_EQ(do_append(&store, "alice", "bob", names[i], names[i])->op[0].id, i + 1);
		EXPECT_EQ(do_append(&store, names[i], "bob", "c1", "text")->op[0].id, 1);
		EXPECT_EQ(do_event(&store, names[i], "{}")->op[0].seq, 1);
		EXPECT_EQ(ask_device(&store, names[i], "phone")->device.last_seq, 1);
		EXPECT(!do_cursor(&store, "bob", names[i], 0, 0, false)->op[0].applied);
		ask_device(&store, "bob", names[i]);
		do_put(&store, "p", names[i], names[i]);
		do_put(&store, names[i], "k", names[i]);
	}
	EXPECT_EQ(ask_chats(&store, "bob")->n, n + 1);
	for (i = 0; i < n; i++) {
		EXPECT_EQ(ask_chats(&store, names[i])->n, 1);
		EXPECT_EQ(ask_events(&store, names[i], "phone", 0)->n, 1);
		EXPECT_TEXT(ask_doc(&store, "p", names[i]), names[i]);
		EXPECT_TEXT(ask_doc(&store, names[i], "k"), names[i]);
	}
}
