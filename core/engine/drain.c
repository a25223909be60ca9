/* SPDX-License-Identifier: BSD-2-Clause */
/* The orderly end; see drain.h. Core thread. */
#include "engine/drain.h"

#include "base/log.h"
#include "engine/core.h"
#include "engine/core_internal.h"
#include "engine/cursor.h"
#include "engine/request.h"
#include "engine/session.h"
#include "engine/storage.h"

static void drain_deadline_passed(void *state, void *arg)
{
	(void)state; /* the turn that it causes is all that is wanted */
	(void)arg;
}

void core_drain(struct core *core)
{
	if (core->draining)
		return;
	core->draining = true;
	core->mono_us = core->env.monotonic_us(core->env.arg);
	core->drain_deadline = core->mono_us + core->settings->drain_timeout * 1000;
	timers_start(&core->timers, core->drain_deadline, NULL, drain_deadline_passed, NULL, NULL);
	log_info("core", "draining: no new connection, finishing requests in flight");
}

static void drain_close_sessions(struct core *core)
{
	uint32_t i;

	for (i = 0; i < core->sessions.n; i++) {
		struct session *session = core->sessions.slots[i].object;

		if (session != NULL)
			session_go_away(core, session);
	}
}

void drain_step(struct core *core)
{
	bool late = core->mono_us >= core->drain_deadline;

	if (core->drain_closing || (!TAILQ_EMPTY(&core->inflight) && !late))
		return;
	if (!TAILQ_EMPTY(&core->inflight))
		log_warning("core", "drain_timeout passed with requests in flight");
	requests_give_up(core);
	core->drain_closing = true;
	/* the second time it passes, what is left is given up: core_drained */
	core->drain_deadline = core->mono_us + core->settings->drain_timeout * 1000;
	timers_start(&core->timers, core->drain_deadline, NULL, drain_deadline_passed, NULL, NULL);
	drain_close_sessions(core);
}

bool core_drained(const struct core *core)
{
	if (!core->drain_closing)
		return false;
	if (core->n_sessions == 0 && core->storage_inflight == 0 && cursors_settled(core))
		return true;
	return core->mono_us >= core->drain_deadline;
}

const char *core_not_ready(struct core *core)
{
	if (core->draining)
		return "draining";
	return core->registry.storage_plugin == NULL ? NULL : storage_down(core);
}
