/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The config from files: includes, --set, and the sample of the docs. Runs in
 * a folder of its own, so that places are relative and short.
 */
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/config.h"
#include "config/settings.h"
#include "unit.h"

static const struct par_option options[] = {
	{ "count", PAR_OPT_INT, "5", -3, 10, NULL, "A number." },
	{ "name", PAR_OPT_STRING, "", 0, 0, NULL, "A string." },
	{ "mode", PAR_OPT_ENUM, "slow", 0, 0, "slow|fast", "A choice." },
	{ "list", PAR_OPT_LIST, "[a, b]", 0, 0, NULL, "Strings." },
	{ NULL, PAR_OPT_INT, NULL, 0, 0, NULL, NULL },
};

static void is_string(const char *found, const char *expected)
{
	if (strcmp(found, expected) != 0)
		printf("\n  found:    %s\n  expected: %s\n", found, expected);
	CU_ASSERT_STRING_EQUAL(found, expected);
}

static void write_file(const char *name, const char *text)
{
	FILE *file = fopen(name, "w");

	CU_ASSERT_PTR_NOT_NULL_FATAL(file);
	fputs(text, file);
	fclose(file);
}

/* The names of the plugins, or the error, as one string. Static. */
static const char *load(const char *const *sets, unsigned n_sets)
{
	static char text[CONFIG_ERROR_MAX];
	struct config *config = config_load("main.yaml", sets, n_sets, text);
	const char *const *names;
	unsigned n, i;

	if (config == NULL)
		return text;
	text[0] = '\0';
	names = config_plugins(config, &n);
	for (i = 0; i < n; i++) {
		strcat(text, names[i]);
		strcat(text, "@");
		strcat(text, config_where(config, names[i], true));
		strcat(text, " ");
	}
	config_free(&config);
	return text;
}

static void test_includes(void)
{
	CU_ASSERT_EQUAL(mkdir("conf.d", 0700), 0);
	write_file("main.yaml", "plugins:\n  a:\ninclude: conf.d/*.yaml\nserver:\n  http: off\n");
	is_string(load(NULL, 0), "a@main.yaml:2 ");
	write_file("conf.d/2.yaml", "plugins: {c: {}}\n");
	write_file("conf.d/1.yaml", "# one\nplugins:\n  b: {}\nserver: {io_threads: 0}\n");
	write_file("conf.d/3.yaml", "");
	write_file("conf.d/4.txt", "nonsense");
	is_string(load(NULL, 0), "a@main.yaml:2 b@conf.d/1.yaml:3 c@conf.d/2.yaml:1 ");

	write_file("conf.d/3.yaml", "\n\nplugins:\n  a: {}\n");
	is_string(load(NULL, 0), "conf.d/3.yaml:4: \"plugins.a\" is given twice; it stands in "
				 "main.yaml:2 already");
	write_file("conf.d/3.yaml", "server:\n  http: off\n");
	is_string(load(NULL, 0), "conf.d/3.yaml:2: \"server.http\" is given twice; it stands in "
				 "main.yaml:5 already");
	write_file("conf.d/3.yaml", "include: x\n");
	is_string(load(NULL, 0), "conf.d/3.yaml:1: \"include\" stands in an included file; "
				 "expected it in main.yaml only");
	write_file("conf.d/3.yaml", "server: [\n");
	CU_ASSERT_PTR_EQUAL(strstr(load(NULL, 0), "conf.d/3.yaml:2: this is not YAML"),
			    load(NULL, 0));
	unlink("conf.d/3.yaml");

	write_file("main.yaml", "plugins: {}\ninclude:\n  - conf.d/2.yaml\n  - none.d/*\n");
	is_string(load(NULL, 0), "c@conf.d/2.yaml:1 ");
	write_file("main.yaml", "include: [conf.d/1.yaml,\n  conf.d/9.yaml]\n");
	is_string(load(NULL, 0), "main.yaml:2: conf.d/9.yaml does not exist; expected a file to "
				 "include, or a pattern like conf.d/*.yaml");
	write_file("main.yaml", "include: conf.d\n");
	is_string(load(NULL, 0), "conf.d: cannot be read (Is a directory); expected a config file");
	write_file("main.yaml", "include:\n");
	is_string(load(NULL, 0), "main.yaml:1: include is nothing; expected a pattern like "
				 "conf.d/*.yaml, or a list of them");
	unlink("main.yaml");
	is_string(load(NULL, 0), "main.yaml: cannot be read (No such file or directory); expected "
				 "a config file");
}

/* A relative pattern is meant from the main file's folder, taken literally. */
static void test_include_folder(void)
{
	char error[CONFIG_ERROR_MAX] = "";
	struct config *config;

	mkdir("[x]", 0700);
	write_file("[x]/main.yaml", "include: '*.conf'\n");
	write_file("[x]/a.conf", "plugins: {b: }\n");
	config = config_load("[x]/main.yaml", NULL, 0, error);
	is_string(error, "");
	is_string(config_where(config, "b", true), "[x]/a.conf:1");
	config_free(&config);
}

static void is_set(const char *set, const char *expected)
{
	is_string(load(&set, 1), expected);
}

