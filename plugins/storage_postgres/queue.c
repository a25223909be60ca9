/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A work finds its keys once, when it comes, and points at them from then on: a look
 * through the queue hashes nothing. A key knows how many works that are under way
 * write it, and of which look that is: those of the present look are the batch that is being
 * put together, and no obstacle; and how many read it. And it knows the last look that passed
 * over a work that writes it, or reads it: what comes behind that work must not go
 * before it.
 *
 * A key of a plugin's documents as a whole is written by all that write one of them, and they
 * do not exclude each other there, but a scan. Keys and works are kept for the next when they
 * are free.
 */
#include "queue.h"

#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#define KEY_ROOM 288 /* a dialog's: two names, and what is between them */
#define SPARE_KEYS 8192
#define SPARE_WORKS 4096

enum key_kind { KEY_CHAT = 'c', KEY_USER = 'u', KEY_DOC = 'd', KEY_DOCS = 'p' };

struct key {
	UT_hash_handle hh;
	struct key *next_spare;
	unsigned refs; /* works that point at it */
	unsigned writers, readers; /* works under way */
	uint64_t taken; /* the look that took the last of the writers */
	uint64_t passed_writer, passed_reader; /* the last look that passed over one */
	size_t len, room;
	char bytes[]; /* its kind, then its name */
};

static void *must(void *memory)
{
	if (memory == NULL)
		abort();
	return memory;
}

void queue_free(struct queue *q)
{
	struct key *key, *next_key;
	struct work *work;

	HASH_ITER(hh, q->keys, key, next_key) {
		HASH_DEL(q->keys, key);
		free(key);
	}
	while ((key = q->spare_keys) != NULL) {
		q->spare_keys = key->next_spare;
		free(key);
	}
	while ((work = q->spare) != NULL) {
		q->spare = work->next;
		free(work);
	}
	memset(q, 0, sizeof(*q));
}

static struct key *key_new(struct queue *q, size_t len)
{
	size_t room = len > KEY_ROOM ? len : KEY_ROOM;
	struct key *key = q->spare_keys;

