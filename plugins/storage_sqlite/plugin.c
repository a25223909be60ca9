/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The embedded storage: one SQLite file, one thread that owns it (worker.h).
 * This file is the plugin's side that the server sees: options, metrics, the
 * role. It runs on the core thread and hands everything on.
 */
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "worker.h"

struct sqlite {
	struct worker worker;
	char *path;
	uint64_t busy_timeout;
};

static void sqlite_submit(void *state, struct par_tx *tx)
{
	struct sqlite *s = state;

	worker_submit(&s->worker, tx);
}

static void sqlite_query(void *state, struct par_query *query)
{
	struct sqlite *s = state;

	worker_query(&s->worker, query);
}

static void sqlite_flush(void *state)
{
	struct sqlite *s = state;

	worker_flush(&s->worker);
}

static const char *sqlite_down(void *state)
{
	struct sqlite *s = state;

	return atomic_load_explicit(&s->worker.down, memory_order_relaxed);
}

static const struct par_storage_role sqlite_role = {
	.size = sizeof(struct par_storage_role),
	.submit = sqlite_submit,
	.query = sqlite_query,
	.flush = sqlite_flush,
	.down = sqlite_down,
};

static const struct par_option sqlite_options[] = {
	{ "path", PAR_OPT_STRING, "/var/lib/parlance/parlance.db", 0, 0, NULL,
	  "The database file; its folder must exist and be writable." },
	{ "busy_timeout", PAR_OPT_DURATION, "1s", 0, 60000, NULL,
	  "How long to wait when another process holds the file's lock." },
	{ "batch", PAR_OPT_INT, "1000", 1, 100000, NULL,
	  "The most transactions that share one commit." },
	{ NULL, PAR_OPT_INT, NULL, 0, 0, NULL, NULL },
};

static int64_t option_int(struct json_object *config, const char *name)
{
	return json_object_get_int64(json_object_object_get(config, name));
}

static void add_metrics(struct worker *w)
{
	struct worker_metrics *m = &w->metrics;
	const struct par_api *api = w->api;

	m->transactions = api->add_metric(w->self, PAR_COUNTER, "transactions_total",
					  "Transactions carried out or refused.");
	m->failures = api->add_metric(w->self, PAR_COUNTER, "failures_total",
				      "Transactions and queries that failed in SQLite.");
	m->refused = api->add_metric(w->self, PAR_COUNTER, "refused_total",
				     "Transactions refused at once, as nothing could be stored.");
	m->retries = api->add_metric(w->self, PAR_COUNTER, "retries_total",
				     "Transactions and queries tried alone after a batch failed.");
	m->batches = api->add_metric(w->self, PAR_COUNTER, "batches_total", "Commits.");
	m->batch_last = api->add_metric(w->self, PAR_GAUGE, "batch_size",
					"Transactions and queries in the last batch.");
	m->batch_max = api->add_metric(w->self, PAR_GAUGE, "batch_size_max",
				       "Transactions and queries in the largest batch so far.");
	m->commit_us = api->add_metric(w->self, PAR_COUNTER, "commit_microseconds_total",
				       "Time spent in commits.");
	m->log_pages =
	    api->add_metric(w->self, PAR_GAUGE, "log_pages", "Pages in the log beside the file.");
	m->checkpoint_failures = api->add_metric(w->self, PAR_COUNTER, "checkpoint_failures_total",
						 "Failed attempts to copy the log into the file.");
	m->queue = api->add_metric(w->self, PAR_GAUGE, "queue_length",
				   "Transactions and queries that wait for a batch.");
}

static void sqlite_unload(void *state)
{
	struct sqlite *s = state;

	worker_free(&s->worker);
	free(s->path);
	free(s);
}

static void *sqlite_load(const struct par_api *api, struct par_plugin *self,
			 struct json_object *config, char *error, size_t error_size)
{
	struct sqlite *s = calloc(1, sizeof(*s));
	const char *path = json_object_get_string(json_object_object_get(config, "path"));

	if (s == NULL || path == NULL || (s->path = strdup(path)) == NULL) {
		snprintf(error, error_size, "out of memory");
		free(s);
		return NULL;
	}
	s->busy_timeout = (uint64_t)option_int(config, "busy_timeout");
	s->worker.batch_max = (unsigned)option_int(config, "batch");
	s->worker.api = s->worker.db.api = api;
	s->worker.self = self;
	s->worker.db.lock_fd = -1;
	par_json_init(&s->worker.db.writer);
	worker_init(&s->worker);
	add_metrics(&s->worker);
	if (!api->provide_storage(self, &sqlite_role, s)) {
		snprintf(error, error_size, "another storage is enabled: keep one of the two");
		sqlite_unload(s);
		return NULL;
	}
	return s;
}

static bool sqlite_start(void *state, char *error, size_t error_size)
{
	struct sqlite *s = state;

	/* The statistics of SQLite's allocator cost a lock each; it is too late to
	 * ask for their absence only where something else started SQLite before. */
	sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
	if (!db_open(&s->worker.db, s->path, s->busy_timeout, error, error_size))
		return false;
	checkpoint_init(&s->worker);
	if (worker_start(&s->worker, error, error_size))
		return true;
	db_close(&s->worker.db);
	return false;
}

static void sqlite_stop(void *state)
{
	struct sqlite *s = state;

	worker_stop(&s->worker);
	if (s->worker.db.handle != NULL)
		db_close(&s->worker.db);
}

const struct par_descriptor par_plugin_descriptor = {
	PAR_DESCRIPTOR_HEAD,
	.name = "storage_sqlite",
	.version = "0.1.0",
	.summary = "Keeps everything in one SQLite file; needs no database server.",
	.options = sqlite_options,
	.load = sqlite_load,
	.start = sqlite_start,
	.stop = sqlite_stop,
	.unload = sqlite_unload,
};
