/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The life of a connection: states, what it waits for, its end. See the
 * diagram in conn.h. Called on the conn's I/O thread, by the other conn files
 * and by io.c.
 *
 * The event of a conn is added for EV_READ as long as nothing pauses it, and
 * for EV_WRITE only while the socket is full; neither changes when messages
 * just pass through.
 */
#include "transport/conn.h"

#include <assert.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "transport/io.h"

#define CLOSE_TIMEOUT 5000 /* ms for the peer's close frame, or its end */

static const char *const state_names[] = { "handshake", "hello",  "open",
					   "closing",   "ending", "closed" };

static void conn_ready(evutil_socket_t fd, short what, void *arg)
{
	struct conn *conn = arg;

	(void)fd;
	if (what & EV_WRITE)
		conn_writable(conn);
	if ((what & EV_READ) && (conn->interest & EV_READ))
		conn_readable(conn);
}

void conn_new(struct io *io, int fd)
{
	struct conn *conn = mem_zalloc(sizeof(*conn));
	const struct settings *settings = io->shared->settings;

	conn->io = io;
	conn->doing = "reading its handshake";
	conn->first_out = conn->last_out = OUT_NONE;
	conn->last_seen = io->tick;
	ws_decoder_init(&conn->decoder, WS_SERVER, settings->max_message_size);
	event_assign(&conn->event, io->base, fd, 0, conn_ready, conn);
	LIST_INSERT_HEAD(&io->wheel[0], conn, timer);
	conn_timer_set(conn, settings->handshake_timeout);
	io->opened++;
	io->counts[IO_ACCEPTED]++;
	atomic_fetch_add_explicit(&io->shared->open, 1, memory_order_relaxed);
	conn_interest(conn);
}

void conn_interest(struct conn *conn)
{
	evutil_socket_t fd = event_get_fd(&conn->event);
	uint8_t want = (conn->paused == 0 ? EV_READ : 0) | (conn->blocked ? EV_WRITE : 0);

	if (conn->state == CONN_CLOSED || want == conn->interest)
		return;
	if (conn->interest != 0)
		event_del(&conn->event);
	event_assign(&conn->event, conn->io->base, fd, (short)(want | EV_PERSIST), conn_ready,
		     conn);
	conn->interest = want;
	if (want != 0 && event_add(&conn->event, NULL) != 0) {
		conn->interest = 0;
		conn_close(conn, WS_CLOSE_ABNORMAL, "cannot be watched");
	}
}

void conn_pause(struct conn *conn, enum conn_pause why)
{
	if (why == PAUSE_INBOX && !(conn->paused & PAUSE_INBOX))
		TAILQ_INSERT_TAIL(&conn->io->stalled, conn, stalled);
	conn->paused |= why;
	conn_interest(conn);
}

void conn_resume(struct conn *conn, unsigned why)
{
	if ((conn->paused & why) == 0)
		return;
	if (conn->paused & why & PAUSE_INBOX)
		TAILQ_REMOVE(&conn->io->stalled, conn, stalled);
	conn->paused &= ~why;
	if (!conn_tell(conn))
		return;
	if (conn->paused == 0)
		conn_go_on(conn);
	conn_interest(conn);
}

void conn_enter(struct conn *conn, enum conn_state state, const char *doing)
{
	const struct settings *settings = conn->io->shared->settings;

	assert(state > conn->state);
	if (log_enabled(PAR_LOG_DEBUG))
		log_debug("transport", "fd %d: %s to %s: %s", (int)event_get_fd(&conn->event),
			  state_names[conn->state], state_names[state], doing);
	conn->state = state;
	conn->doing = doing;
	switch (state) {
	case CONN_OPEN:
		conn->last_seen = conn->io->tick;
		conn_timer_set(conn, settings->ping_interval);
		break;
	case CONN_CLOSING:
	case CONN_ENDING:
		conn_timer_set(conn, CLOSE_TIMEOUT);
		/* Only the peer's end matters now, and it must be seen. */
		conn_resume(conn, PAUSE_ALL);
		break;
	case CONN_HANDSHAKE:
	case CONN_HELLO:
	case CONN_CLOSED:
		break;
	}
}

bool conn_tell(struct conn *conn)
{
	struct in_msg msg = { .conn = conn, .io = conn->io->index };

	if (conn->state == CONN_CLOSED && conn->told_hello) {
		msg.kind = IN_CLOSED;
		msg.u.doing = conn->doing;
	} else if (conn->state == CONN_OPEN && conn->congested != conn->told_congested) {
		msg.kind = conn->congested ? IN_CONGESTED : IN_DRAINED;
	} else {
		return true;
	}
	if (!io_push(conn->io, &msg)) {
		conn_pause(conn, PAUSE_INBOX);
		return false;
	}
	conn->told_congested = conn->congested;
	return true;
}

static void conn_close_now(struct conn *conn, const char *reason)
{
	struct io *io = conn->io;
	evutil_socket_t fd = event_get_fd(&conn->event);

	if (conn->interest != 0)
		event_del(&conn->event);
	conn->interest = 0;
	if (conn->paused & PAUSE_INBOX)
		TAILQ_REMOVE(&io->stalled, conn, stalled);
	conn->paused = 0;
	/* What made us close it tells more than how it ended then. */
	conn_enter(conn, CONN_CLOSED, conn->state >= CONN_CLOSING ? conn->doing : reason);
	close(fd);
	io->opened--;
	atomic_fetch_sub_explicit(&io->shared->open, 1, memory_order_relaxed);
	LIST_REMOVE(conn, timer);
	if (conn->told_hello)
		LIST_INSERT_HEAD(&io->closed, conn, timer);
	else
		LIST_INSERT_HEAD(&io->garbage, conn, timer);
	conn_tell(conn);
	if (io->accept_paused)
		listeners_retry(io);
}

void conn_close(struct conn *conn, uint16_t code, const char *reason)
{
	char payload[WS_CONTROL_MAX];

	if (conn->state == CONN_CLOSED)
		return;
	if (code == WS_CLOSE_ABNORMAL || conn->state < CONN_OPEN) {
		conn_close_now(conn, reason);
	} else if (conn->state == CONN_OPEN) {
		conn_queue_frame(conn, WS_CLOSE, payload, ws_close_payload(code, reason, payload));
		if (conn->state == CONN_OPEN)
			conn_enter(conn, CONN_CLOSING, reason);
	}
}

void conn_end(struct conn *conn, const char *reason)
{
	conn->deaf = true;
	conn_enter(conn, CONN_ENDING, reason);
	conn_dirty(conn);
}

void conn_release(struct conn *conn)
{
	LIST_REMOVE(conn, timer);
	LIST_INSERT_HEAD(&conn->io->garbage, conn, timer);
}

void conn_free(struct conn *conn)
{
	LIST_REMOVE(conn, timer);
	buffer_free(&conn->rest);
	buffer_free(&conn->message);
	buffer_free(&conn->backlog);
	free(conn);
}
