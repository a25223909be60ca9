/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * parlance-cli tail: prints what happens to a user. An event is acked only
 * after its line was written and flushed, so what reads our output
 * misses nothing when we are killed.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <event2/event.h>

#include "client.h"
#include "message.h"
#include "terminal.h"

struct tail {
	const struct options *options;
	struct client *client;
	struct event *quiet; /* --timeout without an event */
	unsigned printed;
};

/* " KEY" and the member, when it is there. */
static void tail_print_member(struct json_object *payload, const char *before, const char *key)
{
	struct par_str value = message_string(payload, key);
	char *escaped;

	if (value.s == NULL)
		return;
	escaped = terminal_escape(value, "\\n");
	printf("%s%s", before, escaped);
	free(escaped);
}

/* TIME TYPE CHAT #ID WHO: TEXT, as far as the event has them. */
static bool tail_print(struct json_object *event)
{
	struct json_object *payload = message_object(event, "payload");
	char time[TERMINAL_TIME_SIZE] = "";
	uint64_t ms, id;

	if (message_u64(event, "timestamp", &ms))
		terminal_time(ms, time);
	fputs(time, stdout);
	tail_print_member(event, " ", "eventType");
	tail_print_member(payload, " ", "chatId");
	if (message_u64(payload, "messageId", &id))
		printf(" #%" PRIu64, id);
	tail_print_member(payload, " ", "sender");
	tail_print_member(payload, " ", "userId");
	tail_print_member(payload, ": ", "message");
	if (message_true(payload, "stop"))
		fputs(" stop", stdout);
	putchar('\n');
	return fflush(stdout) == 0 && !ferror(stdout);
}

static void tail_watch(struct tail *t)
{
	struct timeval limit = { .tv_sec = t->options->timeout };

	if (limit.tv_sec > 0)
		event_add(t->quiet, &limit);
}

static bool tail_event(void *arg, struct json_object *event, struct par_str text)
{
	struct tail *t = arg;

	if (!(t->options->json ? terminal_json(stdout, text) : tail_print(event))) {
		terminal_notice("the output cannot be written");
		client_finish(t->client, STATUS_FAILED);
		return false;
	}
	if (++t->printed == t->options->count)
		client_finish(t->client, STATUS_OK);
	tail_watch(t);
	return true;
}

static void tail_on_quiet(evutil_socket_t fd, short what, void *arg)
{
	struct tail *t = arg;

	(void)fd;
	(void)what;
	terminal_notice("no event within the timeout");
	client_finish(t->client, STATUS_FAILED);
}

int tail_run(const struct options *options)
{
	static const struct client_handler handler = { .event = tail_event,
						       .status_on_signal = STATUS_OK };
	struct tail t = { .options = options };
	int status;

	t.client = client_new(options, &handler, &t);
	if (t.client == NULL)
		return STATUS_USAGE;
	t.quiet = evtimer_new(client_base(t.client), tail_on_quiet, &t);
	tail_watch(&t);
	status = client_run(t.client);
	event_free(t.quiet);
	client_free(&t.client);
	return status;
}
