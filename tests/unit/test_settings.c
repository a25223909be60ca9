/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The `server` section: defaults, addresses, what must fit together, and that
 * docs/config.md and the default config say the same as the table.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/listen_address.h"
#include "config/option_value.h"
#include "config/settings.h"
#include "config/yaml_tree.h"
#include "unit.h"

static void is_string(const char *found, const char *expected)
{
	if (strcmp(found, expected) != 0)
		printf("\n  found:    %s\n  expected: %s\n", found, expected);
	CU_ASSERT_STRING_EQUAL(found, expected);
}

/* The settings of lines under `server:`. */
static bool read_lines(struct settings *settings, const char *lines, char *error)
{
	char text[1024];
	struct config *config;
	bool ok;

	snprintf(text, sizeof(text), "server:\n%s", lines);
	config = config_parse("f.yaml", text, strlen(text), error);
	CU_ASSERT_PTR_NOT_NULL_FATAL(config);
	ok = settings_read(settings, config, error);
	config_free(&config);
	return ok;
}

static void refused(const char *lines, const char *expected)
{
	char error[CONFIG_ERROR_MAX] = "";
	struct settings settings;

	CU_ASSERT_FALSE(read_lines(&settings, lines, error));
	is_string(error, expected);
}

static void test_defaults(void)
{
	char error[CONFIG_ERROR_MAX] = "";
	struct settings s;

	CU_ASSERT_TRUE_FATAL(read_lines(&s, "", error));
	CU_ASSERT_EQUAL(s.n_listen, 1);
	is_string(s.listen[0].text, "ws://127.0.0.1:8080");
	is_string(s.listen[0].host, "127.0.0.1");
	is_string(s.listen[0].port, "8080");
	CU_ASSERT_TRUE(s.listen[0].loopback);
	is_string(s.http.host, "127.0.0.1");
	is_string(s.http.port, "8081");
	is_string(s.plugin_dir, PLUGIN_DIR);
	CU_ASSERT(s.io_threads <= 16);
	CU_ASSERT_EQUAL(s.max_bad_messages, 20);
	CU_ASSERT_EQUAL(s.max_message_size, 65536);
	CU_ASSERT_EQUAL(s.max_connections, 0);
	CU_ASSERT_EQUAL(s.max_inflight, 256);
	CU_ASSERT_EQUAL(s.max_backlog, 4 << 20);
	CU_ASSERT_EQUAL(s.ack_window, 256);
	CU_ASSERT_EQUAL(s.handshake_timeout, 10000);
	CU_ASSERT_EQUAL(s.ping_interval, 20000);
	CU_ASSERT_EQUAL(s.idle_timeout, 60000);
	CU_ASSERT_EQUAL(s.request_timeout, 10000);
	CU_ASSERT_EQUAL(s.drain_timeout, 10000);
	CU_ASSERT_EQUAL(s.slow_callback, 50);
	CU_ASSERT_EQUAL(s.cursor_interval, 1000);
	CU_ASSERT_EQUAL(s.redeliver_after, 0);
	CU_ASSERT_EQUAL(s.device_ttl, 2592000000);
	CU_ASSERT_EQUAL(s.event_ttl, 7776000000);
	CU_ASSERT_EQUAL(s.prune_interval, 60000);
	CU_ASSERT_EQUAL(s.max_devices, 100);
	CU_ASSERT_EQUAL(s.session_policy, SESSION_ALLOW);
	CU_ASSERT_EQUAL(s.log_level, PAR_LOG_INFO);
	CU_ASSERT_EQUAL(s.log_format, LOG_LOGFMT);
	is_string(s.log_file, "");
	settings_free(&s);
}

