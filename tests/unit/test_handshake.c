/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The opening handshake: RFC 6455's own example, what a browser and the
 * usual libraries send, and one request for each way to be refused, with its
 * status. A refused request must be left unchanged; every prefix of a good one
 * needs more. Both sides together at the end.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unit.h"
#include "ws/handshake.h"

#define KEY "dGhlIHNhbXBsZSBub25jZQ=="
#define TAIL \
	"Host: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: " KEY \
	"\r\nSec-WebSocket-Version: 13\r\n"
#define GET(target, fields) "GET " target " HTTP/1.1\r\n" TAIL fields "\r\n"

static char buf[3 * HANDSHAKE_MAX];

/* What is expected of a string: NULL for absent. */
static void check_str(struct par_str got, const char *expected)
{
	if (expected == NULL) {
		CU_ASSERT_PTR_NULL(got.s);
		return;
	}
	CU_ASSERT_PTR_NOT_NULL_FATAL(got.s);
	CU_ASSERT_EQUAL(got.len, strlen(expected));
	CU_ASSERT_TRUE(par_str_equal(got, par_str_of(expected)));
}

static struct handshake accepted(const char *request)
{
	struct handshake h = { 0 };
	size_t consumed = 0, len = strlen(request);
	const char *reason = NULL;
	int status = 0;

	memcpy(buf, request, len);
	memcpy(buf + len, "\x81", 1);
	CU_ASSERT_EQUAL(handshake_parse(buf, len + 1, &h, &consumed, &status, &reason),
			HANDSHAKE_OK);
	CU_ASSERT_EQUAL(consumed, len);
	return h;
}

static void refused_bytes(const char *request, size_t len, int expected)
{
	struct handshake h;
	size_t consumed = 1;
	const char *reason = NULL;
	int status = 0;

	memcpy(buf, request, len);
	CU_ASSERT_EQUAL(handshake_parse(buf, len, &h, &consumed, &status, &reason), HANDSHAKE_BAD);
	CU_ASSERT_EQUAL(status, expected);
	if (status != expected)
		fprintf(stderr, "%.60s: %d, not %d\n", request, status, expected);
	CU_ASSERT_PTR_NOT_NULL(reason);
	CU_ASSERT_EQUAL(consumed, 0);
	CU_ASSERT_EQUAL(memcmp(buf, request, len), 0);
}

static void refused(const char *request, int expected)
{
	refused_bytes(request, strlen(request), expected);
}

static void test_rfc_example(void)
{
	static const char request[] = "GET /ws HTTP/1.1\r\n"
				      "Host: server.example.com\r\n"
				      "Upgrade: websocket\r\n"
				      "Connection: Upgrade\r\n"
				      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
				      "Origin: http://example.com\r\n"
				      "Sec-WebSocket-Protocol: chat, superchat\r\n"
				      "Sec-WebSocket-Version: 13\r\n\r\n";
	static const char answer[] = "HTTP/1.1 101 Switching Protocols\r\n"
				     "Upgrade: websocket\r\n"
				     "Connection: Upgrade\r\n"
				     "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
	struct handshake h = accepted(request);
	char to[HANDSHAKE_ANSWER_MAX];
	size_t n;

	check_str(h.path, "/ws");
	check_str(h.origin, "http://example.com");
	check_str(h.token, NULL);
	check_str(h.user, NULL);
	check_str(h.device, NULL);
	CU_ASSERT_FALSE(h.subprotocol);
	n = handshake_accept(h.key, h.subprotocol, to);
	CU_ASSERT_EQUAL(n, strlen(answer));
	CU_ASSERT_EQUAL(memcmp(to, answer, n), 0);
}

static void test_browser(void)
{
	struct handshake h = accepted("GET /websocket?user=Ann+Lee&device=%C3%A9%2b HTTP/1.1\r\n"
				      "host:localhost:8080\r\n"
				      "Connection: keep-alive, Upgrade\r\n"
				      "Pragma: no-cache\r\nAccept-Language: \r\n"
				      "Upgrade:\tWebSocket \r\n"
				      "Sec-WebSocket-Version: 13\r\n"
				      "Cookie: a=\xC3\xA9\r\n"
				      "sec-websocket-protocol: bearer.tok-1, parlance.v1\r\n"
				      "SEC-WEBSOCKET-KEY: " KEY "\r\n"
				      "Content-Length: 0\r\n\r\n");
	char to[HANDSHAKE_ANSWER_MAX + 1];

	check_str(h.path, "/websocket");
	check_str(h.user, "Ann Lee");
	check_str(h.device, "\xC3\xA9+");
	check_str(h.token, "tok-1");
	CU_ASSERT_TRUE(h.subprotocol);
	to[handshake_accept(h.key, h.subprotocol, to)] = '\0';
	CU_ASSERT_PTR_NOT_NULL(strstr(to, "\r\nSec-WebSocket-Protocol: parlance.v1\r\n"));
	CU_ASSERT_PTR_NULL(strstr(to, "tok-1"));
}

