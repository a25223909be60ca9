/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a connection is used for, and what happens between two of them.
 * connection.c calls in with messages and with the connection's end; everything is on the
 * one thread of the program.
 *
 * Invariants: a request is in `requests` until its answer was handed over;
 * an event is acked only after the handler took it, and only on the connection
 * it came on.
 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <event2/event.h>

#include "base/mem.h"
#include "client.h"
#include "connection.h"
#include "ending.h"
#include "inbox.h"
#include "message.h"
#include "random.h"
#include "record.h"
#include "terminal.h"
#include "ws/close_code.h"

#define BACKOFF_MIN_MS 100
#define BACKOFF_MAX_MS 10000
#define STEADY_S 10 /* a connection that lasted so long was none that failed */
#define TRIES_MAX 8 /* of a request whose error says that trying again can help */

struct client {
	const struct options *options;
	const struct client_handler *handler;
	void *arg;
	struct event_base *base;
	struct url url;
	struct connection *connection;
	struct record *record;
	struct requests requests;
	struct event *reconnect, *retry, *deadline, *finish, *sigint, *sigterm;
	unsigned failures; /* connections in a row that brought nothing */
	time_t opened; /* by the monotonic clock; 0: this connection was not open yet */
	bool outage_told;
	struct inbox inbox;
	bool holding;
	char id_prefix[RANDOM_UUID_SIZE];
	uint64_t messages;
	bool finishing;
	int status;
};

static time_t monotonic_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec + 1;
}

