/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The lines of stdin when it is no terminal: a pipe, a file, /dev/null.
 */
#ifndef PARLANCE_CLI_LINES_H
#define PARLANCE_CLI_LINES_H

#include <stdbool.h>

#include <parlance/json.h>

struct lines;
struct event_base;

#define LINES_MAX 65536 /* bytes of one line; more is no message a server takes */

/* Who wants lines, from here or from the editor. */
struct line_handler {
	/* Without its line feed; valid UTF-8 and not empty. */
	void (*line)(void *arg, struct par_str line);
	/* A line that was left out, and why. */
	void (*bad)(void *arg, const char *why);
	/* Something was typed, or the last of it erased; NULL: of no interest. */
	void (*typed)(void *arg, bool empty);
	void (*end)(void *arg);
};

struct lines *lines_open(struct event_base *base, const struct line_handler *handler, void *arg);
void lines_free(struct lines **lines);
/* While paused no line is handed over, and stdin is not read. */
void lines_pause(struct lines *lines);
void lines_resume(struct lines *lines);

/* Hands the line to `line` or `bad`; an empty one to nobody. */
void line_hand_over(const struct line_handler *handler, void *arg, struct par_str line);

#endif
