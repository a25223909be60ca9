/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of the calls plugin share: PROTOCOL.md section 6. Everything runs on the
 * core thread.
 *
 *   plugin.c   the descriptor, options, start and stop
 *   request.c  newCall, joinCall, leaveCall, closeCall: from payload to step, and the answers
 *   signal.c   the client's event callSignal
 *   step.c     one change of one call, from the document to the transaction and back
 *   decide.c   what a step means for a call: pure
 *   tell.c     the operations of a step: the document, the message, the events
 *   live.c     the calls that are known here, with their timers
 *   watch.c    time-outs, who has gone, and calls that other servers left behind
 *   record.c   the document of a call: pure
 *
 * The truth of a call is its document in the storage, one for each chat in which there is a
 * call, kept under the chat's key: so there is one call a chat, whatever servers there are, and it
 * survives them. What is known here is a copy of it. Each change expects the document to be
 * as the copy is; when it is not, somebody else was faster: then it is read again, and the
 * step decided anew.
 */
#ifndef CALLS_H
#define CALLS_H

#include <json-c/json.h>
#include <uthash.h>

#include <parlance/chat.h>
#include <parlance/plugin.h>
#include <parlance/storage.h>

struct live;
struct person;
struct step;

struct calls {
	const struct par_api *api;
	struct par_plugin *self;
	/* options */
	uint64_t ring_timeout;
	uint64_t reconnect_grace;
	unsigned max_participants;

	struct live *lives; /* by the chat's key */
	struct person *persons; /* by user */
	struct step *steps; /* under way, by the chat's key */
	unsigned signals_asking; /* signals for which the storage was asked */
	uint64_t started;
	par_timer_id sweep;
	bool stopping;
	struct par_json scratch; /* empty between callbacks */

	struct par_metric *active;
	struct par_metric *begun;
	struct par_metric *received;
	struct par_metric *missed;
	struct par_metric *signals;
	struct par_metric *dropped;
	struct par_metric *vanished;
};

/* --- request.c, signal.c --- */

void calls_new(void *state, const struct par_request *request);
void calls_join(void *state, const struct par_request *request);
void calls_leave(void *state, const struct par_request *request);
void calls_close(void *state, const struct par_request *request);
void calls_signal(void *state, const struct par_client_event *event);

/* --- live.c --- */

/* So many calls of his own can one user have at a time. */
#define CALLS_OF_ONE 16

/* Somebody who takes part in a call. */
struct part {
	struct part *next; /* of the call */
	struct part *next_of_person;
	struct live *live;
	struct person *person;
	uint64_t since; /* when he went: */
	par_timer_id gone; /* runs while he may come back */
};

/* A user who takes part in calls, or has begun some. */
struct person {
	UT_hash_handle hh;
	struct part *parts;
	unsigned called; /* calls that he began, or is about to begin */
	struct par_str user;
	char bytes[];
};

/* A call that is known here. */
struct live {
	UT_hash_handle hh;
	struct calls *calls;
	struct json_object *doc; /* record.h */
	struct par_str text; /* the same as it is stored */
	struct part *parts; /* of those who are `here` in it */
	struct person *caller;
	par_timer_id ring;
	par_timer_id beat;
	struct par_str key;
	char bytes[];
};

struct live *live_find(const struct calls *calls, struct par_str key);
struct person *person_find(const struct calls *calls, struct par_str user);
/* One more call is his; one less, and nobody else may use him after that. */
struct person *person_calls(struct calls *calls, struct par_str user);
void person_ends(struct calls *calls, struct person *person);
/* The document of the chat is this now. One that cannot be read is as none. Does nothing once
 * the plugin stops. */
void live_put(struct calls *calls, struct par_str key, struct par_str text);
/* There is no document. */
void live_drop(struct calls *calls, struct par_str key);
void live_drop_all(struct calls *calls);

/* --- watch.c --- */

/* Begins to look for calls that nobody here knows; again and again. */
void watch_begin(struct calls *calls);
/* Sets the timers of a call that is new here, or has changed. */
void watch_live(struct live *live);
/* Stops them. */
void watch_forget(struct live *live);
void watch_part_forget(struct part *part);
enum par_verdict watch_user_online(void *state, const struct par_hook_call *call);
enum par_verdict watch_user_offline(void *state, const struct par_hook_call *call);

#endif
