/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The life of the server process: builds the parts in their order, runs them,
 * listens to signals, and takes them down again.
 */
#ifndef PARLANCE_SERVER_H
#define PARLANCE_SERVER_H

#include "server/options.h"

/* Runs until a signal ends it; returns the exit status. */
int server_run(const struct command_line *line);
/* --check-config. */
int server_check(const struct command_line *line);
/* --migrate: starts the storage alone, and stops it. Listens nowhere. */
int server_migrate(const struct command_line *line);

/* The config file that is meant: --config, or the default. */
const char *server_config_path(const struct command_line *line);

#endif
