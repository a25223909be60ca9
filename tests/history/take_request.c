/* SPDX-License-Identifier: BSD-2-Clause */
/* What was asked, and what the answers say; see take.h. */
#include <string.h>

#include "content.h"
#include "fault.h"
#include "take.h"

static enum kind request_kind(struct json_object *message, struct json_object *payload)
{
	static const struct {
		const char *name;
		enum kind kind;
	} kinds[] = {
		{ "new", KIND_NEW },       { "edit", KIND_EDIT }, { "delete", KIND_DELETE },
		{ "call", KIND_CALL },     { "read", KIND_READ }, { "dlvrd", KIND_DLVRD },
		{ "messages", KIND_PAGE },
	};
	size_t i;

	for (i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		if (field_is(message, "payloadType", kinds[i].name))
			break;
	}
	if (i == sizeof(kinds) / sizeof(*kinds))
		return KIND_OTHER;
	if (kinds[i].kind == KIND_DELETE && field_is(payload, "for", "me"))
		return KIND_HIDE;
	return kinds[i].kind;
}

/* What is stored under a messageId of its own. */
static bool kind_appends(enum kind kind)
{
	return kind == KIND_NEW || kind == KIND_EDIT || kind == KIND_DELETE || kind == KIND_CALL;
}

static void request_target(struct history *h, struct request *r, struct json_object *payload)
{
	r->target = field_number(payload, "originalMessageId");
	if (r->target == 0 && r->kind != KIND_EDIT)
		r->target = field_number(payload, "messageId");
	if (r->target == 0)
		r->target_client_id =
		    model_name(h, field_string(payload, "originalClientMessageId"));
}

static void request_intent(struct history *h, struct request *r, struct json_object *payload)
{
	const char *client_id = NULL;
	struct intent *intent;

	if (r->kind == KIND_NEW || r->kind == KIND_EDIT)
		client_id = field_string(payload, "clientMessageId");
	else if (r->kind == KIND_CALL)
		client_id = field_string(payload, "callId");
	intent = model_intent(h, r->chat, r->device->user, model_name(h, client_id));
	r->intent = intent;
	if (intent->first == NULL)
		intent->first = r;
	else
		intent->last->next_of_intent = r;
	intent->last = r;
}

static void request_read(struct history *h, struct request *r, struct json_object *payload)
{
	r->chat = model_chat(h, r->device->user, field_string(payload, "chatId"));
	if (r->chat == NULL) {
		r->kind = KIND_OTHER;
		return;
	}
	if (r->kind == KIND_PAGE) {
		r->target = field_number(payload, "startId");
		r->end = field_number(payload, "endId");
		return;
	}
	model_seat(h, r->device, r->chat)->acted = true;
	r->content = r->kind == KIND_CALL ? content_read_call(payload) : content_read(payload);
	if (r->kind == KIND_EDIT || r->kind == KIND_DELETE || r->kind == KIND_HIDE)
		request_target(h, r, payload);
	if (kind_appends(r->kind))
		request_intent(h, r, payload);
}

struct request *take_request(struct history *h, struct conn *conn, struct json_object *message)
{
	struct json_object *payload = field_get(message, "payload");
	struct request *r = arena_alloc(&h->arena, sizeof(*r));

	memset(r, 0, sizeof(*r));
	r->conn = conn;
	r->device = conn->device;
	r->sent = h->at;
	r->kind = request_kind(message, payload);
	if (r->kind == KIND_OTHER)
		return r;
	request_read(h, r, payload);
	*h->requests_end = r;
	h->requests_end = &r->next;
	return r;
}

/* The request is answered with the message that it stored, now or before. */
static void answer_stored(struct history *h, struct request *r, struct json_object *payload)
{
	struct name *client_id = r->intent->key.client_id;
	const char *echoed = field_string(payload, "clientMessageId");
	struct fact fact = { .source = BY_ANSWER,
			     .kind = r->kind,
			     .sender = r->device->user,
			     .client_id = client_id,
			     .client_id_known = true,
			     .created = field_number(payload, "timestamp"),
			     .original = r->target,
			     .content = r->kind == KIND_DELETE ? NULL : &r->content,
			     .intent = r->intent };

	if (r->kind == KIND_NEW || r->kind == KIND_CALL)
		fact.original = 0;
	if (r->kind == KIND_DELETE) { /* deleted again: the answer is that of the first time */
		fact.client_id = model_name(h, echoed);
		fact.intent = NULL;
	} else if (echoed != NULL && (client_id == NULL || strcmp(echoed, client_id->s) != 0)) {
		fault(h, FAULT_WRONG_ANSWER, r->sent, h->at, (struct spot){ 0 },
		      "%s: the answer names clientMessageId %.128s, the request another or none",
		      fault_device(r->device), echoed);
	}
	if (r->id == 0) {
		fault(h, FAULT_WRONG_ANSWER, r->sent, h->at, (struct spot){ 0 },
		      "%s: the answer has no messageId", fault_device(r->device));
		return;
	}
	model_fact(h, r->chat, r->id, &fact);
}

static bool error_is_open(struct json_object *error)
{
	return field_is(error, "code", "timeout") || field_is(error, "code", "unavailable") ||
	       field_is(error, "code", "internal");
}

void take_answer(struct history *h, struct request *r, struct json_object *response)
{
	struct json_object *error = field_get(response, "error");
	struct json_object *payload = field_get(response, "payload");

	r->answered = h->at;
	if (error != NULL) {
		r->outcome = error_is_open(error) ? OUTCOME_OPEN : OUTCOME_REFUSED;
		return;
	}
	r->outcome = OUTCOME_OK;
	r->id = field_number(payload, "messageId");
	if (r->intent != NULL)
		answer_stored(h, r, payload);
	else if (r->kind == KIND_PAGE)
		take_page(h, r, payload);
}
