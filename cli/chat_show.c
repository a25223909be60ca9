/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How a chat looks: a line for a message, "-- " before everything else.
 * Everything that came from the server goes through terminal_escape.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "chat.h"
#include "client.h"
#include "message.h"
#include "terminal.h"

#define INDENT "\n    " /* so that a line of a message never looks like one of ours */

static char *chat_text(struct json_object *from, const char *key)
{
	struct par_str value = message_string(from, key);

	return terminal_escape(value.s == NULL ? par_str_of("") : value, INDENT);
}

/* The text of a message, or what stands for it; the caller frees it. */
static char *chat_body(struct json_object *message)
{
	struct json_object *attachments = message_array(message, "attachments");
	struct json_object *first;
	char *name, *body;

	if (message_is(message, "status", "deleted") ||
	    json_object_object_get_ex(message, "deletedAt", NULL))
		return mem_strdup("(deleted)");
	if (message_string(message, "message").len > 0)
		return chat_text(message, "message");
	if (attachments == NULL || json_object_array_length(attachments) == 0)
		return mem_strdup(message_is(message, "type", "call") ? "(call)" : "()");
	first = json_object_array_get_idx(attachments, 0);
	name = chat_text(first, "filename");
	if (asprintf(&body, "(%s)", name) < 0)
		abort();
	free(name);
	return body;
}

static void chat_show_message(struct chat *chat, struct json_object *message, uint64_t id,
			      const char *time_key, const char *after)
{
	char time[TERMINAL_TIME_SIZE] = "";
	char *sender = chat_text(message, "sender");
	char *body = chat_body(message);
	uint64_t ms;

	if (message_u64(message, time_key, &ms))
		terminal_time(ms, time);
	chat_say(chat, "%s #%" PRIu64 " %s: %s%s", time, id, sender, body, after);
	free(sender);
	free(body);
}

void chat_show_own(struct chat *chat, struct json_object *payload, const char *text)
{
	char time[TERMINAL_TIME_SIZE] = "";
	char *escaped = terminal_escape(par_str_of(text), INDENT);
	char *user = terminal_escape(par_str_of(chat->options->user), INDENT);
	uint64_t ms, id = 0;

	if (message_u64(payload, "timestamp", &ms))
		terminal_time(ms, time);
	message_u64(payload, "messageId", &id);
	chat_say(chat, "%s #%" PRIu64 " %s: %s", time, id, user, escaped);
	free(escaped);
	free(user);
}

static void chat_note_shown(struct chat *chat, struct json_object *message, uint64_t id)
{
	if (!message_is(message, "sender", chat->options->user) && id > chat->read)
		chat->read = id;
}

void chat_show_history(struct chat *chat, struct json_object *payload)
{
	struct json_object *messages = message_array(payload, "messages");
	size_t i, n = messages == NULL ? 0 : json_object_array_length(messages);

	for (i = 0; i < n; i++) {
		struct json_object *message = json_object_array_get_idx(messages, i);
		bool own = message_is(message, "sender", chat->options->user);
		uint64_t id;

		if (!message_u64(message, "messageId", &id))
			continue;
		chat->past = id;
		chat_note_shown(chat, message, id);
		if (message_is(message, "type", "edit") || message_is(message, "type", "delete"))
			continue;
		chat_show_message(chat, message, id, "createdAt",
				  own && message_is(message, "status", "read") ? " (read)" : "");
	}
	chat_mark_read(chat);
}

static void chat_show_new(struct chat *chat, struct json_object *payload, uint64_t id)
{
	chat->partner_types = false;
	if (id > chat->past)
		chat_show_message(chat, payload, id, "timestamp", "");
	chat_note_shown(chat, payload, id);
	chat_mark_read(chat);
}

static void chat_show_change(struct chat *chat, struct json_object *payload, const char *what)
{
	char *sender = chat_text(payload, "sender");
	char *body = chat_text(payload, "message");
	uint64_t id = 0;

	message_u64(payload, "originalMessageId", &id);
	chat_say(chat, "-- %s %s #%" PRIu64 "%s%s", sender, what, id, *body == '\0' ? "" : ": ",
		 body);
	free(sender);
	free(body);
}

static void chat_show_mark(struct chat *chat, struct json_object *payload, const char *what)
{
	char *user = chat_text(payload, "userId");
	uint64_t id = 0;

	message_u64(payload, "messageId", &id);
	if (!message_is(payload, "userId", chat->options->user))
		chat_say(chat, "-- #%" PRIu64 " %s %s", id, what, user);
	free(user);
}

static void chat_show_typing(struct chat *chat, struct json_object *payload)
{
	bool types = !message_true(payload, "stop");
	char *user = chat_text(payload, "userId");

	if (types && !chat->partner_types)
		chat_say(chat, "-- %s is typing", user);
	chat->partner_types = types;
	free(user);
}

/* Of other chats the user learns that there is something. */
static void chat_show_elsewhere(struct chat *chat, struct json_object *event)
{
	struct json_object *payload = message_object(event, "payload");
	char *where = chat_text(payload, "chatId");

	if (message_is(event, "eventType", "new") &&
	    !message_is(payload, "sender", chat->options->user)) {
		chat_say(chat, "-- a message in the chat %s", where);
		chat_mark_delivered(chat, message_string(payload, "chatId"));
	}
	free(where);
}

static void chat_show_presence(struct chat *chat, struct json_object *payload, const char *what)
{
	if (message_is(payload, "userId", chat->options->to))
		chat_say(chat, "-- %s", what);
}

bool chat_show_event(struct chat *chat, struct json_object *event)
{
	struct json_object *payload = message_object(event, "payload");
	uint64_t id = 0;

	message_u64(payload, "messageId", &id);
	if (message_is(event, "eventType", "online"))
		chat_show_presence(chat, payload, "online");
	else if (message_is(event, "eventType", "offline"))
		chat_show_presence(chat, payload, "offline");
	else if (message_is(event, "eventType", "resync"))
		chat_say(chat,
			 "-- this device was away too long: some marks and changes are missing");
	else if (!message_is(payload, "chatId", chat->options->to))
		chat_show_elsewhere(chat, event);
	else if (message_is(event, "eventType", "new"))
		chat_show_new(chat, payload, id);
	else if (message_is(event, "eventType", "edit"))
		chat_show_change(chat, payload, "changed");
	else if (message_is(event, "eventType", "delete"))
		chat_show_change(chat, payload, "deleted");
	else if (message_is(event, "eventType", "dlvrd"))
		chat_show_mark(chat, payload, "delivered to");
	else if (message_is(event, "eventType", "read"))
		chat_show_mark(chat, payload, "read by");
	else if (message_is(event, "eventType", "typing"))
		chat_show_typing(chat, payload);
	return !ferror(stdout);
}
