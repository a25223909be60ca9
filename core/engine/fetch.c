/* SPDX-License-Identifier: BSD-2-Clause */
/* The queue of those who ask the storage; see fetch.h. Core thread. */
#include "engine/fetch.h"

#include "engine/core_internal.h"
#include "engine/session.h"
#include "engine/storage.h"
#include "engine/stream.h"

#define RETRY_US 500000

/* As many as there are places for, up to `most` in all. */
static void fetch_some(struct core *core, unsigned most)
{
	struct session *session;

	while (core->fetches < most && (session = TAILQ_FIRST(&core->fetch_queue)) != NULL) {
		TAILQ_REMOVE(&core->fetch_queue, session, of_fetch);
		session->wants_fetch = false;
		if (stream_ask(core, session))
			core->fetches++;
	}
}

static void fetch_next(struct core *core)
{
	if (core->fetch_timer == 0)
		fetch_some(core, FETCH_MAX);
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
	core->fetch_failing = false;
	fetch_next(core);
}

bool fetch_is_stuck(const struct core *core)
{
	return core->fetch_failing && storage_down(core) != NULL;
}

static uint64_t fetch_later(struct core *core, par_callback_fn fn)
{
	return timers_start(&core->timers, core->mono_us + RETRY_US, NULL, fn, core, NULL);
}

static void fetch_retry(void *state, void *arg)
{
	struct core *core = state;

	(void)arg;
	core->fetch_timer = 0;
	if (!fetch_is_stuck(core)) {
		fetch_next(core);
		return;
	}
	/* one finds out */
	core->fetch_timer = fetch_later(core, fetch_retry);
	fetch_some(core, 1);
}

void fetch_forget(struct core *core, struct session *session)
{
	if (session->set_aside)
		TAILQ_REMOVE(&core->fetch_aside, session, of_fetch);
	else if (session->wants_fetch)
		TAILQ_REMOVE(&core->fetch_queue, session, of_fetch);
	session->set_aside = session->wants_fetch = false;
}

static void fetch_take_back(void *state, void *arg)
{
	struct core *core = state;
	struct session *session;

	(void)arg;
	core->fetch_aside_timer = 0;
	while ((session = TAILQ_FIRST(&core->fetch_aside)) != NULL) {
		fetch_forget(core, session);
		fetch_want(core, session);
	}
}

static void fetch_set_aside(struct core *core, struct session *session)
{
	session->set_aside = true;
	TAILQ_INSERT_TAIL(&core->fetch_aside, session, of_fetch);
	if (core->fetch_aside_timer == 0)
		core->fetch_aside_timer = fetch_later(core, fetch_take_back);
}

void fetch_failed(struct core *core, struct session *session, enum par_error error)
{
	core->fetches--;
	core->fetch_failing = error == PAR_E_UNAVAILABLE;
	if (core->fetch_failing && core->fetch_timer == 0)
		core->fetch_timer = fetch_later(core, fetch_retry);
	if (session != NULL && core->fetch_failing)
		fetch_want(core, session);
	else if (session != NULL)
		fetch_set_aside(core, session);
	fetch_next(core);
}
