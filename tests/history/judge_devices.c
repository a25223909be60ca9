/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whether each device got what it had to get. What it had to: every event of its
 * user's stream from where the device began, and every message of the user's
 * chats that was stored while the device was on record. Not: what the device
 * did itself; what a resync told it that it missed; what came after it was
 * last said to be caught up.
 */
#include "judge.h"

static const struct spot nowhere;

/* From the beginning of the stream: it is the first device that the user ever had. */
static bool device_is_first(const struct history *h, const struct device *d)
{
	return h->born && d->user->first == d && !d->user->first_unsure;
}

/* It got this seq, so it has to get all that follow. */
static uint64_t device_begin(const struct history *h, const struct device *d)
{
	uint64_t begin = d->n_got == 0 ? UINT64_MAX : d->got[0].event->seq;

	if (device_is_first(h, d))
		return 0;
	if (d->resync_least != 0 && d->resync_least - 1 < begin)
		begin = d->resync_least - 1;
	return begin;
}

static bool device_got(const struct device *d, uint64_t seq)
{
	size_t low = 0, high = d->n_got;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (d->got[middle].event->seq < seq)
			low = middle + 1;
		else
			high = middle;
	}
	return low < d->n_got && d->got[low].event->seq == seq;
}

static bool intent_by(const struct intent *intent, const struct device *d)
{
	const struct request *r = intent->first;

	while (r != NULL && r->device != d)
		r = r->next_of_intent;
	return r != NULL;
}

/* Whether the device may have done itself what the event tells. */
static bool event_is_own(struct history *h, const struct device *d, const struct event *e)
{
	const struct message *m;

	if (e->chat == NULL || e->kind == KIND_OTHER)
		return true;
	if (e->by != NULL && e->by != d->user)
		return false;
	if (e->kind == KIND_NEW || e->kind == KIND_EDIT || e->kind == KIND_CALL) {
		m = model_message(h, e->chat, e->id);
		if (m->sender != NULL && m->sender != d->user)
			return false;
		if (m->intent != NULL && m->intent->first != NULL)
			return intent_by(m->intent, d);
	}
	return model_seat(h, (struct device *)d, e->chat)->acted;
}

static void device_lost(struct history *h, const struct device *d, const struct event *e,
			bool later)
{
	struct spot proof = d->caught_up;
	const char *what = e->kind == KIND_READ    ? "read of "
			   : e->kind == KIND_DLVRD ? "dlvrd of "
			   : e->kind == KIND_HIDE  ? "hiding of "
						   : "";

	if (later)
		proof = d->got[d->n_got - 1].spot;
	fault(h, FAULT_LOST, e->first, proof, nowhere,
	      "%s never received seq %llu (%s%s)%s; another device of its user did",
	      fault_device(d), (unsigned long long)e->seq, what, fault_message(e->chat, e->id),
	      later ? ", but later ones" : "");
}

/* What other devices of the user got. A higher seq proves that a lower one is not still
 * to come. */
static void device_stream(struct history *h, const struct device *d)
{
	uint64_t begin = device_begin(h, d);
	uint64_t last = d->n_got == 0 ? 0 : d->got[d->n_got - 1].event->seq;
	size_t i, at = 0, n = HASH_COUNT(d->user->events);

	for (i = 0; i < n; i++) {
		const struct event *e = d->user->by_seq[i];

		while (at < d->n_got && d->got[at].event->seq < e->seq)
			at++;
		if (e->seq <= begin || e->seq < d->resync_from ||
		    (at < d->n_got && d->got[at].event == e))
			continue;
		if (e->seq > last &&
		    (d->caught_up.line == 0 || !spot_before(e->first, d->caught_up)))
			continue;
		if (!event_is_own(h, d, e))
			device_lost(h, d, e, e->seq < last);
	}
}

/* Where the first request for it was sent; line 0: not known. */
static struct spot message_sent(const struct message *m)
{
	const struct message *original;

	if (m->kind != KIND_DELETE)
		return m->intent != NULL && m->intent->first != NULL ? m->intent->first->sent
								     : nowhere;
	HASH_FIND(hh, m->chat->messages, &m->original, sizeof(m->original), original);
	if (original == NULL || m->chat->deletes_unknown)
		return nowhere;
	return original->delete_asked;
}

/* Whether the message was stored when the device was on record already, and is told to
 * it. A user's own deeds are in his stream only while he has another device. */
