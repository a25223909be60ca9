/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who carries what, and for how long. While lanes are busy works collect, and go
 * together: the slower the database, the larger the batches.
 *
 * A tick, PATIENCE of which are the option `timeout`, runs while something waits or is under
 * way: it gives up connections on which a step takes too long, and refuses what has
 * waited too long. In pool_stop no loop runs any more: there the sockets are polled.
 */
#include "pool.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include "dial.h"
#include "health.h"
#include "run.h"
#include "server.h"

#define LANES_MAX 32
#define HOLD_MS 5 /* longer than most batches take */

static const struct batch_kind *const kinds[] = {
	[WORK_WRITE] = &batch_write,
	[WORK_READ] = &batch_read,
	[WORK_PRUNE] = &batch_prune,
};

struct lane *pool_idle_lane(struct postgres *pg)
{
	unsigned i;

	for (i = 0; i < pg->options.connections; i++) {
		if (pg->lanes[i].state == LANE_IDLE)
			return &pg->lanes[i];
	}
	return NULL;
}

static bool is_busy(const struct lane *lane)
{
	return lane->state == LANE_BUSY || lane->state == LANE_PAUSED;
}

static bool any_busy(const struct postgres *pg)
{
	unsigned i;

	for (i = 0; i < pg->options.connections; i++) {
		if (is_busy(&pg->lanes[i]))
			return true;
	}
	return false;
}

/* Whether there is something to be patient with. */
static bool pending(const struct postgres *pg)
{
	unsigned i;

	for (i = 0; i < pg->options.connections; i++) {
		if (is_busy(&pg->lanes[i]) || pg->lanes[i].in_doubt)
			return true;
	}
	return pg->queue.waiting > 0 || (pg->connected == 0 && !pg->unreachable);
}

static void tick(void *state, void *arg);

static void tick_on(struct postgres *pg)
{
	if (pg->tick == 0 && !pg->stopping && pending(pg))
		pg->tick =
		    pg->api->timer_start(pg->self, pg->options.timeout / PATIENCE, tick, pg, NULL);
}

static void hold_over(void *state, void *arg)
{
	struct postgres *pg = state;

	(void)arg;
	pg->hold = 0;
	pg->held_enough = true;
	pool_feed(pg);
	pg->held_enough = false;
}

/* Whether another lane is to begin: next to those that are busy only with as much as they
 * carry, for many small batches cost the database more than a few large ones and take longer.
 * Nor does anything wait long for that, behind a lane that is held up. */
static bool worth_a_lane(struct postgres *pg)
{
	unsigned i, carried = 0;

	for (i = 0; i < pg->options.connections; i++)
		carried += is_busy(&pg->lanes[i]) ? pg->lanes[i].batch.n : 0;
	if (pg->queue.waiting >= carried || pg->held_enough || pg->stopping)
		return true;
	if (pg->hold == 0 && pg->queue.waiting > 0)
		pg->hold = pg->api->timer_start(pg->self, HOLD_MS, hold_over, pg, NULL);
	return false;
}

void pool_feed(struct postgres *pg)
{
	struct lane *lane;
	struct work *works;
	unsigned n;

	if (pg->queue.waiting > 0)
		health_refuse(pg);
	health_leave_suspects(pg);
	while (!pg->ended && (lane = pool_idle_lane(pg)) != NULL && worth_a_lane(pg)) {
		works = queue_take(&pg->queue, pg->options.batch, &n);
		if (works == NULL)
			break;
		lane_start(lane, kinds[works->kind], works, n);
	}
	pg->api->metric_set(pg->metrics.queue, pg->queue.waiting);
	tick_on(pg);
}

static void tick(void *state, void *arg)
{
	struct postgres *pg = state;
	bool silence = false;
	unsigned i;

	(void)arg;
	pg->tick = 0;
	pg->ticks++;
	for (i = 0; i < pg->options.connections; i++) {
		struct lane *lane = &pg->lanes[i];
		if (pg->ticks - lane->since < PATIENCE)
			continue;
		if (lane->state == LANE_BUSY) {
			lane_lose(lane, SQLSTATE_LOST, "PostgreSQL does not answer");
			silence = true;
		} else if (lane->in_doubt) {
			outcome_impatient(lane);
		}
	}
	if (silence)
		health_silence(pg);
	if (pg->ticks >= PATIENCE)
		works_refuse(pg, queue_expire(&pg->queue, pg->ticks - PATIENCE), PAR_E_UNAVAILABLE,
			     "the database is too slow");
	if (pg->connected == 0 && !pg->unreachable && pg->ticks - pg->alone_since >= 2)
		health_unreachable(pg, "PostgreSQL does not answer");
	pool_feed(pg);
}

