/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The operations of a step behind the one on the document: the message of a call that ends, and
 * the events, docs/protocol.md, Calls. In a dialog each of the two gets an event of his own;
 * in a group all get one together, but for the caller, who made an outgoing call where the
 * others had an incoming one. Where he who acts, or the caller, is no longer in the group, it is
 * done in the name of one who is; the caller is told nothing then, as of all else there.
 */
#include <string.h>

#include "record.h"
#include "step.h"

#define HOLES 2

struct tell {
	struct step *step;
	struct par_tx *tx;
	const struct par_api *api;
	struct par_json *w;
	struct par_hole holes[HOLES];
	unsigned n_holes;
};

/* Writes the members of a payload, but for chatId, as `reader` sees it. */
typedef void (*tell_fn)(struct tell *t, bool caller);

/* What the scratch writer holds; then it is empty. */
static struct par_str take(struct tell *t)
{
	struct par_str text = par_tx_copy(t->api, t->tx, par_json_text(t->w));

	t->w->len = 0;
	t->w->comma = false;
	return text;
}

static void hole(struct tell *t, const char *key, enum par_hole_kind kind)
{
	struct par_hole *at = &t->holes[t->n_holes++];

	par_json_key(t->w, key);
	t->w->comma = true;
	at->at = (uint32_t)t->w->len;
	at->kind = (uint8_t)kind;
	at->op = TELL_MESSAGE;
}

static void word(struct tell *t, const char *key)
{
	par_json_member_string(t->w, key, record_word(t->step->doc, key));
}

static void write_new(struct tell *t, bool caller)
{
	(void)caller;
	word(t, "callId");
	word(t, "caller");
	word(t, "callType");
	par_json_member_u64(t->w, "createdAt", record_number(t->step->doc, "createdAt"));
}

static void write_who(struct tell *t, bool caller)
{
	(void)caller;
	word(t, "callId");
	par_json_member_string(t->w, "userId", t->step->who);
}

static void write_how(struct tell *t, bool caller)
{
	bool received = record_number(t->step->doc, "joinedAt") != 0;

	par_json_member_string(t->w, "direction", par_str_of(caller ? "outgoing" : "incoming"));
	par_json_member_string(t->w, "status", par_str_of(received ? "received" : "missed"));
	word(t, "callType");
}

static void write_close(struct tell *t, bool caller)
{
	word(t, "callId");
	write_how(t, caller);
	par_json_member_u64(t->w, "callDuration", t->step->duration);
	hole(t, "messageId", PAR_HOLE_ID);
}

static void write_call(struct tell *t, bool caller)
{
	hole(t, "messageId", PAR_HOLE_ID);
	write_how(t, caller);
	hole(t, "timestamp", PAR_HOLE_TIMESTAMP);
}

/* An event whose receivers are still to be said. */
static struct par_op_event *event_add(struct tell *t, const char *type, tell_fn write, bool caller,
				      struct par_str chat_id)
{
	struct par_op_event *event = &par_tx_add(t->tx, PAR_OP_EVENT)->u.event;
	struct par_hole *holes = t->api->tx_alloc(t->tx, sizeof(t->holes));

	t->n_holes = 0;
	par_json_object_begin(t->w);
	par_json_member_string(t->w, "chatId", chat_id);
	write(t, caller);
	par_json_object_end(t->w);
	memcpy(holes, t->holes, sizeof(t->holes));
	event->type = par_str_of(type);
	event->payload = take(t);
	event->holes = holes;
	event->n_holes = t->n_holes;
	return event;
}

static void event_origin(const struct tell *t, struct par_op_event *event)
{
	event->own = true;
	event->origin_device = par_tx_copy(t->api, t->tx, t->step->device);
	event->origin_session = t->step->session;
}

/* Whether who acts did what is told, on the device that asked, and has it in the answer. Who leaves as
 * the last one did not ask for the end of the call: he is told it as the others are. */
static bool is_own(const struct tell *t, struct par_str user)
{
	return t->step->request != 0 && par_str_equal(user, t->step->chat.user) &&
	       !(t->step->kind == STEP_LEAVE && t->step->way == WAY_CLOSE);
}

