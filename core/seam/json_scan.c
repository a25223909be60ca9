/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every byte of every message passes through here on an I/O thread, so: one
 * pass, no recursion (what is open is one bit a level), strings eight bytes at
 * a time.
 */
#include <endian.h>
#include <string.h>

#include "json_scan.h"

#define EVERY_BYTE(x) (UINT64_C(0x0101010101010101) * (x))

bool json_scan_space(struct json_scan *s)
{
	while (s->at < s->end &&
	       (*s->at == ' ' || *s->at == '\n' || *s->at == '\r' || *s->at == '\t'))
		s->at++;
	return s->at < s->end;
}

/* The top bit of each byte that is a quote, a backslash or a control character;
 * right at least up to the first such byte. */
static inline uint64_t special_bytes(uint64_t word)
{
	uint64_t quote = word ^ EVERY_BYTE('"'), backslash = word ^ EVERY_BYTE('\\');

	return (((quote - EVERY_BYTE(1)) & ~quote) | ((backslash - EVERY_BYTE(1)) & ~backslash) |
		((word - EVERY_BYTE(0x20)) & ~word)) &
	       EVERY_BYTE(0x80);
}

/* The first special byte, or `end`. */
static inline const char *find_special(const char *p, const char *end)
{
	while (end - p >= 8) {
		uint64_t word, found;
		memcpy(&word, p, 8);
		found = special_bytes(le64toh(word));
		if (found != 0)
			return p + __builtin_ctzll(found) / 8;
		p += 8;
	}
	while (p < end && *p != '"' && *p != '\\' && (unsigned char)*p >= 0x20)
		p++;
	return p;
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if ((c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'))
		return (c | 0x20) - 'a' + 10;
	return -1;
}

/* The number of bytes of the escape at p, 0 when it is none. */
static size_t escape_length(const char *p, const char *end)
{
	if (end - p < 2)
		return 0;
	switch (p[1]) {
	case '"':
	case '\\':
	case '/':
	case 'b':
	case 'f':
	case 'n':
	case 'r':
	case 't':
		return 2;
	case 'u':
		if (end - p < 6)
			return 0;
		for (int i = 2; i < 6; i++) {
			if (hex_value(p[i]) < 0)
				return 0;
		}
		return 6;
	default:
		return 0;
	}
}

bool json_scan_string(struct json_scan *s, struct json_string *string)
{
	const char *p = s->at + 1;

	string->raw.s = p;
	string->escaped = false;
	for (;;) {
		size_t n;
		p = find_special(p, s->end);
		if (p == s->end)
			return false;
		if (*p == '"')
			break;
		n = *p == '\\' ? escape_length(p, s->end) : 0;
		if (n == 0)
			return false;
		string->escaped = true;
		p += n;
	}
	string->raw.len = (size_t)(p - string->raw.s);
	s->at = p + 1;
	return true;
}

static bool scan_digits(struct json_scan *s)
{
	const char *start = s->at;

	while (s->at < s->end && *s->at >= '0' && *s->at <= '9')
		s->at++;
	return s->at > start;
}

static bool scan_number(struct json_scan *s)
{
	if (*s->at == '-')
		s->at++;
	if (s->at < s->end && *s->at == '0')
		s->at++;
	else if (!scan_digits(s))
		return false;
	if (s->at < s->end && *s->at == '.') {
		s->at++;
		if (!scan_digits(s))
			return false;
	}
	if (s->at < s->end && (*s->at == 'e' || *s->at == 'E')) {
		s->at++;
		if (s->at < s->end && (*s->at == '+' || *s->at == '-'))
			s->at++;
		if (!scan_digits(s))
			return false;
	}
	return true;
}

static bool scan_word(struct json_scan *s, const char *word, size_t len)
{
	if ((size_t)(s->end - s->at) < len || memcmp(s->at, word, len) != 0)
		return false;
	s->at += len;
	return true;
}

static bool scan_scalar(struct json_scan *s)
{
	struct json_string ignored;

	switch (*s->at) {
	case '"':
		return json_scan_string(s, &ignored);
	case 't':
		return scan_word(s, "true", 4);
	case 'f':
		return scan_word(s, "false", 5);
	case 'n':
		return scan_word(s, "null", 4);
	default:
		return scan_number(s);
	}
}

/* Whether an escaped NUL is in it: \u0000 whose backslash is not itself escaped. */
static bool has_nul(struct par_str raw)
{
	const char *p = raw.s, *end = raw.s + raw.len;

	while ((p = memmem(p, (size_t)(end - p), "\\u0000", 6)) != NULL) {
		const char *run = p;
		while (run > raw.s && run[-1] == '\\')
			run--;
		if ((p - run) % 2 == 0)
			return true;
		p += 6;
	}
	return false;
}

/* A key and its colon, up to the first byte of the value. */
static bool scan_key(struct json_scan *s)
{
	struct json_string key;

	if (!json_scan_space(s) || *s->at != '"' || !json_scan_string(s, &key))
		return false;
	if (key.escaped && has_nul(key.raw))
		s->nul_key = true;
	if (!json_scan_space(s) || *s->at != ':')
		return false;
	s->at++;
	return json_scan_space(s);
}

/* The arrays and objects that are open around a place. */
struct nest {
	uint32_t objects; /* one bit each, the innermost last: it is an object */
	unsigned depth;
};

static char closing_bracket(const struct nest *nest)
{
	return (nest->objects & 1) != 0 ? '}' : ']';
}

static void leave(struct nest *nest)
{
	nest->objects >>= 1;
	nest->depth--;
}

/* Behind a value: leaves all that ends here, then goes to the next value, if
 * anything is still open. */
static bool scan_on(struct json_scan *s, struct nest *nest)
{
	while (nest->depth > 0) {
		if (!json_scan_space(s))
			return false;
		if (*s->at == ',') {
			s->at++;
			return (nest->objects & 1) != 0 ? scan_key(s) : json_scan_space(s);
		}
		if (*s->at != closing_bracket(nest))
			return false;
		s->at++;
		leave(nest);
	}
	return true;
}

/* Into an array or object, to its first value, or past it when it is empty. */
static bool scan_open(struct json_scan *s, struct nest *nest)
{
	nest->objects = nest->objects << 1 | (*s->at == '{');
	nest->depth++;
	s->at++;
	if (!json_scan_space(s))
		return false;
	if (*s->at == closing_bracket(nest)) {
		s->at++;
		leave(nest);
		return scan_on(s, nest);
	}
	return (nest->objects & 1) != 0 ? scan_key(s) : true;
}

bool json_scan_value(struct json_scan *s, unsigned depth)
{
	struct nest nest = { 0, 0 };

	s->too_deep = false;
	do {
		bool opens = *s->at == '{' || *s->at == '[';
		if (opens && nest.depth == depth) {
			s->too_deep = true;
			return false;
		}
		if (opens ? !scan_open(s, &nest) : !scan_scalar(s) || !scan_on(s, &nest))
			return false;
	} while (nest.depth > 0);
	return true;
}

static uint32_t hex4(const char *p)
{
	uint32_t v = 0;

	for (int i = 0; i < 4; i++)
		v = v << 4 | (uint32_t)hex_value(p[i]);
	return v;
}

/* The code point of the \u escape, or pair of them, at *p, which moves behind it;
 * `half` for half a pair. */
static int32_t unescape_unicode(const char **p, const char *end, int32_t half)
{
	uint32_t high = hex4(*p + 2), low;

	*p += 6;
	if (high < 0xD800 || high > 0xDFFF)
		return (int32_t)high;
	if (high > 0xDBFF || end - *p < 6 || (*p)[0] != '\\' || (*p)[1] != 'u')
		return half;
	low = hex4(*p + 2);
	if (low < 0xDC00 || low > 0xDFFF)
		return half;
	*p += 6;
	return (int32_t)(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00));
}

static size_t put_utf8(int32_t c, char to[4])
{
	size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
	static const uint8_t lead[5] = { 0, 0, 0xC0, 0xE0, 0xF0 };

	for (size_t i = n - 1; i > 0; i--) {
		to[i] = (char)(0x80 | (c & 0x3F));
		c >>= 6;
	}
	to[0] = (char)(lead[n] | c);
	return n;
}

/* The escapes of one letter. */
static int32_t unescape_letter(char c)
{
	static const char from[] = "bfnrt", into[] = "\b\f\n\r\t";
	const char *at = strchr(from, c);

	return at != NULL ? into[at - from] : c;
}

static bool unescape(struct par_str raw, int32_t half, char *to, size_t size, size_t *len)
{
	const char *p = raw.s, *end = raw.s + raw.len;
	size_t n = 0;

	while (p < end) {
		char bytes[4];
		size_t k = 1;
		if (*p != '\\') {
			bytes[0] = *p++;
		} else {
			int32_t c;
			if (p[1] == 'u') {
				c = unescape_unicode(&p, end, half);
			} else {
				c = unescape_letter(p[1]);
				p += 2;
			}
			if (c < 0)
				return false;
			k = put_utf8(c, bytes);
		}
		if (k > size - n)
			return false;
		memcpy(to + n, bytes, k);
		n += k;
	}
	*len = n;
	return true;
}

bool json_unescape(struct par_str raw, char *to, size_t size, size_t *len)
{
	return unescape(raw, -1, to, size, len);
}

size_t json_unescape_replacing(struct par_str raw, char *to)
{
	size_t len = 0;

	unescape(raw, 0xFFFD, to, raw.len, &len);
	return len;
}
