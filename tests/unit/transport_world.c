/* SPDX-License-Identifier: BSD-2-Clause */
/* The helpers of test_transport.c; see transport_world.h. */
#include "transport_world.h"

#include <CUnit/CUnit.h>
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"

#define DEADLINE 20 /* seconds: only a broken server comes near it */

static char *last_payload;

static time_t deadline(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + DEADLINE;
}

static bool is_past(time_t when)
{
	return deadline() - DEADLINE > when;
}

static void world_init(struct world *w, unsigned io_threads)
{
	memset(w, 0, sizeof(*w));
	w->listen.text = (char *)"ws://127.0.0.1:0";
	w->listen.host = (char *)"127.0.0.1";
	w->listen.port = (char *)"0";
	w->settings.listen = &w->listen;
	w->settings.n_listen = 1;
	w->settings.io_threads = io_threads;
	w->settings.max_message_size = 65536;
	w->settings.max_backlog = 4 << 20;
	w->settings.handshake_timeout = 60000;
	w->settings.ping_interval = 60000;
	w->settings.idle_timeout = 60000;
}

void world_start(struct world *w)
{
	char error[256] = "";
	unsigned n;

	w->base = event_base_new();
	w->core_fd = w->settings.io_threads > 0 ? eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC) : -1;
	w->transport =
	    transport_new(&w->settings, w->base, w->core_fd, &w->metrics, error, sizeof(error));
	CU_ASSERT_PTR_NOT_NULL_FATAL(w->transport);
	CU_ASSERT_STRING_EQUAL(error, "");
	w->seam = transport_seams(w->transport, &n)[0];
	CU_ASSERT_EQUAL_FATAL(
	    sscanf(transport_address(w->transport, 0), "ws://127.0.0.1:%d", &w->port), 1);
	transport_start(w->transport);
}

static void world_end(struct world *w)
{
	transport_free(&w->transport);
	metrics_free(&w->metrics);
	event_base_free(w->base);
	if (w->core_fd >= 0)
		close(w->core_fd);
	free(last_payload);
	last_payload = NULL;
}

void world_run(unsigned io_threads, void (*check)(struct world *w))
{
	struct world w;

	world_init(&w, io_threads);
	check(&w);
	world_end(&w);
}

void world_turn(struct world *w, int fd)
{
	struct pollfd fds[2] = { { .fd = fd, .events = POLLIN },
				 { .fd = w->core_fd, .events = POLLIN } };
	uint64_t count;

	if (w->core_fd < 0) {
		event_base_loop(w->base, EVLOOP_NONBLOCK);
		if (!transport_turn(w->transport))
			poll(fds, 1, 2);
		return;
	}
	if (mailbox_sleep(w->seam.in)) {
		poll(fds, 2, 100);
		mailbox_awake(w->seam.in);
	}
	while (read(w->core_fd, &count, sizeof(count)) > 0)
		;
}

void world_pass(struct world *w)
{
	if (w->core_fd < 0) {
		event_base_loop(w->base, EVLOOP_NONBLOCK);
		transport_turn(w->transport);
	} else {
		sched_yield();
	}
}

struct in_msg core_next(struct world *w)
{
	struct in_msg msg = { .kind = UINT32_MAX };
	struct in_msg *slot;
	time_t end = deadline();
	uint32_t n;

	while ((slot = mailbox_peek(w->seam.in, &n)) == NULL && !is_past(end))
		world_turn(w, -1);
	if (slot != NULL) {
		msg = *slot;
		mailbox_consume(w->seam.in, 1);
	}
	return msg;
}

struct in_msg core_expect(struct world *w, enum in_kind kind, const struct conn *conn)
{
	struct in_msg msg = core_next(w);

	CU_ASSERT_EQUAL_FATAL(msg.kind, (uint32_t)kind);
	CU_ASSERT_FATAL(conn == NULL || msg.conn == conn);
	return msg;
}

