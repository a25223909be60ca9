/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The life of the server process; see server.h. The order in which the parts
 * come up is the order of struct server; they go down the other way round.
 */
#include "server/server.h"

#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#ifdef HAVE_SYSTEMD
#include <systemd/sd-daemon.h>
#endif

#include "base/log.h"
#include "base/metrics.h"
#include "config/config.h"
#include "config/settings.h"
#include "engine/core.h"
#include "server/http.h"
#include "server/loop.h"
#include "transport/transport.h"

#define N_SIGNALS 4

struct server {
	const struct command_line *line;
	struct config *config;
	struct settings settings;
	struct metrics metrics;
	struct loop *loop;
	struct core *core;
	struct transport *transport;
	struct http_server *http;
	struct event *signals[N_SIGNALS];
	unsigned stop_signals; /* the second one is not waited for */
};

const char *server_config_path(const struct command_line *line)
{
	return line->config != NULL ? line->config : SYSCONFDIR "/parlance/parlance.yaml";
}

static bool server_complain(const char *error)
{
	fprintf(stderr, "parlanced: %s\n", error);
	return false;
}

/* Config and settings. */
static bool server_read_config(struct server *s)
{
	char error[CONFIG_ERROR_MAX];

	s->config = config_load(server_config_path(s->line), s->line->sets, s->line->n_sets, error);
	if (s->config == NULL)
		return server_complain(error);
	if (!settings_read(&s->settings, s->config, error)) {
		config_free(&s->config);
		return server_complain(error);
	}
	return true;
}

static bool server_load_core(struct server *s)
{
	struct core_env env;
	char error[CONFIG_ERROR_MAX];

	s->loop = loop_new();
	env = loop_env(s->loop);
	s->core = core_new(&s->settings, &env, &s->metrics);
	if (!core_load_plugins(s->core, s->config, error))
		return server_complain(error);
	return true;
}

static bool server_open_log(const struct settings *settings)
{
	struct log_config config = { settings->log_level, settings->log_format,
				     settings->log_file };
	char error[CONFIG_ERROR_MAX];

	return log_open(&config, error, sizeof(error)) || server_complain(error);
}

static const char *server_not_ready(void *arg)
{
	struct server *s = arg;

	return core_not_ready(s->core);
}

static void server_metrics(void *arg, struct par_json *out)
{
	struct server *s = arg;
	struct par_metric *ready = metrics_add(&s->metrics, PAR_GAUGE, NULL, "ready",
					       "1 when /readyz says that it is ready, else 0.");

	metric_set(ready, server_not_ready(s) == NULL);
	metrics_write(&s->metrics, out);
}

static bool server_start_http(struct server *s)
{
	struct http_hooks hooks = { s, server_not_ready, server_metrics };
	char error[CONFIG_ERROR_MAX];

	if (s->settings.http.host == NULL)
		return true;
	s->http = http_start(loop_base(s->loop), &s->settings.http, &hooks, error, sizeof(error));
	return s->http != NULL || server_complain(error);
}

static bool server_start(struct server *s)
{
	bool one_thread = s->settings.io_threads == 0;
	struct seam *seams;
	unsigned n;
	char error[CONFIG_ERROR_MAX];

	s->transport =
	    transport_new(&s->settings, loop_base(s->loop), one_thread ? -1 : loop_wake_fd(s->loop),
			  &s->metrics, error, sizeof(error));
	if (s->transport == NULL)
		return server_complain(error);
	seams = transport_seams(s->transport, &n);
	core_set_seams(s->core, seams, n);
	if (!core_start_plugins(s->core, error))
		return server_complain(error);
	return server_start_http(s);
}

static void server_drain(struct server *s)
{
	if (s->stop_signals++ > 0)
		return;
#ifdef HAVE_SYSTEMD
	sd_notify(0, "STOPPING=1");
#endif
	transport_stop_accepting(s->transport);
	core_drain(s->core);
}

/* What can change while the server runs is the log. The rest of the server's
 * section is checked, so that an error in it shows now and not at the next
 * start; the plugins' options are not looked at. */
static void server_reload(struct server *s)
{
	struct server fresh = { .line = s->line };

	if (!server_read_config(&fresh)) {
		log_error("server", "the config was not read again; what was in force stays");
		return;
	}
	if (server_open_log(&fresh.settings))
		log_info("server",
			 "read the config again: log_level, log_format and log_file are in "
			 "force, other changes wait for a restart");
	settings_free(&fresh.settings);
	config_free(&fresh.config);
}

