/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * This server among those that use the database. Each is a row of `server`,
 * and each of its connections holds a lock in its name, which PostgreSQL takes back
 * when the connection is gone: a row whose lock is free is that of a server
 * that died. Called on the thread that makes a connection; blocks.
 */
#ifndef STORAGE_POSTGRES_SERVER_H
#define STORAGE_POSTGRES_SERVER_H

#include <libpq-fe.h>
#include <stdint.h>

#include "run.h"

/* The first number of all our advisory locks; the second is the server's, or 0 for
 * the tables (schema.c). */
#define SERVER_LOCK_CLASS "1348563564"

/* Forgets the servers that died, but for number $1. The lanes go one burial later: a server
 * that was only cut off for a while still finds there what became of its last commit. */
#define SERVER_BURY_LANES \
	"DELETE FROM lane WHERE id = ANY (ARRAY(SELECT l.id FROM lane l" \
	" WHERE NOT EXISTS (SELECT 1 FROM server s WHERE s.id = l.server)" \
	" AND l.server <> $1 FOR UPDATE SKIP LOCKED))"
#define SERVER_BURY \
	"DELETE FROM server WHERE id = ANY (ARRAY(SELECT s.id FROM server s" \
	" WHERE s.id <> $1 AND pg_try_advisory_xact_lock(" SERVER_LOCK_CLASS ", s.id::int)))"

/* Makes the server known in this connection: id 0 as a new one, else under the number
 * that it had, whoever may have buried it. Returns its number; 0 with the
 * reason. */
int64_t server_register(PGconn *conn, int64_t id, struct reason *reason);

/* Forgets the servers that died, but for `own`. What fails is left to the next time. */
void server_bury(PGconn *conn, int64_t own);

/* At an orderly end, in the last connection. */
void server_leave(PGconn *conn, int64_t id);

#endif
