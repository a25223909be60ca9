/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * This server's row and its locks. The lock comes before the row can be seen, or
 * before it is made again: so there is never a moment in which another server could
 * take this one for dead.
 */
#include "server.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ms. Who ends without leaving is buried by another, so this is not worth a wait. */
#define LEAVE_LIMIT 1000

/* Clears the result; false, with the reason, when it is none. */
static bool check(PGresult *result, struct reason *reason)
{
	bool good = run_good(result, "cannot enter this server in table server", reason);

	PQclear(result);
	return good;
}

static bool take_lock(PGconn *conn, const char *id, struct reason *reason)
{
	return check(run_statement(conn,
				   "SELECT pg_advisory_lock_shared(" SERVER_LOCK_CLASS ", $1::int)",
				   1, &id),
		     reason);
}

/* What a person finds the server by. */
static void server_name(char *name, size_t size)
{
	char host[128];

	if (gethostname(host, sizeof(host)) != 0)
		snprintf(host, sizeof(host), "?");
	host[sizeof(host) - 1] = '\0';
	snprintf(name, size, "%s:%ld", host, (long)getpid());
}

/* In a transaction, so that nobody sees the row before it is locked. */
static int64_t make(PGconn *conn, const char *name, struct reason *reason)
{
	PGresult *result;
	char text[24] = "";

	if (!check(run_statement(conn, "BEGIN", 0, NULL), reason))
		return 0;
	result =
	    run_statement(conn, "INSERT INTO server (name) VALUES ($1) RETURNING id", 1, &name);
	if (PQresultStatus(result) == PGRES_TUPLES_OK)
		snprintf(text, sizeof(text), "%s", PQgetvalue(result, 0, 0));
	if (check(result, reason) && take_lock(conn, text, reason) &&
	    check(run_statement(conn, "COMMIT", 0, NULL), reason))
		return strtoll(text, NULL, 10);
	PQclear(run_statement(conn, "ROLLBACK", 0, NULL));
	return 0;
}

int64_t server_register(PGconn *conn, int64_t id, struct reason *reason)
{
	char name[160], text[24];
	const char *const values[2] = { text, name };

	server_name(name, sizeof(name));
	if (id == 0)
		return make(conn, name, reason);
	snprintf(text, sizeof(text), "%" PRId64, id);
	if (!take_lock(conn, text, reason) ||
	    !check(run_statement(conn,
				 "INSERT INTO server (id, name) OVERRIDING SYSTEM VALUE"
				 " VALUES ($1::bigint, $2) ON CONFLICT (id) DO NOTHING",
				 2, values),
		   reason))
		return 0;
	return id;
}

static void with_id(PGconn *conn, uint64_t limit, const char *sql, int64_t id)
{
	char text[24];
	const char *const values[1] = { text };

	snprintf(text, sizeof(text), "%" PRId64, id);
	PQclear(run_limited(conn, limit, sql, 1, values));
}

void server_bury(PGconn *conn, int64_t own)
{
	with_id(conn, RUN_LIMIT, SERVER_BURY_LANES, own);
	with_id(conn, RUN_LIMIT, SERVER_BURY, own);
}

void server_leave(PGconn *conn, int64_t id)
{
	with_id(conn, LEAVE_LIMIT, "DELETE FROM lane WHERE server = $1", id);
	with_id(conn, LEAVE_LIMIT, "DELETE FROM server WHERE id = $1", id);
}
