/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The fake host's clients: requests and their answers, client events, and what
 * users are told, durable or not. It fills the functions that host.h leaves NULL.
 *
 * A callback's strings and payload are freed when it returns, so a plugin that
 * keeps a borrowed pointer is caught by a memory checker. A request completed
 * twice, and an answer or event that is not one JSON value, abort.
 */
#ifndef PARLANCE_TESTS_HOST_REQUESTS_H
#define PARLANCE_TESTS_HOST_REQUESTS_H

#include "host.h"

#define HOST_REQUESTS 64

struct host_client {
	const char *user;
	const char *device;
	par_session_id session;
};

struct host_answer {
	bool done;
	bool gone; /* the client went away: completing it does nothing */
	enum par_error error;
	char path[64]; /* "" : none */
	char message[256]; /* "" : none */
	char *payload; /* JSON text, "" without one; NULL when it failed */
};

struct host_requests {
	struct host *host;
	struct host_answer answers[HOST_REQUESTS]; /* by id - 1 */
	par_request_id last;
	par_request_id replying; /* the reply that is open, or 0 */
	struct par_json writer; /* of it, or of the event */
	const char *event_type; /* of the event that is open, or NULL */
	par_session_id congested; /* that is sent no event of its own; 0: none */
	struct par_json told; /* a line each: what was sent to whom, or said of a handshake */
	struct par_plugin client; /* stands for the core where the API wants a plugin */
};

/* Call it before the first host_load. Owned by the caller. */
struct host_requests *host_requests_new(struct host *host);
/* After host_free. Nulls the pointer. */
void host_requests_free(struct host_requests **requests);
/* Forgets the answers so far, which were all given. */
void host_requests_forget(struct host_requests *requests);

/* Hands the request to its handler. The payload is JSON text, or NULL. */
par_request_id host_request(struct host_requests *requests, const struct host_client *client,
			    const char *type, const char *payload);
const struct host_answer *host_answer(const struct host_requests *requests, par_request_id id);
/* The client is gone: nobody waits for this answer any more. */
void host_request_drop(struct host_requests *requests, par_request_id id);

void host_client_event(struct host_requests *requests, const struct host_client *client,
		       const char *type, const char *payload);
void host_call_hook(struct host_requests *requests, enum par_hook_kind kind,
		    const struct host_client *client);
/* NULL: the parameter is not there. */
void host_authenticate(struct host_requests *requests, const char *user);

/* What was told since the last call, a line each: "bob typing {...}" for an ephemeral
 * event, "error CODE PATH" for a client event that was refused, "accept alice" or "refuse why". Lives until the next call. */
const char *host_told(struct host_requests *requests);

/* Puts the client's device on record in the storage. */
void host_connect(struct host_requests *requests, const struct host_client *client);
/* The events stored for the client's device after *seq, as lines "read {...}";
 * *seq is moved to the last. Appends to `out`. */
void host_events(struct host_requests *requests, const struct host_client *client, uint64_t *seq,
		 struct par_json *out);

#endif
