/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The HTTP listener, asked over a real socket: a request is written, then the
 * loop turns until the server has answered and closed.
 */
#include <arpa/inet.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "config/listen_address.h"
#include "server/http.h"
#include "unit.h"

static struct event_base *base;
static struct http_server *server;
static const char *reason;
static bool fail_metrics;
static char answer[65536];
static size_t answer_len;

static const char *not_ready(void *arg)
{
	(void)arg;
	return reason;
}

static void metrics(void *arg, struct par_json *out)
{
	(void)arg;
	par_json_bytes(out, "some_metric 1\n", 14);
	out->failed = fail_metrics;
}

static const struct http_hooks hooks = { NULL, not_ready, metrics };

static void setup(void)
{
	struct listen_address address;
	char error[256] = "";

	CU_ASSERT_TRUE(listen_address_parse(&address, "", "127.0.0.1:0", error, sizeof(error)));
	base = event_base_new();
	server = http_start(base, &address, &hooks, error, sizeof(error));
	CU_ASSERT_STRING_EQUAL(error, "");
	CU_ASSERT_PTR_NOT_NULL_FATAL(server);
	listen_address_free(&address);
}

static void teardown(void)
{
	http_stop(&server);
	CU_ASSERT_PTR_NULL(server);
	event_base_free(base);
}

static void on_readable(evutil_socket_t fd, short events, void *arg)
{
	ssize_t n = recv(fd, answer + answer_len, sizeof(answer) - 1 - answer_len, 0);

	(void)events;
	(void)arg;
	if (n > 0)
		answer_len += (size_t)n;
	else
		event_base_loopbreak(base);
}

/* The whole answer to a request. */
static const char *ask(const char *request)
{
	struct sockaddr_in to = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	struct event *readable;

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	to.sin_port = htons((uint16_t)atoi(strrchr(http_address(server), ':') + 1));
	CU_ASSERT_EQUAL_FATAL(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	CU_ASSERT_EQUAL_FATAL(send(fd, request, strlen(request), 0), (ssize_t)strlen(request));
	readable = event_new(base, fd, EV_READ | EV_PERSIST, on_readable, NULL);
	event_add(readable, NULL);
	answer_len = 0;
	event_base_dispatch(base);
	answer[answer_len] = '\0';
	event_free(readable);
	close(fd);
	return answer;
}

static const char *get(const char *method, const char *path)
{
	char request[256];

	snprintf(request, sizeof(request), "%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
		 method, path);
	return ask(request);
}

static bool begins(const char *text, const char *word)
{
	return strncmp(text, word, strlen(word)) == 0;
}

static bool ends(const char *text, const char *word)
{
	return strlen(text) >= strlen(word) &&
	       strcmp(text + strlen(text) - strlen(word), word) == 0;
}

static void test_routes(void)
{
	setup();
	CU_ASSERT_TRUE(begins(http_address(server), "http://127.0.0.1:"));
	CU_ASSERT_FALSE(ends(http_address(server), ":0"));
	CU_ASSERT_TRUE(begins(get("GET", "/healthz"), "HTTP/1.1 200 "));
	CU_ASSERT_TRUE(ends(answer, "\r\n\r\nok\n"));
	CU_ASSERT_TRUE(begins(get("GET", "/readyz?verbose=1"), "HTTP/1.1 200 "));
	CU_ASSERT_TRUE(ends(answer, "\r\n\r\nready\n"));
	reason = "the storage is down";
	CU_ASSERT_TRUE(begins(get("GET", "/readyz"), "HTTP/1.1 503 "));
	CU_ASSERT_TRUE(ends(answer, "\r\n\r\nthe storage is down\n"));
	CU_ASSERT_TRUE(begins(get("GET", "/healthz"), "HTTP/1.1 200 "));
	reason = NULL;
	CU_ASSERT_TRUE(begins(get("GET", "/metrics"), "HTTP/1.1 200 "));
	CU_ASSERT_PTR_NOT_NULL(
	    strstr(answer, "\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"));
	CU_ASSERT_TRUE(ends(answer, "\r\n\r\nsome_metric 1\n"));
	fail_metrics = true;
	CU_ASSERT_TRUE(begins(get("GET", "/metrics"), "HTTP/1.1 500 "));
	fail_metrics = false;
	teardown();
}

static void test_refusals(void)
{
	setup();
	CU_ASSERT_TRUE(begins(get("GET", "/"), "HTTP/1.1 404 "));
	CU_ASSERT_TRUE(ends(answer, "\r\n\r\n{\"code\":\"not_found\",\"message\":\"there are "
				    "/healthz, /readyz and /metrics\"}"));
	CU_ASSERT_TRUE(begins(get("GET", "/healthz/"), "HTTP/1.1 404 "));
	CU_ASSERT_TRUE(begins(get("POST", "/healthz"), "HTTP/1.1 405 "));
	CU_ASSERT_PTR_NOT_NULL(strstr(answer, "\r\nAllow: GET, HEAD\r\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(answer, "\r\nContent-Type: application/json\r\n"));
	CU_ASSERT_TRUE(begins(get("DELETE", "/metrics"), "HTTP/1.1 405 "));
	CU_ASSERT_TRUE(begins(get("HEAD", "/healthz"), "HTTP/1.1 200 "));
	CU_ASSERT_PTR_NOT_NULL(strstr(answer, "\r\nContent-Length: 3\r\n"));
	CU_ASSERT_TRUE(ends(answer, "\r\n\r\n"));
	teardown();
}

static void test_limits(void)
{
	char request[16384];
	size_t len;

	setup();
	CU_ASSERT_TRUE(begins(ask("POST /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: "
				  "1025\r\n\r\n"),
			      "HTTP/1.1 413 "));
	len = (size_t)snprintf(request, sizeof(request), "GET /healthz HTTP/1.1\r\nX: ");
	memset(request + len, 'a', 9000);
	strcpy(request + len + 9000, "\r\n\r\n");
	CU_ASSERT_TRUE(begins(ask(request), "HTTP/1.1 400 "));
	teardown();
}

static void test_taken(void)
{
	struct listen_address address;
	char error[256] = "", expected[256];
	const char *text;

	setup();
	text = http_address(server) + strlen("http://");
	CU_ASSERT_TRUE(listen_address_parse(&address, "", text, error, sizeof(error)));
	CU_ASSERT_PTR_NULL(http_start(base, &address, &hooks, error, sizeof(error)));
	snprintf(expected, sizeof(expected), "http %s: cannot listen: Address already in use",
		 text);
	CU_ASSERT_STRING_EQUAL(error, expected);
	listen_address_free(&address);
	teardown();
}

int main(void)
{
	static const struct unit_test tests[] = {
		{ "routes", test_routes },
		{ "refusals", test_refusals },
		{ "limits", test_limits },
		{ "taken", test_taken },
		{ NULL, NULL },
	};

	return unit_main("http", tests);
}
