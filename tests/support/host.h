/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A small real host for tests of plugins: it loads a plugin's shared object
 * and hands it a struct par_api whose generic part works as the server's does
 * (log, post, metrics, timers on a manual clock, helper threads, watched
 * descriptors, transactions and queries that reach the loaded storage). What
 * belongs to sessions and requests (reply, fail, event_open, ...) is left NULL
 * for a test to put its own functions in, before it loads the plugin.
 *
 * One thread is the core: the one that called host_new. Nothing runs by
 * itself; host_settle lets everything happen that is under way. What a plugin
 * does wrong (a tx completed twice, a call on the wrong thread) aborts.
 */
#ifndef PARLANCE_TESTS_HOST_H
#define PARLANCE_TESTS_HOST_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include <parlance/plugin.h>
#include <parlance/storage.h>

#include "base/metrics.h"

#define HOST_HANDLERS 32
#define HOST_WATCHES 64
#define HOST_ERROR_MAX 256

struct host;

struct par_plugin {
	struct host *host;
	void *object; /* of dlopen */
	const struct par_descriptor *descriptor;
	void *state;
	struct par_plugin *next;
};

/* What plugins registered, in the order of registration. */
struct host_handler {
	struct par_plugin *plugin;
	const char *type; /* payloadType; NULL for a hook */
	enum par_hook_kind hook;
	par_request_fn request;
	par_client_event_fn event;
	par_hook_fn hook_fn;
	struct par_chat_detail detail; /* of chats */
	void *state;
};

struct host_call;
struct host_timer;
struct host_work;

struct host_watch {
	par_watch_id id; /* 0: free */
	struct par_plugin *plugin;
	int fd;
	unsigned what;
	par_watch_fn fn;
	void *state;
	void *arg;
};

struct host {
	struct par_api api; /* a test may replace functions before host_load */
	struct par_server_info info;
	uint64_t now; /* the manual clock */
	char error[HOST_ERROR_MAX]; /* why host_load or host_start failed */
	void *test; /* for whoever extends the host */

	struct host_handler handlers[HOST_HANDLERS];
	unsigned n_handlers;
	const struct par_auth_role *auth;
	void *auth_state;
	const struct par_storage_role *storage;
	void *storage_state;
	struct metrics metrics;
	unsigned in_flight; /* txs and queries submitted and not done */
	bool in_storage; /* within the storage's submit or query */
	struct host_work *spent; /* the latest that were done, to recognise one done twice */
	unsigned n_spent;

	/* private */
	struct par_plugin *plugins; /* latest first */
	struct par_auth_role auth_role;
	struct par_storage_role storage_role;
	pthread_t core;
	pthread_mutex_t lock; /* of the calls and the log */
	int called; /* an eventfd: something was posted */
	struct host_call *calls, **calls_end;
	struct par_json log;
	struct host_timer *timers;
	par_timer_id last_timer;
	unsigned offloaded; /* not yet come back */
	struct host_watch watches[HOST_WATCHES];
	par_watch_id last_watch;
};

struct host *host_new(void);
/* Stops and unloads what is still loaded. Nulls the pointer. */
void host_free(struct host **host);

/* dlopens the object and calls load with the config, its options' defaults
 * added. `config` is JSON text, or NULL. NULL with the reason in host->error. */
struct par_plugin *host_load(struct host *host, const char *object, const char *config);
bool host_start(struct par_plugin *plugin);
/* Lets all that is under way happen, then stop, then what stop left to happen.
 * unload and dlclose follow. */
void host_unload(struct par_plugin *plugin);

/* The first handler of this payloadType, or of this hook; NULL: none. */
const struct host_handler *host_request_handler(const struct host *host, const char *type);
const struct host_handler *host_event_handler(const struct host *host, const char *type);
const struct host_handler *host_hook(const struct host *host, enum par_hook_kind kind);

/* The first that adds a detail to chats; NULL: none. In the host no answer gets it: that is
 * the core's work, and a test calls it itself. */
const struct host_handler *host_detail(const struct host *host);

/* Runs what was posted, and calls who watches a descriptor that is ready; true when there
 * was something. */
bool host_drain(struct host *host);
/* Flushes the storage and lets happen what is under way until no transaction or query is
 * in flight. When all that is waited for is a timer the clock moves with real
 * time. Aborts when the storage keeps one for a minute. */
void host_settle(struct host *host);
/* A moment of that, whether anything is in flight or not; the clock moves with real time. */
void host_turn(struct host *host);
/* Moves the clock and calls the timers that become due, in their order. */
void host_advance(struct host *host, uint64_t ms);

/* The value of the plugin's metric; aborts when there is none of that name. */
int64_t host_metric(struct host *host, const char *plugin, const char *name);
/* Whether a line of the log so far contains `text`. */
bool host_logged(struct host *host, const char *text);

#endif
