/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is shown to people. Others wrote it, so nothing of it reaches the
 * terminal that a terminal would obey: control characters (C0, DEL, C1), and the
 * characters that turn the direction of the text or are not to be seen.
 */
#ifndef PARLANCE_CLI_TERMINAL_H
#define PARLANCE_CLI_TERMINAL_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <parlance/json.h>

/* The text, harmless; the caller frees it. A line feed becomes `newline`; what
 * is not UTF-8 and every other dangerous character a visible escape. */
char *terminal_escape(struct par_str text, const char *newline);

/* "parlance-cli: TEXT" on stderr, escaped. */
void terminal_notice(const char *text);

/* One line of JSON: byte for byte, but for line breaks between its tokens, which are of no
 * meaning; and with \u escapes for dangerous characters when `to` is a terminal. False:
 * it could not be written. It is flushed. */
bool terminal_json(FILE *to, struct par_str json);

#define TERMINAL_TIME_SIZE 9
/* HH:MM:SS, local time. */
void terminal_time(uint64_t ms, char to[TERMINAL_TIME_SIZE]);

#endif
