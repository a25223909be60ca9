/* SPDX-License-Identifier: BSD-2-Clause */
/* Rules of what is sent again: client_id, fingerprint and `refused` in every operation
 * that has them, and what is known again without them. */
#include "check.h"

#define WHY "a gate said no"

/* alice's change of a message, in the chat with bob. */
static struct par_tx *tx_change(enum par_change_kind kind, uint64_t target, const char *client_id,
				uint64_t fingerprint)
{
	struct par_tx *tx = store_tx(&store);
	struct par_op_change *change =
	    &add_change(&store, tx, kind, "alice", "bob", target)->u.change;

	change->client_id = par_str_of(client_id);
	change->fingerprint = fingerprint;
	add_event(&store, tx, "bob", "{}")->when = 0;
	return tx;
}

static struct outcome *change(enum par_change_kind kind, uint64_t target, const char *client_id,
			      uint64_t fingerprint)
{
	return store_run(&store, tx_change(kind, target, client_id, fingerprint));
}

static struct par_tx *tx_append(const char *client_id, const char *text)
{
	struct par_tx *tx = store_tx(&store);

	add_append(&store, tx, "alice", "bob", client_id, text);
	add_event(&store, tx, "bob", "{}")->when = 0;
	return tx;
}

/* Not applied, and the result of the first time. */
static void expect_first(const struct outcome *again, const struct outcome *first)
{
	EXPECT_ERROR(again->error, PAR_OK);
	EXPECT(!again->op[0].applied);
	EXPECT_EQ(again->op[0].id, first->op[0].id);
	EXPECT_EQ(again->op[0].timestamp, first->op[0].timestamp);
	EXPECT_TEXT(again->op[0].client_id, first->op[0].client_id);
	EXPECT_EQ(again->op[0].original_id, first->op[0].original_id);
	EXPECT_TEXT(again->op[0].original_client_id, first->op[0].original_client_id);
}

/* How much there is: messages of the chat, and events to bob. */
static void expect_stored(unsigned messages, unsigned events)
{
	EXPECT_EQ(ask_messages(&store, "bob", "alice")->n, messages);
	EXPECT_EQ(ask_events(&store, "bob", "phone", 0)->n, events);
}

void rule_again_delete(void)
{
	struct outcome *first;

	do_append(&store, "alice", "bob", "c1", "one");
	do_append(&store, "alice", "bob", "c2", "two");
	first = change(PAR_CHANGE_DELETE, 1, "d1", 7);
	EXPECT(first->op[0].applied);
	EXPECT_EQ(first->op[0].id, 3);
	EXPECT_TEXT(first->op[0].client_id, "d1");
	host_advance(store.host, 10);
	expect_first(change(PAR_CHANGE_DELETE, 1, "d1", 7), first);
	/* with another id, or with none: it was done, and by the first */
	expect_first(change(PAR_CHANGE_DELETE, 1, "d2", 7), first);
	expect_first(change(PAR_CHANGE_DELETE, 1, NULL, 0), first);
	/* which of two is meant is nobody's guess */
	EXPECT_ERROR(change(PAR_CHANGE_DELETE, 2, "d1", 8)->error, PAR_E_CONFLICT);
	EXPECT_ERROR(change(PAR_CHANGE_DELETE, 2, "c2", 8)->error, PAR_E_CONFLICT);
	EXPECT_ERROR(change(PAR_CHANGE_EDIT, 2, "d1", 8)->error, PAR_E_CONFLICT);
	EXPECT_ERROR(store_run(&store, tx_append("d1", "three"))->error, PAR_E_CONFLICT);
	expect_stored(3, 1);
	EXPECT_EQ(change(PAR_CHANGE_DELETE, 2, "d2", 8)->op[0].id, 4);
	EXPECT_STR(ask_messages(&store, "bob", "alice")->messages[3].client_id, "d2");
}

void rule_again_delete_of_hidden(void)
{
	struct outcome *first;

	do_append(&store, "alice", "bob", "c1", "one");
	do_append(&store, "alice", "bob", "c2", "two");
	first = change(PAR_CHANGE_DELETE, 1, NULL, 0);
	change(PAR_CHANGE_HIDE, 1, NULL, 0);
	expect_first(change(PAR_CHANGE_DELETE, 1, NULL, 0), first);
	/* what was hidden without it is not there for the user any more */
	change(PAR_CHANGE_HIDE, 2, NULL, 0);
	EXPECT_ERROR(change(PAR_CHANGE_DELETE, 2, NULL, 0)->error, PAR_E_NOT_FOUND);
}

void rule_again_hide(void)
{
	struct outcome *first;

	do_append(&store, "alice", "bob", "c1", "one");
	do_append(&store, "alice", "bob", "c2", "two");
	first = change(PAR_CHANGE_HIDE, 1, "h1", 7);
	EXPECT(first->op[0].applied);
	EXPECT_TEXT(first->op[0].client_id, "c1");
	host_advance(store.host, 10);
	expect_first(change(PAR_CHANGE_HIDE, 1, "h1", 8), first);
	EXPECT(change(PAR_CHANGE_HIDE, 2, "h1", 7)->op[0].applied);
	EXPECT(store_run(&store, tx_append("h1", "three"))->op[0].applied);
}

