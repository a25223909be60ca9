/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The options of the `server` section, and the struct made of their checked
 * values. Main thread. What one option's type and range cannot say is checked
 * here: addresses, and options that must fit each other.
 */
#include "settings.h"

#include <inttypes.h>
#include <json-c/json.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "listen_address.h"

#define LISTENERS_MAX 16
#define IO_THREADS_MAX 16

#define SECOND 1000
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)
#define TEN_YEARS (3650LL * DAY)
#define KIB 1024
#define MIB (1024 * KIB)

/* Name, type, default, least, greatest, choices, help. */
const struct par_option settings_options[] = {
	{ "listen", PAR_OPT_LIST, "ws://127.0.0.1:8080", 0, 0, NULL,
	  "Addresses for WebSocket clients, like ws://127.0.0.1:8080 or ws://[::]:8080; port 0 "
	  "lets the kernel choose." },
	{ "http", PAR_OPT_STRING, "127.0.0.1:8081", 0, 0, NULL,
	  "Address for /healthz, /readyz and /metrics, or off." },
	{ "plugin_dir", PAR_OPT_STRING, PLUGIN_DIR, 0, 0, NULL,
	  "The folder that plugins are loaded from." },
	{ "io_threads", PAR_OPT_STRING, "auto", 0, 0, NULL,
	  "Threads that read and write sockets, 0 to 16; 0: everything runs on one thread; auto: 0 "
	  "on up to 2 cores, else one less than there are cores." },
	{ "max_bad_messages", PAR_OPT_INT, "20", 1, 1000000, NULL,
	  "A connection that sends so many messages without sense within a minute is closed." },
	{ "max_message_size", PAR_OPT_SIZE, "64k", KIB, 8 * MIB, NULL,
	  "The longest message that a client may send." },
	{ "max_connections", PAR_OPT_INT, "0", 0, 10000000, NULL,
	  "Connections at one time; 0: as many as the limit on open files allows." },
	{ "max_inflight", PAR_OPT_INT, "256", 1, 65536, NULL,
	  "Unanswered requests of one connection before it is read no further." },
	{ "max_backlog", PAR_OPT_SIZE, "4m", 64 * KIB, 1024 * MIB, NULL,
	  "Bytes that wait for one slow client before its connection is closed; at least twice "
	  "max_message_size." },
	{ "ack_window", PAR_OPT_INT, "256", 1, 65536, NULL,
	  "Unacked events on the wire to one connection." },
	{ "handshake_timeout", PAR_OPT_DURATION, "10s", 50, 10 * MINUTE, NULL,
	  "Time for a new connection to complete its handshake." },
	{ "ping_interval", PAR_OPT_DURATION, "20s", 50, HOUR, NULL,
	  "A connection that is idle so long is sent a ping." },
	{ "idle_timeout", PAR_OPT_DURATION, "60s", 100, 24 * HOUR, NULL,
	  "A connection that nothing comes from for so long is closed; longer than "
	  "ping_interval." },
	{ "request_timeout", PAR_OPT_DURATION, "10s", 50, 10 * MINUTE, NULL,
	  "A request that is not completed after so long is answered with timeout." },
	{ "drain_timeout", PAR_OPT_DURATION, "10s", 0, HOUR, NULL,
	  "Time for requests in flight when the server is told to end." },
	{ "slow_callback", PAR_OPT_DURATION, "50ms", 1, MINUTE, NULL,
	  "A plugin's callback that runs longer is named in the log." },
	{ "cursor_interval", PAR_OPT_DURATION, "1s", 10, MINUTE, NULL,
	  "What clients acked is written to the storage at least so often." },
	{ "redeliver_after", PAR_OPT_DURATION, "0", 0, DAY, NULL,
	  "An event that a living connection has not acked for so long is sent to it again; 0: "
	  "only when "
	  "its device connects again." },
	{ "device_ttl", PAR_OPT_DURATION, "30d", 100, TEN_YEARS, NULL,
	  "A device unseen for so long is forgotten: events are no longer kept for it." },
	{ "event_ttl", PAR_OPT_DURATION, "90d", 0, TEN_YEARS, NULL,
	  "An event older than this is dropped, whoever has not got it; 0: never." },
	{ "prune_interval", PAR_OPT_DURATION, "1m", 10, DAY, NULL,
	  "How often the storage is asked to drop what device_ttl and event_ttl allow." },
	{ "max_devices", PAR_OPT_INT, "100", 1, 100000, NULL,
	  "Devices of one user on record; one more has the one forgotten that was unseen "
	  "longest." },
	{ "session_policy", PAR_OPT_ENUM, "allow", 0, 0, "allow|replace",
	  "A second connection of the same device is allowed, or replaces the first." },
	{ "log_level", PAR_OPT_ENUM, "info", 0, 0, "error|warning|info|debug",
	  "The least important lines that are logged." },
	{ "log_format", PAR_OPT_ENUM, "logfmt", 0, 0, "logfmt|json", "How a line is written." },
	{ "log_file", PAR_OPT_STRING, "", 0, 0, NULL, "The file to log to; empty: stderr." },
	{ NULL, PAR_OPT_INT, NULL, 0, 0, NULL, NULL }
};

