/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The steps of a batch. What a step asks goes into libpq's buffer and leaves with the
 * Sync at its end in one write; the results come in as they arrive, and the Sync's
 * answer ends the step. Once something was refused the rest of the step is skipped by
 * the server; then the transaction is rolled back and the batch is judged
 * (outcome.c).
 *
 * Everything that can find the connection broken returns at once afterwards: lane_lose
 * has given the batch away, and the lane may have another life already.
 */
#include "lane.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "dial.h"

static uint64_t clock_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static void *grow(void *list, unsigned *cap, size_t size)
{
	*cap = *cap == 0 ? 64 : *cap * 2;
	list = realloc(list, *cap * size);
	if (list == NULL)
		abort();
	return list;
}

void lane_init(struct lane *lane, struct postgres *pg)
{
	memset(lane, 0, sizeof(*lane));
	lane->pg = pg;
	params_init(&lane->params);
}

void lane_free(struct lane *lane)
{
	params_free(&lane->params);
	free(lane->asked);
	free(lane->results.list);
	free(lane->spare.list);
}

/* The first line of them: libpq's other ones guess at what it may mean. */
static void set_words(struct lane *lane, const char *words)
{
	snprintf(lane->words, sizeof(lane->words), "%.*s", (int)strcspn(words, "\n"), words);
}

/* Notes the first failure of the batch; what is asked from here on is not sent. */
static void note_failure(struct lane *lane, const char *sqlstate, const char *words)
{
	if (lane->failed)
		return;
	lane->failed = true;
	snprintf(lane->sqlstate, sizeof(lane->sqlstate), "%s", sqlstate);
	set_words(lane, words);
}

/* --- asking --- */

static void ask(struct lane *lane, enum statement statement, bool own)
{
	struct params *p = &lane->params;

	if (!lane->failed && !params_finish(p))
		note_failure(lane, SQLSTATE_TOO_LARGE, "too many parameters, or too large");
	if (!lane->failed &&
	    PQsendQueryPrepared(lane->connection.conn, statement_name(statement), (int)p->n,
				p->values, p->lengths, p->formats, 1) == 0)
		note_failure(lane, SQLSTATE_LOST, PQerrorMessage(lane->connection.conn));
	params_clear(p);
	if (lane->failed)
		return;
	if (lane->n_asked == lane->cap_asked)
		lane->asked = grow(lane->asked, &lane->cap_asked, sizeof(*lane->asked));
	lane->asked[lane->n_asked++] = (struct asked){ statement, own };
}

struct params *lane_params(struct lane *lane)
{
	params_clear(&lane->params);
	return &lane->params;
}

void lane_ask(struct lane *lane, enum statement statement)
{
	ask(lane, statement, false);
}

void lane_begin(struct lane *lane)
{
	struct params *p = lane_params(lane);

	ask(lane, ST_BEGIN, true);
	params_int8(p, params_value(p, PARAM_INT8), lane->connection.lane);
	params_int8(p, params_value(p, PARAM_INT8), lane->connection.batch + 1);
	ask(lane, ST_LANE_MARK, true);
}

void lane_commit(struct lane *lane)
{
	lane_params(lane);
	ask(lane, ST_COMMIT, true);
	if (lane->failed)
		return;
	lane->committing = true;
	lane->commit_began = clock_us();
}

void lane_rollback(struct lane *lane)
{
	lane_params(lane);
	ask(lane, ST_ROLLBACK, true);
}

const PGresult *lane_result(const struct lane *lane, unsigned i)
{
	return lane->results.list[lane->first_result + i];
}

/* --- sending --- */

static void watch(struct lane *lane, bool writing)
{
	const struct par_api *api = lane->pg->api;

	api->watch_change(lane->pg->self, lane->watch, PAR_READABLE | (writing ? PAR_WRITABLE : 0));
}

/* False when the connection was lost. */
static bool flush(struct lane *lane)
{
	int unsent = PQflush(lane->connection.conn);

	if (unsent < 0) {
		lane_lose(lane, SQLSTATE_LOST, PQerrorMessage(lane->connection.conn));
		return false;
	}
	watch(lane, unsent > 0);
	return true;
}

