/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One commit for many transactions. What a transaction may be refused for it
 * finds out before it changes anything (ops.h), so a refusal needs no undoing;
 * only one that may be refused after its first operation runs in a savepoint.
 *
 * When SQLite itself fails, the whole batch is rolled back and each work tried
 * in a commit of its own: what fails then is told so, and its neighbours are
 * not harmed. Rolling back drops the cache, which would know too much.
 */
#include <string.h>
#include <time.h>

#include "cache.h"
#include "ops.h"
#include "worker.h"

static uint64_t clock_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static bool run_op(struct db *db, struct par_tx *tx, struct par_op *op)
{
	switch (op->kind) {
	case PAR_OP_APPEND:
		return op_append(db, tx, op);
	case PAR_OP_CHANGE:
		return op_change(db, tx, op);
	case PAR_OP_MARK:
		return op_mark(db, tx, op);
	case PAR_OP_EVENT:
		return op_event(db, tx, op);
	case PAR_OP_CURSOR:
		return op_cursor(db, tx, op);
	case PAR_OP_DOC_PUT:
		return op_doc_put(db, op);
	case PAR_OP_DOC_DELETE:
		return op_doc_delete(db, op);
	case PAR_OP_PRUNE:
		return op_prune(db, tx, op);
	}
	return tx_refuse(tx, PAR_E_INTERNAL, "no such operation");
}

/* Takes the results out again. */
static void tx_clear(struct db *db, struct par_tx *tx)
{
	unsigned i;

	for (i = 0; i < tx->n_ops; i++) {
		struct par_op *op = &tx->ops[i];
		memset(&op->result, 0, sizeof(op->result));
		if (op->kind == PAR_OP_EVENT && op->u.event.data != NULL) {
			db->api->event_data_free(op->u.event.data);
			op->u.event.data = NULL;
		}
		if (op->kind == PAR_OP_PRUNE)
			op->u.prune.events = op->u.prune.devices = 0;
	}
}

static void query_clear(struct db *db, struct par_query *q)
{
	unsigned i;

	for (i = 0; q->events != NULL && i < q->n; i++)
		db->api->event_data_free(q->events[i].data);
	q->events = NULL;
	q->messages = NULL;
	q->chats = NULL;
	q->docs = NULL;
	memset(&q->device_state, 0, sizeof(q->device_state));
	q->n = 0;
	q->has_more = false;
	q->my_delivered = q->my_read = q->peer_delivered = q->peer_read = 0;
}

static void undo_savepoint(struct db *db)
{
	db_run(db, db_bind(db, ST_ROLLBACK_TO, ""));
	db_run(db, db_bind(db, ST_RELEASE, ""));
	cache_clear(db);
}

static void run_tx(struct db *db, struct par_tx *tx)
{
	bool save = par_tx_may_undo(tx), good = true;
	unsigned i;

	tx->error = PAR_OK;
	tx->message = NULL;
	if (save)
		good = db_run(db, db_bind(db, ST_SAVEPOINT, ""));
	for (i = 0; i < tx->n_ops && good; i++) {
		if (par_tx_wants(tx, i))
			good = run_op(db, tx, &tx->ops[i]);
	}
	if (db->error != SQLITE_OK)
		return;
	if (!good)
		tx_clear(db, tx);
	if (save && good)
		db_run(db, db_bind(db, ST_RELEASE, ""));
	else if (save)
		undo_savepoint(db);
}

static void run_query(struct db *db, struct par_query *q)
{
	q->error = PAR_OK;
	q->message = NULL;
	switch (q->kind) {
	case PAR_QUERY_DEVICE:
		query_device(db, q);
		return;
	case PAR_QUERY_EVENTS:
		query_events(db, q);
		return;
	case PAR_QUERY_MESSAGES:
		query_messages(db, q);
		return;
	case PAR_QUERY_CHATS:
		query_chats(db, q);
		return;
	case PAR_QUERY_CHAT:
		query_chat(db, q);
		return;
	case PAR_QUERY_DOC_GET:
		query_doc_get(db, q);
		return;
	case PAR_QUERY_DOC_SCAN:
		query_doc_scan(db, q);
		return;
	}
	q->error = PAR_E_INTERNAL;
	q->message = "no such query";
}

static bool work_writes(const struct work *work)
{
	return work->tx != NULL || work->query->kind == PAR_QUERY_DEVICE;
}

static void work_clear(struct db *db, struct work *work)
{
	if (work->tx != NULL)
		tx_clear(db, work->tx);
	else
		query_clear(db, work->query);
}

