/* SPDX-License-Identifier: BSD-2-Clause */
/* The command line of parlanced; see options.h. */
#include "server/options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"

static const char help[] =
    "Usage: parlanced [OPTION]...\n"
    "The Parlance messaging server. Runs in the foreground.\n"
    "\n"
    "  -c, --config FILE       the config (default " SYSCONFDIR "/parlance/parlance.yaml)\n"
    "  -t, --check-config      read and check everything, plugins' options too, and exit\n"
    "      --migrate           bring the storage's tables to this version, and exit\n"
    "  -s, --set KEY=VALUE     override one key, e.g. server.listen=ws://127.0.0.1:8080\n"
    "                          or plugins.typing={}; may be repeated\n"
    "      --help-plugin NAME  print a plugin's options (\"server\": the server's own)\n"
    "  -V, --version           print the version\n"
    "  -h, --help              print this\n"
    "\n"
    "Signals: TERM and INT finish what is in flight and end the server (a second one ends it\n"
    "at once), HUP reads the config again, USR1 opens the log file anew.\n";

static const struct option options[] = {
	{ "config", required_argument, NULL, 'c' },
	{ "check-config", no_argument, NULL, 't' },
	{ "migrate", no_argument, NULL, 'm' },
	{ "set", required_argument, NULL, 's' },
	{ "help-plugin", required_argument, NULL, 'p' },
	{ "version", no_argument, NULL, 'V' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

static void command_line_option(struct command_line *line, int option)
{
	switch (option) {
	case 'c':
		line->config = optarg;
		break;
	case 't':
		line->action = ACTION_CHECK;
		break;
	case 'm':
		line->action = ACTION_MIGRATE;
		break;
	case 's':
		line->sets[line->n_sets++] = optarg;
		break;
	case 'p':
		line->action = ACTION_HELP_PLUGIN;
		line->help_plugin = optarg;
		break;
	case 'V':
		puts(PACKAGE_STRING);
		line->action = ACTION_DONE;
		break;
	case 'h':
		fputs(help, stdout);
		line->action = ACTION_DONE;
		break;
	default:
		fputs("Try 'parlanced --help'.\n", stderr);
		line->action = ACTION_USAGE;
		break;
	}
}

void command_line_read(struct command_line *line, int argc, char **argv)
{
	int option;

	line->action = ACTION_RUN;
	line->config = NULL;
	line->help_plugin = NULL;
	line->sets = mem_zalloc((size_t)argc * sizeof(*line->sets));
	line->n_sets = 0;
	while (line->action != ACTION_DONE && line->action != ACTION_USAGE &&
	       (option = getopt_long(argc, argv, "c:ts:Vh", options, NULL)) != -1)
		command_line_option(line, option);
	if (line->action != ACTION_DONE && line->action != ACTION_USAGE && optind < argc) {
		fprintf(stderr, "parlanced: unexpected argument \"%s\"\n", argv[optind]);
		line->action = ACTION_USAGE;
	}
}

void command_line_free(struct command_line *line)
{
	free(line->sets);
}