static void test_token(void)
{
	check_str(accepted(GET("/", "Authorization: Bearer abc.def\r\n")).token, "abc.def");
	check_str(accepted(GET("/", "Authorization: bEARER  x\r\n")).token, "x");
	check_str(accepted(GET("/", "Authorization: Basic YTpi\r\n")).token, NULL);
	check_str(accepted(GET("/?access_token=a%2Fb", "")).token, "a/b");
	check_str(accepted(GET("/?access_token=", "")).token, "");
	check_str(accepted(GET("/?access_token=q", "Authorization: Bearer h\r\n"
						   "Sec-WebSocket-Protocol: bearer.p\r\n"))
		      .token,
		  "h");
	check_str(accepted(GET("/?access_token=q", "Sec-WebSocket-Protocol: bearer.p\r\n")).token,
		  "q");
	check_str(accepted(GET("/", "Sec-WebSocket-Protocol: ,parlance.v1\r\n"
				    "Sec-WebSocket-Protocol: bearer.p\r\n"))
		      .token,
		  "p");
	check_str(accepted(GET("/", "Sec-WebSocket-Protocol: bearer.\r\n")).token, NULL);
	refused(GET("/", "Authorization: Bearer \r\n"), 400);
	refused(GET("/", "Authorization: Bearer a b\r\n"), 400);
	refused(GET("/", "Authorization: Bearer a\xC3\xA9\r\n"), 400);
	refused(GET("/", "Authorization: Bearer a\r\nAuthorization: Bearer b\r\n"), 400);
	refused(GET("/", "Sec-WebSocket-Protocol: bearer.a, bearer.b\r\n"), 400);
	refused(GET("/", "Sec-WebSocket-Protocol: a b\r\n"), 400);
}

static void test_query(void)
{
	struct handshake h = accepted(GET("/ws?x=%zz&&user=a%3D%26b=c&device", ""));

	check_str(h.path, "/ws");
	check_str(h.user, "a=&b=c");
	check_str(h.device, "");
	check_str(accepted(GET("/ws?", "")).user, NULL);
	check_str(accepted(GET("/?User=a", "")).user, NULL);
	check_str(accepted(GET("/?user=%f0%9f%98%80", "")).user, "\xF0\x9F\x98\x80");
	refused(GET("/?user=a&user=a", ""), 400);
	refused(GET("/?user=%", ""), 400);
	refused(GET("/?user=%4", ""), 400);
	refused(GET("/?user=%4g", ""), 400);
	refused(GET("/?user=%00", ""), 400);
	refused(GET("/?device=a%0Ab", ""), 400);
	refused(GET("/?device=%7F", ""), 400);
	refused(GET("/?access_token=%1f", ""), 400);
	refused(GET("/?user=%C3", ""), 400);
	refused(GET("/?user=%C3&device=%A9", ""), 400);
	refused(GET("/?user=%ED%A0%80", ""), 400);
}

static void test_request_line(void)
{
	refused("POST /ws HTTP/1.1\r\n" TAIL "\r\n", 405);
	refused("get /ws HTTP/1.1\r\n" TAIL "\r\n", 400);
	refused("GET /chat HTTP/1.1\r\n" TAIL "\r\n", 404);
	refused("GET /ws/ HTTP/1.1\r\n" TAIL "\r\n", 404);
	refused("GET /ws HTTP/1.0\r\n" TAIL "\r\n", 505);
	refused("GET /ws HTTP/2.0\r\n" TAIL "\r\n", 505);
	refused("GET /ws HTTP/1.1 \r\n" TAIL "\r\n", 400);
	refused("GET  /ws HTTP/1.1\r\n" TAIL "\r\n", 400);
	refused("GET /ws\r\n" TAIL "\r\n", 400);
	refused("GET ws HTTP/1.1\r\n" TAIL "\r\n", 400);
	refused("GET http://a/ws HTTP/1.1\r\n" TAIL "\r\n", 400);
	refused("GET /ws#x HTTP/1.1\r\n" TAIL "\r\n", 400);
	refused("GET /ws?user=\xC3\xA9 HTTP/1.1\r\n" TAIL "\r\n", 400);
	refused("\r\n", 400);
	refused("\x16\x03\x01\x02", 400);
	refused("GET /ws HTTP/1.1\n", 400);
}

