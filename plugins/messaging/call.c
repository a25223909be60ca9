/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Request `call`: a calling service records a finished call as a message of
 * type "call". What is stored is CallStoredPayload; what is shown is CallPayload,
 * made from it for each reader: `direction` is outgoing for the caller and incoming
 * for everybody else; `status` is received when somebody besides the caller
 * took part, and missed otherwise. Who took part is what `participants` says; where
 * it is left out, a call that lasted was received.
 *
 * In a dialog all who are named must be its members. In a group the caller must be one, which the
 * storage checks; the others may have left it since.
 *
 * The callId does the work of the clientMessageId: the same record sent again
 * is the same message.
 */
#include "messaging.h"

#include <stdio.h>

#define CALL_PARTICIPANTS_MAX 2 /* of a dialog */
#define GROUP_PARTICIPANTS_MAX 1000

struct call {
	struct par_str id;
	struct par_str caller;
	struct par_str type;
	uint64_t duration;
	struct json_object *participants; /* NULL: not said */
};

/* What makes it the same record when it is sent again. */
static const struct print_field call_fields[] = {
	{ "callId", NULL },   { "caller", NULL },       { "participants", NULL },
	{ "callType", NULL }, { "callDuration", NULL }, { NULL, NULL },
};

static bool call_received(const struct call *call)
{
	size_t n, i;

	if (call->participants == NULL)
		return call->duration > 0;
	n = json_object_array_length(call->participants);
	for (i = 0; i < n; i++) {
		struct json_object *who = json_object_array_get_idx(call->participants, i);
		if (!par_str_equal(par_payload_string_of(who), call->caller))
			return true;
	}
	return false;
}

/* The members of CallPayload. */
static void call_write(struct par_json *w, const struct call *call, struct par_str reader)
{
	bool outgoing = par_str_equal(call->caller, reader);

	par_json_member_string(w, "direction", par_str_of(outgoing ? "outgoing" : "incoming"));
	par_json_member_string(w, "status",
			       par_str_of(call_received(call) ? "received" : "missed"));
	par_json_member_string(w, "callType", call->type);
}

static void member_check(struct par_payload *p, const char *key, struct par_str id,
			 struct par_str user, struct par_str peer)
{
	if (!par_str_equal(id, user) && !par_str_equal(id, peer))
		par_payload_refuse(p, PAR_E_BAD_PAYLOAD, key, "must be a member of the chat");
}

static void participants_check(struct par_payload *p, const struct call *call, struct par_str user,
			       struct par_str peer)
{
	bool group = par_id_is_group(peer);
	unsigned max = group ? GROUP_PARTICIPANTS_MAX : CALL_PARTICIPANTS_MAX;
	size_t n = json_object_array_length(call->participants), i;

	if (n > max)
		par_payload_refuse(p, PAR_E_BAD_PAYLOAD, "participants", "must be at most %u", max);
	for (i = 0; i < n && p->error == PAR_OK; i++) {
		struct par_str who = par_payload_id_at(p, "participants", call->participants, i);
		char key[24];

		snprintf(key, sizeof(key), "participants[%u]", (unsigned)i);
		if (who.s != NULL && !group)
			member_check(p, key, who, user, peer);
	}
}

static void call_read(struct par_payload *p, struct call *call, struct par_str user,
		      struct par_str peer)
{
	static const char *const types[] = { "audio", "video", NULL };

	memset(call, 0, sizeof(*call));
	call->id = par_payload_id(p, "callId", PAR_REQUIRED);
	call->caller = par_payload_id(p, "caller", PAR_REQUIRED);
	call->participants = par_payload_field(p, "participants", json_type_array, PAR_OPTIONAL);
	call->type = par_payload_word(p, "callType", types, PAR_REQUIRED);
	par_payload_number(p, "callDuration", 0, PAR_NUMBER_MAX, PAR_REQUIRED, &call->duration);
	if (p->error != PAR_OK)
		return;
	if (!par_id_is_group(peer))
		member_check(p, "caller", call->caller, user, peer);
	if (call->participants != NULL)
		participants_check(p, call, user, peer);
}

