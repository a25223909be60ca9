/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From the outbox to the socket: what a connection has to send in a turn is
 * gathered and leaves in one call; what the socket does not take is copied to
 * the backlog and follows when the socket is writable. Called on the conn's
 * I/O thread.
 *
 * Order: the backlog goes first, always. The transport's own bytes (pongs,
 * close frames, HTTP answers) are queued in it too. Messages that are small
 * are copied behind their headers, for a copy costs less than an iovec; large
 * ones are sent from the shared frame.
 *
 * The backlog is bounded by max_backlog, but what the socket has taken a part of
 * is kept to its end, for a frame cannot be left unfinished: at most
 * GATHER_BYTES and one message more.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/mem.h"
#include "transport/io.h"

#define GATHER_IOV 256
#define GATHER_SCRATCH ((size_t)64 << 10)
#define GATHER_BYTES ((size_t)256 << 10) /* sent before more is gathered */
#define COPY_MAX 1024
#define EVENT_HEAD_MAX 160

/* What one connection sends in one call. Held frames are let go after it. */
struct gather {
	unsigned n_iov;
	unsigned n_held;
	size_t used; /* of scratch */
	size_t bytes; /* in all */
	struct iovec iov[GATHER_IOV];
	struct out_frame *held[GATHER_IOV];
	char scratch[GATHER_SCRATCH];
};

struct gather *gather_new(void)
{
	return mem_zalloc(sizeof(struct gather));
}

/* One write to the socket: here TLS will have its place. Returns what it took,
 * perhaps 0; -1: GONE, conn is closed. */
static ssize_t conn_send(struct conn *conn, struct iovec *iov, unsigned n_iov)
{
	evutil_socket_t fd = event_get_fd(&conn->event);
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = n_iov };
	ssize_t n;

	n = n_iov == 1 ? send(fd, iov->iov_base, iov->iov_len, MSG_NOSIGNAL)
		       : sendmsg(fd, &msg, MSG_NOSIGNAL);
	if (n >= 0) {
		conn->io->counts[IO_BYTES_OUT] += (uint64_t)n;
		return n;
	}
	if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)
		return 0;
	conn_close(conn, WS_CLOSE_ABNORMAL, "the connection broke");
	return -1;
}

void conn_dirty(struct conn *conn)
{
	struct io *io = conn->io;

	if (conn->dirty || conn->state == CONN_CLOSED)
		return;
	conn->dirty = true;
	conn->dirty_next = NULL;
	*io->dirty_end = conn;
	io->dirty_end = &conn->dirty_next;
}

void conn_queue(struct conn *conn, const void *bytes, size_t len)
{
	if (!buffer_append(&conn->backlog, bytes, len, SIZE_MAX / 2)) {
		conn_close(conn, WS_CLOSE_ABNORMAL, "no memory for its backlog");
		return;
	}
	conn_dirty(conn);
}

static void conn_overflow(struct conn *conn)
{
	conn->io->counts[IO_OVERFLOWS]++;
	conn_close(conn, WS_CLOSE_TRY_LATER, "reads too slowly");
}

/* Once the close frame is queued nothing more is sent. */
void conn_queue_frame(struct conn *conn, enum ws_opcode opcode, const char *payload, size_t len)
{
	char frame[WS_HEADER_MAX + WS_CONTROL_MAX];
	size_t head = ws_header(opcode, len, frame);

	if (conn->state != CONN_OPEN)
		return;
	if (opcode != WS_CLOSE &&
	    buffer_len(conn->backlog) > conn->io->shared->settings->max_backlog) {
		conn_overflow(conn);
		return;
	}
	if (len > 0)
		memcpy(frame + head, payload, len);
	conn_queue(conn, frame, head + len);
}

static void gather_reset(struct gather *g)
{
	while (g->n_held > 0)
		out_frame_unref(g->held[--g->n_held]);
	g->n_iov = 0;
	g->used = 0;
	g->bytes = 0;
}

/* To the backlog with what was gathered, less the `sent` bytes that left. */
static void gather_keep(struct conn *conn, size_t sent)
{
	struct gather *g = conn->io->gather;
	const struct iovec *iov = g->iov;
	unsigned i;

	for (i = 0; i < g->n_iov && conn->state != CONN_CLOSED; i++, iov++) {
		if (sent >= iov->iov_len) {
			sent -= iov->iov_len;
			continue;
		}
		conn_queue(conn, (const char *)iov->iov_base + sent, iov->iov_len - sent);
		sent = 0;
	}
}

/* Sends what was gathered. The conn may be closing or closed afterwards. */
static void gather_send(struct conn *conn)
{
	struct gather *g = conn->io->gather;
	ssize_t n = 0;

	if (g->n_iov == 0)
		return;
	if (conn->blocked) {
		if (buffer_len(conn->backlog) + g->bytes > conn->io->shared->settings->max_backlog)
			conn_overflow(conn);
		else
			gather_keep(conn, 0);
	} else {
		n = conn_send(conn, g->iov, g->n_iov);
		if (n >= 0 && (size_t)n < g->bytes) {
			gather_keep(conn, (size_t)n);
			conn->blocked = true;
		}
	}
	gather_reset(g);
}

/* Bytes behind the last, in the same iovec if they touch. */
static void gather_bytes(struct gather *g, char *bytes, size_t len)
{
	struct iovec *next = &g->iov[g->n_iov];

	g->bytes += len;
	if (g->n_iov > 0 && (char *)next[-1].iov_base + next[-1].iov_len == bytes) {
		next[-1].iov_len += len;
		return;
	}
	next->iov_base = bytes;
	next->iov_len = len;
	g->n_iov++;
}