static void work_fail(struct worker *w, struct work *work, int error)
{
	enum par_error code = db_error_passes(error) ? PAR_E_UNAVAILABLE : PAR_E_INTERNAL;

	work_clear(&w->db, work);
	if (work->tx != NULL) {
		work->tx->error = code;
		work->tx->message = db_error_words(error);
	} else {
		work->query->error = code;
		work->query->message = db_error_words(error);
	}
	w->api->metric_add(w->metrics.failures, 1);
}

/* Carries out the works in one commit, or none of them: then SQLite's code. */
static int attempt(struct worker *w, struct work *works, unsigned n)
{
	struct db *db = &w->db;
	bool writes = false;
	unsigned i;
	int error;

	db->error = SQLITE_OK;
	for (i = 0; i < n && !writes; i++)
		writes = work_writes(&works[i]);
	if (writes)
		db_run(db, db_bind(db, ST_BEGIN, ""));
	if (db->error == SQLITE_OK)
		cache_begin(db);
	for (i = 0; i < n && db->error == SQLITE_OK; i++) {
		if (works[i].tx != NULL)
			run_tx(db, works[i].tx);
		else
			run_query(db, works[i].query);
	}
	if (writes && db->error == SQLITE_OK) {
		uint64_t start = clock_us();
		db_run(db, db_bind(db, ST_COMMIT, ""));
		w->api->metric_add(w->metrics.commit_us, (int64_t)(clock_us() - start));
	}
	error = db->error;
	if (error == SQLITE_OK)
		return SQLITE_OK;
	/* Some failures roll back by themselves. */
	db->error = SQLITE_OK;
	if (!sqlite3_get_autocommit(db->handle))
		db_run(db, db_bind(db, ST_ROLLBACK, ""));
	db->error = SQLITE_OK;
	cache_clear(db);
	return error;
}

/* Notes how the last attempt to write went, and says so when that changes. */
static void note_state(struct worker *w, int error)
{
	const char *words = error == SQLITE_OK ? NULL : db_error_words(error);
	const char *before = atomic_load_explicit(&w->down, memory_order_relaxed);

	if (words == before)
		return;
	atomic_store_explicit(&w->down, words, memory_order_relaxed);
	if (words == NULL)
		w->api->log(w->self, PAR_LOG_INFO, "storing again");
	else
		w->api->log(w->self, PAR_LOG_ERROR, "cannot store: %s (%s, code %d)", words,
			    sqlite3_errstr(error), error);
}

/* One by one, after they failed together. */
static void run_alone(struct worker *w, struct work *works, unsigned n, int failed)
{
	int error, locked = SQLITE_OK;
	unsigned i;

	w->api->log(w->self, PAR_LOG_WARNING, "%u failed together and are tried alone: %s, code %d",
		    n, sqlite3_errstr(failed), failed);
	for (i = 0; i < n; i++) {
		work_clear(&w->db, &works[i]);
		/* Waiting for the lock once is enough for all of them. */
		error = work_writes(&works[i]) ? locked : SQLITE_OK;
		if (error == SQLITE_OK) {
			w->api->metric_add(w->metrics.retries, 1);
			error = attempt(w, &works[i], 1);
		}
		if (error != SQLITE_OK)
			work_fail(w, &works[i], error);
		if ((error & 0xff) == SQLITE_BUSY)
			locked = error;
		if (work_writes(&works[i]))
			note_state(w, error);
	}
}

void batch_run(struct worker *w, struct work *works, unsigned n)
{
	unsigned i, n_txs = 0;
	bool writes = false;
	int error = attempt(w, works, n);

	for (i = 0; i < n; i++) {
		n_txs += works[i].tx != NULL;
		writes = writes || work_writes(&works[i]);
	}
	if (error != SQLITE_OK && n == 1)
		work_fail(w, works, error);
	else if (error != SQLITE_OK)
		run_alone(w, works, n, error);
	if (writes && (error == SQLITE_OK || n == 1))
		note_state(w, error);
	w->api->metric_add(w->metrics.transactions, n_txs);
	w->api->metric_add(w->metrics.batches, 1);
	w->api->metric_set(w->metrics.batch_last, n);
	if (n > w->largest) {
		w->largest = n;
		w->api->metric_set(w->metrics.batch_max, n);
	}
}

void batch_probe(struct worker *w)
{
	struct db *db = &w->db;
	int error;

	db->error = SQLITE_OK;
	if (db_run(db, db_bind(db, ST_BEGIN, "")) && db_run(db, db_bind(db, ST_PROBE, "")))
		db_run(db, db_bind(db, ST_COMMIT, ""));
	error = db->error;
	db->error = SQLITE_OK;
	if (!sqlite3_get_autocommit(db->handle))
		db_run(db, db_bind(db, ST_ROLLBACK, ""));
	db->error = SQLITE_OK;
	note_state(w, error);
}
