/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What main() read from the command line, and the commands that it hands it
 * to. All strings live as long as the process. A command returns the exit
 * status of the program.
 */
#ifndef PARLANCE_CLI_H
#define PARLANCE_CLI_H

#include <stdbool.h>

enum cli_status { STATUS_OK = 0, STATUS_FAILED = 1, STATUS_USAGE = 2 };

struct options {
	const char *url;
	const char *user; /* NULL: the token says who */
	const char *device; /* NULL: the server's default device */
	const char *token; /* NULL: none */
	const char *record; /* NULL: none */
	unsigned timeout; /* seconds without progress; 0: wait for ever */
	const char *to;
	const char *message; /* NULL: lines of stdin */
	const char *type;
	const char *payload;
	unsigned count; /* tail: events to show, 0: no end; chat: messages of the past to show */
	unsigned window; /* requests in flight */
	bool json;
	bool ack;
};

int chat_run(const struct options *options);
int send_run(const struct options *options);
int tail_run(const struct options *options);
int request_run(const struct options *options);

#endif
