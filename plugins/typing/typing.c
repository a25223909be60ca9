/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The typing plugin: docs/protocol.md, Typing. Client event `typing` becomes the
 * ephemeral event `typing` for the other members of the chat. Nothing is stored.
 *
 *   (idle) ── typing: relay ──▶ active ── typing: relay, at most one an interval ──▶ active
 *   active ── stop, time-out, or its session gone: relay stop ──▶ (idle)
 *
 * A `typist` is a user with at least one active `pair` (user, chat); a pair has
 * exactly one timer, which is not moved by repeats but looks, when it runs, how long
 * ago the last one was. A client cannot make more than PAIRS_MAX of them; with no
 * active pair nothing is kept of a user. Everything runs on the core thread.
 *
 * In a group many are told, and the storage is asked first who they are (room.c). So there a pair
 * that stopped is kept until that is told and the interval is over: typing and stopping in turns
 * is not passed on more often than typing is. And while a pair waits for the storage, repeats
 * are dropped.
 */
#include <stdlib.h>
#include <uthash.h>

#include "typing.h"

#define PAIRS_MAX 32

struct typist {
	UT_hash_handle hh;
	struct pair *pairs;
	unsigned n_pairs;
	size_t user_len;
	char user[];
};

struct par_str pair_user(const struct pair *pair)
{
	struct par_str user = { pair->typist->user, pair->typist->user_len };
	return user;
}

static struct par_str pair_peer(const struct pair *pair)
{
	struct par_str peer = { pair->peer, pair->peer_len };
	return peer;
}

void typing_open(struct typing *t, struct par_str chat_id, struct par_str user, bool stop)
{
	struct par_json *w = t->api->event_open(t->self, "typing");

	par_json_object_begin(w);
	par_json_member_string(w, "chatId", chat_id);
	par_json_member_string(w, "userId", user);
	if (stop)
		par_json_member_bool(w, "stop", true);
	par_json_object_end(w);
}

/* Tells the other of a dialog, for whom it is the chat with the user. */
static void relay(struct typing *t, const struct pair *pair, bool stop)
{
	typing_open(t, pair_user(pair), pair_user(pair), stop);
	t->api->event_send(t->self, pair_peer(pair), 0);
	t->api->event_close(t->self);
	t->api->metric_add(t->relayed, 1);
}

static struct typist *typist_find(struct typing *t, struct par_str user)
{
	struct typist *typist;

	HASH_FIND(hh, t->typists, user.s, user.len, typist);
	return typist;
}

static struct typist *typist_add(struct typing *t, struct par_str user)
{
	struct typist *typist = calloc(1, sizeof(*typist) + user.len);

	if (typist == NULL)
		return NULL;
	typist->user_len = user.len;
	memcpy(typist->user, user.s, user.len);
	HASH_ADD_KEYPTR(hh, t->typists, typist->user, typist->user_len, typist);
	return typist;
}

static void typist_drop_idle(struct typing *t, struct typist *typist)
{
	if (typist->pairs != NULL)
		return;
	HASH_DEL(t->typists, typist);
	free(typist);
}

static struct pair *pair_find(const struct typist *typist, struct par_str peer)
{
	struct pair *pair;

	for (pair = typist->pairs; pair != NULL; pair = pair->next) {
		if (par_str_equal(pair_peer(pair), peer))
			return pair;
	}
	return NULL;
}

/* Frees the pair, not its typist. */
static void pair_remove(struct typing *t, struct pair *pair)
{
	struct typist *typist = pair->typist;
	struct pair **at = &typist->pairs;

	while (*at != pair)
		at = &(*at)->next;
	*at = pair->next;
	typist->n_pairs--;
	if (pair->room != NULL)
		room_leave(t, pair);
	t->api->timer_stop(t->self, pair->timer);
	t->api->metric_add(t->active, -1);
	free(pair);
}

void pair_drop(struct typing *t, struct pair *pair)
{
	struct typist *typist = pair->typist;

	pair_remove(t, pair);
	typist_drop_idle(t, typist);
}

static uint64_t pair_since(const struct typing *t, const struct pair *pair)
{
	return t->api->now(t->self) - pair->relayed;
}

void pair_said(struct typing *t, struct pair *pair)
{
	if (pair->stopped && pair_since(t, pair) >= t->interval)
		pair_drop(t, pair);
}

