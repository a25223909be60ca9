/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where the messages come from: each was sent by its sender and not refused, in this
 * order. Messages without a clientMessageId are counted by their content: there may be no
 * more of one content than requests that were not refused.
 */
#include <stdlib.h>
#include <string.h>

#include "content.h"
#include "judge.h"

static const struct spot nowhere;

/* Requests and messages of one sender in one chat with one content, without a
 * clientMessageId. */
struct class_key {
	struct chat *chat;
	struct user *sender;
	uint64_t text, attachments, forwarded;
	uint64_t kind;
};

struct class
{
	UT_hash_handle hh;
	struct class_key key;
	uint64_t granted, messages; /* requests that may have been stored; what is stored */
	struct spot refused; /* one that was refused */
};

static struct class *class_get(struct class **classes, struct chat *chat, struct user *sender,
			       enum kind kind, const struct content *content)
{
	struct class_key key = { .chat = chat,
				 .sender = sender,
				 .text = content->text,
				 .attachments = content->attachments,
				 .forwarded = content->forwarded,
				 .kind = kind };
	struct class *class;

	HASH_FIND(hh, *classes, &key, sizeof(key), class);
	if (class == NULL) {
		class = mem_zalloc(sizeof(*class));
		class->key = key;
		HASH_ADD(hh, *classes, key, sizeof(class->key), class);
	}
	return class;
}

static void classes_free(struct class **classes)
{
	struct class *class, *next;

	HASH_ITER(hh, *classes, class, next) {
		HASH_DEL(*classes, class);
		free(class);
	}
}

/* Edits are in it with and without a clientMessageId: their events do not tell it. */
static void classes_fill(struct history *h, struct class **classes)
{
	const struct request *r;
	struct class *class;

	for (r = h->requests; r != NULL; r = r->next) {
		if (r->kind != KIND_EDIT &&
		    (r->kind != KIND_NEW || r->intent->key.client_id != NULL))
			continue;
		class = class_get(classes, r->chat, r->device->user, r->kind, &r->content);
		if (r->outcome == OUTCOME_REFUSED)
			class->refused = r->sent;
		else
			class->granted++;
	}
}

/* `refused`: one that asked for it and was refused. */
static void origin_fault(struct history *h, const struct message *m, struct spot refused)
{
	if (refused.line > 0)
		fault(h, FAULT_REFUSED_BUT_STORED, refused, m->known, nowhere,
		      "%s is there, though the request for it was refused",
		      fault_message(m->chat, m->id));
	else if (h->born)
		fault(h, FAULT_INVENTED, m->known, nowhere, nowhere,
		      "%s is there, and %.128s never sent it", fault_message(m->chat, m->id),
		      m->sender->id);
}

/* By its clientMessageId: some request for it that was not refused. */
static void origin_named(struct history *h, const struct message *m)
{
	const struct intent *intent = model_find_intent(h, m->chat, m->sender, m->client_id);
	const struct request *r = intent == NULL ? NULL : intent->first;
	struct spot refused = nowhere;

	for (; r != NULL; r = r->next_of_intent) {
		if (r->kind != m->kind ||
		    (m->content_known && !content_equal(&r->content, &m->content)))
			continue;
		if (r->outcome != OUTCOME_REFUSED)
			return;
		refused = r->sent;
	}
	origin_fault(h, m, refused);
}

static void origin_counted(struct history *h, struct class **classes, const struct message *m)
{
	struct class *class = class_get(classes, m->chat, m->sender, m->kind, &m->content);

	if (++class->messages > class->granted)
		origin_fault(h, m, class->refused);
}

static void origin_delete(struct history *h, const struct message *m)
{
	const struct message *original;

	HASH_FIND(hh, m->chat->messages, &m->original, sizeof(m->original), original);
	if (original != NULL && original->delete_asked.line == 0 && !m->chat->deletes_unknown)
		origin_fault(h, m, original->delete_refused);
}

static void judge_origin(struct history *h, struct class **classes, const struct message *m)
{
	if (m->known.line == 0 || m->sender == NULL || m->seen[BY_ANSWER].line > 0)
		return;
	if (m->kind == KIND_DELETE)
		origin_delete(h, m);
	else if (m->kind == KIND_CALL && m->client_id == NULL)
		return; /* its event does not tell its callId */
	else if (m->client_id_known && m->client_id != NULL)
		origin_named(h, m);
	else if (m->content_known)
		origin_counted(h, classes, m);
}

/* Messages that were answered without a clientMessageId take their share of the count
 * first: each belongs to one request. */
static void classes_take_answered(struct history *h, struct class **classes)
{
	const struct request *r;

	for (r = h->requests; r != NULL; r = r->next) {
		if (r->outcome != OUTCOME_OK || r->id == 0)
			continue;
		if (r->kind == KIND_EDIT ||
		    (r->kind == KIND_NEW && r->intent->key.client_id == NULL))
			class_get(classes, r->chat, r->device->user, r->kind, &r->content)
			    ->messages++;
	}
}

/* What one connection sent to one chat, as answered. */
struct turn_key {
	struct conn *conn;
	struct chat *chat;
};

struct turn {
	UT_hash_handle hh;
	struct turn_key key;
	const struct request *last;
};

/* Whether the request took effect when this connection sent it: nothing was sent
 * for the same before, and nothing again before the answer. A delete may be
 * answered with an earlier one. */
static bool request_is_fresh(const struct request *r)
{
	const struct request *again = r->next_of_intent;

	return r->intent != NULL && r->kind != KIND_DELETE && r->outcome == OUTCOME_OK &&
	       r->intent->first == r && (again == NULL || spot_before(r->answered, again->sent));
}

static void judge_order(struct history *h)
{
	struct turn *turns = NULL, *turn, *next;
	const struct request *r;

	for (r = h->requests; r != NULL; r = r->next) {
		struct turn_key key = { r->conn, r->chat };

		if (!request_is_fresh(r))
			continue;
		HASH_FIND(hh, turns, &key, sizeof(key), turn);
		if (turn == NULL) {
			turn = mem_zalloc(sizeof(*turn));
			turn->key = key;
			HASH_ADD(hh, turns, key, sizeof(turn->key), turn);
		} else if (turn->last->id > r->id) {
			fault(h, FAULT_OUT_OF_ORDER, turn->last->sent, r->sent, r->answered,
			      "%s was sent after message %llu on one connection",
			      fault_message(r->chat, r->id), (unsigned long long)turn->last->id);
			continue;
		}
		turn->last = r;
	}
	HASH_ITER(hh, turns, turn, next) {
		HASH_DEL(turns, turn);
		free(turn);
	}
}

void judge_origins(struct history *h)
{
	struct class *classes = NULL;
	struct chat *chat, *next;
	size_t i;

	classes_fill(h, &classes);
	classes_take_answered(h, &classes);
	HASH_ITER(hh, h->chats, chat, next) {
		for (i = 0; i < chat->n_messages; i++)
			judge_origin(h, &classes, chat->by_id[i]);
	}
	classes_free(&classes);
	judge_order(h);
}
