/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copying the log into the file. SQLite would do it by itself, and would keep
 * to itself when it fails: then the log grows until it has filled the disk. It
 * runs in the worker, behind the commit that made the log long; readers and the
 * next writer do not wait for it. Where a reader holds on to an old state (a backup
 * does), what can be copied is, and the rest is tried some pages later.
 */
#include "worker.h"

#define CHECKPOINT_PAGES 2000 /* a few ms of copying */
#define CHECKPOINT_AGAIN 500

static void checkpoint(struct worker *w, const char *name)
{
	int rc =
	    sqlite3_wal_checkpoint_v2(w->db.handle, name, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
	bool failed = rc != SQLITE_OK && (rc & 0xff) != SQLITE_BUSY;

	if (failed)
		w->api->metric_add(w->metrics.checkpoint_failures, 1);
	if (failed && !w->checkpoint_failed)
		w->api->log(w->self, PAR_LOG_ERROR,
			    "cannot copy the log into the database, it grows: %s (%s, code %d)",
			    db_error_words(rc), sqlite3_errstr(rc), rc);
	else if (!failed && w->checkpoint_failed)
		w->api->log(w->self, PAR_LOG_INFO, "copying the log into the database again");
	w->checkpoint_failed = failed;
}

/* After each commit, outside of any transaction; `pages` are in the log now. What
 * it returns would be the result of the commit, which stands in any case. */
static int after_commit(void *arg, sqlite3 *handle, const char *name, int pages)
{
	struct worker *w = arg;

	(void)handle;
	w->api->metric_set(w->metrics.log_pages, pages);
	if (pages < CHECKPOINT_PAGES)
		w->checkpoint_at = CHECKPOINT_PAGES;
	if (pages < w->checkpoint_at)
		return SQLITE_OK;
	w->checkpoint_at = pages + CHECKPOINT_AGAIN;
	checkpoint(w, name);
	return SQLITE_OK;
}

void checkpoint_init(struct worker *w)
{
	w->checkpoint_at = CHECKPOINT_PAGES;
	sqlite3_wal_hook(w->db.handle, after_commit, w);
}
