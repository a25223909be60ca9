/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of the groups plugin share. create.c is newChat, change.c all that changes a
 * group, list.c the request participants; users.c reads a list of users, and event.c makes
 * events. A request goes the same way in all of them: read the payload strictly, make
 * one transaction of a ROSTER operation and its events, and answer from its results.
 * Everything runs on the core thread, and nothing is kept between a request and its answer.
 */
#ifndef GROUPS_H
#define GROUPS_H

#include <parlance/chat.h>
#include <parlance/payload.h>

#define NAME_MAX_BYTES 256
#define EVENT_HOLES 4

struct groups {
	const struct par_api *api;
	struct par_plugin *self;
	unsigned max_members;
	bool history; /* who is added sees what was before, unless the request says otherwise */

	/* The event in hand: event.c. */
	struct par_json event;
	struct par_hole holes[EVENT_HOLES];
	unsigned n_holes;

	struct par_metric *created;
	struct par_metric *changed;
	struct par_metric *deleted;
	struct par_metric *added;
	struct par_metric *removed;
	struct par_metric *repeated;
};

/* Handlers of requests: par_request_fn, `state` is struct groups. */
void groups_new_chat(void *state, const struct par_request *request);
void groups_update_chat(void *state, const struct par_request *request);
void groups_add_participants(void *state, const struct par_request *request);
void groups_remove_participants(void *state, const struct par_request *request);
void groups_leave_chat(void *state, const struct par_request *request);
void groups_delete_chat(void *state, const struct par_request *request);
void groups_participants(void *state, const struct par_request *request);

/* groups.c: the ends of a request. */

/* The member chatId: a group's. */
struct par_str groups_chat_id(struct par_payload *p);
struct par_tx *groups_begin(struct groups *g, const struct par_request *request,
			    par_callback_fn done);
/* Takes the tx; a payload that was refused is answered instead. */
void groups_submit(struct groups *g, const struct par_request *request, const struct par_payload *p,
		   struct par_tx *tx);
/* Adds the operation; the rest of it is zero. */
struct par_op_roster *groups_roster(struct groups *g, struct par_tx *tx,
				    const struct par_request *request, struct par_str chat_id,
				    enum par_roster_kind kind);
void groups_answer(struct groups *g, par_request_id request, struct par_str chat_id,
		   uint64_t timestamp, unsigned members);

/* users.c */
struct users {
	struct par_str *list; /* ascending by their bytes, each once; in the tx */
	unsigned n;
};

/* The member `participants`: at most max_members users, each named once. */
struct users users_read(struct groups *g, struct par_payload *p, struct par_tx *tx);

/* event.c: an event is begun, its members are written, then it is added to the tx for
 * those members of the group. `op` is the index of the ROSTER operation that it tells of. */
struct par_json *event_begin(struct groups *g, const struct par_chat *chat);
void event_hole(struct groups *g, const char *key, enum par_hole_kind kind, unsigned op);
void event_end(struct groups *g, struct par_tx *tx, const struct par_request *request,
	       const char *type, enum par_reach reach, unsigned op);

#endif