bool pool_start(struct postgres *pg, char *error, size_t error_size)
{
	unsigned i;

	pg->lanes = calloc(pg->options.connections, sizeof(*pg->lanes));
	if (pg->lanes == NULL) {
		snprintf(error, error_size, "out of memory");
		return false;
	}
	for (i = 0; i < pg->options.connections; i++)
		lane_init(&pg->lanes[i], pg);
	pg->seed = (unsigned)run_deadline(0);
	return dial_first(pg, error, error_size);
}

/* --- the end --- */

/* Waits for the sockets and does what they are ready for. False when the deadline came first. */
static bool poll_lanes(struct postgres *pg, uint64_t deadline)
{
	struct pollfd fds[LANES_MAX];
	struct lane *lanes[LANES_MAX];
	uint64_t now = run_deadline(0);
	unsigned i, n = 0;

	for (i = 0; i < pg->options.connections; i++) {
		struct lane *lane = &pg->lanes[i];
		if (lane->state != LANE_BUSY)
			continue;
		lanes[n] = lane;
		fds[n].fd = PQsocket(lane->connection.conn);
		fds[n++].events =
		    (short)(POLLIN | (PQflush(lane->connection.conn) > 0 ? POLLOUT : 0));
	}
	if (now >= deadline || (poll(fds, n, (int)(deadline - now)) < 0 && errno != EINTR))
		return false;
	for (i = 0; i < n; i++) {
		unsigned ready = (fds[i].revents & ~POLLOUT) != 0 ? PAR_READABLE : 0;
		ready |= (fds[i].revents & POLLOUT) != 0 ? PAR_WRITABLE : 0;
		if (ready != 0 && lanes[i]->state == LANE_BUSY)
			lane_ready(lanes[i], NULL, ready);
	}
	return true;
}

/* What waits for a timer waits no longer. */
static void end_waits(struct postgres *pg)
{
	unsigned i;

	pg->stopping = true;
	dial_stop(pg);
	health_stop(pg);
	if (pg->tick != 0)
		pg->api->timer_stop(pg->self, pg->tick);
	if (pg->hold != 0)
		pg->api->timer_stop(pg->self, pg->hold);
	pg->tick = pg->hold = 0;
	for (i = 0; i < pg->options.connections; i++) {
		struct lane *lane = &pg->lanes[i];
		if (lane->state != LANE_PAUSED)
			continue;
		pg->api->timer_stop(pg->self, lane->pause);
		lane->pause = 0;
		lane_resume(lane);
	}
}

/* Nothing of this lane is left afterwards but, at best, its connection. */
static void give_up(struct lane *lane)
{
	if (lane->state == LANE_BUSY)
		lane_lose(lane, SQLSTATE_LOST, "the server stops");
	if (!lane->in_doubt)
		return;
	outcome_impatient(lane);
	outcome_settled(lane, DOUBT_STAYS);
}

static void close_all(struct postgres *pg)
{
	PGconn *last = NULL;
	unsigned i;

	for (i = 0; i < pg->options.connections; i++) {
		struct lane *lane = &pg->lanes[i];
		if (lane->state != LANE_IDLE)
			continue;
		pg->api->watch_stop(pg->self, lane->watch);
		if (last != NULL)
			connect_close(last, false);
		last = lane->connection.conn;
		lane->connection.conn = NULL;
		lane->state = LANE_AWAY;
	}
	if (last == NULL)
		return;
	PQsetNoticeReceiver(last, run_no_notice, NULL);
	if (PQexitPipelineMode(last) == 1)
		server_leave(last, pg->server);
	connect_close(last, false);
}

void pool_stop(struct postgres *pg)
{
	uint64_t deadline = run_deadline(pg->options.timeout);
	unsigned i;

	end_waits(pg);
	for (i = 0; i < pg->options.connections; i++) {
		if (pg->lanes[i].in_doubt && pg->lanes[i].state == LANE_AWAY &&
		    !dial_settle(&pg->lanes[i]))
			break; /* nor would the others, and each attempt may take long */
	}
	pool_feed(pg);
	while (any_busy(pg) && poll_lanes(pg, deadline))
		pool_feed(pg);
	pg->ended = true;
	for (i = 0; i < pg->options.connections; i++)
		give_up(&pg->lanes[i]);
	works_refuse(pg, queue_expire(&pg->queue, UINT64_MAX), PAR_E_UNAVAILABLE,
		     "the storage has stopped");
	close_all(pg);
}

void pool_free(struct postgres *pg)
{
	unsigned i;

	for (i = 0; pg->lanes != NULL && i < pg->options.connections; i++)
		lane_free(&pg->lanes[i]);
	free(pg->lanes);
}
