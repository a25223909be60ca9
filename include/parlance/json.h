/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A JSON writer: appends one value to one growing buffer, without building a
 * tree first. The server's answers and events are written with it, and a
 * plugin may use it for anything else. Reading JSON is json-c's work; the
 * payload of a request arrives as a json_object.
 *
 * Everything is header-only, so a plugin carries its own copy and no ABI is
 * involved but the layout of struct par_json. A writer belongs to one thread
 * at a time. Commas are placed by the writer; that keys and values alternate
 * is the caller's care. A buffer that would pass `limit`, or that memory does
 * not suffice for, sets `failed`, after which every call does nothing.
 */
#ifndef PARLANCE_JSON_H
#define PARLANCE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A borrowed run of bytes, not NUL-terminated. NULL means absent, which
 * differs from empty. */
struct par_str {
	const char *s;
	size_t len;
};

/*
 * `block` is one malloc'ed block whose first `head` bytes are left alone for
 * the owner of the writer; the text begins behind them. `len` and `cap` count
 * text bytes only.
 */
struct par_json {
	char *block;
	size_t head;
	size_t len;
	size_t cap;
	size_t limit;
	bool comma; /* the next element of this object or array needs one */
	bool failed;
};

#define PAR_JSON_LIMIT ((size_t)16 << 20)

static inline struct par_str par_str_of(const char *s)
{
	struct par_str str = { s, s == NULL ? 0 : strlen(s) };
	return str;
}

static inline bool par_str_equal(struct par_str a, struct par_str b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.s, b.s, a.len) == 0);
}

/* An empty writer; nothing is allocated before the first byte. par_json_free ends it. */
static inline void par_json_init(struct par_json *w)
{
	memset(w, 0, sizeof(*w));
	w->limit = PAR_JSON_LIMIT;
}

static inline void par_json_free(struct par_json *w)
{
	free(w->block);
	par_json_init(w);
}

/* Empties it for the next text; the memory stays. What failed stays failed until par_json_free, so
 * that one who writes several texts may look at the end. */
static inline void par_json_reset(struct par_json *w)
{
	w->len = 0;
	w->comma = false;
}

/* The text so far; valid until the next call that writes. */
static inline struct par_str par_json_text(const struct par_json *w)
{
	struct par_str str = { w->block == NULL ? "" : w->block + w->head, w->len };
	return str;
}

/* Room for `more` bytes behind the text, or NULL (and `failed`). */
static inline char *par_json_room(struct par_json *w, size_t more)
{
	size_t cap;
	char *block;

	if (w->failed)
		return NULL;
	if (w->cap - w->len >= more)
		return w->block + w->head + w->len;
	if (more > w->limit || w->len > w->limit - more) {
		w->failed = true;
		return NULL;
	}
	cap = w->cap < 256 ? 256 : w->cap * 2;
	if (cap < w->len + more)
		cap = w->len + more;
	if (cap > w->limit)
		cap = w->limit;
	block = (char *)realloc(w->block, w->head + cap);
	if (block == NULL) {
		w->failed = true;
		return NULL;
	}
	w->block = block;
	w->cap = cap;
	return block + w->head + w->len;
}

/* Appends bytes as they are: text that is known to be JSON already. */
static inline void par_json_bytes(struct par_json *w, const char *s, size_t len)
{
	char *to = len == 0 ? NULL : par_json_room(w, len);

	if (to != NULL) {
		memcpy(to, s, len);
		w->len += len;
	}
}

static inline void par_json_separate(struct par_json *w)
{
	if (w->comma)
		par_json_bytes(w, ",", 1);
	w->comma = true;
}

static inline void par_json_open(struct par_json *w, char bracket)
{
	par_json_separate(w);
	par_json_bytes(w, &bracket, 1);
	w->comma = false;
}

static inline void par_json_close(struct par_json *w, char bracket)
{
	par_json_bytes(w, &bracket, 1);
	w->comma = true;
}

static inline void par_json_object_begin(struct par_json *w)
{
	par_json_open(w, '{');
}

static inline void par_json_object_end(struct par_json *w)
{
	par_json_close(w, '}');
}

static inline void par_json_array_begin(struct par_json *w)
{
	par_json_open(w, '[');
}

static inline void par_json_array_end(struct par_json *w)
{
	par_json_close(w, ']');
}

/* The escape of one byte below 0x20, or of a quote or backslash: RFC 8259
 * section 7. Returns its length in `to`, which holds 6 bytes. */
