/* SPDX-License-Identifier: BSD-2-Clause */
/* All sessions look into the storage, some at a time; see sweep.h. Core thread. */
#include "engine/sweep.h"

#include "engine/core_internal.h"
#include "engine/session.h"
#include "engine/stream.h"

/* Who connects meanwhile asks where his device stands, and so has looked. */
static void sweep_some(struct core *core)
{
	struct sweep *sweep = &core->sweep;
	unsigned left = SWEEP_STEP;

	for (; left > 0 && sweep->at < core->sessions.n; sweep->at++) {
		struct session *session = core->sessions.slots[sweep->at].object;

		if (session == NULL || session->state != SESSION_OPEN)
			continue;
		stream_doubt(core, session);
		left--;
	}
}

static void sweep_step(void *state, void *arg);

static void sweep_later(struct core *core)
{
	core->sweep.timer = timers_start(&core->timers, core->mono_us + SWEEP_STEP_US, NULL,
					 sweep_step, core, NULL);
}

static void sweep_step(void *state, void *arg)
{
	struct core *core = state;
	struct sweep *sweep = &core->sweep;

	(void)arg;
	sweep->timer = 0;
	if (TAILQ_EMPTY(&core->fetch_queue))
		sweep_some(core);
	if (sweep->at < core->sessions.n) {
		sweep_later(core);
	} else if (sweep->again) {
		sweep->again = false;
		sweep->at = 0;
		sweep_later(core);
	}
}

void sweep_want(struct core *core)
{
	if (core->sweep.timer != 0) {
		core->sweep.again |= core->sweep.at > 0;
		return;
	}
	metric_add(core->count.sweeps, 1);
	core->sweep.at = 0;
	sweep_later(core);
}
