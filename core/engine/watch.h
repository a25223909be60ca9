/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * File descriptors that plugins watch (par_api.watch_start). The loop looks at them and
 * notes between turns which are ready; whoever watches is called in the turn, like
 * for a timer: with a fresh clock, and all that comes of it leaves in the same turn.
 * Watches are found by id, so that one may be stopped by any callback, its own too.
 * Core thread only.
 */
#ifndef PARLANCE_WATCH_H
#define PARLANCE_WATCH_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include <parlance/plugin.h>

#include "engine/handle.h"

struct core;
struct watch;

TAILQ_HEAD(watch_list, watch);

struct watches {
	struct handles handles;
	struct watch_list all;
	struct watch_list ready; /* noted by watch_ready, until the turn */
};

void watches_init(struct watches *watches);
/* The watch's id; 0 with errno: it cannot be watched. */
uint64_t watch_start(struct core *core, struct par_plugin *owner, int fd, unsigned what,
		     par_watch_fn fn, void *state, void *arg);
/* Who watches this descriptor, or NULL. */
const struct par_plugin *watch_owner(const struct core *core, int fd);
/* NULL: there is none, or another plugin's. */
struct watch *watch_find(const struct core *core, const struct par_plugin *owner, uint64_t id);
/* False with errno when the loop refuses. */
bool watch_change(struct core *core, struct watch *watch, unsigned what);
void watch_stop(struct core *core, struct watch *watch);
/* Calls all that are ready. */
void watches_run(struct core *core);
/* Drops all of a plugin. */
void watches_stop_owner(struct core *core, const struct par_plugin *owner);
void watches_free(struct watches *watches);

#endif
