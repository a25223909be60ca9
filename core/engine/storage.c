/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Transactions and queries on their way to the storage and back; see
 * storage.h. Core thread, but for the alloc functions, which whoever holds the
 * tx or query may call.
 *
 * A tx comes in a box with some memory of its own, so that a usual one costs no
 * further allocation, and boxes are used again.
 */
#include "engine/storage.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "engine/core_internal.h"
#include "engine/delivery.h"
#include "engine/details.h"
#include "engine/tx_check.h"
#include "engine/user.h"
#include "plugin/plugin.h"

#define BOX_MEMORY 2048
#define POOL_MAX 256

/* What plugins may have on its way: a storage that hangs must not make the
 * server hold ever more of what clients send again. */
#define INFLIGHT_MAX 16384
/* Pages are large: so many queries of plugins are answered at a time. */
#define QUERIES_MAX 64

static const char not_running[] = "no storage plugin is running";
static const char behind[] = "the storage is too far behind; try again later";
static const char gate_refused[] = "a plugin refused the message";
static const char unsound[] = "a plugin asked for what makes no sense; the log says what";

struct memory {
	struct arena arena; /* what does not fit in the box */
	size_t used;
	_Alignas(16) char room[BOX_MEMORY];
};

struct tx_box {
	struct core *core;
	struct par_plugin *owner;
	par_callback_fn done;
	void *state;
	struct tx_box *next_free;
	struct par_tx tx;
	struct memory memory;
};

struct query_box {
	struct core *core;
	struct par_plugin *owner;
	par_callback_fn done;
	void *state;
	bool has_turn; /* it is one of core->queries */
	struct details *details;
	struct arena arena;
	struct par_query query;
};

static void *memory_alloc(struct memory *m, size_t size)
{
	size_t need = (size + 15) & ~(size_t)15;
	char *at = m->room + m->used;

	if (need < size || need > BOX_MEMORY - m->used)
		return arena_alloc(&m->arena, size);
	m->used += need;
	return at;
}

static struct tx_box *tx_box(struct par_tx *tx)
{
	return (struct tx_box *)((char *)tx - offsetof(struct tx_box, tx));
}

static struct query_box *query_box(struct par_query *query)
{
	return (struct query_box *)((char *)query - offsetof(struct query_box, query));
}

static struct par_str str_copy(void *to, struct par_str s)
{
	if (s.s != NULL)
		s.s = memcpy(to, s.s, s.len);
	return s;
}

struct par_tx *storage_tx_new(struct core *core, struct par_plugin *owner, par_callback_fn done,
			      void *state)
{
	struct tx_box *box = core->tx_pool;

	if (box != NULL) {
		core->tx_pool = box->next_free;
		core->tx_pooled--;
	} else {
		box = mem_alloc(sizeof(*box));
		box->core = core;
		memset(&box->memory.arena, 0, sizeof(box->memory.arena));
		box->memory.used = 0;
	}
	box->owner = owner;
	box->done = done;
	box->state = state;
	box->tx.n_ops = 0; /* ops are cleared as they are added */
	box->tx.now = core->now;
	box->tx.request = 0;
	box->tx.arg = NULL;
	box->tx.error = PAR_OK;
	box->tx.message = NULL;
	box->tx.next = NULL;
	return &box->tx;
}

void *storage_tx_alloc(struct par_tx *tx, size_t size)
{
	return memory_alloc(&tx_box(tx)->memory, size);
}

struct par_str storage_tx_copy(struct par_tx *tx, struct par_str s)
{
	return str_copy(storage_tx_alloc(tx, s.len), s);
}

void storage_tx_free(struct par_tx *tx)
{
	struct tx_box *box = tx_box(tx);
	struct core *core = box->core;
	unsigned i;

	for (i = 0; i < tx->n_ops; i++) {
		struct par_op *op = &tx->ops[i];

		if (op->kind == PAR_OP_EVENT && op->u.event.data != NULL)
			out_frame_unref((struct out_frame *)op->u.event.data);
	}
	arena_free(&box->memory.arena);
	box->memory.used = 0;
	if (core->tx_pooled == POOL_MAX) {
		free(box);
		return;
	}
	box->next_free = core->tx_pool;
	core->tx_pool = box;
	core->tx_pooled++;
}

/* Whether it brings a message's content. */
static bool op_brings_content(const struct par_op *op)
{
	return op->kind == PAR_OP_APPEND ||
	       (op->kind == PAR_OP_CHANGE && op->u.change.kind == PAR_CHANGE_EDIT);
}

/* Refuses the content, if it was not stored before. False: it cannot have been. */
static bool op_refuse(struct par_op *op)
{
	if (op->kind == PAR_OP_APPEND) {
		op->u.append.refused = gate_refused;
		return op->u.append.client_id.s != NULL;
	}
	op->u.change.refused = gate_refused;
	return op->u.change.client_id.s != NULL;
}