static void test_fields(void)
{
	refused("GET / HTTP/1.1\r\n\r\n", 400);
	refused("GET / HTTP/1.1\r\nHost: \r\n\r\n", 400);
	refused("GET / HTTP/1.1\r\nHost: a\r\n\r\n", 426);
	refused("GET / HTTP/1.1\r\nHost: a\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n", 426);
	refused("GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\r\n", 400);
	refused("GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
		"Sec-WebSocket-Key: " KEY "\r\n\r\n",
		426);
	refused("GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
		"Sec-WebSocket-Key: " KEY "\r\nSec-WebSocket-Version: 8\r\n\r\n",
		426);
	refused("GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
		"Sec-WebSocket-Version: 13\r\n\r\n",
		400);
	refused("GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZ===\r\n\r\n",
		400);
	refused("GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ\r\n\r\n",
		400);
	refused(GET("/", "Content-Length: 1\r\n"), 400);
	refused(GET("/", "Transfer-Encoding: chunked\r\n"), 400);
	refused(GET("/", "host: b\r\n"), 400);
	refused(GET("/", "Upgrade: websocket\r\n"), 400);
	refused(GET("/", "Connection: Upgrade\r\n"), 400);
	refused(GET("/", "Sec-WebSocket-Version: 13\r\n"), 400);
	refused(GET("/", "Sec-WebSocket-Key: " KEY "\r\n"), 400);
	refused(GET("/", "X : y\r\n"), 400);
	refused(GET("/", "X: y\r\n folded\r\n"), 400);
	refused(GET("/", "no colon\r\n"), 400);
	refused(GET("/", ": y\r\n"), 400);
	refused(GET("/", "X: a\x01z\r\n"), 400);
	refused(GET("/", "X: a\x7Fz\r\n"), 400);
	refused(GET("/", "X: a\rz\r\n"), 400);
	refused(GET("/", "X: a\n"), 400);
	refused_bytes("GET / HTTP/1.1\r\nX: a\0z\r\n\r\n", 27, 400);
}

static void test_limits(void)
{
	static char request[3 * HANDSHAKE_MAX];
	size_t head = (size_t)sprintf(request, "GET / HTTP/1.1\r\n" TAIL "X: ");
	struct handshake h;
	size_t consumed;
	const char *reason;
	int status;

	memset(request + head, 'x', HANDSHAKE_MAX - head - 4);
	strcpy(request + HANDSHAKE_MAX - 4, "\r\n\r\n");
	accepted(request);
	memset(request + HANDSHAKE_MAX - 4, 'x', 1);
	strcpy(request + HANDSHAKE_MAX - 3, "\r\n\r\n");
	refused(request, 431);
	memset(request + head, 'x', HANDSHAKE_MAX);
	refused_bytes(request, HANDSHAKE_MAX, 431);
	memcpy(buf, request, HANDSHAKE_MAX - 1);
	CU_ASSERT_EQUAL(handshake_parse(buf, HANDSHAKE_MAX - 1, &h, &consumed, &status, &reason),
			HANDSHAKE_NEED_MORE);

	memset(request, 'A', HANDSHAKE_MAX);
	refused_bytes(request, HANDSHAKE_MAX, 414);

	head = (size_t)sprintf(request, "GET / HTTP/1.1\r\n" TAIL);
	for (unsigned i = 5; i < HANDSHAKE_HEADERS_MAX; i++)
		head += (size_t)sprintf(request + head, "X: %u\r\n", i);
	strcpy(request + head, "\r\n");
	accepted(request);
	strcpy(request + head, "X: y\r\n\r\n");
	refused(request, 431);
}

static void test_every_prefix(void)
{
	static const char request[] = GET("/ws?user=a%20b", "Authorization: Bearer t\r\n");
	struct handshake h;
	size_t consumed = 1;
	const char *reason;
	int status;

	for (size_t len = 0; len < sizeof(request) - 1; len++) {
		memcpy(buf, request, len);
		CU_ASSERT_EQUAL(handshake_parse(buf, len, &h, &consumed, &status, &reason),
				HANDSHAKE_NEED_MORE);
		CU_ASSERT_EQUAL(consumed, 0);
		CU_ASSERT_EQUAL(memcmp(buf, request, len), 0);
	}
	check_str(accepted(request).user, "a b");
}

