/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The config from memory, as "f.yaml": that what is right is taken with its
 * values, and that what is wrong is refused with its place and what was
 * expected. Files, includes and --set are test_config_files's.
 */
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/config.h"
#include "config/nearest.h"
#include "config/yaml_tree.h"
#include "unit.h"

static const struct par_option options[] = {
	{ "count", PAR_OPT_INT, "5", -3, 10, NULL, "A number." },
	{ "any", PAR_OPT_INT, "0", 0, 0, NULL, "A number without bounds." },
	{ "size", PAR_OPT_SIZE, "64k", 1024, 1 << 20, NULL, "A size." },
	{ "bytes", PAR_OPT_SIZE, "0", 0, 0, NULL, "A size without bounds." },
	{ "time", PAR_OPT_DURATION, "20s", 50, 3600000, NULL, "A time." },
	{ "long_time", PAR_OPT_DURATION, "0", 0, 0, NULL, "A time without bounds." },
	{ "flag", PAR_OPT_BOOL, "false", 0, 0, NULL, "A switch." },
	{ "name", PAR_OPT_STRING, "", 0, 0, NULL, "A string." },
	{ "mode", PAR_OPT_ENUM, "slow", 0, 0, "slow|fast", "A choice." },
	{ "list", PAR_OPT_LIST, "[a, b]", 0, 0, NULL, "Strings." },
	{ NULL, PAR_OPT_INT, NULL, 0, 0, NULL, NULL },
};
static const struct par_option required[] = {
	{ "path", PAR_OPT_STRING, NULL, 0, 0, NULL, "The database." },
	{ NULL, PAR_OPT_INT, NULL, 0, 0, NULL, NULL },
};
static const struct par_option none[] = { { NULL, PAR_OPT_INT, NULL, 0, 0, NULL, NULL } };

struct wrong {
	const char *text;
	const char *error;
};

static void is_string(const char *found, const char *expected)
{
	if (strcmp(found, expected) != 0)
		printf("\n  found:    %s\n  expected: %s\n", found, expected);
	CU_ASSERT_STRING_EQUAL(found, expected);
}

/* The error of a text as a whole. */
static void refused(const char *text, size_t len, const char *expected)
{
	char error[CONFIG_ERROR_MAX] = "";
	struct config *config = config_parse("f.yaml", text, len, error);

	CU_ASSERT_PTR_NULL(config);
	is_string(error, expected);
	config_free(&config);
}

/* The section `plugins.p` of a text, or NULL and the error. */
static struct json_object *section(const char *text, const struct par_option *declared, char *error)
{
	struct config *config = config_parse("f.yaml", text, strlen(text), error);
	struct json_object *values = NULL;

	CU_ASSERT_PTR_NOT_NULL_FATAL(config);
	values = config_section(config, "p", true, declared, error);
	config_free(&config);
	return values;
}

static void is_section(const char *text, const char *expected)
{
	char error[CONFIG_ERROR_MAX] = "";
	struct json_object *values = section(text, options, error);

	is_string(error, "");
	is_string(json_object_to_json_string_ext(values, JSON_C_TO_STRING_PLAIN), expected);
	json_object_put(values);
}

static void section_refused(const char *line, const struct par_option *declared,
			    const char *expected)
{
	char text[512], error[CONFIG_ERROR_MAX] = "";

	snprintf(text, sizeof(text), "plugins:\n  p:\n    %s\n", line);
	CU_ASSERT_PTR_NULL(section(text, declared, error));
	is_string(error, expected);
}

