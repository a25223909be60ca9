/* SPDX-License-Identifier: BSD-2-Clause */
/* What edits, deletes and hides were about, and the order of all things; see judge.h. */
#include <stdlib.h>

#include "content.h"
#include "judge.h"

/* The message that an edit or a delete is about; NULL: it cannot be told. */
static struct message *target_of(struct history *h, const struct request *r)
{
	struct user *me = r->device->user;
	unsigned mine = chat_member(r->chat, me), i;

	if (r->target != 0)
		return model_message(h, r->chat, r->target);
	if (r->target_client_id == NULL)
		return NULL;
	for (i = 0; i < 2; i++) {
		struct user *author = r->chat->members[i == 0 ? mine : 1 - mine];
		struct intent *intent = model_find_intent(h, r->chat, author, r->target_client_id);
		if (intent != NULL)
			return intent->message;
	}
	return NULL;
}

/* The service message that the request became; NULL: not known. */
static struct message *service_message(struct history *h, const struct request *r)
{
	if (r->outcome == OUTCOME_OK && r->id != 0)
		return model_message(h, r->chat, r->id);
	return r->intent->message;
}

static void prepare_hide(struct history *h, const struct request *r)
{
	unsigned member = chat_member(r->chat, r->device->user);
	struct message *target = target_of(h, r);

	if (r->outcome == OUTCOME_REFUSED)
		return;
	if (target == NULL)
		r->chat->hides_unknown[member] = true;
	else
		target->hidden[member] = true;
}

static void prepare_edit(struct history *h, const struct request *r)
{
	struct message *target, *service;

	if (r->outcome == OUTCOME_REFUSED)
		return;
	target = target_of(h, r);
	service = service_message(h, r);
	if (target == NULL)
		r->chat->edits_unknown = true;
	else if (service == NULL)
		target->edits_open = true;
	else if (service->original == 0)
		service->original = target->id;
}

static void prepare_delete(struct history *h, const struct request *r)
{
	struct message *target = target_of(h, r), *service = service_message(h, r);
	struct spot *asked;

	if (target == NULL) {
		r->chat->deletes_unknown |= r->outcome != OUTCOME_REFUSED;
		return;
	}
	asked = r->outcome == OUTCOME_REFUSED ? &target->delete_refused : &target->delete_asked;
	if (asked->line == 0)
		*asked = r->sent;
	if (r->outcome == OUTCOME_OK && service != NULL && service->original == 0)
		service->original = target->id;
}

static void prepare_requests(struct history *h)
{
	const struct request *r;

	for (r = h->requests; r != NULL; r = r->next) {
		if (r->kind == KIND_HIDE)
			prepare_hide(h, r);
		else if (r->kind == KIND_EDIT)
			prepare_edit(h, r);
		else if (r->kind == KIND_DELETE)
			prepare_delete(h, r);
	}
}

/* An edit that was not answered and not told, but stands in the history: what it says
 * is in its request, if all requests of its clientMessageId say the same. */
static void edit_content(struct message *m)
{
	const struct request *r = m->intent == NULL ? NULL : m->intent->first;

	for (; r != NULL && !m->content_known; r = r->next_of_intent) {
		if (r->outcome == OUTCOME_REFUSED || r->kind != KIND_EDIT)
			continue;
		m->content = r->content;
		m->content_known = true;
	}
	for (; r != NULL; r = r->next_of_intent) {
		if (r->outcome != OUTCOME_REFUSED && !content_equal(&m->content, &r->content))
			m->content_known = false;
	}
}

static void prepare_service(struct history *h, struct message *m)
{
	struct message *original;

	if (m->original == 0) {
		m->chat->edits_unknown |= m->kind == KIND_EDIT;
		m->chat->deletes_unknown |= m->kind == KIND_DELETE;
		return;
	}
	original = model_message(h, m->chat, m->original);
	if (m->kind == KIND_EDIT) {
		if (!m->content_known)
			edit_content(m);
		if (!m->content_known)
			original->edits_open = true;
	} else if (original->deleted_by == NULL) {
		original->deleted_by = m;
	} else {
		fault(h, FAULT_DOUBLED, original->deleted_by->known, m->known, (struct spot){ 0 },
		      "%s is deleted twice: by %llu and by %llu",
		      fault_message(m->chat, original->id),
		      (unsigned long long)original->deleted_by->id, (unsigned long long)m->id);
	}
}

static int message_order(const void *a, const void *b)
{
	uint64_t x = (*(struct message *const *)a)->id, y = (*(struct message *const *)b)->id;

	return (x > y) - (x < y);
}

static int event_order(const void *a, const void *b)
{
	uint64_t x = (*(struct event *const *)a)->seq, y = (*(struct event *const *)b)->seq;

	return (x > y) - (x < y);
}

/* Of the same seq the one that came first is first. */
static int got_order(const void *a, const void *b)
{
	const struct got *x = a, *y = b;

	if (x->event->seq != y->event->seq)
		return x->event->seq > y->event->seq ? 1 : -1;
	return (x->spot.line > y->spot.line) - (x->spot.line < y->spot.line);
}

/* Services first: they may bring messages that are only named by them. */
static void prepare_chat(struct history *h, struct chat *chat)
{
	struct message *m, *next;
	size_t i = 0;

	HASH_ITER(hh, chat->messages, m, next) {
		if (m->kind == KIND_EDIT || m->kind == KIND_DELETE)
			prepare_service(h, m);
	}
	chat->n_messages = HASH_COUNT(chat->messages);
	chat->by_id = arena_alloc(&h->arena, (chat->n_messages + 1) * sizeof(*chat->by_id));
	HASH_ITER(hh, chat->messages, m, next) {
		chat->by_id[i++] = m;
	}
	qsort(chat->by_id, chat->n_messages, sizeof(*chat->by_id), message_order);
	for (i = chat->n_messages; i-- > 0;) {
		m = chat->by_id[i];
		if (m->kind == KIND_EDIT && m->original != 0) {
			struct message *original = model_message(h, chat, m->original);
			m->next_edit = original->edits;
			original->edits = m;
		}
	}
}

static void prepare_user(struct history *h, struct user *user)
{
	struct event *e, *next;
	struct device *d;
	size_t i = 0, n = HASH_COUNT(user->events);

	user->by_seq = arena_alloc(&h->arena, (n + 1) * sizeof(*user->by_seq));
	HASH_ITER(hh, user->events, e, next) {
		user->by_seq[i++] = e;
	}
	qsort(user->by_seq, n, sizeof(*user->by_seq), event_order);
	for (d = user->devices; d != NULL; d = d->next) {
		if (d->n_got > 0)
			qsort(d->got, d->n_got, sizeof(*d->got), got_order);
	}
}

void judge_prepare(struct history *h)
{
	struct chat *chat, *next_chat;
	struct user *user, *next_user;

	prepare_requests(h);
	HASH_ITER(hh, h->chats, chat, next_chat) {
		prepare_chat(h, chat);
	}
	HASH_ITER(hh, h->users, user, next_user) {
		prepare_user(h, user);
	}
}
