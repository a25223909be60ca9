/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of the calls plugin share: docs/protocol.md, Calls. Everything runs on the
 * core thread.
 *
 *   plugin.c   the descriptor, options, start and stop
 *   request.c  newCall, joinCall, leaveCall, closeCall: from payload to step, and the answers
 *   signal.c   the client's event callSignal
 *   step.c     one change of one call, from the document to the transaction and back
 *   look.c     what a step has to ask of the storage
 *   decide.c   what a step means for a call: pure
 *   roster.c   who of those in a call is in the group: pure
 *   tell.c     the operations of a step: the document, the message, the events
 *   live.c     the calls that are known here, with their timers
 *   watch.c    time-outs, who has gone, and who is no longer in the group
 *   sweep.c    calls that nobody looks after
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

#include <string.h>

#include <json-c/json.h>
#include <uthash.h>

#include <parlance/chat.h>
#include <parlance/plugin.h>
#include <parlance/storage.h>

struct asker;
struct live;
struct part;
struct person;
struct step;

enum step_kind {
	STEP_NEW,
	STEP_JOIN,
	STEP_LEAVE,
	STEP_CLOSE,
	STEP_RING, /* nobody joined in time */
	STEP_GONE, /* a participant did not come back */
	STEP_ROSTER, /* who is no longer in the group goes */
	STEP_BEAT /* who is connected here is written down */
};

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
	struct asker *askers; /* by user: whose signals the storage is asked about */
	uint64_t blind_until; /* it was not started, or the storage was down */
	par_timer_id sweep;
	uint64_t sweeps; /* the one that goes on, or was the last */
	bool stopping;
	struct par_json scratch; /* empty between callbacks */

	struct par_metric *active;
	struct par_metric *begun;
	struct par_metric *received;
	struct par_metric *missed;
	struct par_metric *signals;
	struct par_metric *dropped;
	struct par_metric *vanished;
	struct par_metric *removed;
};

/* What is copied is `at` from here on, and the next goes behind it. */
static inline struct par_str calls_copy(char **at, struct par_str s)
{
	struct par_str result = { *at, s.len };

	memcpy(*at, s.s, s.len);
	*at += s.len;
	return result;
}

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
	uint64_t swept; /* the last sweep that came by, or during which it became known */
	struct par_str key;
	char bytes[];
};

struct live *live_find(const struct calls *calls, struct par_str key);
struct part *live_part(const struct live *live, struct par_str user);
/* Whether somebody in it is connected to this server. */
bool live_is_here(const struct live *live);
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

/* So often is written down who is connected here, and looked for calls of others. */
uint64_t watch_beat(const struct calls *calls);
/* Sets the timers of a call that is new here, or has changed. */
void watch_live(struct live *live);
/* Stops them. */
void watch_forget(struct live *live);
void watch_part_forget(struct part *part);
/* Nobody has joined, and it is too late for that. Of a call whose timer runs it is not yet. */
bool watch_is_over(const struct live *live, uint64_t now);
/* He went at `since`, and has left at `due` unless he comes back. */
void watch_part_due(struct part *part, uint64_t since, uint64_t due);
/* He has begun or joined a call, and may have gone before it was stored. */
void watch_entered(struct calls *calls, struct par_str key, struct par_str user);
/* A step for the call, of this user; it acts for nobody's device. */
struct step *watch_step(const struct live *live, enum step_kind kind, struct par_str user);
enum par_verdict watch_user_online(void *state, const struct par_hook_call *call);
enum par_verdict watch_user_offline(void *state, const struct par_hook_call *call);
enum par_verdict watch_roster_changed(void *state, const struct par_hook_call *call);

/* --- sweep.c --- */

/* Begins to look for calls that nobody looks after; again and again. */
void sweep_begin(struct calls *calls);

#endif
