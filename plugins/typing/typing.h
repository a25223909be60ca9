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

/* A user who types in a chat, or has just stopped. */
struct pair {
	struct pair *next;
	struct typist *typist;
	par_session_id session; /* that typed last */
	par_timer_id timer;
	uint64_t heard; /* the last repeat */
	uint64_t relayed; /* the last one passed on, or handed to the room */
	bool stopped; /* in a group: said so, but soon after, or before it was passed on */
	/* In a group; room.c. */
	struct room *room; /* NULL: a dialog */
	struct pair *next_waiting;
	bool waiting; /* to be looked at when the storage has said who is in it */
	bool told; /* the others know that he types, and not yet that he stopped */
	par_session_id asked_by; /* whom to answer when he may not; 0: nobody */
	struct par_str asked_id; /* of that client event; s NULL: it had none */
	size_t peer_len;
	char peer[];
};

struct typing {
	const struct par_api *api;
	struct par_plugin *self;
	uint64_t interval;
	uint64_t timeout;
	unsigned max_members;
	unsigned max_typists;
	struct typist *typists;
	struct room *rooms;
	struct par_metric *relayed;
	struct par_metric *dropped;
	struct par_metric *held;
	struct par_metric *bad;
	struct par_metric *active;
};

/* typing.c: writes the event and leaves it open. */
void typing_open(struct typing *t, struct par_str chat_id, struct par_str user, bool stop);
struct par_str pair_user(const struct pair *pair);
/* Frees the pair, and its typist when it was his last one; it must not be waiting. */
void pair_drop(struct typing *t, struct pair *pair);
/* What he said in the group has been looked at. It may be freed by this. */
void pair_said(struct typing *t, struct pair *pair);

/* room.c: false when memory did not suffice. */
bool room_enter(struct typing *t, struct pair *pair, struct par_str group);
/* The pair, which is not waiting, is about to be freed. */
void room_leave(struct typing *t, struct pair *pair);
/* Tells the other members, soon, what is true of the pair by then. `event` is what the user
 * said, and answered when he may not say it; NULL: he said nothing. */
void room_say(struct typing *t, struct pair *pair, const struct par_client_event *event);
/* Forgets what waits. */
void rooms_drop(struct typing *t);

#endif