static void test_shape(void)
{
	static const struct wrong wrong[] = {
		{ "- a\n", "f.yaml:1: the file is a list; expected the sections server and "
			   "plugins" },
		{ "server: 5\n", "f.yaml:1: server is a single value; expected KEY: VALUE lines, "
				 "indented under it" },
		{ "\nplugins: [messaging]\n", "f.yaml:2: plugins is a list; expected KEY: VALUE "
					      "lines, indented under it" },
		{ "plugins:\n  p: yes\n", "f.yaml:2: plugins.p is a single value; expected its "
					  "options, KEY: VALUE, or nothing" },
		{ "plugins:\n  ../p: {}\n", "f.yaml:2: \"../p\" is no plugin's name; expected a-z, "
					    "0-9 and _, 64 letters at most" },
		{ "plugins:\n  \"\": {}\n", "f.yaml:2: \"\" is no plugin's name; expected a-z, "
					    "0-9 and _, 64 letters at most" },
		{ "plugin: {}\n",
		  "f.yaml:1: there is no section \"plugin\"; did you mean \"plugins\"?" },
		{ "# x\nwebsocket: {}\n", "f.yaml:2: there is no section \"websocket\"; expected "
					  "server, plugins or include" },
	};
	size_t i;

	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		refused(wrong[i].text, strlen(wrong[i].text), wrong[i].error);
}

static void test_yaml(void)
{
	static const struct wrong wrong[] = {
		{ "server: &a {}\n", "f.yaml:1: an anchor (&NAME) is not allowed; expected the "
				     "value itself" },
		{ "server:\n  listen: *a\n", "f.yaml:2: an alias (*NAME) is not allowed; expected "
					     "the value, or text in quotes" },
		{ "server:\n  *a : 1\n", "f.yaml:2: a key may be no alias, anchor or tag; expected "
					 "a word" },
		{ "server:\n  http: !!str a\n", "f.yaml:2: a tag (!NAME) is not allowed; expected "
						"the value itself" },
		{ "server: {}\n---\nserver: {}\n",
		  "f.yaml:2: a second document begins; expected one document" },
		{ "server:\n  ? [a]\n  : b\n", "f.yaml:2: a key may be no list and no mapping; "
					       "expected a word" },
		{ "server:\n  http: \"a\\0b\"\n",
		  "f.yaml:2: the text holds a NUL; expected text without it" },
		{ "server:\n\thttp: off\n",
		  "f.yaml:2: this is not YAML (column 1: while scanning for the next token, found "
		  "character that cannot start any token); expected KEY: VALUE, with UTF-8 text, "
		  "indented by spaces, never by tabs" },
		{ "server:\n  http: a\xff\n",
		  "f.yaml:2: this is not YAML (column 10: invalid leading UTF-8 octet); expected "
		  "KEY: VALUE, with UTF-8 text, indented by spaces, never by tabs" },
		{ "server:\n  http: off\n  io_threads: 0\n  http: off\n",
		  "f.yaml:4: \"http\" is given twice; it stands in f.yaml:2 already" },
		{ "plugins:\n  p: {}\n  q: {}\n  p: {}\n",
		  "f.yaml:4: \"p\" is given twice; it stands in f.yaml:2 already" },
	};
	size_t i;

	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		refused(wrong[i].text, strlen(wrong[i].text), wrong[i].error);
}

/* `n` times `part` behind `head`. */
static char *repeat(const char *head, const char *part, size_t n, size_t *len)
{
	size_t head_len = strlen(head), part_len = strlen(part), i;
	char *text = (char *)mem_alloc(head_len + n * part_len + 1);

	memcpy(text, head, head_len);
	for (i = 0; i < n; i++)
		memcpy(text + head_len + i * part_len, part, part_len);
	*len = head_len + n * part_len;
	text[*len] = '\0';
	return text;
}

static void repeated(const char *head, const char *part, size_t n, const char *error)
{
	size_t len;
	char *text = repeat(head, part, n, &len);

	refused(text, len, error);
	free(text);
}

