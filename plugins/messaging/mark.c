/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Requests `dlvrd` and `read`: cumulative marks. A mark that covers nothing new
 * is answered from the one in force and told to nobody: its events depend on
 * the operation having been applied. In a group those are told who wrote what it is the
 * first to cover, not all: else a message to a thousand would be a million receipts.
 */
#include "messaging.h"

void mark_events(struct messaging *m, struct par_tx *tx, const struct par_chat *chat,
		 const struct par_request *request, enum par_mark_kind kind, unsigned op)
{
	const char *type = kind == PAR_MARK_READ ? "read" : "dlvrd";
	struct par_json *w = event_begin(m);

	par_json_member_string(w, "userId", chat->user);
	event_hole(m, "messageId", PAR_HOLE_ID, op);
	event_hole(m, "clientMessageId", PAR_HOLE_CLIENT_ID, op);
	event_hole(m, "timestamp", PAR_HOLE_TIMESTAMP, op);
	if (par_chat_is_group(chat))
		event_to_group(m, tx, chat, request, type, PAR_REACH_AUTHORS, op);
	else
		event_to_peer(m, tx, chat, type, op);
	if (kind == PAR_MARK_READ)
		event_to_own(m, tx, chat, request, type, op);
}

static void mark_done(void *state, void *arg)
{
	struct messaging *m = state;
	struct par_tx *tx = arg;
	const struct par_op *op = &tx->ops[0];
	struct par_json *w = messaging_answer(m, tx, m->marked);

	if (w == NULL)
		return;
	messaging_client_id(w, "clientMessageId", op->result.client_id);
	if (op->u.mark.kind == PAR_MARK_READ)
		par_json_member_u64(w, "missed", op->result.missed);
	messaging_answered(m, tx, w);
}

static void mark_handle(struct messaging *m, const struct par_request *request,
			enum par_mark_kind kind)
{
	struct par_payload p;
	struct par_str peer;
	uint64_t upto;
	struct par_tx *tx;
	struct par_op_mark *mark;

	par_payload_begin(&p, request->payload);
	peer = par_payload_id(&p, "chatId", PAR_REQUIRED);
	upto = par_payload_message_id(&p, "messageId", PAR_OPTIONAL);
	if (p.error != PAR_OK) {
		messaging_refuse(m, request, &p);
		return;
	}
	tx = messaging_begin(m, request, mark_done);
	mark = &par_tx_add(tx, PAR_OP_MARK)->u.mark;
	mark->chat = par_chat_in_tx(m->api, tx, request->user, peer);
	mark->kind = kind;
	mark->upto = upto;
	mark_events(m, tx, &mark->chat, request, kind, 0);
	messaging_submit(m, tx);
}

void messaging_dlvrd(void *state, const struct par_request *request)
{
	mark_handle(state, request, PAR_MARK_DELIVERED);
}

void messaging_read(void *state, const struct par_request *request)
{
	mark_handle(state, request, PAR_MARK_READ);
}
