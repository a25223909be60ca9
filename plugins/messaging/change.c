/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Requests `edit` and `delete`: a message that is there is changed in place, and a
 * service message of its own id says so. Who may do what is the storage's to
 * check, in the transaction itself. Deleting "for me" hides the message from the
 * user alone: no service message, and only his own devices are told.
 */
#include "messaging.h"

/* What makes it the same change when it is sent again. */
static const struct print_field edit_fields[] = {
	{ "originalMessageId", NULL },
	{ "originalClientMessageId", NULL },
	{ "message", NULL },
	{ "attachments", attachment_fields },
	{ NULL, NULL },
};

static const struct print_field delete_fields[] = {
	{ "originalMessageId", NULL },
	{ "messageId", NULL },
	{ "originalClientMessageId", NULL },
	{ NULL, NULL },
};

/* By the id, or else by the client's id; when both are given the id counts, but
 * each must be well-formed. */
static void target_read(struct par_payload *p, struct par_op_change *change, bool short_name)
{
	change->target_id = par_payload_message_id(p, "originalMessageId", PAR_OPTIONAL);
	if (short_name) {
		uint64_t id = par_payload_message_id(p, "messageId", PAR_OPTIONAL);
		if (change->target_id == 0)
			change->target_id = id;
	}
	change->target_client_id = par_payload_id(p, "originalClientMessageId", PAR_OPTIONAL);
	if (change->target_id == 0 && change->target_client_id.s == NULL)
		par_payload_refuse(p, PAR_E_BAD_PAYLOAD, "originalMessageId",
				   "or originalClientMessageId is missing");
	if (change->target_id != 0)
		change->target_client_id = par_str_of(NULL);
}

/* Adds the operation with its strings copied into the tx. */
static struct par_op_change *change_add(struct messaging *m, struct par_tx *tx,
					const struct par_request *request, struct par_str peer,
					const struct par_op_change *from)
{
	struct par_op_change *change = &par_tx_add(tx, PAR_OP_CHANGE)->u.change;

	*change = *from;
	change->chat = par_chat_in_tx(m->api, tx, request->user, peer);
	change->target_client_id = par_tx_copy(m->api, tx, from->target_client_id);
	change->client_id = par_tx_copy(m->api, tx, from->client_id);
	change->message = par_tx_copy(m->api, tx, from->message);
	return change;
}

static void change_event(struct messaging *m, const struct par_op_change *change)
{
	struct par_json *w = event_begin(m);

	par_json_member_string(w, "sender", change->chat.user);
	event_hole(m, "messageId", PAR_HOLE_ID, 0);
	event_hole(m, "originalMessageId", PAR_HOLE_ORIGINAL_ID, 0);
	event_hole(m, "originalClientMessageId", PAR_HOLE_ORIGINAL_CLIENT_ID, 0);
	if (change->message.s != NULL)
		par_json_member_string(w, "message", change->message);
	if (change->attachments.s != NULL)
		par_json_member_raw(w, "attachments", change->attachments);
	event_hole(m, "timestamp", PAR_HOLE_TIMESTAMP, 0);
}

static void edit_done(void *state, void *arg)
{
	struct messaging *m = state;
	struct par_tx *tx = arg;
	struct par_json *w = messaging_answer(m, tx, m->edited);

	if (w == NULL)
		return;
	messaging_client_id(w, "clientMessageId", tx->ops[0].result.client_id);
	messaging_answered(m, tx, w);
}

void messaging_edit(void *state, const struct par_request *request)
{
	struct messaging *m = state;
	struct par_op_change edit = { .kind = PAR_CHANGE_EDIT }, *change;
	struct content content;
	struct par_str peer;
	struct par_payload p;
	struct par_tx *tx;

	par_payload_begin(&p, request->payload);
	peer = par_payload_id(&p, "chatId", PAR_REQUIRED);
	target_read(&p, &edit, false);
	edit.client_id = par_payload_id(&p, "clientMessageId", PAR_OPTIONAL);
	content_read(m, &p, &content);
	if (p.error != PAR_OK) {
		messaging_refuse(m, request, &p);
		return;
	}
	edit.message = content.message;
	tx = messaging_begin(m, request, edit_done);
	change = change_add(m, tx, request, peer, &edit);
	if (content.has_attachments)
		change->attachments = messaging_keep_scratch(m, tx);
	if (change->client_id.s != NULL)
		change->fingerprint = fingerprint("edit", request->payload, edit_fields);
	change_event(m, change);
	event_to_all(m, tx, &change->chat, request, "edit", 0);
	messaging_submit(m, tx);
}

static void delete_done(void *state, void *arg)
{
	struct messaging *m = state;
	struct par_tx *tx = arg;
	const struct par_op *op = &tx->ops[0];
	struct par_json *w = messaging_answer(m, tx, m->deleted);

	if (w == NULL)
		return;
	/* for me: there is no new message, and that of the original is not asked for */
	if (op->u.change.kind == PAR_CHANGE_DELETE)
		messaging_client_id(w, "clientMessageId", op->result.client_id);
	messaging_answered(m, tx, w);
}

void messaging_delete(void *state, const struct par_request *request)
{
	static const char *const whom[] = { "me", "all", NULL };
	struct messaging *m = state;
	struct par_op_change delete = { .kind = PAR_CHANGE_DELETE }, *change;
	struct par_str peer;
	struct par_payload p;
	struct par_tx *tx;

	par_payload_begin(&p, request->payload);
	peer = par_payload_id(&p, "chatId", PAR_REQUIRED);
	target_read(&p, &delete, true);
	delete.client_id = par_payload_id(&p, "clientMessageId", PAR_OPTIONAL);
	if (par_str_equal(par_payload_word(&p, "for", whom, PAR_OPTIONAL), par_str_of("me"))) {
		delete.kind = PAR_CHANGE_HIDE;
		delete.client_id = par_str_of(NULL); /* no message that could have it */
	}
	if (p.error != PAR_OK) {
		messaging_refuse(m, request, &p);
		return;
	}
	tx = messaging_begin(m, request, delete_done);
	change = change_add(m, tx, request, peer, &delete);
	if (change->client_id.s != NULL)
		change->fingerprint = fingerprint("delete", request->payload, delete_fields);
	change_event(m, change);
	if (change->kind == PAR_CHANGE_DELETE)
		event_to_all(m, tx, &change->chat, request, "delete", 0);
	else
		event_to_own(m, tx, &change->chat, request, "delete", 0);
	messaging_submit(m, tx);
}