static void test_set(void)
{
	static const char *const sets[] = { "plugins.p.count=7", "plugins.p.list=[x, y]",
					    "plugins.p.count=8", "plugins.q.mode=fast",
					    "server.http=off" };
	char error[CONFIG_ERROR_MAX] = "";
	struct config *config;
	struct json_object *values, *value;

	write_file("main.yaml", "plugins:\n  p:\n  q: {mode: slow, count: 1}\n");
	is_set("plugins.typing={}", "p@main.yaml:2 q@main.yaml:3 typing@--set plugins.typing ");
	is_set("plugins.typing=", "p@main.yaml:2 q@main.yaml:3 typing@--set plugins.typing ");
	config = config_load("main.yaml", sets, 5, error);
	is_string(error, "");
	CU_ASSERT_PTR_NOT_NULL_FATAL(config);
	values = config_section(config, "p", true, options, error);
	json_object_object_get_ex(values, "count", &value);
	CU_ASSERT_EQUAL(json_object_get_int64(value), 8);
	json_object_object_get_ex(values, "list", &value);
	is_string(json_object_to_json_string_ext(value, JSON_C_TO_STRING_PLAIN), "[\"x\",\"y\"]");
	json_object_put(values);
	values = config_section(config, "q", true, options, error);
	json_object_object_get_ex(values, "mode", &value);
	is_string(json_object_get_string(value), "fast");
	json_object_object_get_ex(values, "count", &value);
	CU_ASSERT_EQUAL(json_object_get_int64(value), 1);
	json_object_put(values);
	is_string(config_where_option(config, "q", true, "mode"), "--set plugins.q.mode");
	is_string(config_where_option(config, "q", true, "count"), "main.yaml:3");
	is_string(config_where_option(config, "q", true, "size"), "main.yaml:3");
	is_string(config_where(config, "server", false), "main.yaml");
	config_free(&config);
}

static void test_wrong_set(void)
{
	const char *set = "plugins.p.count=99";
	char error[CONFIG_ERROR_MAX] = "";
	struct config *config;

	write_file("main.yaml", "plugins:\n  p: {name: x}\n");
	is_set("server.http", "--set server.http: there is no value; expected SECTION.KEY=VALUE");
	is_set("server=1", "--set server: no such key; expected server.KEY, plugins.NAME or "
			   "plugins.NAME.KEY");
	is_set("sever.http=1", "--set sever.http: no such key; expected server.KEY, plugins.NAME "
			       "or plugins.NAME.KEY");
	is_set("plugins..x=1", "--set plugins..x: a part of the key is empty; expected "
			       "SECTION.KEY=VALUE");
	is_set("plugins.=1",
	       "--set plugins.: a part of the key is empty; expected SECTION.KEY=VALUE");
	is_set("plugins.p.name.x=1",
	       "--set plugins.p.name.x: leads into what has no keys; expected "
	       "the key of a mapping");
	is_set("plugins.p=1", "--set plugins.p: plugins.p is a single value; expected its options, "
			      "KEY: VALUE, or nothing");
	is_set("plugins.P.x=1", "--set plugins.P.x: \"P\" is no plugin's name; expected a-z, 0-9 "
				"and _, 64 letters at most");
	is_set("plugins.p.name=&a b", "--set plugins.p.name: an anchor (&NAME) is not allowed; "
				      "expected the value itself");
	config = config_load("main.yaml", &set, 1, error);
	CU_ASSERT_PTR_NOT_NULL_FATAL(config);
	CU_ASSERT_PTR_NULL(config_section(config, "p", true, options, error));
	is_string(error, "--set plugins.p.count: plugins.p.count: \"99\" is out of range; expected "
			 "a whole number, from -3 to 10");
	config_free(&config);
}

/* The file that an operator is shown first, and its comments. */
static void test_sample(void)
{
	char error[CONFIG_ERROR_MAX] = "";
	struct config *config;
	struct settings settings;

	write_file(
	    "main.yaml",
	    "server:\n"
	    "  listen: [\"ws://127.0.0.1:8080\"]          # or \"wss://[::]:8443\" with tls: "
	    "{certificate: ..., key: ...}\n"
	    "  http: 127.0.0.1:8081                     # /healthz /readyz /metrics\n"
	    "  plugin_dir: /usr/lib/parlance/plugins\n"
	    "  io_threads: auto                         # 0: everything on one thread\n"
	    "  max_bad_messages: 20\n"
	    "plugins:\n"
	    "  auth_insecure: {}                        # ?user=NAME; refuses to start\n"
	    "  storage_sqlite: {path: /var/lib/parlance/parlance.db}\n"
	    "  messaging: {}\n"
	    "  typing:\n"
	    "include: /nonexistent/parlance/conf.d/*.yaml  # optional; each adds sections\n");
	is_string(load(NULL, 0), "auth_insecure@main.yaml:8 storage_sqlite@main.yaml:9 "
				 "messaging@main.yaml:10 typing@main.yaml:11 ");
	config = config_load("main.yaml", NULL, 0, error);
	CU_ASSERT_PTR_NOT_NULL_FATAL(config);
	CU_ASSERT_TRUE_FATAL(settings_read(&settings, config, error));
	CU_ASSERT_EQUAL(settings.n_listen, 1);
	is_string(settings.listen[0].text, "ws://127.0.0.1:8080");
	is_string(settings.http.port, "8081");
	is_string(settings.plugin_dir, "/usr/lib/parlance/plugins");
	CU_ASSERT_EQUAL(settings.max_bad_messages, 20);
	settings_free(&settings);
	config_free(&config);
}

int main(void)
{
	static const struct unit_test tests[] = {
		{ "sample", test_sample },
		{ "includes", test_includes },
		{ "include folder", test_include_folder },
		{ "set", test_set },
		{ "wrong set", test_wrong_set },
		{ NULL, NULL },
	};
	char folder[] = "/tmp/parlance-test-config-XXXXXX";
	char command[sizeof(folder) + 16];
	int result;

	if (mkdtemp(folder) == NULL || chdir(folder) != 0)
		return 2;
	result = unit_main("config files", tests);
	snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	return system(command) == 0 ? result : 2;
}
