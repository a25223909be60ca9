/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The functions of the fake host's table. A tx or query lies in one block
 * with its arena, as in the server; the block ends when `done` has returned.
 * Each function that is for the core thread checks that it is called there.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "engine/tx_check.h"
#include "host_api.h"
#include "host_loop.h"
#include "seam/out_frame.h"

#define SPENT_MAX 256

/* What is behind a struct par_tx or par_query. */
struct host_work {
	struct host *host;
	par_callback_fn done;
	void *state;
	bool submitted;
	struct arena arena;
	struct host_work *next_spent;
	union {
		struct par_tx tx;
		struct par_query query;
	} u;
};

void host_check(bool good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "host: the plugin broke a rule: %s\n", what);
	abort();
}

void host_check_core(const struct host *host, const char *function)
{
	host_check(pthread_equal(host->core, pthread_self()), function);
}

/* --- any thread --- */

static void api_log(struct par_plugin *self, enum par_log_level level, const char *format, ...)
{
	static const char *const levels[] = { "error", "warning", "info", "debug" };
	struct host *host = self->host;
	char line[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	pthread_mutex_lock(&host->lock);
	par_json_bytes(&host->log, levels[level], strlen(levels[level]));
	par_json_bytes(&host->log, ": ", 2);
	par_json_bytes(&host->log, line, strlen(line));
	par_json_bytes(&host->log, "\n", 1);
	pthread_mutex_unlock(&host->lock);
	if (getenv("HOST_LOG") != NULL)
		fprintf(stderr, "%s: %s: %s\n", self->descriptor->name, levels[level], line);
}

static struct par_event_data *api_event_data_new(struct par_str type, struct par_str payload)
{
	return (struct par_event_data *)out_frame_event(type, payload);
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

/* --- registration --- */

static struct host_handler *handler_add(struct par_plugin *self, void *state)
{
	struct host *host = self->host;
	struct host_handler *handler = &host->handlers[host->n_handlers];

	host_check_core(host, "registered on another thread");
	host_check(host->n_handlers++ < HOST_HANDLERS, "too many handlers");
	memset(handler, 0, sizeof(*handler));
	handler->plugin = self;
	handler->state = state;
	return handler;
}

static bool api_handle_request(struct par_plugin *self, const char *type, par_request_fn fn,
			       void *state)
{
	struct host_handler *handler;

	if (host_request_handler(self->host, type) != NULL)
		return false;
	handler = handler_add(self, state);
	handler->type = type;
	handler->request = fn;
	return true;
}

static bool api_handle_client_event(struct par_plugin *self, const char *type,
				    par_client_event_fn fn, void *state)
{
	struct host_handler *handler;

	if (host_event_handler(self->host, type) != NULL)
		return false;
	handler = handler_add(self, state);
	handler->type = type;
	handler->event = fn;
	return true;
}

static bool api_add_hook(struct par_plugin *self, enum par_hook_kind kind, par_hook_fn fn,
			 void *state)
{
	struct host_handler *handler = handler_add(self, state);

	handler->hook = kind;
	handler->hook_fn = fn;
	return true;
}

static bool api_add_chat_detail(struct par_plugin *self, const struct par_chat_detail *detail,
				void *state)
{
	handler_add(self, state)->detail = *detail;
	return true;
}

static void api_write_chat_details(struct par_plugin *self, struct par_json *w,
				   const struct par_query *query, unsigned i)
{
	host_check_core(self->host, "write_chat_details on another thread");
	host_check(query->details && i < query->n, "write_chat_details of what was not asked for");
	host_check(w->comma, "write_chat_details as the first of an object");
}

static bool api_provide_auth(struct par_plugin *self, const struct par_auth_role *role, void *state)
{
	struct host *host = self->host;

	host->auth_role = *role;
	host->auth = &host->auth_role;
	host->auth_state = state;
	return true;
}

static bool api_provide_storage(struct par_plugin *self, const struct par_storage_role *role,
				void *state)
{
	struct host *host = self->host;

	host->storage_role = *role;
	host->storage = &host->storage_role;
	host->storage_state = state;
	return true;
}

static struct par_metric *api_add_metric(struct par_plugin *self, enum par_metric_kind kind,
					 const char *name, const char *help)
{
	return metrics_add(&self->host->metrics, kind, self->descriptor->name, name, help);
}

void host_api_forget(struct par_plugin *plugin)
{
	struct host *host = plugin->host;
	unsigned i, kept = 0;

	for (i = 0; i < host->n_handlers; i++) {
		if (host->handlers[i].plugin != plugin)
			host->handlers[kept++] = host->handlers[i];
	}
	host->n_handlers = kept;
}

static const struct par_server_info *api_server_info(struct par_plugin *self)
{
	return &self->host->info;
}

void host_api_end(struct host *host)
{
	struct host_work *work;

	while ((work = host->spent) != NULL) {
		host->spent = work->next_spent;
		free(work);
	}
}

/* --- transactions and queries --- */

static struct host_work *work_new(struct par_plugin *self, par_callback_fn done, void *state)
{
	struct host_work *work = mem_zalloc(sizeof(*work));

	host_check_core(self->host, "a tx or query made on another thread");
	work->host = self->host;
	work->done = done;
	work->state = state;
	return work;
}

static struct host_work *work_of(void *tx_or_query)
{
	return (struct host_work *)((char *)tx_or_query - offsetof(struct host_work, u));
}

/* Its memory goes, but for the little that tells that it is done. */
static void work_free(struct host_work *work)
{
	struct host *host = work->host;
	struct host_work **at = &host->spent, *oldest;

	arena_free(&work->arena);
	work->next_spent = host->spent;
	host->spent = work;
	if (++host->n_spent < 2 * SPENT_MAX)
		return;
	for (host->n_spent = 0; host->n_spent < SPENT_MAX; host->n_spent++)
		at = &(*at)->next_spent;
	while ((oldest = *at) != NULL) {
		*at = oldest->next_spent;
		free(oldest);
	}
}

/* Calls back; the tx or query may be looked at until that returns. */
static void work_done(struct host_work *work)
{
	host_check_core(work->host, "completed on another thread");
	host_check(work->submitted, "completed twice, or never submitted");
	host_check(!work->host->in_storage, "completed within submit or query");
	work->submitted = false;
	work->host->in_flight--;
	work->done(work->state, &work->u);
}

static struct host *work_submit(void *tx_or_query)
{
	struct host_work *work = work_of(tx_or_query);

	host_check_core(work->host, "submitted on another thread");
	host_check(work->host->storage != NULL, "submitted without a storage");
	work->submitted = true;
	work->host->in_flight++;
	return work->host;
}

static void *api_work_alloc(struct host_work *work, size_t size)
{
	return arena_alloc(&work->arena, size);
}

static struct par_tx *api_tx_new(struct par_plugin *self, par_callback_fn done, void *state)
{
	struct host_work *work = work_new(self, done, state);

	work->u.tx.now = self->host->now;
	return &work->u.tx;
}

static void *api_tx_alloc(struct par_tx *tx, size_t size)
{
	return api_work_alloc(work_of(tx), size);
}

static void api_tx_submit(struct par_tx *tx)
{
	struct host *host = work_submit(tx);
	const char *fault = tx_fault(tx);

	host_check(fault == NULL, fault);
	host->in_storage = true;
	host->storage->submit(host->storage_state, tx);
	host->in_storage = false;
}

static void api_tx_free(struct par_tx *tx)
{
	unsigned i;

	for (i = 0; i < tx->n_ops; i++) {
		if (tx->ops[i].kind == PAR_OP_EVENT)
			api_event_data_free(tx->ops[i].u.event.data);
	}
	work_free(work_of(tx));
}

static void api_tx_done(struct par_tx *tx)
{
	work_done(work_of(tx));
	api_tx_free(tx);
}

static struct par_query *api_query_new(struct par_plugin *self, par_callback_fn done, void *state)
{
	struct host_work *work = work_new(self, done, state);

	work->u.query.now = self->host->now;
	return &work->u.query;
}

static void *api_query_alloc(struct par_query *query, size_t size)
{
	return api_work_alloc(work_of(query), size);
}

static void api_query_submit(struct par_query *query)
{
	struct host *host = work_submit(query);
	const char *fault = query_fault(query);

	host_check(fault == NULL, fault);
	host->in_storage = true;
	host->storage->query(host->storage_state, query);
	host->in_storage = false;
}

static void api_query_done(struct par_query *query)
{
	unsigned i;

	work_done(work_of(query));
	for (i = 0; query->events != NULL && i < query->n; i++)
		api_event_data_free(query->events[i].data);
	work_free(work_of(query));
}

void host_api_fill(struct par_api *api)
{
	static const struct par_api table = {
		.size = sizeof(struct par_api),
		.abi_major = PAR_ABI_MAJOR,
		.abi_minor = PAR_ABI_MINOR,
		.log = api_log,
		.metric_add = metric_add,
		.metric_set = metric_set,
		.handle_request = api_handle_request,
		.handle_client_event = api_handle_client_event,
		.add_hook = api_add_hook,
		.provide_auth = api_provide_auth,
		.provide_storage = api_provide_storage,
		.add_metric = api_add_metric,
		.server_info = api_server_info,
		.tx_new = api_tx_new,
		.tx_alloc = api_tx_alloc,
		.tx_submit = api_tx_submit,
		.tx_free = api_tx_free,
		.query_new = api_query_new,
		.query_alloc = api_query_alloc,
		.query_submit = api_query_submit,
		.event_data_new = api_event_data_new,
		.event_data_payload = api_event_data_payload,
		.event_data_free = api_event_data_free,
		.tx_done = api_tx_done,
		.query_done = api_query_done,
		.add_chat_detail = api_add_chat_detail,
		.write_chat_details = api_write_chat_details,
	};

	*api = table;
	host_loop_fill(api);
}
