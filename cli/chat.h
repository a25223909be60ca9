/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What chat.c (what the user does) and chat_show.c (what the server says) share.
 */
#ifndef PARLANCE_CLI_CHAT_H
#define PARLANCE_CLI_CHAT_H

#include <stdbool.h>
#include <stdint.h>

#include <parlance/json.h>

#include "cli.h"

struct json_object;

struct chat {
	const struct options *options;
	struct client *client;
	struct editor *editor; /* a terminal; else NULL and lines */
	struct lines *lines;
	struct event *goodbye; /* the wait for the last answers */
	bool ending;
	bool failed;
	uint64_t past; /* the last messageId of the history that was shown */
	uint64_t read; /* the highest message of the other side that was shown */
	uint64_t marked; /* the highest that a `read` request was made for */
	bool marking; /* such a request is unanswered */
	bool partner_types;
	uint64_t typing_told_ms; /* when the server was last told that we type; 0: not typing */
};

/* One line above the input; what others wrote must be escaped already. */
void chat_say(struct chat *chat, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Marks as read what was shown so far, one request at a time. */
void chat_mark_read(struct chat *chat);

/* Marks as delivered what came in another chat. */
void chat_mark_delivered(struct chat *chat, struct par_str chat_id);

/* Shows an event; false: the output is gone. */
bool chat_show_event(struct chat *chat, struct json_object *event);
/* Shows the answer to `messages`. */
void chat_show_history(struct chat *chat, struct json_object *payload);
/* A message of our own that the server has. */
void chat_show_own(struct chat *chat, struct json_object *payload, const char *text);

#endif
