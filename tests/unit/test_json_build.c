/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What becomes of each kind of value, and what it is when it is written again.
 * Each text is scanned first, as json_build demands, and stands in a block of its
 * exact size, for the sanitizers.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "seam/json_build.h"
#include "seam/json_scan.h"
#include "unit.h"

static struct json_object *build(const char *text)
{
	size_t len = strlen(text);
	char *copy = malloc(len);
	struct json_scan scan = { .at = copy, .end = copy + len };
	struct par_str exact = { copy, len };
	struct json_object *value;

	memcpy(copy, text, len);
	CU_ASSERT_TRUE_FATAL(json_scan_value(&scan, JSON_DEPTH_MAX));
	CU_ASSERT_PTR_EQUAL_FATAL(scan.at, scan.end);
	value = json_build(exact);
	free(copy);
	return value;
}

static void written_as(const char *text, const char *expected)
{
	struct json_object *value = build(text);
	const char *got = json_object_to_json_string_ext(value, JSON_C_TO_STRING_PLAIN |
								    JSON_C_TO_STRING_NOSLASHESCAPE);

	if (strcmp(got, expected) != 0)
		fprintf(stderr, "%.200s\nbecame %.200s\n", text, got);
	CU_ASSERT_STRING_EQUAL(got, expected);
	json_object_put(value);
}

static void is_string(const char *text, const char *expected, size_t len)
{
	struct json_object *value = build(text);

	CU_ASSERT_TRUE_FATAL(json_object_is_type(value, json_type_string));
	CU_ASSERT_EQUAL_FATAL((size_t)json_object_get_string_len(value), len);
	CU_ASSERT_EQUAL(memcmp(json_object_get_string(value), expected, len + 1), 0);
	json_object_put(value);
}

static void test_strings(void)
{
	is_string("\"\"", "", 0);
	is_string("\"a\xE2\x82\xAC\"", "a\xE2\x82\xAC", 4);
	is_string("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t", 8);
	is_string("\"\\u0041\\u00e9\\u20AC\"", "A\xC3\xA9\xE2\x82\xAC", 6);
	is_string("\"a\\u0000b\"", "a\0b", 3);
}

static void test_surrogates(void)
{
	is_string("\"\\ud83d\\ude00\"", "\xF0\x9F\x98\x80", 4);
	/* Those that json-c's parser loses: the code point ends like a surrogate. */
	is_string("\"\\ud837\\ude00\"", "\xF0\x9D\xB8\x80", 4);
	is_string("\"\\uD87A\\uDC00\"", "\xF0\xAE\xA0\x80", 4);
	is_string("\"\\ud800\\udc00\"", "\xF0\x90\x80\x80", 4);
	is_string("\"\\udbff\\udfff\"", "\xF4\x8F\xBF\xBF", 4);
	is_string("\"\\ud800\"", "\xEF\xBF\xBD", 3);
	is_string("\"\\udc00x\"", "\xEF\xBF\xBDx", 4);
	is_string("\"\\ud800\\u0041\"", "\xEF\xBF\xBD\x41", 4);
	is_string("\"\\ud800\\n\"", "\xEF\xBF\xBD\n", 4);
	is_string("\"\\udc00\\ud800\"", "\xEF\xBF\xBD\xEF\xBF\xBD", 6);
	is_string("\"\\ud800\\ud83d\\ude00\"", "\xEF\xBF\xBD\xF0\x9F\x98\x80", 7);
	written_as("{\"\\ud837\\ude00\":1,\"\\ud800\":2}",
		   "{\"\xF0\x9D\xB8\x80\":1,\"\xEF\xBF\xBD\":2}");
}

static void is_integer(const char *text, int64_t expected)
{
	struct json_object *value = build(text);

	CU_ASSERT_TRUE(json_object_is_type(value, json_type_int));
	CU_ASSERT_EQUAL(json_object_get_int64(value), expected);
	json_object_put(value);
}

static void test_integers(void)
{
	is_integer("0", 0);
	is_integer("-0", 0);
	is_integer("-1", -1);
	is_integer("1700000000000", INT64_C(1700000000000));
	is_integer("999999999999999999", INT64_C(999999999999999999));
	is_integer("9223372036854775807", INT64_MAX);
	is_integer("-9223372036854775808", INT64_MIN);
}

static void is_double(const char *text, double expected)
{
	struct json_object *value = build(text);

	CU_ASSERT_TRUE(json_object_is_type(value, json_type_double));
	CU_ASSERT_EQUAL(json_object_get_double(value), expected);
	CU_ASSERT_STRING_EQUAL(json_object_to_json_string(value), text);
	json_object_put(value);
}

