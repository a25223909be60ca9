/* SPDX-License-Identifier: BSD-2-Clause */
/* Sessions, from handshake to end; see session.h. Core thread. */
#include "engine/session.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "engine/answer.h"
#include "engine/core_internal.h"
#include "engine/cursor.h"
#include "engine/fetch.h"
#include "engine/outbox.h"
#include "engine/request.h"
#include "engine/stream.h"
#include "plugin/plugin.h"
#include "ws/close_code.h"
#include "ws/utf8.h"

#define BAD_MESSAGE_SPAN_MS 60000
#define DEVICE_DEFAULT "default"

static void session_tell(struct core *core, enum par_hook_kind kind, const struct session *session)
{
	struct par_hook_call call = { .session = session->id,
				      .user = user_id(session->user),
				      .device = session_device(session) };

	hooks_tell(core, kind, &call);
}

static struct session *session_new(struct core *core, struct conn *conn, unsigned io,
				   struct par_str device)
{
	struct session *session;

	if (device.s == NULL)
		device = par_str_of(DEVICE_DEFAULT);
	session = mem_zalloc(offsetof(struct session, device) + device.len);
	memcpy(session->device, device.s, device.len);
	session->device_len = (uint16_t)device.len;
	session->conn = conn;
	session->io = (uint16_t)io;
	session->state = SESSION_AUTH;
	session->stream = STREAM_NEW;
	session->next_event_id = 1;
	LIST_INIT(&session->requests);
	session->id = handles_add(&core->sessions, session);
	((struct conn_link *)conn)->session = session;
	core->n_sessions++;
	return session;
}

static void session_turn_away(struct core *core, struct session *session, unsigned status,
			      const char *code, const char *message)
{
	struct out_msg msg = { .kind = OUT_REFUSE,
			       .code = (uint16_t)status,
			       .conn = session->conn,
			       .frame = answer_http_error(code, message) };

	session->state = SESSION_REFUSED;
	outbox_send(core, session->io, &msg);
}

static void session_authenticate(struct core *core, struct session *session,
				 const struct hello *hello)
{
	struct registry *r = &core->registry;
	struct par_auth_request request = { .size = sizeof(request),
					    .id = session->id,
					    .now = core->now,
					    .token = hello->token,
					    .user = hello->user,
					    .remote = hello->remote };
	struct par_plugin *outer;

	if (r->auth_plugin == NULL) {
		session_turn_away(core, session, 503, "unavailable",
				  "the server has no plugin for authentication");
		return;
	}
	outer = call_begin(core, r->auth_plugin);
	r->auth.authenticate(r->auth_state, &request);
	call_end(core, outer, "authenticate", "");
}

void session_hello(struct core *core, struct conn *conn, unsigned io, struct hello *hello)
{
	struct session *session = session_new(core, conn, io, hello->device);

	if (core->draining)
		session_go_away(core, session);
	else if (!par_id_valid(session_device(session)))
		session_turn_away(core, session, 400, "bad_envelope",
				  "device is 1 to 128 bytes without control characters");
	else
		session_authenticate(core, session, hello);
	hello_free(hello);
}

/* session_policy = replace: docs/protocol.md, Connection, close code 4000. */
static void session_replace_others(struct core *core, struct session *session)
{
	struct session *other;

	if (core->settings->session_policy != SESSION_REPLACE)
		return;
	LIST_FOREACH(other, &session->user->sessions, of_user) {
		if (other != session && other->state == SESSION_OPEN &&
		    par_str_equal(session_device(other), session_device(session)))
			session_close(core, other, WS_CLOSE_REPLACED,
				      "replaced by a newer connection of this device");
	}
}

static bool session_user_valid(struct par_str user)
{
	return par_id_valid(user) && !par_id_is_group(user) && utf8_valid(user.s, user.len);
}

static struct session *session_waiting(struct core *core, par_session_id id)
{
	struct session *session = handles_get(&core->sessions, id);

	return session != NULL && session->state == SESSION_AUTH ? session : NULL;
}

