/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The routes, over libevent's evhttp, on the core thread: an answer is made at
 * once, in memory, and costs the core no more than the text of the metrics.
 * What comes in is limited in size and time, and refused with JSON.
 *
 * When the process has no descriptor left, accepting pauses until the next
 * tick: evhttp would spin on the listener instead.
 */
#include "http.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <event2/listener.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "config/settings.h"

#define HEADERS_MAX 8192
#define BODY_MAX 1024
#define IDLE_SECONDS 10
#define BACKLOG 64

#define TEXT "text/plain; charset=utf-8"

struct http_server {
	struct evhttp *http;
	struct evconnlistener *listener; /* http's */
	struct event *tick;
	struct http_hooks hooks;
	char address[256];
};

static void http_reply(struct evhttp_request *request, int status, const char *type,
		       struct par_str body)
{
	struct evkeyvalq *headers = evhttp_request_get_output_headers(request);
	struct evbuffer *buffer = evbuffer_new();
	char length[24];

	if (buffer == NULL) {
		evhttp_send_error(request, HTTP_INTERNAL, NULL);
		return;
	}
	evhttp_add_header(headers, "Content-Type", type);
	evhttp_add_header(headers, "Cache-Control", "no-store");
	if (evhttp_request_get_command(request) == EVHTTP_REQ_HEAD) {
		snprintf(length, sizeof(length), "%zu", body.len);
		evhttp_add_header(headers, "Content-Length", length);
	} else {
		evbuffer_add(buffer, body.s, body.len);
	}
	evhttp_send_reply(request, status, NULL, buffer);
	evbuffer_free(buffer);
}

static void http_refuse(struct evhttp_request *request, int status, const char *code,
			const char *message)
{
	struct par_json body;

	par_json_init(&body);
	par_json_object_begin(&body);
	par_json_member_string(&body, "code", par_str_of(code));
	par_json_member_string(&body, "message", par_str_of(message));
	par_json_object_end(&body);
	http_reply(request, status, "application/json", par_json_text(&body));
	par_json_free(&body);
}

static void serve_health(struct http_server *server, struct evhttp_request *request)
{
	(void)server;
	http_reply(request, HTTP_OK, TEXT, par_str_of("ok\n"));
}

static void serve_ready(struct http_server *server, struct evhttp_request *request)
{
	const char *reason = server->hooks.not_ready(server->hooks.arg);
	char body[512];

	snprintf(body, sizeof(body), "%s\n", reason == NULL ? "ready" : reason);
	http_reply(request, reason == NULL ? HTTP_OK : HTTP_SERVUNAVAIL, TEXT, par_str_of(body));
}

static void serve_metrics(struct http_server *server, struct evhttp_request *request)
{
	struct par_json body;

	par_json_init(&body);
	server->hooks.metrics(server->hooks.arg, &body);
	if (body.failed)
		http_refuse(request, HTTP_INTERNAL, "internal", "no memory for the metrics");
	else
		http_reply(request, HTTP_OK, "text/plain; version=0.0.4; charset=utf-8",
			   par_json_text(&body));
	par_json_free(&body);
}

static const struct {
	const char *path;
	void (*serve)(struct http_server *server, struct evhttp_request *request);
} routes[] = {
	{ "/healthz", serve_health },
	{ "/readyz", serve_ready },
	{ "/metrics", serve_metrics },
};

static void http_route(struct evhttp_request *request, void *arg)
{
	struct http_server *server = (struct http_server *)arg;
	const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(request);
	const char *path = uri == NULL ? NULL : evhttp_uri_get_path(uri);
	enum evhttp_cmd_type command = evhttp_request_get_command(request);
	size_t i;

	for (i = 0; path != NULL && i < sizeof(routes) / sizeof(routes[0]); i++) {
		if (strcmp(routes[i].path, path) != 0)
			continue;
		if (command == EVHTTP_REQ_GET || command == EVHTTP_REQ_HEAD) {
			routes[i].serve(server, request);
			return;
		}
		evhttp_add_header(evhttp_request_get_output_headers(request), "Allow", "GET, HEAD");
		http_refuse(request, HTTP_BADMETHOD, "method_not_allowed", "only GET and HEAD");
		return;
	}
	http_refuse(request, HTTP_NOTFOUND, "not_found",
		    "there are /healthz, /readyz and /metrics");
}

