/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Faults that nobody causes: the server dies or is told to end, the storage is down for a
 * while, somebody sets the clock. How many, the plan says; when, is drawn here. They
 * all lie before the plan's end.
 */
#include "conn.h"
#include "sim.h"

static void chaos_crash(void *arg, uint64_t tag)
{
	struct sim *sim = arg;

	(void)tag;
	server_crash(&sim->server);
}

static void chaos_drain(void *arg, uint64_t tag)
{
	struct sim *sim = arg;

	(void)tag;
	server_drain(&sim->server);
}

static void chaos_down(void *arg, uint64_t tag)
{
	struct sim *sim = arg;

	(void)tag;
	sim->counts.downs++;
	storage_set_down(&sim->storage, "the simulated disk is full");
}

static void chaos_well(void *arg, uint64_t tag)
{
	struct sim *sim = arg;

	(void)tag;
	storage_set_down(&sim->storage, NULL);
}

/* By seconds or by minutes, forward or back. */
static void chaos_jump(void *arg, uint64_t tag)
{
	struct sim *sim = arg;
	int64_t ms = (int64_t)random_scale(&sim->random, 1000, 600000);

	(void)tag;
	if (random_chance(&sim->random, 500))
		ms = -ms;
	sim->counts.jumps++;
	SIM_TRACE(sim, "the clock jumps by %lld ms", (long long)ms);
	sim->world.wall_shift_ms += ms;
	server_clock_jumped(&sim->server);
}

static uint64_t some_time(struct sim *sim)
{
	return random_below(&sim->random, sim->plan.end_us);
}

void chaos_begin(struct sim *sim)
{
	struct world *world = &sim->world;
	const struct plan *plan = &sim->plan;
	unsigned i;

	for (i = 0; i < plan->crashes; i++)
		world_after(world, some_time(sim), chaos_crash, sim, 0);
	for (i = 0; i < plan->drains; i++)
		world_after(world, some_time(sim), chaos_drain, sim, 0);
	for (i = 0; i < plan->jumps; i++)
		world_after(world, some_time(sim), chaos_jump, sim, 0);
	for (i = 0; i < plan->downs; i++) {
		uint64_t at = some_time(sim);

		world_after(world, at, chaos_down, sim, 0);
		world_after(world, at + random_scale(&sim->random, 10 * MS, 10 * SECONDS),
			    chaos_well, sim, 0);
	}
}

void chaos_end(struct sim *sim)
{
	struct conn *conn;

	SIM_TRACE(sim, "the faults cease");
	sim->calm = sim->ending = true;
	storage_set_down(&sim->storage, NULL);
	for (conn = sim->conns; conn != NULL; conn = conn->next)
		conn_unstick(conn);
}
