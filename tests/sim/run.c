/* SPDX-License-Identifier: BSD-2-Clause */
/* A run from begin to end; see run.h. */
#include "run.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "conn.h"
#include "taken.h"

/* Nothing moved for so long: longer than any pause of the server's own. */
#define QUIET (15 * SECONDS)
/* So long after the last fault all must be well. */
#define PATIENCE (1200 * SECONDS)

void sim_fail(struct sim *sim, const char *format, ...)
{
	va_list args;

	if (sim->failed)
		return;
	sim->failed = true;
	va_start(args, format);
	vfprintf(sim->report, format, args);
	va_end(args);
	fprintf(sim->report, ", at %" PRIu64 ".%06" PRIu64 "\n", sim->world.us / SECONDS,
		sim->world.us % SECONDS);
	SIM_TRACE(sim, "FAILED");
}

/* --- letting it go --- */

static void step(struct sim *sim)
{
	uint64_t happening = world_next(&sim->world), turn = server_next(&sim->server);
	uint64_t next = happening < turn ? happening : turn;

	if (next > sim->world.us)
		sim->server.turns = 0;
	if (turn <= happening) {
		if (turn > sim->world.us)
			sim->world.us = turn;
		server_turn(&sim->server);
	} else {
		world_step(&sim->world);
	}
}

static void run_until(struct sim *sim, bool (*over)(const struct sim *sim))
{
	while (!sim->failed && !over(sim)) {
		step(sim);
		if (sim->world.us > sim->plan.end_us + 3 * PATIENCE)
			sim_fail(sim, "it does not end");
	}
}

static bool plan_is_over(const struct sim *sim)
{
	return sim->world.us >= sim->plan.end_us;
}

static bool all_settled(const struct sim *sim)
{
	const struct client *client;

	for (client = sim->clients; client != NULL; client = client->next) {
		if (!client_settled(client))
			return false;
	}
	return true;
}

static bool is_at_rest(const struct sim *sim)
{
	if (sim->world.us > sim->plan.end_us + PATIENCE)
		return true;
	return sim->world.us - sim->moved_at > QUIET && sim->server.core != NULL &&
	       !sim->server.draining && sim->storage.n == 0 && all_settled(sim);
}

static bool has_ended(const struct sim *sim)
{
	return sim->server.core == NULL || sim->world.us > sim->plan.end_us + 2 * PATIENCE;
}

/* --- the end --- */

static void say_who_is_not_settled(struct sim *sim)
{
	const struct client *c;

	for (c = sim->clients; c != NULL && !sim->failed; c = c->next) {
		if (!client_settled(c))
			sim_fail(sim,
				 "%s/%s does not come to rest: %s, %u requests, %u events to ack",
				 c->user->name, c->device, c->open ? c->conn->name : "not open",
				 c->n_asks, c->n_unacked);
	}
	sim_fail(sim, "the clients do not come to rest");
}

static void come_to_rest(struct sim *sim)
{
	run_until(sim, is_at_rest);
	if (!sim->failed && sim->world.us > sim->plan.end_us + PATIENCE)
		say_who_is_not_settled(sim);
}

/* Somebody comes back with a device that nobody has thought of for long. */
static void bring_back_devices(struct sim *sim)
{
	unsigned i;

	for (i = 0; i < sim->plan.users; i++) {
		if (sim->users[i].left_behind[0] != '\0' && random_chance(&sim->random, 500))
			client_new(sim, &sim->users[i], sim->users[i].left_behind);
	}
}

static void read_histories(struct sim *sim)
{
	struct client *client;
	unsigned i;

	for (i = 0; i < sim->plan.users; i++) {
		client = sim->clients;
		while (client != NULL && (client->user != &sim->users[i] || !client->open))
			client = client->next;
		if (client != NULL)
			client_reads_history(client);
	}
}

static void note_caught_up(struct sim *sim)
{
	const struct client *client;
	uint64_t left;

	for (client = sim->clients; client != NULL; client = client->next) {
		if (!client->open)
			continue;
		history_caught_up(sim->history, sim->world.us / MS, client->user->name,
				  client->device);
		SIM_TRACE(sim, "%s/%s is caught up #%u", client->user->name, client->device,
			  ++sim->lines);
		left = taken_left(client->taken);
		if (left != 0)
			sim_fail(sim,
				 "%s/%s has received seq %" PRIu64
				 " once, never acked it, and did not get it again",
				 client->user->name, client->device, left);
	}
}

