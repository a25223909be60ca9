/* SPDX-License-Identifier: BSD-2-Clause */
/* The calls plugin: its options, and what it offers; see calls.h. */
#include <stdio.h>
#include <stdlib.h>

#include "calls.h"

static uint64_t option(struct json_object *config, const char *name)
{
	return (uint64_t)json_object_get_int64(json_object_object_get(config, name));
}

static void metrics_add(struct calls *calls)
{
	const struct par_api *api = calls->api;
	struct par_plugin *self = calls->self;

	calls->active = api->add_metric(self, PAR_GAUGE, "active", "Calls that are known here");
	calls->begun = api->add_metric(self, PAR_COUNTER, "begun_total", "Calls begun");
	calls->received =
	    api->add_metric(self, PAR_COUNTER, "received_total", "Calls ended that were joined");
	calls->missed =
	    api->add_metric(self, PAR_COUNTER, "missed_total", "Calls ended that nobody joined");
	calls->signals = api->add_metric(self, PAR_COUNTER, "signals_total", "Signals passed on");
	calls->dropped =
	    api->add_metric(self, PAR_COUNTER, "signals_dropped_total",
			    "Signals of no call, not for who takes part, or too many at once");
	calls->vanished = api->add_metric(self, PAR_COUNTER, "vanished_total",
					  "Participants who went and did not come back in time");
	calls->removed = api->add_metric(self, PAR_COUNTER, "removed_total",
					 "Participants who were no longer in the group");
}

static void *calls_load(const struct par_api *api, struct par_plugin *self,
			struct json_object *config, char *error, size_t error_size)
{
	struct calls *calls = calloc(1, sizeof(*calls));

	if (calls == NULL) {
		snprintf(error, error_size, "out of memory");
		return NULL;
	}
	calls->api = api;
	calls->self = self;
	calls->ring_timeout = option(config, "ring_timeout");
	calls->reconnect_grace = option(config, "reconnect_grace");
	calls->max_participants = (unsigned)option(config, "max_participants");
	par_json_init(&calls->scratch);
	metrics_add(calls);
	api->handle_request(self, "newCall", calls_new, calls);
	api->handle_request(self, "joinCall", calls_join, calls);
	api->handle_request(self, "leaveCall", calls_leave, calls);
	api->handle_request(self, "closeCall", calls_close, calls);
	api->handle_client_event(self, "callSignal", calls_signal, calls);
	api->add_hook(self, PAR_HOOK_USER_ONLINE, watch_user_online, calls);
	api->add_hook(self, PAR_HOOK_USER_OFFLINE, watch_user_offline, calls);
	api->add_hook(self, PAR_HOOK_ROSTER_CHANGED, watch_roster_changed, calls);
	return calls;
}

static bool calls_start(void *state, char *error, size_t error_size)
{
	(void)error;
	(void)error_size;
	sweep_begin(state);
	return true;
}

/* Calls go on without the server: the next one finds them. */
static void calls_stop(void *state)
{
	struct calls *calls = state;

	calls->stopping = true;
	if (calls->sweep != 0)
		calls->api->timer_stop(calls->self, calls->sweep);
	live_drop_all(calls);
}

static void calls_unload(void *state)
{
	struct calls *calls = state;

	par_json_free(&calls->scratch);
	free(calls);
}

static const struct par_option options[] = {
	{ .name = "ring_timeout",
	  .type = PAR_OPT_DURATION,
	  .def = "45s",
	  .min = 100,
	  .max = 10 * 60 * 1000,
	  .help = "A call that nobody joins for so long is missed." },
	{ .name = "reconnect_grace",
	  .type = PAR_OPT_DURATION,
	  .def = "30s",
	  .min = 100,
	  .max = 10 * 60 * 1000,
	  .help = "A participant whose last device is gone for so long has left." },
	{ .name = "max_participants",
	  .type = PAR_OPT_INT,
	  .def = "32",
	  .min = 2,
	  .max = 256,
	  .help = "So many may take part in one call of a group, over its whole time." },
	{ .name = NULL },
};

static const char *const needs[] = { "storage", NULL };

PAR_EXPORT const struct par_descriptor par_plugin_descriptor = {
	PAR_DESCRIPTOR_HEAD,
	.name = "calls",
	.version = "0.1.0",
	.summary = "Calls: ringing, joining, signalling, and their record in the chat.",
	.requires_ = needs,
	.options = options,
	.load = calls_load,
	.start = calls_start,
	.stop = calls_stop,
	.unload = calls_unload,
};