static void pair_timer(void *state, void *arg);

static void pair_wait(struct typing *t, struct pair *pair, uint64_t delay)
{
	t->api->timer_stop(t->self, pair->timer);
	pair->timer = t->api->timer_start(t->self, delay, pair_timer, t, pair);
}

/* Tells the others, if they know of it. The pair is freed or, in a group, kept for a while. */
static void pair_end(struct typing *t, struct pair *pair, const struct par_client_event *event)
{
	uint64_t since = pair_since(t, pair);

	if (pair->room == NULL) {
		relay(t, pair, true);
		pair_drop(t, pair);
		return;
	}
	pair->stopped = true;
	pair_wait(t, pair, since < t->interval ? t->interval - since : t->timeout);
	if (pair->told || pair->waiting)
		room_say(t, pair, event);
	else
		pair_said(t, pair);
}

static void pair_timer(void *state, void *arg)
{
	struct typing *t = state;
	struct pair *pair = arg;
	uint64_t silent = t->api->now(t->self) - pair->heard;

	if (pair->stopped && !pair->waiting)
		pair_drop(t, pair);
	else if (pair->stopped)
		pair_wait(t, pair, t->timeout);
	else if (silent < t->timeout)
		pair_wait(t, pair, t->timeout - silent);
	else
		pair_end(t, pair, NULL);
}

static struct pair *pair_add(struct typing *t, struct typist *typist, struct par_str peer)
{
	struct pair *pair = calloc(1, sizeof(*pair) + peer.len);

	if (pair == NULL)
		return NULL;
	if (par_id_is_group(peer) && !room_enter(t, pair, peer)) {
		free(pair);
		return NULL;
	}
	pair->typist = typist;
	pair->peer_len = peer.len;
	memcpy(pair->peer, peer.s, peer.len);
	pair->next = typist->pairs;
	typist->pairs = pair;
	typist->n_pairs++;
	pair->timer = t->api->timer_start(t->self, t->timeout, pair_timer, t, pair);
	t->api->metric_add(t->active, 1);
	return pair;
}

static void pair_say(struct typing *t, struct pair *pair, const struct par_client_event *event)
{
	pair->session = event->session;
	pair->heard = pair->relayed = event->now;
	pair->stopped = false;
	if (pair->room != NULL)
		room_say(t, pair, event);
	else
		relay(t, pair, false);
}

/* The user begins to type to a peer. False when he does to too many. */
static bool type_begin(struct typing *t, const struct par_client_event *event, struct par_str peer)
{
	struct typist *typist = typist_find(t, event->user);
	struct pair *pair;

	if (typist == NULL)
		typist = typist_add(t, event->user);
	if (typist == NULL || typist->n_pairs == PAIRS_MAX)
		return false;
	pair = pair_add(t, typist, peer);
	if (pair == NULL) {
		typist_drop_idle(t, typist);
		return false;
	}
	pair_say(t, pair, event);
	return true;
}

/* False when the repeat comes too soon to be passed on. */
static bool type_repeat(struct typing *t, const struct par_client_event *event, struct pair *pair)
{
	if (pair->stopped && event->now - pair->relayed < t->interval)
		return false;
	pair->session = event->session;
	pair->heard = event->now;
	if ((pair->waiting && !pair->stopped) || event->now - pair->relayed < t->interval)
		return false;
	pair_say(t, pair, event);
	return true;
}

static void typing_event(void *state, const struct par_client_event *event)
{
	struct typing *t = state;
	struct typist *typist;
	struct pair *pair;
	struct par_str peer;
	struct par_payload p;
	bool stop, passed_on = true;

	par_payload_begin(&p, event->payload);
	peer = par_payload_id(&p, "chatId", PAR_REQUIRED);
	stop = par_payload_bool(&p, "stop", PAR_OPTIONAL);
	if (p.error != PAR_OK) {
		t->api->metric_add(t->bad, 1);
		par_payload_fail_event(t->api, t->self, event, &p);
		return;
	}
	typist = typist_find(t, event->user);
	pair = typist == NULL ? NULL : pair_find(typist, peer);
	if (pair != NULL && stop) {
		passed_on = !pair->stopped;
		if (passed_on)
			pair_end(t, pair, event);
	} else if (pair != NULL) {
		passed_on = type_repeat(t, event, pair);
	} else {
		passed_on =
		    !stop && !par_str_equal(peer, event->user) && type_begin(t, event, peer);
	}
	if (!passed_on)
		t->api->metric_add(t->dropped, 1);
}

