/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * For tests of streams: the core's world (core_world.h) with a gate in front of
 * storage_memory, which counts what passes, and holds it up, refuses it or breaks
 * it as a test says; and the words that such tests are written in.
 */
#ifndef PARLANCE_STREAM_WORLD_H
#define PARLANCE_STREAM_WORLD_H

#include <parlance/storage.h>

#include "core_world.h"

#define NEW(to, text) \
	"{\"type\":\"request\",\"id\":\"r\",\"payloadType\":\"new\",\"payload\":{\"chatId\":\"" to \
	"\",\"message\":\"" text "\"}}"
#define ASK(id) "{\"type\":\"request\",\"id\":\"" id "\",\"payloadType\":\"chats\",\"payload\":{}}"

struct gate {
	struct par_storage_role role; /* what is behind it */
	const char *down;
	const char *unwell; /* the same, but it goes on working */
	const char *broken; /* the user whose stream cannot be read */
	unsigned asked, submitted;
	bool hold; /* queries wait ... */
	struct par_query *held; /* ... here */
	unsigned n_held;
	struct par_tx *failed;
	struct par_query *unanswered;
};

extern struct world w;
extern struct gate gate;

/* world_open, with the gate. */
void open_world(const char *server);
struct conn *connect_user(const char *user, const char *device);
void say(struct conn *conn, const char *text);
void ack(struct conn *conn, uint64_t id);
/* The next thing said is the event with this seq; returns its id. */
uint64_t next_event(struct conn *conn, uint64_t seq, bool redelivered);
/* The same of an event resync with this payload. */
uint64_t next_resync(struct conn *conn, uint64_t seq, bool redelivered, const char *payload);
void nothing_more(struct conn *conn);
/* Queries are held no more; those that were are carried out. */
void let_held_through(void);

#endif
