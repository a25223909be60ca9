/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One WebSocket connection from the client's side, from the look-up of the
 * host to the close handshake. It knows messages of text and nothing of what
 * is in them; reconnecting is its owner's work.
 *
 *   CLOSED → CONNECTING → HANDSHAKE → OPEN → CLOSING → CLOSED
 *                             └→ REFUSED (reads the answer's body) → CLOSED
 *
 * `closed` is called once for each connection_open, as the last thing that is
 * done with the connection, never from within connection_open. A
 * callback may send and shut down, but must not free the connection.
 */
#ifndef PARLANCE_CLI_CONNECTION_H
#define PARLANCE_CLI_CONNECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "url.h"

struct connection;
struct event_base;

enum connection_fate {
	FATE_UNREACHABLE, /* no WebSocket came about */
	FATE_REFUSED, /* the server answered `code`, an HTTP status, and not 101 */
	FATE_NOT_WEBSOCKET, /* what answered speaks something else */
	FATE_CLOSED, /* the server closed with `code` */
	FATE_LOST /* it broke off, or fell silent, or broke the protocol */
};

#define CONNECTION_REASON_MAX 512

struct connection_end {
	enum connection_fate fate;
	int code;
	char reason[CONNECTION_REASON_MAX]; /* for people; may hold anything the server sent */
};

struct connection_handler {
	void (*open)(void *arg);
	/* One message; the text lives until the callback returns. */
	void (*text)(void *arg, const char *text, size_t len);
	void (*closed)(void *arg, const struct connection_end *end);
};

/* `url` and `token` (may be NULL) must outlive the connection. */
struct connection *connection_new(struct event_base *base, const struct url *url, const char *token,
				  const struct connection_handler *handler, void *arg);
void connection_free(struct connection **connection);

/* Only when it is closed. */
void connection_open(struct connection *connection);
bool connection_is_open(const struct connection *connection);
/* Only when it is open. What one turn of the loop sends leaves in one write. */
void connection_send(struct connection *connection, const char *text, size_t len);
/* What was sent leaves before the close frame. Without an open connection `closed` is called at
 * once. */
void connection_shutdown(struct connection *connection, uint16_t code);

#endif
