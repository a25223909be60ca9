/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The core's turn, its life, and its drain; see core.h for the path of a
 * message. Everything here runs on the core thread.
 */
#include "engine/core.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "engine/core_internal.h"
#include "engine/cursor.h"
#include "engine/details.h"
#include "engine/dispatch.h"
#include "engine/drain.h"
#include "engine/outbox.h"
#include "engine/storage.h"
#include "plugin/plugin.h"

/* Bounds of the work of one turn, so that timers and all I/O threads get theirs. */
#define TURN_MESSAGES 4096
#define TURN_FLUSHES 8

static void core_count_init(struct core *core)
{
	struct metrics *m = core->metrics;
	struct core_metrics *c = &core->count;

	c->sessions = metrics_add(m, PAR_GAUGE, NULL, "sessions", "Sessions now.");
	c->users = metrics_add(m, PAR_GAUGE, NULL, "users_online", "Users with a session now.");
	c->requests = metrics_add(m, PAR_COUNTER, NULL, "requests_total", "Requests received.");
	c->errors = metrics_add(m, PAR_COUNTER, NULL, "errors_total", "Error responses sent.");
	c->client_events =
	    metrics_add(m, PAR_COUNTER, NULL, "client_events_total", "Client events received.");
	c->acks = metrics_add(m, PAR_COUNTER, NULL, "acks_total", "Acks of durable events.");
	c->acks_ignored = metrics_add(m, PAR_COUNTER, NULL, "acks_ignored_total",
				      "Acks that were unknown, repeated, late, or of ephemeral "
				      "events.");
	c->events_durable =
	    metrics_add(m, PAR_COUNTER, NULL, "events_durable_total", "Durable events sent.");
	c->events_redelivered = metrics_add(m, PAR_COUNTER, NULL, "events_redelivered_total",
					    "Durable events sent again.");
	c->events_pruned = metrics_add(m, PAR_COUNTER, NULL, "events_pruned_total",
				       "Durable events dropped after event_ttl or with the last "
				       "device that had to get them.");
	c->devices_forgotten = metrics_add(m, PAR_COUNTER, NULL, "devices_forgotten_total",
					   "Devices forgotten after device_ttl.");
	c->resyncs = metrics_add(m, PAR_COUNTER, NULL, "resyncs_total",
				 "Devices told that events they had not acked are gone.");
	c->pages = metrics_add(m, PAR_COUNTER, NULL, "stream_pages_total",
			       "Pages of events fetched for sessions that were behind.");
	c->sweeps = metrics_add(m, PAR_COUNTER, NULL, "stream_sweeps_total",
				"Times that all sessions looked into the storage, since it did not "
				"say whether it stored an event to a group.");
	c->events_ephemeral =
	    metrics_add(m, PAR_COUNTER, NULL, "events_ephemeral_total", "Ephemeral events sent.");
	c->ephemeral_dropped = metrics_add(m, PAR_COUNTER, NULL, "events_ephemeral_dropped_total",
					   "Ephemeral events not sent to a congested session.");
	c->bad_messages = metrics_add(m, PAR_COUNTER, NULL, "bad_messages_total",
				      "Messages that could not be understood.");
	c->timeouts = metrics_add(m, PAR_COUNTER, NULL, "request_timeouts_total",
				  "Requests that a plugin did not complete in time.");
	c->slow_callbacks = metrics_add(m, PAR_COUNTER, NULL, "slow_callbacks_total",
					"Callbacks of plugins that took longer than "
					"slow_callback.");
	c->double_completions = metrics_add(m, PAR_COUNTER, NULL, "double_completions_total",
					    "Requests that a plugin completed twice.");
}

static bool settings_loopback_only(const struct settings *settings)
{
	unsigned i;

	for (i = 0; i < settings->n_listen; i++) {
		if (!settings->listen[i].loopback)
			return false;
	}
	return true;
}

/* Reads the clocks, once a turn. `now` never goes backwards: docs/protocol.md, Messages. */
static void core_read_clocks(struct core *core)
{
	uint64_t wall = core->env.wall_ms(core->env.arg);

	if (wall > core->now)
		core->now = wall;
	core->mono_us = core->env.monotonic_us(core->env.arg);
	core->call_end_us = core->mono_us;
}

struct core *core_new(const struct settings *settings, const struct core_env *env,
		      struct metrics *metrics)
{
	struct core *core = mem_zalloc(sizeof(*core));

