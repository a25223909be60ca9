/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The host API: the functions that plugins reach through struct par_api, each a
 * short way into the part of the core that does the work. What a plugin may do
 * when is checked here and nowhere deeper. Contracts: <parlance/plugin.h>.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/metrics.h"
#include "engine/answer.h"
#include "engine/core_internal.h"
#include "engine/details.h"
#include "engine/ephemeral.h"
#include "engine/request.h"
#include "engine/session.h"
#include "engine/storage.h"
#include "plugin/plugin.h"

static void api_log(struct par_plugin *self, enum par_log_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void api_log(struct par_plugin *self, enum par_log_level level, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	log_vline(level, "plugin", 0, self->descriptor.name, format, args);
	va_end(args);
}

static void api_post(struct par_plugin *self, par_callback_fn fn, void *state, void *arg)
{
	posts_add(&self->core->posts, self, fn, state, arg);
}

/* --- registration --- */

/* Notes why a registration failed; load fails with the first reason. */
static bool api_refuse(struct par_plugin *self, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static bool api_refuse(struct par_plugin *self, const char *format, ...)
{
	va_list args;

	if (self->refused)
		return false;
	self->refused = true;
	va_start(args, format);
	vsnprintf(self->why, sizeof(self->why), format, args);
	va_end(args);
	return false;
}

static bool api_may_register(struct par_plugin *self, const char *what)
{
	if (self->phase == PLUGIN_LOADING)
		return true;
	log_line(PAR_LOG_ERROR, "plugin", 0, self->descriptor.name,
		 "registers %s outside of load()", what);
	return false;
}

static bool api_handle_request(struct par_plugin *self, const char *payload_type, par_request_fn fn,
			       void *state)
{
	struct handler handler = { self, state, { .request = fn } };
	struct par_plugin *taken;

	if (!api_may_register(self, "a request handler"))
		return false;
	taken = registry_add_request(&self->core->registry, payload_type, handler);
	if (taken != NULL)
		return api_refuse(
		    self,
		    "the plugins %s and %s both claim requests of payloadType \"%s\": "
		    "disable one of them",
		    taken->descriptor.name, self->descriptor.name, payload_type);
	log_debug("plugin", "%s handles request %s", self->descriptor.name, payload_type);
	return true;
}

static bool api_handle_client_event(struct par_plugin *self, const char *payload_type,
				    par_client_event_fn fn, void *state)
{
	struct handler handler = { self, state, { .client_event = fn } };
	struct par_plugin *taken;

	if (!api_may_register(self, "a client event handler"))
		return false;
	taken = registry_add_client_event(&self->core->registry, payload_type, handler);
	if (taken != NULL)
		return api_refuse(self,
				  "the plugins %s and %s both claim client events of payloadType "
				  "\"%s\": disable one of them",
				  taken->descriptor.name, self->descriptor.name, payload_type);
	log_debug("plugin", "%s handles client event %s", self->descriptor.name, payload_type);
	return true;
}

static bool api_add_hook(struct par_plugin *self, enum par_hook_kind kind, par_hook_fn fn,
			 void *state)
{
	struct hook hook = { NULL, self, fn, state };

	if (!api_may_register(self, "a hook"))
		return false;
	if ((unsigned)kind >= PAR_HOOK_COUNT)
		return api_refuse(self, "the plugin %s asks for a hook that this server lacks",
				  self->descriptor.name);
	registry_add_hook(&self->core->registry, kind, hook);
	return true;
}

static bool api_role_taken(struct par_plugin *self, const char *role, const struct par_plugin *by)
{
	return api_refuse(self, "the plugins %s and %s both provide the role %s: disable one",
			  by->descriptor.name, self->descriptor.name, role);
}

/* Copies what both sides know of a table; what an older plugin lacks stays NULL. */
static void api_copy_table(void *to, size_t to_size, const void *table, uint32_t size)
{
	memset(to, 0, to_size);
	memcpy(to, table, size < to_size ? size : to_size);
}

static bool api_provide_auth(struct par_plugin *self, const struct par_auth_role *role, void *state)
{
	struct registry *r = &self->core->registry;

	if (!api_may_register(self, "the role auth"))
		return false;
	if (r->auth_plugin != NULL)
		return api_role_taken(self, "auth", r->auth_plugin);
	api_copy_table(&r->auth, sizeof(r->auth), role, role->size);
	if (r->auth.authenticate == NULL)
		return api_refuse(self, "the plugin %s provides auth without authenticate",
				  self->descriptor.name);
	r->auth_plugin = self;
	r->auth_state = state;
	return true;
}

static bool api_provide_storage(struct par_plugin *self, const struct par_storage_role *role,
				void *state)
{
	struct registry *r = &self->core->registry;

	if (!api_may_register(self, "the role storage"))
		return false;
	if (r->storage_plugin != NULL)
		return api_role_taken(self, "storage", r->storage_plugin);
	api_copy_table(&r->storage, sizeof(r->storage), role, role->size);
	if (r->storage.submit == NULL || r->storage.query == NULL || r->storage.flush == NULL)
		return api_refuse(self,
				  "the plugin %s provides storage without submit, query or "
				  "flush",
				  self->descriptor.name);
	r->storage_plugin = self;
	r->storage_state = state;
	return true;
}

static bool api_add_chat_detail(struct par_plugin *self, const struct par_chat_detail *detail,
				void *state)
{
	struct registry *r = &self->core->registry;
	struct chat_detail *added = &r->details[r->n_details];

	if (!api_may_register(self, "a detail of chats"))
		return false;
	if (r->n_details == PAR_CHAT_DETAILS_MAX)
		return api_refuse(self,
				  "the plugin %s adds to chats what %d others add to already: "
				  "disable one of them",
				  self->descriptor.name, PAR_CHAT_DETAILS_MAX);
	*added = (struct chat_detail){ .plugin = self, .state = state };
	api_copy_table(&added->detail, sizeof(added->detail), detail, detail->size);
	if (added->detail.key == NULL || added->detail.write == NULL)
		return api_refuse(self, "the plugin %s adds to chats without key or write",
				  self->descriptor.name);
	r->n_details++;
	return true;
}

static struct par_metric *api_add_metric(struct par_plugin *self, enum par_metric_kind kind,
					 const char *name, const char *help)
{
	api_may_register(self, "a metric");
	return metrics_add(self->core->metrics, kind, self->descriptor.name, name, help);
}

/* --- requests and events --- */

static const struct par_server_info *api_server_info(struct par_plugin *self)
{
	return &self->core->info;
}

static uint64_t api_now(struct par_plugin *self)
{
	return self->core->now;
}

static bool api_reply(struct par_plugin *self, par_request_id id, struct json_object *payload)
{
	return request_reply(self->core, self, id, payload);
}

static struct par_json *api_reply_open(struct par_plugin *self, par_request_id id)
{
	return request_reply_open(self->core, self, id);
}

static bool api_reply_close(struct par_plugin *self, par_request_id id)
{
	return request_reply_close(self->core, self, id);
}

static bool api_fail(struct par_plugin *self, par_request_id id, enum par_error error,
		     const char *path, const char *message)
{
	return request_fail(self->core, self, id, error, path, message);
}

static bool api_fail_details(struct par_plugin *self, par_request_id id, enum par_error error,
			     struct par_str details, const char *message)
{
	return request_fail_details(self->core, self, id, error, details, message);
}

static struct par_json *api_event_open(struct par_plugin *self, const char *event_type)
{
	return ephemeral_open(self->core, event_type);
}

static void api_event_send(struct par_plugin *self, struct par_str user, par_session_id skip)
{
	ephemeral_send(self->core, user, skip);
}

static bool api_event_send_session(struct par_plugin *self, par_session_id session)
{
	return ephemeral_send_session(self->core, session);
}

static void api_event_close(struct par_plugin *self)
{
	ephemeral_close(self->core);
}

static unsigned api_user_sessions(struct par_plugin *self, struct par_str id)
{
	struct user *user = user_find(self->core, id);

	return user == NULL ? 0 : user->n_sessions;
}

static void api_refuse_client_event(struct par_plugin *self, const struct par_client_event *event,
				    enum par_error error, const char *path, const char *message)
{
	struct core *core = self->core;
	struct session *session = session_find(core, event->session);

	if (session == NULL)
		return;
	metric_add(core->count.errors, 1);
	session_send(core, session, answer_error(core->now, event->id, error, path, message));
}

/* --- timers and helpers --- */

/* Never due in the turn that started it, so that a timer may start the next
 * without a delay and leaves the others their turn. */
static par_timer_id api_timer_start(struct par_plugin *self, uint64_t delay, par_callback_fn fn,
				    void *state, void *arg)
{
	struct core *core = self->core;
	uint64_t most = (UINT64_MAX - core->mono_us) / 1000;
	uint64_t us = delay < most ? delay * 1000 : most * 1000;

	return timers_start(&core->timers, core->mono_us + (us == 0 ? 1 : us), self, fn, state,
			    arg);
}

static bool api_timer_stop(struct par_plugin *self, par_timer_id id)
{
	return timers_stop(&self->core->timers, id);
}

static void api_offload(struct par_plugin *self, par_callback_fn work, par_callback_fn done,
			void *state, void *arg)
{
	if (self->phase == PLUGIN_RUNNING || self->phase == PLUGIN_STOPPED)
		posts_offload(&self->core->posts, self, work, done, state, arg);
	else
		log_line(PAR_LOG_ERROR, "plugin", 0, self->descriptor.name,
			 "offloads work before start() or after stop(); ignored");
}

/* --- file descriptors --- */

static bool api_may_watch(struct par_plugin *self, const char *function)
{
	if (pthread_equal(self->core->thread, pthread_self()))
		return true;
	log_line(PAR_LOG_ERROR, "plugin", 0, self->descriptor.name,
		 "calls %s on a thread that is not the core's; ignored", function);
	return false;
}

/* The watch that is meant, if the plugin may do something about it. */
static struct watch *api_watch(struct par_plugin *self, par_watch_id id, const char *function)
{
	struct watch *watch;

	if (!api_may_watch(self, function))
		return NULL;
	watch = watch_find(self->core, self, id);
	if (watch == NULL)
		log_line(PAR_LOG_ERROR, "plugin", 0, self->descriptor.name,
			 "calls %s for a watch that it does not have; ignored", function);
	return watch;
}

static par_watch_id api_watch_start(struct par_plugin *self, int fd, unsigned what, par_watch_fn fn,
				    void *state, void *arg)
{
	const struct par_plugin *taken;
	par_watch_id id;

	if (!api_may_watch(self, "watch_start"))
		return 0;
	if (self->phase != PLUGIN_RUNNING && self->phase != PLUGIN_STOPPED) {
		log_line(PAR_LOG_ERROR, "plugin", 0, self->descriptor.name,
			 "watches a file descriptor before start() or in unload(); ignored");
		return 0;
	}
	taken = watch_owner(self->core, fd);
	if (taken != NULL) {
		log_line(PAR_LOG_ERROR, "plugin", 0, self->descriptor.name,
			 "watches file descriptor %d, which the plugin %s watches already; ignored",
			 fd, taken->descriptor.name);
		return 0;
	}
	id =
	    watch_start(self->core, self, fd, what & (PAR_READABLE | PAR_WRITABLE), fn, state, arg);
	if (id == 0)
		log_line(PAR_LOG_ERROR, "plugin", 0, self->descriptor.name,
			 "file descriptor %d cannot be watched: %m", fd);
	return id;
}

static bool api_watch_change(struct par_plugin *self, par_watch_id id, unsigned what)
{
	struct watch *watch = api_watch(self, id, "watch_change");

	return watch != NULL &&
	       watch_change(self->core, watch, what & (PAR_READABLE | PAR_WRITABLE));
}

static bool api_watch_stop(struct par_plugin *self, par_watch_id id)
{
	struct watch *watch = api_watch(self, id, "watch_stop");

	if (watch == NULL)
		return false;
	watch_stop(self->core, watch);
	return true;
}

/* --- auth --- */

static bool api_is_auth(const struct par_plugin *self)
{
	if (self == self->core->registry.auth_plugin)
		return true;
	log_line(PAR_LOG_ERROR, "plugin", 0, self->descriptor.name,
		 "answers a handshake, but does not provide the role auth; ignored");
	return false;
}

static bool api_auth_accept(struct par_plugin *self, par_auth_id id, struct par_str user)
{
	return api_is_auth(self) && session_accept(self->core, id, user);
}

static bool api_auth_refuse(struct par_plugin *self, par_auth_id id, const char *message)
{
	return api_is_auth(self) && session_refuse(self->core, id, message);
}

/* --- storage --- */

static struct par_tx *api_tx_new(struct par_plugin *self, par_callback_fn done, void *state)
{
	return storage_tx_new(self->core, self, done, state);
}

static struct par_query *api_query_new(struct par_plugin *self, par_callback_fn done, void *state)
{
	return storage_query_new(self->core, self, done, state);
}

static void api_write_chat_details(struct par_plugin *self, struct par_json *w,
				   const struct par_query *query, unsigned i)
{
	details_write(self->core, w, query, i);
}

/* The public name of an out_frame is par_event_data. */
static struct par_event_data *api_event_data_new(struct par_str event_type, struct par_str payload)
{
	return (struct par_event_data *)out_frame_event(event_type, payload);
}

static struct par_str api_event_data_payload(const struct par_event_data *data)
{
	const struct out_frame *frame = (const struct out_frame *)data;
	struct par_str payload = { frame->text + frame->payload_at, frame->payload_len };

	return payload;
}

static void api_event_data_free(struct par_event_data *data)
{
	out_frame_unref((struct out_frame *)data);
}

const struct par_api api_table = {
	.size = sizeof(struct par_api),
	.abi_major = PAR_ABI_MAJOR,
	.abi_minor = PAR_ABI_MINOR,
	.log = api_log,
	.post = api_post,
	.metric_add = metric_add,
	.metric_set = metric_set,
	.handle_request = api_handle_request,
	.handle_client_event = api_handle_client_event,
	.add_hook = api_add_hook,
	.provide_auth = api_provide_auth,
	.provide_storage = api_provide_storage,
	.add_metric = api_add_metric,
	.server_info = api_server_info,
	.now = api_now,
	.reply = api_reply,
	.reply_open = api_reply_open,
	.reply_close = api_reply_close,
	.fail = api_fail,
	.event_open = api_event_open,
	.event_send = api_event_send,
	.event_close = api_event_close,
	.user_sessions = api_user_sessions,
	.timer_start = api_timer_start,
	.timer_stop = api_timer_stop,
	.offload = api_offload,
	.auth_accept = api_auth_accept,
	.auth_refuse = api_auth_refuse,
	.tx_new = api_tx_new,
	.tx_alloc = storage_tx_alloc,
	.tx_submit = storage_tx_submit,
	.tx_free = storage_tx_free,
	.query_new = api_query_new,
	.query_alloc = storage_query_alloc,
	.query_submit = storage_query_submit,
	.event_data_new = api_event_data_new,
	.event_data_payload = api_event_data_payload,
	.event_data_free = api_event_data_free,
	.tx_done = storage_tx_done,
	.query_done = storage_query_done,
	.refuse_client_event = api_refuse_client_event,
	.watch_start = api_watch_start,
	.watch_change = api_watch_change,
	.watch_stop = api_watch_stop,
	.fail_details = api_fail_details,
	.event_send_session = api_event_send_session,
	.add_chat_detail = api_add_chat_detail,
	.write_chat_details = api_write_chat_details,
};
