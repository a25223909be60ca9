/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A work finds its keys once, when it comes, and points at them from then on: a look
 * through the queue hashes nothing. Keys are kept for the next when they are free.
 *
 * A key of a plugin's documents as a whole is written by all that write one of them, and they
 * do not exclude each other there, but a scan, and who reads many by their keys.
 */
#include "queue_key.h"

#include <string.h>

#define KEY_ROOM 288 /* a dialog's: two names, and what is between them */
#define SPARE_KEYS 8192

static struct key *key_new(struct queue *q, size_t len)
{
	size_t room = len > KEY_ROOM ? len : KEY_ROOM;
	struct key *key = q->spare_keys;

	if (key != NULL && room == KEY_ROOM) {
		q->spare_keys = key->next_spare;
		q->n_spare_keys--;
	} else {
		key = queue_must(malloc(sizeof(*key) + room));
		key->room = room;
	}
	key->refs = key->writers = key->readers = 0;
	key->taken = key->passed_writer = key->passed_reader = 0;
	key->len = len;
	return key;
}

static void key_free(struct queue *q, struct key *key)
{
	if (key->room != KEY_ROOM || q->n_spare_keys == SPARE_KEYS) {
		free(key);
		return;
	}
	key->next_spare = q->spare_keys;
	q->spare_keys = key;
	q->n_spare_keys++;
}

void keys_begin(struct queue *q)
{
	struct key *key = key_new(q, 1);

	/* One that stays: uthash frees its table with the last. */
	key->bytes[0] = '\0';
	HASH_ADD_KEYPTR(hh, q->keys, key->bytes, key->len, key);
}

void keys_end(struct queue *q)
{
	struct key *key, *next_key;

	HASH_ITER(hh, q->keys, key, next_key) {
		HASH_DEL(q->keys, key);
		free(key);
	}
	while ((key = q->spare_keys) != NULL) {
		q->spare_keys = key->next_spare;
		free(key);
	}
}

/* Adds the key of this kind and name (in two parts) to those of the work. */
static void hold(struct queue *q, struct work *work, enum key_kind kind, struct par_str a,
		 struct par_str b)
{
	struct key *key = key_new(q, 1 + a.len + b.len), *found;
	unsigned hash, i;

	key->bytes[0] = (char)kind;
	if (a.len > 0)
		memcpy(key->bytes + 1, a.s, a.len);
	if (b.len > 0)
		memcpy(key->bytes + 1 + a.len, b.s, b.len);
	HASH_VALUE(key->bytes, key->len, hash);
	HASH_FIND_BYHASHVALUE(hh, q->keys, key->bytes, key->len, hash, found);
	if (found == NULL) {
		HASH_ADD_KEYPTR_BYHASHVALUE(hh, q->keys, key->bytes, key->len, hash, key);
	} else {
		key_free(q, key);
		key = found;
	}
	for (i = 0; i < work->n_keys; i++) {
		if (work->keys[i] == key)
			return;
	}
	key->refs++;
	work->keys[work->n_keys++] = key;
}

/* The operations of a transaction are mostly about the same few names. */
static bool is_held(const struct work *work, enum key_kind kind, struct par_str name)
{
	unsigned i;

	for (i = 0; i < work->n_keys; i++) {
		const struct key *key = work->keys[i];
		if (key->len == 1 + name.len && key->bytes[0] == (char)kind &&
		    (name.len == 0 || memcmp(key->bytes + 1, name.s, name.len) == 0))
			return true;
	}
	return false;
}

static void hold_name(struct queue *q, struct work *work, enum key_kind kind, struct par_str name)
{
	static const struct par_str none = { NULL, 0 };

	if (!is_held(work, kind, name))
		hold(q, work, kind, name, none);
}

static void hold_chat(struct queue *q, struct work *work, const struct par_chat *chat)
{
	hold_name(q, work, KEY_CHAT, chat->key);
	hold_name(q, work, KEY_USER, chat->user);
	if (chat->peer.len > 0 && !par_chat_is_group(chat))
		hold_name(q, work, KEY_USER, chat->peer);
}

