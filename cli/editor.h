/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One line of input at the bottom of a terminal, that stays whole while
 * messages are printed above it, and that tells when something is typed.
 */
#ifndef PARLANCE_CLI_EDITOR_H
#define PARLANCE_CLI_EDITOR_H

#include "lines.h"

struct editor;

/* Takes stdin over; stdin and stdout are the terminal. `prompt` lives as long as the editor. */
struct editor *editor_open(struct event_base *base, const char *prompt,
			   const struct line_handler *handler, void *arg);
/* Gives the terminal back as it was. */
void editor_free(struct editor **editor);

/* Around whatever else is printed. */
void editor_hide(struct editor *editor);
void editor_show(struct editor *editor);

#endif