/* The gate of message_storing. What it refuses may be sent again, and then must be
 * answered as it was the first time; only the storage knows. */
static bool tx_allowed(struct core *core, struct par_tx *tx)
{
	unsigned i;

	if (core->registry.hooks[PAR_HOOK_MESSAGE_STORING] == NULL)
		return true;
	for (i = 0; i < tx->n_ops; i++) {
		struct par_op *op = &tx->ops[i];
		struct par_hook_call call = { .subject = op };

		if (!op_brings_content(op))
			continue;
		call.user = par_op_chat(op)->user;
		if (!hooks_allow(core, PAR_HOOK_MESSAGE_STORING, &call) && !op_refuse(op))
			return false;
	}
	return true;
}

/* The user whose own event it is, and for whom it may not be wanted; NULL: none. */
static const struct par_str *event_of_own(const struct par_op_event *event)
{
	if (event->reach != PAR_REACH_USER)
		return &event->chat.user;
	return event->own ? &event->user : NULL;
}

/* A user's own event is stored when another session of his may want it, also
 * one of the same device: docs/protocol.md, Events and acknowledgments. */
static void tx_mark_own_events(struct core *core, struct par_tx *tx)
{
	unsigned i;

	for (i = 0; i < tx->n_ops; i++) {
		struct par_op_event *event = &tx->ops[i].u.event;
		const struct par_str *name;
		const struct user *user;

		if (tx->ops[i].kind != PAR_OP_EVENT || (name = event_of_own(event)) == NULL)
			continue;
		user = user_find(core, *name);
		event->always = user != NULL && user->n_sessions > 1;
	}
}

/* From the begin of its start() to the begin of its stop(). */
static bool storage_runs(const struct core *core)
{
	const struct par_plugin *plugin = core->registry.storage_plugin;

	return plugin != NULL && plugin->phase == PLUGIN_RUNNING;
}

const char *storage_down(const struct core *core)
{
	const struct registry *r = &core->registry;

	if (!storage_runs(core))
		return not_running;
	return r->storage.down == NULL ? NULL : r->storage.down(r->storage_state);
}

/* The submitter is never called from within its own submit. */
static void tx_refuse(struct core *core, struct par_tx *tx, enum par_error error,
		      const char *message)
{
	tx->error = error;
	tx->message = message;
	tx->next = NULL;
	if (core->refused == NULL)
		core->refused = tx;
	else
		core->refused_last->next = tx;
	core->refused_last = tx;
}

/* The storage relies on what is checked (tx_check.h). `fault` NULL: there is none. */
static bool is_sound(const struct par_plugin *owner, const char *what, const char *fault)
{
	if (fault != NULL)
		log_line(PAR_LOG_ERROR, "storage", 0, owner == NULL ? NULL : owner->descriptor.name,
			 "submits a %s in which %s; refused", what, fault);
	return fault == NULL;
}

void storage_tx_submit(struct par_tx *tx)
{
	struct core *core = tx_box(tx)->core;
	struct registry *r = &core->registry;

	core->storage_inflight++;
	if (!is_sound(tx_box(tx)->owner, "transaction", tx_fault(tx))) {
		tx_refuse(core, tx, PAR_E_INTERNAL, unsound);
		return;
	}
	if (!storage_runs(core)) {
		tx_refuse(core, tx, PAR_E_UNAVAILABLE, not_running);
		return;
	}
	if (core->storage_inflight > INFLIGHT_MAX && tx_box(tx)->owner != NULL) {
		tx_refuse(core, tx, PAR_E_UNAVAILABLE, behind);
		return;
	}
	if (!tx_allowed(core, tx)) {
		tx_refuse(core, tx, PAR_E_FORBIDDEN, gate_refused);
		return;
	}
	tx_mark_own_events(core, tx);
	core->handed_over = true;
	r->storage.submit(r->storage_state, tx); /* queueing only: no work for the watchdog */
}

/* Its submitter hears of it, and then it is gone. */
static void tx_finish(struct par_tx *tx)
{
	struct tx_box *box = tx_box(tx);
	struct core *core = box->core;
	struct par_plugin *outer;

	core->storage_inflight--;
	if (box->owner == NULL) {
		box->done(box->state, tx);
	} else {
		outer = call_begin(core, box->owner);
		box->done(box->state, tx);
		call_end(core, outer, "storage", "result");
	}
	storage_tx_free(tx);
}

void storage_tx_done(struct par_tx *tx)
{
	delivery_tx(tx_box(tx)->core, tx);
	tx_finish(tx);
}

