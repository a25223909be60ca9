/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A session's way through its user's event stream (docs/protocol.md, Events and
 * acknowledgments): in seq order, without a gap, at most a window ahead of the acks. An event that
 * comes right behind the last one sent, and that the window has room for, is sent from
 * memory; anything else waits in the storage and is fetched, a page at a
 * time, when acks have made room. So a session costs the same however far
 * behind it is.
 *
 * Where events that the device has not acked are gone from the storage, the event `resync`
 * {fromSeq} stands in their place. Its seq is the last one that is missing, so
 * it is sent in order, acked, and sent again like any durable event, and
 * nothing newer comes before it.
 */
#ifndef PARLANCE_STREAM_H
#define PARLANCE_STREAM_H

#include <stdbool.h>
#include <stdint.h>

struct core;
struct out_frame;
struct session;

/* An event at its place in a user's stream. The frame is borrowed; with `has_missed` the
 * session gets it with `missed` at the end of its payload. */
struct stream_item {
	struct out_frame *frame;
	uint64_t seq;
	uint64_t missed;
	bool has_missed;
};

/* Asks the storage where the device stands, then sends what it has not acked. */
void stream_open(struct core *core, struct session *session);
/* The session's device is not on record, since the storage does not answer. */
bool stream_is_refused(const struct core *core, const struct session *session);
/* A new event of the user's stream is durable. `own` says that this session
 * caused it. */
void stream_event(struct core *core, struct session *session, const struct stream_item *item,
		  bool own);
/* There may be room, or something new: fetches if so. */
void stream_continue(struct core *core, struct session *session);
/* The same for a client that acks in arrears, and so never makes much room at
 * once: fetches for what room there is. */
void stream_nudge(struct core *core, struct session *session);
/* The storage may have stored events for the user without saying so: looks. */
void stream_doubt(struct core *core, struct session *session);
/* Sends again what the client has not acked. STREAM_FLOWING only. */
void stream_go_back(struct core *core, struct session *session);
/* Its turn has come (fetch.c): asks the storage. False when there is no need any more. */
bool stream_ask(struct core *core, struct session *session);

#endif
