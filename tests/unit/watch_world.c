/* SPDX-License-Identifier: BSD-2-Clause */
/* A plugin that watches, and the loop around the core; see watch_world.h. */
#include "watch_world.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"

static struct settings settings;
static struct metrics metrics;
struct loop *loop;
struct core *core;
struct par_plugin *plugin;
char log_name[64];

static void do_nothing(void *state)
{
	(void)state;
}

/* The core owns it, and closes it at the end. */
static void plugin_add(void)
{
	plugin = calloc(1, sizeof(*plugin));
	plugin->core = core;
	plugin->object = dlopen(NULL, RTLD_NOW);
	plugin->phase = PLUGIN_RUNNING;
	plugin->state = plugin;
	plugin->descriptor.name = "watcher";
	plugin->descriptor.unload = do_nothing;
	core->registry.plugins = plugin;
}

void begin(void)
{
	struct log_config config = { .level = PAR_LOG_WARNING, .file = log_name };
	struct core_env env;
	char error[256];

	snprintf(log_name, sizeof(log_name), "/tmp/test_watch.%d.log", (int)getpid());
	unlink(log_name);
	CU_ASSERT_FATAL(log_open(&config, error, sizeof(error)));
	settings.slow_callback = WATCH_SLOW_MS;
	loop = loop_new();
	env = loop_env(loop);
	core = core_new(&settings, &env, &metrics);
	plugin_add();
}

void finish(void)
{
	core_stop_plugins(core);
	CU_ASSERT(TAILQ_EMPTY(&core->watches.all));
	core_free(&core);
	loop_free(&loop);
	metrics_free(&metrics);
	memset(&metrics, 0, sizeof(metrics));
	log_close();
	unlink(log_name);
}

bool logged(const char *words)
{
	char text[4096] = "";
	FILE *file = fopen(log_name, "r");

	CU_ASSERT_FATAL(file != NULL);
	text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
	fclose(file);
	return strstr(text, words) != NULL && strstr(text, "plugin=watcher") != NULL;
}

void count(void *state, void *arg, unsigned ready)
{
	struct end *end = arg;
	char byte;

	CU_ASSERT_PTR_EQUAL(state, plugin);
	end->calls++;
	end->ready = ready;
	if (end->drain) {
		while (read(end->fd, &byte, 1) == 1)
			;
	}
	if (end->victim != 0)
		CU_ASSERT(api_table.watch_stop(plugin, end->victim));
	if (end->muted != 0)
		CU_ASSERT(api_table.watch_change(plugin, end->muted, 0));
	end->victim = end->muted = 0;
}

void end_open(struct end *end, unsigned what)
{
	int fds[2];

	memset(end, 0, sizeof(*end));
	CU_ASSERT_FATAL(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) == 0);
	end->fd = fds[0];
	end->other = fds[1];
	end->id = api_table.watch_start(plugin, end->fd, what, count, plugin, end);
	CU_ASSERT_NOT_EQUAL(end->id, 0);
}

void end_say(const struct end *end)
{
	CU_ASSERT_EQUAL(write(end->other, "x", 1), 1);
}

void end_close(const struct end *end)
{
	close(end->fd);
	close(end->other);
}

static bool no_turn_left(void *arg)
{
	return (*(unsigned *)arg)-- == 0;
}

void turns(unsigned n)
{
	loop_run(loop, core, NULL, no_turn_left, &n);
}
