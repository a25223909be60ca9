/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The fake host's clients; see host_requests.h. Requests are numbered from 1
 * on, and their answers stay until they are forgotten.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "base/mem.h"
#include "host_requests.h"
#include "seam/out_frame.h"

#define EVENTS_PAGE 100

static void check(bool good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "host: the plugin broke a rule: %s\n", what);
	abort();
}

static struct host_requests *requests_of(const struct par_plugin *self)
{
	return self->host->test;
}

static struct json_object *parse(const char *text, size_t len)
{
	struct json_tokener *tokener = json_tokener_new();
	struct json_object *object;

	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT);
	object = json_tokener_parse_ex(tokener, text, (int)len);
	if (json_tokener_get_error(tokener) != json_tokener_success) {
		fprintf(stderr, "host: not JSON: %.*s\n", (int)len, text);
		abort();
	}
	json_tokener_free(tokener);
	return object;
}

/* The writer's text, which must be one JSON value. The writer is empty after. */
static char *take_value(struct par_json *w)
{
	char *text;

	check(!w->failed, "the writer failed");
	par_json_bytes(w, "", 1);
	text = mem_strdup(w->block);
	json_object_put(parse(text, w->len));
	par_json_free(w);
	return text;
}

/* --- answers --- */

/* NULL when the request is gone; a second completion is a fault. */
static struct host_answer *answer_take(struct par_plugin *self, par_request_id id)
{
	struct host_requests *requests = requests_of(self);
	struct host_answer *answer;

	check(id > 0 && id <= requests->last, "completed a request that never was");
	answer = &requests->answers[id - 1];
	if (answer->gone)
		return NULL;
	check(!answer->done, "completed a request twice");
	check(requests->replying == 0, "completed a request while a reply was open");
	return answer;
}

static bool api_reply(struct par_plugin *self, par_request_id id, struct json_object *payload)
{
	struct host_answer *answer = answer_take(self, id);

	if (answer == NULL)
		return false;
	answer->done = true;
	answer->payload = mem_strdup(payload == NULL ? "" : json_object_to_json_string(payload));
	return true;
}

static struct par_json *api_reply_open(struct par_plugin *self, par_request_id id)
{
	struct host_requests *requests = requests_of(self);

	if (answer_take(self, id) == NULL)
		return NULL;
	check(requests->event_type == NULL, "opened a reply while an event was open");
	requests->replying = id;
	return &requests->writer;
}

static bool api_reply_close(struct par_plugin *self, par_request_id id)
{
	struct host_requests *requests = requests_of(self);
	struct host_answer *answer;

	check(requests->replying == id, "closed a reply that was not open");
	requests->replying = 0;
	answer = answer_take(self, id);
	answer->done = true;
	answer->payload = take_value(&requests->writer);
	return true;
}

static bool api_fail(struct par_plugin *self, par_request_id id, enum par_error error,
		     const char *path, const char *message)
{
	struct host_answer *answer = answer_take(self, id);

	if (answer == NULL)
		return false;
	check(error != PAR_OK, "failed without an error");
	check((path != NULL) == (error == PAR_E_BAD_PAYLOAD), "a path goes with bad_payload");
	answer->done = true;
	answer->error = error;
	snprintf(answer->path, sizeof(answer->path), "%s", path == NULL ? "" : path);
	snprintf(answer->message, sizeof(answer->message), "%s", message == NULL ? "" : message);
	return true;
}

static bool api_fail_details(struct par_plugin *self, par_request_id id, enum par_error error,
			     struct par_str details, const char *message)
{
	struct host_answer *answer = answer_take(self, id);

	if (answer == NULL)
		return false;
	check(error != PAR_OK && error != PAR_E_BAD_PAYLOAD, "details of its own go with another");
	answer->done = true;
	answer->error = error;
	json_object_put(parse(details.s, details.len));
	snprintf(answer->message, sizeof(answer->message), "%s", message == NULL ? "" : message);
	return true;
}

/* --- what users are told --- */

static void told_line(struct host_requests *requests, const char *first, const char *second,
		      const char *third)
{
	const char *words[] = { first, second, third };
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		par_json_bytes(&requests->told, " ", i > 0 && words[i][0] != '\0');
		par_json_bytes(&requests->told, words[i], strlen(words[i]));
	}
	par_json_bytes(&requests->told, "\n", 1);
}

/* Told as "error CODE PATH". */
static void api_refuse_client_event(struct par_plugin *self, const struct par_client_event *event,
				    enum par_error error, const char *path, const char *message)
{
	static const char *const codes[] = { "ok",
#define X(symbol, code) code,
					     PAR_ERRORS(X)
#undef X
	};

