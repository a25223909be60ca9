/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A queue of whole messages. A look-up walks from the oldest, since those are
 * answered first; how many can be in flight is bounded by the client's window.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/mem.h"
#include "requests.h"

void requests_init(struct requests *requests)
{
	TAILQ_INIT(&requests->list);
	requests->unanswered = requests->in_flight = 0;
	requests->last_id = 0;
}

void requests_free(struct requests *requests)
{
	struct request *request;

	while ((request = TAILQ_FIRST(&requests->list)) != NULL) {
		requests_take(requests, request);
		request_free(request);
	}
}

struct request *requests_add(struct requests *requests, const char *payload_type,
			     struct par_str payload, request_answered_fn answered, void *data)
{
	struct request *request = mem_zalloc(sizeof(*request));
	struct par_json *w = &request->text;
	struct timespec now;

	snprintf(request->id, sizeof(request->id), "%llu", ++requests->last_id);
	clock_gettime(CLOCK_REALTIME, &now);
	par_json_init(w);
	par_json_object_begin(w);
	par_json_member_string(w, "type", par_str_of("request"));
	par_json_member_u64(w, "timestamp",
			    (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000);
	par_json_member_string(w, "id", par_str_of(request->id));
	par_json_member_string(w, "payloadType", par_str_of(payload_type));
	par_json_member_raw(w, "payload", payload);
	par_json_object_end(w);
	if (w->failed)
		abort();
	request->answered = answered;
	request->data = data;
	TAILQ_INSERT_TAIL(&requests->list, request, entry);
	requests->unanswered++;
	return request;
}

struct request *requests_next(struct requests *requests)
{
	struct request *request;

	TAILQ_FOREACH(request, &requests->list, entry) {
		if (!request->in_flight)
			return request;
	}
	return NULL;
}

struct request *requests_find(struct requests *requests, struct par_str id)
{
	struct request *request;

	TAILQ_FOREACH(request, &requests->list, entry) {
		if (request->in_flight && par_str_equal(par_str_of(request->id), id))
			return request;
	}
	return NULL;
}

void requests_set_in_flight(struct requests *requests, struct request *request, bool in_flight)
{
	if (request->in_flight == in_flight)
		return;
	request->in_flight = in_flight;
	if (in_flight)
		requests->in_flight++;
	else
		requests->in_flight--;
}

void requests_unsend_all(struct requests *requests)
{
	struct request *request;

	TAILQ_FOREACH(request, &requests->list, entry)
		requests_set_in_flight(requests, request, false);
}

void requests_take(struct requests *requests, struct request *request)
{
	requests_set_in_flight(requests, request, false);
	TAILQ_REMOVE(&requests->list, request, entry);
	requests->unanswered--;
}

void request_free(struct request *request)
{
	par_json_free(&request->text);
	free(request->data);
	free(request);
}
