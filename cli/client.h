/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A client as a reliable one has to be: it connects again when the connection
 * is lost, sends again what was not answered, in order, shows each durable event
 * once and acks it after it was dealt with. One connection at a time, one
 * thread, one libevent loop.
 *
 * Every callback comes from client_run. client_finish may be called in any of them.
 */
#ifndef PARLANCE_CLI_CLIENT_H
#define PARLANCE_CLI_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include <parlance/json.h>

#include "cli.h"
#include "requests.h"

struct client;
struct event_base;

struct client_handler {
	/* One event; `text` is it as it was on the wire. True: it is dealt with, and is acked. A
	 * durable event that was dealt with does not come again. NULL: the program wants none,
	 * and leaves them to the device's next connection. */
	bool (*event)(void *arg, struct json_object *event, struct par_str text);
	/* A word for the user, as others may have written it: escape it. NULL: to stderr. */
	void (*notice)(void *arg, const char *text);
	/* The exit status when a signal ended the program. */
	int status_on_signal;
};

/* NULL, with a message on stderr, when the options make no sense. */
struct client *client_new(const struct options *options, const struct client_handler *handler,
			  void *arg);
void client_free(struct client **client);
struct event_base *client_base(struct client *client);

/* Connects, and returns the exit status after client_finish, a signal, or a failure
 * that trying again does not mend. */
int client_run(struct client *client);
/* Says goodbye (close code 1000) after what was sent and acked so far; client_run then
 * returns `status`. */
void client_finish(struct client *client, int status);

/* Sends a request as soon as the connection and the window allow, until it is answered: `answered`
 * gets the response, an error too unless trying again can help. Takes `data` (malloc'ed or NULL),
 * and frees it after `answered`. */
void client_request(struct client *client, const char *payload_type, struct par_str payload,
		    request_answered_fn answered, void *data);
/* A client event: sent now or never. */
void client_event(struct client *client, const char *payload_type, struct par_str payload);
size_t client_unanswered(const struct client *client);

/* A clientMessageId that nobody has used: made once for each message. */
#define CLIENT_MESSAGE_ID_SIZE 64
void client_message_id(struct client *client, char to[CLIENT_MESSAGE_ID_SIZE]);

/* Keeps durable events back, and drops others, until the release. */
void client_hold_events(struct client *client);
void client_release_events(struct client *client);

#endif
