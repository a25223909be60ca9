/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The thread that owns the database, and the two queues between it and the
 * core. worker_submit and worker_query only add to a list of the core's own;
 * worker_flush hands the list over, under the lock, and wakes the thread if it
 * sleeps. The thread takes all there is, puts it into one commit, and hands it
 * back as a whole with one post to the core.
 */
#ifndef STORAGE_SQLITE_WORKER_H
#define STORAGE_SQLITE_WORKER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <time.h>

#include "db.h"

/* How often a storage that is down is tried. */
#define RETRY_US 250000

/* A tx or a query; the other is NULL. */
struct work {
	struct par_tx *tx;
	struct par_query *query;
};

struct work_list {
	struct work *works;
	unsigned n, cap;
};

struct worker_metrics {
	struct par_metric *transactions, *failures, *retries, *batches;
	struct par_metric *batch_last, *batch_max, *commit_us, *queue;
	struct par_metric *refused, *log_pages, *checkpoint_failures;
};

struct worker {
	const struct par_api *api;
	struct par_plugin *self;
	struct worker_metrics metrics;
	unsigned batch_max; /* works in one commit */
	_Atomic(const char *) down; /* why nothing can be stored; static; NULL: all is well */

	/* the core's */
	struct work_list collected;
	pthread_t thread;
	bool running;

	/* under the lock */
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct work_list queued;
	struct work_list finished;
	bool sleeping;
	bool stopping;
	bool posted; /* a worker_deliver is on its way to the core */

	/* the thread's, while it runs */
	struct db db;
	unsigned largest; /* batch so far */
	int failing; /* SQLite's code, while nothing can be stored; else SQLITE_OK */
	int damage; /* likewise, of a damaged file */
	bool unwell; /* it failed, and was not called well since */
	uint64_t tried_at, looked_at, failed_at, well_at; /* on clock_us */
	uint64_t calm; /* how long after a failure it may be called well */
	int checkpoint_at; /* pages of the log */
	bool checkpoint_failed;
};

void worker_init(struct worker *w);
/* The database is open already. */
bool worker_start(struct worker *w, char *error, size_t error_size);
/* Finishes all that was submitted, hands it back, and ends the thread. What is
 * submitted later is refused. */
void worker_stop(struct worker *w);
void worker_free(struct worker *w);
void worker_submit(struct worker *w, struct par_tx *tx);
void worker_query(struct worker *w, struct par_query *query);
void worker_flush(struct worker *w);

/* batch.c: carries out the works and leaves their results in them. */
void batch_run(struct worker *w, struct work *works, unsigned n);

/* health.c. Whether it makes sense to write. */
bool health_allows(struct worker *w);
/* How the last attempt to write went, or what damage was met: SQLite's code. */
void health_note(struct worker *w, int error);
/* Tries whether the database can be written again. */
void health_probe(struct worker *w);

/* checkpoint.c: before the thread starts, after the database is open. */
void checkpoint_init(struct worker *w);

static inline uint64_t clock_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

#endif
