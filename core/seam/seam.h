/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The seam between transport (I/O threads, sockets, frames) and core (one
 * thread, sessions, plugins): the slots of the two mailboxes that each I/O
 * thread shares with the core. Neither side calls the other.
 *
 * Life of a connection across the seam:
 *
 *   transport                          core
 *   IN_HELLO(conn, hello)       ─────▶ asks the auth plugin
 *                               ◀───── OUT_ACCEPT(conn) or OUT_REFUSE(conn)
 *   IN_REQUEST, IN_ACK, ...     ─────▶
 *                               ◀───── OUT_SEND, OUT_CLOSE, ...
 *   IN_CLOSED(conn)    ─────▶ the last word of this conn
 *                               ◀───── OUT_RELEASE(conn): the last word to it
 *
 * IN_CLOSED always follows an IN_HELLO, however the connection ended, also
 * when the core refused it; after it the core sends only OUT_RELEASE, and the
 * conn is freed only then. So each side may keep the other's pointer, opaque,
 * without a table: it is valid until that last word. A conn sends nothing but
 * IN_HELLO and IN_CLOSED before it has its OUT_ACCEPT.
 */
#ifndef PARLANCE_SEAM_H
#define PARLANCE_SEAM_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <parlance/plugin.h>

#include "mailbox.h"
#include "message.h"
#include "out_frame.h"

struct conn; /* the transport's */
struct session; /* the core's */

/* The first member of every struct conn. It is the core's alone: the transport
 * clears it before IN_HELLO and never looks at it again. So the core finds its
 * session from a conn, also when IN_CLOSED crosses OUT_ACCEPT on the way. */
struct conn_link {
	struct session *session;
};

/* What a client said in its handshake. Made by the transport, freed by the
 * core with hello_free. Strings are in `text`; s NULL when absent. */
struct hello {
	struct par_str token;
	struct par_str user; /* query parameter `user` */
	struct par_str device; /* query parameter `device` */
	struct par_str remote; /* "127.0.0.1:4711" */
	char text[];
};
void hello_free(struct hello *hello);

enum in_kind {
	IN_HELLO, /* .hello */
	IN_REQUEST, /* .message: taken by the core */
	IN_CLIENT_EVENT, /* .message */
	IN_REFUSED, /* .message: could not be understood, its `error` says why */
	IN_ACK, /* .ack_id */
	IN_CONGESTED, /* the socket's backlog passed half of max_backlog */
	IN_DRAINED, /* ... and is empty again */
	IN_CLOSED /* .doing: what the conn was doing, for the log; static */
};

struct in_msg {
	uint32_t kind; /* enum in_kind */
	uint32_t io; /* number of the I/O thread */
	struct conn *conn;
	union {
		struct hello *hello;
		struct message *message;
		uint64_t ack_id;
		const char *doing;
	} u;
};

enum out_kind {
	OUT_ACCEPT, /* answer 101 */
	OUT_REFUSE, /* .code HTTP status, .frame JSON body; then close */
	OUT_SEND, /* .frame: the whole text of a message */
	OUT_EVENT, /* .frame: the shared part; .timestamp .id .seq .redelivered .missed */
	OUT_CLOSE, /* .code WebSocket close code, .reason static text; flush, then close */
	OUT_PAUSE, /* stop reading from it: too many requests in flight */
	OUT_RESUME,
	OUT_RELEASE /* the answer to IN_CLOSED */
};

/* The frame is one reference, taken by the transport. */
struct out_msg {
	uint16_t kind; /* enum out_kind */
	uint16_t code;
	bool redelivered;
	bool has_missed;
	struct conn *conn;
	struct out_frame *frame;
	union {
		const char *reason;
		uint64_t id; /* of the event */
	} u;
	uint64_t seq; /* 0: an ephemeral event */
	uint64_t timestamp;
	uint64_t missed; /* with has_missed: the last member of the payload, for this one alone */
};

/* What ends a shared part: the payload's brace and the event's. */
#define OUT_EVENT_END 2
#define OUT_MISSED_MAX (sizeof(",\"missed\":") + 20 + OUT_EVENT_END)

/* What comes in place of that end where there is `missed`; 0: the end stays as it is. */
static inline size_t out_event_end(const struct out_msg *msg, char to[OUT_MISSED_MAX])
{
	static const char key[] = ",\"missed\":";
	size_t len = sizeof(key) - 1;

	if (!msg->has_missed)
		return 0;
	memcpy(to, key, len);
	len += par_json_digits(msg->missed, to + len);
	to[len++] = '}';
	to[len++] = '}';
	return len;
}

/* Of what its receiver gets, but for the part in front. */
static inline uint32_t out_event_len(const struct out_msg *msg)
{
	char end[OUT_MISSED_MAX];
	size_t len = out_event_end(msg, end);

	return msg->frame->len + (len == 0 ? 0 : (uint32_t)len - OUT_EVENT_END);
}

/* The two mailboxes that one I/O thread shares with the core. */
struct seam {
	struct mailbox *in;
	struct mailbox *out;
};

#endif
