/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * parlance-cli chat: a conversation in the terminal. It begins with the last messages
 * of the history; events wait until these are shown, so that all stands in order.
 * A line is shown as a message when the server has it, with its number.
 * What is shown of the other side is marked as read.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <event2/event.h>

#include "base/mem.h"
#include "chat.h"
#include "client.h"
#include "editor.h"
#include "message.h"
#include "terminal.h"

#define TYPING_EVERY_MS 3000 /* the server forgets it after 6 s */
#define GOODBYE_S 10
#define WAITING_MAX 64 /* lines of a pipe that wait for their answer */

void chat_say(struct chat *chat, const char *format, ...)
{
	va_list args;

	if (chat->editor != NULL)
		editor_hide(chat->editor);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
	fflush(stdout);
	if (chat->editor != NULL)
		editor_show(chat->editor);
}

static void chat_notice(void *arg, const char *text)
{
	char *escaped = terminal_escape(par_str_of(text), "\n    ");

	chat_say(arg, "-- %s", escaped);
	free(escaped);
}

static void chat_finish_if_done(struct chat *chat)
{
	if (chat->ending && client_unanswered(chat->client) == 0)
		client_finish(chat->client, chat->failed ? STATUS_FAILED : STATUS_OK);
}

static void chat_begin_payload(struct chat *chat, struct par_json *w)
{
	par_json_init(w);
	par_json_object_begin(w);
	par_json_member_string(w, "chatId", par_str_of(chat->options->to));
}

static void chat_request(struct chat *chat, const char *type, struct par_json *w,
			 request_answered_fn answered, void *data)
{
	par_json_object_end(w);
	client_request(chat->client, type, par_json_text(w), answered, data);
	par_json_free(w);
}

static void chat_marked(void *arg, void *data, struct json_object *response, struct par_str text)
{
	struct chat *chat = arg;

	(void)data;
	(void)response;
	(void)text;
	chat->marking = false;
	chat_mark_read(chat);
	chat_finish_if_done(chat);
}

void chat_mark_read(struct chat *chat)
{
	struct par_json w;

	if (chat->marking || chat->read <= chat->marked)
		return;
	chat->marking = true;
	chat->marked = chat->read;
	chat_begin_payload(chat, &w);
	par_json_member_u64(&w, "messageId", chat->read);
	chat_request(chat, "read", &w, chat_marked, NULL);
}

static void chat_delivered(void *arg, void *data, struct json_object *response, struct par_str text)
{
	(void)data;
	(void)response;
	(void)text;
	chat_finish_if_done(arg);
}

void chat_mark_delivered(struct chat *chat, struct par_str chat_id)
{
	struct par_json w;

	par_json_init(&w);
	par_json_object_begin(&w);
	par_json_member_string(&w, "chatId", chat_id);
	chat_request(chat, "dlvrd", &w, chat_delivered, NULL);
}

static bool chat_event(void *arg, struct json_object *event, struct par_str text)
{
	struct chat *chat = arg;

	(void)text;
	if (chat_show_event(chat, event))
		return true;
	client_finish(chat->client, STATUS_FAILED);
	return false;
}

static void chat_got_history(void *arg, void *data, struct json_object *response,
			     struct par_str text)
{
	struct chat *chat = arg;

	(void)data;
	(void)text;
	chat_show_history(chat, message_object(response, "payload"));
	client_release_events(chat->client);
	chat_finish_if_done(chat);
}

/* `data` is the text of a message, or "" for a change of one. */
static void chat_answered(void *arg, void *data, struct json_object *response, struct par_str text)
{
	struct chat *chat = arg;
	struct par_str error = message_error(response);
	const char *line = data;
	char *escaped;

	(void)text;
	if (error.s != NULL) {
		escaped = terminal_escape(error, "\n    ");
		chat_say(chat, "-- not done: %s", escaped);
		free(escaped);
		chat->failed = true;
	} else if (*line != '\0') {
		chat_show_own(chat, message_object(response, "payload"), line);
	} else {
		chat_say(chat, "-- done");
	}
	if (chat->lines != NULL && client_unanswered(chat->client) < WAITING_MAX)
		lines_resume(chat->lines);
	chat_finish_if_done(chat);
}

static void chat_send(struct chat *chat, struct par_str line)
{
	char id[CLIENT_MESSAGE_ID_SIZE];
	struct par_json w;

	client_message_id(chat->client, id);
	chat_begin_payload(chat, &w);
	par_json_member_string(&w, "clientMessageId", par_str_of(id));
	par_json_member_string(&w, "message", line);
	chat_request(chat, "new", &w, chat_answered, mem_strndup(line.s, line.len));
	chat->typing_told_ms = 0;
	if (chat->lines != NULL && client_unanswered(chat->client) >= WAITING_MAX)
		lines_pause(chat->lines);
}

