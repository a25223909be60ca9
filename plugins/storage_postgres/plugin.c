/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The storage on PostgreSQL (postgres.h): options, metrics, the role. It runs on the
 * core thread and hands everything on to the pool.
 */
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "connect.h"
#include "pool.h"

static const struct par_option postgres_options[] = {
	{ "conninfo", PAR_OPT_STRING, "dbname=parlance", 0, 0, NULL,
	  "Where the database is, as libpq takes it: keywords or a URI." },
	{ "connections", PAR_OPT_INT, "4", 1, 32, NULL,
	  "How many connections to it are kept open." },
	{ "batch", PAR_OPT_INT, "1000", 1, 10000, NULL,
	  "The most transactions that share one commit." },
	{ "connect_timeout", PAR_OPT_DURATION, "5s", 1000, 60000, NULL,
	  "How long making a connection to one host may take." },
	{ "timeout", PAR_OPT_DURATION, "5s", 200, 60000, NULL,
	  "How long PostgreSQL may take for a step, and how long something may wait for it." },
	{ NULL, PAR_OPT_INT, NULL, 0, 0, NULL, NULL },
};

static void postgres_submit(void *state, struct par_tx *tx)
{
	struct postgres *pg = state;

	queue_add_tx(&pg->queue, tx, pg->ticks);
}

static void postgres_query(void *state, struct par_query *query)
{
	struct postgres *pg = state;

	queue_add_query(&pg->queue, query, pg->ticks);
}

static void postgres_flush(void *state)
{
	struct postgres *pg = state;

	if (pg->queue.waiting > 0)
		pool_feed(pg);
}

static const char *postgres_down(void *state)
{
	struct postgres *pg = state;

	return pg->down;
}

static const struct par_storage_role postgres_role = {
	.size = sizeof(struct par_storage_role),
	.submit = postgres_submit,
	.query = postgres_query,
	.flush = postgres_flush,
	.down = postgres_down,
};

static void add_metrics(struct postgres *pg)
{
	struct postgres_metrics *m = &pg->metrics;
	const struct {
		struct par_metric **metric;
		enum par_metric_kind kind;
		const char *name, *help;
	} list[] = {
		{ &m->transactions, PAR_COUNTER, "transactions_total",
		  "Transactions carried out or refused." },
		{ &m->queries, PAR_COUNTER, "queries_total", "Queries answered or refused." },
		{ &m->failures, PAR_COUNTER, "failures_total",
		  "Transactions and queries that failed in PostgreSQL, or for want of it." },
		{ &m->refused, PAR_COUNTER, "refused_total",
		  "Those of them refused at once, as the database was known to be down." },
		{ &m->retries, PAR_COUNTER, "retries_total",
		  "Transactions and queries tried once more." },
		{ &m->in_doubt, PAR_COUNTER, "in_doubt_total",
		  "Transactions whose connection was lost while they were committed." },
		{ &m->batches, PAR_COUNTER, "batches_total",
		  "Batches of transactions or queries carried out." },
		{ &m->batch_last, PAR_GAUGE, "batch_size",
		  "Transactions or queries in the last batch." },
		{ &m->batch_max, PAR_GAUGE, "batch_size_max",
		  "Transactions or queries in the largest batch so far." },
		{ &m->commit_us, PAR_COUNTER, "commit_microseconds_total",
		  "Time between the sending of a batch's changes and the end of its commit." },
		{ &m->queue, PAR_GAUGE, "queue_length",
		  "Transactions and queries that wait for a batch." },
		{ &m->connections, PAR_GAUGE, "connections", "Connections to PostgreSQL now." },
		{ &m->connects, PAR_COUNTER, "connects_total", "Connections made." },
		{ &m->losses, PAR_COUNTER, "losses_total", "Connections lost or given up." },
	};
	size_t i;

	for (i = 0; i < sizeof(list) / sizeof(list[0]); i++)
		*list[i].metric =
		    pg->api->add_metric(pg->self, list[i].kind, list[i].name, list[i].help);
}

static int64_t option_int(struct json_object *config, const char *name)
{
	return json_object_get_int64(json_object_object_get(config, name));
}

static void postgres_unload(void *state)
{
	struct postgres *pg = state;

	pool_free(pg);
	queue_free(&pg->queue);
	free(pg->conninfo);
	free(pg);
}

/* False with a message in `error`. */
static bool take_options(struct postgres *pg, struct json_object *config, char *error,
			 size_t error_size)
{
	const char *conninfo = json_object_get_string(json_object_object_get(config, "conninfo"));

	pg->conninfo = conninfo == NULL ? NULL : strdup(conninfo);
	if (pg->conninfo == NULL) {
		snprintf(error, error_size, "out of memory");
		return false;
	}
	pg->options.conninfo = pg->conninfo;
	pg->options.connections = (unsigned)option_int(config, "connections");
	pg->options.batch = (unsigned)option_int(config, "batch");
	pg->options.connect_timeout = (uint64_t)option_int(config, "connect_timeout");
	pg->options.timeout = (uint64_t)option_int(config, "timeout");
	return connect_check(conninfo, error, error_size);
}

static void *postgres_load(const struct par_api *api, struct par_plugin *self,
			   struct json_object *config, char *error, size_t error_size)
{
	struct postgres *pg = calloc(1, sizeof(*pg));

	if (pg == NULL) {
		snprintf(error, error_size, "out of memory");
		return NULL;
	}
	pg->api = api;
	pg->self = self;
	queue_init(&pg->queue);
	add_metrics(pg);
	if (!take_options(pg, config, error, error_size)) {
		postgres_unload(pg);
		return NULL;
	}
	if (!api->provide_storage(self, &postgres_role, pg)) {
		snprintf(error, error_size, "another storage is enabled: keep one of the two");
		postgres_unload(pg);
		return NULL;
	}
	return pg;
}

static bool postgres_start(void *state, char *error, size_t error_size)
{
	struct postgres *pg = state;

	return pool_start(pg, error, error_size);
}

static void postgres_stop(void *state)
{
	struct postgres *pg = state;

	pool_stop(pg);
}

const struct par_descriptor par_plugin_descriptor = {
	PAR_DESCRIPTOR_HEAD,
	.name = "storage_postgres",
	.version = "0.1.0",
	.summary = "Keeps everything in a PostgreSQL database, which several servers may share.",
	.options = postgres_options,
	.load = postgres_load,
	.start = postgres_start,
	.stop = postgres_stop,
	.unload = postgres_unload,
};
