/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Users' event streams. The events kept lie in a ring; they come in at its end
 * and are dropped at its begin, so what is kept never has a hole. device.c says
 * when one may be dropped.
 */
#include <stdlib.h>
#include <string.h>

#include <parlance/storage_fill.h>

#include "memory.h"

#define RING_START 8

static struct event **event_slot(struct user *user, uint64_t seq)
{
	return &user->events[(user->head + (seq - user->first_seq)) & (user->cap - 1)];
}

/* Room for one event more. */
static void ring_grow(struct user *user)
{
	uint64_t n = user->last_seq + 1 - user->first_seq, i;
	struct event **events;
	uint32_t cap;

	if (n < user->cap)
		return;
	cap = user->cap == 0 ? RING_START : user->cap * 2;
	events = memory_alloc(cap * sizeof(*events));
	for (i = 0; i < n; i++)
		events[i] = *event_slot(user, user->first_seq + i);
	free(user->events);
	user->events = events;
	user->cap = cap;
	user->head = 0;
}

static void event_unpush(struct memory *m, void *arg)
{
	struct user *user = arg;

	(void)m;
	free(*event_slot(user, user->last_seq));
	user->last_seq--;
}

/* `own`: he did it himself, on the event's origin_device. */
void event_push(struct memory *m, struct user *user, const struct par_op_event *from, bool own,
		struct par_str payload, uint64_t now)
{
	const struct par_str none = { NULL, 0 };
	struct par_str origin = own ? from->origin_device : none;
	struct event *event = malloc(sizeof(*event) + from->type.len + payload.len + origin.len);
	char *at;

	if (event == NULL)
		abort();
	at = event->bytes;
	event->stored = now;
	event->origin_session = own ? from->origin_session : 0;
	event->type = memory_copy(&at, from->type);
	event->payload = memory_copy(&at, payload);
	event->origin = memory_copy(&at, origin);
	ring_grow(user);
	user->last_seq++;
	*event_slot(user, user->last_seq) = event;
	undo_call(m, event_unpush, user);
}

/* What PAR_HOLE_MISSED stands for: the receiver's count. */
static uint64_t event_missed(struct memory *m, const struct par_tx *tx,
			     const struct par_op_event *event)
{
	const struct par_chat *as = par_event_missed_in(tx, event);
	struct member *member;
	struct chat *chat;

	chat = as == NULL ? NULL : chat_find(m, as->key);
	member = chat_member(chat, event->user);
	return member == NULL ? 0 : member->missed;
}

bool event_fill(struct memory *m, struct par_tx *tx, const struct par_op *op, uint64_t missed,
		struct par_str *payload)
{
	par_json_reset(&m->writer);
	par_event_fill(tx, op, missed, &m->writer);
	*payload = par_json_text(&m->writer);
	if (!m->writer.failed)
		return true;
	par_json_free(&m->writer);
	return memory_fail(tx, PAR_E_TOO_LARGE, "an event became too large");
}

bool op_event(struct memory *m, struct par_tx *tx, struct par_op *op)
{
	struct par_op_event *event = &op->u.event;
	struct par_str payload;
	struct user *user;

	if (event->reach != PAR_REACH_USER)
		return event_reach(m, tx, op);
	if (event->chat.key.s != NULL &&
	    chat_member(chat_find(m, event->chat.key), event->user) == NULL)
		return memory_fail(tx, PAR_E_NOT_FOUND, "there is no such chat");
	user = user_get(m, event->user);
	if (event->own && !event->always && !user_has_other_device(user, event->origin_device))
		return true;
	if (!event_fill(m, tx, op, event_missed(m, tx, event), &payload))
		return false;
	event->data = m->api->event_data_new(event->type, payload);
	event_push(m, user, event, event->own, payload, tx->now);
	op->result.seq = user->last_seq;
	op->result.applied = true;
	return true;
}

void user_drop_first(struct user *user)
{
	free(*event_slot(user, user->first_seq));
	user->first_seq++;
	user->head = (user->head + 1) & (user->cap - 1);
}

const struct event *user_first_event(const struct user *user)
{
	return user->first_seq > user->last_seq ? NULL : user->events[user->head];
}

void query_events(struct memory *m, struct par_query *q)
{
	struct user *user = user_find(m, q->user);
	const struct device *device;
	uint64_t seq, end;
	size_t bytes = 0;

	if (user == NULL)
		return;
	device = device_find(user, q->device);
	q->device_state.last_seq = user->last_seq;
	q->device_state.resync_from =
	    cursor_gap(device == NULL ? 0 : device->cursor.acked, q->after, user->first_seq);
	if (q->after >= user->last_seq)
		return;
	seq = cursor_max(q->after + 1, user->first_seq);
	end = cursor_min(user->last_seq, seq + q->limit - 1);
	if (q->limit > 0 && end >= seq)
		q->events = m->api->query_alloc(q, (end + 1 - seq) * sizeof(*q->events));
	for (; q->events != NULL && seq <= end; seq++) {
		const struct event *event = *event_slot(user, seq);
		struct par_stored_event *row = &q->events[q->n];
		bytes += event->payload.len;
		if (q->n > 0 && bytes > q->max_bytes)
			break;
		row->seq = seq;
		row->data = m->api->event_data_new(event->type, event->payload);
		row->origin = event->origin.s != NULL && par_str_equal(event->origin, q->device);
		row->origin_session = event->origin_session;
		q->n++;
	}
	q->has_more = seq <= user->last_seq;
}
