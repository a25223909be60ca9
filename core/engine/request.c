/* SPDX-License-Identifier: BSD-2-Clause */
/* Requests in flight and their completion; see request.h. Core thread. */
#include "engine/request.h"

#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "engine/answer.h"
#include "engine/core_internal.h"
#include "engine/outbox.h"
#include "engine/session.h"
#include "engine/stream.h"
#include "plugin/plugin.h"

/* FNV-1a, to compare the ids in flight of one session quickly. */
static uint32_t id_hash(struct par_str id)
{
	uint32_t hash = 2166136261u;
	size_t i;

	for (i = 0; i < id.len; i++)
		hash = (hash ^ (unsigned char)id.s[i]) * 16777619u;
	return hash;
}

static bool request_is_duplicate(const struct session *session, struct par_str id, uint32_t hash)
{
	const struct request *r;

	LIST_FOREACH(r, &session->requests, of_session) {
		if (r->id_hash == hash && par_str_equal(message_id(r->message), id))
			return true;
	}
	return false;
}

static void session_set_paused(struct core *core, struct session *session, bool paused)
{
	struct out_msg msg = { .kind = paused ? OUT_PAUSE : OUT_RESUME, .conn = session->conn };

	session->paused = paused;
	outbox_send(core, session->io, &msg);
}

static void requests_time_out(void *state, void *arg);

/* One timer for all: requests time out in the order they came. */
static void requests_set_timer(struct core *core)
{
	const struct request *first = TAILQ_FIRST(&core->inflight);

	if (core->request_timer == 0 && first != NULL)
		core->request_timer = timers_start(&core->timers, first->deadline_us, NULL,
						   requests_time_out, core, NULL);
}

static struct request *request_new(struct core *core, struct session *session,
				   struct par_plugin *plugin, struct message *message)
{
	struct request *r = mem_alloc(sizeof(*r));

	r->session = session;
	r->plugin = plugin;
	r->message = message;
	r->deadline_us = core->mono_us + core->settings->request_timeout * 1000;
	r->id_hash = id_hash(message_id(message));
	r->id = handles_add(&core->requests, r);
	LIST_INSERT_HEAD(&session->requests, r, of_session);
	TAILQ_INSERT_TAIL(&core->inflight, r, of_inflight);
	if (++session->inflight > core->settings->max_inflight && !session->paused)
		session_set_paused(core, session, true);
	requests_set_timer(core);
	return r;
}

static void request_forget(struct core *core, struct request *r)
{
	struct session *session = r->session;

	handles_remove(&core->requests, r->id);
	LIST_REMOVE(r, of_session);
	TAILQ_REMOVE(&core->inflight, r, of_inflight);
	session->inflight--;
	if (session->paused && session->inflight <= core->settings->max_inflight / 2 &&
	    session->state == SESSION_OPEN)
		session_set_paused(core, session, false);
	if (core->reply_to == r->id)
		core->reply_to = 0;
	if (r->message != core->handled)
		message_free(&r->message);
	free(r);
}

/* Completed by its plugin: remembered for a while, to tell a second time. */
static void request_free(struct core *core, struct request *r)
{
	core->completed[core->n_completed++ % COMPLETED_MEMORY] = r->id;
	request_forget(core, r);
}

static void request_send_error(struct core *core, const struct request *r, enum par_error error,
			       const char *path, const char *message)
{
	metric_add(core->count.errors, 1);
	session_send(core, r->session,
		     answer_error(core->now, message_id(r->message), error, path, message));
}

/* Answered by the core in place of its plugin, which did not do it. */
static void request_give_up(struct core *core, struct request *r, enum par_error error)
{
	request_send_error(core, r, error, NULL, NULL);
	request_forget(core, r);
}