static void on_signal(evutil_socket_t signal, short what, void *arg)
{
	struct server *s = arg;
	char error[CONFIG_ERROR_MAX];

	(void)what;
	if (signal == SIGTERM || signal == SIGINT)
		server_drain(s);
	else if (signal == SIGHUP)
		server_reload(s);
	else if (signal == SIGUSR1 && !log_reopen(error, sizeof(error)))
		log_error("server", "the log file was not opened anew: %s", error);
}

/* One that comes before ends the process at once: nothing is under way yet. There is no
 * moment at which one is lost. */
static void server_listen_signals(struct server *s)
{
	static const int numbers[N_SIGNALS] = { SIGTERM, SIGINT, SIGHUP, SIGUSR1 };
	unsigned i;

	for (i = 0; i < N_SIGNALS; i++) {
		s->signals[i] = evsignal_new(loop_base(s->loop), numbers[i], on_signal, s);
		event_add(s->signals[i], NULL);
	}
}

/* libevent puts back what ends a process. One that comes now is too late to matter, so it
 * is blocked for the rest. */
static void server_forget_signals(struct server *s)
{
	sigset_t mine;
	unsigned i;

	sigemptyset(&mine);
	for (i = 0; i < N_SIGNALS && s->signals[i] != NULL; i++)
		sigaddset(&mine, event_get_signal(s->signals[i]));
	pthread_sigmask(SIG_BLOCK, &mine, NULL);
	for (i = 0; i < N_SIGNALS && s->signals[i] != NULL; i++)
		event_free(s->signals[i]);
}

/* The one line that scripts wait for; on stderr wherever the log goes. */
static void server_say_ready(const struct server *s)
{
	struct par_json line;
	const char *address;
	unsigned i;

	par_json_init(&line);
	for (i = 0; (address = transport_address(s->transport, i)) != NULL; i++) {
		par_json_bytes(&line, " ", 1);
		par_json_bytes(&line, address, strlen(address));
	}
	if (s->http != NULL) {
		par_json_bytes(&line, " ", 1);
		par_json_bytes(&line, http_address(s->http), strlen(http_address(s->http)));
	}
	fprintf(stderr, "parlanced: ready%.*s\n", (int)line.len, par_json_text(&line).s);
#ifdef HAVE_SYSTEMD
	sd_notify(0, "READY=1");
#endif
	par_json_free(&line);
}

/* A connection is a file: take as many as the hard limit gives. */
static void server_raise_file_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

static bool server_finished(void *arg)
{
	struct server *s = arg;

	return s->stop_signals > 1 || core_drained(s->core);
}

static void server_free(struct server *s)
{
	http_stop(&s->http);
	if (s->transport != NULL)
		transport_stop(s->transport);
	if (s->core != NULL)
		core_stop_plugins(s->core);
	transport_free(&s->transport);
	core_free(&s->core);
	server_forget_signals(s);
	loop_free(&s->loop);
	metrics_free(&s->metrics);
	settings_free(&s->settings);
	config_free(&s->config);
}

static void server_ignore_signals(void)
{
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN); /* a file at its limit is a failed write */
}

int server_run(const struct command_line *line)
{
	struct server s = { .line = line };
	bool ok;

	server_ignore_signals();
	server_raise_file_limit();
	if (!server_read_config(&s))
		return 1;
	ok = server_open_log(&s.settings) && server_load_core(&s) && server_start(&s);
	if (ok) {
		server_listen_signals(&s);
		transport_start(s.transport);
		server_say_ready(&s);
		loop_run(s.loop, s.core, s.settings.io_threads == 0 ? s.transport : NULL,
			 server_finished, &s);
		log_info("server", "ended");
	}
	server_free(&s);
	log_close();
	return ok ? 0 : 1;
}

int server_check(const struct command_line *line)
{
	struct server s = { .line = line };
	bool ok;

	if (!server_read_config(&s))
		return 1;
	ok = server_load_core(&s);
	if (ok)
		printf("%s: ok\n", server_config_path(line));
	server_free(&s);
	return ok ? 0 : 1;
}

/* The log stays on stderr: the log file is the running server's, and perhaps another user's. */
int server_migrate(const struct command_line *line)
{
	struct server s = { .line = line };
	const char *storage = NULL, *down = NULL;
	char error[CONFIG_ERROR_MAX];

	server_ignore_signals();
	if (!server_read_config(&s))
		return 1;
	if (server_load_core(&s)) {
		storage = core_start_storage(s.core, error);
		down = storage == NULL ? error : core_not_ready(s.core);
		if (down != NULL)
			server_complain(down);
		else
			printf("%s: the tables of %s are those of this version\n",
			       server_config_path(line), storage);
	}
	server_free(&s);
	return storage != NULL && down == NULL ? 0 : 1;
}
