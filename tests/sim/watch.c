/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What must hold inside the core, looked at from outside: memory of a session
 * is bounded whatever its client does, and in the end nothing is left over. What the
 * clients can see is the history checker's, what the transport can, wire.c's.
 */
#include "conn.h"
#include "engine/core_internal.h"
#include "engine/cursor.h"
#include "engine/outbox.h"
#include "engine/session.h"
#include "sim.h"

/* Answers, at most max_inflight and what was read with them, and the window. */
static unsigned outbox_bound(const struct sim *sim)
{
	const struct settings *settings = &sim->server.settings;

	return sim->n_clients * 2 * (settings->ack_window + settings->max_inflight + 4096);
}

static void watch_session(struct sim *sim, const struct session *session)
{
	const struct settings *settings = &sim->server.settings;
	const struct window *window = &session->window;
	uint32_t span = settings->ack_window * WINDOW_SPAN;

	if (window->unacked > settings->ack_window || window->n > span ||
	    window->size > 2 * span + 4)
		sim_fail(sim, "a window of %u holds %u events, %u of them unacked, in a ring of %u",
			 settings->ack_window, window->n, window->unacked, window->size);
}

void watch_core(struct sim *sim)
{
	const struct core *core = sim->server.core;
	uint32_t i;

	for (i = 0; i < core->sessions.n; i++) {
		if (core->sessions.slots[i].object != NULL)
			watch_session(sim, core->sessions.slots[i].object);
	}
	for (i = 0; i < core->n_outboxes; i++) {
		if (core->outboxes[i].n > outbox_bound(sim))
			sim_fail(sim, "%u slots wait in an outbox", core->outboxes[i].n);
	}
}

static void watch_nothing_left(struct sim *sim)
{
	const struct core *core = sim->server.core;

	if (!TAILQ_EMPTY(&core->inflight))
		sim_fail(sim, "requests are still in flight");
	if (core->storage_inflight != 0 || sim->storage.n != 0)
		sim_fail(sim, "the core waits for %u of the storage, which has %u",
			 core->storage_inflight, sim->storage.n);
	if (!cursors_settled(core))
		sim_fail(sim, "cursors wait to be written");
}

void watch_rest(struct sim *sim)
{
	const struct conn *conn;
	unsigned open = 0;

	for (conn = sim->conns; conn != NULL; conn = conn->next) {
		if (conn->state == CONN_OPEN)
			open++;
		if (conn->state == CONN_OPEN && conn->n_asked > 0)
			sim_fail(sim, "%s has %u requests that were never answered", conn->name,
				 conn->n_asked);
		if (conn->state == CONN_OPEN && conn->n_wired > 0)
			sim_fail(sim, "%s has %u events unacked when all is acked", conn->name,
				 conn->n_wired);
		if (conn->state == CONN_CLOSED && conn->server_knows)
			sim_fail(sim, "%s was closed and never released", conn->name);
	}
	if (open != sim->server.core->n_sessions)
		sim_fail(sim, "%u connections are open, and the core has %u sessions", open,
			 sim->server.core->n_sessions);
	watch_nothing_left(sim);
}

void watch_drained(struct sim *sim)
{
	if (sim->server.core->n_sessions != 0)
		sim_fail(sim, "drained with %u sessions", sim->server.core->n_sessions);
	watch_nothing_left(sim);
}
