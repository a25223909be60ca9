/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From the socket to the inbox: one read a wake-up, frames decoded where they
 * were received, messages pushed. Called on the conn's I/O thread.
 *
 * All connections of a thread receive into one buffer. What is left of it at
 * the end is copied to the conn's own `rest`; the next read then fills `rest`
 * up to the end of its frame and lets all that follows go into the shared
 * buffer again, in one call. So each byte is copied once at most, however
 * small the pieces are that it comes in, and `rest` grows with what was
 * received, not with what a header promised.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "seam/envelope.h"
#include "transport/io.h"

static const char app_ping[] = "ping";
static const char app_pong[] = "{\"event\":\"pong\"}";

ssize_t conn_recv(struct conn *conn, struct iovec *iov, int n_iov)
{
	struct io *io = conn->io;
	evutil_socket_t fd = event_get_fd(&conn->event);
	ssize_t n;

	n = n_iov == 1 ? recv(fd, iov->iov_base, iov->iov_len, 0) : readv(fd, iov, n_iov);
	if (n > 0) {
		io->counts[IO_BYTES_IN] += (uint64_t)n;
		conn->last_seen = io->tick;
		return n;
	}
	if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
		return 0;
	conn_close(conn, WS_CLOSE_ABNORMAL, n == 0 ? "the client is gone" : "the connection broke");
	return -1;
}

/* A whole text message. There is room for it in the inbox. */
static void conn_message(struct conn *conn, const char *text, size_t len)
{
	struct io *io = conn->io;
	struct in_msg msg = { .conn = conn, .io = io->index };
	struct message *message = NULL;
	uint64_t ack_id = 0;

	io->counts[IO_MESSAGES_IN]++;
	if (len == sizeof(app_ping) - 1 && memcmp(text, app_ping, len) == 0) {
		conn_queue_frame(conn, WS_TEXT, app_pong, sizeof(app_pong) - 1);
		return;
	}
	switch (envelope_read(text, len, &message, &ack_id)) {
	case ENVELOPE_REQUEST:
		msg.kind = IN_REQUEST;
		msg.u.message = message;
		break;
	case ENVELOPE_CLIENT_EVENT:
		msg.kind = IN_CLIENT_EVENT;
		msg.u.message = message;
		break;
	case ENVELOPE_ACK:
		msg.kind = IN_ACK;
		msg.u.ack_id = ack_id;
		break;
	case ENVELOPE_REFUSED:
		msg.kind = IN_REFUSED;
		msg.u.message = message;
		break;
	}
	io_push(io, &msg);
}

/* What follows on this stream has no meaning, the peer's close frame neither: he
 * is told why, and our end of the stream is closed behind it. */
static void conn_fail(struct conn *conn, uint16_t code, const char *reason)
{
	conn_close(conn, code, reason);
	if (conn->state != CONN_CLOSED)
		conn_end(conn, reason);
}

static void conn_data(struct conn *conn, const struct ws_frame *frame)
{
	if (frame->fin && frame->opcode == WS_TEXT) {
		conn_message(conn, frame->payload, frame->len);
		return;
	}
	if (!buffer_append(&conn->message, frame->payload, frame->len, conn->decoder.max_message)) {
		conn_fail(conn, WS_CLOSE_TOO_BIG, "the message is too big");
		return;
	}
	if (frame->fin) {
		conn_message(conn, conn->message == NULL ? "" : buffer_at(conn->message),
			     buffer_len(conn->message));
		buffer_free(&conn->message);
	}
}

/* Ours was sent before: both are through. Else it is echoed, its code alone. */
static void conn_peer_closes(struct conn *conn, const struct ws_frame *frame)
{
	if (conn->state == CONN_OPEN) {
		conn_queue_frame(conn, WS_CLOSE, frame->payload, frame->len < 2 ? 0 : 2);
		conn_end(conn, "closed by the client");
	} else if (conn->backlog == NULL) {
		conn_close(conn, WS_CLOSE_ABNORMAL, "closed");
	} else {
		conn_end(conn, conn->doing);
	}
}

static void conn_frame(struct conn *conn, const struct ws_frame *frame)
{
	bool open = conn->state == CONN_OPEN;

	switch ((enum ws_opcode)frame->opcode) {
	case WS_TEXT:
	case WS_CONTINUATION:
		if (open)
			conn_data(conn, frame);
		break;
	case WS_PING:
		if (open)
			conn_queue_frame(conn, WS_PONG, frame->payload, frame->len);
		break;
	case WS_CLOSE:
		conn_peer_closes(conn, frame);
		break;
	case WS_PONG:
	case WS_BINARY: /* the decoder refused it */
		break;
	}
}

/* What the client's developer is told of a frame that ws_decode refuses. */
static const char *decode_error(uint16_t code)
{
	switch (code) {
	case WS_CLOSE_UNSUPPORTED:
		return "text frames only";
	case WS_CLOSE_BAD_TEXT:
		return "text is not valid UTF-8";
	case WS_CLOSE_TOO_BIG:
		return "message longer than max_message_size";
	default:
		return "protocol error";
	}
}

