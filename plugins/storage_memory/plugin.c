/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A storage that keeps everything in memory and nothing on a disk: for tests
 * and benchmarks, and for trying the server out. Transactions and queries wait
 * in one list until flush runs them, in order, and completes each at once; so
 * nothing completes within the call that submitted it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <parlance/storage_fill.h>

#include "../storage_common/clear.h"
#include "memory.h"

bool memory_fail(struct par_tx *tx, enum par_error error, const char *message)
{
	tx->error = error;
	tx->message = message;
	return false;
}

static bool run_op(struct memory *m, struct par_tx *tx, struct par_op *op)
{
	switch (op->kind) {
	case PAR_OP_APPEND:
		return op_append(m, tx, op);
	case PAR_OP_CHANGE:
		return op_change(m, tx, op);
	case PAR_OP_MARK:
		return op_mark(m, tx, op);
	case PAR_OP_EVENT:
		return op_event(m, tx, op);
	case PAR_OP_CURSOR:
		return op_cursor(m, tx, op);
	case PAR_OP_DOC_PUT:
		return op_doc_put(m, tx, op);
	case PAR_OP_DOC_DELETE:
		return op_doc_delete(m, tx, op);
	case PAR_OP_PRUNE:
		return op_prune(m, op);
	case PAR_OP_ROSTER:
		return op_roster(m, tx, op);
	}
	return memory_fail(tx, PAR_E_INTERNAL, "no such operation");
}

static void run_tx(struct memory *m, struct par_tx *tx)
{
	bool good = true;
	unsigned i;

	m->undoing = par_tx_may_undo(tx);
	for (i = 0; i < tx->n_ops && good; i++) {
		if (par_tx_wants(tx, i))
			good = run_op(m, tx, &tx->ops[i]);
	}
	if (good) {
		undo_commit(m);
	} else {
		enum par_error error = tx->error;
		const char *message = tx->message;
		undo_rollback(m);
		clear_tx(m->api, tx); /* what is handed back is its error alone */
		memory_fail(tx, error, message);
	}
}

static void run_query(struct memory *m, struct par_query *query)
{
	switch (query->kind) {
	case PAR_QUERY_DEVICE:
		query_device(m, query);
		return;
	case PAR_QUERY_EVENTS:
		query_events(m, query);
		return;
	case PAR_QUERY_MESSAGES:
		query_messages(m, query);
		return;
	case PAR_QUERY_CHATS:
		query_chats(m, query);
		return;
	case PAR_QUERY_CHAT:
		query_chat(m, query);
		return;
	case PAR_QUERY_DOC_GET:
		query_doc_get(m, query);
		return;
	case PAR_QUERY_DOC_SCAN:
		query_doc_scan(m, query);
		return;
	case PAR_QUERY_DOCS:
		query_docs(m, query);
		return;
	case PAR_QUERY_MEMBERS:
		query_members(m, query);
		return;
	case PAR_QUERY_PEERS:
		query_peers(m, query);
		return;
	}
	query->error = PAR_E_INTERNAL;
	query->message = "no such query";
}

static void work_add(struct memory *m, struct par_tx *tx, struct par_query *query)
{
	m->works = memory_grow(m->works, &m->cap_works, m->n_works, sizeof(*m->works));
	m->works[m->n_works].tx = tx;
	m->works[m->n_works++].query = query;
}

static void memory_submit(void *state, struct par_tx *tx)
{
	work_add(state, tx, NULL);
}

static void memory_query(void *state, struct par_query *query)
{
	work_add(state, NULL, query);
}

/* What is submitted by a completion is done in the same flush. */
static void memory_flush(void *state)
{
	struct memory *m = state;
	unsigned i, n_txs = 0;

	for (i = 0; i < m->n_works; i++) {
		struct work work = m->works[i];
		if (work.tx != NULL) {
			run_tx(m, work.tx);
			m->api->tx_done(work.tx);
			n_txs++;
		} else {
			run_query(m, work.query);
			m->api->query_done(work.query);
		}
	}
	m->n_works = 0;
	if (n_txs > 0)
		m->api->metric_add(m->transactions, n_txs);
}

static const char *memory_down(void *state)
{
	(void)state;
	return NULL;
}

static const struct par_storage_role memory_role = {
	.size = sizeof(struct par_storage_role),
	.submit = memory_submit,
	.query = memory_query,
	.flush = memory_flush,
	.down = memory_down,
};

static void *memory_load(const struct par_api *api, struct par_plugin *self,
			 struct json_object *config, char *error, size_t error_size)
{
	struct memory *m = memory_alloc(sizeof(*m));

	(void)config;
	m->api = api;
	m->self = self;
	par_json_init(&m->writer);
	m->transactions =
	    api->add_metric(self, PAR_COUNTER, "transactions_total", "Transactions carried out.");
	if (!api->provide_storage(self, &memory_role, m)) {
		snprintf(error, error_size, "another storage is enabled: keep one of the two");
		free(m);
		return NULL;
	}
	return m;
}

static bool memory_start(void *state, char *error, size_t error_size)
{
	struct memory *m = state;

	(void)error;
	(void)error_size;
	m->api->log(m->self, PAR_LOG_WARNING,
		    "everything is kept in memory and lost when the server stops");
	devices_begin(m); /* a host may start it again without unloading it */
	return true;
}

static void memory_stop(void *state)
{
	memory_flush(state);
}

static void memory_unload(void *state)
{
	struct memory *m = state;
	unsigned i;

	memory_free_entities(m);
	for (i = 0; i < m->n_docs; i++)
		free(m->docs[i]);
	free(m->docs);
	free(m->works);
	par_json_free(&m->writer);
	free(m);
}

const struct par_descriptor par_plugin_descriptor = {
	PAR_DESCRIPTOR_HEAD, .name = "storage_memory",
	.version = "0.1.0",  .summary = "Keeps everything in memory; for tests and benchmarks.",
	.load = memory_load, .start = memory_start,
	.stop = memory_stop, .unload = memory_unload,
};
