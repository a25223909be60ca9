/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Events of groups as templates, <parlance/storage.h>. All who get one see the same, since a
 * group has one id. The devices of who did it are told too, but for the one that asked.
 */
#include "groups.h"

struct par_json *event_begin(struct groups *g, const struct par_chat *chat)
{
	par_json_reset(&g->event);
	g->n_holes = 0;
	par_json_object_begin(&g->event);
	par_json_member_string(&g->event, "chatId", chat->peer);
	par_json_member_string(&g->event, "userId", chat->user);
	return &g->event;
}

void event_hole(struct groups *g, const char *key, enum par_hole_kind kind, unsigned op)
{
	struct par_hole *hole = &g->holes[g->n_holes++];

	par_json_key(&g->event, key);
	g->event.comma = true;
	hole->at = (uint32_t)g->event.len;
	hole->kind = (uint8_t)kind;
	hole->op = (uint8_t)op;
}

void event_end(struct groups *g, struct par_tx *tx, const struct par_request *request,
	       const char *type, enum par_reach reach, unsigned op)
{
	struct par_op *added = par_tx_add(tx, PAR_OP_EVENT);
	struct par_op_event *event = &added->u.event;
	struct par_hole *holes = g->api->tx_alloc(tx, sizeof(g->holes));

	event_hole(g, "timestamp", PAR_HOLE_TIMESTAMP, op);
	par_json_object_end(&g->event);
	memcpy(holes, g->holes, sizeof(g->holes));
	added->when = (int)op;
	event->type = par_str_of(type);
	event->payload = par_tx_copy(g->api, tx, par_json_text(&g->event));
	event->holes = holes;
	event->n_holes = g->n_holes;
	event->reach = reach;
	event->of = op;
	event->chat = tx->ops[op].u.roster.chat;
	event->own = true;
	event->origin_device = par_tx_copy(g->api, tx, request->device);
	event->origin_session = request->session;
}