static void chat_change(struct chat *chat, const char *type, uint64_t id, const char *text)
{
	char client_id[CLIENT_MESSAGE_ID_SIZE];
	struct par_json w;

	chat_begin_payload(chat, &w);
	par_json_member_u64(&w, "originalMessageId", id);
	if (text != NULL) {
		client_message_id(chat->client, client_id);
		par_json_member_string(&w, "clientMessageId", par_str_of(client_id));
		par_json_member_string(&w, "message", par_str_of(text));
	}
	chat_request(chat, type, &w, chat_answered, mem_strdup(""));
}

/* "/edit 5 TEXT", "/delete 5", "/help". */
static void chat_command(struct chat *chat, const char *line)
{
	uint64_t id;
	int at = 0;

	if (sscanf(line, "/edit %" SCNu64 " %n", &id, &at) == 1 && at > 0 && line[at] != '\0')
		chat_change(chat, "edit", id, line + at);
	else if (sscanf(line, "/delete %" SCNu64 " %n", &id, &at) == 1 && line[at] == '\0')
		chat_change(chat, "delete", id, NULL);
	else
		chat_say(chat, "-- /edit NUMBER TEXT, /delete NUMBER; // begins a message with a "
			       "slash; Ctrl-D ends");
}

static void chat_line(void *arg, struct par_str line)
{
	struct chat *chat = arg;
	char *command;

	if (line.s[0] != '/') {
		chat_send(chat, line);
	} else if (line.len > 1 && line.s[1] == '/') {
		chat_send(chat, (struct par_str){ line.s + 1, line.len - 1 });
	} else {
		command = mem_strndup(line.s, line.len);
		chat_command(chat, command);
		free(command);
	}
}

static void chat_typed(void *arg, bool empty)
{
	struct chat *chat = arg;
	struct timespec now;
	struct par_json w;
	uint64_t ms;

	clock_gettime(CLOCK_MONOTONIC, &now);
	ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
	if (empty ? chat->typing_told_ms == 0
		  : chat->typing_told_ms != 0 && ms - chat->typing_told_ms < TYPING_EVERY_MS)
		return;
	chat->typing_told_ms = empty ? 0 : ms;
	chat_begin_payload(chat, &w);
	if (empty)
		par_json_member_bool(&w, "stop", true);
	par_json_object_end(&w);
	client_event(chat->client, "typing", par_json_text(&w));
	par_json_free(&w);
}

static void chat_end(void *arg)
{
	struct chat *chat = arg;
	const struct timeval limit = { .tv_sec = GOODBYE_S };

	chat->ending = true;
	event_add(chat->goodbye, &limit);
	chat_finish_if_done(chat);
}

static void chat_on_goodbye(evutil_socket_t fd, short what, void *arg)
{
	struct chat *chat = arg;

	(void)fd;
	(void)what;
	chat_say(chat, "-- not answered: %zu", client_unanswered(chat->client));
	client_finish(chat->client, STATUS_FAILED);
}

static void chat_begin(struct chat *chat)
{
	static const struct line_handler from_input = {
		.line = chat_line, .bad = chat_notice, .typed = chat_typed, .end = chat_end
	};
	struct event_base *base = client_base(chat->client);
	struct par_json w;

	if (isatty(STDIN_FILENO) && isatty(STDOUT_FILENO))
		chat->editor = editor_open(base, "> ", &from_input, chat);
	else
		chat->lines = lines_open(base, &from_input, chat);
	if (chat->options->count == 0)
		return;
	client_hold_events(chat->client);
	chat_begin_payload(chat, &w);
	par_json_member_u64(&w, "count", chat->options->count);
	chat_request(chat, "messages", &w, chat_got_history, NULL);
}

int chat_run(const struct options *options)
{
	static const struct client_handler handler = { .event = chat_event,
						       .notice = chat_notice,
						       .status_on_signal = STATUS_OK };
	struct chat chat = { .options = options };
	int status;

	chat.client = client_new(options, &handler, &chat);
	if (chat.client == NULL)
		return STATUS_USAGE;
	chat.goodbye = evtimer_new(client_base(chat.client), chat_on_goodbye, &chat);
	chat_begin(&chat);
	status = client_run(chat.client);
	editor_free(&chat.editor);
	lines_free(&chat.lines);
	event_free(chat.goodbye);
	client_free(&chat.client);
	return status;
}