/* The name of a plugin has no byte 0, so both together are one name. */
static void hold_doc(struct queue *q, struct work *work, struct par_str plugin, struct par_str key)
{
	char name[PAR_ID_MAX + 1];
	struct par_str first = { name, plugin.len + 1 };

	if (plugin.len > PAR_ID_MAX)
		first.len = PAR_ID_MAX + 1;
	memcpy(name, plugin.s, first.len - 1);
	name[first.len - 1] = '\0';
	hold(q, work, KEY_DOC, first, key);
}

/* Of so many that there is no room for each: the plugin's documents as a whole. */
static void hold_docs(struct queue *q, struct work *work, const struct par_query *query)
{
	unsigned i;

	if (query->n_keys > WORK_KEYS) {
		hold_name(q, work, KEY_DOCS, query->plugin);
		return;
	}
	for (i = 0; i < query->n_keys; i++)
		hold_doc(q, work, query->plugin, query->keys[i]);
}

static void reach(struct work *work, unsigned far)
{
	if (work->reach < far)
		work->reach = far;
}

static void hold_event(struct queue *q, struct work *work, const struct par_op_event *event)
{
	if (event->reach == PAR_REACH_USER) {
		hold_name(q, work, KEY_USER, event->user);
		if (event->chat.key.s != NULL)
			hold_chat(q, work, &event->chat);
		return;
	}
	hold_chat(q, work, &event->chat);
	reach(work, event->reach == PAR_REACH_AUTHORS ? REACH_AUTHORS : REACH_ALL);
}

static void hold_op(struct queue *q, struct work *work, const struct par_op *op)
{
	switch (op->kind) {
	case PAR_OP_APPEND:
		if (op->u.append.forward_id != 0)
			hold_chat(q, work, &op->u.append.forward);
		/* fall through */
	case PAR_OP_CHANGE:
	case PAR_OP_MARK:
	case PAR_OP_ROSTER:
		hold_chat(q, work, par_op_chat(op));
		if (op->kind != PAR_OP_MARK && par_chat_is_group(par_op_chat(op)))
			reach(work, REACH_ALL);
		break;
	case PAR_OP_EVENT:
		hold_event(q, work, &op->u.event);
		break;
	case PAR_OP_CURSOR:
		hold_name(q, work, KEY_USER, op->u.cursor.user);
		break;
	case PAR_OP_DOC_PUT:
	case PAR_OP_DOC_DELETE:
		hold_doc(q, work, op->u.doc.plugin, op->u.doc.key);
		hold_name(q, work, KEY_DOCS, op->u.doc.plugin);
		break;
	case PAR_OP_PRUNE:
		work->kind = WORK_PRUNE;
		break;
	}
}

void keys_hold_tx(struct queue *q, struct work *work, const struct par_tx *tx)
{
	unsigned i;

	for (i = 0; i < tx->n_ops; i++)
		hold_op(q, work, &tx->ops[i]);
}

void keys_hold_query(struct queue *q, struct work *work, const struct par_query *query)
{
	switch (query->kind) {
	case PAR_QUERY_DEVICE:
		work->kind = WORK_WRITE;
		/* fall through */
	case PAR_QUERY_EVENTS:
	case PAR_QUERY_CHATS:
	case PAR_QUERY_PEERS:
		hold_name(q, work, KEY_USER, query->user);
		break;
	case PAR_QUERY_MESSAGES:
	case PAR_QUERY_CHAT:
	case PAR_QUERY_MEMBERS:
		hold_name(q, work, KEY_CHAT, query->chat.key);
		break;
	case PAR_QUERY_DOC_GET:
		hold_doc(q, work, query->plugin, query->key);
		break;
	case PAR_QUERY_DOC_SCAN:
		hold_name(q, work, KEY_DOCS, query->plugin);
		break;
	case PAR_QUERY_DOCS:
		hold_docs(q, work, query);
		break;
	}
}

void keys_let_go(struct queue *q, struct work *work)
{
	unsigned i;

	for (i = 0; i < work->n_keys; i++) {
		struct key *key = work->keys[i];
		if (--key->refs > 0)
			continue;
		HASH_DEL(q->keys, key);
		key_free(q, key);
	}
	work->n_keys = 0;
}