bool core_has_nothing(struct world *w)
{
	uint32_t n;

	world_turn(w, -1);
	return mailbox_peek(w->seam.in, &n) == NULL;
}

void core_put(struct world *w, const struct out_msg *msg)
{
	while (!mailbox_push(w->seam.out, msg)) {
		mailbox_publish(w->seam.out);
		world_turn(w, -1);
	}
}

void core_publish(struct world *w)
{
	mailbox_publish(w->seam.out);
}

void core_say(struct world *w, enum out_kind kind, struct conn *conn)
{
	struct out_msg msg = { .kind = kind, .conn = conn };

	core_put(w, &msg);
	core_publish(w);
}

struct out_frame *frame_of(const char *text, size_t len)
{
	struct par_json json;

	out_frame_begin(&json);
	par_json_bytes(&json, text, len);
	return out_frame_end(&json);
}

void core_send(struct world *w, struct conn *conn, const char *text)
{
	struct out_msg msg = { .kind = OUT_SEND, .conn = conn };

	msg.frame = frame_of(text, strlen(text));
	core_put(w, &msg);
	core_publish(w);
}

void core_close(struct world *w, struct conn *conn, uint16_t code, const char *reason)
{
	struct out_msg msg = { .kind = OUT_CLOSE, .conn = conn, .code = code };

	msg.u.reason = reason;
	core_put(w, &msg);
	core_publish(w);
}

const char *core_release(struct world *w, struct conn *conn)
{
	struct in_msg msg = core_expect(w, IN_CLOSED, conn);

	core_say(w, OUT_RELEASE, msg.conn);
	return msg.u.doing;
}

int64_t world_metric(const struct world *w, const char *name)
{
	struct par_metric *metric;

	for (metric = w->metrics.first; metric != NULL; metric = metric->next)
		if (strcmp(metric->name, name) == 0)
			return atomic_load(&metric->value);
	CU_FAIL("no such metric");
	return -1;
}

void world_wait_metric(struct world *w, const char *name, int64_t least)
{
	time_t end = deadline();

	while (world_metric(w, name) < least && !is_past(end))
		world_pass(w);
	CU_ASSERT_TRUE(world_metric(w, name) >= least);
}

void core_wait_taken(struct world *w)
{
	time_t end = deadline();

	while (mailbox_room(w->seam.out) < WORLD_MAIL && !is_past(end))
		world_pass(w);
}

void client_connect(struct world *w, struct client *c)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	int on = 1;

	if (w->transport == NULL)
		world_start(w);
	address.sin_port = htons((uint16_t)w->port);
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	c->len = 0;
	ws_decoder_init(&c->decoder, WS_CLIENT, sizeof(c->buf));
	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	CU_ASSERT_FATAL(c->fd >= 0);
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	CU_ASSERT_EQUAL_FATAL(connect(c->fd, (struct sockaddr *)&address, sizeof(address)), 0);
	fcntl(c->fd, F_SETFL, O_NONBLOCK);
}

void client_write(struct world *w, struct client *c, const void *bytes, size_t len)
{
	const char *at = bytes;
	time_t end = deadline();

	while (len > 0 && !is_past(end)) {
		ssize_t n = send(c->fd, at, len, MSG_NOSIGNAL);

		if (n > 0) {
			at += n;
			len -= (size_t)n;
		} else if (n < 0 && errno != EAGAIN) {
			break;
		} else {
			world_turn(w, -1);
		}
	}
	CU_ASSERT_EQUAL(len, 0);
}

void client_hello(struct client *c, const char *target)
{
	char request[1024];
	int len = snprintf(request, sizeof(request),
			   "GET %s HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
			   "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
			   "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
			   target);

	CU_ASSERT_EQUAL(send(c->fd, request, (size_t)len, MSG_NOSIGNAL), len);
}

struct conn *client_open(struct world *w, struct client *c, const char *target)
{
	struct in_msg msg;

