/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * For those who write a storage: which operations to carry out, whether they may have to be
 * undone, filling the templates that events come as, and the small JSON objects that a
 * storage makes itself. Pure functions on a transaction and its results
 * (<parlance/storage.h>), for any thread.
 */
#ifndef PARLANCE_STORAGE_FILL_H
#define PARLANCE_STORAGE_FILL_H

#include <parlance/storage.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Whether a storage is to carry out operation i, given the earlier results. */
static inline bool par_tx_wants(const struct par_tx *tx, unsigned i)
{
	int when = tx->ops[i].when;

	return when == PAR_WHEN_ALWAYS || tx->ops[when].result.applied;
}

/* Whether an event may become larger than PAR_JSON_LIMIT. But for a reply and for who was
 * changed, what is filled in is small. */
static inline bool par_event_may_burst(const struct par_op_event *event)
{
	unsigned i;

	for (i = 0; i < event->n_holes; i++) {
		if (event->holes[i].kind == PAR_HOLE_REPLY ||
		    event->holes[i].kind == PAR_HOLE_CHANGED)
			return true;
	}
	return event->payload.len > PAR_JSON_LIMIT / 2;
}

/* Who must be a member of the group of an event; NULL: nobody. */
static inline const struct par_str *par_event_member(const struct par_op_event *event)
{
	if (event->reach == PAR_REACH_USER)
		return event->chat.key.s == NULL ? NULL : &event->user;
	return event->reach == PAR_REACH_MEMBERS ? &event->chat.user : NULL;
}

/* Whether an event may be refused since its user is no member of the group. Behind an operation
 * of his that was applied there he is. */
static inline bool par_event_may_be_refused(const struct par_tx *tx, const struct par_op *op)
{
	const struct par_chat *chat, *here = &op->u.event.chat;
	const struct par_str *member = par_event_member(&op->u.event);

	if (member == NULL)
		return false;
	if (op->when == PAR_WHEN_ALWAYS || tx->ops[op->when].kind == PAR_OP_ROSTER)
		return true;
	chat = par_op_chat(&tx->ops[op->when]);
	return chat == NULL || !par_str_equal(chat->key, here->key) ||
	       !par_str_equal(chat->user, *member);
}

/* Whether an operation of the tx may be refused after an earlier one has
 * changed something, which then must be undone. The others of its kinds check
 * first and change afterwards. */
static inline bool par_tx_may_undo(const struct par_tx *tx)
{
	unsigned i;

	for (i = 1; i < tx->n_ops; i++) {
		const struct par_op *op = &tx->ops[i];
		if (op->kind == PAR_OP_APPEND || op->kind == PAR_OP_CHANGE ||
		    (op->kind == PAR_OP_MARK &&
		     (op->when == PAR_WHEN_ALWAYS || par_chat_is_group(&op->u.mark.chat))) ||
		    op->kind == PAR_OP_ROSTER ||
		    ((op->kind == PAR_OP_DOC_PUT || op->kind == PAR_OP_DOC_DELETE) &&
		     op->u.doc.expects) ||
		    (op->kind == PAR_OP_EVENT &&
		     (par_event_may_burst(&op->u.event) || par_event_may_be_refused(tx, op))))
			return true;
	}
	return false;
}

/* The chat in which an event's PAR_HOLE_MISSED counts for its receiver; NULL: it has no such hole. */
static inline const struct par_chat *par_event_missed_in(const struct par_tx *tx,
							 const struct par_op_event *event)
{
	unsigned i;

	for (i = 0; i < event->n_holes; i++) {
		if (event->holes[i].kind == PAR_HOLE_MISSED)
			return par_op_chat(&tx->ops[event->holes[i].op]);
	}
	return NULL;
}

/* A string that may be absent into its hole. When it is, the key that was written
 * already is taken back, up to and with the comma before it. */
static inline void par_event_optional(struct par_json *out, struct par_str id)
{
	if (id.s != NULL) {
		par_json_string(out, id);
		return;
	}
	while (!out->failed && out->len > 0) {
		out->len--;
		if (out->block[out->head + out->len] == ',')
			return;
	}
}

