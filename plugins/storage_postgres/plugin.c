/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The storage on PostgreSQL (postgres.h): options, metrics, the role. It runs on the
 * core thread and hands everything on to the pool.
 */
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "postgres.h"

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

static void postgres_unload(void *state)
{
	struct postgres *pg = state;

	free((char *)pg->options.conninfo);
	free(pg);
}

static void *postgres_load(const struct par_api *api, struct par_plugin *self,
			   struct json_object *config, char *error, size_t error_size)
{
	struct postgres *pg = calloc(1, sizeof(*pg));

	(void)config;
	if (pg == NULL) {
		snprintf(error, error_size, "out of memory");
		return NULL;
	}
	pg->api = api;
	pg->self = self;
	return pg;
}

static bool postgres_start(void *state, char *error, size_t error_size)
{
	(void)state;
	snprintf(error, error_size, "this storage is not finished: use storage_sqlite");
	return false;
}

static void postgres_stop(void *state)
{
	(void)state;
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