static void end(struct sim *sim)
{
	struct client *client;

	chaos_end(sim);
	bring_back_devices(sim);
	for (client = sim->clients; client != NULL; client = client->next)
		client_calm_down(client);
	come_to_rest(sim);
	if (!sim->failed)
		watch_rest(sim);
	read_histories(sim);
	come_to_rest(sim);
	if (sim->failed)
		return;
	note_caught_up(sim);
	server_drain(&sim->server);
	run_until(sim, has_ended);
	if (sim->server.core != NULL)
		sim_fail(sim, "the server does not drain");
}

/* --- the whole --- */

static void begin(struct sim *sim)
{
	static const char *const names[USERS_MAX] = { "ann", "anna", "zo\xc3\xab", "User4",
						      "ann\xc3\xa9" };
	const struct plan *plan = &sim->plan;
	char device[CLIENT_NAME_MAX] = "";
	unsigned i, k;

	sim->users = mem_zalloc(plan->users * sizeof(*sim->users));
	for (i = 0; i < plan->users; i++) {
		sim->users[i].number = i;
		snprintf(sim->users[i].name, CLIENT_NAME_MAX, "%s", names[i]);
		for (k = (unsigned)random_between(&sim->random, 1, plan->clients); k > 0; k--) {
			if (device[0] == '\0' || !random_chance(&sim->random, plan->twins))
				snprintf(device, sizeof(device), "d%u", sim->n_clients + 1);
			client_new(sim, &sim->users[i], device);
		}
		device[0] = '\0';
	}
}

static bool nobody_asks(const struct sim *sim)
{
	const struct client *client = sim->clients;

	while (client != NULL && client->n_asks == 0)
		client = client->next;
	return client == NULL;
}

/* Each user gets an event before the faults begin: to one whose stream is empty the
 * server cannot say that a device of his was forgotten, for a gap has the seq of what is missing. */
static void overture(struct sim *sim)
{
	unsigned i;

	sim->calm = true;
	for (i = 0; i < sim->plan.users; i++)
		client_greets(sim, &sim->users[i], (i + 1) % sim->plan.users);
	run_until(sim, nobody_asks);
	sim->calm = false;
}

static void judge(struct sim *sim)
{
	unsigned faults = history_judge(sim->history, sim->report);

	if (faults > 0)
		sim_fail(sim, "the history checker found %u faults", faults);
}

struct outcome run(uint64_t seed, const struct truth_setup *storage, FILE *trace, FILE *report)
{
	struct sim *sim = mem_zalloc(sizeof(*sim));
	struct outcome outcome;

	sim->seed = seed;
	sim->random.state = seed;
	sim->trace.out = trace;
	sim->report = report;
	plan_draw(&sim->plan, &sim->random);
	SIM_TRACE(sim, "seed %" PRIu64 ": %s", seed, sim->plan.server);
	sim->truth = truth_new(storage);
	storage_init(&sim->storage, sim);
	server_init(&sim->server, sim);
	sim->history = history_new();
	history_birth(sim->history);
	sim->lines = 1;
	/* what the server goes back to is on the wire once more */
	if (sim->server.settings.redeliver_after == 0)
		history_set_window(sim->history, sim->server.settings.ack_window);
	server_start(&sim->server);
	begin(sim);
	if (sim->plan.forgets)
		overture(sim);
	chaos_begin(sim);
	sim->plan.end_us += sim->world.us;
	run_until(sim, plan_is_over);
	if (!sim->failed)
		end(sim);
	server_free(&sim->server);
	if (!sim->failed)
		judge(sim);
	outcome = (struct outcome){ !sim->failed, sim->trace.hash, sim->counts, sim->world.us };
	clients_free(sim);
	conns_free(sim);
	taken_free(sim);
	truth_free(&sim->truth);
	history_free(&sim->history);
	world_free(&sim->world);
	free(sim->users);
	free(sim);
	return outcome;
}