/* Each option reaches its own field. */
static void test_given(void)
{
	char error[CONFIG_ERROR_MAX] = "";
	struct settings s;

	CU_ASSERT_TRUE_FATAL(
	    read_lines(&s,
		       "  listen: [ws://localhost:0, \"ws://[::]:9\"]\n  http: off\n"
		       "  plugin_dir: /p\n  io_threads: 3\n  max_bad_messages: 4\n"
		       "  max_message_size: 5k\n  max_connections: 6\n  max_inflight: 7\n"
		       "  max_backlog: 80k\n  ack_window: 9\n  handshake_timeout: 10s\n"
		       "  ping_interval: 11s\n  idle_timeout: 12s\n  request_timeout: 13s\n"
		       "  drain_timeout: 14s\n  slow_callback: 15ms\n  cursor_interval: 16s\n"
		       "  redeliver_after: 17s\n  device_ttl: 18d\n  event_ttl: 19d\n"
		       "  prune_interval: 20s\n  max_devices: 21\n"
		       "  session_policy: replace\n  log_level: debug\n  log_format: json\n"
		       "  log_file: /l\n",
		       error));
	CU_ASSERT_EQUAL(s.n_listen, 2);
	is_string(s.listen[0].host, "localhost");
	CU_ASSERT_TRUE(s.listen[0].loopback);
	is_string(s.listen[1].host, "::");
	is_string(s.listen[1].port, "9");
	CU_ASSERT_FALSE(s.listen[1].loopback);
	CU_ASSERT_PTR_NULL(s.http.host);
	is_string(s.plugin_dir, "/p");
	CU_ASSERT_EQUAL(s.io_threads, 3);
	CU_ASSERT_EQUAL(s.max_bad_messages, 4);
	CU_ASSERT_EQUAL(s.max_message_size, 5 * 1024);
	CU_ASSERT_EQUAL(s.max_connections, 6);
	CU_ASSERT_EQUAL(s.max_inflight, 7);
	CU_ASSERT_EQUAL(s.max_backlog, 80 * 1024);
	CU_ASSERT_EQUAL(s.ack_window, 9);
	CU_ASSERT_EQUAL(s.handshake_timeout, 10000);
	CU_ASSERT_EQUAL(s.ping_interval, 11000);
	CU_ASSERT_EQUAL(s.idle_timeout, 12000);
	CU_ASSERT_EQUAL(s.request_timeout, 13000);
	CU_ASSERT_EQUAL(s.drain_timeout, 14000);
	CU_ASSERT_EQUAL(s.slow_callback, 15);
	CU_ASSERT_EQUAL(s.cursor_interval, 16000);
	CU_ASSERT_EQUAL(s.redeliver_after, 17000);
	CU_ASSERT_EQUAL(s.device_ttl, 18 * 86400000LL);
	CU_ASSERT_EQUAL(s.event_ttl, 19 * 86400000LL);
	CU_ASSERT_EQUAL(s.prune_interval, 20000);
	CU_ASSERT_EQUAL(s.max_devices, 21);
	CU_ASSERT_EQUAL(s.session_policy, SESSION_REPLACE);
	CU_ASSERT_EQUAL(s.log_level, PAR_LOG_DEBUG);
	CU_ASSERT_EQUAL(s.log_format, LOG_JSON);
	is_string(s.log_file, "/l");
	settings_free(&s);
}

static void test_refused(void)
{
	refused("  listen: []\n", "f.yaml:2: server.listen: the number of addresses is wrong; "
				  "expected 1 to 16");
	refused("  http: off\n  listen: wss://[::]:8443\n",
		"f.yaml:3: server.listen: \"wss://[::]:8443\" asks for TLS, which is not in this "
		"version; expected ws://HOST:PORT, with a proxy in front of it that speaks TLS");
	refused(
	    "  listen: [ws://127.0.0.1:1, 127.0.0.1:2]\n",
	    "f.yaml:2: server.listen: \"127.0.0.1:2\" is no address; expected ws://HOST:PORT or "
	    "ws://[IPV6]:PORT");
	refused("  http: ws://127.0.0.1:1\n",
		"f.yaml:2: server.http: \"ws://127.0.0.1:1\" is no address; expected HOST:PORT or "
		"[IPV6]:PORT, or off");
	refused("  io_threads: 17\n",
		"f.yaml:2: server.io_threads: \"17\" does not suit; expected auto, or 0 to 16");
	refused("  io_threads: \"\"\n",
		"f.yaml:2: server.io_threads: \"\" does not suit; expected auto, or 0 to 16");
	refused("  io_threads: -1\n",
		"f.yaml:2: server.io_threads: \"-1\" does not suit; expected auto, or 0 to 16");
	refused("  http: off\n  ping_interval: 60s\n",
		"f.yaml:1: server.idle_timeout: 60000ms leaves no time for a pong; expected more "
		"than ping_interval, 60000ms");
	refused("  max_message_size: 8m\n  max_backlog: 15m\n",
		"f.yaml:3: server.max_backlog: 15728640 bytes may not hold one message; expected "
		"at least twice max_message_size, 16777216");
	refused("  max_inflight: 0\n", "f.yaml:2: server.max_inflight: \"0\" is out of range; "
				       "expected a whole number, from 1 to 65536");
	refused("  lisetn: x\n",
		"f.yaml:2: server has no option \"lisetn\"; did you mean \"listen\"?");
}

static void is_address(const char *text, const char *host, const char *port, bool loopback)
{
	struct listen_address address;
	char what[256] = "";

	CU_ASSERT_TRUE(listen_address_parse(&address, "ws://", text, what, sizeof(what)));
	is_string(what, "");
	is_string(address.host == NULL ? "none" : address.host, host);
	is_string(address.port == NULL ? "none" : address.port, port);
	CU_ASSERT_EQUAL(address.loopback, loopback);
	listen_address_free(&address);
}

