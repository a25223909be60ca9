/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whether anything can be stored, as the worker knows it. Once it is plain that
 * nothing can, whatever would write fails at once, and every RETRY_US one small
 * transaction of our own finds out whether it can again: when work comes, or by
 * itself when none does. That one does not wait for a lock, so no work does.
 *
 * A file that is damaged is another matter: what does not touch the damage still
 * works, so nothing is held back, but the server says so until it is started anew.
 */
#include "worker.h"

/* How often to look whether the file is still in its place. */
#define LOOK_US 1000000

static bool is_damage(int error)
{
	return (error & 0xff) == SQLITE_CORRUPT || (error & 0xff) == SQLITE_NOTADB;
}

/* Tells the core why, and the log when that changes. */
static void say(struct worker *w, const char *words, int error)
{
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

void health_note(struct worker *w, int error)
{
	if (is_damage(error))
		w->damage = error;
	else if (error == SQLITE_OK || db_error_passes(error))
		w->failing = error;
	if (w->failing != SQLITE_OK) {
		w->tried_at = clock_us();
		say(w, db_error_words(w->failing), w->failing);
	} else {
		say(w, w->damage == SQLITE_OK ? NULL : db_error_words(w->damage), w->damage);
	}
}

void health_probe(struct worker *w)
{
	struct db *db = &w->db;

	if (db_moved(db)) {
		health_note(w, SQLITE_READONLY_DBMOVED);
		return;
	}
	db_wait_for_lock(db, false);
	db->error = SQLITE_OK;
	if (db_run(db, db_bind(db, ST_BEGIN, "")) && db_run(db, db_bind(db, ST_PROBE, "")))
		db_run(db, db_bind(db, ST_COMMIT, ""));
	health_note(w, db_give_up(db));
	db_wait_for_lock(db, true);
}

bool health_allows(struct worker *w)
{
	uint64_t now = clock_us();

	if (w->failing != SQLITE_OK) {
		if (now - w->tried_at >= RETRY_US)
			health_probe(w);
	} else if (now - w->looked_at >= LOOK_US) {
		w->looked_at = now;
		if (db_moved(&w->db))
			health_note(w, SQLITE_READONLY_DBMOVED);
	}
	return w->failing == SQLITE_OK;
}