static void listener_failed(struct evconnlistener *listener, void *arg)
{
	(void)arg;
	evconnlistener_disable(listener);
}

static void listener_resume(evutil_socket_t fd, short events, void *arg)
{
	(void)fd;
	(void)events;
	evconnlistener_enable((struct evconnlistener *)arg);
}

/* A listening socket; -1 and `*reason`. */
static evutil_socket_t http_bind(const struct listen_address *address, const char **reason)
{
	struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM };
	struct addrinfo *info = NULL;
	evutil_socket_t fd = -1;
	int result;

	hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
	result = getaddrinfo(address->host, address->port, &hints, &info);
	if (result != 0) {
		*reason = gai_strerror(result);
		return -1;
	}
	fd = socket(info->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0 || evutil_make_listen_socket_reuseable(fd) < 0 ||
	    bind(fd, info->ai_addr, info->ai_addrlen) < 0 || listen(fd, BACKLOG) < 0) {
		*reason = strerror(errno);
		if (fd >= 0)
			close(fd);
		fd = -1;
	}
	freeaddrinfo(info);
	return fd;
}

/* Writes the address that the socket has got. */
static void http_name(struct http_server *server, evutil_socket_t fd)
{
	struct sockaddr_storage name;
	socklen_t len = sizeof(name);
	char host[128] = "", port[8] = "";
	bool v6;

	if (getsockname(fd, (struct sockaddr *)&name, &len) == 0)
		getnameinfo((struct sockaddr *)&name, len, host, sizeof(host), port, sizeof(port),
			    NI_NUMERICHOST | NI_NUMERICSERV);
	v6 = strchr(host, ':') != NULL;
	snprintf(server->address, sizeof(server->address), "http://%s%s%s:%s", v6 ? "[" : "", host,
		 v6 ? "]" : "", port);
}

/* Hands the socket to evhttp. False when there is no memory. */
static bool http_accept(struct http_server *server, struct event_base *base, evutil_socket_t fd)
{
	const struct timeval second = { 1, 0 };
	struct evhttp_bound_socket *bound;

	server->http = evhttp_new(base);
	if (server->http == NULL)
		return false;
	evhttp_set_max_headers_size(server->http, HEADERS_MAX);
	evhttp_set_max_body_size(server->http, BODY_MAX);
	evhttp_set_timeout(server->http, IDLE_SECONDS);
	evhttp_set_allowed_methods(server->http,
				   EVHTTP_REQ_GET | EVHTTP_REQ_HEAD | EVHTTP_REQ_POST |
				       EVHTTP_REQ_PUT | EVHTTP_REQ_DELETE | EVHTTP_REQ_OPTIONS |
				       EVHTTP_REQ_TRACE | EVHTTP_REQ_CONNECT | EVHTTP_REQ_PATCH);
	evhttp_set_gencb(server->http, http_route, server);
	bound = evhttp_accept_socket_with_handle(server->http, fd);
	if (bound == NULL)
		return false;
	server->listener = evhttp_bound_socket_get_listener(bound);
	evconnlistener_set_error_cb(server->listener, listener_failed);
	server->tick = event_new(base, -1, EV_PERSIST, listener_resume, server->listener);
	return server->tick != NULL && event_add(server->tick, &second) == 0;
}

struct http_server *http_start(struct event_base *base, const struct listen_address *address,
			       const struct http_hooks *hooks, char *error, size_t error_size)
{
	const char *reason = NULL;
	evutil_socket_t fd = http_bind(address, &reason);
	struct http_server *server;

	if (fd < 0) {
		snprintf(error, error_size, "http %s: cannot listen: %s", address->text, reason);
		return NULL;
	}
	server = (struct http_server *)mem_zalloc(sizeof(*server));
	server->hooks = *hooks;
	http_name(server, fd);
	if (!http_accept(server, base, fd)) {
		if (server->listener == NULL)
			close(fd);
		snprintf(error, error_size, "http %s: no memory", address->text);
		http_stop(&server);
	}
	return server;
}

const char *http_address(const struct http_server *server)
{
	return server->address;
}

void http_stop(struct http_server **server)
{
	if (*server == NULL)
		return;
	if ((*server)->tick != NULL)
		event_free((*server)->tick);
	if ((*server)->http != NULL)
		evhttp_free((*server)->http);
	free(*server);
	*server = NULL;
}
