/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The core: every piece of protocol state, on exactly one thread. It takes
 * messages from the inboxes, calls the plugins' handlers, hands transactions to
 * the storage and puts frames into the outboxes. It knows no socket, no frame
 * header and no SQL, and reads no clock: time, random numbers and mailboxes come through
 * struct core_env, so that a test can run it in a world of its own.
 *
 * The path of a message, each in the file of that name:
 *   core_run → dispatch_message → request_begin → the plugin's handler
 *   → tx_submit → the storage → tx_done → delivery → window → outbox.
 */
#ifndef PARLANCE_CORE_H
#define PARLANCE_CORE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/metrics.h"
#include "config/config.h"
#include "config/settings.h"
#include "seam/seam.h"

struct core;
struct loop_watch;
struct watch;

struct core_env {
	void *arg;
	/* Random: no two servers on one database may give their sessions the same ids. */
	uint32_t seed;
	/* Milliseconds since the epoch; may jump, the core does not. */
	uint64_t (*wall_ms)(void *arg);
	/* Microseconds of a clock that never jumps: for timers and the watchdog. */
	uint64_t (*monotonic_us)(void *arg);
	/* Wakes the core's loop; any thread. */
	void (*wake)(void *arg);
	/* File descriptors that plugins watch; core thread. All NULL: in this world none can
	 * be. Whenever one is ready for something of `what` (PAR_READABLE, PAR_WRITABLE; 0 at
	 * first) between two turns, watch_ready is told. NULL and false, with errno: no. */
	struct loop_watch *(*watch_start)(void *arg, int fd, struct watch *watch);
	bool (*watch_change)(struct loop_watch *in_loop, unsigned what);
	void (*watch_stop)(struct loop_watch *in_loop);
};

/* The descriptor is ready; who watches it is called in the next turn. */
void watch_ready(struct watch *watch, unsigned ready);

struct core *core_new(const struct settings *settings, const struct core_env *env,
		      struct metrics *metrics);
void core_free(struct core **core);

/* Loads the plugins that the config names, in the order of what they require,
 * and calls load of each. False with the reason in `error`; then all are
 * unloaded again. */
bool core_load_plugins(struct core *core, const struct config *config,
		       char error[CONFIG_ERROR_MAX]);
/* Calls start of each. */
bool core_start_plugins(struct core *core, char error[CONFIG_ERROR_MAX]);
/* Calls start of the storage alone, so that it brings its tables to this version. Returns its
 * name; NULL on failure. */
const char *core_start_storage(struct core *core, char error[CONFIG_ERROR_MAX]);

void core_set_seams(struct core *core, struct seam *seams, unsigned n);

/* One turn: posted calls, timers, watched descriptors, mail, the storage's flush, outboxes. Bounded work.
 * True when there is more to do at once. */
bool core_run(struct core *core);
/* When core_run must be called though nothing happened, on the monotonic clock in
 * microseconds; UINT64_MAX: never. */
uint64_t core_next_deadline(const struct core *core);
/* Before blocking; false when mail came in between. */
bool core_sleep(struct core *core);
void core_awake(struct core *core);

/* Drain: new handshakes are refused (503); no new request is taken; when those in flight are
 * completed, sessions are closed with 1001. core_drained says when all is done and
 * cursors are written. */
void core_drain(struct core *core);
bool core_drained(const struct core *core);
/* Ends the sessions that are left, then calls stop, then unload, of the plugins, each in
 * reverse order. The transport has stopped. */
void core_stop_plugins(struct core *core);

/* Why the server is not ready (the storage's `down`, or draining), or NULL. */
const char *core_not_ready(struct core *core);

/* Loads one plugin alone, for --help-plugin; prints its summary and options. */
bool plugin_print_help(const char *plugin_dir, const char *name, char error[CONFIG_ERROR_MAX]);

#endif