	if (key != NULL && room == KEY_ROOM) {
		q->spare_keys = key->next_spare;
		q->n_spare_keys--;
	} else {
		key = must(malloc(sizeof(*key) + room));
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

void queue_init(struct queue *q)
{
	struct key *key;

	memset(q, 0, sizeof(*q));
	q->last = &q->first;
	/* One that stays: uthash frees its table with the last. */
	key = key_new(q, 1);
	key->bytes[0] = '\0';
	HASH_ADD_KEYPTR(hh, q->keys, key->bytes, key->len, key);
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

static void hold_event(struct queue *q, struct work *work, const struct par_op_event *event)
{
	if (event->reach == PAR_REACH_USER) {
		hold_name(q, work, KEY_USER, event->user);
		return;
	}
	hold_chat(q, work, &event->chat);
	work->wide = work->wide || event->reach != PAR_REACH_AUTHORS;
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
		work->wide =
		    work->wide || (op->kind != PAR_OP_MARK && par_chat_is_group(par_op_chat(op)));
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

static void hold_query(struct queue *q, struct work *work, const struct par_query *query)
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
	}
}

static struct work *work_new(struct queue *q, uint64_t tick)
{
	struct work *work = q->spare;

	if (work != NULL) {
		q->spare = work->next;
		q->n_spare--;
	} else {
		work = must(malloc(sizeof(*work)));
	}
	memset(work, 0, offsetof(struct work, keys));
	work->queued_at = tick;
	return work;
}

static void add(struct queue *q, struct work *work)
{
	*q->last = work;
	q->last = &work->next;
	q->waiting++;
}

void queue_add_tx(struct queue *q, struct par_tx *tx, uint64_t tick)
{
	struct work *work = work_new(q, tick);
	unsigned i;

	work->tx = tx;
	work->kind = WORK_WRITE;
	for (i = 0; i < tx->n_ops; i++)
		hold_op(q, work, &tx->ops[i]);
	add(q, work);
}

void queue_add_query(struct queue *q, struct par_query *query, uint64_t tick)
{
	struct work *work = work_new(q, tick);

	work->query = query;
	work->kind = WORK_READ;
	hold_query(q, work, query);
	add(q, work);
}

static bool shared(const struct key *key)
{
	return key->bytes[0] == KEY_DOCS;
}

static bool writer_before(const struct queue *q, const struct key *key)
{
	return key->passed_writer == q->look || (key->writers > 0 && key->taken != q->look);
}

static bool reader_before(const struct queue *q, const struct key *key)
{
	return key->passed_reader == q->look || key->readers > 0;
}

/* Whether a batch under way, or a work that was passed over, stands before it. */
static bool stands_back(const struct queue *q, const struct work *work)
{
	unsigned i;

	if (work->kind == WORK_PRUNE)
		return q->under_way > 0;
	for (i = 0; i < work->n_keys; i++) {
		const struct key *key = work->keys[i];
		if (work->kind == WORK_READ
			? writer_before(q, key)
			: reader_before(q, key) || (!shared(key) && writer_before(q, key)))
			return true;
	}
	return false;
}

static void pass_over(struct queue *q, struct work *work)
{
	unsigned i;

	q->passed++;
	for (i = 0; i < work->n_keys; i++) {
		if (work->kind == WORK_READ)
			work->keys[i]->passed_reader = q->look;
		else
			work->keys[i]->passed_writer = q->look;
	}
}

/* Its keys are under way from here on. */
static void set_off(struct queue *q, struct work *work)
{
	unsigned i;

	q->under_way++;
	q->pruning = work->kind == WORK_PRUNE;
	for (i = 0; i < work->n_keys; i++) {
		struct key *key = work->keys[i];
		if (work->kind == WORK_READ) {
			key->readers++;
			continue;
		}
		key->writers++;
		key->taken = q->look;
	}
}

/* Takes the work out of the list. */
static struct work *take_out(struct queue *q, struct work **place)
{
	struct work *work = *place;

	*place = work->next;
	if (q->last == &work->next)
		q->last = place;
	work->next = NULL;
	q->waiting--;
	return work;
}

static bool goes_with(const struct work *work, const struct work *first, unsigned wide)
{
	return first == NULL ||
	       (work->kind == first->kind && !work->alone && !(work->wide && wide == QUEUE_WIDE));
}

/* Whether the look may go on. */
static bool looks_on(const struct queue *q, const struct work *first)
{
	return !q->pruning && q->passed < QUEUE_LOOK && (first == NULL || !first->alone);
}

struct work *queue_take(struct queue *q, unsigned max, unsigned *n)
{
	struct work *first = NULL, **end = &first, **place = q->place;
	unsigned wide = 0;

	*n = 0;
	if (place == NULL) {
		place = &q->first;
		q->look++;
		q->passed = 0;
	}
	while (*place != NULL && *n < max && looks_on(q, first)) {
		struct work *work = *place;

		if (goes_with(work, first, wide) && !stands_back(q, work)) {
			set_off(q, work);
			wide += work->wide;
			*end = take_out(q, place);
			end = &work->next;
			++*n;
			continue;
		}
		if (work->kind == WORK_PRUNE)
			break;
		pass_over(q, work);
		place = &work->next;
	}
	q->place = first == NULL ? place : NULL;
	return first;
}

/* Their keys are under way no longer. */
static void come_back(struct queue *q, struct work *works)
{
	struct work *work;
	unsigned i;

	q->place = NULL;
	for (work = works; work != NULL; work = work->next) {
		q->under_way--;
		if (work->kind == WORK_PRUNE)
			q->pruning = false;
		for (i = 0; i < work->n_keys; i++) {
			if (work->kind == WORK_READ)
				work->keys[i]->readers--;
			else
				work->keys[i]->writers--;
		}
	}
}

void queue_return(struct queue *q, struct work *works)
{
	struct work **end = &works;

	if (works == NULL)
		return;
	come_back(q, works);
	for (; *end != NULL; end = &(*end)->next)
		q->waiting++;
	*end = q->first;
	if (q->first == NULL)
		q->last = end;
	q->first = works;
}

static void let_go(struct queue *q, struct work *work)
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

void queue_release(struct queue *q, struct work *works)
{
	struct work *work;

	come_back(q, works);
	for (work = works; work != NULL; work = work->next)
		let_go(q, work);
}

void queue_done(struct queue *q, struct work *work)
{
	if (q->n_spare == SPARE_WORKS) {
		free(work);
		return;
	}
	work->next = q->spare;
	q->spare = work;
	q->n_spare++;
}

static bool has_expired(const struct work *work, uint64_t tick)
{
	return work->queued_at <= tick;
}

static bool writes(const struct work *work, uint64_t tick)
{
	(void)tick;
	return work->kind != WORK_READ;
}

static struct work *take_all(struct queue *q, bool (*which)(const struct work *work, uint64_t tick),
			     uint64_t tick)
{
	struct work *first = NULL, **end = &first, **place = &q->first;

	q->place = NULL;
	while (*place != NULL) {
		if (!which(*place, tick)) {
			place = &(*place)->next;
			continue;
		}
		*end = take_out(q, place);
		let_go(q, *end);
		end = &(*end)->next;
	}
	return first;
}

struct work *queue_expire(struct queue *q, uint64_t tick)
{
	return take_all(q, has_expired, tick);
}

struct work *queue_expire_writes(struct queue *q)
{
	return take_all(q, writes, 0);
}