/* Sends what was asked. */
static void go(struct lane *lane)
{
	if (strcmp(lane->sqlstate, SQLSTATE_LOST) == 0 ||
	    PQpipelineSync(lane->connection.conn) == 0) {
		lane_lose(lane, SQLSTATE_LOST, PQerrorMessage(lane->connection.conn));
		return;
	}
	lane->since = lane->pg->ticks;
	lane->first_result = lane->results.n;
	flush(lane);
}

static void begin(struct lane *lane)
{
	lane->committing = lane->committed = lane->rolling = lane->failed = false;
	lane->sqlstate[0] = lane->words[0] = '\0';
	lane->batch.step = 0;
	lane->batch.world = NULL;
	lane->state = LANE_BUSY;
	lane->kind->begin(&lane->batch);
	if (lane->n_asked == 0 && !lane->failed)
		outcome_done(lane);
	else
		go(lane);
}

void lane_start(struct lane *lane, const struct batch_kind *kind, struct work *works, unsigned n)
{
	lane->kind = kind;
	lane->attempts = 0;
	lane->began = lane->pg->ticks;
	memset(&lane->batch, 0, sizeof(lane->batch));
	lane->batch.pg = lane->pg;
	lane->batch.lane = lane;
	lane->batch.works = works;
	lane->batch.n = n;
	begin(lane);
}

void lane_resume(struct lane *lane)
{
	begin(lane);
}

/* --- receiving --- */

static void keep(struct lane *lane, PGresult *result)
{
	struct results *r = &lane->results;

	if (r->n == r->cap)
		r->list = grow(r->list, &r->cap, sizeof(*r->list));
	r->list[r->n++] = result;
}

/* The lane's own statements: whether they did what they should. */
static void take_own(struct lane *lane, enum statement statement, const PGresult *result)
{
	/* Somebody removed the row: connecting again makes one. */
	if (statement == ST_LANE_MARK && PQntuples(result) != 1)
		note_failure(lane, "57000", "the lane's row is gone");
	if (statement != ST_COMMIT)
		return;
	if (strcmp(PQcmdStatus((PGresult *)result), "COMMIT") == 0)
		lane->committed = true;
	else
		note_failure(lane, SQLSTATE_UNKNOWN, "the transaction was not committed");
}

static void take_answer(struct lane *lane, PGresult *result)
{
	const struct asked *asked = &lane->asked[lane->n_answered++];

	if (asked->own) {
		take_own(lane, asked->statement, result);
		PQclear(result);
	} else {
		keep(lane, result);
	}
}

static void take_refusal(struct lane *lane, PGresult *result)
{
	const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	const char *words = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);

	if (lane->n_answered < lane->n_asked)
		lane->n_answered++;
	note_failure(lane, state == NULL ? SQLSTATE_LOST : state,
		     words == NULL ? "no answer" : words);
	PQclear(result);
}

/* Takes what is there. True when the step is over. */
static bool take_results(struct lane *lane)
{
	PGconn *conn = lane->connection.conn;

	while (PQstatus(conn) == CONNECTION_OK && !PQisBusy(conn)) {
		PGresult *result = PQgetResult(conn);

		switch (PQresultStatus(result)) {
		case PGRES_PIPELINE_SYNC:
			PQclear(result);
			return true;
		case PGRES_COMMAND_OK:
		case PGRES_TUPLES_OK:
			if (lane->n_answered < lane->n_asked) {
				take_answer(lane, result);
				break;
			}
			/* fall through */
		default:
			/* NULL stands between the results of two statements */
			if (result != NULL)
				take_refusal(lane, result);
		}
	}
	return false;
}