/* Each is written again as it came. */
static void test_other_numbers(void)
{
	char digits[400];

	is_double("1.0", 1);
	is_double("-0.50", -0.5);
	is_double("1e3", 1000);
	is_double("1E+03", 1000);
	is_double("12.5e-1", 1.25);
	is_double("0.1000000000000000055511151231257827", 0.1);
	is_double("9223372036854775808", 9223372036854775808.0);
	is_double("-9223372036854775809", -9223372036854775808.0);
	is_double("9999999999999999999", 1e19);
	is_double("18446744073709551616", 18446744073709551616.0);
	is_double("1e999", HUGE_VAL);
	is_double("-1e999", -HUGE_VAL);
	is_double("1e-999", 0);
	memset(digits, '9', sizeof(digits));
	digits[sizeof(digits) - 1] = '\0';
	is_double(digits, HUGE_VAL);
}

static void test_containers(void)
{
	struct json_object *value = build("null");

	CU_ASSERT_PTR_NULL(value);
	written_as("true", "true");
	written_as("{}", "{}");
	written_as("[ ]", "[]");
	written_as("{ \"a\" : [ 1 , \"b\" , { } , [ ] , null ] , \"c\" : { \"d\" : false } }",
		   "{\"a\":[1,\"b\",{},[],null],\"c\":{\"d\":false}}");
	written_as("[[\"a\",{\"b\":[\"c\"]},\"d\"],{\"e\":{}},\"f\"]",
		   "[[\"a\",{\"b\":[\"c\"]},\"d\"],{\"e\":{}},\"f\"]");
	written_as("{\"o\":{},\"s\":\"x\",\"l\":[],\"t\":\"y\",\"n\":null,\"u\":\"z\"}",
		   "{\"o\":{},\"s\":\"x\",\"l\":[],\"t\":\"y\",\"n\":null,\"u\":\"z\"}");
	written_as("[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18]",
		   "[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18]");
}

static void test_keys(void)
{
	written_as("{\"\":1,\"\\u0061\\n\":2,\"\xC3\xA9\":3}",
		   "{\"\":1,\"a\\n\":2,\"\xC3\xA9\":3}");
	/* Of the same key twice the last counts, whatever the first held. */
	written_as("{\"k\":1,\"x\":0,\"k\":2}", "{\"k\":2,\"x\":0}");
	written_as("{\"k\":{\"k\":[1]},\"\\u006b\":{\"l\":[2]}}", "{\"k\":{\"l\":[2]}}");
	written_as("{\"k\":{\"a\":1},\"k\":null}", "{\"k\":null}");
	written_as("{\"k\":null,\"k\":[]}", "{\"k\":[]}");
}

/* Around the size from which a text needs a block of its own. */
static void test_long_texts(void)
{
	char text[5000], a[1000];

	for (int len = 250; len < 262; len++) {
		memset(a, 'k', sizeof(a));
		a[len] = '\0';
		snprintf(text, sizeof(text), "{\"%s\":\"\\n%s\",\"\\t%s\":\"%s\",\"z\":1}", a, a, a,
			 a);
		written_as(text, text);
	}
	/* A value that needs one, and then its key, longer than all that is left. */
	memset(a, 'k', sizeof(a));
	a[900] = '\0';
	snprintf(text, sizeof(text), "{\"\\n%s\":\"%s\\n\"}", a, a + 600);
	written_as(text, text);
}

static void test_many_keys(void)
{
	static char text[40000];
	char *p = text;

	*p++ = '{';
	for (int i = 0; i < 2000; i++)
		p += sprintf(p, "%s\"key%d\":%d", i > 0 ? "," : "", i, i);
	*p++ = '}';
	written_as(text, text);
}

static void test_depth(void)
{
	char text[8 * JSON_DEPTH_MAX], *p = text;

	for (int i = 0; i < JSON_DEPTH_MAX; i++)
		p += sprintf(p, i % 2 ? "[" : "{\"k\":");
	*p++ = '1';
	for (int i = JSON_DEPTH_MAX; i-- > 0;)
		*p++ = i % 2 ? ']' : '}';
	*p = '\0';
	written_as(text, text);
	memset(text, '[', JSON_DEPTH_MAX);
	memset(text + JSON_DEPTH_MAX, ']', JSON_DEPTH_MAX);
	text[2 * JSON_DEPTH_MAX] = '\0';
	written_as(text, text);
}

int main(void)
{
	static const struct unit_test tests[] = {
		{ "strings", test_strings },
		{ "surrogates", test_surrogates },
		{ "integers", test_integers },
		{ "other numbers", test_other_numbers },
		{ "arrays, objects, words", test_containers },
		{ "keys", test_keys },
		{ "long texts", test_long_texts },
		{ "many keys", test_many_keys },
		{ "depth", test_depth },
		{ NULL, NULL },
	};

	return unit_main("json_build", tests);
}
