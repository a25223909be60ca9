/* SPDX-License-Identifier: BSD-2-Clause */
/* The presence plugin's way into the server: options, metrics, hooks, client events; see
 * presence.h. Core thread. */
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>

#include "presence.h"

static enum par_verdict session_opened(void *state, const struct par_hook_call *call)
{
	person_enter(state, call->user, call->session);
	return PAR_ALLOW;
}

static enum par_verdict session_closed(void *state, const struct par_hook_call *call)
{
	struct presence *p = state;

	if (!p->stopping)
		person_leave(p, call->user, call->session);
	return PAR_ALLOW;
}

static void event_offline(void *state, const struct par_client_event *event)
{
	person_away(state, event->user, event->session, true);
}

static void event_online(void *state, const struct par_client_event *event)
{
	person_away(state, event->user, event->session, false);
}

static void add_metrics(struct presence *p, const struct par_api *api, struct par_plugin *self)
{
	p->count.online =
	    api->add_metric(self, PAR_GAUGE, "online", "Users who are online to the others");
	p->count.told = api->add_metric(self, PAR_COUNTER, "told_total",
					"Users told that another came or went");
	p->count.greeted = api->add_metric(self, PAR_COUNTER, "greeted_total",
					   "Events that told a new session of who is online");
	p->count.coalesced = api->add_metric(self, PAR_COUNTER, "coalesced_total",
					     "Comings and goings told to nobody, since the user "
					     "came back or went first");
	p->count.pages = api->add_metric(self, PAR_COUNTER, "pages_total",
					 "Pages of peers asked of the storage");
	p->count.waiting = api->add_metric(self, PAR_GAUGE, "waiting",
					   "Users and sessions with whose peers it is not done");
	p->count.turn_most = api->add_metric(self, PAR_GAUGE, "turn_events_max",
					     "Most events sent between two looks at the queue");
	p->count.held = api->add_metric(self, PAR_COUNTER, "held_total",
					"Times that a session took no more and was left alone");
	p->count.failed = api->add_metric(self, PAR_COUNTER, "failed_total",
					  "Pages and transactions that the storage failed");
	p->count.dropped = api->add_metric(self, PAR_COUNTER, "dropped_total",
					   "Users whose going nobody heard of, since too many "
					   "were gone, and sessions told of nobody, since their "
					   "user had too many");
	p->count.saved =
	    api->add_metric(self, PAR_COUNTER, "saved_total", "Times of lastSeen stored");
	p->count.kept = api->add_metric(self, PAR_COUNTER, "kept_total",
					"Times that a user who is online was to be stored");
}

static uint64_t duration(struct json_object *config, const char *option)
{
	return (uint64_t)json_object_get_int64(json_object_object_get(config, option));
}

static void *presence_load(const struct par_api *api, struct par_plugin *self,
			   struct json_object *config, char *error, size_t error_size)
{
	struct presence *p = calloc(1, sizeof(*p));

	if (p == NULL) {
		snprintf(error, error_size, "out of memory");
		return NULL;
	}
	p->api = api;
	p->self = self;
	p->grace = duration(config, "offline_grace");
	p->interval = duration(config, "seen_interval");
	TAILQ_INIT(&p->queue);
	LIST_INIT(&p->errands);
	TAILQ_INIT(&p->unsaved);
	TAILQ_INIT(&p->kept);
	add_metrics(p, api, self);
	api->add_hook(self, PAR_HOOK_SESSION_OPENED, session_opened, p);
	api->add_hook(self, PAR_HOOK_SESSION_CLOSED, session_closed, p);
	api->handle_client_event(self, "offline", event_offline, p);
	api->handle_client_event(self, "online", event_online, p);
	api->handle_request(self, "lastSeen", seen_request, p);
	api->add_chat_detail(self, &seen_detail, p);
	return p;
}

static void presence_stop(void *state)
{
	struct presence *p = state;

	p->stopping = true;
	errands_stop(p);
	keep_stop(p);
	seen_stop(p);
}

static void presence_unload(void *state)
{
	struct presence *p = state;
	struct person *person, *next;

	HASH_ITER(hh, p->persons, person, next) {
		person_free(p, person);
	}
	free(p);
}

static const char *const requires_[] = { "storage", NULL };

static const struct par_option options[] = {
	{ .name = "offline_grace",
	  .type = PAR_OPT_DURATION,
	  .def = "5s",
	  .min = 0,
	  .max = 10 * 60 * 1000,
	  .help = "For so long after his last device has gone a user is still online; who comes "
		  "back within it was never away." },
	{ .name = "seen_interval",
	  .type = PAR_OPT_DURATION,
	  .def = "5m",
	  .min = 0,
	  .max = 24 * 60 * 60 * 1000,
	  .help = "So often lastSeen of who is online is stored, and so much too early is it "
		  "after the server was killed; 0: when he goes, and when the server stops." },
	{ .name = NULL },
};

PAR_EXPORT const struct par_descriptor par_plugin_descriptor = {
	PAR_DESCRIPTOR_HEAD,
	.name = "presence",
	.version = "0.1.0",
	.summary = "Tells users who share a dialog when one of them comes or goes.",
	.requires_ = requires_,
	.options = options,
	.load = presence_load,
	.stop = presence_stop,
	.unload = presence_unload,
};