/* The session cannot say any more that it stopped. */
static enum par_verdict typing_session_closed(void *state, const struct par_hook_call *call)
{
	struct typing *t = state;
	struct typist *typist = typist_find(t, call->user);
	struct pair *pair, *next;

	if (typist == NULL)
		return PAR_ALLOW;
	for (pair = typist->pairs; pair != NULL; pair = next) {
		next = pair->next;
		if (pair->session == call->session && !pair->stopped)
			pair_end(t, pair, NULL);
	}
	return PAR_ALLOW;
}

static uint64_t option(struct json_object *config, const char *name)
{
	return (uint64_t)json_object_get_int64(json_object_object_get(config, name));
}

static void *typing_load(const struct par_api *api, struct par_plugin *self,
			 struct json_object *config, char *error, size_t error_size)
{
	struct typing *t = calloc(1, sizeof(*t));

	if (t == NULL) {
		snprintf(error, error_size, "out of memory");
		return NULL;
	}
	t->api = api;
	t->self = self;
	t->interval = option(config, "typing_interval");
	t->timeout = option(config, "typing_timeout");
	t->max_members = (unsigned)option(config, "max_members");
	t->max_typists = (unsigned)option(config, "max_typists");
	if (t->interval >= t->timeout) {
		snprintf(error, error_size,
			 "typing_interval must be less than typing_timeout, or every relay would "
			 "have timed out before the next");
		free(t);
		return NULL;
	}
	t->relayed = api->add_metric(self, PAR_COUNTER, "relayed_total", "Events passed on");
	t->dropped = api->add_metric(self, PAR_COUNTER, "dropped_total",
				     "Client events not passed on: repeats that came too soon, "
				     "stops of nothing, too many chats, oneself, "
				     "groups that are too large");
	t->held = api->add_metric(self, PAR_COUNTER, "held_total",
				  "Client events in groups not passed on, as max_typists others "
				  "typed there");
	t->bad = api->add_metric(self, PAR_COUNTER, "bad_total",
				 "Client events that were refused: malformed, or not a member");
	t->active = api->add_metric(self, PAR_GAUGE, "active",
				    "Chats somebody is typing in, counted for each who does");
	api->handle_client_event(self, "typing", typing_event, t);
	api->add_hook(self, PAR_HOOK_SESSION_CLOSED, typing_session_closed, t);
	return t;
}

static void typing_stop(void *state)
{
	struct typing *t = state;
	struct typist *typist, *tmp;

	HASH_ITER(hh, t->typists, typist, tmp) {
		while (typist->pairs != NULL)
			pair_remove(t, typist->pairs);
		typist_drop_idle(t, typist);
	}
	rooms_drop(t);
}

static const struct par_option options[] = {
	{ .name = "typing_interval",
	  .type = PAR_OPT_DURATION,
	  .def = "1s",
	  .min = 0,
	  .max = 60 * 1000,
	  .help = "Repeats that come sooner than this after the last one are dropped." },
	{ .name = "typing_timeout",
	  .type = PAR_OPT_DURATION,
	  .def = "6s",
	  .min = 100,
	  .max = 10 * 60 * 1000,
	  .help = "After so long without a repeat the server sends stop by itself." },
	{ .name = "max_members",
	  .type = PAR_OPT_INT,
	  .def = "1000",
	  .min = 2,
	  .max = 100000,
	  .help = "In groups with more members nobody is told who types." },
	{ .name = "max_typists",
	  .type = PAR_OPT_INT,
	  .def = "5",
	  .min = 1,
	  .max = 1000,
	  .help = "Of so many who type in a group at a time the others are told." },
	{ .name = NULL },
};

static const char *const needs[] = { "storage", NULL };

PAR_EXPORT const struct par_descriptor par_plugin_descriptor = {
	PAR_DESCRIPTOR_HEAD, .name = "typing",
	.version = "0.1.0",  .summary = "Passes on who is typing in a chat.",
	.requires_ = needs,  .options = options,
	.load = typing_load, .stop = typing_stop,
	.unload = free,
};
