/* SPDX-License-Identifier: BSD-2-Clause */
/* The transport with real sockets, each test with one I/O thread and without:
 * handshakes, messages both ways, ends. What goes wrong: test_transport_limits.c. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/mem.h"
#include "transport_world.h"
#include "unit.h"

static struct client one, two;

#define ACK "{\"type\":\"ack\",\"id\":1}"

static void check_hello(struct world *w)
{
	struct in_msg msg;

	client_connect(w, &one);
	client_hello(&one, "/ws?access_token=T&device=my%20phone");
	msg = core_expect(w, IN_HELLO, NULL);
	CU_ASSERT_EQUAL(msg.io, 0);
	CU_ASSERT_TRUE(par_str_equal(msg.u.hello->token, par_str_of("T")));
	CU_ASSERT_TRUE(par_str_equal(msg.u.hello->device, par_str_of("my phone")));
	CU_ASSERT_PTR_NULL(msg.u.hello->user.s);
	CU_ASSERT_TRUE(strncmp(msg.u.hello->remote.s, "127.0.0.1:", 10) == 0);
	CU_ASSERT_PTR_NULL(((struct conn_link *)msg.conn)->session);
	hello_free(msg.u.hello);

	/* What follows the request before it is accepted is kept until then. */
	client_text(w, &one, ACK);
	CU_ASSERT_TRUE(core_has_nothing(w));
	CU_ASSERT_EQUAL(one.len, 0);
	core_say(w, OUT_ACCEPT, msg.conn);
	CU_ASSERT_PTR_NOT_NULL(
	    strstr(client_answer(w, &one), "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
	CU_ASSERT_EQUAL(core_expect(w, IN_ACK, msg.conn).u.ack_id, 1);
	CU_ASSERT_EQUAL(transport_connections(w->transport), 1);
	client_gone(&one);
	CU_ASSERT_STRING_EQUAL(core_release(w, msg.conn), "the client is gone");
	CU_ASSERT_EQUAL(transport_connections(w->transport), 0);
}

static void check_pipelined_hello(struct world *w)
{
	static const char request[] =
	    "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
	    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
	    "\x81\x84\0\0\0\0ping\x89\x82\0\0\0\0";
	struct in_msg msg;
	size_t i;

	/* By the byte, and behind it a frame and the half of another. */
	client_connect(w, &one);
	for (i = 0; i < sizeof(request) - 1; i++)
		client_write(w, &one, request + i, 1);
	msg = core_expect(w, IN_HELLO, NULL);
	hello_free(msg.u.hello);
	core_say(w, OUT_ACCEPT, msg.conn);
	client_answer(w, &one);
	CU_ASSERT_TRUE(client_expect(w, &one, WS_TEXT, "{\"event\":\"pong\"}"));
	client_write(w, &one, "hi", 2);
	CU_ASSERT_TRUE(client_expect(w, &one, WS_PONG, "hi"));
	client_gone(&one);
	core_release(w, msg.conn);
}

static void check_refusal(struct world *w)
{
	static const char body[] = "{\"error\":{\"code\":\"unauthorized\"}}";
	struct out_msg refuse = { .kind = OUT_REFUSE, .code = 401 };
	struct in_msg msg;

	client_connect(w, &one);
	client_hello(&one, "/ws");
	msg = core_expect(w, IN_HELLO, NULL);
	hello_free(msg.u.hello);
	refuse.conn = msg.conn;
	refuse.frame = frame_of(body, strlen(body));
	core_put(w, &refuse);
	core_publish(w);
	CU_ASSERT_TRUE(strncmp(client_answer(w, &one), "HTTP/1.1 401 ", 13) == 0);
	CU_ASSERT_TRUE(client_expect_bytes(w, &one, body));
	CU_ASSERT_TRUE(client_expect_end(w, &one));
	client_gone(&one);
	CU_ASSERT_STRING_EQUAL(core_release(w, msg.conn), "refused");
}

/* The core hears of the next connection only. */
static void check_bad_handshake(struct world *w)
{
	static const char request[] = "POST /ws HTTP/1.1\r\nHost: x\r\n\r\n";
	static char flood[9000];
	struct conn *conn;

	client_connect(w, &one);
	client_write(w, &one, request, strlen(request));
	CU_ASSERT_TRUE(strncmp(client_answer(w, &one), "HTTP/1.1 405 ", 13) == 0);
	client_gone(&one);

	client_connect(w, &one);
	memset(flood, 'x', sizeof(flood));
	memcpy(flood, "GET /", 5);
	client_write(w, &one, flood, sizeof(flood));
	CU_ASSERT_TRUE(strncmp(client_answer(w, &one), "HTTP/1.1 4", 10) == 0);
	client_gone(&one);

	conn = client_open(w, &two, "/");
	client_gone(&two);
	core_release(w, conn);
	CU_ASSERT_EQUAL(world_metric(w, "parlance_handshakes_refused_total"), 2);
}

static void check_request(struct world *w)
{
	struct conn *conn = client_open(w, &one, "/ws");
	struct in_msg msg;

	client_text(w, &one,
		    "{\"type\":\"request\",\"id\":\"r1\",\"payloadType\":\"new\",\"payload\":{}}");
	msg = core_expect(w, IN_REQUEST, conn);
	CU_ASSERT_TRUE(par_str_equal(message_id(msg.u.message), par_str_of("r1")));
	CU_ASSERT_TRUE(par_str_equal(message_type(msg.u.message), par_str_of("new")));
	message_free(&msg.u.message);
	core_send(w, conn, "{\"type\":\"response\",\"id\":\"r1\"}");
	CU_ASSERT_TRUE(client_expect(w, &one, WS_TEXT, "{\"type\":\"response\",\"id\":\"r1\"}"));

	client_text(w, &one, "{\"type\":\"event\",\"payloadType\":\"typing\",\"payload\":{}}");
	msg = core_expect(w, IN_CLIENT_EVENT, conn);
	message_free(&msg.u.message);
	client_text(w, &one, "{");
	msg = core_expect(w, IN_REFUSED, conn);
	CU_ASSERT_EQUAL(msg.u.message->error, PAR_E_BAD_JSON);
	message_free(&msg.u.message);
	client_gone(&one);
	core_release(w, conn);
	CU_ASSERT_EQUAL(world_metric(w, "parlance_messages_received_total"), 3);
	CU_ASSERT_EQUAL(world_metric(w, "parlance_messages_sent_total"), 1);
}

/* The same frame to two connections: what is in front of it differs. */
static void check_event(struct world *w)
{
	struct conn *first = client_open(w, &one, "/ws");
	struct conn *second = client_open(w, &two, "/ws");
	struct out_msg msg = { .kind = OUT_EVENT, .timestamp = 1700000000000 };

	msg.frame = out_frame_event(par_str_of("new"), par_str_of("{\"a\":1}"));
	msg.conn = first;
	msg.u.id = 23;
	msg.seq = 18446744073709551615u;
	msg.redelivered = true;
	out_frame_ref(msg.frame);
	core_put(w, &msg);
	msg.conn = second;
	msg.u.id = 1;
	msg.seq = 0;
	msg.redelivered = false;
	core_put(w, &msg);
	core_publish(w);
	CU_ASSERT_TRUE(
	    client_expect(w, &one, WS_TEXT,
			  "{\"type\":\"event\",\"timestamp\":1700000000000,\"id\":23,\"seq\":"
			  "18446744073709551615,"
			  "\"redelivered\":true,\"eventType\":\"new\",\"payload\":{\"a\":1}}"));
	CU_ASSERT_TRUE(client_expect(w, &two, WS_TEXT,
				     "{\"type\":\"event\",\"timestamp\":1700000000000,\"id\":1,"
				     "\"eventType\":\"new\",\"payload\":{\"a\":1}}"));
	client_gone(&one);
	client_gone(&two);
	core_release(w, NULL);
	core_release(w, NULL);
}

static size_t small_len(int i)
{
	return 40 + (size_t)i % 100;
}

static size_t large_len(int i)
{
	return 1500 + (size_t)i % 10;
}

static size_t mixed_len(int i)
{
	return i % 500 == 17 ? 65530 : i % 3 == 0 ? large_len(i) : small_len(i);
}

/* More than one call can take, in bytes, in pieces, or in copies, alternating
 * between two connections: each gets its own, in order. */
static void check_many(struct world *w)
{
	static size_t (*const lens[])(int i) = { small_len, large_len, mixed_len };
	static char text[70000];
	struct client *clients[2] = { &one, &two };
	struct conn *conns[2] = { client_open(w, &one, "/ws"), client_open(w, &two, "/ws") };
	struct ws_frame frame;
	int i, k, n = 3000;

	memset(text, 'x', sizeof(text));
	for (k = 0; k < 3; k++) {
		for (i = 0; i < n; i++) {
			struct out_msg msg = { .kind = OUT_SEND, .conn = conns[i % 2] };

			text[snprintf(text, 16, "%010d", i)] = 'x';
			msg.frame = frame_of(text, lens[k](i));
			core_put(w, &msg);
		}
		core_publish(w);
		for (i = 0; i < n; i++) {
			CU_ASSERT_TRUE_FATAL(client_read(w, clients[i % 2], &frame));
			CU_ASSERT_EQUAL_FATAL(atoi(frame.payload), i);
			CU_ASSERT_EQUAL_FATAL(frame.len, lens[k](i));
		}
	}
	client_gone(&one);
	client_gone(&two);
	core_release(w, NULL);
	core_release(w, NULL);
}

/* The same frame to both, with a number of each one's own at its end; copied or not, and
 * more of them than one call takes, with others in between. */
static void check_missed(struct world *w)
{
	static char payload[3000], expected[4000];
	struct client *clients[2] = { &one, &two };
	struct conn *conns[2] = { client_open(w, &one, "/ws"), client_open(w, &two, "/ws") };
	struct out_frame *frames[2];
	int i, n = 2000;

	frames[0] = out_frame_event(par_str_of("new"), par_str_of("{\"a\":1}"));
	snprintf(payload, sizeof(payload), "{\"a\":\"%02000d\"}", 7);
	frames[1] = out_frame_event(par_str_of("new"), par_str_of(payload));
	for (i = 0; i < n; i++) {
		struct out_msg msg = { .kind = OUT_EVENT,
				       .conn = conns[i % 2],
				       .frame = out_frame_ref(frames[i / 2 % 2]),
				       .has_missed = i % 5 != 0,
				       .missed = i % 7 == 0 ? UINT64_MAX : (uint64_t)i };

		core_put(w, &msg);
	}
	core_publish(w);
	for (i = 0; i < n; i++) {
		char missed[64] = "";

		if (i % 5 != 0)
			snprintf(missed, sizeof(missed), ",\"missed\":%llu",
				 i % 7 == 0 ? 18446744073709551615ull : (unsigned long long)i);
		snprintf(expected, sizeof(expected),
			 "{\"type\":\"event\",\"timestamp\":0,\"id\":0,\"eventType\":\"new\","
			 "\"payload\":%.*s%s}}",
			 (int)strlen(i / 2 % 2 == 0 ? "{\"a\":1}" : payload) - 1,
			 i / 2 % 2 == 0 ? "{\"a\":1}" : payload, missed);
		CU_ASSERT_TRUE_FATAL(client_expect(w, clients[i % 2], WS_TEXT, expected));
	}
	out_frame_unref(frames[0]);
	out_frame_unref(frames[1]);
	client_gone(&one);
	client_gone(&two);
	core_release(w, NULL);
	core_release(w, NULL);
}

static void check_fragments(struct world *w)
{
	struct conn *conn = client_open(w, &one, "/ws");

	client_frame(w, &one, WS_TEXT, false, "{\"type\":\"a", 10);
	client_frame(w, &one, WS_PING, true, "still there?", 12);
	client_frame(w, &one, WS_CONTINUATION, false, "", 0);
	CU_ASSERT_TRUE(client_expect(w, &one, WS_PONG, "still there?"));
	client_frame(w, &one, WS_CONTINUATION, true, "ck\",\"id\":77}", 12);
	CU_ASSERT_EQUAL(core_expect(w, IN_ACK, conn).u.ack_id, 77);
	client_text(w, &one, "ping");
	CU_ASSERT_TRUE(client_expect(w, &one, WS_TEXT, "{\"event\":\"pong\"}"));
	client_frame(w, &one, WS_PONG, true, "unasked", 7);
	client_text(w, &one, ACK);
	CU_ASSERT_EQUAL(core_expect(w, IN_ACK, conn).u.ack_id, 1);
	client_gone(&one);
	core_release(w, conn);
}

/* Frames cut anywhere: by the byte, and large ones with others behind them. */
static void check_pieces(struct world *w)
{
	static const uint8_t mask[4] = { 1, 2, 3, 4 };
	static const size_t cuts[] = { 1, 2, 7, 13, 4096, 5000, 65535, 65536, 130000 };
	static char bytes[400000];
	struct conn *conn = client_open(w, &one, "/ws");
	size_t len = 0, head, k;
	unsigned i;

	for (i = 1; i <= 1000; i++) {
		char text[4096];
		size_t n = (size_t)snprintf(text, 64, "{\"type\":\"ack\",\"id\":%u}", i);

		if (i % 100 == 50) { /* the rest of it is white space */
			memset(text + n, ' ', sizeof(text) - n);
			n = 200 + i * 3;
		}
		head = ws_header_masked(WS_TEXT, n, mask, bytes + len);
		memcpy(bytes + len + head, text, n);
		ws_mask(bytes + len + head, n, mask, 0);
		len += head + n;
	}
	for (k = 0; k < sizeof(cuts) / sizeof(*cuts); k++) {
		size_t at, n;

		for (at = 0; at < len; at += n) {
			n = len - at < cuts[k] ? len - at : cuts[k];
			client_write(w, &one, bytes + at, n);
			if (k > 2 || at % 64 == 0)
				world_pass(w);
		}
		for (i = 1; i <= 1000; i++)
			CU_ASSERT_EQUAL_FATAL(core_expect(w, IN_ACK, conn).u.ack_id, i);
	}
	client_gone(&one);
	core_release(w, conn);
}

static void check_large(struct world *w)
{
	static char text[65536];
	struct conn *conn = client_open(w, &one, "/ws");
	int n = snprintf(text, sizeof(text), "%s", ACK), i;

	memset(text + n, ' ', sizeof(text) - (size_t)n);
	for (i = 0; i < 5; i++) {
		client_frame(w, &one, WS_TEXT, true, text, sizeof(text));
		client_text(w, &one, ACK);
	}
	client_frame(w, &one, WS_TEXT, false, text, 30000);
	client_frame(w, &one, WS_CONTINUATION, true, text + 30000, sizeof(text) - 30000);
	for (i = 0; i < 11; i++)
		core_expect(w, IN_ACK, conn);
	client_gone(&one);
	core_release(w, conn);
}

static void check_client_close(struct world *w)
{
	struct conn *conn = client_open(w, &one, "/ws");
	char payload[WS_CONTROL_MAX];

	client_frame(w, &one, WS_CLOSE, true, payload, ws_close_payload(4321, "bye", payload));
	client_text(w, &one, ACK); /* has no meaning any more */
	CU_ASSERT_TRUE(client_expect_close(w, &one, 4321));
	CU_ASSERT_TRUE(client_expect_end(w, &one));
	client_gone(&one);
	CU_ASSERT_STRING_EQUAL(core_release(w, conn), "closed by the client");

	conn = client_open(w, &one, "/ws");
	client_frame(w, &one, WS_CLOSE, true, NULL, 0);
	CU_ASSERT_TRUE(client_expect_close(w, &one, WS_CLOSE_NO_STATUS));
	client_gone(&one);
	core_release(w, conn);
}

static void check_core_close(struct world *w)
{
	struct conn *conn = client_open(w, &one, "/ws");
	struct out_msg msg = { .kind = OUT_SEND, .conn = conn };
	char payload[WS_CONTROL_MAX];

	msg.frame = frame_of("last", 4);
	core_put(w, &msg);
	core_close(w, conn, WS_CLOSE_REPLACED, "replaced");
	core_send(w, conn, "too late");
	core_close(w, conn, WS_CLOSE_NORMAL, "again");
	CU_ASSERT_TRUE(client_expect(w, &one, WS_TEXT, "last"));
	client_text(w, &one, ACK); /* crosses the close on its way */
	CU_ASSERT_TRUE(client_expect_close(w, &one, WS_CLOSE_REPLACED));
	client_frame(w, &one, WS_CLOSE, true, payload,
		     ws_close_payload(WS_CLOSE_REPLACED, "", payload));
	CU_ASSERT_TRUE(client_expect_end(w, &one));
	client_gone(&one);
	CU_ASSERT_STRING_EQUAL(core_release(w, conn), "replaced");
}

/* After IN_CLOSED the core may still have slots on their way. */
static void check_late_slots(struct world *w)
{
	struct conn *conn = client_open(w, &one, "/ws");

	client_gone(&one);
	core_expect(w, IN_CLOSED, conn);
	core_send(w, conn, "nobody is there");
	core_say(w, OUT_PAUSE, conn);
	core_say(w, OUT_RESUME, conn);
	core_close(w, conn, WS_CLOSE_NORMAL, "late");
	core_say(w, OUT_RELEASE, conn);

	client_connect(w, &one);
	client_hello(&one, "/ws");
	hello_free(core_expect(w, IN_HELLO, NULL).u.hello);
	client_gone(&one);
}

static void check_stop(struct world *w)
{
	struct conn *conn = client_open(w, &one, "/ws");
	struct in_msg *slot;
	uint32_t n;

	transport_stop_accepting(w->transport);
	client_text(w, &one, ACK);
	core_expect(w, IN_ACK, conn);
	core_close(w, conn, WS_CLOSE_GOING_AWAY, "bye");
	transport_stop(w->transport);
	slot = mailbox_peek(w->seam.in, &n);
	CU_ASSERT_EQUAL_FATAL(n, 1);
	CU_ASSERT_EQUAL(slot->kind, IN_CLOSED);
	CU_ASSERT_STRING_EQUAL(slot->u.doing, "bye");
	CU_ASSERT_TRUE(client_expect_close(w, &one, WS_CLOSE_GOING_AWAY));
	CU_ASSERT_TRUE(client_expect_end(w, &one));
	client_gone(&one);
}

#define CHECKS(X) \
	X(check_hello) \
	X(check_pipelined_hello) \
	X(check_refusal) \
	X(check_bad_handshake) \
	X(check_request) \
	X(check_event) \
	X(check_many) \
	X(check_missed) \
	X(check_fragments) \
	X(check_pieces) \
	X(check_large) \
	X(check_client_close) \
	X(check_core_close) \
	X(check_late_slots) \
	X(check_stop)

CHECKS(WORLD_TESTS)

int main(void)
{
	static const struct unit_test tests[] = { CHECKS(WORLD_TEST_ENTRIES){ NULL, NULL } };

	return unit_main("transport", tests);
}
