/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One client's connection, private to core/transport. It lives on one I/O
 * thread and every function here is called on that thread. The files are one
 * by verb: conn.c its life, conn_handshake.c, conn_read.c, conn_write.c, and
 * conn_timer.c.
 *
 *   accept
 *     │
 *   HANDSHAKE ──bad request──────────────────────┐
 *     │ IN_HELLO                                 ▼
 *   HELLO ─────────OUT_REFUSE─────────────────▶ ENDING ──its last bytes sent,
 *     │ OUT_ACCEPT                               ▲   │   the peer's end, 5 s
 *   OPEN ──────────the peer's close frame, or ───┤   │
 *     │            frames without sense        │   │
 *     │ conn_close: our close frame              │   │
 *   CLOSING ───────the peer's close frame────────┘   │
 *     │ 5 s                                          ▼
 *     └─────────────────────────────────────────▶ CLOSED ── OUT_RELEASE: freed
 *
 * From every state an error, a vanished peer or a time-out leads to CLOSED at
 * once. Freeing is always deferred to the end of the loop turn, so a function
 * that was handed a conn may look at its state after any call.
 */
#ifndef PARLANCE_CONN_H
#define PARLANCE_CONN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/types.h>
#include <sys/uio.h>

#include <event2/event.h>
#include <event2/event_struct.h>

#include "seam/seam.h"
#include "transport/buffer.h"
#include "ws/frame.h"

struct io;

enum conn_state {
	CONN_HANDSHAKE, /* its HTTP request is being read */
	CONN_HELLO, /* the core judges it; nothing is read */
	CONN_OPEN, /* messages go both ways */
	CONN_CLOSING, /* our close frame is the last we send; the peer's is awaited */
	CONN_ENDING, /* the last bytes leave, then the peer's end is awaited */
	CONN_CLOSED /* no socket any more; the core has not released it yet */
};

/* Why nothing is read from a conn; it is read when no reason is left. */
enum conn_pause {
	PAUSE_HELLO = 1, /* the core has not judged it yet */
	PAUSE_CORE = 2, /* OUT_PAUSE */
	PAUSE_BACKLOG = 4, /* it does not take what we send */
	PAUSE_INBOX = 8, /* the core does not keep up: io->stalled */
	PAUSE_ALL = 15
};

#define OUT_NONE UINT32_MAX

/* What the core reads comes first, apart from what changes with each event. */
struct conn {
	struct conn_link link; /* the core's, see seam.h */
	struct io *io;
	const char *doing; /* for the log, and of CLOSED: why; static */
	struct buffer *rest; /* received and not decoded yet */
	struct buffer *message; /* the fragments of a message so far */
	struct buffer *backlog; /* to be sent before anything else */
	LIST_ENTRY(conn) timer; /* in a bucket of the wheel; of CLOSED: in io->closed */
	TAILQ_ENTRY(conn) stalled; /* in io->stalled while PAUSE_INBOX */
	struct conn *dirty_next;
	struct ws_decoder decoder;
	size_t need; /* bytes that `rest` must have before decoding is worth it */
	struct event event;
	uint32_t first_out; /* its slots in the outbox batch under way */
	uint32_t last_out;
	uint32_t last_seen; /* tick of the last byte received */
	uint32_t due; /* tick at which conn_expire is to look at it */
	uint8_t state; /* enum conn_state */
	uint8_t paused; /* enum conn_pause, several */
	uint8_t interest; /* EV_READ, EV_WRITE: what its event is added for */
	bool dirty; /* in io->dirty: to be flushed in this turn */
	bool blocked; /* the socket is full: wait for EV_WRITE */
	bool congested; /* the backlog passed its half and is not empty again */
	bool told_congested; /* what the core was told of that */
	bool told_hello; /* the core knows it: it must get IN_CLOSED */
	bool deaf; /* its bytes have lost their meaning: drop them */
	bool shut; /* ENDING, and all is sent */
};

/* conn.c: takes the socket. */
void conn_new(struct io *io, int fd);
/* The one way out. An open conn sends a close frame with the code and a static
 * reason, and the peer has 5 s to answer it; WS_CLOSE_ABNORMAL closes at once,
 * and so does any code when no WebSocket is open. Repeating it is harmless. */
void conn_close(struct conn *conn, uint16_t code, const char *reason);
/* The one setter of `state`. */
void conn_enter(struct conn *conn, enum conn_state state, const char *doing);
/* To the end once what is queued has left; then nothing is read any more. */
void conn_end(struct conn *conn, const char *reason);
void conn_pause(struct conn *conn, enum conn_pause why);
/* Takes reasons away; with the last one it goes on where it stopped. */
void conn_resume(struct conn *conn, unsigned why);
/* Makes the event's interest fit what the conn waits for. */
void conn_interest(struct conn *conn);
/* Tells the core what it was not told yet; false when the inbox is full, and
 * then the conn is stalled and this is called again. */
bool conn_tell(struct conn *conn);
/* OUT_RELEASE: frees it at the end of the turn. */
void conn_release(struct conn *conn);
void conn_free(struct conn *conn);

/* conn_handshake.c */
void conn_read_handshake(struct conn *conn);
void conn_parse_handshake(struct conn *conn);
void conn_accept(struct conn *conn);
void conn_refuse(struct conn *conn, int status, struct par_str body);

/* conn_read.c */
void conn_readable(struct conn *conn);
/* Decodes what was kept when it was paused. */
void conn_go_on(struct conn *conn);
/* One read from the socket, into several pieces: here TLS will have its place.
 * 0: nothing there. -1: GONE, conn is closed. */
ssize_t conn_recv(struct conn *conn, struct iovec *iov, int n_iov);

/* conn_write.c */
void conn_writable(struct conn *conn);
/* Sends its backlog and its slots of the batch, in this order. */
void conn_flush(struct conn *conn);
/* Queues bytes of the transport's own (an HTTP answer) / a control frame. */
void conn_queue(struct conn *conn, const void *bytes, size_t len);
void conn_queue_frame(struct conn *conn, enum ws_opcode opcode, const char *payload, size_t len);
/* To be flushed at the end of this turn. */
void conn_dirty(struct conn *conn);

/* conn_timer.c: conn_expire will look at it in `ms` from now, up to a tick later. */
void conn_timer_set(struct conn *conn, uint64_t ms);

#endif
