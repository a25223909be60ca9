/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One commit for many transactions. What a transaction may be refused for it
 * finds out before it changes anything (ops.h), so a refusal needs no undoing;
 * only one that may be refused after its first operation runs in a savepoint, and goes back to
 * it if an operation was applied by then.
 *
 * When SQLite itself fails, the whole batch is rolled back and each work tried
 * in a commit of its own: what fails then is told so, and its neighbours are
 * not harmed. Rolling back drops the cache, which would know too much. Where
 * nothing can be written at all (health.c) reading goes on.
 */
#include <parlance/storage_fill.h>

#include "../storage_common/clear.h"
#include "cache.h"
#include "ops.h"
#include "worker.h"

/* So many that fail alone for want of something, and it is plain that the others would. */
#define ALONE_FAILURES 3

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
		return op_doc_put(db, tx, op);
	case PAR_OP_DOC_DELETE:
		return op_doc_delete(db, tx, op);
	case PAR_OP_PRUNE:
		return op_prune(db, tx, op);
	case PAR_OP_ROSTER:
		return op_roster(db, tx, op);
	}
	return tx_refuse(tx, PAR_E_INTERNAL, "no such operation");
}

/* The cache knows too much, and goes with all that it knew: it is dear. */
static void undo_savepoint(struct db *db)
{
	db_run(db, db_bind(db, ST_ROLLBACK_TO, ""));
	db_run(db, db_bind(db, ST_RELEASE, ""));
	cache_clear(db);
}

/* Takes the results out again, but for why it was refused. */
static void clear_refused(struct db *db, struct par_tx *tx)
{
	enum par_error error = tx->error;
	const char *message = tx->message;

	clear_tx(db->api, tx);
	tx->error = error;
	tx->message = message;
}

/* Of a PRUNE `applied` says that there is more to do. */
static bool op_changed(const struct par_op *op)
{
	return op->result.applied || op->kind == PAR_OP_PRUNE;
}

static void run_tx(struct db *db, struct par_tx *tx)
{
	bool save = par_tx_may_undo(tx), good = true, changed = false;
	unsigned i;

	tx->error = PAR_OK;
	tx->message = NULL;
	if (save)
		good = db_run(db, db_bind(db, ST_SAVEPOINT, ""));
	for (i = 0; i < tx->n_ops && good; i++) {
		if (par_tx_wants(tx, i))
			good = run_op(db, tx, &tx->ops[i]);
		changed = changed || op_changed(&tx->ops[i]);
	}
	if (db->error != SQLITE_OK)
		return;
	if (!good)
		clear_refused(db, tx);
	if (save && !good && changed)
		undo_savepoint(db);
	else if (save)
		db_run(db, db_bind(db, ST_RELEASE, ""));
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
	case PAR_QUERY_DOCS:
		query_docs(db, q);
		return;
	case PAR_QUERY_MEMBERS:
		query_members(db, q);
		return;
	case PAR_QUERY_PEERS:
		query_peers(db, q);
		return;
	}
	query_refuse(q, PAR_E_INTERNAL, "no such query");
}

static bool work_writes(const struct work *work)
{
	return work->tx != NULL || work->query->kind == PAR_QUERY_DEVICE;
}

static bool works_write(const struct work *works, unsigned n)
{
	unsigned i;

	for (i = 0; i < n; i++) {
		if (work_writes(&works[i]))
			return true;
	}
	return false;
}

static void work_clear(struct db *db, struct work *work)
{
	if (work->tx != NULL)
		clear_tx(db->api, work->tx);
	else
		clear_query(db->api, work->query);
}

static void work_fail(struct db *db, struct work *work, int error)
{
	enum par_error code = db_error_passes(error) ? PAR_E_UNAVAILABLE : PAR_E_INTERNAL;

	work_clear(db, work);
	if (work->tx != NULL) {
		work->tx->error = code;
		work->tx->message = db_error_words(error);
	} else {
		work->query->error = code;
		work->query->message = db_error_words(error);
	}
}

/* Carries out the works in one commit, or none of them: then SQLite's code. */
static int attempt(struct worker *w, struct work *works, unsigned n)
{
	struct db *db = &w->db;
	bool writes = works_write(works, n);
	unsigned i;
	int error;

	db->error = SQLITE_OK;
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
	error = db_give_up(db);
	if (error != SQLITE_OK)
		cache_clear(db);
	if (db_error_damage(error))
		health_note(w, error);
	return error;
}

/* After they failed together, or because nothing can be written (`down`): one by
 * one. What is in need of what they all lack, such as a lock, or room on the
 * disk, fails without being tried once that is plain. How the last write
 * that was tried went is returned. */
static int run_alone(struct worker *w, struct work *works, unsigned n, int failed, bool down)
{
	int hopeless[2] = { SQLITE_OK, SQLITE_OK }, last = failed; /* of reads, of writes */
	unsigned i, failures[2] = { 0, 0 };

	if (down || (failed & 0xff) == SQLITE_BUSY)
		hopeless[true] = failed;
	for (i = 0; i < n; i++) {
		bool writes = work_writes(&works[i]);
		int error = hopeless[writes];

		if (error != SQLITE_OK) {
			w->api->metric_add(w->metrics.refused, 1);
			work_fail(&w->db, &works[i], error);
			continue;
		}
		w->api->metric_add(w->metrics.retries, 1);
		work_clear(&w->db, &works[i]);
		error = attempt(w, &works[i], 1);
		if (writes)
			last = error;
		if (error == SQLITE_OK)
			continue;
		w->api->metric_add(w->metrics.failures, 1);
		work_fail(&w->db, &works[i], error);
		if (db_error_passes(error) && ++failures[writes] == ALONE_FAILURES)
			hopeless[writes] = error;
	}
	return last;
}

/* The works have failed together. How the last write went is returned. */
static int run_apart(struct worker *w, struct work *works, unsigned n, int failed)
{
	if (n == 1) {
		w->api->metric_add(w->metrics.failures, 1);
		work_fail(&w->db, works, failed);
		return failed;
	}
	w->api->log(w->self, PAR_LOG_WARNING, "%u failed together and are tried alone: %s, code %d",
		    n, sqlite3_errstr(failed), failed);
	return run_alone(w, works, n, failed, false);
}

static void count_batch(struct worker *w, const struct work *works, unsigned n)
{
	unsigned i, n_txs = 0;

	for (i = 0; i < n; i++)
		n_txs += works[i].tx != NULL;
	w->api->metric_add(w->metrics.transactions, n_txs);
	w->api->metric_add(w->metrics.batches, 1);
	w->api->metric_set(w->metrics.batch_last, n);
	if (n > w->largest) {
		w->largest = n;
		w->api->metric_set(w->metrics.batch_max, n);
	}
}

void batch_run(struct worker *w, struct work *works, unsigned n)
{
	bool writes = works_write(works, n);
	int error;

	if (writes && !health_allows(w)) {
		run_alone(w, works, n, w->failing, true);
	} else {
		error = attempt(w, works, n);
		if (error != SQLITE_OK)
			error = run_apart(w, works, n, error);
		if (writes)
			health_note(w, error);
	}
	count_batch(w, works, n);
}
