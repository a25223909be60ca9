/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A session: one connection of one device of one user. It begins with the
 * handshake (IN_HELLO) and ends when the transport says that the connection is
 * gone (IN_CLOSED); both come through dispatch.c.
 *
 *   SESSION_AUTH ──auth_accept──▶ SESSION_OPEN ──session_close──▶ SESSION_CLOSING
 *        │                            │                                │
 *        └─auth_refuse, IN_CLOSED     └──────────IN_CLOSED─────────────┴──▶ freed
 *
 * Memory of an idle session is what counts most here: anything that only a busy one
 * needs (the window's ring, requests) is allocated when it is needed.
 */
#ifndef PARLANCE_SESSION_H
#define PARLANCE_SESSION_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include <parlance/plugin.h>

#include "engine/user.h"
#include "engine/window.h"
#include "seam/seam.h"

struct core;
struct request;

enum session_state {
	SESSION_AUTH, /* the auth plugin is asked */
	SESSION_OPEN,
	SESSION_REFUSED, /* auth said no, or the server drains: waits for IN_CLOSED */
	SESSION_CLOSING /* OUT_CLOSE was sent: nothing more is said or heard */
};

/* Where the session stands in its user's event stream: stream.c. */
enum stream_state {
	STREAM_NEW, /* the storage was not asked, or did not answer: fetch.c asks */
	STREAM_OPENING, /* PAR_QUERY_DEVICE is on its way */
	STREAM_FLOWING, /* all that is known was sent, or the window is full */
	STREAM_WAITING, /* for its turn to ask for a page: fetch.c */
	STREAM_FETCHING /* the page is on its way from the storage */
};

/* What is special about a device's position, for those few where something is. */
struct resume {
	uint64_t resync_from; /* events before it may be missing; 0: none */
	uint32_t n_above;
	uint32_t above_at; /* those before it were passed */
	uint64_t above[]; /* seqs above the cursor that it acked earlier, ascending */
};

LIST_HEAD(session_requests, request);

struct session {
	par_session_id id;
	struct conn *conn;
	struct user *user; /* NULL before SESSION_OPEN */
	LIST_ENTRY(session) of_user;
	TAILQ_ENTRY(session) of_acked; /* cursor.c */
	TAILQ_ENTRY(session) of_fetch; /* fetch.c */
	struct session_requests requests; /* in flight */
	uint32_t inflight;
	uint16_t io;
	uint8_t state; /* enum session_state */
	uint8_t stream; /* enum stream_state */
	bool paused; /* OUT_PAUSE was sent */
	bool congested;
	bool is_acked; /* on the list of that name */
	bool wants_fetch; /* fetch.c has it in its queue ... */
	bool set_aside; /* ... or aside */
	bool on_record; /* the storage has its device; requests may be handled */
	bool unanswered; /* ... or did not answer when it was asked for that */
	bool unsure; /* there may be more in the stream than is known here */
	uint8_t redeliveries; /* since its last ack: redeliver.c */
	uint32_t bad_messages; /* since bad_since */
	uint64_t bad_since;
	uint64_t next_event_id; /* docs/protocol.md, Events and acknowledgments: counts up by one */
	uint64_t sent_seq; /* highest seq sent to it, or skipped for it */
	uint64_t redelivered_upto; /* what may have been sent to its device before */
	uint64_t opened_at; /* end of the stream when the session came to it */
	uint64_t oldest_since; /* monotonic us: its oldest unacked event is so since then */
	struct resume *resume; /* NULL: its device had acked all up to one point */
	struct window window;
	uint16_t device_len;
	char device[];
};

static inline struct par_str session_device(const struct session *session)
{
	struct par_str device = { session->device, session->device_len };
	return device;
}

/* IN_HELLO: makes the session and asks the auth plugin. Takes `hello`. */
void session_hello(struct core *core, struct conn *conn, unsigned io, struct hello *hello);
/* The auth plugin's answers; false when the session is not waiting for one. */
bool session_accept(struct core *core, par_session_id id, struct par_str user);
bool session_refuse(struct core *core, par_session_id id, const char *message);
/* Sends a close frame; `reason` is static. The session hears nothing more. */
void session_close(struct core *core, struct session *session, unsigned code, const char *reason);
/* The server drains: closes the session, or turns its handshake away. */
void session_go_away(struct core *core, struct session *session);
/* IN_CLOSED: lets go of everything, frees the session and releases the conn. */
void session_gone(struct core *core, struct session *session, const char *doing);

/* The server ends, whatever the clients do: lets go of all that are left. */
void sessions_end(struct core *core);

/* Sends a whole message, unless the session is closing; takes the frame. */
void session_send(struct core *core, struct session *session, struct out_frame *frame);

/* Counts a message that could not be understood, and closes when there were too many. */
void session_bad_message(struct core *core, struct session *session);

/* An open session, or NULL. */
struct session *session_find(const struct core *core, par_session_id id);

#endif
