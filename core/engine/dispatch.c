/* SPDX-License-Identifier: BSD-2-Clause */
/* From a slot of the inbox to the one who handles it; see dispatch.h. Core thread. */
#include "engine/dispatch.h"

#include "engine/answer.h"
#include "engine/core_internal.h"
#include "engine/delivery.h"
#include "engine/request.h"
#include "engine/session.h"
#include "engine/stream.h"
#include "plugin/plugin.h"

/* The message's id for an answer; absent where it could not be read. */
static struct par_str dispatch_id(const struct message *message)
{
	struct par_str none = { NULL, 0 };

	return message->has_id ? message_id(message) : none;
}

/* The transport could not make sense of it: docs/protocol.md, Errors. */
static void dispatch_refused(struct core *core, struct session *session, struct message *message)
{
	metric_add(core->count.errors, 1);
	session_send(core, session,
		     answer_error(core->now, dispatch_id(message), message->error, message->path,
				  message->detail));
	session_bad_message(core, session);
	message_free(&message);
}

static void dispatch_client_event(struct core *core, struct session *session,
				  struct message *message)
{
	const struct handler *handler =
	    registry_client_event(&core->registry, message_type(message));
	struct par_client_event view = { .size = sizeof(view),
					 .session = session->id,
					 .id = dispatch_id(message),
					 .now = core->now,
					 .user = user_id(session->user),
					 .device = session_device(session),
					 .payload_type = message_type(message),
					 .payload = message->payload };
	struct par_plugin *outer;

	metric_add(core->count.client_events, 1);
	if (handler == NULL) {
		metric_add(core->count.errors, 1);
		session_send(core, session,
			     answer_error(core->now, view.id, PAR_E_UNKNOWN_PAYLOAD_TYPE,
					  "payloadType", NULL));
	} else {
		outer = call_begin(core, handler->plugin);
		handler->fn.client_event(handler->state, &view);
		call_end(core, outer, "client event", view.payload_type.s);
	}
	message_free(&message);
}

static void dispatch_drained(struct core *core, struct session *session)
{
	session->congested = false;
	stream_continue(core, session);
}

static void dispatch_to_session(struct core *core, struct session *session, const struct in_msg *in)
{
	switch ((enum in_kind)in->kind) {
	case IN_REQUEST:
		request_begin(core, session, in->u.message);
		break;
	case IN_CLIENT_EVENT:
		dispatch_client_event(core, session, in->u.message);
		break;
	case IN_REFUSED:
		dispatch_refused(core, session, in->u.message);
		break;
	case IN_ACK:
		delivery_ack(core, session, in->u.ack_id);
		break;
	case IN_CONGESTED:
		session->congested = true;
		break;
	case IN_DRAINED:
		dispatch_drained(core, session);
		break;
	case IN_HELLO:
	case IN_CLOSED:
		break; /* not here: dispatch_message */
	}
}

/* What a session that is being closed still had on its way. */
static void dispatch_drop(const struct in_msg *in)
{
	struct message *message = in->u.message;

	if (in->kind == IN_REQUEST || in->kind == IN_CLIENT_EVENT || in->kind == IN_REFUSED)
		message_free(&message);
}

void dispatch_message(struct core *core, const struct in_msg *in)
{
	struct session *session;

	if (in->kind == IN_HELLO) {
		session_hello(core, in->conn, in->io, in->u.hello);
		return;
	}
	session = ((struct conn_link *)in->conn)->session;
	if (in->kind == IN_CLOSED)
		session_gone(core, session, in->u.doing);
	else if (session->state == SESSION_OPEN)
		dispatch_to_session(core, session, in);
	else if (session->state == SESSION_CLOSING && in->kind == IN_ACK)
		delivery_ack(core, session, in->u.ack_id); /* what it took it need not get again */
	else
		dispatch_drop(in);
}
