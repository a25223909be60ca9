/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The head of an HTTP/1.1 message, a request's or an answer's, cut into its
 * start line and its fields: RFC 9112, strictly. Nothing is copied or changed;
 * all strings are within the bytes that were read. Private to core/ws.
 */
#ifndef PARLANCE_HTTP_HEAD_H
#define PARLANCE_HTTP_HEAD_H

#include <stdbool.h>
#include <stddef.h>

#include <parlance/json.h>

#include "handshake.h"

struct http_field {
	struct par_str name;
	struct par_str value; /* without the white space around it */
};

struct http_head {
	struct par_str line;
	struct http_field fields[HANDSHAKE_HEADERS_MAX];
	unsigned n_fields;
	size_t size; /* with the empty line */
};

enum http_head_result {
	HTTP_HEAD_OK,
	HTTP_HEAD_NEED_MORE,
	HTTP_HEAD_MALFORMED,
	HTTP_HEAD_LINE_TOO_LONG,
	HTTP_HEAD_TOO_LARGE
};

/* Lines end in CRLF, names are tokens, values hold no control characters but
 * tabs, no line continues another; at most HANDSHAKE_MAX bytes. What is malformed
 * is found with the line that shows it. */
enum http_head_result http_head_read(const char *buf, size_t len, struct http_head *head);

/* Names and tokens compare without case. */
bool http_equal(struct par_str s, const char *expected);
bool http_token_valid(struct par_str s);

/* Takes the next element off a comma-separated list, empty ones left out; false
 * at its end. */
bool http_list_next(struct par_str *list, struct par_str *element);
bool http_list_has(struct par_str list, const char *token);

#endif
