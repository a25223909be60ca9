/* SPDX-License-Identifier: BSD-2-Clause */
/* Waiting with a limit. The connection is non-blocking meanwhile, so that a large
 * statement does not block in sending either. */
#include "run.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>

#include "sqlstate.h"

static uint64_t clock_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

uint64_t run_deadline(uint64_t limit)
{
	return clock_ms() + limit;
}

/* False when the deadline came first. */
static bool wait_ready(PGconn *conn, bool writing, uint64_t deadline)
{
	struct pollfd fd = { PQsocket(conn), (short)(POLLIN | (writing ? POLLOUT : 0)), 0 };
	uint64_t now = clock_ms();

	if (now >= deadline)
		return false;
	return poll(&fd, 1, (int)(deadline - now)) >= 0 || errno == EINTR;
}

PGresult *run_next(PGconn *conn, uint64_t deadline)
{
	for (;;) {
		int unsent = PQflush(conn);

		if (unsent == 0 && !PQisBusy(conn))
			return PQgetResult(conn);
		if (unsent < 0 || !wait_ready(conn, unsent > 0, deadline))
			break;
		if (PQconsumeInput(conn) == 0)
			break;
	}
	/* What reads from it from here on finds that it has ended. */
	shutdown(PQsocket(conn), SHUT_RDWR);
	return PQgetResult(conn);
}

PGresult *run_limited(PGconn *conn, uint64_t limit, const char *sql, int n,
		      const char *const *values)
{
	uint64_t deadline = run_deadline(limit);
	PGresult *result, *last = NULL;
	int sent;

	PQsetnonblocking(conn, 1);
	if (n == 0)
		sent = PQsendQuery(conn, sql);
	else
		sent = PQsendQueryParams(conn, sql, n, NULL, values, NULL, NULL, 0);
	if (!sent)
		return PQmakeEmptyPGresult(conn, PGRES_FATAL_ERROR);
	while ((result = run_next(conn, deadline)) != NULL) {
		PQclear(last);
		last = result;
	}
	return last == NULL ? PQmakeEmptyPGresult(conn, PGRES_FATAL_ERROR) : last;
}

void run_no_notice(void *arg, const PGresult *result)
{
	(void)arg;
	(void)result;
}

bool run_good(const PGresult *result, const char *doing, struct reason *reason)
{
	ExecStatusType status = PQresultStatus(result);
	const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	const char *words = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);

	if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK)
		return true;
	if (state == NULL || words == NULL) {
		state = SQLSTATE_LOST;
		words = "the connection to PostgreSQL was lost";
	}
	snprintf(reason->sqlstate, sizeof(reason->sqlstate), "%s", state);
	snprintf(reason->text, reason->size, "%s: %s", doing, words);
	return false;
}
