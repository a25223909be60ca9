/* SPDX-License-Identifier: BSD-2-Clause */
/* The lines of a recording, handed on to what they are about; see history.h. */
#include "history.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "conn.h"
#include "content.h"
#include "judge.h"

#define DEVICE_DEFAULT "default" /* as docs/protocol.md has it */

struct history *history_new(void)
{
	struct history *h = mem_zalloc(sizeof(*h));

	h->faults = faults_new();
	h->requests_end = &h->requests;
	h->pages_end = &h->pages;
	h->at.line = 1;
	return h;
}

static void user_free(struct user *user)
{
	struct device *d;

	HASH_CLEAR(hh, user->events);
	for (d = user->devices; d != NULL; d = d->next)
		free(d->got);
}

void history_free(struct history **history)
{
	struct history *h = *history;
	struct user *user, *next_user;
	struct chat *chat, *next_chat;
	struct conn *c;
	uint32_t i;

	if (h == NULL)
		return;
	*history = NULL;
	for (c = h->all_conns; c != NULL; c = c->next)
		conn_free(c);
	HASH_ITER(hh, h->users, user, next_user) {
		user_free(user);
	}
	HASH_ITER(hh, h->chats, chat, next_chat) {
		HASH_CLEAR(hh, chat->messages);
	}
	HASH_CLEAR(hh, h->names);
	HASH_CLEAR(hh, h->users);
	HASH_CLEAR(hh, h->chats);
	HASH_CLEAR(hh, h->intents);
	HASH_CLEAR(hh, h->seats);
	HASH_CLEAR(hh, h->conns);
	for (i = 0; i < h->n_files; i++)
		free(h->files[i]);
	free(h->files);
	faults_free(&h->faults);
	arena_free(&h->arena);
	free(h);
}

void history_set_window(struct history *h, unsigned window)
{
	h->window = window;
}

void history_set_place(struct history *h, const char *file, unsigned line)
{
	h->at.line = line;
	if (file == NULL)
		return;
	for (h->at.file = 0; h->at.file < h->n_files; h->at.file++) {
		if (strcmp(h->files[h->at.file], file) == 0)
			return;
	}
	h->files = mem_realloc(h->files, (h->n_files + 1) * sizeof(*h->files));
	h->files[h->n_files++] = mem_strdup(file);
}

static void history_next(struct history *h)
{
	h->n_lines++;
	h->at.line++;
}

static struct conn *history_conn(struct history *h, const char *name)
{
	struct conn *c;

	HASH_FIND_STR(h->conns, name, c);
	return c;
}

static struct conn *history_open_conn(struct history *h, const char *name)
{
	struct conn *c = history_conn(h, name);

	return c == NULL || c->closed.line > 0 ? NULL : c;
}

void history_birth(struct history *h)
{
	h->born = true;
	history_next(h);
}

void history_open(struct history *h, uint64_t t, const char *conn, const char *user,
		  const char *device)
{
	h->at.t = t;
	conn_open(h, conn,
		  model_device(h, model_user(h, user), device == NULL ? DEVICE_DEFAULT : device));
	history_next(h);
}

void history_out(struct history *h, uint64_t t, const char *conn, struct json_object *message)
{
	struct conn *c = history_open_conn(h, conn);

	h->at.t = t;
	if (c != NULL)
		conn_out(h, c, message);
	history_next(h);
}

void history_in(struct history *h, uint64_t t, const char *conn, struct json_object *message)
{
	struct conn *c = history_open_conn(h, conn);

	h->at.t = t;
	if (c != NULL)
		conn_in(h, c, message);
	history_next(h);
}

void history_close(struct history *h, uint64_t t, const char *conn)
{
	struct conn *c = history_open_conn(h, conn);

	h->at.t = t;
	if (c != NULL)
		conn_close(h, c);
	history_next(h);
}

void history_caught_up(struct history *h, uint64_t t, const char *user, const char *device)
{
	h->at.t = t;
	model_device(h, model_user(h, user), device == NULL ? DEVICE_DEFAULT : device)->caught_up =
	    h->at;
	history_next(h);
}

static bool line_user(struct json_object *line, const char **user, const char **device,
		      const char **why)
{
	*user = field_string(line, "user");
	*device = field_string(line, "device");
	if (*user != NULL)
		return true;
	*why = "it does not say which user";
	return false;
}

static bool line_message(struct history *h, struct json_object *line, uint64_t t, const char *conn,
			 bool in, const char **why)
{
	struct json_object *message = field_get(line, "message");

	if (!in && field_string(line, "text") != NULL)
		message = NULL;
	else if (!json_object_is_type(message, json_type_object)) {
		*why = "it has no message that is an object";
		return false;
	}
	if (history_conn(h, conn) == NULL) {
		*why = "its connection was never opened";
		return false;
	}
	if (in)
		history_in(h, t, conn, message);
	else
		history_out(h, t, conn, message);
	return true;
}

bool history_line(struct history *h, struct json_object *line, const char **why)
{
	const char *dir = field_string(line, "dir"), *conn = field_string(line, "conn");
	uint64_t t = field_number(line, "t");
	const char *user, *device;

	if (conn == NULL)
		conn = "";
	if (dir == NULL) {
		*why = "it is no object with a string dir";
		return false;
	}
	if (strcmp(dir, "in") == 0 || strcmp(dir, "out") == 0)
		return line_message(h, line, t, conn, dir[0] == 'i', why);
	if (strcmp(dir, "open") == 0) {
		if (!line_user(line, &user, &device, why))
			return false;
		history_open(h, t, conn, user, device);
	} else if (strcmp(dir, "caught-up") == 0) {
		if (!line_user(line, &user, &device, why))
			return false;
		history_caught_up(h, t, user, device);
	} else if (strcmp(dir, "close") == 0) {
		history_close(h, t, conn);
	} else if (strcmp(dir, "birth") == 0) {
		history_birth(h);
	} else {
		history_next(h);
	}
	return true;
}

unsigned history_judge(struct history *h, FILE *out)
{
	struct conn *c;

	judge_prepare(h);
	for (c = h->all_conns; c != NULL; c = c->next)
		conn_judge(h, c);
	judge_origins(h);
	judge_pages(h);
	judge_streams(h);
	judge_devices(h);
	return faults_report(h, out);
}

void history_summary(const struct history *h, FILE *out)
{
	uint64_t n_devices = 0, n_messages = 0;
	const struct user *user;
	const struct chat *chat;
	const struct device *d;

	for (user = h->users; user != NULL; user = user->hh.next) {
		for (d = user->devices; d != NULL; d = d->next)
			n_devices++;
	}
	for (chat = h->chats; chat != NULL; chat = chat->hh.next)
		n_messages += HASH_COUNT(chat->messages);
	fprintf(out,
		"%" PRIu64 " lines: %" PRIu64 " connections of %" PRIu64 " devices of %u users\n"
		"%" PRIu64 " requests, %" PRIu64 " answers, %" PRIu64 " events, %" PRIu64 " acks\n"
		"%" PRIu64 " messages in %u chats\n",
		h->n_lines, h->n_conns, n_devices, HASH_COUNT(h->users), h->n_requests,
		h->n_answers, h->n_events, h->n_acks, n_messages, HASH_COUNT(h->chats));
}