	(void)event;
	(void)message;
	check((path != NULL) == (error == PAR_E_BAD_PAYLOAD), "a path goes with bad_payload");
	told_line(requests_of(self), "error", codes[error], path == NULL ? "" : path);
}

static struct par_json *api_event_open(struct par_plugin *self, const char *type)
{
	struct host_requests *requests = requests_of(self);

	check(requests->event_type == NULL && requests->replying == 0,
	      "opened an event while another or a reply was open");
	requests->event_type = type;
	return &requests->writer;
}

static void api_event_send(struct par_plugin *self, struct par_str user, par_session_id skip)
{
	struct host_requests *requests = requests_of(self);
	struct par_str text = par_json_text(&requests->writer);
	char *name = mem_strndup(user.s, user.len), *payload = mem_strndup(text.s, text.len);

	check(requests->event_type != NULL && skip == 0, "sent an event that was not open");
	told_line(requests, name, requests->event_type, payload);
	free(name);
	free(payload);
}

/* Told as "session 7 TYPE PAYLOAD". */
static bool api_event_send_session(struct par_plugin *self, par_session_id session)
{
	struct host_requests *requests = requests_of(self);
	struct par_str text = par_json_text(&requests->writer);
	char *payload = mem_strndup(text.s, text.len), name[40];

	check(requests->event_type != NULL, "sent an event that was not open");
	if (session != requests->congested) {
		snprintf(name, sizeof(name), "session %llu", (unsigned long long)session);
		told_line(requests, name, requests->event_type, payload);
	}
	free(payload);
	return session != requests->congested;
}

static void api_event_close(struct par_plugin *self)
{
	struct host_requests *requests = requests_of(self);

	check(requests->event_type != NULL, "closed an event that was not open");
	requests->event_type = NULL;
	free(take_value(&requests->writer));
}

static bool api_auth_accept(struct par_plugin *self, par_auth_id id, struct par_str user)
{
	char *name = mem_strndup(user.s, user.len);

	check(id == 1, "answered another handshake");
	told_line(requests_of(self), "accept", name, "");
	free(name);
	return true;
}

static bool api_auth_refuse(struct par_plugin *self, par_auth_id id, const char *message)
{
	check(id == 1, "answered another handshake");
	told_line(requests_of(self), "refuse", message, "");
	return true;
}

const char *host_told(struct host_requests *requests)
{
	par_json_bytes(&requests->told, "", 1);
	requests->told.len = 0;
	return requests->told.block;
}

/* --- life --- */

struct host_requests *host_requests_new(struct host *host)
{
	struct host_requests *requests = mem_zalloc(sizeof(*requests));
	struct par_api *api = &host->api;

	requests->host = host;
	requests->client.host = host;
	par_json_init(&requests->writer);
	par_json_init(&requests->told);
	host->test = requests;
	api->reply = api_reply;
	api->reply_open = api_reply_open;
	api->reply_close = api_reply_close;
	api->fail = api_fail;
	api->fail_details = api_fail_details;
	api->refuse_client_event = api_refuse_client_event;
	api->event_open = api_event_open;
	api->event_send = api_event_send;
	api->event_close = api_event_close;
	api->event_send_session = api_event_send_session;
	api->auth_accept = api_auth_accept;
	api->auth_refuse = api_auth_refuse;
	return requests;
}

void host_requests_forget(struct host_requests *requests)
{
	par_request_id i;

	for (i = 0; i < requests->last; i++)
		free(requests->answers[i].payload);
	memset(requests->answers, 0, sizeof(requests->answers));
	requests->last = 0;
}

void host_requests_free(struct host_requests **requests)
{
	host_requests_forget(*requests);
	par_json_free(&(*requests)->writer);
	par_json_free(&(*requests)->told);
	free(*requests);
	*requests = NULL;
}

/* --- clients --- */

/* What a callback borrows: one block of its own for each, freed when it returns. */
struct borrowed {
	char *user;
	char *device;
	char *type;
	struct json_object *payload;
};

static void borrowed_make(struct borrowed *b, const struct host_client *client, const char *type,
			  const char *payload)
{
	b->user = mem_strdup(client->user);
	b->device = mem_strdup(client->device);
	b->type = mem_strdup(type);
	b->payload = payload == NULL ? NULL : parse(payload, strlen(payload) + 1);
}

static void borrowed_drop(struct borrowed *b)
{
	free(b->user);
	free(b->device);
	free(b->type);
	json_object_put(b->payload);
}

