/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * When to connect. A loss is followed by an attempt at once, unless the connection was
 * young; a failure by one after a while that doubles, up to BACKOFF_MAX, and
 * differs from server to server, so that not all come at the same moment. A lane in
 * doubt goes first: its works wait for it.
 */
#include "dial.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "health.h"
#include "pool.h"

#define BACKOFF_MIN 100
#define BACKOFF_MAX 5000
/* ms: a connection that is lost sooner counts as one that failed */
#define YOUNG 1000

static void retry(void *state, void *arg)
{
	struct postgres *pg = state;

	(void)arg;
	pg->redial = 0;
	dial_more(pg);
}

/* Tries again after a while. */
static void back_off(struct postgres *pg)
{
	uint64_t delay;

	pg->proven = false;
	if (pg->redial != 0 || pg->stopping)
		return;
	pg->backoff = pg->backoff == 0 ? BACKOFF_MIN : pg->backoff * 2;
	if (pg->backoff > BACKOFF_MAX)
		pg->backoff = BACKOFF_MAX;
	delay = pg->backoff / 2 + (unsigned)rand_r(&pg->seed) % (pg->backoff / 2);
	pg->redial = pg->api->timer_start(pg->self, delay, retry, pg, NULL);
}

/* What the helper thread is to do for the lane. */
static void fill(struct lane *lane)
{
	struct connect *c = &lane->connect;

	memset(c, 0, sizeof(*c));
	c->options = &lane->pg->options;
	c->connection = lane->connection;
	c->connection.server = lane->pg->server;
	c->first = !lane->pg->dialed;
	c->in_doubt = lane->in_doubt;
	lane->state = LANE_CONNECTING;
}

static void failed(struct lane *lane)
{
	struct postgres *pg = lane->pg;
	const struct connect *c = &lane->connect;

	lane->state = LANE_AWAY;
	if (pg->connected == 0)
		health_unreachable(pg, c->error);
	else if (!pg->complained)
		health_log(pg, "%u connections of %u; another one cannot be made: %s",
			   pg->connected, pg->options.connections, c->error);
	pg->complained = true;
	back_off(pg);
}

/* The log tells where it is connected when it is the first, or the first again. */
static void connected(struct lane *lane)
{
	struct postgres *pg = lane->pg;
	PGconn *conn = lane->connection.conn;

	if (pg->connected == 0)
		pg->api->log(pg->self, PAR_LOG_INFO,
			     "connected to database %s at %s, PostgreSQL %s", PQdb(conn),
			     PQhost(conn), PQparameterStatus(conn, "server_version"));
	pg->connected++;
	pg->api->metric_set(pg->metrics.connections, pg->connected);
	pg->api->metric_add(pg->metrics.connects, 1);
	pg->server = lane->connection.server;
	pg->dialed = pg->proven = true;
	pg->complained = false;
	health_reached(pg);
}

/* The attempt is over. */
static void take(struct lane *lane)
{
	struct connect *c = &lane->connect;

	if (c->outcome != CONNECT_DONE) {
		failed(lane);
		return;
	}
	if (!lane_attach(lane, &c->connection)) {
		snprintf(c->error, sizeof(c->error), "its socket cannot be watched");
		failed(lane);
		return;
	}
	connected(lane);
	if (lane->in_doubt)
		outcome_settled(lane, c->doubt);
}

static void dial_work(void *state, void *arg)
{
	struct connect *c = arg;

	(void)state;
	connect_make(c);
}

static void dial_done(void *state, void *arg)
{
	struct lane *lane = state;
	struct postgres *pg = lane->pg;

	(void)arg;
	pg->dialing--;
	if (lane->connect.outcome == CONNECT_DONE && pg->stopping) {
		connect_close(lane->connect.connection.conn, false);
		lane->state = LANE_AWAY;
		return;
	}
	take(lane);
	dial_more(pg);
	pool_feed(pg);
}

static struct lane *lane_to_dial(struct postgres *pg)
{
	struct lane *found = NULL;
	unsigned i;

	for (i = 0; i < pg->options.connections; i++) {
		struct lane *lane = &pg->lanes[i];
		if (lane->state == LANE_AWAY && (found == NULL || lane->in_doubt))
			found = lane;
	}
	return found;
}

void dial_more(struct postgres *pg)
{
	struct lane *lane;

	while (!pg->stopping && pg->redial == 0 && (pg->proven || pg->dialing == 0)) {
		lane = lane_to_dial(pg);
		if (lane == NULL)
			return;
		fill(lane);
		pg->dialing++;
		pg->api->offload(pg->self, dial_work, dial_done, lane, &lane->connect);
	}
}

void dial_lost(struct lane *lane)
{
	struct postgres *pg = lane->pg;
	bool young = pg->api->now(pg->self) - lane->connected_at < YOUNG;

	pg->connected--;
	pg->api->metric_set(pg->metrics.connections, pg->connected);
	pg->api->metric_add(pg->metrics.losses, 1);
	health_log(pg, "a connection was lost: %s (%s)", lane->words, lane->sqlstate);
	if (pg->connected == 0)
		pg->alone_since = pg->ticks;
	pg->proven = false;
	outcome_lost(lane);
	if (young)
		back_off(pg);
	else
		pg->backoff = 0;
	dial_more(pg);
	pool_feed(pg);
}

/* What to do about it, for the ends of PostgreSQL's own words. */
static const char *advice(const char *sqlstate, const char *words)
{
	if (strstr(words, "docs/storage-postgres.md") != NULL)
		return "";
	if (strcmp(sqlstate, "42501") == 0)
		return "; give the role its rights: docs/storage-postgres.md";
	if (strcmp(sqlstate, "3D000") == 0)
		return "; make it first: docs/storage-postgres.md";
	if (strncmp(sqlstate, "28", 2) == 0)
		return "; look at the role in the conninfo, at its password or password file (of "
		       "mode"
		       " 0600), and at pg_hba.conf";
	return "";
}

bool dial_first(struct postgres *pg, char *error, size_t error_size)
{
	struct lane *lane = &pg->lanes[0];

	fill(lane);
	connect_make(&lane->connect);
	if (lane->connect.outcome == CONNECT_NEVER) {
		lane->state = LANE_AWAY;
		snprintf(error, error_size, "%s%s", lane->connect.error,
			 advice(lane->connect.sqlstate, lane->connect.error));
		return false;
	}
	take(lane);
	dial_more(pg);
	return true;
}

bool dial_settle(struct lane *lane)
{
	fill(lane);
	connect_make(&lane->connect);
	take(lane);
	return !lane->in_doubt;
}

void dial_stop(struct postgres *pg)
{
	if (pg->redial != 0)
		pg->api->timer_stop(pg->self, pg->redial);
	pg->redial = 0;
}