static void __attribute__((format(printf, 2, 3)))
client_notice(struct client *c, const char *format, ...)
{
	char text[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (c->handler->notice != NULL)
		c->handler->notice(c->arg, text);
	else
		terminal_notice(text);
}

/* Between half and all of what doubles with each failure. */
static struct timeval client_backoff(unsigned failures)
{
	uint32_t ms = failures < 7 ? BACKOFF_MIN_MS << failures : BACKOFF_MAX_MS;

	ms = ms / 2 + random_below(ms / 2 + 1);
	return (struct timeval){ .tv_sec = ms / 1000, .tv_usec = (ms % 1000) * 1000 };
}

static void client_recorded(struct client *c, bool well)
{
	if (well || c->finishing)
		return;
	client_notice(c, "the record cannot be written");
	client_finish(c, STATUS_FAILED);
}

static void client_send(struct client *c, struct par_str message)
{
	client_recorded(c, record_message(c->record, "out", message));
	connection_send(c->connection, message.s, message.len);
}

/* The deadline is one of progress: each answer moves it. */
static void client_set_deadline(struct client *c)
{
	struct timeval after = { .tv_sec = c->options->timeout };

	if (c->requests.unanswered > 0 && after.tv_sec > 0)
		event_add(c->deadline, &after);
	else
		event_del(c->deadline);
}

static void client_pump(struct client *c)
{
	struct request *request;

	if (!connection_is_open(c->connection) || c->finishing ||
	    evtimer_pending(c->retry, NULL) != 0)
		return;
	while (c->requests.in_flight < c->options->window &&
	       (request = requests_next(&c->requests)) != NULL) {
		requests_set_in_flight(&c->requests, request, true);
		client_send(c, par_json_text(&request->text));
	}
}

/* Whether the error is one of a moment, and the request still worth another try. */
static bool client_try_again(struct client *c, struct request *request,
			     struct json_object *response)
{
	static const char *const passing[] = { "unavailable", "timeout", "internal",
					       "rate_limited" };
	struct json_object *error = message_object(response, "error");
	struct timeval after;
	uint64_t ms;
	size_t i;

	for (i = 0; i < sizeof(passing) / sizeof(*passing); i++) {
		if (message_is(error, "code", passing[i]))
			break;
	}
	if (i == sizeof(passing) / sizeof(*passing) || ++request->tries >= TRIES_MAX)
		return false;
	after = client_backoff(request->tries);
	if (message_u64(message_object(error, "details"), "retryAfterMs", &ms) && ms < 60000)
		after = (struct timeval){ .tv_sec = (time_t)(ms / 1000),
					  .tv_usec = (suseconds_t)(ms % 1000) * 1000 };
	requests_set_in_flight(&c->requests, request, false);
	event_add(c->retry, &after);
	return true;
}

static void client_got_response(struct client *c, struct json_object *response, struct par_str text)
{
	struct par_str id = message_string(response, "id"), error = message_error(response);
	struct request *request = id.s == NULL ? NULL : requests_find(&c->requests, id);

	if (request == NULL) {
		if (id.s == NULL && error.s != NULL)
			client_notice(c, "the server could not read a message: %s", error.s);
		return;
	}
	if (client_try_again(c, request, response))
		return;
	requests_take(&c->requests, request);
	client_set_deadline(c);
	c->failures = 0;
	if (request->answered != NULL)
		request->answered(c->arg, request->data, response, text);
	request_free(request);
	client_pump(c);
}

static void client_ack(struct client *c, struct json_object *event)
{
	char ack[64];
	uint64_t id;
	int len;

	if (!c->options->ack || !message_u64(event, "id", &id))
		return;
	len = snprintf(ack, sizeof(ack), "{\"type\":\"ack\",\"id\":\"%" PRIu64 "\"}", id);
	client_send(c, (struct par_str){ ack, (size_t)len });
}

/* Hands an event over unless it was before, and acks it. */
static void client_take_event(struct client *c, struct json_object *event, struct par_str text)
{
	if (!inbox_seen(&c->inbox, event)) {
		if (!c->handler->event(c->arg, event, text))
			return;
		if (inbox_taken(&c->inbox, event))
			c->failures = 0;
	}
	client_ack(c, event);
}

void client_hold_events(struct client *c)
{
	c->holding = true;
}

void client_release_events(struct client *c)
{
	struct held_event *held;

	c->holding = false;
	while (!c->finishing && (held = inbox_release(&c->inbox)) != NULL) {
		client_take_event(c, held->event, held->text);
		held_event_free(held);
	}
}

static void client_on_text(void *arg, const char *bytes, size_t len)
{
	struct client *c = arg;
	struct par_str text = { bytes, len };
	struct json_object *message;

	if (c->finishing)
		return;
	message = message_parse(bytes, len);
	if (message != NULL)
		client_recorded(c, record_message(c->record, "in", text));
	if (message_is(message, "type", "response")) {
		client_got_response(c, message, text);
	} else if (message_is(message, "type", "event") && c->handler->event != NULL) {
		if (c->holding)
			inbox_hold(&c->inbox, message, text);
		else if (!c->finishing)
			client_take_event(c, message, text);
	}
	json_object_put(message);
}

static void client_on_open(void *arg)
{
	struct client *c = arg;

	c->opened = monotonic_s();
	client_recorded(c, record_connected(c->record, c->options->user, c->options->device));
	if (c->outage_told)
		client_notice(c, "connected");
	c->outage_told = false;
	client_pump(c);
}

static void client_reconnect_later(struct client *c)
{
	struct timeval after;

	if (c->opened != 0 && monotonic_s() - c->opened >= STEADY_S)
		c->failures = 0;
	after = client_backoff(c->failures++);
	event_add(c->reconnect, &after);
}

static void client_on_closed(void *arg, const struct connection_end *end)
{
	struct client *c = arg;
	bool final = ending_is_final(end);
	char why[1024];

	if (c->opened != 0)
		client_recorded(c, record_disconnected(c->record));
	requests_unsend_all(&c->requests);
	inbox_drop_held(&c->inbox);
	event_del(c->retry);
	if (!c->finishing) {
		ending_describe(end, c->options->url, c->opened != 0, why, sizeof(why));
		if (final || !c->outage_told)
			client_notice(c, "%s%s", why, final ? "" : "; trying again");
		c->outage_told = true;
		c->finishing = final;
		c->status = STATUS_FAILED;
	}
	if (c->finishing)
		event_base_loopbreak(c->base);
	else
		client_reconnect_later(c);
	c->opened = 0;
}

static void client_on_reconnect(evutil_socket_t fd, short what, void *arg)
{
	struct client *c = arg;

	(void)fd;
	(void)what;
	connection_open(c->connection);
}

static void client_on_retry(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	client_pump(arg);
}

static void client_on_deadline(evutil_socket_t fd, short what, void *arg)
{
	struct client *c = arg;

	(void)fd;
	(void)what;
	client_notice(c, "no answer within %u seconds; unanswered: %zu", c->options->timeout,
		      c->requests.unanswered);
	client_finish(c, STATUS_FAILED);
}

/* The second signal does not wait for the server's goodbye. */
static void client_on_signal(evutil_socket_t fd, short what, void *arg)
{
	struct client *c = arg;

	(void)fd;
	(void)what;
	if (c->finishing)
		event_base_loopbreak(c->base);
	client_finish(c, c->handler->status_on_signal);
}

static void client_on_finish(evutil_socket_t fd, short what, void *arg)
{
	struct client *c = arg;

	(void)fd;
	(void)what;
	event_del(c->reconnect);
	event_del(c->deadline);
	connection_shutdown(c->connection, WS_CLOSE_NORMAL);
}

void client_finish(struct client *c, int status)
{
	if (c->finishing)
		return;
	c->finishing = true;
	c->status = status;
	/* Later in the loop, so that the ack of the event under way still goes out. */
	event_active(c->finish, EV_TIMEOUT, 1);
}

void client_request(struct client *c, const char *payload_type, struct par_str payload,
		    request_answered_fn answered, void *data)
{
	bool first = c->requests.unanswered == 0;

	requests_add(&c->requests, payload_type, payload, answered, data);
	if (first)
		client_set_deadline(c);
	client_pump(c);
}

void client_event(struct client *c, const char *payload_type, struct par_str payload)
{
	struct par_json w;

	if (!connection_is_open(c->connection) || c->finishing)
		return;
	par_json_init(&w);
	par_json_object_begin(&w);
	par_json_member_string(&w, "type", par_str_of("event"));
	par_json_member_string(&w, "payloadType", par_str_of(payload_type));
	par_json_member_raw(&w, "payload", payload);
	par_json_object_end(&w);
	client_send(c, par_json_text(&w));
	par_json_free(&w);
}

size_t client_unanswered(const struct client *c)
{
	return c->requests.unanswered;
}

void client_message_id(struct client *c, char to[CLIENT_MESSAGE_ID_SIZE])
{
	snprintf(to, CLIENT_MESSAGE_ID_SIZE, "%s-%" PRIu64, c->id_prefix, ++c->messages);
}

struct event_base *client_base(struct client *c)
{
	return c->base;
}

/* Not epoll, which refuses regular files: stdin is often one. */
static struct event_base *client_new_base(void)
{
	struct event_config *config = event_config_new();
	struct event_base *base;

	event_config_require_features(config, EV_FEATURE_FDS);
	base = event_base_new_with_config(config);
	event_config_free(config);
	if (base == NULL) {
		fputs("parlance-cli: no event loop\n", stderr);
		abort();
	}
	return base;
}

struct client *client_new(const struct options *options, const struct client_handler *handler,
			  void *arg)
{
	static const struct connection_handler from_connection = { .open = client_on_open,
								   .text = client_on_text,
								   .closed = client_on_closed };
	struct client *c = mem_zalloc(sizeof(*c));
	const char *what = options->url;
	const char *wrong = url_parse(&c->url, options->url, options->user, options->device);

	if (wrong == NULL && options->record != NULL) {
		c->record = record_open(options->record);
		what = options->record;
		wrong = c->record == NULL ? strerror(errno) : NULL;
	}
	if (wrong != NULL) {
		fprintf(stderr, "parlance-cli: %s: %s\n", what, wrong);
		url_free(&c->url);
		free(c);
		return NULL;
	}
	c->options = options;
	c->handler = handler;
	c->arg = arg;
	requests_init(&c->requests);
	inbox_init(&c->inbox);
	random_uuid(c->id_prefix);
	c->base = client_new_base();
	c->connection = connection_new(c->base, &c->url, options->token, &from_connection, c);
	c->reconnect = evtimer_new(c->base, client_on_reconnect, c);
	c->retry = evtimer_new(c->base, client_on_retry, c);
	c->deadline = evtimer_new(c->base, client_on_deadline, c);
	c->finish = evtimer_new(c->base, client_on_finish, c);
	c->sigint = evsignal_new(c->base, SIGINT, client_on_signal, c);
	c->sigterm = evsignal_new(c->base, SIGTERM, client_on_signal, c);
	return c;
}

int client_run(struct client *c)
{
	event_add(c->sigint, NULL);
	event_add(c->sigterm, NULL);
	event_active(c->reconnect, EV_TIMEOUT, 1);
	event_base_dispatch(c->base);
	return c->status;
}

void client_free(struct client **client)
{
	struct client *c = *client;

	*client = NULL;
	inbox_drop_held(&c->inbox);
	requests_free(&c->requests);
	connection_free(&c->connection);
	event_free(c->reconnect);
	event_free(c->retry);
	event_free(c->deadline);
	event_free(c->finish);
	event_free(c->sigint);
	event_free(c->sigterm);
	event_base_free(c->base);
	record_close(&c->record);
	url_free(&c->url);
	free(c);
}
