/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A state says what the next byte may be: anything that begins a character, or
 * the continuation bytes of the one under way. The ranges are Table 3-7 of the
 * Unicode standard (RFC 3629 section 4 has the same as a grammar), so that
 * overlong forms, surrogates and what lies past U+10FFFF have no path. ASCII,
 * most of what there is, is taken eight bytes at a time.
 */
#include <string.h>

#include "utf8.h"

enum {
	START = UTF8_ACCEPT, /* between characters */
	LAST, /* one more byte, any */
	LAST_TWO,
	LAST_THREE,
	AFTER_E0, /* the next is restricted; then LAST */
	AFTER_ED,
	AFTER_F0, /* the next is restricted; then LAST_TWO */
	AFTER_F4,
	N_STATES
};

static const struct {
	uint8_t low, high, next;
} follow[N_STATES] = {
	[LAST] = { 0x80, 0xBF, START },          [LAST_TWO] = { 0x80, 0xBF, LAST },
	[LAST_THREE] = { 0x80, 0xBF, LAST_TWO }, [AFTER_E0] = { 0xA0, 0xBF, LAST },
	[AFTER_ED] = { 0x80, 0x9F, LAST },       [AFTER_F0] = { 0x90, 0xBF, LAST_TWO },
	[AFTER_F4] = { 0x80, 0x8F, LAST_TWO },
};

/* By lead byte from 0xC0 on; START where none begins. */
static const uint8_t lead[64] = {
	[0x02 ... 0x1F] = LAST,       [0x20] = AFTER_E0,
	[0x21 ... 0x2C] = LAST_TWO,   [0x2D] = AFTER_ED,
	[0x2E ... 0x2F] = LAST_TWO,   [0x30] = AFTER_F0,
	[0x31 ... 0x33] = LAST_THREE, [0x34] = AFTER_F4,
};

static const uint8_t *skip_ascii(const uint8_t *p, const uint8_t *end)
{
	uint64_t a, b;

	for (; end - p >= 16; p += 16) {
		memcpy(&a, p, 8);
		memcpy(&b, p + 8, 8);
		if (((a | b) & 0x8080808080808080u) != 0)
			break;
	}
	while (p < end && *p < 0x80)
		p++;
	return p;
}

bool utf8_continue(uint8_t *state, const void *bytes, size_t len)
{
	const uint8_t *p = bytes, *end = p + len;
	uint8_t now = *state;

	for (; p < end; p++) {
		if (now == START) {
			if (*p < 0x80) {
				p = skip_ascii(p, end);
				if (p == end)
					break;
			}
			now = *p < 0xC0 ? START : lead[*p - 0xC0];
			if (now == START)
				return false;
		} else {
			if (*p < follow[now].low || *p > follow[now].high)
				return false;
			now = follow[now].next;
		}
	}
	*state = now;
	return true;
}

bool utf8_valid(const void *bytes, size_t len)
{
	uint8_t state = UTF8_ACCEPT;

	return utf8_continue(&state, bytes, len) && state == UTF8_ACCEPT;
}
