/* SPDX-License-Identifier: BSD-2-Clause */
/* The transport against clients and cores that misbehave: broken frames, slow
 * readers, full mailboxes, silence, and a process without descriptors. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "transport_world.h"
#include "unit.h"

static struct client one, two;

#define ACK "{\"type\":\"ack\",\"id\":1}"

/* What comes after the error has no meaning, and the core hears only of the end.
 * Who has read the close frame finds the end of the stream behind it, though
 * the server can tell no answer to it from garbage, and waits for his. */
static void check_protocol_errors(struct world *w)
{
	static const struct {
		const char *bytes;
		size_t len;
		uint16_t code;
		const char *reason;
	} wrong[] = {
#define W(bytes, code, reason) { bytes, sizeof(bytes) - 1, code, reason }
		W("\x81\x01x", 1002, "protocol error"), /* not masked */
		W("\x80\x80\0\0\0\0", 1002, "protocol error"), /* continues nothing */
		W("\x88\x82\0\0\0\0\x03\xed", 1002, "protocol error"), /* 1005 on the wire */
		W("\x82\x81\0\0\0\0x", 1003, "text frames only"),
		W("\x81\x81\0\0\0\0\xff", 1007, "text is not valid UTF-8"),
		W("\x81\xff\0\0\0\0\0\1\0\1", 1009, "message longer than max_message_size"),
#undef W
	};
	size_t i, n = sizeof(wrong) / sizeof(*wrong);

	for (i = 0; i < n; i++) {
		struct conn *conn = client_open(w, &one, "/ws");

		client_write(w, &one, wrong[i].bytes, wrong[i].len);
		client_text(w, &one, ACK);
		CU_ASSERT_TRUE(client_expect_close(w, &one, wrong[i].code));
		client_text(w, &one, ACK);
		CU_ASSERT_TRUE(client_expect_end(w, &one));
		CU_ASSERT_TRUE(core_has_nothing(w));
		client_gone(&one);
		CU_ASSERT_STRING_EQUAL(core_release(w, conn), wrong[i].reason);
	}
	CU_ASSERT_TRUE(core_has_nothing(w));
	CU_ASSERT_EQUAL(world_metric(w, "parlance_protocol_errors_total"), (int64_t)n);
}

static void check_fragments_too_big(struct world *w)
{
	static char text[40000];
	struct conn *conn = client_open(w, &one, "/ws");

	memset(text, ' ', sizeof(text));
	client_frame(w, &one, WS_TEXT, false, text, sizeof(text));
	client_frame(w, &one, WS_CONTINUATION, true, text, sizeof(text));
	CU_ASSERT_TRUE(client_expect_close(w, &one, WS_CLOSE_TOO_BIG));
	CU_ASSERT_TRUE(client_expect_end(w, &one));
	CU_ASSERT_TRUE(core_has_nothing(w));
	client_gone(&one);
	core_release(w, conn);
}

static void check_half_frame(struct world *w)
{
	struct conn *conn = client_open(w, &one, "/ws");

	client_write(w, &one, "\x81\xfe\x10\0\1\2\3\4{\"type", 14);
	client_gone(&one);
	CU_ASSERT_STRING_EQUAL(core_release(w, conn), "the client is gone");
	CU_ASSERT_EQUAL(transport_connections(w->transport), 0);
}

/* Sends numbered messages of 64 KiB until the core is told; returns how many. */
static int congest(struct world *w, struct conn *conn)
{
	static char text[65536];
	uint32_t n;
	int sent;

	memset(text, 'x', sizeof(text) - 1);
	for (sent = 0; sent < 2000 && mailbox_peek(w->seam.in, &n) == NULL; sent++) {
		text[snprintf(text, 16, "%010d", sent)] = 'x';
		core_send(w, conn, text);
		core_wait_taken(w);
	}
	core_expect(w, IN_CONGESTED, conn);
	return sent;
}

static void read_numbers(struct world *w, int n)
{
	struct ws_frame frame;
	int i;

	for (i = 0; i < n; i++) {
		CU_ASSERT_TRUE_FATAL(client_read(w, &one, &frame));
		CU_ASSERT_EQUAL_FATAL(atoi(frame.payload), i);
		CU_ASSERT_EQUAL_FATAL(frame.len, 65535);
	}
}

static void check_congestion(struct world *w)
{
	struct conn *conn;
	int sent;

	w->settings.max_backlog = 8 << 20;
	conn = client_open(w, &one, "/ws");
	sent = congest(w, conn);
	client_text(w, &one, ACK); /* nobody reads it */
	CU_ASSERT_TRUE(core_has_nothing(w));
	read_numbers(w, sent);
	core_expect(w, IN_DRAINED, conn);
	core_expect(w, IN_ACK, conn);
	core_send(w, conn, "go on");
	CU_ASSERT_TRUE(client_expect(w, &one, WS_TEXT, "go on"));
	client_gone(&one);
	core_release(w, conn);
}

/* The core goes on sending: the client is told to try later, behind messages
 * that are whole. */
