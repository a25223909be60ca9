/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The record of a run, for checking it afterwards: one JSON line for each
 * message, {"t": ms since the epoch, "dir": "sent" | "answered" | "received" |
 * "acked", "message": the message as it was on the wire}. Each line is written
 * before what it tells of can have a consequence.
 */
#ifndef PARLANCE_CLI_RECORD_H
#define PARLANCE_CLI_RECORD_H

#include <stdbool.h>

#include <parlance/json.h>

struct record;

/* Appends to the file. NULL: it cannot be opened, errno says why. */
struct record *record_open(const char *path);
void record_close(struct record **record);
/* `record` may be NULL: nothing is recorded. `message` is trusted to be JSON. A
 * record that cannot be written is worse than none: false. */
bool record_write(struct record *record, const char *dir, struct par_str message);

#endif
