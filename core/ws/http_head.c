/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading the head of an HTTP message. Pure; used on I/O threads for requests
 * and by parlance-cli for answers. A head that is not whole yet is read again
 * from its start when more has come: it is 8 KiB at most, and mostly one packet.
 */
#include <string.h>
#include <strings.h>

#include "http_head.h"

static bool is_token_char(unsigned char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
	       (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

bool http_token_valid(struct par_str s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (!is_token_char((unsigned char)s.s[i]))
			return false;
	}
	return s.len > 0;
}

static bool has_control(struct par_str s)
{
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.s[i];
		if ((c < 0x20 && c != '\t') || c == 0x7F)
			return true;
	}
	return false;
}

static struct par_str trim(struct par_str s)
{
	while (s.len > 0 && (*s.s == ' ' || *s.s == '\t')) {
		s.s++;
		s.len--;
	}
	while (s.len > 0 && (s.s[s.len - 1] == ' ' || s.s[s.len - 1] == '\t'))
		s.len--;
	return s;
}

/* A line that begins with white space, the old way to continue a line, fails
 * as a name that is no token. */
static enum http_head_result read_field(struct http_head *head, struct par_str line)
{
	const char *colon = memchr(line.s, ':', line.len);
	struct http_field *field = &head->fields[head->n_fields];

	if (head->n_fields == HANDSHAKE_HEADERS_MAX)
		return HTTP_HEAD_TOO_LARGE;
	if (colon == NULL)
		return HTTP_HEAD_MALFORMED;
	field->name.s = line.s;
	field->name.len = (size_t)(colon - line.s);
	field->value.s = colon + 1;
	field->value.len = line.len - field->name.len - 1;
	if (!http_token_valid(field->name) || has_control(field->value))
		return HTTP_HEAD_MALFORMED;
	field->value = trim(field->value);
	head->n_fields++;
	return HTTP_HEAD_OK;
}

static enum http_head_result incomplete(const struct http_head *head, size_t len)
{
	if (len < HANDSHAKE_MAX)
		return HTTP_HEAD_NEED_MORE;
	return head->line.s == NULL ? HTTP_HEAD_LINE_TOO_LONG : HTTP_HEAD_TOO_LARGE;
}

/* No head, neither of a request nor of an answer, begins with anything but a
 * capital letter; somebody who speaks TLS to a plain port is told at once. */
enum http_head_result http_head_read(const char *buf, size_t len, struct http_head *head)
{
	size_t limit = len < HANDSHAKE_MAX ? len : HANDSHAKE_MAX;
	enum http_head_result r = HTTP_HEAD_OK;
	struct par_str line;

	head->line = par_str_of(NULL);
	head->n_fields = 0;
	head->size = 0;
	if (len > 0 && (*buf < 'A' || *buf > 'Z'))
		return HTTP_HEAD_MALFORMED;
	while (r == HTTP_HEAD_OK) {
		const char *end;
		line.s = buf + head->size;
		end = memchr(line.s, '\n', limit - head->size);
		if (end == NULL)
			return incomplete(head, len);
		if (end == line.s || end[-1] != '\r')
			return HTTP_HEAD_MALFORMED;
		line.len = (size_t)(end - line.s) - 1;
		head->size += line.len + 2;
		if (head->line.s != NULL && line.len == 0)
			return HTTP_HEAD_OK;
		if (head->line.s != NULL) {
			r = read_field(head, line);
		} else {
			head->line = line;
			r = has_control(line) ? HTTP_HEAD_MALFORMED : HTTP_HEAD_OK;
		}
	}
	return r;
}

bool http_equal(struct par_str s, const char *expected)
{
	return s.len == strlen(expected) && strncasecmp(s.s, expected, s.len) == 0;
}

bool http_list_next(struct par_str *list, struct par_str *element)
{
	while (list->len > 0) {
		const char *comma = memchr(list->s, ',', list->len);
		size_t len = comma == NULL ? list->len : (size_t)(comma - list->s);

		element->s = list->s;
		element->len = len;
		*element = trim(*element);
		if (comma != NULL)
			len++;
		list->s += len;
		list->len -= len;
		if (element->len > 0)
			return true;
	}
	return false;
}

bool http_list_has(struct par_str list, const char *token)
{
	struct par_str element;

	while (http_list_next(&list, &element)) {
		if (http_equal(element, token))
			return true;
	}
	return false;
}