static void test_limits(void)
{
	char error[CONFIG_ERROR_MAX] = "";
	struct config *config;
	char *keys = (char *)mem_alloc(16 * 1100), *at = keys;
	size_t len;
	char *text;
	int i;

	repeated("#", "#", YAML_SIZE_MAX, "f.yaml: larger than 1 MiB; expected a config file");
	repeated("server: ", "[", YAML_DEPTH_MAX,
		 "f.yaml:1: nested too deeply; expected 16 levels at most");
	repeated("server: ", "{a: ", 100000,
		 "f.yaml:1: nested too deeply; expected 16 levels at most");
	repeated("server: [", "a,", YAML_NODES_MAX,
		 "f.yaml:1: too many values; expected 10000 at most");
	repeated("server:\n ", "a", YAML_SCALAR_MAX + 1,
		 "f.yaml:2: the text is too long; expected 64 KiB at most");
	text = repeat("plugins:\n  p: {name: ", "a", YAML_SCALAR_MAX, &len);
	text = (char *)mem_realloc(text, len + 2);
	strcpy(text + len, "}");
	config = config_parse("f.yaml", text, len + 1, error);
	CU_ASSERT_PTR_NOT_NULL(config);
	config_free(&config);
	free(text);
	at += sprintf(at, "server:\n");
	for (i = 0; i <= YAML_KEYS_MAX; i++)
		at += sprintf(at, "  k%d: 1\n", i);
	refused(keys, (size_t)(at - keys), "f.yaml:1002: too many keys; expected 1000 at most");
	free(keys);
}

static void test_values(void)
{
	const char *defaults =
	    "{\"count\":5,\"any\":0,\"size\":65536,\"bytes\":0,\"time\":20000,\"long_time\":0,"
	    "\"flag\":false,\"name\":\"\",\"mode\":\"slow\",\"list\":[\"a\",\"b\"]}";

	is_section("", defaults);
	is_section("plugins:\n", defaults);
	is_section("plugins:\n  p:\n", defaults);
	is_section("plugins: {p: {}}\n", defaults);
	is_section("plugins: {p: ~}\n", defaults);
	is_section("plugins:\n  p: {count: -3, any: -9223372036854775807, size: 1k, bytes: 8g,\n"
		   "    time: 50ms, long_time: 30d, flag: true, name: \"null\", mode: fast,\n"
		   "    list: []}\n",
		   "{\"count\":-3,\"any\":-9223372036854775807,\"size\":1024,"
		   "\"bytes\":8589934592,\"time\":50,\"long_time\":2592000000,\"flag\":true,"
		   "\"name\":\"null\",\"mode\":\"fast\",\"list\":[]}");
	is_section("plugins:\n  p: {count: 10, any: 9223372036854775807, size: 1m, bytes: 7,\n"
		   "    time: 60m, long_time: 12h, list: x, name: 'a b'}\n",
		   "{\"count\":10,\"any\":9223372036854775807,\"size\":1048576,\"bytes\":7,"
		   "\"time\":3600000,\"long_time\":43200000,\"list\":[\"x\"],\"name\":\"a b\","
		   "\"flag\":false,\"mode\":\"slow\"}");
}

#define IS "f.yaml:3: plugins.p."
#define WANT_TIME "expected a time with its unit, like 500ms, 20s, 45m, 12h or 30d, from 50ms to 1h"
#define WANT_SIZE "expected a size like 512, 64k, 4m or 1g, from 1k to 1m"

