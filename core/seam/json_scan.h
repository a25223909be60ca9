/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A scanner of JSON text, RFC 8259 to the letter: it says where a value ends
 * and whether it is one, and builds nothing. Its text is UTF-8 already. Pure.
 */
#ifndef PARLANCE_JSON_SCAN_H
#define PARLANCE_JSON_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <parlance/json.h>

#define JSON_DEPTH_MAX 32 /* arrays and objects within each other: one bit each */

struct json_scan {
	const char *at;
	const char *end;
	bool too_deep; /* why the last call said false */
	bool nul_key; /* a key with \u0000 in it was passed; never lowered here */
};

/* What stands between the quotes. */
struct json_string {
	struct par_str raw;
	bool escaped; /* it has escapes: see json_unescape */
};

/* Moves over white space; false at the end of the text. */
bool json_scan_space(struct json_scan *s);
/* `at` is on the opening quote, then behind the closing one. */
bool json_scan_string(struct json_scan *s, struct json_string *string);
/* `at` is on the first byte of the value, then behind its last. At most `depth`
 * (up to JSON_DEPTH_MAX) arrays and objects within each other. */
bool json_scan_value(struct json_scan *s, unsigned depth);

/* The text that is meant, of a string that was scanned. False when it is longer
 * than `size`, or has half a surrogate pair. May contain NUL. */
bool json_unescape(struct par_str raw, char *to, size_t size, size_t *len);
/* The same with U+FFFD for half a pair; returns the length, which is never more
 * than that of `raw`. */
size_t json_unescape_replacing(struct par_str raw, char *to);

#endif
