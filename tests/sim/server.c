/* SPDX-License-Identifier: BSD-2-Clause */
/* The core's lives and turns; see server.h. */
#include "server.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "config/yaml_tree.h"
#include "conn.h"
#include "engine/core_internal.h"
#include "engine/outbox.h"
#include "sim.h"

#define TURNS_MAX 20000

static void server_wake(void *arg)
{
	struct sim *sim = arg;

	if (sim->server.due_at > sim->world.us)
		sim->server.due_at = sim->world.us;
}

void server_clock_jumped(struct server *s)
{
	server_wake(s->sim);
}

static uint64_t server_wall_ms(void *arg)
{
	return world_wall_ms(&((struct sim *)arg)->world);
}

static uint64_t server_monotonic_us(void *arg)
{
	return world_monotonic_us(&((struct sim *)arg)->world);
}

void server_init(struct server *s, struct sim *sim)
{
	char text[PLAN_TEXT_MAX + 256], error[CONFIG_ERROR_MAX];
	int len = snprintf(text, sizeof(text),
			   "server: {%s}\n"
			   "plugins: {auth_insecure: {}, storage_memory: {}, messaging: {}, "
			   "typing: {}}\n",
			   sim->plan.server);

	s->sim = sim;
	s->due_at = UINT64_MAX;
	s->config = config_parse("sim", text, (size_t)len, error);
	if (s->config == NULL || !settings_read(&s->settings, s->config, error)) {
		fprintf(stderr, "sim: %s\n", error);
		abort();
	}
	free(s->settings.plugin_dir);
	s->settings.plugin_dir = mem_strdup(PLUGIN_BUILD_DIR);
	s->settings.io_threads = 0; /* the world looks after each turn: nobody need be woken */
	s->settings.max_backlog = sim->plan.max_backlog;
}

void server_start(struct server *s)
{
	struct core_env env = { .arg = s->sim,
				.wall_ms = server_wall_ms,
				.monotonic_us = server_monotonic_us,
				.wake = server_wake };
	char error[CONFIG_ERROR_MAX];
	unsigned i;

	SIM_TRACE(s->sim, "server starts");
	s->draining = s->deaf = false;
	s->lives++;
	s->core = core_new(&s->settings, &env, &s->metrics);
	if (!core_load_plugins(s->core, s->config, error)) {
		fprintf(stderr, "sim: %s\n", error);
		abort();
	}
	storage_attach(&s->sim->storage, s->core);
	if (!core_start_plugins(s->core, error)) {
		fprintf(stderr, "sim: %s\n", error);
		abort();
	}
	for (i = 0; i < s->sim->plan.io_threads; i++) {
		s->seams[i].in = mailbox_new(sizeof(struct in_msg), SERVER_INBOX, -1, -1);
		s->seams[i].out = mailbox_new(sizeof(struct out_msg), s->sim->plan.outbox, -1, -1);
	}
	core_set_seams(s->core, s->seams, s->sim->plan.io_threads);
	s->due_at = s->sim->world.us;
}

/* --- turns --- */

void server_tell(struct server *s, const struct in_msg *in)
{
	struct sim *sim = s->sim;
	uint64_t lag = random_chance(&sim->random, 800) ? 0 : random_below(&sim->random, 2 * MS);

	if (!mailbox_push(s->seams[in->io].in, in))
		sim_fail(sim, "the inbox is full");
	if (s->due_at > sim->world.us + lag)
		s->due_at = sim->world.us + lag;
}

static void out_drop(struct out_msg *out)
{
	if (out->frame != NULL)
		out_frame_unref(out->frame);
}

/* True when something was said. */
static bool server_listen(struct server *s)
{
	struct out_msg *out;
	bool said = false;
	uint32_t n, k;
	unsigned i;

	for (i = 0; i < s->sim->plan.io_threads; i++) {
		while ((out = mailbox_peek(s->seams[i].out, &n)) != NULL) {
			for (k = 0; k < n; k++) {
				if (!s->deaf)
					conn_hear(&out[k]);
				out_drop(&out[k]);
			}
			mailbox_consume(s->seams[i].out, n);
			said = true;
		}
	}
	return said;
}

uint64_t server_next(const struct server *s)
{
	uint64_t start = world_monotonic_us(&s->sim->world) - s->sim->world.us, deadline;

	if (s->core == NULL)
		return UINT64_MAX;
	deadline = core_next_deadline(s->core);
	if (deadline != UINT64_MAX)
		deadline = deadline < start ? 0 : deadline - start;
	return deadline < s->due_at ? deadline : s->due_at;
}

