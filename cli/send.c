/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * parlance-cli send: one message, or each line of stdin as one. Each gets its
 * clientMessageId here, once, and keeps it however often it is sent. Events are
 * neither shown nor acked, so that those of the device stay for who reads them.
 */
#include <inttypes.h>
#include <stdio.h>

#include "client.h"
#include "lines.h"
#include "message.h"
#include "terminal.h"

struct send {
	const struct options *options;
	struct client *client;
	struct lines *lines; /* NULL: --message */
	bool ended; /* there are no more lines */
	bool failed;
};

static void send_finish_if_done(struct send *s)
{
	if (s->ended && client_unanswered(s->client) == 0)
		client_finish(s->client, s->failed ? STATUS_FAILED : STATUS_OK);
}

static void send_fail(struct send *s, const char *why)
{
	terminal_notice(why);
	s->failed = true;
}

static bool send_print(const struct options *options, struct json_object *response,
		       struct par_str text)
{
	struct json_object *payload = message_object(response, "payload");
	char time[TERMINAL_TIME_SIZE] = "";
	uint64_t id = 0, ms;

	if (options->json)
		return terminal_json(stdout, text);
	if (message_u64(payload, "timestamp", &ms))
		terminal_time(ms, time);
	message_u64(payload, "messageId", &id);
	return printf("%s #%" PRIu64 "\n", time, id) > 0 && fflush(stdout) == 0;
}

static void send_answered(void *arg, void *data, struct json_object *response, struct par_str text)
{
	struct send *s = arg;
	struct par_str error = message_error(response);

	(void)data;
	if (error.s != NULL)
		send_fail(s, error.s);
	if ((error.s == NULL || s->options->json) && !send_print(s->options, response, text)) {
		send_fail(s, "the output cannot be written");
		client_finish(s->client, STATUS_FAILED);
	}
	if (s->lines != NULL && client_unanswered(s->client) < s->options->window)
		lines_resume(s->lines);
	send_finish_if_done(s);
}

static void send_line(void *arg, struct par_str line)
{
	struct send *s = arg;
	char id[CLIENT_MESSAGE_ID_SIZE];
	struct par_json payload;

	client_message_id(s->client, id);
	par_json_init(&payload);
	par_json_object_begin(&payload);
	par_json_member_string(&payload, "chatId", par_str_of(s->options->to));
	par_json_member_string(&payload, "clientMessageId", par_str_of(id));
	par_json_member_string(&payload, "message", line);
	par_json_object_end(&payload);
	client_request(s->client, "new", par_json_text(&payload), send_answered, NULL);
	par_json_free(&payload);
	if (s->lines != NULL && client_unanswered(s->client) >= s->options->window)
		lines_pause(s->lines);
}

static void send_bad_line(void *arg, const char *why)
{
	send_fail(arg, why);
}

static void send_end(void *arg)
{
	struct send *s = arg;

	s->ended = true;
	send_finish_if_done(s);
}

int send_run(const struct options *options)
{
	static const struct client_handler handler = { .status_on_signal = STATUS_FAILED };
	static const struct line_handler from_lines = { .line = send_line,
							.bad = send_bad_line,
							.end = send_end };
	struct send s = { .options = options };
	int status;

	s.client = client_new(options, &handler, &s);
	if (s.client == NULL)
		return STATUS_USAGE;
	if (options->message != NULL) {
		line_hand_over(&from_lines, &s, par_str_of(options->message));
		send_end(&s);
	} else {
		s.lines = lines_open(client_base(s.client), &from_lines, &s);
	}
	status = client_run(s.client);
	lines_free(&s.lines);
	client_free(&s.client);
	return status;
}
