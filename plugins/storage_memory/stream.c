/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Users' event streams and what their devices have acked. The events kept lie
 * in a ring; those that every device has acked are dropped when a cursor moves.
 */
#include <stdlib.h>
#include <string.h>

#include <parlance/storage_fill.h>

#include "memory.h"

#define RING_START 8

static struct device *device_find(struct user *user, struct par_str name)
{
	struct device *device = user->devices;

	while (device != NULL && !par_str_equal(device->name, name))
		device = device->next;
	return device;
}

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

static void event_push(struct memory *m, struct user *user, const struct par_op_event *from,
		       struct par_str payload)
{
	const struct par_str none = { NULL, 0 };
	struct par_str origin = from->own ? from->origin_device : none;
	struct event *event = malloc(sizeof(*event) + from->type.len + payload.len + origin.len);
	char *at;

	if (event == NULL)
		abort();
	at = event->bytes;
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
	member = chat == NULL ? NULL : chat_member(chat, event->user);
	return member == NULL ? 0 : member->missed;
}

static bool has_other_device(const struct user *user, struct par_str name)
{
	const struct device *device = user->devices;

	while (device != NULL && par_str_equal(device->name, name))
		device = device->next;
	return device != NULL;
}

bool op_event(struct memory *m, struct par_tx *tx, struct par_op *op)
{
	struct par_op_event *event = &op->u.event;
	struct user *user = user_get(m, event->user);
	struct par_str payload;

	if (event->own && !event->always && !has_other_device(user, event->origin_device))
		return true;
	m->writer.len = 0;
	m->writer.comma = false;
	par_event_fill(tx, op, event_missed(m, tx, event), &m->writer);
	if (m->writer.failed) {
		par_json_free(&m->writer);
		return memory_fail(tx, PAR_E_TOO_LARGE, "an event became too large");
	}
	payload = par_json_text(&m->writer);
	event->data = m->api->event_data_new(event->type, payload);
	event_push(m, user, event, payload);
	op->result.seq = user->last_seq;
	op->result.applied = true;
	return true;
}

/* Drops what every device has acked. */
static void user_prune(struct user *user)
{
	const struct device *device = user->devices;
	uint64_t acked = user->last_seq;

	for (; device != NULL; device = device->next)
		acked = cursor_min(acked, device->cursor.acked);
	for (; user->first_seq <= acked; user->first_seq++) {
		free(*event_slot(user, user->first_seq));
		user->head = (user->head + 1) & (user->cap - 1);
	}
}

static void cursor_unmake(struct memory *m, void *arg)
{
	struct device *device = arg;

	(void)m;
	free(device->cursor.above);
}

/* Leaves the old cursor's list alone, so that it can come back. */
static void cursor_remember(struct memory *m, struct device *device)
{
	struct cursor *cursor = &device->cursor;
	size_t len = cursor->n_above * sizeof(*cursor->above);
	uint64_t *above = memory_alloc(len + 1);

	undo_bytes(m, cursor, sizeof(*cursor));
	undo_bytes(m, &device->connected, sizeof(device->connected));
	undo_free_later(m, cursor->above);
	if (len > 0)
		memcpy(above, cursor->above, len);
	cursor->above = above;
	undo_call(m, cursor_unmake, device);
}

bool op_cursor(struct memory *m, struct par_op *op)
{
	const struct par_op_cursor *cursor = &op->u.cursor;
	struct user *user = user_find(m, cursor->user);
	struct device *device = user == NULL ? NULL : device_find(user, cursor->device);

	if (device == NULL)
		return true;
	if (m->undoing)
		cursor_remember(m, device);
	if (!cursor_add(&device->cursor, cursor, user->last_seq))
		abort();
	if (cursor->closed)
		device->connected = false;
	if (!m->undoing)
		user_prune(user);
	op->result.applied = true;
	return true;
}

static struct device *device_new(struct user *user, struct par_str name)
{
	struct device *device = memory_alloc(sizeof(*device) + name.len);
	char *at = device->bytes;

	device->name = memory_copy(&at, name);
	if (user->devices != NULL)
		device->cursor.acked = device->cursor.sent = user->last_seq;
	device->next = user->devices;
	user->devices = device;
	return device;
}

void query_device(struct memory *m, struct par_query *q)
{
	struct user *user = user_get(m, q->user);
	struct device *device = device_find(user, q->device);
	struct par_device_state *state = &q->device_state;
	size_t len;
	void *above;

	if (device == NULL)
		device = device_new(user, q->device);
	else if (device->connected)
		device->cursor.sent = user->last_seq;
	device->connected = true;
	state->acked = device->cursor.acked;
	state->sent = device->cursor.sent;
	state->last_seq = user->last_seq;
	state->n_above = device->cursor.n_above;
	len = state->n_above * sizeof(*state->above);
	if (len == 0)
		return;
	above = m->api->query_alloc(q, len);
	memcpy(above, device->cursor.above, len);
	state->above = above;
}

void query_events(struct memory *m, struct par_query *q)
{
	struct user *user = user_find(m, q->user);
	uint64_t seq, end;
	size_t bytes = 0;

	if (user == NULL || q->after >= user->last_seq)
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
		q->n++;
	}
	q->has_more = seq <= user->last_seq;
}
