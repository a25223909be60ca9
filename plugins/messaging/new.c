/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Request `new`: a message into a chat. One transaction stores it and tells all who are
 * in the chat; in a dialog it marks what the other wrote before as read, besides. In a group,
 * where a message would then be a thousand marks, it does not. A message that was stored
 * before (the same clientMessageId) is answered like the first time, and nothing
 * else happens, since all that follows depends on the first operation.
 */
#include "messaging.h"

struct new_message {
	struct par_str peer;
	struct par_str client_id;
	struct content content;
	uint64_t reply_to;
	struct par_str forwarded_chat; /* s NULL: not forwarded */
	uint64_t forwarded_id;
};

enum new_op { NEW_APPEND, NEW_MARK };

static const struct print_field forwarded_fields[] = {
	{ "chatId", NULL },
	{ "messageId", NULL },
	{ NULL, NULL },
};

/* What makes it the same message when it is sent again. */
static const struct print_field new_fields[] = {
	{ "message", NULL }, { "attachments", attachment_fields },
	{ "replyTo", NULL }, { "forwardedFrom", forwarded_fields },
	{ NULL, NULL },
};

static void forwarded_read(struct par_payload *p, struct new_message *new)
{
	struct json_object *from =
	    par_payload_field(p, "forwardedFrom", json_type_object, PAR_OPTIONAL);
	struct json_object *outer;

	if (from == NULL)
		return;
	outer = par_payload_enter(p, from, "forwardedFrom");
	new->forwarded_chat = par_payload_id(p, "chatId", PAR_REQUIRED);
	new->forwarded_id = par_payload_message_id(p, "messageId", PAR_REQUIRED);
	par_payload_leave(p, outer);
}

static void new_read(struct messaging *m, struct par_payload *p, struct new_message *new)
{
	memset(new, 0, sizeof(*new));
	new->peer = par_payload_id(p, "chatId", PAR_REQUIRED);
	new->client_id = par_payload_id(p, "clientMessageId", PAR_OPTIONAL);
	new->reply_to = par_payload_message_id(p, "replyTo", PAR_OPTIONAL);
	forwarded_read(p, new);
	content_read(m, p, &new->content);
}

static void new_append(struct messaging *m, struct par_tx *tx, const struct par_request *request,
		       const struct new_message *new)
{
	struct par_op_append *append = &par_tx_add(tx, PAR_OP_APPEND)->u.append;

	append->chat = par_chat_in_tx(m->api, tx, request->user, new->peer);
	append->type = par_str_of("new");
	append->client_id = par_tx_copy(m->api, tx, new->client_id);
	append->message = par_tx_copy(m->api, tx, new->content.message);
	if (new->content.has_attachments)
		append->attachments = messaging_keep_scratch(m, tx);
	if (new->forwarded_chat.s != NULL) {
		par_json_object_begin(&m->scratch);
		par_json_member_string(&m->scratch, "chatId", new->forwarded_chat);
		par_json_member_u64(&m->scratch, "messageId", new->forwarded_id);
		par_json_object_end(&m->scratch);
		append->forwarded = messaging_keep_scratch(m, tx);
		append->forward = par_chat_in_tx(m->api, tx, request->user, new->forwarded_chat);
		append->forward_id = new->forwarded_id;
	}
	append->reply_to = new->reply_to;
	if (append->client_id.s != NULL)
		append->fingerprint = fingerprint("new", request->payload, new_fields);
}

static void new_events(struct messaging *m, struct par_tx *tx, const struct par_request *request)
{
	const struct par_op_append *append = &tx->ops[NEW_APPEND].u.append;
	struct par_json *w = event_begin(m);

	par_json_member_string(w, "sender", append->chat.user);
	event_hole(m, "messageId", PAR_HOLE_ID, NEW_APPEND);
	messaging_client_id(w, "clientMessageId", append->client_id);
	if (append->message.s != NULL)
		par_json_member_string(w, "message", append->message);
	if (append->attachments.s != NULL)
		par_json_member_raw(w, "attachments", append->attachments);
	if (append->reply_to != 0)
		event_hole(m, "replyTo", PAR_HOLE_REPLY, NEW_APPEND);
	if (append->forwarded.s != NULL)
		par_json_member_raw(w, "forwardedFrom", append->forwarded);
	event_hole(m, "timestamp", PAR_HOLE_TIMESTAMP, NEW_APPEND);
	if (par_chat_is_group(&append->chat)) {
		event_to_group(m, tx, &append->chat, request, "new", PAR_REACH_MEMBERS, NEW_APPEND)
		    ->missed = true;
		return;
	}
	event_hole(m, "missed", PAR_HOLE_MISSED, NEW_APPEND);
	event_to_all(m, tx, &append->chat, request, "new", NEW_APPEND);
}

static void new_done(void *state, void *arg)
{
	struct messaging *m = state;
	struct par_tx *tx = arg;
	struct par_json *w = messaging_answer(m, tx, m->sent);

	if (w == NULL)
		return;
	messaging_client_id(w, "clientMessageId", tx->ops[NEW_APPEND].result.client_id);
	messaging_answered(m, tx, w);
}

void messaging_new(void *state, const struct par_request *request)
{
	struct messaging *m = state;
	struct new_message new;
	struct par_payload p;
	struct par_tx *tx;
	const struct par_chat *chat;

	par_payload_begin(&p, request->payload);
	new_read(m, &p, &new);
	if (p.error != PAR_OK) {
		messaging_refuse(m, request, &p);
		return;
	}
	tx = messaging_begin(m, request, new_done);
	new_append(m, tx, request, &new);
	chat = &tx->ops[NEW_APPEND].u.append.chat;
	if (!par_chat_is_own(chat) && !par_chat_is_group(chat)) {
		struct par_op *op = par_tx_add(tx, PAR_OP_MARK);
		op->when = NEW_APPEND;
		op->u.mark.chat = *chat;
		op->u.mark.kind = PAR_MARK_READ;
		mark_events(m, tx, chat, request, PAR_MARK_READ, NEW_MARK);
	}
	new_events(m, tx, request);
	messaging_submit(m, tx);
}