static void server_end_drain(struct server *s);

void server_turn(struct server *s)
{
	struct sim *sim = s->sim;
	unsigned i;
	bool more, full;

	s->due_at = UINT64_MAX;
	s->n_turns++;
	if (++s->turns > TURNS_MAX)
		sim_fail(sim, "the core does not come to rest");
	for (i = 0; i < sim->plan.io_threads; i++)
		mailbox_publish(s->seams[i].in);
	full = s->core->overflowing > 0;
	more = core_run(s->core);
	if (full || s->core->overflowing > 0)
		s->full_turn = s->n_turns;
	/* there may be slots that wait for the room that we have made */
	if (server_listen(s) || more)
		server_wake(sim);
	watch_core(sim);
	if (s->draining && core_drained(s->core))
		server_end_drain(s);
}

/* --- the end of a life --- */

static void in_drop(const struct in_msg *in)
{
	struct message *message = in->u.message;

	if (in->kind == IN_HELLO)
		hello_free(in->u.hello);
	else if (in->kind == IN_REQUEST || in->kind == IN_CLIENT_EVENT || in->kind == IN_REFUSED)
		message_free(&message);
}

static void inbox_drop(struct mailbox *box)
{
	struct in_msg *in;
	uint32_t n, k;

	mailbox_publish(box);
	while ((in = mailbox_peek(box, &n)) != NULL) {
		for (k = 0; k < n; k++)
			in_drop(&in[k]);
		mailbox_consume(box, n);
	}
}

static void server_come_back(void *arg, uint64_t life)
{
	struct server *s = arg;

	if (s->core == NULL && s->lives == life)
		server_start(s);
}

/* The connections are gone already, and nobody hears what is said. */
static void server_stop(struct server *s)
{
	unsigned i;

	s->deaf = true;
	for (i = 0; i < s->sim->plan.io_threads; i++)
		inbox_drop(s->seams[i].in);
	core_stop_plugins(s->core);
	do
		outboxes_flush(s->core);
	while (server_listen(s));
	if (server_metric(s, "parlance_double_completions_total") != 0)
		sim_fail(s->sim, "a request was completed twice");
	core_free(&s->core);
	for (i = 0; i < s->sim->plan.io_threads; i++) {
		mailbox_free(&s->seams[i].in);
		mailbox_free(&s->seams[i].out);
	}
	metrics_free(&s->metrics);
	memset(&s->metrics, 0, sizeof(s->metrics));
	s->due_at = UINT64_MAX;
	truth_restart(s->sim->truth, world_wall_ms(&s->sim->world));
}

static void server_pause(struct server *s)
{
	struct sim *sim = s->sim;

	world_after(&sim->world, random_between(&sim->random, MS, 2 * SECONDS), server_come_back, s,
		    s->lives);
}

void server_crash(struct server *s)
{
	if (s->core == NULL)
		return;
	SIM_TRACE(s->sim, "server crashes");
	s->sim->counts.crashes++;
	s->forgetful = true;
	storage_end(&s->sim->storage, true);
	conns_server_died(s->sim);
	server_stop(s);
	server_pause(s);
}

void server_drain(struct server *s)
{
	if (s->core == NULL || s->draining)
		return;
	SIM_TRACE(s->sim, "server drains");
	s->sim->counts.drains++;
	s->draining = true;
	core_drain(s->core);
	server_wake(s->sim);
}

static void server_end_drain(struct server *s)
{
	SIM_TRACE(s->sim, "server drained");
	if (s->core->mono_us < s->core->drain_deadline)
		watch_drained(s->sim);
	else
		s->forgetful = true;
	storage_end(&s->sim->storage, false);
	conns_server_died(s->sim);
	server_stop(s);
	server_pause(s);
}

void server_free(struct server *s)
{
	if (s->core != NULL) {
		storage_end(&s->sim->storage, true);
		conns_server_died(s->sim);
		server_stop(s);
	}
	settings_free(&s->settings);
	config_free(&s->config);
}

int64_t server_metric(const struct server *s, const char *name)
{
	const struct par_metric *metric = s->metrics.first;

	while (metric != NULL && strcmp(metric->name, name) != 0)
		metric = metric->next;
	return metric == NULL ? 0 : atomic_load(&metric->value);
}
