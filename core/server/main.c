/* SPDX-License-Identifier: BSD-2-Clause */
/* parlanced: reads the command line and does what it says. */
#include <stdio.h>
#include <string.h>

#include "config/config.h"
#include "config/settings.h"
#include "engine/core.h"
#include "server/options.h"
#include "server/server.h"

/* Plugins are looked for where the config says, if one is given. */
static int help_plugin(const struct command_line *line)
{
	struct config *config = NULL;
	struct settings settings = { 0 };
	const char *dir = PLUGIN_DIR;
	char error[CONFIG_ERROR_MAX];
	bool ok = true;

	if (strcmp(line->help_plugin, "server") == 0) {
		puts("The server's own options, under server:");
		config_print_options(settings_options);
		return 0;
	}
	if (line->config != NULL) {
		config = config_load(line->config, line->sets, line->n_sets, error);
		ok = config != NULL && settings_read(&settings, config, error);
		if (ok)
			dir = settings.plugin_dir;
	}
	ok = ok && plugin_print_help(dir, line->help_plugin, error);
	if (!ok)
		fprintf(stderr, "parlanced: %s\n", error);
	settings_free(&settings);
	config_free(&config);
	return ok ? 0 : 1;
}

int main(int argc, char **argv)
{
	struct command_line line;
	int status = 0;

	command_line_read(&line, argc, argv);
	switch (line.action) {
	case ACTION_RUN:
		status = server_run(&line);
		break;
	case ACTION_CHECK:
		status = server_check(&line);
		break;
	case ACTION_MIGRATE:
		status = server_migrate(&line);
		break;
	case ACTION_HELP_PLUGIN:
		status = help_plugin(&line);
		break;
	case ACTION_USAGE:
		status = 2;
		break;
	case ACTION_DONE:
		break;
	}
	command_line_free(&line);
	return status;
}
