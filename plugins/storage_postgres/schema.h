/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The tables, as numbered migrations. Called on the thread that makes a
 * connection; blocks.
 */
#ifndef STORAGE_POSTGRES_SCHEMA_H
#define STORAGE_POSTGRES_SCHEMA_H

#include <libpq-fe.h>
#include <stdbool.h>

#include "run.h"

/* Brings the database to the version of this server, under a lock, or refuses one that is
 * too new or not ours. False with what to do about it. Without anything to do it
 * only reads, and needs no right but that. */
bool schema_migrate(PGconn *conn, struct reason *reason);

/* Whether the tables are still such that this server may write them: while it was away, a
 * newer one may have changed them. For a connection that is made again. */
bool schema_check(PGconn *conn, struct reason *reason);

#endif