/* Sends what its plugin wrote; NULL: it could not be held in memory. */
static void request_send(struct core *core, struct request *r, struct out_frame *frame)
{
	if (frame != NULL)
		session_send(core, r->session, frame);
	else
		request_send_error(core, r, PAR_E_TOO_LARGE, NULL, "the answer is too large");
	request_free(core, r);
}

static void request_refuse(struct core *core, struct session *session, struct message *message,
			   enum par_error error)
{
	metric_add(core->count.errors, 1);
	session_send(core, session,
		     answer_error(core->now, message_id(message), error,
				  error == PAR_E_UNKNOWN_PAYLOAD_TYPE ? "payloadType" : NULL,
				  NULL));
	message_free(&message);
}

/* The handler may complete the request at once, but what it was handed lives
 * until it returns: request_free leaves that message to us. */
static void request_handle(struct core *core, const struct handler *handler,
			   const struct par_request *view, struct message *message)
{
	struct par_plugin *outer = call_begin(core, handler->plugin);

	core->handled = message;
	handler->fn.request(handler->state, view);
	call_end(core, outer, "request", view->payload_type.s);
	core->handled = NULL;
	if (handles_get(&core->requests, view->id) == NULL)
		message_free(&message);
}

/* Calls the handler of a request in flight. */
static void request_run(struct core *core, struct request *r)
{
	struct message *message = r->message;
	const struct handler *handler = registry_request(&core->registry, message_type(message));
	struct par_request view = { .size = sizeof(view),
				    .id = r->id,
				    .session = r->session->id,
				    .now = core->now,
				    .user = user_id(r->session->user),
				    .device = session_device(r->session),
				    .payload_type = message_type(message),
				    .payload = message->payload };

	request_handle(core, handler, &view, message);
}

void request_begin(struct core *core, struct session *session, struct message *message)
{
	struct par_str id = message_id(message);
	const struct handler *handler = registry_request(&core->registry, message_type(message));
	struct request *r;

	metric_add(core->count.requests, 1);
	if (request_is_duplicate(session, id, id_hash(id))) {
		request_refuse(core, session, message, PAR_E_DUPLICATE_REQUEST);
	} else if (handler == NULL) {
		request_refuse(core, session, message, PAR_E_UNKNOWN_PAYLOAD_TYPE);
	} else if (core->draining || stream_is_refused(core, session)) {
		request_refuse(core, session, message, PAR_E_UNAVAILABLE);
	} else {
		r = request_new(core, session, handler->plugin, message);
		if (session->on_record)
			request_run(core, r);
	}
}

/* What came first is last in the list of the session; the handlers may change it. */
void requests_run(struct core *core, struct session *session)
{
	uint32_t n = session->inflight, i = n;
	par_request_id *ids = mem_alloc(n * sizeof(*ids) + 1);
	struct request *r;

	LIST_FOREACH(r, &session->requests, of_session)
		ids[--i] = r->id;
	for (i = 0; i < n; i++) {
		r = handles_get(&core->requests, ids[i]);
		if (r != NULL)
			request_run(core, r);
	}
	free(ids);
}

void requests_refuse(struct core *core, struct session *session)
{
	struct request *r;

	while ((r = LIST_FIRST(&session->requests)) != NULL)
		request_give_up(core, r, PAR_E_UNAVAILABLE);
}

static bool request_was_completed(const struct core *core, par_request_id id)
{
	unsigned i;

	for (i = 0; i < COMPLETED_MEMORY; i++) {
		if (core->completed[i] == id)
			return true;
	}
	return false;
}

/* The request, or NULL. One that timed out or whose session went is nobody's
 * fault; a plugin that completes one twice is named. */
static struct request *request_find(struct core *core, struct par_plugin *by, par_request_id id)
{
	struct request *r = handles_get(&core->requests, id);

