/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The handshake and the frames of one connection, on the one thread of the
 * program. What is sent collects in `out` until the loop finds the socket
 * writable, so a turn's frames leave together.
 *
 * A server that falls silent is noticed here: after QUIET_MS it is pinged, and
 * after LOST_MS without a byte the connection counts as lost.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/event.h>

#include "base/mem.h"
#include "connection.h"
#include "dial.h"
#include "random.h"
#include "ws/frame.h"
#include "ws/handshake.h"

#define READ_SIZE 65536
#define ANSWER_MAX 16384 /* of the server's answer to the handshake, body included */
#define MESSAGE_MAX ((uint64_t)32 << 20) /* a page of history can be long */
#define REQUEST_MAX 16384

#define HANDSHAKE_S 10
#define REFUSED_S 2 /* for the body of a refusal */
#define CLOSE_S 3
#define CHECK_S 5
#define QUIET_MS 20000
#define LOST_MS 45000

enum connection_state { CLOSED, CONNECTING, HANDSHAKE, REFUSED, OPEN, CLOSING };

struct connection {
	enum connection_state state;
	int fd;
	const struct url *url;
	const char *token;
	const struct connection_handler *handler;
	void *arg;
	struct event_base *base;
	struct dial *dial; /* CONNECTING */
	struct event *readable, *writable; /* made for each fd */
	struct event *timer; /* what it means depends on the state */
	struct evbuffer *in, *out;
	struct evbuffer *message; /* the fragments so far */
	struct ws_decoder decoder;
	size_t need; /* bytes of `in` below which decoding is in vain */
	char key[25];
	int refused_status;
	uint64_t heard_ms;
};

static uint64_t monotonic_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void connection_set_timer(struct connection *c, time_t seconds)
{
	struct timeval after = { .tv_sec = seconds };

	event_add(c->timer, &after);
}

static void connection_reset(struct connection *c)
{
	dial_cancel(&c->dial);
	event_del(c->timer);
	if (c->readable != NULL)
		event_free(c->readable);
	if (c->writable != NULL)
		event_free(c->writable);
	c->readable = c->writable = NULL;
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
	evbuffer_drain(c->in, evbuffer_get_length(c->in));
	evbuffer_drain(c->out, evbuffer_get_length(c->out));
	evbuffer_drain(c->message, evbuffer_get_length(c->message));
	c->state = CLOSED;
}

/* The one way out. The connection may be open again when this returns: callers
 * must return at once. */
static void __attribute__((format(printf, 4, 5)))
connection_finish(struct connection *c, enum connection_fate fate, int code, const char *format,
		  ...)
{
	struct connection_end end = { .fate = fate, .code = code };
	va_list args;

	va_start(args, format);
	vsnprintf(end.reason, sizeof(end.reason), format, args);
	va_end(args);
	connection_reset(c);
	c->handler->closed(c->arg, &end);
}

static void connection_frame(struct connection *c, enum ws_opcode opcode, const char *payload,
			     size_t len)
{
	uint8_t mask[4];
	char header[WS_HEADER_MAX];
	size_t header_len;
	struct evbuffer_iovec room;

	random_fill(mask, sizeof(mask));
	header_len = ws_header_masked(opcode, len, mask, header);
	if (evbuffer_reserve_space(c->out, (ev_ssize_t)(header_len + len), &room, 1) != 1)
		abort();
	memcpy(room.iov_base, header, header_len);
	if (len > 0)
		memcpy((char *)room.iov_base + header_len, payload, len);
	ws_mask((char *)room.iov_base + header_len, len, mask, 0);
	room.iov_len = header_len + len;
	evbuffer_commit_space(c->out, &room, 1);
	event_add(c->writable, NULL);
}

static void connection_close_frame(struct connection *c, uint16_t code)
{
	char payload[WS_CONTROL_MAX];

	connection_frame(c, WS_CLOSE, payload, ws_close_payload(code, "", payload));
}

/* The server's close frame: answered, unless it is itself the answer. */
static void connection_got_close(struct connection *c, const struct ws_frame *frame)
{
	uint16_t code = ws_close_code_of(frame);
	char reason[WS_CONTROL_MAX + 1] = "";

	if (frame->len > 2)
		memcpy(reason, frame->payload + 2, frame->len - 2);
	if (c->state == OPEN)
		connection_close_frame(c, code == WS_CLOSE_NO_STATUS ? WS_CLOSE_NORMAL : code);
	evbuffer_write(c->out, c->fd);
	connection_finish(c, FATE_CLOSED, code, "%s", reason);
}

