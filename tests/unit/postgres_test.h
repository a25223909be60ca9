/* SPDX-License-Identifier: BSD-2-Clause */
/* What the tests of storage_postgres share: a database of a test's own, more servers on it,
 * and a look into it. They run in a cluster that tests/unit/check-postgres starts. */
#ifndef POSTGRES_TEST_H
#define POSTGRES_TEST_H

#include <libpq-fe.h>
#include <string.h>
#include <unistd.h>

#include "support/store.h"
#include "unit.h"

#define OBJECT PLUGIN_BUILD_DIR "/storage_postgres.so"
#define CONFIG "{\"conninfo\": \"dbname=fresh_@NAME@\"}"
#define PREPARE "psql -Xq -v ON_ERROR_STOP=1 -v name=fresh_@NAME@ -f '" FRESH_SQL "'"

/* On a database of its own; those of earlier ones go. */
static inline void postgres_open_with(struct store *s, const char *config)
{
	memset(s, 0, sizeof(*s));
	s->object = OBJECT;
	s->config = config;
	s->prepare = PREPARE;
	store_open_fresh(s);
}

static inline void postgres_open(struct store *s)
{
	postgres_open_with(s, CONFIG);
}

/* Another server on the database of `first`, which must not be closed before. */
static inline void postgres_open_beside(struct store *s, struct store *first)
{
	store_open(s, OBJECT, store_config(first));
}

/* A connection of somebody else. */
static inline PGconn *other_open(struct store *s)
{
	PGconn *other = PQconnectdb(store_format(s, "dbname=fresh_%s", strrchr(s->dir, '-') + 1));

	CU_ASSERT_EQUAL_FATAL(PQstatus(other), CONNECTION_OK);
	return other;
}

/* The first value that the database answers with, which lives as long as the store; "": it
 * is null; NULL: no row. */
static inline const char *ask_database(struct store *s, const char *sql)
{
	PGconn *other = other_open(s);
	PGresult *result = PQexec(other, sql);
	const char *value = NULL;

	if (PQresultStatus(result) == PGRES_FATAL_ERROR)
		fprintf(stderr, "%s: %s", sql, PQresultErrorMessage(result));
	CU_ASSERT_FATAL(PQresultStatus(result) != PGRES_FATAL_ERROR);
	if (PQntuples(result) > 0)
		value = store_format(s, "%s", PQgetvalue(result, 0, 0));
	PQclear(result);
	PQfinish(other);
	return value;
}

/* Lets both work side by side; their clocks go on while neither has anything to do. */
static inline void turn_both(struct store *a, struct store *b)
{
	bool moved;

	a->host->storage->flush(a->host->storage_state);
	b->host->storage->flush(b->host->storage_state);
	moved = host_drain(a->host);
	if (host_drain(b->host) || moved)
		return;
	usleep(1000);
	host_advance(a->host, 1);
	host_advance(b->host, 1);
}

/* Until they have completed everything. */
static inline void settle_both(struct store *a, struct store *b)
{
	while (a->host->in_flight + b->host->in_flight > 0)
		turn_both(a, b);
}

#endif
