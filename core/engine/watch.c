/* SPDX-License-Identifier: BSD-2-Clause */
/* The watches of plugins; see watch.h. Core thread. */
#include "engine/watch.h"

#include <errno.h>
#include <stdlib.h>

#include "base/mem.h"
#include "engine/core_internal.h"
#include "plugin/plugin.h"

struct watch {
	TAILQ_ENTRY(watch) next;
	TAILQ_ENTRY(watch) next_ready;
	struct core *core;
	struct par_plugin *owner;
	struct loop_watch *in_loop;
	uint64_t id;
	int fd;
	unsigned what;
	unsigned ready; /* not 0: it is on the list of those */
	par_watch_fn fn;
	void *state;
	void *arg;
};

void watches_init(struct watches *watches)
{
	TAILQ_INIT(&watches->all);
	TAILQ_INIT(&watches->ready);
}

static void watch_not_ready(struct watch *watch)
{
	if (watch->ready == 0)
		return;
	watch->ready = 0;
	TAILQ_REMOVE(&watch->core->watches.ready, watch, next_ready);
}

uint64_t watch_start(struct core *core, struct par_plugin *owner, int fd, unsigned what,
		     par_watch_fn fn, void *state, void *arg)
{
	struct watch *watch;

	if (core->env.watch_start == NULL) {
		errno = ENOTSUP;
		return 0;
	}
	watch = mem_zalloc(sizeof(*watch));
	watch->core = core;
	watch->owner = owner;
	watch->fd = fd;
	watch->fn = fn;
	watch->state = state;
	watch->arg = arg;
	watch->id = handles_add(&core->watches.handles, watch);
	TAILQ_INSERT_TAIL(&core->watches.all, watch, next);
	watch->in_loop = core->env.watch_start(core->env.arg, fd, watch);
	if (watch->in_loop != NULL && watch_change(core, watch, what))
		return watch->id;
	watch_stop(core, watch);
	return 0;
}

const struct par_plugin *watch_owner(const struct core *core, int fd)
{
	const struct watch *watch;

	TAILQ_FOREACH(watch, &core->watches.all, next) {
		if (watch->fd == fd)
			return watch->owner;
	}
	return NULL;
}

struct watch *watch_find(const struct core *core, const struct par_plugin *owner, uint64_t id)
{
	struct watch *watch = handles_get(&core->watches.handles, id);

	return watch != NULL && watch->owner == owner ? watch : NULL;
}

/* What was noted and is not wanted any more is left out when its turn comes. */
bool watch_change(struct core *core, struct watch *watch, unsigned what)
{
	watch->what = what;
	return core->env.watch_change(watch->in_loop, what);
}

void watch_stop(struct core *core, struct watch *watch)
{
	int error = errno; /* of why it was not started */

	if (watch->in_loop != NULL)
		core->env.watch_stop(watch->in_loop);
	watch_not_ready(watch);
	TAILQ_REMOVE(&core->watches.all, watch, next);
	handles_remove(&core->watches.handles, watch->id);
	free(watch);
	errno = error;
}

void watch_ready(struct watch *watch, unsigned ready)
{
	if (watch->ready == 0 && ready != 0)
		TAILQ_INSERT_TAIL(&watch->core->watches.ready, watch, next_ready);
	watch->ready |= ready;
}

/* None becomes ready meanwhile; each may stop or change any. */
void watches_run(struct core *core)
{
	struct watch *watch;

	while ((watch = TAILQ_FIRST(&core->watches.ready)) != NULL) {
		unsigned ready = watch->ready & watch->what;
		struct par_plugin *outer;

		watch_not_ready(watch);
		if (ready == 0)
			continue;
		outer = call_begin(core, watch->owner);
		watch->fn(watch->state, watch->arg, ready);
		call_end(core, outer, "watched", "descriptor");
	}
}

void watches_stop_owner(struct core *core, const struct par_plugin *owner)
{
	struct watch *watch = TAILQ_FIRST(&core->watches.all), *next;

	for (; watch != NULL; watch = next) {
		next = TAILQ_NEXT(watch, next);
		if (watch->owner == owner)
			watch_stop(core, watch);
	}
}

void watches_free(struct watches *watches)
{
	handles_free(&watches->handles);
}