static void connection_got_text(struct connection *c, const struct ws_frame *frame)
{
	size_t before = evbuffer_get_length(c->message);

	if (c->state == CLOSING) /* what would not be acked any more counts as not received */
		return;
	if (frame->fin && before == 0) {
		c->handler->text(c->arg, frame->payload, frame->len);
		return;
	}
	if (evbuffer_add(c->message, frame->payload, frame->len) != 0)
		abort();
	if (!frame->fin)
		return;
	c->handler->text(c->arg, (const char *)evbuffer_pullup(c->message, -1),
			 before + frame->len);
	evbuffer_drain(c->message, before + frame->len);
}

/* False: the connection is finished. */
static bool connection_got_frame(struct connection *c, const struct ws_frame *frame)
{
	switch (frame->opcode) {
	case WS_TEXT:
	case WS_CONTINUATION:
		connection_got_text(c, frame);
		return true;
	case WS_PING:
		if (c->state == OPEN)
			connection_frame(c, WS_PONG, frame->payload, frame->len);
		return true;
	case WS_PONG:
		return true;
	case WS_CLOSE:
		connection_got_close(c, frame);
		return false;
	default:
		connection_finish(c, FATE_LOST, 0, "the server sent a binary message");
		return false;
	}
}

static void connection_read_frames(struct connection *c)
{
	while (evbuffer_get_length(c->in) >= c->need) {
		size_t len = evbuffer_get_length(c->in), consumed;
		struct ws_frame frame;
		uint16_t close_code;

		switch (ws_decode(&c->decoder, (char *)evbuffer_pullup(c->in, -1), len, &frame,
				  &consumed, &c->need, &close_code)) {
		case WS_NEED_MORE:
			return;
		case WS_ERROR:
			connection_close_frame(c, close_code);
			evbuffer_write(c->out, c->fd);
			connection_finish(c, FATE_LOST, close_code,
					  "the server broke the WebSocket protocol");
			return;
		case WS_FRAME:
			break;
		}
		if (!connection_got_frame(c, &frame))
			return;
		evbuffer_drain(c->in, consumed);
		c->need = 1;
	}
}

/* True: frames may follow. */
static bool connection_read_answer(struct connection *c)
{
	size_t len = evbuffer_get_length(c->in), consumed;

	switch (handshake_check_answer((const char *)evbuffer_pullup(c->in, -1), len, c->key,
				       &consumed, &c->refused_status)) {
	case HANDSHAKE_NEED_MORE:
		if (len >= ANSWER_MAX)
			connection_finish(c, FATE_NOT_WEBSOCKET, 0, "its answer is too long");
		return false;
	case HANDSHAKE_BAD:
		if (c->refused_status == 0) {
			connection_finish(c, FATE_NOT_WEBSOCKET, 0,
					  "what listens there is no WebSocket server");
			return false;
		}
		c->state = REFUSED;
		connection_set_timer(c, REFUSED_S);
		return false;
	case HANDSHAKE_OK:
		break;
	}
	evbuffer_drain(c->in, consumed);
	ws_decoder_init(&c->decoder, WS_CLIENT, MESSAGE_MAX);
	c->need = 1;
	c->state = OPEN;
	connection_set_timer(c, CHECK_S);
	c->handler->open(c->arg);
	return true;
}

/* The body of a refusal is its reason. */
static void connection_refused(struct connection *c)
{
	struct evbuffer_ptr end = evbuffer_search(c->in, "\r\n\r\n", 4, NULL);
	size_t len;

	if (end.pos >= 0)
		evbuffer_drain(c->in, (size_t)end.pos + 4);
	len = end.pos < 0 ? 0 : evbuffer_get_length(c->in);
	connection_finish(c, FATE_REFUSED, c->refused_status, "%.*s", (int)len,
			  len == 0 ? "" : (const char *)evbuffer_pullup(c->in, -1));
}

/* The socket will give nothing more; `error` is an errno, or 0 for its regular end. */
static void connection_ended(struct connection *c, int error)
{
	const char *why = error == 0 ? "the server closed the connection" : strerror(error);

	if (c->state == REFUSED)
		connection_refused(c);
	else
		connection_finish(c, c->state == HANDSHAKE ? FATE_UNREACHABLE : FATE_LOST, 0, "%s",
				  why);
}

