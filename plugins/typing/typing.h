/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the two files of the typing plugin share: typing.c knows who types where and when to
 * say so, room.c says it in groups. Everything runs on the core thread.
 */
#ifndef TYPING_H
#define TYPING_H

#include <parlance/chat.h>
#include <parlance/payload.h>

struct typist;
struct room;

struct typing {
	const struct par_api *api;
	struct par_plugin *self;
	uint64_t interval;
	uint64_t timeout;
	unsigned max_members;
	struct typist *typists;
	struct room *rooms;
	struct par_metric *relayed;
	struct par_metric *dropped;
	struct par_metric *bad;
	struct par_metric *active;
};

/* typing.c: writes the event and leaves it open. */
void typing_open(struct typing *t, struct par_str chat_id, struct par_str user, bool stop);
/* The user may not type in that group: nothing is kept of it. */
void typing_refused(struct typing *t, struct par_str user, struct par_str group);
/* What he said there has been passed on, or not: he may go on. */
void typing_told(struct typing *t, struct par_str user, struct par_str group);

/* room.c: tells the other members of the group, soon, in the order of these calls. `event`
 * is what the user said, and answered when he may not say it; NULL: he said nothing. */
void room_tell(struct typing *t, struct par_str group, struct par_str user, bool stop,
	       const struct par_client_event *event);
/* Forgets what waits. */
void rooms_drop(struct typing *t);

#endif