static inline size_t par_json_escape(unsigned char c, char *to)
{
	static const char hex[] = "0123456789abcdef";
	static const char from[] = "\"\\\b\f\n\r\t";
	static const char into[] = "\"\\bfnrt";
	const char *at = c == 0 ? NULL : strchr(from, c);

	to[0] = '\\';
	if (at != NULL) {
		to[1] = into[at - from];
		return 2;
	}
	to[1] = 'u';
	to[2] = '0';
	to[3] = '0';
	to[4] = hex[c >> 4];
	to[5] = hex[c & 15];
	return 6;
}

/* How many bytes from the start of `s` need no escape; eight are looked at at
 * a time, since message texts are long and hardly ever need one. */
static inline size_t par_json_plain(const char *s, size_t len)
{
	const uint64_t ones = UINT64_C(0x0101010101010101), high = ones << 7;
	size_t i = 0;

	for (; len - i >= 8; i += 8) {
		uint64_t v, quote, backslash;

		memcpy(&v, s + i, 8);
		quote = v ^ (ones * '"');
		backslash = v ^ (ones * '\\');
		if ((((v - ones * 0x20) & ~v) | ((quote - ones) & ~quote) |
		     ((backslash - ones) & ~backslash)) &
		    high)
			break;
	}
	for (; i < len; i++) {
		unsigned char c = (unsigned char)s[i];
		if (c < 0x20 || c == '"' || c == '\\')
			break;
	}
	return i;
}

/* The quoted and escaped string, without a comma before it. `s` is UTF-8. */
static inline void par_json_quoted(struct par_json *w, const char *s, size_t len)
{
	char *to = par_json_room(w, len + 2);
	size_t plain = par_json_plain(s, len);

	if (to == NULL)
		return;
	if (plain == len) {
		to[0] = '"';
		if (len > 0)
			memcpy(to + 1, s, len);
		to[len + 1] = '"';
		w->len += len + 2;
		return;
	}
	par_json_bytes(w, "\"", 1);
	while (plain < len) {
		char esc[6];

		par_json_bytes(w, s, plain);
		par_json_bytes(w, esc, par_json_escape((unsigned char)s[plain], esc));
		s += plain + 1;
		len -= plain + 1;
		plain = par_json_plain(s, len);
	}
	par_json_bytes(w, s, len);
	par_json_bytes(w, "\"", 1);
}

/* The decimal digits of `v` into `to` (20 bytes at most); returns how many. */
static inline size_t par_json_digits(uint64_t v, char *to)
{
	char digits[20];
	size_t n = 0, i;

	do {
		digits[n++] = (char)('0' + v % 10);
		v /= 10;
	} while (v != 0);
	for (i = 0; i < n; i++)
		to[i] = digits[n - 1 - i];
	return n;
}

/* Values. */
static inline void par_json_string(struct par_json *w, struct par_str v)
{
	par_json_separate(w);
	par_json_quoted(w, v.s, v.len);
}

static inline void par_json_u64(struct par_json *w, uint64_t v)
{
	char digits[20];

	par_json_separate(w);
	par_json_bytes(w, digits, par_json_digits(v, digits));
}

static inline void par_json_bool(struct par_json *w, bool v)
{
	par_json_separate(w);
	par_json_bytes(w, v ? "true" : "false", v ? 4 : 5);
}

static inline void par_json_null(struct par_json *w)
{
	par_json_separate(w);
	par_json_bytes(w, "null", 4);
}

/* One value that is JSON text already, trusted as such. */
static inline void par_json_raw(struct par_json *w, struct par_str json)
{
	par_json_separate(w);
	par_json_bytes(w, json.s, json.len);
}

/* A key of an object; it is written as it is, so it must need no escape. */
static inline void par_json_key(struct par_json *w, const char *key)
{
	size_t len = strlen(key);
	char *to;

	par_json_separate(w);
	to = par_json_room(w, len + 3);
	if (to == NULL)
		return;
	to[0] = '"';
	memcpy(to + 1, key, len);
	to[len + 1] = '"';
	to[len + 2] = ':';
	w->len += len + 3;
	w->comma = false;
}

static inline void par_json_member_string(struct par_json *w, const char *key, struct par_str v)
{
	par_json_key(w, key);
	par_json_string(w, v);
}

static inline void par_json_member_u64(struct par_json *w, const char *key, uint64_t v)
{
	par_json_key(w, key);
	par_json_u64(w, v);
}

static inline void par_json_member_bool(struct par_json *w, const char *key, bool v)
{
	par_json_key(w, key);
	par_json_bool(w, v);
}

static inline void par_json_member_raw(struct par_json *w, const char *key, struct par_str json)
{
	par_json_key(w, key);
	par_json_raw(w, json);
}

#ifdef __cplusplus
}
#endif

#endif
