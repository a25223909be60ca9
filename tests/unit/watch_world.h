/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The core in the server's own loop, without plugins but for one that the test plays,
 * and ends of socket pairs for it to watch. What is logged goes to a file.
 */
#ifndef PARLANCE_WATCH_WORLD_H
#define PARLANCE_WATCH_WORLD_H

#include <stdbool.h>

#include "engine/core_internal.h"
#include "plugin/plugin.h"
#include "server/loop.h"
#include "unit.h"

#define WATCH_SLOW_MS 2 /* slow_callback */

extern struct loop *loop;
extern struct core *core;
extern struct par_plugin *plugin; /* runs */
extern char log_name[64];

/* One end of a socket pair that is watched, and the other that the test holds. */
struct end {
	int fd;
	int other;
	par_watch_id id;
	unsigned calls;
	unsigned ready; /* the last call's */
	par_watch_id victim; /* stopped within the callback; 0: none */
	par_watch_id muted; /* changed to nothing within the callback */
	bool drain; /* read what is there, within the callback */
};

void begin(void);
/* Stops and unloads the plugin, too. */
void finish(void);
/* Whether the plugin was complained of in these words. */
bool logged(const char *words);

/* Opened, and watched by `count`. */
void end_open(struct end *end, unsigned what);
/* A byte to read. */
void end_say(const struct end *end);
void end_close(const struct end *end);
/* The callback of an end: par_watch_fn. */
void count(void *state, void *arg, unsigned ready);

/* Of the loop; the first of them does not wait. */
void turns(unsigned n);

#endif
