/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The HTTP listener: /healthz, /readyz and /metrics, on an address of its own,
 * on the core's loop. WebSocket clients never come here.
 */
#ifndef PARLANCE_HTTP_H
#define PARLANCE_HTTP_H

#include <stddef.h>

#include <parlance/json.h>

struct event_base;
struct listen_address;
struct http_server;

/* Called on the loop's thread. */
struct http_hooks {
	void *arg;
	/* Why the server is not ready, or NULL when it is. */
	const char *(*not_ready)(void *arg);
	/* Writes the metrics as text, with par_json_bytes. */
	void (*metrics)(void *arg, struct par_json *out);
};

/* Binds `address` and answers from the next turn of the loop on. NULL with the
 * address and the reason in `error`. */
struct http_server *http_start(struct event_base *base, const struct listen_address *address,
			       const struct http_hooks *hooks, char *error, size_t error_size);
/* With the port that the kernel gave: "http://127.0.0.1:8081". */
const char *http_address(const struct http_server *server);
void http_stop(struct http_server **server);

#endif
