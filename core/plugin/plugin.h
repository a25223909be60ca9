/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * struct par_plugin, the server's side of one loaded plugin, and the bracket
 * around each call of one of its callbacks. Core thread only.
 */
#ifndef PARLANCE_PLUGIN_INTERNAL_H
#define PARLANCE_PLUGIN_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>

#include <parlance/plugin.h>

struct core;

enum plugin_phase {
	PLUGIN_FOUND, /* its descriptor was read and accepted */
	PLUGIN_LOADING, /* within load(): the only time to register */
	PLUGIN_LOADED,
	PLUGIN_RUNNING, /* start() was called */
	PLUGIN_STOPPED
};

struct par_plugin {
	struct par_plugin *next; /* in the order of loading */
	struct core *core;
	void *object; /* dlopen's */
	struct par_descriptor descriptor; /* a copy; what an older plugin lacks is NULL */
	void *state;
	enum plugin_phase phase;
	bool refused; /* a registration failed; `why` says so */
	char why[256];
};

/* The function table handed to every plugin: api.c. */
extern const struct par_api api_table;

/* Around each call of a plugin's callback. Returns the plugin whose callback
 * was running (calls nest: a handler submits, a gate is asked). */
struct par_plugin *call_begin(struct core *core, struct par_plugin *plugin);
/* `what` and `which` name the call for the watchdog's warning: "request", "new". */
void call_end(struct core *core, struct par_plugin *outer, const char *what, const char *which);

/* Tells all observers of a kind. `call->kind` and `now` are filled in. */
void hooks_tell(struct core *core, enum par_hook_kind kind, struct par_hook_call *call);
/* Asks all gates; false when one refuses. */
bool hooks_allow(struct core *core, enum par_hook_kind kind, struct par_hook_call *call);

#endif