static inline void par_event_changed(struct par_json *out, const struct par_op_roster *roster)
{
	unsigned i;

	par_json_array_begin(out);
	for (i = 0; i < roster->n_changed; i++)
		par_json_string(out, roster->changed[i]);
	par_json_array_end(out);
}

/* The payload of one receiver, out of the one that all share: with `missed` at its end. */
static inline void par_event_fill_missed(struct par_str shared, uint64_t missed,
					 struct par_json *out)
{
	par_json_bytes(out, shared.s, shared.len - 1);
	par_json_bytes(out, ",\"missed\":", 10);
	out->comma = false;
	par_json_u64(out, missed);
	par_json_bytes(out, "}", 1);
}

/* Writes the payload of an EVENT operation with its holes filled. `missed` is
 * the receiving user's count for PAR_HOLE_MISSED. */
static inline void par_event_fill(const struct par_tx *tx, const struct par_op *op, uint64_t missed,
				  struct par_json *out)
{
	const struct par_op_event *event = &op->u.event;
	size_t done = 0;
	unsigned i;

	for (i = 0; i < event->n_holes; i++) {
		const struct par_hole *hole = &event->holes[i];
		const struct par_op_result *r = &tx->ops[hole->op].result;

		par_json_bytes(out, event->payload.s + done, hole->at - done);
		done = hole->at;
		out->comma = false;
		switch ((enum par_hole_kind)hole->kind) {
		case PAR_HOLE_ID:
			par_json_u64(out, r->id);
			break;
		case PAR_HOLE_CLIENT_ID:
			par_event_optional(out, r->client_id);
			break;
		case PAR_HOLE_ORIGINAL_ID:
			par_json_u64(out, r->original_id);
			break;
		case PAR_HOLE_ORIGINAL_CLIENT_ID:
			par_event_optional(out, r->original_client_id);
			break;
		case PAR_HOLE_TIMESTAMP:
			par_json_u64(out, r->timestamp);
			break;
		case PAR_HOLE_MISSED:
			par_json_u64(out, missed);
			break;
		case PAR_HOLE_REPLY:
			par_json_raw(out, r->reply);
			break;
		case PAR_HOLE_NAME:
			par_json_string(out, tx->ops[hole->op].u.roster.new_name);
			break;
		case PAR_HOLE_COUNT:
			par_json_u64(out, tx->ops[hole->op].u.roster.members);
			break;
		case PAR_HOLE_CHANGED:
			par_event_changed(out, &tx->ops[hole->op].u.roster);
			break;
		case PAR_HOLE_OWNER:
			par_event_optional(out, tx->ops[hole->op].u.roster.owner);
			break;
		}
	}
	par_json_bytes(out, event->payload.s + done, event->payload.len - done);
}

/* The object of PAR_HOLE_REPLY: a few words on the message replied to. */
static inline void par_reply_fill(const struct par_stored_message *to, struct par_json *out)
{
	par_json_object_begin(out);
	par_json_member_u64(out, "messageId", to->id);
	if (to->client_id.s != NULL)
		par_json_member_string(out, "clientMessageId", to->client_id);
	par_json_member_string(out, "sender", to->sender);
	par_json_member_u64(out, "createdAt", to->created);
	if (to->message.s != NULL && to->deleted == 0)
		par_json_member_string(out, "message", to->message);
	par_json_object_end(out);
}

/* The payload of a service message: EditPayload, DeletionPayload. */
static inline void par_service_fill(uint64_t original_id, struct par_str original_client_id,
				    struct par_json *out)
{
	par_json_object_begin(out);
	par_json_member_u64(out, "originalMessageId", original_id);
	if (original_client_id.s != NULL)
		par_json_member_string(out, "originalClientMessageId", original_client_id);
	par_json_object_end(out);
}

#ifdef __cplusplus
}
#endif

#endif
