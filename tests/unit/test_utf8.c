/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * UTF-8 against a second definition: every code point is encoded by the rule
 * of RFC 3629 and must pass, and every sequence of two bytes, and of three and
 * four at the borders, must pass exactly when it is such an encoding. Then the
 * same texts cut in two at every place.
 */
#include <stdlib.h>
#include <string.h>

#include "unit.h"
#include "ws/utf8.h"

static size_t encode(uint32_t c, uint8_t *to)
{
	if (c < 0x80) {
		to[0] = (uint8_t)c;
		return 1;
	}
	if (c < 0x800) {
		to[0] = (uint8_t)(0xC0 | c >> 6);
		to[1] = (uint8_t)(0x80 | (c & 0x3F));
		return 2;
	}
	if (c < 0x10000) {
		to[0] = (uint8_t)(0xE0 | c >> 12);
		to[1] = (uint8_t)(0x80 | (c >> 6 & 0x3F));
		to[2] = (uint8_t)(0x80 | (c & 0x3F));
		return 3;
	}
	to[0] = (uint8_t)(0xF0 | c >> 18);
	to[1] = (uint8_t)(0x80 | (c >> 12 & 0x3F));
	to[2] = (uint8_t)(0x80 | (c >> 6 & 0x3F));
	to[3] = (uint8_t)(0x80 | (c & 0x3F));
	return 4;
}

/* Decodes leniently and encodes again: valid is what comes back the same. */
static bool valid_by_rule(const uint8_t *p, size_t len)
{
	while (len > 0) {
		size_t n = *p < 0x80 ? 1 : *p < 0xE0 ? 2 : *p < 0xF0 ? 3 : 4;
		uint32_t c = n == 1 ? *p : *p & (0x7Fu >> n);
		uint8_t again[4];

		if (n > len || *p >= 0xF8)
			return false;
		for (size_t i = 1; i < n; i++)
			c = c << 6 | (p[i] & 0x3Fu);
		if (c > 0x10FFFF || (c >= 0xD800 && c < 0xE000))
			return false;
		if (encode(c, again) != n || memcmp(again, p, n) != 0)
			return false;
		p += n;
		len -= n;
	}
	return true;
}

static void test_every_code_point(void)
{
	unsigned wrong = 0;
	uint8_t text[4];

	for (uint32_t c = 0; c < 0x110000; c++) {
		bool surrogate = c >= 0xD800 && c < 0xE000;
		size_t n = encode(c, text);
		wrong += utf8_valid(text, n) == surrogate;
		for (size_t cut = 1; cut < n; cut++)
			wrong += utf8_valid(text, cut);
	}
	CU_ASSERT_EQUAL(wrong, 0);
	CU_ASSERT_TRUE(utf8_valid("", 0));
	CU_ASSERT_TRUE(utf8_valid("a\0b", 3));
}

static void test_every_short_sequence(void)
{
	static const uint8_t edge[] = { 0x00, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0,
					0xBF, 0xC0, 0xC2, 0xE0, 0xF0, 0xFF };
	unsigned wrong = 0;
	uint8_t t[4];

	for (unsigned a = 0; a < 256; a++) {
		for (unsigned b = 0; b < 256; b++) {
			t[0] = (uint8_t)a;
			t[1] = (uint8_t)b;
			wrong += utf8_valid(t, 2) != valid_by_rule(t, 2);
			for (size_t i = 0; i < sizeof(edge) * sizeof(edge); i++) {
				t[2] = edge[i / sizeof(edge)];
				t[3] = edge[i % sizeof(edge)];
				wrong += utf8_valid(t, 3) != valid_by_rule(t, 3);
				wrong += utf8_valid(t, 4) != valid_by_rule(t, 4);
			}
		}
	}
	CU_ASSERT_EQUAL(wrong, 0);
}

/* The blocks of the ASCII path begin and end anywhere around one odd byte. */
static void test_long_ascii(void)
{
	char text[80];

	for (size_t len = 1; len <= sizeof(text); len++) {
		for (size_t at = 0; at < len; at++) {
			memset(text, 'x', sizeof(text));
			CU_ASSERT_TRUE(utf8_valid(text, len));
			text[at] = (char)0xFF;
			CU_ASSERT_FALSE(utf8_valid(text, len));
			text[at] = (char)0xC3;
			CU_ASSERT_FALSE(utf8_valid(text, len));
			if (at + 1 < len) {
				text[at + 1] = (char)0xA9;
				CU_ASSERT_TRUE(utf8_valid(text, len));
			}
		}
	}
}

static void test_cut_anywhere(void)
{
	static const char text[] = "abcdefghijklmnopq\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80z"
				   "\xED\x9F\xBF\xEE\x80\x80\xF4\x8F\xBF\xBF";
	size_t len = sizeof(text) - 1;
	uint8_t state;

	for (size_t cut = 0; cut <= len; cut++) {
		state = UTF8_ACCEPT;
		CU_ASSERT_TRUE(utf8_continue(&state, text, cut));
		CU_ASSERT_EQUAL(state == UTF8_ACCEPT, utf8_valid(text, cut));
		CU_ASSERT_TRUE(utf8_continue(&state, text + cut, len - cut));
		CU_ASSERT_EQUAL(state, UTF8_ACCEPT);
	}
	state = UTF8_ACCEPT;
	for (size_t i = 0; i < len; i++)
		CU_ASSERT_TRUE(utf8_continue(&state, text + i, 1));
	CU_ASSERT_EQUAL(state, UTF8_ACCEPT);

	CU_ASSERT_TRUE(utf8_continue(&state, "\xED", 1));
	CU_ASSERT_FALSE(utf8_continue(&state, "\xA0", 1));
}

int main(void)
{
	static const struct unit_test tests[] = {
		{ "every code point", test_every_code_point },
		{ "every short sequence", test_every_short_sequence },
		{ "long ASCII", test_long_ascii },
		{ "cut anywhere", test_cut_anywhere },
		{ NULL, NULL },
	};

	return unit_main("utf8", tests);
}