void rule_again_refused(void)
{
	struct outcome *sent, *edited;
	struct par_tx *tx;

	sent = store_run(&store, tx_append("c1", "one"));
	edited = change(PAR_CHANGE_EDIT, 1, "e1", 7);
	tx = tx_append("c1", "one");
	tx->ops[0].u.append.refused = WHY;
	expect_first(store_run(&store, tx), sent);
	tx = tx_change(PAR_CHANGE_EDIT, 1, "e1", 7);
	tx->ops[0].u.change.refused = WHY;
	expect_first(store_run(&store, tx), edited);

	tx = tx_append("c1", "another text");
	tx->ops[0].u.append.refused = WHY;
	EXPECT_ERROR(store_run(&store, tx)->error, PAR_E_CONFLICT);
	tx = tx_append("c2", "two");
	tx->ops[0].u.append.refused = WHY;
	EXPECT_ERROR(store_run(&store, tx)->error, PAR_E_FORBIDDEN);
	tx = tx_append(NULL, "two");
	tx->ops[0].u.append.refused = WHY;
	EXPECT_ERROR(store_run(&store, tx)->error, PAR_E_FORBIDDEN);
	tx = tx_append("c2", "two");
	tx->ops[0].u.append.refused = WHY;
	tx->ops[0].u.append.chat = store_chat(&store, "alice", "carol");
	EXPECT_ERROR(store_run(&store, tx)->error, PAR_E_FORBIDDEN);
	tx = tx_change(PAR_CHANGE_EDIT, 1, "e2", 7);
	tx->ops[0].u.change.refused = WHY;
	EXPECT_ERROR(store_run(&store, tx)->error, PAR_E_FORBIDDEN);
	expect_stored(2, 2);
	EXPECT_EQ(ask_chats(&store, "alice")->n, 1);
	EXPECT_EQ(store_run(&store, tx_append("c2", "two"))->op[0].id, 3);
}

/* The ids of a chat's other members, and in other chats, are other ids. */
void rule_again_is_the_senders_own(void)
{
	static const char *const ids[] = { "x", "X", "x ", "\xc3\xa9", "e\xcc\x81" };
	unsigned i;

	for (i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		EXPECT(do_append(&store, "alice", "bob", ids[i], "a")->op[0].applied);
		EXPECT(do_append(&store, "bob", "alice", ids[i], "b")->op[0].applied);
		EXPECT(do_append(&store, "alice", "carol", ids[i], "c")->op[0].applied);
		EXPECT(do_append(&store, "alice", "alice", ids[i], "d")->op[0].applied);
	}
	for (i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		EXPECT_EQ(do_append(&store, "alice", "bob", ids[i], "a")->op[0].id, 2 * i + 1);
		EXPECT_EQ(do_append(&store, "bob", "alice", ids[i], "b")->op[0].id, 2 * i + 2);
		EXPECT_EQ(do_append(&store, "alice", "alice", ids[i], "d")->op[0].id, i + 1);
		EXPECT_ERROR(do_append(&store, "alice", "bob", ids[i], "longer")->error,
			     PAR_E_CONFLICT);
	}
}

void rule_again_within_a_batch(void)
{
	struct outcome *edits[4], *deletes[4];
	unsigned i;

	do_append(&store, "alice", "bob", "c1", "one");
	for (i = 0; i < 4; i++)
		edits[i] =
		    store_submit(&store, tx_change(PAR_CHANGE_EDIT, 1, "e1", i == 2 ? 8 : 7));
	for (i = 0; i < 4; i++)
		deletes[i] =
		    store_submit(&store, tx_change(PAR_CHANGE_DELETE, 1, "d1", i == 2 ? 8 : 7));
	store_settle(&store);
	EXPECT(edits[0]->op[0].applied);
	EXPECT(deletes[0]->op[0].applied);
	for (i = 1; i < 4; i++) {
		if (i == 2) {
			EXPECT_ERROR(edits[i]->error, PAR_E_CONFLICT);
			EXPECT_ERROR(deletes[i]->error, PAR_E_CONFLICT);
		} else {
			expect_first(edits[i], edits[0]);
			expect_first(deletes[i], deletes[0]);
		}
	}
	expect_stored(3, 2);
}

void rule_again_after_a_restart(void)
{
	struct outcome *sent, *edited, *deleted, *hidden;

	sent = store_run(&store, tx_append("c1", "one"));
	do_append(&store, "alice", "bob", "c2", "two");
	edited = change(PAR_CHANGE_EDIT, 1, "e1", UINT64_MAX);
	deleted = change(PAR_CHANGE_DELETE, 1, "d1", UINT64_C(1) << 63);
	hidden = change(PAR_CHANGE_HIDE, 2, NULL, 0);
	store_restart(&store);
	host_advance(store.host, 10);
	expect_first(store_run(&store, tx_append("c1", "one")), sent);
	expect_first(change(PAR_CHANGE_EDIT, 1, "e1", UINT64_MAX), edited);
	expect_first(change(PAR_CHANGE_DELETE, 1, "d1", UINT64_C(1) << 63), deleted);
	expect_first(change(PAR_CHANGE_DELETE, 1, NULL, 0), deleted);
	expect_first(change(PAR_CHANGE_HIDE, 2, NULL, 0), hidden);
	EXPECT_ERROR(change(PAR_CHANGE_EDIT, 1, "e1", 0)->error, PAR_E_CONFLICT);
	EXPECT_ERROR(change(PAR_CHANGE_DELETE, 1, "d1", 0)->error, PAR_E_CONFLICT);
	expect_stored(4, 4);
}
