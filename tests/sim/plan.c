/* SPDX-License-Identifier: BSD-2-Clause */
/* Drawing the plan of a run; see plan.h. */
#include "plan.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "world.h"

/* `most` or less of it, in so many permille of all runs; else 0. */
static unsigned sometimes(struct random *r, unsigned permille, unsigned most)
{
	return random_chance(r, permille) ? (unsigned)random_scale(r, 1, most) : 0;
}

static void draw_people(struct plan *p, struct random *r)
{
	p->users = (unsigned)random_between(r, 2, 5);
	p->clients = (unsigned)random_between(r, 1, 3);
	p->twins = sometimes(r, 400, 500);
	p->new_names = sometimes(r, 300, 600);
	p->end_us = random_scale(r, 4 * SECONDS, 60 * SECONDS);
	/* so that long runs do not take longer than short ones */
	p->pace_us = p->end_us / random_between(r, 10, 60);
	p->bad = sometimes(r, 500, 200);
	p->lazy = sometimes(r, 400, 700);
	p->hasty = sometimes(r, 300, 800);
	p->life_us = random_scale(r, p->pace_us, p->end_us);
}

static void draw_network(struct plan *p, struct random *r)
{
	p->delay_us = random_scale(r, 100, 300 * MS);
	p->rude = sometimes(r, 800, 1000);
	p->half_open = sometimes(r, 400, 700);
	p->stuck = sometimes(r, 400, 100);
}

static void draw_storage(struct plan *p, struct random *r)
{
	p->storage_us = random_scale(r, 50, 500 * MS);
	p->hiccups = sometimes(r, 300, 50);
	p->lost_one = sometimes(r, 300, 200);
	p->lost_all = sometimes(r, 200, 200);
	p->unsure_one = sometimes(r, 300, 200);
	p->unsure_all = sometimes(r, 200, 200);
	p->late_queries = sometimes(r, 400, 500);
	p->downs = sometimes(r, 300, 4);
}

static void draw_server(struct plan *p, struct random *r)
{
	p->crashes = sometimes(r, 500, 5);
	p->drains = sometimes(r, 300, 3);
	p->jumps = sometimes(r, 300, 4);
	p->io_threads = (unsigned)random_between(r, 1, 3);
	p->outbox = (uint32_t)random_scale(r, 4, 256);
	p->max_backlog = random_scale(r, 2 << 10, 4 << 20);
}

/* One option of the server's; its value comes in so many permille of the runs, else the
 * default holds. */
static void option(struct plan *p, struct random *r, unsigned permille, const char *format,
		   uint64_t value)
{
	size_t used = strlen(p->server);

	if (random_chance(r, permille))
		snprintf(p->server + used, sizeof(p->server) - used, format, value);
}

static void draw_options(struct plan *p, struct random *r)
{
	snprintf(p->server, sizeof(p->server), "log_level: error");
	option(p, r, 950, ", ack_window: %" PRIu64, random_scale(r, 1, 16));
	option(p, r, 800, ", cursor_interval: %" PRIu64 "ms", random_scale(r, 10, 5000));
	option(p, r, 300, ", max_devices: %" PRIu64, random_between(r, 4, 8));
	option(p, r, 300, ", redeliver_after: %" PRIu64 "ms", random_scale(r, 200, 5000));
	option(p, r, 250, ", event_ttl: %" PRIu64 "ms", random_scale(r, 1000, 30000));
	option(p, r, 250, ", device_ttl: %" PRIu64 "ms", random_scale(r, 1000, 30000));
	option(p, r, 500, ", prune_interval: %" PRIu64 "ms", random_scale(r, 200, 5000));
	option(p, r, 300, ", max_inflight: %" PRIu64, random_scale(r, 1, 8));
	option(p, r, 500, ", request_timeout: %" PRIu64 "ms", random_scale(r, 200, 10000));
	option(p, r, 500, ", drain_timeout: %" PRIu64 "ms", random_scale(r, 50, 10000));
	option(p, r, 200, ", max_bad_messages: %" PRIu64, random_between(r, 2, 5));
	if (random_chance(r, 300))
		strcat(p->server, ", session_policy: replace");
	p->forgets =
	    strstr(p->server, "device_ttl") != NULL || strstr(p->server, "max_devices") != NULL;
}

void plan_draw(struct plan *p, struct random *r)
{
	memset(p, 0, sizeof(*p));
	draw_people(p, r);
	draw_network(p, r);
	draw_storage(p, r);
	draw_server(p, r);
	draw_options(p, r);
}
