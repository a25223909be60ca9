/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The server's reading of a client's opening request. Called on I/O threads,
 * once for each time that bytes come in before the connection is a WebSocket.
 * Everything is judged before anything is decoded, so that a refused request is
 * left as it came, and what is accepted is decoded where it stands.
 */
#include <stdint.h>
#include <string.h>

#include "handshake.h"
#include "http_head.h"
#include "utf8.h"

#define BEARER_PROTOCOL "bearer."
#define BEARER_SCHEME "bearer"
#define KEY_LEN 24 /* of 16 bytes in base64 */

struct verdict {
	int status; /* 0: good so far */
	const char *reason;
};

/* The header fields that may be there once only; s NULL: absent. */
struct fields {
	struct par_str host;
	struct par_str upgrade;
	struct par_str connection;
	struct par_str version;
	struct par_str key;
	struct par_str authorization;
	struct par_str origin;
	struct par_str length;
	struct par_str encoding;
};

static const struct {
	const char *name;
	size_t at;
} known_fields[] = {
	{ "Host", offsetof(struct fields, host) },
	{ "Upgrade", offsetof(struct fields, upgrade) },
	{ "Connection", offsetof(struct fields, connection) },
	{ "Sec-WebSocket-Version", offsetof(struct fields, version) },
	{ "Sec-WebSocket-Key", offsetof(struct fields, key) },
	{ "Authorization", offsetof(struct fields, authorization) },
	{ "Origin", offsetof(struct fields, origin) },
	{ "Content-Length", offsetof(struct fields, length) },
	{ "Transfer-Encoding", offsetof(struct fields, encoding) },
};

static const struct par_str none = { NULL, 0 };

static bool refuse(struct verdict *v, int status, const char *reason)
{
	v->status = status;
	v->reason = reason;
	return false;
}

static bool literal(struct par_str s, const char *expected)
{
	return par_str_equal(s, par_str_of(expected));
}

/* Cuts `s` at the first `at`: what is before it is returned, *s is what is behind
 * it, absent when there is none. */
static struct par_str cut(struct par_str *s, char at)
{
	struct par_str before = *s;
	const char *found = s->len > 0 ? memchr(s->s, at, s->len) : NULL;

	*s = none;
	if (found != NULL) {
		s->s = found + 1;
		s->len = before.len - (size_t)(found - before.s) - 1;
		before.len = (size_t)(found - before.s);
	}
	return before;
}

static bool version_shaped(struct par_str s)
{
	return s.len == 8 && memcmp(s.s, "HTTP/", 5) == 0 && s.s[5] >= '0' && s.s[5] <= '9' &&
	       s.s[6] == '.' && s.s[7] >= '0' && s.s[7] <= '9';
}

/* Only the origin form, of visible ASCII: "/ws?user=a". */
static bool target_shaped(struct par_str s)
{
	if (s.len == 0 || s.s[0] != '/')
		return false;
	for (size_t i = 0; i < s.len; i++) {
		if (s.s[i] <= ' ' || s.s[i] > '~' || s.s[i] == '#')
			return false;
	}
	return true;
}

static bool read_line(struct par_str line, struct handshake *h, struct par_str *query,
		      struct verdict *v)
{
	struct par_str method = cut(&line, ' ');
	struct par_str target = cut(&line, ' ');

	if (!http_token_valid(method) || !target_shaped(target) || !version_shaped(line))
		return refuse(v, 400, "the request line is malformed");
	if (!literal(line, "HTTP/1.1"))
		return refuse(v, 505, "only HTTP/1.1 is spoken here");
	if (!literal(method, "GET"))
		return refuse(v, 405, "only GET is allowed");
	h->path = cut(&target, '?');
	*query = target;
	if (!literal(h->path, "/ws") && !literal(h->path, "/") && !literal(h->path, "/websocket"))
		return refuse(v, 404, "the WebSocket is at /ws");
	return true;
}

