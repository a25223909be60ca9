/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Timers of the core: a binary heap of one-shot deadlines on the core's
 * monotonic clock, so that a simulated clock drives them just as well.
 */
#ifndef PARLANCE_TIMER_H
#define PARLANCE_TIMER_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/handle.h"

struct timer;
struct par_plugin;

typedef void (*timer_fn)(void *state, void *arg);

struct timers {
	struct handles handles;
	struct timer **heap;
	unsigned n;
	unsigned size;
};

/* `owner` is the plugin that it belongs to, or NULL. Returns its id. */
uint64_t timers_start(struct timers *t, uint64_t deadline_us, struct par_plugin *owner, timer_fn fn,
		      void *state, void *arg);
bool timers_stop(struct timers *t, uint64_t id);
/* Drops all timers of a plugin. */
void timers_stop_owner(struct timers *t, const struct par_plugin *owner);
/* The earliest deadline, or UINT64_MAX. */
uint64_t timers_next(const struct timers *t);

struct timer_call {
	struct par_plugin *owner;
	timer_fn fn;
	void *state;
	void *arg;
};

/* Takes one timer that is due out of the heap; false when none is. */
bool timers_take_due(struct timers *t, uint64_t now_us, struct timer_call *call);
void timers_free(struct timers *t);

#endif