/* Where something failed in a transaction that is open still. */
static void roll_back(struct lane *lane)
{
	lane->rolling = true;
	if (PQsendQueryPrepared(lane->connection.conn, statement_name(ST_ROLLBACK), 0, NULL, NULL,
				NULL, 1) == 0) {
		lane_lose(lane, SQLSTATE_LOST, PQerrorMessage(lane->connection.conn));
		return;
	}
	if (lane->n_asked == lane->cap_asked)
		lane->asked = grow(lane->asked, &lane->cap_asked, sizeof(*lane->asked));
	lane->asked[lane->n_asked++] = (struct asked){ ST_ROLLBACK, true };
	go(lane);
}

static void count_commit(struct lane *lane)
{
	struct postgres *pg = lane->pg;

	lane->committing = lane->committed = false;
	lane->connection.batch++;
	pg->api->metric_add(pg->metrics.commit_us, (int64_t)(clock_us() - lane->commit_began));
}

static void end_step(struct lane *lane)
{
	lane->n_asked = lane->n_answered = 0;
	if (lane->committed)
		count_commit(lane);
	if (lane->failed && !lane->rolling &&
	    PQtransactionStatus(lane->connection.conn) != PQTRANS_IDLE) {
		roll_back(lane);
		return;
	}
	if (lane->failed) {
		lane->committing = false;
		outcome_failed(lane);
		return;
	}
	lane->batch.step++;
	lane->kind->next(&lane->batch);
	if (lane->n_asked == 0 && !lane->failed)
		outcome_done(lane);
	else
		go(lane);
}

void lane_ready(void *state, void *arg, unsigned ready)
{
	struct lane *lane = state;
	PGconn *conn = lane->connection.conn;

	(void)arg;
	if ((ready & PAR_WRITABLE) && !flush(lane))
		return;
	if (!(ready & PAR_READABLE))
		return;
	if (PQconsumeInput(conn) == 0) {
		lane_lose(lane, SQLSTATE_LOST, PQerrorMessage(conn));
		return;
	}
	if (lane->state == LANE_BUSY && take_results(lane)) {
		end_step(lane);
		return;
	}
	if (lane->state != LANE_BUSY)
		PQisBusy(conn); /* takes in what the server says unasked */
	if (PQstatus(conn) != CONNECTION_OK)
		lane_lose(lane, SQLSTATE_LOST, PQerrorMessage(conn));
}

/* --- the connection --- */

/* What the server says unasked, such as why it ends the connection. */
static void take_notice(void *arg, const PGresult *result)
{
	struct lane *lane = arg;
	const char *severity = PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);
	const char *words = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);

	if (severity != NULL && words != NULL && strcmp(severity, "FATAL") == 0)
		set_words(lane, words);
}

bool lane_attach(struct lane *lane, const struct connection *connection)
{
	struct postgres *pg = lane->pg;
	PGconn *conn = connection->conn;

	lane->watch =
	    pg->api->watch_start(pg->self, PQsocket(conn), PAR_READABLE, lane_ready, lane, NULL);
	if (lane->watch == 0) {
		connect_close(conn, false);
		lane->state = LANE_AWAY;
		return false;
	}
	lane->connection = *connection;
	lane->connected_at = pg->api->now(pg->self);
	lane->state = LANE_IDLE;
	lane->suspect = false;
	lane->words[0] = '\0';
	PQsetNoticeReceiver(conn, take_notice, lane);
	return true;
}

void lane_lose(struct lane *lane, const char *sqlstate, const char *words)
{
	struct postgres *pg = lane->pg;

	if (!lane->failed && lane->words[0] == '\0')
		set_words(lane, words);
	if (!lane->failed)
		snprintf(lane->sqlstate, sizeof(lane->sqlstate), "%s", sqlstate);
	pg->api->watch_stop(pg->self, lane->watch);
	lane->watch = 0;
	if (lane->pause != 0)
		pg->api->timer_stop(pg->self, lane->pause);
	lane->pause = 0;
	connect_close(lane->connection.conn, true);
	lane->connection.conn = NULL;
	lane->n_asked = lane->n_answered = 0;
	lane->state = LANE_AWAY;
	dial_lost(lane);
}
