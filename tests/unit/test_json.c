/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The JSON writer of <parlance/json.h>: commas, escapes, numbers, growth, the
 * limit, the space left to the owner. What it writes of every byte is read back
 * by json-c.
 */
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include <parlance/json.h>

#include "unit.h"

static void check_text(struct par_json *w, const char *expected)
{
	CU_ASSERT_FALSE(w->failed);
	CU_ASSERT_TRUE(par_str_equal(par_json_text(w), par_str_of(expected)));
	par_json_free(w);
	CU_ASSERT_PTR_NULL(w->block);
}

static void test_structure(void)
{
	struct par_json w;

	par_json_init(&w);
	CU_ASSERT_EQUAL(par_json_text(&w).len, 0);
	CU_ASSERT_PTR_NOT_NULL(par_json_text(&w).s);
	par_json_object_begin(&w);
	par_json_member_string(&w, "s", par_str_of("text"));
	par_json_key(&w, "a");
	par_json_array_begin(&w);
	par_json_u64(&w, 1);
	par_json_object_begin(&w);
	par_json_object_end(&w);
	par_json_array_begin(&w);
	par_json_array_end(&w);
	par_json_null(&w);
	par_json_string(&w, par_str_of(""));
	par_json_array_end(&w);
	par_json_member_bool(&w, "t", true);
	par_json_member_bool(&w, "f", false);
	par_json_member_u64(&w, "n", 42);
	par_json_member_raw(&w, "r", par_str_of("[1,2]"));
	par_json_key(&w, "o");
	par_json_object_begin(&w);
	par_json_member_u64(&w, "x", 0);
	par_json_object_end(&w);
	par_json_object_end(&w);
	check_text(&w, "{\"s\":\"text\",\"a\":[1,{},[],null,\"\"],\"t\":true,\"f\":false,\"n\":42,"
		       "\"r\":[1,2],\"o\":{\"x\":0}}");
}

static void test_numbers(void)
{
	struct par_json w;

	par_json_init(&w);
	par_json_array_begin(&w);
	par_json_u64(&w, 0);
	par_json_u64(&w, 9);
	par_json_u64(&w, 10);
	par_json_u64(&w, 1700000000000);
	par_json_u64(&w, UINT64_MAX);
	par_json_array_end(&w);
	check_text(&w, "[0,9,10,1700000000000,18446744073709551615]");
}

static void test_escapes(void)
{
	struct par_json w;

	par_json_init(&w);
	par_json_string(&w, par_str_of("\"a\\b\b\f\n\r\t\x01\x1f/\x7f\xC3\xA9"));
	check_text(&w, "\"\\\"a\\\\b\\b\\f\\n\\r\\t\\u0001\\u001f/\x7f\xC3\xA9\"");
	par_json_init(&w);
	par_json_string(&w, (struct par_str){ "a\0b", 3 });
	check_text(&w, "\"a\\u0000b\"");
}

/* Every ASCII byte, alone and between others, as json-c reads it. */
static void test_read_back(void)
{
	for (int c = 0; c < 0x80; c++) {
		char text[3] = { 'x', (char)c, 'y' };
		struct par_json w;
		struct json_object *value;
		size_t len;

		par_json_init(&w);
		par_json_string(&w, (struct par_str){ text, 3 });
		par_json_bytes(&w, "", 1);
		value = json_tokener_parse(par_json_text(&w).s);
		CU_ASSERT_PTR_NOT_NULL_FATAL(value);
		len = (size_t)json_object_get_string_len(value);
		CU_ASSERT_EQUAL(len, 3);
		CU_ASSERT_EQUAL(memcmp(json_object_get_string(value), text, len), 0);
		json_object_put(value);
		par_json_free(&w);
	}
}

static void test_growth(void)
{
	struct par_json w;
	char expected[3001];

	for (size_t i = 0; i < sizeof(expected) - 1; i++)
		expected[i] = (char)('a' + i % 26);
	expected[3000] = '\0';
	par_json_init(&w);
	for (size_t i = 0; i < 3000; i++)
		par_json_bytes(&w, expected + i, 1);
	check_text(&w, expected);
}

static void test_head_is_left_alone(void)
{
	struct par_json w;

	par_json_init(&w);
	w.head = 24;
	par_json_u64(&w, 1);
	memset(w.block, 'h', 24);
	for (int i = 0; i < 500; i++)
		par_json_bytes(&w, "7", 1);
	for (int i = 0; i < 24; i++)
		CU_ASSERT_EQUAL(w.block[i], 'h');
	CU_ASSERT_EQUAL(w.block[24], '1');
	CU_ASSERT_EQUAL(par_json_text(&w).len, 501);
	par_json_free(&w);
}

static void test_limit(void)
{
	struct par_json w;

	for (size_t limit = 0; limit < 600; limit += 7) {
		size_t written = 0;
		par_json_init(&w);
		w.limit = limit;
		while (written < 1000 && !w.failed) {
			par_json_bytes(&w, "x", 1);
			written++;
		}
		CU_ASSERT_TRUE(w.failed);
		CU_ASSERT_EQUAL(w.len, limit);
		par_json_member_string(&w, "k", par_str_of("\n"));
		CU_ASSERT_PTR_NULL(par_json_room(&w, 0));
		CU_ASSERT_EQUAL(w.len, limit);
		par_json_free(&w);
	}
	par_json_init(&w);
	CU_ASSERT_PTR_NULL(par_json_room(&w, SIZE_MAX));
	CU_ASSERT_TRUE(w.failed);
	par_json_free(&w);
	CU_ASSERT_FALSE(w.failed);
}

static void test_reset(void)
{
	struct par_json w;
	char *block;

	par_json_init(&w);
	par_json_reset(&w);
	par_json_object_begin(&w);
	par_json_member_u64(&w, "first", 1);
	block = w.block;
	par_json_reset(&w); /* in the middle, where the next member would get a comma */
	CU_ASSERT_EQUAL(par_json_text(&w).len, 0);
	par_json_array_begin(&w);
	par_json_array_end(&w);
	CU_ASSERT_TRUE(par_str_equal(par_json_text(&w), par_str_of("[]")));
	CU_ASSERT_PTR_EQUAL(w.block, block);
	CU_ASSERT_PTR_NULL(par_json_room(&w, SIZE_MAX));
	par_json_reset(&w);
	CU_ASSERT_TRUE(w.failed);
	par_json_free(&w);
	par_json_u64(&w, 7);
	check_text(&w, "7");
}

static void test_strings(void)
{
	CU_ASSERT_PTR_NULL(par_str_of(NULL).s);
	CU_ASSERT_EQUAL(par_str_of(NULL).len, 0);
	CU_ASSERT_TRUE(par_str_equal(par_str_of("ab"), par_str_of("ab")));
	CU_ASSERT_FALSE(par_str_equal(par_str_of("ab"), par_str_of("ac")));
	CU_ASSERT_FALSE(par_str_equal(par_str_of("ab"), par_str_of("abc")));
	CU_ASSERT_TRUE(par_str_equal(par_str_of(""), par_str_of(NULL)));
}

int main(void)
{
	static const struct unit_test tests[] = {
		{ "objects, arrays and commas", test_structure },
		{ "numbers", test_numbers },
		{ "escapes", test_escapes },
		{ "read back by json-c", test_read_back },
		{ "growth", test_growth },
		{ "the owner's bytes in front", test_head_is_left_alone },
		{ "limit", test_limit },
		{ "emptied for reuse", test_reset },
		{ "strings", test_strings },
		{ NULL, NULL },
	};

	return unit_main("json", tests);
}
