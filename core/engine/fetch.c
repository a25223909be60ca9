/* SPDX-License-Identifier: BSD-2-Clause */
/* The queue of those who ask the storage; see fetch.h. Core thread. */
#include "engine/fetch.h"

#include "engine/core_internal.h"
#include "engine/session.h"
#include "engine/storage.h"
#include "engine/stream.h"

#define RETRY_US 500000

static void fetch_next(struct core *core)
{
	struct session *session;

	while (core->fetches < FETCH_MAX && core->fetch_timer == 0 &&
	       (session = TAILQ_FIRST(&core->fetch_queue)) != NULL) {
		TAILQ_REMOVE(&core->fetch_queue, session, of_fetch);
		session->wants_fetch = false;
		if (stream_ask(core, session))
			core->fetches++;
	}
}

void fetch_want(struct core *core, struct session *session)
{
	if (session->wants_fetch)
		return;
	session->wants_fetch = true;
	TAILQ_INSERT_TAIL(&core->fetch_queue, session, of_fetch);
	fetch_next(core);
}

void fetch_answered(struct core *core)
{
	core->fetches--;
	fetch_next(core);
}

static void fetch_retry(void *state, void *arg)
{
	struct core *core = state;

	(void)arg;
	core->fetch_timer = 0;
	if (storage_down(core) == NULL)
		fetch_next(core);
	else
		core->fetch_timer = timers_start(&core->timers, core->mono_us + RETRY_US, NULL,
						 fetch_retry, core, NULL);
}

void fetch_failed(struct core *core, struct session *session)
{
	core->fetches--;
	if (core->fetch_timer == 0)
		core->fetch_timer = timers_start(&core->timers, core->mono_us + RETRY_US, NULL,
						 fetch_retry, core, NULL);
	if (session != NULL)
		fetch_want(core, session);
}

void fetch_forget(struct core *core, struct session *session)
{
	if (session->wants_fetch)
		TAILQ_REMOVE(&core->fetch_queue, session, of_fetch);
	session->wants_fetch = false;
}
