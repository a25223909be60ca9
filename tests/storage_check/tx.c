/* SPDX-License-Identifier: BSD-2-Clause */
/* Rules of transactions as a whole. */
#include "check.h"

void rule_tx_is_atomic(void)
{
	struct par_tx *tx;
	struct outcome *out;

	do_append(&store, "alice", "bob", "c1", "one");
	tx = store_tx(&store);
	add_event(&store, tx, "bob", "{}");
	add_doc(tx, PAR_OP_DOC_PUT, "p", "k", "v");
	add_append(&store, tx, "alice", "bob", "c2", "two");
	add_append(&store, tx, "alice", "bob", "c1", "reused");
	out = store_run(&store, tx);
	EXPECT_ERROR(out->error, PAR_E_CONFLICT);
	EXPECT(!out->op[0].applied);
	EXPECT_TEXT(out->op[0].payload, NULL);
	EXPECT(!out->op[2].applied);
	EXPECT_EQ(ask_messages(&store, "alice", "bob")->n, 1);
	EXPECT_EQ(ask_events(&store, "bob", "phone", 0)->n, 0);
	EXPECT_TEXT(ask_doc(&store, "p", "k"), NULL);
	EXPECT_EQ(ask_chat(&store, "bob", "alice")->chats[0].missed, 1);
	/* Neither the number nor the client id was used. */
	EXPECT_EQ(do_append(&store, "alice", "bob", "c2", "other two")->op[0].id, 2);
	EXPECT_EQ(do_event(&store, "bob", "{}")->op[0].seq, 1);
}

/* A tx of up to seven changes, refused in the end by an impossible mark. */
static void run_refused(struct par_tx *tx)
{
	add_mark(&store, tx, PAR_MARK_READ, "x", "y", 0);
	EXPECT_ERROR(store_run(&store, tx)->error, PAR_E_NOT_FOUND);
}

void rule_tx_takes_back_everything(void)
{
	struct par_tx *tx;
	struct page *page;
	const struct par_device_state *state;

	ask_device(&store, "bob", "phone");
	do_event(&store, "bob", "{}");
	do_event(&store, "bob", "{}");
	do_append(&store, "alice", "bob", "c1", "one");
	do_append(&store, "alice", "bob", "c2", "two");
	do_append(&store, "alice", "carol", "c1", "later");
	do_put(&store, "p", "old", "v");

	tx = store_tx(&store);
	add_change(&store, tx, PAR_CHANGE_EDIT, "alice", "bob", 1);
	add_change(&store, tx, PAR_CHANGE_DELETE, "alice", "bob", 2);
	add_change(&store, tx, PAR_CHANGE_HIDE, "bob", "alice", 1);
	add_mark(&store, tx, PAR_MARK_READ, "bob", "alice", 1);
	add_append(&store, tx, "bob", "alice", "c3", "three");
	add_append(&store, tx, "bob", "dave", "c1", "new chat");
	run_refused(tx);
	tx = store_tx(&store);
	add_cursor(tx, "bob", "phone", 2, 2)->u.cursor.closed = true;
	add_event(&store, tx, "bob", "{\"n\":3}");
	add_doc(tx, PAR_OP_DOC_DELETE, "p", "old", NULL);
	add_doc(tx, PAR_OP_DOC_PUT, "p", "old", "w");
	add_doc(tx, PAR_OP_DOC_PUT, "p", "new", "v");
	run_refused(tx);

	page = ask_messages(&store, "bob", "alice");
	NEED_EQ(page->n, 2);
	EXPECT_STR(page->messages[0].message, "one");
	EXPECT_EQ(page->messages[0].updated, 0);
	EXPECT_STR(page->messages[1].message, "two");
	EXPECT_EQ(page->messages[1].deleted, 0);
	EXPECT_EQ(page->my_read, 0);
	page = ask_chats(&store, "bob");
	NEED_EQ(page->n, 1);
	EXPECT_EQ(page->chats[0].missed, 2);
	EXPECT_EQ(page->chats[0].first_missed, 1);
	EXPECT_EQ(ask_chats(&store, "dave")->n, 0);
	EXPECT_STR(ask_chats(&store, "alice")->chats[0].peer, "carol");
	EXPECT_EQ(ask_events(&store, "bob", "phone", 0)->n, 2);
	state = &ask_device(&store, "bob", "phone")->device;
	EXPECT_EQ(state->acked, 0);
	EXPECT_EQ(state->sent, 2);
	EXPECT_EQ(state->last_seq, 2);
	EXPECT_TEXT(ask_doc(&store, "p", "old"), "v");
	EXPECT_TEXT(ask_doc(&store, "p", "new"), NULL);
	EXPECT_EQ(do_append(&store, "bob", "dave", "c1", "now")->op[0].id, 1);
}

/* A reply to a message that fills half of what an event may hold, told in an event that needs
 * the other half for itself. */
