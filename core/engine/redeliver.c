/* SPDX-License-Identifier: BSD-2-Clause */
/* Looking for events that stay unacked; see redeliver.h. Core thread. */
#include "engine/redeliver.h"

#include "engine/core_internal.h"
#include "engine/session.h"
#include "engine/stream.h"

#define BACKOFF_MAX 10 /* doublings */

static void redeliver_session(struct core *core, struct session *session)
{
	uint64_t patience = (core->settings->redeliver_after * 1000) << session->redeliveries;

	/* what a congested one has not read yet it cannot ack */
	if (session->state != SESSION_OPEN || session->stream != STREAM_FLOWING ||
	    session->congested || session->window.unacked == 0 ||
	    core->mono_us - session->oldest_since < patience)
		return;
	if (session->redeliveries < BACKOFF_MAX)
		session->redeliveries++;
	stream_go_back(core, session);
}

static void redeliver_due(void *state, void *arg)
{
	struct core *core = state;
	uint32_t i;

	(void)arg;
	for (i = 0; i < core->sessions.n; i++) {
		if (core->sessions.slots[i].object != NULL)
			redeliver_session(core, core->sessions.slots[i].object);
	}
	redeliver_start(core);
}

void redeliver_start(struct core *core)
{
	uint64_t interval = core->settings->redeliver_after * 1000 / 4;

	if (core->settings->redeliver_after > 0)
		timers_start(&core->timers, core->mono_us + interval, NULL, redeliver_due, core,
			     NULL);
}