static void call_store(struct par_json *w, const struct call *call)
{
	size_t n, i;

	par_json_object_begin(w);
	par_json_member_string(w, "callId", call->id);
	par_json_member_string(w, "caller", call->caller);
	if (call->participants != NULL) {
		par_json_key(w, "participants");
		par_json_array_begin(w);
		n = json_object_array_length(call->participants);
		for (i = 0; i < n; i++) {
			struct json_object *who = json_object_array_get_idx(call->participants, i);
			par_json_string(w, par_payload_string_of(who));
		}
		par_json_array_end(w);
	}
	par_json_member_string(w, "callType", call->type);
	par_json_member_u64(w, "callDuration", call->duration);
	par_json_object_end(w);
}

/* What is stored was written by call_store. */
static void call_parse(struct call *call, struct json_object *stored)
{
	struct par_payload p;

	memset(call, 0, sizeof(*call));
	par_payload_begin(&p, stored);
	call->caller = par_payload_id(&p, "caller", PAR_REQUIRED);
	call->participants = par_payload_field(&p, "participants", json_type_array, PAR_OPTIONAL);
	call->type = par_payload_line(&p, "callType", PAR_ID_MAX, PAR_REQUIRED);
	par_payload_number(&p, "callDuration", 0, PAR_NUMBER_MAX, PAR_REQUIRED, &call->duration);
}

void call_write_stored(struct par_json *w, struct par_str stored, struct par_str reader)
{
	struct json_tokener *tokener = json_tokener_new();
	struct json_object *object;
	struct call call;

	par_json_object_begin(w);
	if (tokener != NULL) {
		object = json_tokener_parse_ex(tokener, stored.s, (int)stored.len);
		call_parse(&call, object);
		call_write(w, &call, reader);
		json_object_put(object);
		json_tokener_free(tokener);
	}
	par_json_object_end(w);
}

static void call_event(struct messaging *m, const struct call *call, struct par_str reader)
{
	struct par_json *w = event_begin(m);

	event_hole(m, "messageId", PAR_HOLE_ID, 0);
	call_write(w, call, reader);
	event_hole(m, "timestamp", PAR_HOLE_TIMESTAMP, 0);
}

/* To all but the caller, and to him, who must be a member. The device that asked has its
 * response, in whosever name it asked. */
static void call_events_group(struct messaging *m, struct par_tx *tx,
			      const struct par_request *request, const struct call *call,
			      const struct par_chat *chat)
{
	struct par_chat callers = *chat;

	callers.user = par_tx_copy(m->api, tx, call->caller);
	call_event(m, call, par_str_of(NULL));
	event_to_group(m, tx, chat, request, "call", PAR_REACH_MEMBERS, 0)->but = callers.user;
	call_event(m, call, callers.user);
	if (par_str_equal(callers.user, chat->user))
		event_to_own(m, tx, chat, request, "call", 0);
	else
		event_to_member(m, tx, &callers, "call", 0);
}

static void call_events(struct messaging *m, struct par_tx *tx, const struct par_request *request,
			const struct call *call, const struct par_chat *chat)
{
	if (par_chat_is_group(chat)) {
		call_events_group(m, tx, request, call, chat);
		return;
	}
	if (!par_chat_is_own(chat)) {
		call_event(m, call, chat->peer);
		event_to_peer(m, tx, chat, "call", 0);
	}
	call_event(m, call, chat->user);
	event_to_own(m, tx, chat, request, "call", 0);
}

static void call_done(void *state, void *arg)
{
	struct messaging *m = state;
	struct par_tx *tx = arg;
	struct par_json *w = messaging_answer(m, tx, m->calls);

	if (w != NULL)
		messaging_answered(m, tx, w);
}

void messaging_call(void *state, const struct par_request *request)
{
	struct messaging *m = state;
	struct par_op_append *append;
	struct par_str peer;
	struct par_payload p;
	struct call call;
	struct par_tx *tx;

	par_payload_begin(&p, request->payload);
	peer = par_payload_id(&p, "chatId", PAR_REQUIRED);
	call_read(&p, &call, request->user, peer);
	if (p.error != PAR_OK) {
		messaging_refuse(m, request, &p);
		return;
	}
	tx = messaging_begin(m, request, call_done);
	append = &par_tx_add(tx, PAR_OP_APPEND)->u.append;
	append->chat = par_chat_in_tx(m->api, tx, request->user, peer);
	append->type = par_str_of("call");
	append->client_id = par_tx_copy(m->api, tx, call.id);
	call_store(&m->scratch, &call);
	append->payload = messaging_keep_scratch(m, tx);
	append->fingerprint = fingerprint("call", request->payload, call_fields);
	call_events(m, tx, request, &call, &append->chat);
	messaging_submit(m, tx);
}