/* The words of enums, in the order of their values. */
static const char *const policies[] = { "allow", "replace" };
static const char *const levels[] = { "error", "warning", "info", "debug" };
static const char *const formats[] = { "logfmt", "json" };

/* The values were checked against the table: each is there, with its type. */
static const char *get_string(struct json_object *values, const char *name)
{
	return json_object_get_string(json_object_object_get(values, name));
}

static uint64_t get_number(struct json_object *values, const char *name)
{
	return (uint64_t)json_object_get_int64(json_object_object_get(values, name));
}

static unsigned get_word(struct json_object *values, const char *name, const char *const *words)
{
	const char *value = get_string(values, name);
	unsigned i = 0;

	while (strcmp(words[i], value) != 0)
		i++;
	return i;
}

/* Writes "FILE:LINE: server.NAME: ..."; always false. */
static bool refuse(const struct config *config, const char *name, const char *what,
		   char error[CONFIG_ERROR_MAX])
{
	snprintf(error, CONFIG_ERROR_MAX, "%s: server.%s: %s",
		 config_where_option(config, "server", false, name), name, what);
	return false;
}

static bool read_listen(struct settings *settings, const struct config *config,
			struct json_object *list, char error[CONFIG_ERROR_MAX])
{
	size_t n = json_object_array_length(list), i;
	char what[CONFIG_ERROR_MAX / 2];

	if (n == 0 || n > LISTENERS_MAX)
		return refuse(config, "listen",
			      "the number of addresses is wrong; expected 1 to 16", error);
	settings->listen = (struct listen_address *)mem_zalloc(n * sizeof(*settings->listen));
	for (i = 0; i < n; i++) {
		const char *text = json_object_get_string(json_object_array_get_idx(list, i));

		settings->n_listen++;
		if (!listen_address_parse(&settings->listen[i], "ws://", text, what, sizeof(what)))
			return refuse(config, "listen", what, error);
	}
	return true;
}

static bool read_http(struct settings *settings, const struct config *config, const char *text,
		      char error[CONFIG_ERROR_MAX])
{
	char what[CONFIG_ERROR_MAX / 2];

	if (strcmp(text, "off") == 0) {
		settings->http.text = mem_strdup(text);
		return true;
	}
	return listen_address_parse(&settings->http, "", text, what, sizeof(what)) ||
	       refuse(config, "http", what, error);
}

static unsigned threads_for_cores(void)
{
	cpu_set_t set;
	int cores = sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : 1;

	if (cores <= 2)
		return 0;
	return cores - 1 < IO_THREADS_MAX ? (unsigned)cores - 1 : IO_THREADS_MAX;
}