bool session_accept(struct core *core, par_session_id id, struct par_str user)
{
	struct session *session = session_waiting(core, id);
	struct out_msg msg = { .kind = OUT_ACCEPT };

	if (session == NULL)
		return false;
	if (!session_user_valid(user)) {
		session_turn_away(core, session, 401, "forbidden",
				  "the user id must be 1 to 128 bytes of UTF-8 without control "
				  "characters, and not begin with grp_");
		return true;
	}
	if (core->draining) {
		session_go_away(core, session);
		return true;
	}
	msg.conn = session->conn;
	outbox_send(core, session->io, &msg);
	session->state = SESSION_OPEN;
	user_join(core, user, session);
	session_replace_others(core, session);
	metric_add(core->count.sessions, 1);
	log_line(PAR_LOG_DEBUG, "session", session->id, NULL, "opened");
	session_tell(core, PAR_HOOK_SESSION_OPENED, session);
	stream_open(core, session);
	return true;
}

bool session_refuse(struct core *core, par_session_id id, const char *message)
{
	struct session *session = session_waiting(core, id);

	if (session == NULL)
		return false;
	session_turn_away(core, session, 401, "forbidden",
			  message == NULL ? "authentication failed" : message);
	return true;
}

void session_close(struct core *core, struct session *session, unsigned code, const char *reason)
{
	struct out_msg msg = {
		.kind = OUT_CLOSE, .code = (uint16_t)code, .conn = session->conn, .u.reason = reason
	};

	if (session->state != SESSION_OPEN)
		return;
	log_line(PAR_LOG_DEBUG, "session", session->id, NULL, "closing: %u %s", code, reason);
	session->state = SESSION_CLOSING;
	outbox_send(core, session->io, &msg);
}

void session_go_away(struct core *core, struct session *session)
{
	static const char reason[] = "the server is going away; connect again";

	if (session->state == SESSION_AUTH)
		session_turn_away(core, session, 503, "unavailable", reason);
	else
		session_close(core, session, WS_CLOSE_GOING_AWAY, reason);
}

static void session_let_go(struct core *core, struct session *session)
{
	requests_abandon(core, session);
	fetch_forget(core, session);
	cursor_session_gone(core, session);
	session_tell(core, PAR_HOOK_SESSION_CLOSED, session);
	user_leave(core, session);
	metric_add(core->count.sessions, -1);
}

void session_gone(struct core *core, struct session *session, const char *doing)
{
	struct out_msg msg = { .kind = OUT_RELEASE, .conn = session->conn };

	log_line(PAR_LOG_DEBUG, "session", session->id, NULL, "gone while %s", doing);
	session->state = SESSION_CLOSING; /* so that no hook has it told anything */
	if (session->user != NULL)
		session_let_go(core, session);
	handles_remove(&core->sessions, session->id);
	core->n_sessions--;
	outbox_send(core, session->io, &msg);
	window_free(&session->window);
	free(session->resume);
	free(session);
}

void sessions_end(struct core *core)
{
	uint32_t i;

	for (i = 0; i < core->sessions.n; i++) {
		if (core->sessions.slots[i].object != NULL)
			session_gone(core, core->sessions.slots[i].object, "stopping");
	}
}

void session_send(struct core *core, struct session *session, struct out_frame *frame)
{
	struct out_msg msg = { .kind = OUT_SEND, .conn = session->conn, .frame = frame };

	if (session->state == SESSION_OPEN)
		outbox_send(core, session->io, &msg);
	else
		out_frame_unref(frame);
}

void session_bad_message(struct core *core, struct session *session)
{
	metric_add(core->count.bad_messages, 1);
	if (core->now - session->bad_since > BAD_MESSAGE_SPAN_MS) {
		session->bad_since = core->now;
		session->bad_messages = 0;
	}
	if (++session->bad_messages >= core->settings->max_bad_messages)
		session_close(core, session, WS_CLOSE_POLICY, "too many bad messages");
}

struct session *session_find(const struct core *core, par_session_id id)
{
	struct session *session = handles_get(&core->sessions, id);

	return session != NULL && session->state == SESSION_OPEN ? session : NULL;
}