	core->settings = settings;
	core->env = *env;
	core->sessions.first_generation = env->seed;
	core->thread = pthread_self();
	core->metrics = metrics;
	core->info = (struct par_server_info){ .size = sizeof(core->info),
					       .loopback_only = settings_loopback_only(settings),
					       .request_timeout = settings->request_timeout,
					       .max_message_size = settings->max_message_size };
	TAILQ_INIT(&core->fetch_queue);
	TAILQ_INIT(&core->fetch_aside);
	TAILQ_INIT(&core->acked);
	TAILQ_INIT(&core->cursor_retry);
	TAILQ_INIT(&core->inflight);
	core->queries_waiting_end = &core->queries_waiting;
	details_init(core);
	posts_init(&core->posts, env->wake, env->arg);
	watches_init(&core->watches);
	core_count_init(core);
	core_read_clocks(core);
	core->started = core->now;
	core->started_us = core->mono_us;
	return core;
}

void core_free(struct core **corep)
{
	struct core *core = *corep;

	if (core == NULL)
		return;
	ephemeral_close(core);
	par_json_free(&core->reply);
	par_json_free(&core->detail);
	cursors_free(core);
	outboxes_free(core);
	storage_free(core);
	timers_free(&core->timers);
	posts_free(&core->posts);
	watches_free(&core->watches);
	handles_free(&core->sessions);
	handles_free(&core->requests);
	free(core->seams);
	free(core);
	*corep = NULL;
}

void core_set_seams(struct core *core, struct seam *seams, unsigned n)
{
	unsigned i;

	core->seams = mem_alloc(n * sizeof(*seams));
	memcpy(core->seams, seams, n * sizeof(*seams));
	core->outboxes = mem_zalloc(n * sizeof(*core->outboxes));
	core->n_outboxes = n;
	for (i = 0; i < n; i++)
		core->outboxes[i].box = seams[i].out;
}

static void core_run_posts(struct core *core)
{
	struct post *post = posts_take(&core->posts), *next;

	for (; post != NULL; post = next) {
		struct par_plugin *outer = call_begin(core, post->owner);

		next = post->next;
		post->fn(post->state, post->arg);
		call_end(core, outer, "posted", "call");
		if (post->work != NULL)
			core->posts.offloaded--;
		free(post);
	}
}

void core_settle(struct core *core)
{
	core_run_posts(core);
	while (core->posts.offloaded > 0) {
		posts_wait(&core->posts);
		core_run_posts(core);
	}
}

static void core_run_timers(struct core *core)
{
	struct timer_call call;

	while (timers_take_due(&core->timers, core->mono_us, &call)) {
		struct par_plugin *outer;

		if (call.owner == NULL) {
			call.fn(call.state, call.arg);
			continue;
		}
		outer = call_begin(core, call.owner);
		call.fn(call.state, call.arg);
		call_end(core, outer, "timer", "");
	}
}

/* One batch of one inbox. True when there is more. */
static bool core_run_inbox(struct core *core, struct mailbox *box)
{
	uint32_t n, i, taken = 0;
	struct in_msg *in;

	while (taken < TURN_MESSAGES && core->overflowing == 0 &&
	       (in = mailbox_peek(box, &n)) != NULL) {
		for (i = 0; i < n; i++)
			dispatch_message(core, &in[i]);
		mailbox_consume(box, n);
		taken += n;
	}
	return taken >= TURN_MESSAGES;
}

bool core_run(struct core *core)
{
	bool more = false;
	unsigned i;

	core_read_clocks(core);
	core->in_turn = true;
	core_run_posts(core);
	core_run_timers(core);
	watches_run(core);
	for (i = 0; i < core->n_outboxes; i++)
		more |= core_run_inbox(core, core->seams[i].in);
	for (i = 0; i < TURN_FLUSHES && storage_flush(core); i++)
		;
	more |= i == TURN_FLUSHES;
	if (core->draining)
		drain_step(core);
	outboxes_flush(core);
	core->in_turn = false;
	/* on one thread nobody else makes room, and nobody wakes us */
	return more || (core->overflowing > 0 && core->settings->io_threads == 0);
}

uint64_t core_next_deadline(const struct core *core)
{
	return timers_next(&core->timers);
}

bool core_sleep(struct core *core)
{
	unsigned i;

	/* with an outbox full the mail stays where it is: room wakes us */
	for (i = 0; core->overflowing == 0 && i < core->n_outboxes; i++) {
		if (!mailbox_sleep(core->seams[i].in))
			return false;
	}
	return true;
}

void core_awake(struct core *core)
{
	unsigned i;

	for (i = 0; i < core->n_outboxes; i++)
		mailbox_awake(core->seams[i].in);
}