static void check_overflow(struct world *w)
{
	static char text[65536];
	struct conn *conn;
	struct ws_frame frame;
	char payload[WS_CONTROL_MAX];
	int i;

	w->settings.max_backlog = 512 << 10;
	memset(text, 'x', sizeof(text) - 1);
	conn = client_open(w, &one, "/ws");
	congest(w, conn);
	for (i = 0; i < 20; i++)
		core_send(w, conn, text);
	core_wait_taken(w);
	do {
		CU_ASSERT_TRUE_FATAL(client_read(w, &one, &frame));
		CU_ASSERT_TRUE_FATAL(frame.opcode == WS_CLOSE || frame.len == 65535);
	} while (frame.opcode == WS_TEXT);
	CU_ASSERT_EQUAL(ws_close_code_of(&frame), WS_CLOSE_TRY_LATER);
	client_frame(w, &one, WS_CLOSE, true, payload,
		     ws_close_payload(WS_CLOSE_TRY_LATER, "", payload));
	CU_ASSERT_TRUE(client_expect_end(w, &one));
	client_gone(&one);
	CU_ASSERT_STRING_EQUAL(core_release(w, conn), "reads too slowly");
	CU_ASSERT_EQUAL(world_metric(w, "parlance_backlog_overflows_total"), 1);
}

/* The core sleeps while more comes than the inbox holds; nothing is lost, and
 * the end of another connection is not either. */
static void check_full_inbox(struct world *w)
{
	struct conn *conn = client_open(w, &one, "/ws");
	struct conn *other = client_open(w, &two, "/ws");
	struct in_msg msg;
	char text[64];
	uint32_t n;
	unsigned i;
	bool other_closed = false;

	for (i = 1; i <= 12000; i++) {
		snprintf(text, sizeof(text), "{\"type\":\"ack\",\"id\":%u}", i);
		client_text(w, &one, text);
	}
	/* All slots, less the two of IN_HELLO at the ring's beginning. */
	world_wait_metric(w, "parlance_messages_received_total", WORLD_MAIL - 2);
	CU_ASSERT_PTR_NOT_NULL_FATAL(mailbox_peek(w->seam.in, &n));
	CU_ASSERT_EQUAL_FATAL(n, WORLD_MAIL - 2);
	client_gone(&two);
	client_text(w, &one, "ping");
	client_frame(w, &one, WS_CLOSE, true, "\x03\xe8", 2);
	for (i = 1; i <= 12000;) {
		msg = core_next(w);
		if (msg.kind == IN_CLOSED) {
			CU_ASSERT_PTR_EQUAL(msg.conn, other);
			CU_ASSERT_FALSE(other_closed);
			core_say(w, OUT_RELEASE, other);
			other_closed = true;
			continue;
		}
		CU_ASSERT_EQUAL_FATAL(msg.kind, IN_ACK);
		CU_ASSERT_PTR_EQUAL(msg.conn, conn);
		CU_ASSERT_EQUAL_FATAL(msg.u.ack_id, i);
		i++;
	}
	if (!other_closed)
		core_release(w, other);
	CU_ASSERT_TRUE(client_expect(w, &one, WS_TEXT, "{\"event\":\"pong\"}"));
	CU_ASSERT_TRUE(client_expect_close(w, &one, WS_CLOSE_NORMAL));
	client_gone(&one);
	core_release(w, conn);
}

static void check_pause(struct world *w)
{
	struct conn *conn = client_open(w, &one, "/ws");
	struct conn *other = client_open(w, &two, "/ws");

	core_say(w, OUT_PAUSE, conn);
	core_send(w, conn, "paused");
	CU_ASSERT_TRUE(client_expect(w, &one, WS_TEXT, "paused"));
	client_text(w, &one, "{\"type\":\"ack\",\"id\":2}");
	client_text(w, &two, ACK);
	core_expect(w, IN_ACK, other);
	CU_ASSERT_TRUE(core_has_nothing(w));
	core_say(w, OUT_RESUME, conn);
	CU_ASSERT_EQUAL(core_expect(w, IN_ACK, conn).u.ack_id, 2);
	client_gone(&one);
	core_release(w, conn);
	client_gone(&two);
	core_release(w, other);
}

static void check_handshake_timeout(struct world *w)
{
	struct conn *conn;

	w->settings.handshake_timeout = 100;
	client_connect(w, &one);
	client_write(w, &one, "GET / HTTP/1.1\r\nHost:", 21);
	CU_ASSERT_TRUE(client_expect_end(w, &one));
	client_gone(&one);

	client_connect(w, &one);
	client_hello(&one, "/");
	{
		struct in_msg msg = core_expect(w, IN_HELLO, NULL);

		conn = msg.conn;
		hello_free(msg.u.hello);
	}
	CU_ASSERT_TRUE(client_expect_end(w, &one)); /* the core does not answer */
	core_expect(w, IN_CLOSED, conn);
	core_say(w, OUT_ACCEPT, conn); /* crossed it */
	core_say(w, OUT_RELEASE, conn);
	client_gone(&one);

	conn = client_open(w, &one, "/"); /* one that is in time stays */
	client_text(w, &one, ACK);
	core_expect(w, IN_ACK, conn);
	client_gone(&one);
	core_release(w, conn);
}

