/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Once it is plain that nothing can be written, whatever would write is refused at
 * once, reading goes on, and an empty transaction every PROBE_MS finds out
 * whether it can be again.
 *
 * Where what is small still fits and what is large does not, that finds out "it can"
 * again and again. Work is tried each time, but a database that falls ill soon after it was
 * called well is called so again only when CALM_MS have passed without a failure: the
 * log and /readyz do not follow every turn.
 */
#include "health.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lane.h"
#include "pool.h"

#define PROBE_MS 1000
#define CALM_MS 2000
#define LOG_MS 1000

/* --- the probe: a batch without works --- */

static void probe_begin(struct batch *batch)
{
	lane_begin(batch->lane);
}

/* Not along with the beginning: COMMIT never leaves before the lane's row is locked, or one that
 * arrives when the connection is long lost would be taken for that of a later batch. */
static void probe_next(struct batch *batch)
{
	if (batch->step == 1)
		lane_commit(batch->lane);
}

static void probe_end(struct batch *batch)
{
	(void)batch;
}

static const struct batch_kind batch_probe = { probe_begin, probe_next, probe_end };

static void probe_later(struct postgres *pg);

static void probe(void *state, void *arg)
{
	struct postgres *pg = state;
	struct lane *lane = pool_idle_lane(pg);

	(void)arg;
	pg->probe = 0;
	if (lane != NULL)
		lane_start(lane, &batch_probe, NULL, 0);
	probe_later(pg);
	pool_feed(pg);
}

static void probe_later(struct postgres *pg)
{
	if (pg->probe == 0 && !pg->stopping && pg->ill != NULL)
		pg->probe = pg->api->timer_start(pg->self, PROBE_MS, probe, pg, NULL);
}

void health_silence(struct postgres *pg)
{
	struct lane *lane;

	while ((lane = pool_idle_lane(pg)) != NULL)
		lane_start(lane, &batch_probe, NULL, 0);
}

void health_suspect(struct postgres *pg)
{
	unsigned i;

	for (i = 0; i < pg->options.connections; i++)
		pg->lanes[i].suspect = true;
}

void health_leave_suspects(struct postgres *pg)
{
	unsigned i;

	for (i = 0; i < pg->options.connections && pg->connected > 1; i++) {
		struct lane *lane = &pg->lanes[i];
		if (lane->suspect && lane->state == LANE_IDLE)
			lane_lose(lane, SQLSTATE_READ_ONLY, sqlstate_words(SQLSTATE_READ_ONLY));
	}
}

/* --- what is said --- */

/* Tells the core, and the log when it changes. */
static void say(struct postgres *pg)
{
	const char *before = pg->down;

	pg->down = pg->unreachable ? pg->down_text : pg->ill;
	if (pg->down == before)
		return;
	if (pg->down == NULL)
		pg->api->log(pg->self, PAR_LOG_INFO, "storing again");
	else
		pg->api->log(pg->self, PAR_LOG_ERROR, "cannot store: %s", pg->down);
}

void health_unreachable(struct postgres *pg, const char *why)
{
	bool news = strncmp(pg->down_text, why, sizeof(pg->down_text) - 1) != 0;

	snprintf(pg->down_text, sizeof(pg->down_text), "%s", why);
	if (pg->unreachable && news)
		health_log(pg, "still cannot store: %s", why);
	pg->unreachable = true;
	say(pg);
	health_refuse(pg);
}

void health_reached(struct postgres *pg)
{
	pg->unreachable = false;
	say(pg);
}

void health_ill(struct postgres *pg, const char *sqlstate)
{
	uint64_t now = pg->api->now(pg->self);

	if (pg->ill == NULL)
		pg->calm = now - pg->well_at < CALM_MS ? CALM_MS : 0;
	pg->ill_at = now;
	pg->ill = sqlstate_words(sqlstate);
	pg->refusing = true;
	say(pg);
	probe_later(pg);
	health_refuse(pg);
}

void health_wrote(struct postgres *pg)
{
	uint64_t now;

	if (pg->ill == NULL)
		return;
	pg->refusing = false;
	now = pg->api->now(pg->self);
	if (now - pg->ill_at < pg->calm)
		return;
	pg->well_at = now;
	pg->ill = NULL;
	say(pg);
}

void health_refuse(struct postgres *pg)
{
	struct work *works = NULL, *work;

	if (pg->unreachable)
		works = queue_expire(&pg->queue, UINT64_MAX);
	else if (pg->refusing)
		works = queue_expire_writes(&pg->queue);
	for (work = works; work != NULL; work = work->next)
		pg->api->metric_add(pg->metrics.refused, 1);
	works_refuse(pg, works, PAR_E_UNAVAILABLE,
		     pg->unreachable ? sqlstate_words(SQLSTATE_LOST) : pg->ill);
}

void health_stop(struct postgres *pg)
{
	if (pg->probe != 0)
		pg->api->timer_stop(pg->self, pg->probe);
	pg->probe = 0;
}

void health_log(struct postgres *pg, const char *format, ...)
{
	uint64_t now = pg->api->now(pg->self);
	char line[512];
	va_list args;

	if (now - pg->logged_at < LOG_MS) {
		pg->unlogged++;
		return;
	}
	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	if (pg->unlogged > 0)
		pg->api->log(pg->self, PAR_LOG_WARNING, "%s; and %u more since the last line", line,
			     pg->unlogged);
	else
		pg->api->log(pg->self, PAR_LOG_WARNING, "%s", line);
	pg->logged_at = now;
	pg->unlogged = 0;
}
