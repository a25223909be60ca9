/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The record of a run, for parlance-history-check: docs/history-check.md says what its
 * lines hold. Each line is written before what it tells of can have a consequence.
 * Several programs may append to one file.
 */
#ifndef PARLANCE_CLI_RECORD_H
#define PARLANCE_CLI_RECORD_H

#include <stdbool.h>

#include <parlance/json.h>

struct record;

/* Appends to the file. NULL: it cannot be opened, errno says why. */
struct record *record_open(const char *path);
void record_close(struct record **record);
/* For the following `record` may be NULL: nothing is recorded. A record that cannot be
 * written is worse than none: false. */

/* The messages that follow are on a new connection. */
bool record_connected(struct record *record, const char *user, const char *device);
bool record_disconnected(struct record *record);
/* `dir` is "out" or "in"; `message` is trusted to be JSON. */
bool record_message(struct record *record, const char *dir, struct par_str message);

#endif