/* Elements of Sec-WebSocket-Protocol, which alone may be given several times. */
static bool read_protocols(struct par_str list, struct handshake *h, struct par_str *bearer,
			   struct verdict *v)
{
	static const size_t prefix = sizeof(BEARER_PROTOCOL) - 1;
	struct par_str name;

	while (http_list_next(&list, &name)) {
		if (!http_token_valid(name))
			return refuse(v, 400, "Sec-WebSocket-Protocol is malformed");
		if (literal(name, "parlance.v1"))
			h->subprotocol = true;
		if (name.len <= prefix || memcmp(name.s, BEARER_PROTOCOL, prefix) != 0)
			continue;
		if (bearer->s != NULL)
			return refuse(v, 400, "more than one token is offered as a subprotocol");
		bearer->s = name.s + prefix;
		bearer->len = name.len - prefix;
	}
	return true;
}

static bool read_fields(const struct http_head *head, struct fields *f, struct handshake *h,
			struct par_str *bearer, struct verdict *v)
{
	for (unsigned i = 0; i < head->n_fields; i++) {
		const struct http_field *field = &head->fields[i];

		if (http_equal(field->name, "Sec-WebSocket-Protocol") &&
		    !read_protocols(field->value, h, bearer, v))
			return false;
		for (size_t k = 0; k < sizeof(known_fields) / sizeof(known_fields[0]); k++) {
			struct par_str *to = (struct par_str *)((char *)f + known_fields[k].at);
			if (!http_equal(field->name, known_fields[k].name))
				continue;
			if (to->s != NULL)
				return refuse(v, 400, "a header is given twice");
			*to = field->value;
		}
	}
	return true;
}