static void test_wrong_values(void)
{
	static const struct wrong wrong[] = {
		{ "count: 11",
		  IS "count: \"11\" is out of range; expected a whole number, from -3 to 10" },
		{ "count: -4",
		  IS "count: \"-4\" is out of range; expected a whole number, from -3 to 10" },
		{ "count: 1k",
		  IS "count: \"1k\" does not suit; expected a whole number, from -3 to 10" },
		{ "count: 010",
		  IS "count: \"010\" does not suit; expected a whole number, from -3 to 10" },
		{ "count: 1.5",
		  IS "count: \"1.5\" does not suit; expected a whole number, from -3 to 10" },
		{ "count: '-'",
		  IS "count: \"-\" does not suit; expected a whole number, from -3 to 10" },
		{ "count:",
		  IS "count: the value is missing; expected a whole number, from -3 to 10" },
		{ "any: 9223372036854775808",
		  IS "any: \"9223372036854775808\" is out of range; expected a whole number" },
		{ "size: 1023", IS "size: \"1023\" is out of range; " WANT_SIZE },
		{ "size: 2m", IS "size: \"2m\" is out of range; " WANT_SIZE },
		{ "size: 64K", IS "size: \"64K\" does not suit; " WANT_SIZE },
		{ "size: -1k", IS "size: \"-1k\" does not suit; " WANT_SIZE },
		{ "size: k", IS "size: \"k\" does not suit; " WANT_SIZE },
		{ "size: [1k]", IS "size: a list does not suit; " WANT_SIZE },
		{ "bytes: 8589934592g",
		  IS "bytes: \"8589934592g\" is out of range; expected a size like 512, 64k, 4m "
		     "or 1g" },
		{ "time: 20", IS "time: \"20\" does not suit; " WANT_TIME },
		{ "time: 20 s", IS "time: \"20 s\" does not suit; " WANT_TIME },
		{ "time: 20sec", IS "time: \"20sec\" does not suit; " WANT_TIME },
		{ "time: 49ms", IS "time: \"49ms\" is out of range; " WANT_TIME },
		{ "time: 0", IS "time: \"0\" is out of range; " WANT_TIME },
		{ "time: 61m", IS "time: \"61m\" is out of range; " WANT_TIME },
		{ "flag: yes", IS "flag: \"yes\" does not suit; expected true or false" },
		{ "name: {a: b}", IS "name: a mapping does not suit; expected a string" },
		{ "name: ~", IS "name: the value is missing; expected a string" },
		{ "mode: fats",
		  IS "mode: \"fats\" is not known; expected one of slow, fast; did you mean "
		     "\"fast\"?" },
		{ "mode: x", IS "mode: \"x\" is not known; expected one of slow, fast" },
		{ "list: [a, [b]]", IS "list: a list is no string; expected a list of strings" },
		{ "list: [a, ]\n    siez: 1k",
		  "f.yaml:4: plugins.p has no option \"siez\"; did you "
		  "mean \"size\"?" },
		{ "conut: 1",
		  "f.yaml:3: plugins.p has no option \"conut\"; did you mean \"count\"?" },
		{ "timeout: 1s", "f.yaml:3: plugins.p has no option \"timeout\"; expected one of "
				 "count, any, size, bytes, time, long_time, flag, name, mode, "
				 "list" },
	};
	size_t i;

	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		section_refused(wrong[i].text, options, wrong[i].error);
	section_refused("{}", required,
			"f.yaml:2: plugins.p.path is missing; expected a string (The database.)");
	section_refused("a: 1", none,
			"f.yaml:3: plugins.p has no option \"a\"; expected none, it takes no "
			"options");
}

/* A plugin whose own declaration is wrong is named. */
static void test_wrong_defaults(void)
{
	static const struct par_option size[] = {
		{ "size", PAR_OPT_SIZE, "1x", 0, 0, NULL, NULL },
		{ NULL, PAR_OPT_INT, NULL, 0, 0, NULL, NULL },
	};
	static const struct par_option list[] = {
		{ "list", PAR_OPT_LIST, "[[]]", 0, 0, NULL, NULL },
		{ NULL, PAR_OPT_INT, NULL, 0, 0, NULL, NULL },
	};

	section_refused("{}", size,
			"default of plugins.p.size: plugins.p.size: \"1x\" does not suit; "
			"expected a size like 512, 64k, 4m or 1g");
	section_refused("{}", list,
			"default of plugins.p.list: plugins.p.list: a list is no string; expected "
			"a list of strings");
}

static void test_nearest(void)
{
	CU_ASSERT_EQUAL(nearest_distance("", ""), 0);
	CU_ASSERT_EQUAL(nearest_distance("abc", ""), 3);
	CU_ASSERT_EQUAL(nearest_distance("", "abc"), 3);
	CU_ASSERT_EQUAL(nearest_distance("kitten", "sitting"), 3);
	CU_ASSERT_EQUAL(nearest_distance("lisetn", "listen"), 1);
	CU_ASSERT_EQUAL(nearest_distance("ca", "abc"), 3);
	CU_ASSERT_EQUAL(
	    nearest_distance("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
			     "a"),
	    SIZE_MAX);
}

int main(void)
{
	static const struct unit_test tests[] = {
		{ "shape", test_shape },
		{ "yaml", test_yaml },
		{ "limits", test_limits },
		{ "values", test_values },
		{ "wrong values", test_wrong_values },
		{ "wrong defaults", test_wrong_defaults },
		{ "nearest", test_nearest },
		{ NULL, NULL },
	};

	return unit_main("config", tests);
}