	client_connect(w, c);
	client_hello(c, target);
	msg = core_expect(w, IN_HELLO, NULL);
	hello_free(msg.u.hello);
	core_say(w, OUT_ACCEPT, msg.conn);
	CU_ASSERT_FATAL(strncmp(client_answer(w, c), "HTTP/1.1 101 ", 13) == 0);
	return msg.conn;
}

void client_frame(struct world *w, struct client *c, enum ws_opcode opcode, bool fin,
		  const char *payload, size_t len)
{
	static const uint8_t mask[4] = { 0x37, 0xfa, 0x21, 0x3d };
	char *frame = mem_alloc(WS_HEADER_MAX + len);
	size_t head = ws_header_masked(opcode, len, mask, frame);

	if (!fin)
		frame[0] &= 0x7f;
	if (len > 0)
		memcpy(frame + head, payload, len);
	ws_mask(frame + head, len, mask, 0);
	client_write(w, c, frame, head + len);
	free(frame);
}

void client_text(struct world *w, struct client *c, const char *text)
{
	client_frame(w, c, WS_TEXT, true, text, strlen(text));
}

/* More bytes; 0 at the end of the stream, or when nothing comes in time. */
static size_t client_receive(struct world *w, struct client *c)
{
	time_t end = deadline();

	while (!is_past(end)) {
		ssize_t n = recv(c->fd, c->buf + c->len, sizeof(c->buf) - c->len, 0);

		if (n > 0) {
			c->len += (size_t)n;
			return (size_t)n;
		}
		if (n == 0 || errno != EAGAIN)
			return 0;
		world_turn(w, c->fd);
	}
	CU_FAIL("the server sends nothing");
	return 0;
}

static void client_use(struct client *c, size_t n)
{
	memmove(c->buf, c->buf + n, c->len - n);
	c->len -= n;
}

bool client_expect_bytes(struct world *w, struct client *c, const char *text)
{
	size_t len = strlen(text);
	bool same;

	while (c->len < len)
		if (client_receive(w, c) == 0)
			return false;
	same = memcmp(c->buf, text, len) == 0;
	client_use(c, len);
	return same;
}

static char *client_payload(const char *bytes, size_t len)
{
	free(last_payload);
	last_payload = mem_strndup(bytes, len);
	return last_payload;
}

const char *client_answer(struct world *w, struct client *c)
{
	const char *end;
	const char *text;

	while ((end = memmem(c->buf, c->len, "\r\n\r\n", 4)) == NULL)
		if (client_receive(w, c) == 0)
			return "";
	text = client_payload(c->buf, (size_t)(end + 4 - c->buf));
	client_use(c, strlen(text));
	return text;
}

bool client_read(struct world *w, struct client *c, struct ws_frame *frame)
{
	size_t consumed, need;
	uint16_t code;

	for (;;) {
		enum ws_result result = c->len == 0 ? WS_NEED_MORE
						    : ws_decode(&c->decoder, c->buf, c->len, frame,
								&consumed, &need, &code);

		if (result == WS_FRAME)
			break;
		if (result == WS_ERROR || client_receive(w, c) == 0)
			return false;
	}
	frame->payload = client_payload(frame->payload, frame->len);
	client_use(c, consumed);
	return true;
}

bool client_expect(struct world *w, struct client *c, enum ws_opcode opcode, const char *payload)
{
	struct ws_frame frame;

	return client_read(w, c, &frame) && frame.opcode == opcode && frame.fin &&
	       strcmp(frame.payload, payload) == 0;
}

bool client_expect_close(struct world *w, struct client *c, uint16_t code)
{
	struct ws_frame frame;
	time_t end = deadline();

	do {
		if (is_past(end) || !client_read(w, c, &frame))
			return false;
	} while (frame.opcode == WS_TEXT || frame.opcode == WS_PING);
	return frame.opcode == WS_CLOSE && ws_close_code_of(&frame) == code;
}

bool client_expect_end(struct world *w, struct client *c)
{
	return c->len == 0 && client_receive(w, c) == 0;
}

void client_gone(struct client *c)
{
	close(c->fd);
}
