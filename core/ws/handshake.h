/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The opening handshake of RFC 6455 section 4: a strict little parser of one
 * HTTP/1.1 request with limits, and the answers to it. Pure: bytes in, a
 * verdict out. Used from the client's side too (parlance-cli).
 */
#ifndef PARLANCE_HANDSHAKE_H
#define PARLANCE_HANDSHAKE_H

#include <stdbool.h>
#include <stddef.h>

#include <parlance/json.h>

#define HANDSHAKE_MAX 8192 /* bytes of the whole request */
#define HANDSHAKE_HEADERS_MAX 64

/* All strings are within the buffer that was parsed; query parameters and the
 * token are decoded in place. s NULL: absent. */
struct handshake {
	struct par_str path; /* without the query */
	struct par_str key; /* Sec-WebSocket-Key */
	struct par_str
	    token; /* Authorization: Bearer, else access_token, else subprotocol bearer.T */
	struct par_str user; /* query parameter `user` */
	struct par_str device; /* query parameter `device` */
	struct par_str origin;
	bool subprotocol; /* parlance.v1 was offered: echo it */
};

enum handshake_result {
	HANDSHAKE_OK, /* *consumed bytes; frames may follow at once */
	HANDSHAKE_NEED_MORE,
	HANDSHAKE_BAD /* answer with *status (400, 404, 405, 414, 426, 431, 505) and close */
};

/*
 * `buf` is changed (decoded in place) only when the result is HANDSHAKE_OK.
 * Strict: GET, HTTP/1.1, CRLF lines, no folding, no control characters, one
 * Host, no body (no Transfer-Encoding, no Content-Length but 0), Upgrade and
 * Connection tokens, Sec-WebSocket-Version 13 (else 426), a key of 16 bytes in
 * base64, each of those headers once. Paths "/", "/ws", "/websocket"; another is 404. A
 * plain GET without Upgrade is 426. Decoded parameters are UTF-8 without
 * control characters, or it is 400. `reason` is a static sentence for the body.
 *
 * The query is read as forms and URLSearchParams write it, so `+` is a space and
 * a plus is `%2B`. user, device and access_token may be given once each.
 */
enum handshake_result handshake_parse(char *buf, size_t len, struct handshake *h, size_t *consumed,
				      int *status, const char **reason);

#define HANDSHAKE_ANSWER_MAX 512
#define HANDSHAKE_ACCEPT_KEY_SIZE 29 /* 20 bytes in base64, and a NUL */

/* Sec-WebSocket-Accept for a key of 24 characters. */
void handshake_accept_key(struct par_str key, char to[HANDSHAKE_ACCEPT_KEY_SIZE]);

/* The 101 answer to a parsed request; returns its length. */
size_t handshake_accept(struct par_str key, bool subprotocol, char to[HANDSHAKE_ANSWER_MAX]);

/* Any other answer, with `body` (JSON) and Connection: close; 426 names the version, 401 the
 * scheme. Returns its length, 0 when it does not fit. */
size_t handshake_refuse(int status, struct par_str body, char *to, size_t size);
/* The JSON body {"error":{"code":...,"message":...}}; returns its length. */
size_t handshake_error_body(const char *code, const char *message, char *to, size_t size);

/* The client's side. `host` as in the Host header; `target` is path and query, encoded
 * already; `token` may be NULL. `key` gets 24 characters and a NUL, from 16 random bytes. */
size_t handshake_request(const char *host, const char *target, const char *token,
			 const unsigned char random[16], char key[25], char *to, size_t size);
/* HANDSHAKE_OK, NEED_MORE, or BAD with *status: the server's, or 0 when it is no answer at all,
 * or a 101 that does not fit the request. *consumed is the head; a body may follow. */
enum handshake_result handshake_check_answer(const char *buf, size_t len, const char *key,
					     size_t *consumed, int *status);

#endif