static bool key_shaped(struct par_str key)
{
	if (key.len != KEY_LEN || memcmp(key.s + KEY_LEN - 2, "==", 2) != 0)
		return false;
	for (size_t i = 0; i < KEY_LEN - 2; i++) {
		char c = key.s[i];
		if (!((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
		      c == '+' || c == '/'))
			return false;
	}
	return true;
}

static bool judge_fields(const struct fields *f, struct verdict *v)
{
	if (f->host.s == NULL || f->host.len == 0)
		return refuse(v, 400, "there is no Host header");
	if (f->encoding.s != NULL || (f->length.s != NULL && !literal(f->length, "0")))
		return refuse(v, 400, "a body is not expected");
	if (!http_list_has(f->upgrade, "websocket"))
		return refuse(v, 426, "this is a WebSocket endpoint");
	if (!http_list_has(f->connection, "upgrade"))
		return refuse(v, 400, "the Connection header does not say Upgrade");
	if (!literal(f->version, "13"))
		return refuse(v, 426, "only WebSocket version 13 is spoken here");
	if (!key_shaped(f->key))
		return refuse(v, 400, "Sec-WebSocket-Key is not 16 bytes in base64");
	return true;
}

/* The token of "Bearer TOKEN"; another scheme is nothing of ours. */
static bool read_authorization(struct par_str value, struct par_str *token, struct verdict *v)
{
	struct par_str scheme = cut(&value, ' ');

	if (scheme.s == NULL || !http_equal(scheme, BEARER_SCHEME))
		return true;
	while (value.len > 0 && *value.s == ' ') {
		value.s++;
		value.len--;
	}
	for (size_t i = 0; i < value.len; i++) {
		if (value.s[i] <= ' ' || value.s[i] > '~')
			return refuse(v, 400, "the bearer token is malformed");
	}
	if (value.len == 0)
		return refuse(v, 400, "the bearer token is empty");
	*token = value;
	return true;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if ((c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'))
		return (c | 0x20) - 'a' + 10;
	return -1;
}

/* One character of an encoded value at *i, which moves on; -1: malformed. */
static int decode_char(struct par_str raw, size_t *i)
{
	char c = raw.s[(*i)++];
	int high, low;

	if (c == '+')
		return ' ';
	if (c != '%')
		return (unsigned char)c;
	if (raw.len - *i < 2)
		return -1;
	high = hex_digit(raw.s[(*i)++]);
	low = hex_digit(raw.s[(*i)++]);
	return high < 0 || low < 0 ? -1 : high << 4 | low;
}

static bool value_valid(struct par_str raw)
{
	uint8_t state = UTF8_ACCEPT;

	for (size_t i = 0; i < raw.len;) {
		int c = decode_char(raw, &i);
		uint8_t byte = (uint8_t)c;
		if (c < 0x20 || c == 0x7F || !utf8_continue(&state, &byte, 1))
			return false;
	}
	return state == UTF8_ACCEPT;
}

/* `value` passed value_valid and lies within buf. */
static void decode_in_place(char *buf, struct par_str *value)
{
	char *to = value->len > 0 ? buf + (value->s - buf) : NULL;
	size_t len = 0;

	for (size_t i = 0; i < value->len;)
		to[len++] = (char)decode_char(*value, &i);
	value->len = len;
}

/* The parameters of the query that are ours, not decoded yet. */
static bool read_query(struct par_str query, struct handshake *h, struct par_str *access_token,
		       struct verdict *v)
{
	while (query.s != NULL) {
		struct par_str value = cut(&query, '&');
		struct par_str name = cut(&value, '=');
		struct par_str *to = literal(name, "user")           ? &h->user
				     : literal(name, "device")       ? &h->device
				     : literal(name, "access_token") ? access_token
								     : NULL;
		if (to == NULL)
			continue;
		if (to->s != NULL)
			return refuse(v, 400, "a query parameter is given twice");
		if (!value_valid(value))
			return refuse(v, 400, "a query parameter is malformed");
		*to = value;
		if (to->s == NULL)
			to->s = name.s + name.len;
	}
	return true;
}

static bool parse(const struct http_head *head, struct handshake *h, struct par_str *access_token,
		  struct verdict *v)
{
	struct fields f = { 0 };
	struct par_str query, bearer = none;

	if (!read_line(head->line, h, &query, v) || !read_fields(head, &f, h, &bearer, v) ||
	    !judge_fields(&f, v) || !read_authorization(f.authorization, &h->token, v) ||
	    !read_query(query, h, access_token, v))
		return false;
	h->key = f.key;
	h->origin = f.origin;
	if (h->token.s == NULL && access_token->s == NULL)
		h->token = bearer;
	return true;
}

static void judge_head(enum http_head_result r, struct verdict *v)
{
	switch (r) {
	case HTTP_HEAD_LINE_TOO_LONG:
		refuse(v, 414, "the request line is too long");
		break;
	case HTTP_HEAD_TOO_LARGE:
		refuse(v, 431, "the headers are too large");
		break;
	default:
		refuse(v, 400, "the request is malformed");
		break;
	}
}

enum handshake_result handshake_parse(char *buf, size_t len, struct handshake *h, size_t *consumed,
				      int *status, const char **reason)
{
	struct http_head head;
	enum http_head_result r = http_head_read(buf, len, &head);
	struct par_str access_token = none;
	struct verdict v = { 0, NULL };

	*consumed = 0;
	if (r == HTTP_HEAD_NEED_MORE)
		return HANDSHAKE_NEED_MORE;
	memset(h, 0, sizeof(*h));
	if (r != HTTP_HEAD_OK)
		judge_head(r, &v);
	else
		parse(&head, h, &access_token, &v);
	*status = v.status;
	*reason = v.reason;
	if (v.status != 0)
		return HANDSHAKE_BAD;
	decode_in_place(buf, &h->user);
	decode_in_place(buf, &h->device);
	decode_in_place(buf, &access_token);
	if (h->token.s == NULL)
		h->token = access_token;
	*consumed = head.size;
	return HANDSHAKE_OK;
}