/* The next bytes of the scratch, which were written. */
static void gather_scratch(struct gather *g, size_t len)
{
	if (len > 0)
		gather_bytes(g, g->scratch + g->used, len);
	g->used += len;
}

/* What of a message is for one connection alone, around the text that is shared. */
struct own_part {
	size_t head_len;
	size_t end_len; /* 0: the shared text's own end */
	char head[EVENT_HEAD_MAX];
	char end[OUT_MISSED_MAX];
};

/* One text message. Takes the reference. */
static void gather_message(struct conn *conn, const struct own_part *own, struct out_frame *frame)
{
	struct gather *g = conn->io->gather;
	bool copy = frame->len <= COPY_MAX;
	size_t shared = frame->len - (own->end_len == 0 ? 0 : OUT_EVENT_END), len;
	char *at;

	if (g->n_iov + 3 > GATHER_IOV || g->bytes > GATHER_BYTES ||
	    g->used + WS_HEADER_MAX + sizeof(*own) + COPY_MAX > GATHER_SCRATCH)
		gather_send(conn);
	if (conn->state != CONN_OPEN) {
		out_frame_unref(frame);
		return;
	}
	at = g->scratch + g->used;
	len = ws_header(WS_TEXT, own->head_len + shared + own->end_len, at);
	memcpy(at + len, own->head, own->head_len);
	len += own->head_len;
	if (copy) {
		memcpy(at + len, frame->text, shared);
		len += shared;
		out_frame_unref(frame);
	} else {
		gather_scratch(g, len);
		gather_bytes(g, frame->text, shared);
		g->held[g->n_held++] = frame;
		at += len;
		len = 0;
	}
	memcpy(at + len, own->end, own->end_len);
	gather_scratch(g, len + own->end_len);
	conn->io->counts[IO_MESSAGES_OUT]++;
}

static char *put(char *to, const char *text, size_t len)
{
	memcpy(to, text, len);
	return to + len;
}

#define PUT(to, text) put(to, text, sizeof(text) - 1)

/* The part of an event in front of what its receivers share. */
static size_t event_head(const struct out_msg *msg, char to[EVENT_HEAD_MAX])
{
	char *at = to;

	at = PUT(at, "{\"type\":\"event\",\"timestamp\":");
	at += par_json_digits(msg->timestamp, at);
	at = PUT(at, ",\"id\":");
	at += par_json_digits(msg->u.id, at);
	if (msg->seq != 0) {
		at = PUT(at, ",\"seq\":");
		at += par_json_digits(msg->seq, at);
	}
	if (msg->redelivered)
		at = PUT(at, ",\"redelivered\":true");
	return (size_t)(at - to);
}

void conn_add_out(struct conn *conn, uint32_t slot)
{
	struct io *io = conn->io;
	struct out_msg *msg = &io->batch[slot];

	if (conn->state != CONN_OPEN) {
		if (msg->kind == OUT_CLOSE)
			conn_close(conn, msg->code, msg->u.reason);
		else
			out_frame_unref(msg->frame);
		return;
	}
	io->next_out[slot] = OUT_NONE;
	if (conn->first_out == OUT_NONE)
		conn->first_out = slot;
	else
		io->next_out[conn->last_out] = slot;
	conn->last_out = slot;
	conn_dirty(conn);
}

static void conn_gather(struct conn *conn)
{
	struct io *io = conn->io;
	uint32_t slot = conn->first_out;
	struct own_part own;

	conn->first_out = OUT_NONE;
	for (; slot != OUT_NONE; slot = io->next_out[slot]) {
		const struct out_msg *msg = &io->batch[slot];

		if (msg->kind == OUT_CLOSE) {
			gather_send(conn);
			conn_close(conn, msg->code, msg->u.reason);
			continue;
		}
		own.head_len = msg->kind == OUT_EVENT ? event_head(msg, own.head) : 0;
		own.end_len = out_event_end(msg, own.end);
		gather_message(conn, &own, msg->frame);
	}
	gather_send(conn);
}

static void conn_send_backlog(struct conn *conn)
{
	struct iovec iov = { buffer_at(conn->backlog), conn->backlog->len };
	ssize_t n = conn_send(conn, &iov, 1);

	if (n < 0)
		return;
	conn->blocked = (size_t)n < iov.iov_len;
	buffer_take(&conn->backlog, (size_t)n);
}

/* After something was sent or queued: what follows from the backlog's size. */
static void conn_settle(struct conn *conn)
{
	size_t backlog = buffer_len(conn->backlog);

	if (conn->state == CONN_CLOSED)
		return;
	if (conn->state == CONN_ENDING && backlog == 0 && !conn->shut) {
		conn->shut = true;
		shutdown(event_get_fd(&conn->event), SHUT_WR);
	}
	if (conn->state == CONN_OPEN && !conn->congested &&
	    backlog > conn->io->shared->settings->max_backlog / 2) {
		conn->congested = true;
		conn_pause(conn, PAUSE_BACKLOG);
		conn_tell(conn);
	} else if (conn->congested && backlog == 0) {
		conn->congested = false;
		conn_resume(conn, PAUSE_BACKLOG);
	}
	conn_interest(conn);
}

void conn_flush(struct conn *conn)
{
	if (conn->state == CONN_HELLO)
		return;
	if (conn->backlog != NULL && !conn->blocked && conn->state != CONN_CLOSED)
		conn_send_backlog(conn);
	if (conn->first_out != OUT_NONE)
		conn_gather(conn);
	conn_settle(conn);
}

void conn_writable(struct conn *conn)
{
	if (conn->backlog != NULL)
		conn_send_backlog(conn);
	/* Who takes what we send is not dead, though we do not read from him. */
	conn->last_seen = conn->io->tick;
	conn_settle(conn);
}