static void connection_on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct connection *c = arg;
	struct evbuffer_iovec room;
	ssize_t n;

	(void)what;
	if (evbuffer_reserve_space(c->in, READ_SIZE, &room, 1) != 1)
		abort();
	n = recv(fd, room.iov_base, READ_SIZE, 0);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		connection_ended(c, n < 0 ? errno : 0);
		return;
	}
	room.iov_len = (size_t)n;
	evbuffer_commit_space(c->in, &room, 1);
	c->heard_ms = monotonic_ms();
	if (c->state == REFUSED && evbuffer_get_length(c->in) >= ANSWER_MAX) {
		connection_refused(c);
		return;
	}
	if (c->state == HANDSHAKE && !connection_read_answer(c))
		return;
	if (c->state == OPEN || c->state == CLOSING)
		connection_read_frames(c);
}

static void connection_on_writable(evutil_socket_t fd, short what, void *arg)
{
	struct connection *c = arg;

	(void)what;
	if (evbuffer_write(c->out, fd) < 0 && errno != EAGAIN && errno != EINTR) {
		connection_ended(c, errno);
		return;
	}
	if (evbuffer_get_length(c->out) > 0)
		event_add(c->writable, NULL);
}

static void connection_begin_handshake(struct connection *c)
{
	unsigned char random[16];
	char request[REQUEST_MAX];
	size_t len;

	random_fill(random, sizeof(random));
	len = handshake_request(c->url->authority, c->url->target, c->token, random, c->key,
				request, sizeof(request));
	if (len == 0) {
		connection_finish(c, FATE_NOT_WEBSOCKET, 0, "the url or the token is too long");
		return;
	}
	if (evbuffer_add(c->out, request, len) != 0)
		abort();
	c->state = HANDSHAKE;
	connection_set_timer(c, HANDSHAKE_S);
	event_add(c->readable, NULL);
	event_add(c->writable, NULL);
}

static void connection_on_dialed(void *arg, int fd, const char *error)
{
	struct connection *c = arg;

	c->dial = NULL;
	if (fd < 0) {
		connection_finish(c, FATE_UNREACHABLE, 0, "%s", error);
		return;
	}
	c->fd = fd;
	c->readable = event_new(c->base, fd, EV_READ | EV_PERSIST, connection_on_readable, c);
	c->writable = event_new(c->base, fd, EV_WRITE, connection_on_writable, c);
	connection_begin_handshake(c);
}

static void connection_check_silence(struct connection *c)
{
	uint64_t silent = monotonic_ms() - c->heard_ms;

	if (silent >= LOST_MS) {
		connection_finish(c, FATE_LOST, 0, "the server fell silent");
		return;
	}
	if (silent >= QUIET_MS)
		connection_frame(c, WS_PING, NULL, 0);
	connection_set_timer(c, CHECK_S);
}

static void connection_on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct connection *c = arg;

	(void)fd;
	(void)what;
	switch (c->state) {
	case HANDSHAKE:
		connection_finish(c, FATE_UNREACHABLE, 0, "no answer to the handshake");
		break;
	case REFUSED:
		connection_refused(c);
		break;
	case OPEN:
		connection_check_silence(c);
		break;
	case CLOSING:
		connection_finish(c, FATE_LOST, 0, "no answer to the close frame");
		break;
	case CLOSED:
	case CONNECTING:
		break;
	}
}

struct connection *connection_new(struct event_base *base, const struct url *url, const char *token,
				  const struct connection_handler *handler, void *arg)
{
	struct connection *c = mem_zalloc(sizeof(*c));

	c->fd = -1;
	c->base = base;
	c->url = url;
	c->token = token;
	c->handler = handler;
	c->arg = arg;
	c->timer = evtimer_new(base, connection_on_timer, c);
	c->in = evbuffer_new();
	c->out = evbuffer_new();
	c->message = evbuffer_new();
	return c;
}

void connection_free(struct connection **connection)
{
	struct connection *c = *connection;

	*connection = NULL;
	connection_reset(c);
	event_free(c->timer);
	evbuffer_free(c->in);
	evbuffer_free(c->out);
	evbuffer_free(c->message);
	free(c);
}

void connection_open(struct connection *c)
{
	c->state = CONNECTING;
	c->dial = dial_start(c->base, c->url->host, c->url->port, connection_on_dialed, c);
}

bool connection_is_open(const struct connection *c)
{
	return c->state == OPEN;
}

void connection_send(struct connection *c, const char *text, size_t len)
{
	connection_frame(c, WS_TEXT, text, len);
}

void connection_shutdown(struct connection *c, uint16_t code)
{
	if (c->state != OPEN) {
		connection_finish(c, FATE_LOST, 0, "not connected");
		return;
	}
	connection_close_frame(c, code);
	c->state = CLOSING;
	connection_set_timer(c, CLOSE_S);
}
