/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The history checker: takes down what clients sent and received, then says
 * which promises of docs/protocol.md the server broke: a message lost, doubled,
 * out of order, answered but not stored, told but not stored. It knows nothing
 * but what the clients saw. docs/history-check.md has the recording and the rules.
 *
 * One thread. Nothing is kept of what is handed in: all arguments are borrowed.
 * Times are whole milliseconds; within one history they only order what stands in
 * different files, so a simulated clock does as well. Lines are taken in the
 * order in which they are handed in.
 */
#ifndef PARLANCE_TESTS_HISTORY_H
#define PARLANCE_TESTS_HISTORY_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <json-c/json.h>

struct history;

struct history *history_new(void);
void history_free(struct history **history);

/* The server's ack_window, to be judged as well. 0 (default): not judged. */
void history_set_window(struct history *h, unsigned window);

/* Where the next lines stand, for the report: file (NULL: not named) and number of the
 * next line. From the second file on, order between files is known by `t` only. */
void history_set_place(struct history *h, const char *file, unsigned line);

/* One line of a recording. False: it is not a recording, and `why` is a sentence
 * without its place; the line is then as if it were not there. */
bool history_line(struct history *h, struct json_object *line, const char **why);

/* The same, said directly. `conn` names the connection; open on a name that is open begins a
 * new one. A message on one that is not open is dropped. */
void history_birth(struct history *h); /* the storage is empty, all its clients are on record */
void history_open(struct history *h, uint64_t t, const char *conn, const char *user,
		  const char *device);
/* NULL: something that is no JSON object. */
void history_out(struct history *h, uint64_t t, const char *conn, struct json_object *message);
void history_in(struct history *h, uint64_t t, const char *conn, struct json_object *message);
void history_close(struct history *h, uint64_t t, const char *conn);
/* This device has by now received every event and response that there is for it. */
void history_caught_up(struct history *h, uint64_t t, const char *user, const char *device);

/* Judges all that was taken down, once, at the end. Writes a paragraph for each fault
 * found: its name, what is wrong, and the lines that prove it. Returns how many. */
unsigned history_judge(struct history *h, FILE *out);
/* What was taken down, in a few lines of figures. */
void history_summary(const struct history *h, FILE *out);

#endif
