/* SPDX-License-Identifier: BSD-2-Clause */
/* The command line of parlanced. */
#ifndef PARLANCE_SERVER_OPTIONS_H
#define PARLANCE_SERVER_OPTIONS_H

#include <stdbool.h>

enum command_action {
	ACTION_RUN,
	ACTION_CHECK,
	ACTION_MIGRATE,
	ACTION_HELP_PLUGIN,
	ACTION_DONE,
	ACTION_USAGE
};

struct command_line {
	enum command_action action;
	const char *config;
	const char *help_plugin;
	const char **sets;
	unsigned n_sets;
};

/* --help and --version are done here (ACTION_DONE); a wrong option is
 * explained on stderr (ACTION_USAGE). */
void command_line_read(struct command_line *line, int argc, char **argv);
void command_line_free(struct command_line *line);

#endif