static void check_idle(struct world *w)
{
	struct conn *conn;

	w->settings.ping_interval = 50;
	w->settings.idle_timeout = 400;
	conn = client_open(w, &one, "/ws");
	CU_ASSERT_TRUE(client_expect(w, &one, WS_PING, ""));
	CU_ASSERT_TRUE(client_expect(w, &one, WS_PING, ""));
	CU_ASSERT_TRUE(client_expect_close(w, &one, WS_CLOSE_GOING_AWAY));
	client_gone(&one);
	CU_ASSERT_STRING_EQUAL(core_release(w, conn), "idle");
}

/* One that answers pings outlives idle_timeout: so many pings take longer. Only
 * where test and transport share a thread, or a slow test were an idle client. */
static void check_not_idle(struct world *w)
{
	struct conn *conn;
	int i;

	w->settings.ping_interval = 20;
	w->settings.idle_timeout = 200;
	conn = client_open(w, &one, "/ws");
	for (i = 0; i < 12; i++) {
		CU_ASSERT_TRUE_FATAL(client_expect(w, &one, WS_PING, ""));
		client_frame(w, &one, WS_PONG, true, "", 0);
	}
	client_gone(&one);
	CU_ASSERT_STRING_EQUAL(core_release(w, conn), "the client is gone");
}

static void check_no_descriptors(struct world *w)
{
	struct rlimit before, limit;
	struct in_msg msg;
	int next;

	w->settings.ping_interval = 200; /* and so a tick of 50 ms */
	world_start(w);
	next = dup(0);
	close(next);
	getrlimit(RLIMIT_NOFILE, &before);
	limit = before;
	limit.rlim_cur = (rlim_t)next + 1; /* enough for the client alone */
	setrlimit(RLIMIT_NOFILE, &limit);
	client_connect(w, &one);
	client_hello(&one, "/ws");
	world_wait_metric(w, "parlance_accept_paused_total", 1);
	CU_ASSERT_EQUAL(transport_connections(w->transport), 0);
	setrlimit(RLIMIT_NOFILE, &before);
	msg = core_expect(w, IN_HELLO, NULL);
	hello_free(msg.u.hello);
	client_gone(&one);
	core_say(w, OUT_ACCEPT, msg.conn);
	core_release(w, msg.conn);
}

static void check_max_connections(struct world *w)
{
	struct in_msg msg;
	struct conn *conn;

	w->settings.max_connections = 1;
	conn = client_open(w, &one, "/ws");
	client_connect(w, &two);
	client_hello(&two, "/ws");
	world_wait_metric(w, "parlance_accept_paused_total", 1);
	CU_ASSERT_TRUE(core_has_nothing(w));
	client_gone(&one);
	core_release(w, conn);
	msg = core_expect(w, IN_HELLO, NULL);
	hello_free(msg.u.hello);
	core_say(w, OUT_ACCEPT, msg.conn);
	client_gone(&two);
	core_release(w, msg.conn);
}

#define CHECKS(X) \
	X(check_protocol_errors) \
	X(check_fragments_too_big) \
	X(check_half_frame) \
	X(check_congestion) \
	X(check_overflow) \
	X(check_full_inbox) \
	X(check_pause) \
	X(check_handshake_timeout) \
	X(check_idle) \
	X(check_no_descriptors) \
	X(check_max_connections)

CHECKS(WORLD_TESTS)

static void test_not_idle(void)
{
	world_run(0, check_not_idle);
}

/* Two threads share one port; another transport may not join them. */
static void test_addresses(void)
{
	struct listen_address listen = { .text = (char *)"ws://127.0.0.1:0",
					 .host = (char *)"127.0.0.1",
					 .port = (char *)"0" };
	struct settings settings = { .listen = &listen, .n_listen = 1, .io_threads = 2 };
	struct metrics metrics = { NULL };
	struct transport *first, *second;
	char error[256], port[16];
	unsigned n;

	settings.handshake_timeout = settings.ping_interval = settings.idle_timeout = 60000;
	first = transport_new(&settings, NULL, -1, &metrics, error, sizeof(error));
	CU_ASSERT_PTR_NOT_NULL_FATAL(first);
	transport_seams(first, &n);
	CU_ASSERT_EQUAL(n, 2);
	CU_ASSERT_PTR_NULL(transport_address(first, 1));
	snprintf(port, sizeof(port), "%s", strrchr(transport_address(first, 0), ':') + 1);
	listen.text = (char *)"ws://somewhere";
	listen.port = port;
	second = transport_new(&settings, NULL, -1, &metrics, error, sizeof(error));
	CU_ASSERT_PTR_NULL(second);
	CU_ASSERT_STRING_EQUAL(error, "ws://somewhere: Address already in use");
	transport_free(&second);
	transport_free(&first);
	metrics_free(&metrics);
}

int main(void)
{
	static const struct unit_test tests[] = {
		CHECKS(WORLD_TEST_ENTRIES){ "not idle", test_not_idle },
		{ "addresses", test_addresses },
		{ NULL, NULL },
	};

	return unit_main("transport_limits", tests);
}