void rule_tx_event_too_large(void)
{
	const char hole[] = "\",\"replyTo\":@60}", begin[] = "{\"message\":\"";
	const size_t len = PAR_JSON_LIMIT / 2;
	char *half = arena_alloc(&store.arena, len + 1);
	char *payload = arena_alloc(&store.arena, len + sizeof(begin) + sizeof(hole));
	struct outcome *out, *next;
	struct par_tx *tx;

	memset(half, 'x', len);
	half[len] = '\0';
	memcpy(payload, begin, sizeof(begin) - 1);
	memcpy(payload + sizeof(begin) - 1, half, len);
	memcpy(payload + sizeof(begin) - 1 + len, hole, sizeof(hole));
	do_append(&store, "alice", "bob", "c1", half);
	tx = store_tx(&store);
	add_append(&store, tx, "bob", "alice", "c2", "reply")->u.append.reply_to = 1;
	add_event(&store, tx, "carol", "{}");
	add_event(&store, tx, "alice", payload);
	out = store_submit(&store, tx);
	tx = store_tx(&store);
	add_append(&store, tx, "bob", "alice", "c3", "next");
	add_event(&store, tx, "carol", "{\"id\":@00}");
	next = store_submit(&store, tx);
	store_settle(&store);
	EXPECT_ERROR(out->error, PAR_E_TOO_LARGE);
	EXPECT(!out->op[0].applied);
	EXPECT_ERROR(next->error, PAR_OK);
	EXPECT_EQ(next->op[0].id, 2);
	EXPECT_EQ(next->op[1].seq, 1);
	EXPECT_TEXT(next->op[1].payload, "{\"id\":2}");
	EXPECT_EQ(ask_events(&store, "alice", "phone", 0)->n, 0);
	EXPECT_EQ(ask_events(&store, "carol", "phone", 0)->n, 1);
	EXPECT_EQ(ask_chat(&store, "alice", "bob")->chats[0].missed, 1);
}

void rule_tx_when(void)
{
	struct par_tx *tx;
	struct outcome *out;

	do_append(&store, "alice", "bob", "c1", "one");
	tx = store_tx(&store);
	add_append(&store, tx, "alice", "bob", "c1", "one");
	add_event(&store, tx, "bob", "{}")->when = 0;
	add_event(&store, tx, "bob", "{}")->when = 1;
	add_doc(tx, PAR_OP_DOC_PUT, "p", "k", "v");
	out = store_run(&store, tx);
	EXPECT_ERROR(out->error, PAR_OK);
	EXPECT(!out->op[1].applied);
	EXPECT(!out->op[2].applied);
	EXPECT_EQ(out->op[1].seq, 0);
	EXPECT_TEXT(out->op[1].payload, NULL);
	EXPECT(out->op[3].applied);
	EXPECT_EQ(ask_events(&store, "bob", "phone", 0)->n, 0);
}

void rule_tx_sees_its_own(void)
{
	struct par_tx *tx = store_tx(&store);
	struct outcome *out;
	struct page *page;

	ask_device(&store, "bob", "phone");
	add_append(&store, tx, "alice", "bob", "c1", "one");
	add_append(&store, tx, "alice", "bob", "c1", "one");
	add_append(&store, tx, "alice", "bob", "c2", "two")->u.append.reply_to = 1;
	add_mark(&store, tx, PAR_MARK_READ, "bob", "alice", 1);
	add_change(&store, tx, PAR_CHANGE_DELETE, "alice", "bob", 2);
	add_event(&store, tx, "bob", "{\"missed\":@52}");
	add_cursor(tx, "bob", "phone", 1, 1);
	add_append(&store, tx, "alice", "bob", "c4", "four");
	out = store_run(&store, tx);
	EXPECT_ERROR(out->error, PAR_OK);
	EXPECT_EQ(out->op[0].id, 1);
	EXPECT(!out->op[1].applied);
	EXPECT_EQ(out->op[1].id, 1);
	EXPECT_EQ(out->op[2].id, 2);
	EXPECT(out->op[2].reply != NULL);
	EXPECT_EQ(out->op[3].missed, 1);
	EXPECT_EQ(out->op[4].id, 3);
	EXPECT_TEXT(out->op[5].payload, "{\"missed\":0}");
	EXPECT(out->op[6].applied);
	EXPECT_EQ(out->op[7].id, 4);
	EXPECT_EQ(ask_device(&store, "bob", "phone")->device.acked, 1);
	page = ask_chat(&store, "bob", "alice");
	NEED_EQ(page->n, 1);
	EXPECT_EQ(page->chats[0].missed, 1);
}

void rule_tx_of_every_size(void)
{
	struct par_tx *tx = store_tx(&store);
	struct outcome *out = store_run(&store, tx);
	unsigned i;

	EXPECT(out->done);
	EXPECT_ERROR(out->error, PAR_OK);
	tx = store_tx(&store);
	for (i = 0; i < PAR_TX_OPS; i++)
		add_event(&store, tx, "bob", store_format(&store, "%u", i));
	out = store_run(&store, tx);
	EXPECT_ERROR(out->error, PAR_OK);
	for (i = 0; i < PAR_TX_OPS; i++)
		EXPECT_EQ(out->op[i].seq, i + 1);
	EXPECT_EQ(ask_events(&store, "bob", "phone", 0)->n, PAR_TX_OPS);
}
