/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Payloads of events as templates, <parlance/storage.h>. In a dialog the same event
 * goes to the other member and to the user's own devices, and differs in its chatId
 * alone. So what follows the chatId, the tail, is written once, and copied behind
 * each receiver's own chatId into the memory of the tx. In a group all have the same
 * chatId: there it is one operation, which the storage carries out for each of them.
 */
#include "messaging.h"

struct par_json *event_begin(struct messaging *m)
{
	par_json_reset(&m->tail);
	m->tail.comma = true; /* it comes behind the chatId */
	m->n_holes = 0;
	return &m->tail;
}

void event_hole(struct messaging *m, const char *key, enum par_hole_kind kind, unsigned op)
{
	struct par_hole *hole = &m->holes[m->n_holes++];

	par_json_key(&m->tail, key);
	m->tail.comma = true;
	hole->at = (uint32_t)m->tail.len;
	hole->kind = (uint8_t)kind;
	hole->op = (uint8_t)op;
}

/* Head, tail and `}` in one piece. */
static struct par_str event_payload(struct messaging *m, struct par_tx *tx, struct par_str chat_id)
{
	struct par_str head, tail = par_json_text(&m->tail), payload;
	char *to;

	par_json_reset(&m->head);
	par_json_object_begin(&m->head);
	par_json_member_string(&m->head, "chatId", chat_id);
	head = par_json_text(&m->head);
	payload.len = head.len + tail.len + 1;
	payload.s = to = m->api->tx_alloc(tx, payload.len);
	memcpy(to, head.s, head.len);
	memcpy(to + head.len, tail.s, tail.len);
	to[payload.len - 1] = '}';
	return payload;
}

static struct par_op_event *event_add(struct messaging *m, struct par_tx *tx, struct par_str user,
				      struct par_str chat_id, const char *type, unsigned when)
{
	struct par_op *op = par_tx_add(tx, PAR_OP_EVENT);
	struct par_op_event *event = &op->u.event;
	struct par_hole *holes = m->api->tx_alloc(tx, sizeof(*holes) * EVENT_HOLES);
	uint32_t shift;
	unsigned i;

	op->when = (int)when;
	event->user = user;
	event->type = par_str_of(type);
	event->payload = event_payload(m, tx, chat_id);
	shift = (uint32_t)m->head.len;
	for (i = 0; i < m->n_holes; i++) {
		holes[i] = m->holes[i];
		holes[i].at += shift;
	}
	event->holes = holes;
	event->n_holes = m->n_holes;
	return event;
}

void event_to_member(struct messaging *m, struct par_tx *tx, const struct par_chat *chat,
		     const char *type, unsigned when)
{
	event_add(m, tx, chat->user, chat->peer, type, when)->chat = *chat;
}

void event_to_peer(struct messaging *m, struct par_tx *tx, const struct par_chat *chat,
		   const char *type, unsigned when)
{
	if (!par_chat_is_own(chat))
		event_add(m, tx, chat->peer, chat->user, type, when);
}

/* As far as the user is among those who get it, he did it himself. */
static void event_by(struct messaging *m, struct par_tx *tx, struct par_op_event *event,
		     const struct par_request *request)
{
	event->own = true;
	event->origin_device = par_tx_copy(m->api, tx, request->device);
	event->origin_session = request->session;
}

void event_to_own(struct messaging *m, struct par_tx *tx, const struct par_chat *chat,
		  const struct par_request *request, const char *type, unsigned when)
{
	event_by(m, tx, event_add(m, tx, chat->user, chat->peer, type, when), request);
}

struct par_op_event *event_to_group(struct messaging *m, struct par_tx *tx,
				    const struct par_chat *chat, const struct par_request *request,
				    const char *type, enum par_reach reach, unsigned when)
{
	struct par_op_event *event = event_add(m, tx, par_str_of(NULL), chat->peer, type, when);

	event_by(m, tx, event, request);
	event->reach = reach;
	event->of = when;
	event->chat = *chat;
	return event;
}

void event_to_all(struct messaging *m, struct par_tx *tx, const struct par_chat *chat,
		  const struct par_request *request, const char *type, unsigned when)
{
	if (par_chat_is_group(chat)) {
		event_to_group(m, tx, chat, request, type, PAR_REACH_MEMBERS, when);
		return;
	}
	event_to_peer(m, tx, chat, type, when);
	event_to_own(m, tx, chat, request, type, when);
}