static void test_refusals(void)
{
	char body[200], to[HANDSHAKE_ANSWER_MAX + 1];
	struct par_str text = { body, 0 };
	size_t n;

	text.len = handshake_error_body("forbidden", "say \"please\"", body, sizeof(body));
	check_str(text, "{\"error\":{\"code\":\"forbidden\",\"message\":\"say \\\"please\\\"\"}}");
	n = handshake_refuse(401, text, to, HANDSHAKE_ANSWER_MAX);
	to[n] = '\0';
	CU_ASSERT_EQUAL(strncmp(to, "HTTP/1.1 401 Unauthorized\r\n", 27), 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(to, "\r\nWWW-Authenticate: Bearer\r\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(to, "\r\nConnection: close\r\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(to, "\r\nContent-Length: 57\r\n"));
	CU_ASSERT_STRING_EQUAL(to + n - text.len - 4, "\r\n\r\n{\"error\":{\"code\":\"forbidden\","
						      "\"message\":\"say \\\"please\\\"\"}}");
	to[handshake_refuse(426, text, to, HANDSHAKE_ANSWER_MAX)] = '\0';
	CU_ASSERT_PTR_NOT_NULL(strstr(to, "\r\nSec-WebSocket-Version: 13\r\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(to, "close\r\n"));

	n = handshake_refuse(503, text, to, HANDSHAKE_ANSWER_MAX);
	CU_ASSERT_EQUAL(handshake_refuse(503, text, to, n), n);
	CU_ASSERT_EQUAL(handshake_refuse(503, text, to, n - 1), 0);
	CU_ASSERT_EQUAL(handshake_refuse(503, text, to, 20), 0);
	CU_ASSERT_EQUAL(handshake_error_body("a", "b", body, 10), 0);
}

static const unsigned char random_bytes[16] = "0123456789abcdef";

/* The server accepts what the client asks, and the client its answer. */
static void test_both_sides(void)
{
	char request[1000], answer[HANDSHAKE_ANSWER_MAX], key[25];
	struct handshake h;
	size_t n, consumed;
	int status = 0;

	n = handshake_request("localhost:8080", "/ws?user=bob", "t0k", random_bytes, key, request,
			      sizeof(request));
	CU_ASSERT_EQUAL(n, strlen(request));
	CU_ASSERT_EQUAL(handshake_request("h", "/", "t", random_bytes, key, request + 500, 100), 0);
	h = accepted(request);
	check_str(h.token, "t0k");
	check_str(h.user, "bob");
	check_str(h.key, key);
	CU_ASSERT_TRUE(h.subprotocol);

	n = handshake_accept(h.key, h.subprotocol, answer);
	for (size_t len = 0; len < n; len++)
		CU_ASSERT_EQUAL(handshake_check_answer(answer, len, key, &consumed, &status),
				HANDSHAKE_NEED_MORE);
	CU_ASSERT_EQUAL(handshake_check_answer(answer, n, key, &consumed, &status), HANDSHAKE_OK);
	CU_ASSERT_EQUAL(consumed, n);
	CU_ASSERT_EQUAL(handshake_check_answer(answer, n, KEY, &consumed, &status), HANDSHAKE_BAD);
	CU_ASSERT_EQUAL(status, 0);

	handshake_request("h", "/", NULL, random_bytes, key, request, sizeof(request));
	check_str(accepted(request).token, NULL);
}

static void check_answer(const char *answer, enum handshake_result expected, int expected_status)
{
	size_t consumed;
	int status = -1;

	CU_ASSERT_EQUAL(handshake_check_answer(answer, strlen(answer), KEY, &consumed, &status),
			expected);
	CU_ASSERT_EQUAL(status, expected_status);
}

static void test_answers(void)
{
#define ACCEPTED "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
#define SWITCHED "HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\nConnection: upgrade\r\n"
	check_answer(SWITCHED ACCEPTED "\r\n", HANDSHAKE_OK, 101);
	check_answer(SWITCHED "\r\n", HANDSHAKE_BAD, 0);
	check_answer(SWITCHED ACCEPTED "Sec-WebSocket-Protocol: x\r\n\r\n", HANDSHAKE_BAD, 0);
	check_answer(SWITCHED ACCEPTED "Sec-WebSocket-Extensions: x\r\n\r\n", HANDSHAKE_BAD, 0);
	check_answer("HTTP/1.1 101\r\nUpgrade: websocket\r\n" ACCEPTED "\r\n", HANDSHAKE_BAD, 0);
	check_answer("HTTP/1.1 101 \r\nConnection: upgrade\r\n" ACCEPTED "\r\n", HANDSHAKE_BAD, 0);
	check_answer("HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\n{}", HANDSHAKE_BAD,
		     401);
	check_answer("HTTP/1.1 401 a\x01z\r\n\r\n", HANDSHAKE_BAD, 0);
	check_answer("HTTP/1.1 1010\r\n\r\n", HANDSHAKE_BAD, 0);
	check_answer("SSH-2.0-x\r\n\r\n", HANDSHAKE_BAD, 0);
	check_answer("<html>", HANDSHAKE_BAD, 0);
}

int main(void)
{
	static const struct unit_test tests[] = {
		{ "the example of the RFC", test_rfc_example },
		{ "a browser", test_browser },
		{ "token", test_token },
		{ "query", test_query },
		{ "request line", test_request_line },
		{ "header fields", test_fields },
		{ "limits", test_limits },
		{ "every prefix needs more", test_every_prefix },
		{ "refusals", test_refusals },
		{ "both sides", test_both_sides },
		{ "answers", test_answers },
		{ NULL, NULL },
	};

	return unit_main("handshake", tests);
}