/* Decodes what is there, and returns how much of it is used up. What is left
 * is the beginning of a frame that is long enough at `conn->need` bytes, or,
 * with need 0, waits for room in the inbox. */
static size_t conn_decode(struct conn *conn, char *buf, size_t len)
{
	struct ws_frame frame;
	size_t consumed, used = 0;
	uint16_t code;

	conn->need = 0;
	while (used < len) {
		if (conn->deaf || conn->state == CONN_CLOSED)
			return len;
		if (conn->state == CONN_OPEN && mailbox_room(conn->io->in) == 0) {
			conn_pause(conn, PAUSE_INBOX);
			break;
		}
		switch (ws_decode(&conn->decoder, buf + used, len - used, &frame, &consumed,
				  &conn->need, &code)) {
		case WS_NEED_MORE:
			return used;
		case WS_ERROR:
			conn->io->counts[IO_PROTOCOL_ERRORS]++;
			conn_fail(conn, code, decode_error(code));
			break;
		case WS_FRAME:
			used += consumed;
			conn_frame(conn, &frame);
			break;
		}
	}
	conn->need = 0;
	return used;
}

/* Bounds `rest`: one frame, or all of one read while the inbox is full. */
static size_t rest_max(const struct conn *conn)
{
	return conn->decoder.max_message + WS_HEADER_MAX + IO_RECEIVE;
}

static void conn_keep(struct conn *conn, const char *buf, size_t len)
{
	if (!buffer_append(&conn->rest, buf, len, rest_max(conn)))
		conn_close(conn, WS_CLOSE_ABNORMAL, "no memory for what it sent");
}

/* Goes on with `rest`, completed by what was received behind it. Returns how
 * much of that is used up. */
static size_t conn_decode_rest(struct conn *conn, const char *buf, size_t len)
{
	size_t lack, used = 0;

	while (conn->rest != NULL && conn->state != CONN_CLOSED) {
		lack = conn->need > conn->rest->len ? conn->need - conn->rest->len : 0;
		if (lack > len - used)
			lack = len - used;
		conn_keep(conn, buf + used, lack);
		used += lack;
		if (conn->rest->len < conn->need)
			break;
		buffer_take(&conn->rest, conn_decode(conn, buffer_at(conn->rest), conn->rest->len));
		if (conn->paused & PAUSE_INBOX)
			break;
	}
	return used;
}

/* What was received, `rest` before it. */
static void conn_received(struct conn *conn, char *buf, size_t len)
{
	size_t used = conn_decode_rest(conn, buf, len);

	if (used < len && conn->rest == NULL)
		used += conn_decode(conn, buf + used, len - used);
	if (used < len && conn->state != CONN_CLOSED)
		conn_keep(conn, buf + used, len - used);
}

static void conn_read_frames(struct conn *conn)
{
	struct io *io = conn->io;
	struct buffer *rest = conn->rest;
	struct iovec iov[2] = { { NULL, 0 }, { io->receive, IO_RECEIVE } };
	size_t lack, n;
	ssize_t got;

	if (rest == NULL) {
		got = conn_recv(conn, &iov[1], 1);
		if (got > 0)
			conn_received(conn, io->receive, (size_t)got);
		return;
	}
	/* Twice what is there at most, so that a promise costs us nothing. */
	lack = conn->need - rest->len;
	if (lack > rest->len + IO_RECEIVE / 16)
		lack = rest->len + IO_RECEIVE / 16;
	if (!buffer_reserve(&conn->rest, lack, rest_max(conn))) {
		conn_close(conn, WS_CLOSE_ABNORMAL, "no memory for what it sends");
		return;
	}
	rest = conn->rest;
	iov[0].iov_base = buffer_at(rest) + rest->len;
	iov[0].iov_len = lack;
	got = conn_recv(conn, iov, 2);
	if (got <= 0)
		return;
	n = (size_t)got < lack ? (size_t)got : lack;
	rest->len += n;
	conn_received(conn, io->receive, (size_t)got - n);
}

/* Waits for the peer's end, whatever it says before. */
static void conn_discard(struct conn *conn)
{
	struct iovec iov = { conn->io->receive, IO_RECEIVE };

	conn_recv(conn, &iov, 1);
}

void conn_readable(struct conn *conn)
{
	if (conn->state == CONN_HANDSHAKE)
		conn_read_handshake(conn);
	else if (conn->deaf)
		conn_discard(conn);
	else
		conn_read_frames(conn);
}

void conn_go_on(struct conn *conn)
{
	if (conn->state == CONN_HANDSHAKE)
		conn_parse_handshake(conn);
	else if (conn->rest != NULL && conn->need == 0)
		conn_received(conn, NULL, 0);
}