static bool read_io_threads(struct settings *settings, const struct config *config,
			    const char *text, char error[CONFIG_ERROR_MAX])
{
	char what[128], *end;
	unsigned long n;

	if (strcmp(text, "auto") == 0) {
		settings->io_threads = threads_for_cores();
		return true;
	}
	n = strtoul(text, &end, 10);
	if (text[0] < '0' || text[0] > '9' || *end != '\0' || n > IO_THREADS_MAX) {
		snprintf(what, sizeof(what), "\"%.64s\" does not suit; expected auto, or 0 to %d",
			 text, IO_THREADS_MAX);
		return refuse(config, "io_threads", what, error);
	}
	settings->io_threads = (unsigned)n;
	return true;
}

/* What needs no check beyond the table's. */
static void read_plain(struct settings *settings, struct json_object *values)
{
	settings->plugin_dir = mem_strdup(get_string(values, "plugin_dir"));
	settings->max_bad_messages = (unsigned)get_number(values, "max_bad_messages");
	settings->max_message_size = get_number(values, "max_message_size");
	settings->max_connections = (unsigned)get_number(values, "max_connections");
	settings->max_inflight = (unsigned)get_number(values, "max_inflight");
	settings->max_backlog = get_number(values, "max_backlog");
	settings->ack_window = (unsigned)get_number(values, "ack_window");
	settings->handshake_timeout = get_number(values, "handshake_timeout");
	settings->ping_interval = get_number(values, "ping_interval");
	settings->idle_timeout = get_number(values, "idle_timeout");
	settings->request_timeout = get_number(values, "request_timeout");
	settings->drain_timeout = get_number(values, "drain_timeout");
	settings->slow_callback = get_number(values, "slow_callback");
	settings->cursor_interval = get_number(values, "cursor_interval");
	settings->redeliver_after = get_number(values, "redeliver_after");
	settings->device_ttl = get_number(values, "device_ttl");
	settings->event_ttl = get_number(values, "event_ttl");
	settings->prune_interval = get_number(values, "prune_interval");
	settings->max_devices = (unsigned)get_number(values, "max_devices");
	settings->session_policy =
	    (enum session_policy)get_word(values, "session_policy", policies);
	settings->log_level = (enum par_log_level)get_word(values, "log_level", levels);
	settings->log_format = (enum log_format)get_word(values, "log_format", formats);
	settings->log_file = mem_strdup(get_string(values, "log_file"));
}

/* Options that do not fit each other. */
static bool check_together(const struct settings *settings, const struct config *config,
			   char error[CONFIG_ERROR_MAX])
{
	char what[128];

	if (settings->idle_timeout <= settings->ping_interval) {
		snprintf(what, sizeof(what),
			 "%" PRIu64 "ms leaves no time for a pong; expected more than "
			 "ping_interval, %" PRIu64 "ms",
			 settings->idle_timeout, settings->ping_interval);
		return refuse(config, "idle_timeout", what, error);
	}
	if (settings->max_backlog < 2 * settings->max_message_size) {
		snprintf(what, sizeof(what),
			 "%" PRIu64 " bytes may not hold one message; expected at least twice "
			 "max_message_size, %" PRIu64,
			 settings->max_backlog, 2 * settings->max_message_size);
		return refuse(config, "max_backlog", what, error);
	}
	return true;
}

bool settings_read(struct settings *settings, const struct config *config,
		   char error[CONFIG_ERROR_MAX])
{
	struct json_object *values =
	    config_section(config, "server", false, settings_options, error);
	bool ok;

	memset(settings, 0, sizeof(*settings));
	if (values == NULL)
		return false;
	read_plain(settings, values);
	ok = read_listen(settings, config, json_object_object_get(values, "listen"), error) &&
	     read_http(settings, config, get_string(values, "http"), error) &&
	     read_io_threads(settings, config, get_string(values, "io_threads"), error) &&
	     check_together(settings, config, error);
	json_object_put(values);
	if (!ok)
		settings_free(settings);
	return ok;
}

void settings_free(struct settings *settings)
{
	unsigned i;

	for (i = 0; i < settings->n_listen; i++)
		listen_address_free(&settings->listen[i]);
	listen_address_free(&settings->http);
	free(settings->listen);
	free(settings->plugin_dir);
	free(settings->log_file);
	memset(settings, 0, sizeof(*settings));
}
