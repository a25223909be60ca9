/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Running a statement and waiting for it, on the thread that makes a connection:
 * as PQexec does, but never for ever. libpq's own functions wait as long as the
 * server holds the connection open, also when it has stopped answering.
 */
#ifndef STORAGE_POSTGRES_RUN_H
#define STORAGE_POSTGRES_RUN_H

#include <libpq-fe.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Why something was refused: for whoever is to mend it. */
struct reason {
	char *text;
	size_t size;
	char sqlstate
	    [6]; /* of the statement that PostgreSQL refused; "" when it was not PostgreSQL */
};

/* ms that one statement may take, and one of a migration. */
#define RUN_LIMIT 10000
#define RUN_LIMIT_LONG 3600000

/* `n` parameters in text, the result in text. n 0: there may be several statements, and the result
 * is the last one's or that of the first that failed. Never NULL but for want of memory; after
 * `limit` ms the connection is closed and the result is an error without SQLSTATE. */
PGresult *run_limited(PGconn *conn, uint64_t limit, const char *sql, int n,
		      const char *const *values);

static inline PGresult *run_statement(PGconn *conn, const char *sql, int n,
				      const char *const *values)
{
	return run_limited(conn, RUN_LIMIT, sql, n, values);
}

/* Whether the result is one; else why not: PostgreSQL's words behind `doing`. */
bool run_good(const PGresult *result, const char *doing, struct reason *reason);

/* Waits until what was asked in pipeline mode has been sent and the next result is there:
 * that result, or NULL where PQgetResult says so. `deadline` as run_deadline gives it. */
PGresult *run_next(PGconn *conn, uint64_t deadline);
uint64_t run_deadline(uint64_t limit);

/* PQsetNoticeReceiver: libpq itself would print them. */
void run_no_notice(void *arg, const PGresult *result);

#endif