struct par_query *storage_query_new(struct core *core, struct par_plugin *owner,
				    par_callback_fn done, void *state)
{
	struct query_box *box = mem_zalloc(sizeof(*box));

	box->core = core;
	box->owner = owner;
	box->done = done;
	box->state = state;
	box->query.now = core->now;
	return &box->query;
}

void *storage_query_alloc(struct par_query *query, size_t size)
{
	return arena_alloc(&query_box(query)->arena, size);
}

struct par_str storage_query_copy(struct par_query *query, struct par_str s)
{
	return str_copy(storage_query_alloc(query, s.len), s);
}

struct details **storage_query_details(const struct par_query *query)
{
	return &query_box((struct par_query *)query)->details;
}

static void query_refuse(struct core *core, struct par_query *query, enum par_error error,
			 const char *message)
{
	query->error = error;
	query->message = message;
	query->next = core->refused_queries;
	core->refused_queries = query;
}

/* Hands a query over, or has it refused at the next flush. */
static void query_hand_over(struct core *core, struct par_query *query)
{
	struct registry *r = &core->registry;

	if (!storage_runs(core)) {
		query_refuse(core, query, PAR_E_UNAVAILABLE, not_running);
		return;
	}
	core->handed_over = true;
	r->storage.query(r->storage_state, query);
}

/* Plugins' queries take turns; the core's own are bounded by fetch.c. */
void storage_query_submit(struct par_query *query)
{
	struct query_box *box = query_box(query);
	struct core *core = box->core;

	core->storage_inflight++;
	if (!is_sound(box->owner, "query", query_fault(query))) {
		query_refuse(core, query, PAR_E_INTERNAL, unsound);
		return;
	}
	if (box->owner == NULL) {
		query_hand_over(core, query);
		return;
	}
	if (core->queries == INFLIGHT_MAX) {
		query_refuse(core, query, PAR_E_UNAVAILABLE, behind);
		return;
	}
	box->has_turn = true;
	if (core->queries++ < QUERIES_MAX) {
		query_hand_over(core, query);
	} else {
		query->next = NULL;
		*core->queries_waiting_end = query;
		core->queries_waiting_end = &query->next;
	}
}

/* One of a plugin is answered: its place goes to the next. */
static void query_next(struct core *core)
{
	struct par_query *query;

	core->queries--;
	while ((query = core->queries_waiting) != NULL) {
		core->queries_waiting = query->next;
		if (core->queries_waiting == NULL)
			core->queries_waiting_end = &core->queries_waiting;
		query_hand_over(core, query);
		if (storage_runs(core))
			return;
	}
}

static void query_free(struct query_box *box)
{
	unsigned i;

	for (i = 0; box->query.events != NULL && i < box->query.n; i++)
		out_frame_unref((struct out_frame *)box->query.events[i].data);
	arena_free(&box->arena);
	free(box);
}

/* Its turn ends here: while its details are asked for it keeps it. */
void storage_query_finish(struct par_query *query)
{
	struct query_box *box = query_box(query);
	struct core *core = box->core;
	struct par_plugin *outer;

	core->storage_inflight--;
	if (box->owner == NULL) {
		box->done(box->state, query);
	} else {
		outer = call_begin(core, box->owner);
		box->done(box->state, query);
		call_end(core, outer, "storage", "result");
	}
	if (box->has_turn)
		query_next(core);
	query_free(box);
}

void storage_query_done(struct par_query *query)
{
	if (!details_ask(query_box(query)->core, query))
		storage_query_finish(query);
}

/* Those that are there now: what their submitters do about it is for the next flush. The
 * storage never had them, so nobody is told and nothing is in doubt. */
static void storage_finish_refused(struct core *core)
{
	struct par_tx *tx = core->refused, *next_tx;
	struct par_query *query = core->refused_queries, *next_query;

	core->refused = NULL;
	core->refused_queries = NULL;
	for (; tx != NULL; tx = next_tx) {
		next_tx = tx->next;
		tx_finish(tx);
	}
	for (; query != NULL; query = next_query) {
		next_query = query->next;
		storage_query_done(query);
	}
}

bool storage_flush(struct core *core)
{
	struct registry *r = &core->registry;
	struct par_plugin *outer;
	bool work = core->handed_over || core->refused != NULL || core->refused_queries != NULL;
	bool flush = core->handed_over && storage_runs(core);

	core->handed_over = false;
	storage_finish_refused(core);
	if (flush) {
		outer = call_begin(core, r->storage_plugin);
		r->storage.flush(r->storage_state);
		call_end(core, outer, "storage", "flush");
	}
	return work;
}

void storage_free(struct core *core)
{
	struct tx_box *box;

	while ((box = core->tx_pool) != NULL) {
		core->tx_pool = box->next_free;
		free(box);
	}
	core->tx_pooled = 0;
}