static bool message_counts(const struct history *h, const struct message *m, const struct device *d)
{
	struct spot sent = message_sent(m);

	if (device_is_first(h, d) && m->sender != d->user)
		return true;
	if (m->kind == KIND_CALL && m->sender == d->user)
		return false;
	return sent.line > 0 && d->settled.line > 0 && spot_before(d->settled, sent);
}

static bool message_is_own(struct history *h, const struct message *m, const struct device *d)
{
	if (m->sender != d->user)
		return false;
	if (m->kind == KIND_DELETE || m->intent == NULL)
		return model_seat(h, (struct device *)d, m->chat)->acted;
	return intent_by(m->intent, d);
}

/* Whether a resync told the device that it misses this. */
static bool message_resynced(const struct message *m, const struct event *told,
			     const struct device *d)
{
	if (d->resync_from == 0)
		return false;
	if (told != NULL)
		return told->seq < d->resync_from;
	return !spot_before(d->resynced, message_sent(m));
}

/* What no device of the user got; where one did, device_stream() has judged it, but for
 * what lies before the first seq of this one. */
static void device_message(struct history *h, const struct device *d, const struct message *m,
			   unsigned member)
{
	const struct event *told = m->told[member];

	if (d->caught_up.line == 0 || !spot_before(m->known, d->caught_up) ||
	    (told != NULL && (told->seq > device_begin(h, d) || device_got(d, told->seq))))
		return;
	if (!message_counts(h, m, d) || message_is_own(h, m, d) || message_resynced(m, told, d))
		return;
	fault(h, FAULT_LOST,
	      m->intent == NULL || m->intent->first == NULL ? nowhere : m->intent->first->sent,
	      m->known, d->caught_up, "%s never received %s", fault_device(d),
	      fault_message(m->chat, m->id));
}

static void judge_chat(struct history *h, const struct chat *chat)
{
	unsigned members = chat->members[0] == chat->members[1] ? 1 : 2, member;
	const struct device *d;
	size_t i;

	for (i = 0; i < chat->n_messages; i++) {
		const struct message *m = chat->by_id[i];
		if (m->known.line == 0 || m->sender == NULL)
			continue;
		for (member = 0; member < members; member++) {
			for (d = chat->members[member]->devices; d != NULL; d = d->next)
				device_message(h, d, m, member);
		}
	}
}

/* A mark that was answered, on a message that the device had to get as well: by then it must
 * have been told of this mark or a higher one. */
static void device_mark(struct history *h, const struct device *d, const struct message *m,
			const struct request *r)
{
	const struct seat *seat = model_seat(h, (struct device *)d, r->chat);
	bool read = r->kind == KIND_READ;

	if (d->caught_up.line == 0 || !spot_before(r->answered, d->caught_up) ||
	    !message_counts(h, m, d) || (read ? seat->read : seat->dlvrd) >= m->id)
		return;
	if (d->resync_from != 0)
		return; /* it may have been in force already, told before the resync */
	fault(h, FAULT_LOST, r->sent, r->answered, d->caught_up,
	      "%s was never told that %.128s %s %s", fault_device(d), r->device->user->id,
	      read ? "read" : "got", fault_message(r->chat, m->id));
}

static void judge_marks(struct history *h)
{
	const struct request *r;
	const struct device *d;
	const struct message *m;

	for (r = h->requests; r != NULL; r = r->next) {
		struct user *by = r->device->user;
		if ((r->kind != KIND_READ && r->kind != KIND_DLVRD) || r->outcome != OUTCOME_OK)
			continue;
		HASH_FIND(hh, r->chat->messages, &r->id, sizeof(r->id), m);
		if (m == NULL || m->known.line == 0 || m->sender == NULL || m->sender == by)
			continue;
		for (d = m->sender->devices; d != NULL; d = d->next)
			device_mark(h, d, m, r);
	}
}

void judge_devices(struct history *h)
{
	struct chat *chat, *next_chat;
	struct user *user, *next_user;
	const struct device *d;

	HASH_ITER(hh, h->users, user, next_user) {
		for (d = user->devices; d != NULL; d = d->next)
			device_stream(h, d);
	}
	HASH_ITER(hh, h->chats, chat, next_chat) {
		judge_chat(h, chat);
	}
	judge_marks(h);
}
