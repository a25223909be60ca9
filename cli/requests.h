/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The requests that have no answer yet, in the order in which they were made.
 * That order is kept whenever they are sent, again too.
 */
#ifndef PARLANCE_CLI_REQUESTS_H
#define PARLANCE_CLI_REQUESTS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/queue.h>

#include <parlance/json.h>

struct json_object;

/* `text` is the response as it was on the wire. */
typedef void (*request_answered_fn)(void *arg, void *data, struct json_object *response,
				    struct par_str text);

struct request {
	TAILQ_ENTRY(request) entry;
	char id[24];
	struct par_json text; /* the whole message */
	bool in_flight; /* sent on the connection that is there now */
	unsigned tries;
	request_answered_fn answered; /* may be NULL */
	void *data; /* malloc'ed, or NULL */
};

struct requests {
	TAILQ_HEAD(request_list, request) list;
	size_t unanswered;
	size_t in_flight;
	unsigned long long last_id;
};

void requests_init(struct requests *requests);
void requests_free(struct requests *requests);

/* A new request at the end; takes `data`, which lives until the request is answered. */
struct request *requests_add(struct requests *requests, const char *payload_type,
			     struct par_str payload, request_answered_fn answered, void *data);
/* The first that is not in flight, or NULL. */
struct request *requests_next(struct requests *requests);
/* The one in flight with that id, or NULL. */
struct request *requests_find(struct requests *requests, struct par_str id);
void requests_set_in_flight(struct requests *requests, struct request *request, bool in_flight);
/* The connection is gone, and what was sent on it has to be sent again. */
void requests_unsend_all(struct requests *requests);
/* Takes it out of the list; the caller frees it. */
void requests_take(struct requests *requests, struct request *request);
void request_free(struct request *request);

#endif
