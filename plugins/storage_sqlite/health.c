/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whether anything can be stored, as the worker knows it. Once it is plain that
 * nothing can, whatever would write fails at once, and every RETRY_US one small
 * transaction of our own finds out whether it can again: when work comes, or by
 * itself when none does. That one does not wait for a lock, so no work does.
 *
 * Where what is small still fits and what is large does not, that finds out "it can"
 * again and again, and the next work that it cannot. Work is tried each time, but one
 * that fails soon after it was called well is called so again only when CALM_US have
 * passed without a failure: the log and /readyz do not follow every turn.
 *
 * A file that is damaged is another matter: what does not touch the damage still
 * works, so nothing is held back, but the server says so until it is started anew.
 */
#include "worker.h"

/* How often to look whether the file is still in its place. */
#define LOOK_US 1000000
#define CALM_US 2000000

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

static void note_failure(struct worker *w)
{
	w->tried_at = w->failed_at = clock_us();
	if (!w->unwell)
		w->calm = w->failed_at - w->well_at < CALM_US ? CALM_US : 0;
	w->unwell = true;
}

/* It could store. */
static void note_success(struct worker *w)
{
	uint64_t now;

	if (!w->unwell)
		return;
	now = clock_us();
	if (now - w->failed_at < w->calm)
		return;
	w->well_at = now;
	w->unwell = false;
}

void health_note(struct worker *w, int error)
{
	if (db_error_damage(error)) {
		w->damage = error;
	} else if (error == SQLITE_OK) {
		w->failing = SQLITE_OK;
		note_success(w);
	} else if (db_error_passes(error)) {
		w->failing = error;
		note_failure(w);
	}
	if (w->failing != SQLITE_OK)
		say(w, db_error_words(w->failing), w->failing);
	else if (!w->unwell)
		say(w, w->damage == SQLITE_OK ? NULL : db_error_words(w->damage), w->damage);
}

void health_probe(struct worker *w)
{
	struct db *db = &w->db;

	w->tried_at = clock_us();
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
