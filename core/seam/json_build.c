/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A token at a time, and no recursion: what is open stands in an array. A
 * container is put into the one around it before it is filled, so that the
 * outermost owns everything at any time; nobody else refers to an inner one,
 * since the key that could replace it comes only when it is closed.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "json_build.h"
#include "json_scan.h"

#define SHORT_TEXT 256
#define ARRAY_SIZE 8 /* that an array begins with; json-c's own is 32 */
#define INT64_DIGITS 19

struct build {
	struct json_scan scan;
	struct json_object *root;
	struct json_object *open[JSON_DEPTH_MAX];
	unsigned depth;
	bool key_next; /* the next string is a key */
	struct json_string key; /* of the value to come, if that is in an object */
	size_t size; /* of the whole text */
	char *long_text; /* as large as that, once there is need of it */
	char short_text[SHORT_TEXT];
};

static struct json_object *made(struct json_object *value)
{
	if (value == NULL)
		abort();
	return value;
}

/* Room for `len` bytes and a NUL, until the next call. No string gets longer by
 * being unescaped, so the text's own length is enough for all of them. */
static char *room(struct build *b, size_t len)
{
	if (len < SHORT_TEXT)
		return b->short_text;
	if (b->long_text == NULL)
		b->long_text = mem_alloc(b->size + 1);
	return b->long_text;
}

static const char *terminated(struct build *b, const struct json_string *string)
{
	char *to = room(b, string->raw.len);
	size_t len = string->raw.len;

	if (string->escaped)
		len = json_unescape_replacing(string->raw, to);
	else
		memcpy(to, string->raw.s, len);
	to[len] = '\0';
	return to;
}

/* The value is finished, or about to be filled. */
static void attach(struct build *b, struct json_object *value)
{
	struct json_object *parent = b->depth > 0 ? b->open[b->depth - 1] : NULL;
	int failed = 0;

	if (parent == NULL)
		b->root = value;
	else if (json_object_is_type(parent, json_type_object))
		failed = json_object_object_add_ex(parent, terminated(b, &b->key), value, 0);
	else
		failed = json_object_array_add(parent, value);
	if (failed != 0)
		abort();
}

static void open_container(struct build *b, struct json_object *container)
{
	assert(b->depth < JSON_DEPTH_MAX);
	attach(b, made(container));
	b->open[b->depth++] = container;
	b->scan.at++;
}

static void build_word(struct build *b, size_t len, struct json_object *value)
{
	attach(b, value);
	b->scan.at += len;
}

static void build_string(struct build *b)
{
	struct json_string string;
	struct par_str text;

	json_scan_string(&b->scan, &string);
	if (b->key_next) {
		b->key = string;
		b->key_next = false;
		return;
	}
	text = string.raw;
	if (string.escaped) {
		char *to = room(b, text.len);
		text.len = json_unescape_replacing(string.raw, to);
		text.s = to;
	}
	attach(b, made(json_object_new_string_len(text.s, (int)text.len)));
}

/* False when the digits do not fit. */
static bool read_int64(struct par_str digits, bool negative, int64_t *to)
{
	uint64_t v = 0;

	if (digits.len > INT64_DIGITS)
		return false;
	for (size_t i = 0; i < digits.len; i++)
		v = v * 10 + (uint64_t)(digits.s[i] - '0');
	if (v > (uint64_t)INT64_MAX + (negative ? 1 : 0))
		return false;
	*to = (int64_t)(negative ? 0 - v : v);
	return true;
}

/* strtod reads the text as JSON means it because the server stays in the C locale. */
static struct json_object *new_double(struct build *b, struct par_str text)
{
	struct json_string string = { text, false };
	const char *s = terminated(b, &string);

	return json_object_new_double_s(strtod(s, NULL), s);
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static void build_number(struct build *b)
{
	const char *start = b->scan.at, *p = start, *end = b->scan.end;
	bool negative = *p == '-', integer;
	struct par_str text, digits;
	int64_t v;

	p += negative;
	digits.s = p;
	while (p < end && is_digit(*p))
		p++;
	digits.len = (size_t)(p - digits.s);
	integer = p == end || (*p != '.' && *p != 'e' && *p != 'E');
	while (p < end &&
	       (is_digit(*p) || *p == '.' || *p == 'e' || *p == 'E' || *p == '+' || *p == '-'))
		p++;
	text.s = start;
	text.len = (size_t)(p - start);
	integer = integer && read_int64(digits, negative, &v);
	attach(b, made(integer ? json_object_new_int64(v) : new_double(b, text)));
	b->scan.at = p;
}

static void build_token(struct build *b)
{
	switch (*b->scan.at) {
	case '{':
		open_container(b, json_object_new_object());
		b->key_next = true;
		break;
	case '[':
		open_container(b, json_object_new_array_ext(ARRAY_SIZE));
		break;
	case '}':
	case ']':
		b->depth--;
		b->scan.at++;
		break;
	case ',':
		b->key_next = json_object_is_type(b->open[b->depth - 1], json_type_object);
		b->scan.at++;
		break;
	case ':':
		b->scan.at++;
		break;
	case '"':
		build_string(b);
		break;
	case 't':
		build_word(b, 4, made(json_object_new_boolean(true)));
		break;
	case 'f':
		build_word(b, 5, made(json_object_new_boolean(false)));
		break;
	case 'n':
		build_word(b, 4, NULL);
		break;
	default:
		build_number(b);
	}
}

struct json_object *json_build(struct par_str text)
{
	struct build b;

	b.scan.at = text.s;
	b.scan.end = text.s + text.len;
	b.size = text.len;
	b.root = NULL;
	b.depth = 0;
	b.key_next = false;
	b.long_text = NULL;
	while (json_scan_space(&b.scan))
		build_token(&b);
	free(b.long_text);
	return b.root;
}