par_request_id host_request(struct host_requests *requests, const struct host_client *client,
			    const char *type, const char *payload)
{
	const struct host_handler *handler = host_request_handler(requests->host, type);
	struct par_request request = { .size = sizeof(request), .session = client->session };
	struct borrowed b;

	check(handler != NULL, "no handler of this request");
	check(requests->last < HOST_REQUESTS, "too many requests: forget some");
	borrowed_make(&b, client, type, payload);
	request.id = ++requests->last;
	request.now = requests->host->now;
	request.user = par_str_of(b.user);
	request.device = par_str_of(b.device);
	request.payload_type = par_str_of(b.type);
	request.payload = b.payload;
	handler->request(handler->state, &request);
	borrowed_drop(&b);
	return request.id;
}

const struct host_answer *host_answer(const struct host_requests *requests, par_request_id id)
{
	return &requests->answers[id - 1];
}

void host_request_drop(struct host_requests *requests, par_request_id id)
{
	requests->answers[id - 1].gone = true;
}

void host_client_event(struct host_requests *requests, const struct host_client *client,
		       const char *type, const char *payload)
{
	const struct host_handler *handler = host_event_handler(requests->host, type);
	struct par_client_event event = { .size = sizeof(event), .session = client->session };
	struct borrowed b;

	check(handler != NULL, "no handler of this client event");
	borrowed_make(&b, client, type, payload);
	event.now = requests->host->now;
	event.user = par_str_of(b.user);
	event.device = par_str_of(b.device);
	event.payload_type = par_str_of(b.type);
	event.payload = b.payload;
	handler->event(handler->state, &event);
	borrowed_drop(&b);
}

void host_call_hook(struct host_requests *requests, enum par_hook_kind kind,
		    const struct host_client *client)
{
	const struct host_handler *handler = host_hook(requests->host, kind);
	struct par_hook_call call = { .size = sizeof(call), .kind = kind };
	struct borrowed b;

	check(handler != NULL, "no such hook");
	borrowed_make(&b, client, "", NULL);
	call.session = client->session;
	call.now = requests->host->now;
	call.user = par_str_of(b.user);
	call.device = par_str_of(b.device);
	handler->hook_fn(handler->state, &call);
	borrowed_drop(&b);
}

void host_authenticate(struct host_requests *requests, const char *user)
{
	struct par_auth_request request = { .size = sizeof(request), .id = 1 };

	check(requests->host->auth != NULL, "no auth role");
	request.now = requests->host->now;
	request.user = par_str_of(user);
	request.remote = par_str_of("127.0.0.1:4711");
	requests->host->auth->authenticate(requests->host->auth_state, &request);
}

/* --- the storage --- */

static struct par_query *device_query(struct host_requests *requests,
				      const struct host_client *client, enum par_query_kind kind,
				      par_callback_fn done, void *state)
{
	const struct par_api *api = &requests->host->api;
	struct par_query *query = api->query_new(&requests->client, done, state);

	query->kind = kind;
	query->user = par_str_of(client->user);
	query->device = par_str_of(client->device);
	return query;
}

static void connect_done(void *state, void *arg)
{
	struct par_query *query = arg;

	(void)state;
	check(query->error == PAR_OK, "the storage cannot connect a device");
}

void host_connect(struct host_requests *requests, const struct host_client *client)
{
	struct par_query *query =
	    device_query(requests, client, PAR_QUERY_DEVICE, connect_done, NULL);

	requests->host->api.query_submit(query);
	host_settle(requests->host);
}

struct events_wanted {
	uint64_t *seq;
	struct par_json *out;
};

/* `,"eventType":"new","payload":{...}}` as `new {...}`. */
static void event_line(const struct par_stored_event *event, struct par_json *out)
{
	static const char key[] = ",\"eventType\":\"";
	const struct out_frame *frame = (const struct out_frame *)event->data;
	const char *type = frame->text + sizeof(key) - 1;

	par_json_bytes(out, type, strcspn(type, "\""));
	par_json_bytes(out, " ", 1);
	par_json_bytes(out, frame->text + frame->payload_at, frame->payload_len);
	par_json_bytes(out, "\n", 1);
}

static void events_done(void *state, void *arg)
{
	struct events_wanted *wanted = state;
	struct par_query *query = arg;
	unsigned i;

	check(query->error == PAR_OK, "the storage cannot read events");
	for (i = 0; i < query->n; i++) {
		check(query->events[i].seq > *wanted->seq, "events out of order");
		*wanted->seq = query->events[i].seq;
		if (!query->events[i].origin)
			event_line(&query->events[i], wanted->out);
	}
}

void host_events(struct host_requests *requests, const struct host_client *client, uint64_t *seq,
		 struct par_json *out)
{
	struct events_wanted wanted = { seq, out };
	struct par_query *query =
	    device_query(requests, client, PAR_QUERY_EVENTS, events_done, &wanted);

	query->after = *seq;
	query->limit = EVENTS_PAGE;
	query->max_bytes = SIZE_MAX;
	requests->host->api.query_submit(query);
	host_settle(requests->host);
}