static void tell_user(struct tell *t, const char *type, tell_fn write, struct par_str user)
{
	bool caller = par_str_equal(user, record_word(t->step->doc, "caller"));
	struct par_op_event *event =
	    event_add(t, type, write, caller, record_chat_id(t->step->doc, user));

	event->user = par_tx_copy(t->api, t->tx, user);
	if (is_own(t, user))
		event_origin(t, event);
}

static void tell_group(struct tell *t, const char *type, tell_fn write, struct par_str but)
{
	struct par_op_event *event = event_add(t, type, write, false, t->step->chat.key);
	struct par_str teller = roster_teller(t->step);

	event->reach = PAR_REACH_MEMBERS;
	event->chat = par_chat_in_tx(t->api, t->tx, teller, t->step->chat.key);
	if (but.s != NULL)
		event->but = par_tx_copy(t->api, t->tx, but);
	if (is_own(t, teller))
		event_origin(t, event);
	else
		event->origin_device = par_str_of(""); /* none of his did it */
}

/* What all are told alike. */
static void tell_all(struct tell *t, const char *type, tell_fn write)
{
	struct par_str nobody = { NULL, 0 };

	if (par_chat_is_group(&t->step->chat)) {
		tell_group(t, type, write, nobody);
		return;
	}
	tell_user(t, type, write, t->step->chat.peer);
	tell_user(t, type, write, t->step->chat.user);
}

/* What the caller is told otherwise than the others. */
static void tell_both(struct tell *t, const char *type, tell_fn write)
{
	struct par_str caller = record_word(t->step->doc, "caller"), nobody = { NULL, 0 };

	if (!roster_has(t->step, caller)) {
		tell_group(t, type, write, nobody);
		return;
	}
	tell_user(t, type, write, caller);
	if (par_chat_is_group(&t->step->chat))
		tell_group(t, type, write, caller);
	else
		tell_user(t, type, write, record_chat_id(t->step->doc, caller));
}

/* CallStoredPayload, and when the call began: look.c wants to know that. */
static void write_stored(struct tell *t)
{
	par_json_object_begin(t->w);
	word(t, "callId");
	word(t, "caller");
	par_json_key(t->w, "participants");
	par_json_raw(t->w, record_text(json_object_object_get(t->step->doc, "took")));
	word(t, "callType");
	par_json_member_u64(t->w, "callDuration", t->step->duration);
	par_json_member_u64(t->w, "createdAt", record_number(t->step->doc, "createdAt"));
	par_json_object_end(t->w);
}

/* In another's name it gets no client id: those are his own to give. */
static void tell_message(struct tell *t)
{
	struct par_op_append *append = &par_tx_add(t->tx, PAR_OP_APPEND)->u.append;
	struct par_str caller = record_word(t->step->doc, "caller");
	bool callers = roster_has(t->step, caller);

	append->chat = par_chat_in_tx(t->api, t->tx, callers ? caller : roster_teller(t->step),
				      record_chat_id(t->step->doc, caller));
	append->type = par_str_of("call");
	if (callers && !t->step->nameless)
		append->client_id = par_tx_copy(t->api, t->tx, record_word(t->step->doc, "callId"));
	append->fingerprint = record_number(t->step->doc, "createdAt");
	write_stored(t);
	append->payload = take(t);
}

void step_tell(struct step *step, struct par_tx *tx)
{
	struct tell t = {
		.step = step, .tx = tx, .api = step->calls->api, .w = &step->calls->scratch
	};

	if (step->way == WAY_CLOSE) {
		tell_message(&t);
		tell_both(&t, "closeCall", write_close);
		tell_both(&t, "call", write_call);
	} else if (step->kind == STEP_NEW) {
		tell_all(&t, "newCall", write_new);
	} else if (step->kind == STEP_JOIN) {
		tell_all(&t, "joinCall", write_who);
	} else if (step->kind == STEP_LEAVE || step->kind == STEP_GONE ||
		   step->kind == STEP_ROSTER) {
		tell_all(&t, "leaveCall", write_who);
	}
}