	if (r == NULL && id != 0 && request_was_completed(core, id)) {
		metric_add(core->count.double_completions, 1);
		log_line(PAR_LOG_ERROR, "request", 0, by->descriptor.name,
			 "completes a request for the second time; ignored");
	}
	if (r != NULL && r->plugin != by) {
		log_line(PAR_LOG_ERROR, "request", 0, by->descriptor.name,
			 "completes a request that is not its own; ignored");
		return NULL;
	}
	return r;
}

struct par_json *request_reply_open(struct core *core, struct par_plugin *by, par_request_id id)
{
	struct request *r = request_find(core, by, id);

	if (r == NULL)
		return NULL;
	if (core->reply_to != 0)
		log_line(PAR_LOG_ERROR, "request", 0, by->descriptor.name,
			 "opens a reply while another is open; the other one is dropped");
	par_json_free(&core->reply);
	out_frame_begin(&core->reply);
	answer_begin(&core->reply, core->now, message_id(r->message));
	par_json_key(&core->reply, "payload");
	core->reply_to = id;
	core->reply_at = core->reply.len;
	return &core->reply;
}

bool request_reply_close(struct core *core, struct par_plugin *by, par_request_id id)
{
	struct request *r = request_find(core, by, id);

	if (r == NULL || core->reply_to != id)
		return false;
	core->reply_to = 0;
	if (core->reply.len == core->reply_at) {
		log_line(PAR_LOG_ERROR, "request", 0, by->descriptor.name,
			 "closes a reply without having written a value");
		request_send_error(core, r, PAR_E_INTERNAL, NULL, NULL);
		request_free(core, r);
		return true;
	}
	par_json_object_end(&core->reply);
	request_send(core, r, out_frame_end(&core->reply));
	return true;
}

bool request_reply(struct core *core, struct par_plugin *by, par_request_id id,
		   struct json_object *payload)
{
	struct request *r = request_find(core, by, id);
	struct par_json w;

	if (r == NULL)
		return false;
	out_frame_begin(&w);
	answer_begin(&w, core->now, message_id(r->message));
	if (payload != NULL) {
		struct par_str text;

		text.s = json_object_to_json_string_length(
		    payload, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &text.len);
		par_json_member_raw(&w, "payload", text);
	}
	par_json_object_end(&w);
	request_send(core, r, out_frame_end(&w));
	return true;
}

bool request_fail(struct core *core, struct par_plugin *by, par_request_id id, enum par_error error,
		  const char *path, const char *message)
{
	struct request *r = request_find(core, by, id);

	if (r == NULL)
		return false;
	request_send_error(core, r, error, path, message);
	request_free(core, r);
	return true;
}

bool request_fail_details(struct core *core, struct par_plugin *by, par_request_id id,
			  enum par_error error, struct par_str details, const char *message)
{
	struct request *r = request_find(core, by, id);

	if (r == NULL)
		return false;
	metric_add(core->count.errors, 1);
	session_send(
	    core, r->session,
	    answer_error_details(core->now, message_id(r->message), error, details, message));
	request_free(core, r);
	return true;
}

static void requests_time_out(void *state, void *arg)
{
	struct core *core = state;
	struct request *r;

	(void)arg;
	core->request_timer = 0;
	while ((r = TAILQ_FIRST(&core->inflight)) != NULL && r->deadline_us <= core->mono_us) {
		metric_add(core->count.timeouts, 1);
		if (r->session->on_record)
			log_line(
			    PAR_LOG_WARNING, "request", r->session->id, r->plugin->descriptor.name,
			    "did not complete a request %s in time", message_type(r->message).s);
		request_give_up(core, r, PAR_E_TIMEOUT);
	}
	requests_set_timer(core);
}

void requests_abandon(struct core *core, struct session *session)
{
	struct request *r;

	while ((r = LIST_FIRST(&session->requests)) != NULL)
		request_forget(core, r);
}

void requests_give_up(struct core *core)
{
	struct request *r;

	while ((r = TAILQ_FIRST(&core->inflight)) != NULL)
		request_give_up(core, r, PAR_E_UNAVAILABLE);
}