static void test_addresses(void)
{
	static const char *const wrong[] = {
		"",
		"w",
		"ws://",
		"ws://:80",
		"ws://127.0.0.1",
		"ws://127.0.0.1:",
		"ws://127.0.0.1:65536",
		"ws://127.0.0.1:080",
		"ws://127.0.0.1:-1",
		"ws://127.0.0.1:80/",
		"ws://127.0.0.1:80 ",
		"ws://::1:80",
		"ws://[::1]",
		"ws://[::1]80",
		"ws://[]:80",
		"ws://[127.0.0.1]:80",
		"ws://[::1%]:80",
		"ws://[::g]:80",
		"ws://a b:80",
		"ws://user@a:80",
		"http://127.0.0.1:80",
		"WS://127.0.0.1:80",
	};
	struct listen_address address;
	char what[256];
	size_t i;

	is_address("ws://127.0.0.1:8080", "127.0.0.1", "8080", true);
	is_address("ws://127.255.0.3:0", "127.255.0.3", "0", true);
	is_address("ws://128.0.0.1:65535", "128.0.0.1", "65535", false);
	is_address("ws://0.0.0.0:1", "0.0.0.0", "1", false);
	is_address("ws://[::1]:0", "::1", "0", true);
	is_address("ws://[0:0:0:0:0:0:0:1]:0", "0:0:0:0:0:0:0:1", "0", true);
	is_address("ws://[::ffff:127.0.0.1]:0", "::ffff:127.0.0.1", "0", true);
	is_address("ws://[::ffff:10.0.0.1]:0", "::ffff:10.0.0.1", "0", false);
	is_address("ws://[::]:80", "::", "80", false);
	is_address("ws://[fe80::1%eth0]:80", "fe80::1%eth0", "80", false);
	is_address("ws://localhost:80", "localhost", "80", true);
	is_address("ws://localhost.example.org:80", "localhost.example.org", "80", false);
	is_address("ws://127.example.org:80", "127.example.org", "80", false);
	is_address("ws://127.1:80", "127.1", "80", false);
	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		what[0] = '\0';
		if (listen_address_parse(&address, "ws://", wrong[i], what, sizeof(what)))
			CU_FAIL(wrong[i]);
		CU_ASSERT_PTR_NOT_NULL(strstr(what, "; expected ws://HOST:PORT"));
		listen_address_free(&address);
	}
}

/* Each option is one row of the table in docs/config.md, and no row is else. */
static void test_docs(void)
{
	char *docs = unit_source("docs/config.md"), *at = docs;
	const struct par_option *option;
	char row[1024], range[OPTION_TEXT_MAX];
	const char *value;

	for (option = settings_options; option->name != NULL; option++) {
		option_range(option, range);
		value = strcmp(option->name, "plugin_dir") == 0 ? "pkglibdir/plugins"
								: option_default(option);
		snprintf(row, sizeof(row), "\n| `%s` | %s | `%s` | %s | %s |\n", option->name,
			 option_type_name(option->type), value, range, option->help);
		at = strstr(docs, row);
		if (at == NULL)
			printf("\n  docs/config.md lacks: %s", row);
		CU_ASSERT_PTR_NOT_NULL(at);
		if (at != NULL)
			at[2] = '+';
	}
	at = strstr(docs, "\n| `");
	if (at != NULL)
		printf("\n  docs/config.md has more than the table: %.60s", at);
	CU_ASSERT_PTR_NULL(at);
	free(docs);
}

/* The config that is installed is taken, serves this machine only, and names
 * each option of the server, at least in a comment. */
static void test_installed(void)
{
	char *text = unit_source("etc/parlance.yaml"), word[64];
	char error[CONFIG_ERROR_MAX] = "";
	struct config *config = config_parse("parlance.yaml", text, strlen(text), error);
	const struct par_option *option;
	struct settings settings;

	is_string(error, "");
	CU_ASSERT_PTR_NOT_NULL_FATAL(config);
	CU_ASSERT_TRUE_FATAL(settings_read(&settings, config, error));
	CU_ASSERT_EQUAL(settings.n_listen, 1);
	CU_ASSERT_TRUE(settings.listen[0].loopback);
	CU_ASSERT_TRUE(settings.http.loopback);
	for (option = settings_options; option->name != NULL; option++) {
		snprintf(word, sizeof(word), " %s: ", option->name);
		if (strstr(text, word) == NULL)
			CU_FAIL("etc/parlance.yaml lacks an option");
	}
	settings_free(&settings);
	config_free(&config);
	free(text);
}

int main(void)
{
	static const struct unit_test tests[] = {
		{ "defaults", test_defaults },
		{ "given", test_given },
		{ "refused", test_refused },
		{ "addresses", test_addresses },
		{ "docs", test_docs },
		{ "installed", test_installed },
		{ NULL, NULL },
	};

	return unit_main("settings", tests);
}
