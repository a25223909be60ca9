/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Loads like any other and misbehaves in its handlers, by request:
 *
 *   zoo.never   does not complete the request
 *   zoo.late    completes it after payload.delay ms, however late that is
 *   zoo.twice   completes it twice, then fails it too
 *   zoo.made_up completes a request that never was
 *   zoo.slow    keeps the core for payload.ms
 *   zoo.open    opens a reply and leaves it open
 *   zoo.empty   opens a reply, writes nothing, and closes it
 *   zoo.watch   watches what cannot be, or is already, and stops what it never began; the
 *               pipe that it does watch is ready, muted by its callback, and left behind
 */
#include <json-c/json.h>
#include <time.h>
#include <unistd.h>

#include "zoo.h"

struct late {
	par_request_id id;
};

static uint64_t number(const struct par_request *request, const char *key)
{
	return (uint64_t)json_object_get_int64(json_object_object_get(request->payload, key));
}

static void never(void *state, const struct par_request *request)
{
	(void)state;
	(void)request;
}

static void late_answer(void *state, void *arg)
{
	struct late *late = arg;

	zoo_answer(state, late->id, "late");
	free(late);
}

static void late(void *state, const struct par_request *request)
{
	struct zoo *zoo = state;
	struct late *late = malloc(sizeof(*late));

	if (late == NULL)
		abort();
	late->id = request->id;
	zoo->api->timer_start(zoo->self, number(request, "delay"), late_answer, zoo, late);
}

static void twice(void *state, const struct par_request *request)
{
	struct zoo *zoo = state;

	zoo_answer(zoo, request->id, "first");
	zoo_answer(zoo, request->id, "second");
	zoo->api->reply(zoo->self, request->id, NULL);
	zoo->api->fail(zoo->self, request->id, PAR_E_INTERNAL, NULL, NULL);
}

static void made_up(void *state, const struct par_request *request)
{
	struct zoo *zoo = state;

	zoo->api->reply(zoo->self, 0, NULL);
	zoo->api->reply(zoo->self, UINT64_MAX, NULL);
	zoo->api->fail(zoo->self, request->id + 1000, PAR_E_INTERNAL, NULL, NULL);
	zoo_answer(zoo, request->id, "made up");
}

/* Busy, not asleep: a callback that blocks is the same to the watchdog. */
static void slow(void *state, const struct par_request *request)
{
	struct timespec start, now;
	uint64_t ms = number(request, "ms");

	clock_gettime(CLOCK_MONOTONIC, &start);
	do {
		clock_gettime(CLOCK_MONOTONIC, &now);
	} while ((uint64_t)(now.tv_sec - start.tv_sec) * 1000 + (uint64_t)now.tv_nsec / 1000000 <
		 ms + (uint64_t)start.tv_nsec / 1000000);
	zoo_answer(state, request->id, "slow");
}

static void open_reply(void *state, const struct par_request *request)
{
	struct zoo *zoo = state;

	par_json_object_begin(zoo->api->reply_open(zoo->self, request->id));
}

static void empty_reply(void *state, const struct par_request *request)
{
	struct zoo *zoo = state;

	zoo->api->reply_open(zoo->self, request->id);
	zoo->api->reply_close(zoo->self, request->id);
}

static void watched(void *state, void *arg, unsigned ready)
{
	struct zoo *zoo = state;
	par_watch_id *id = arg;

	(void)ready;
	zoo->api->watch_change(zoo->self, *id, 0);
}

static void watch(void *state, const struct par_request *request)
{
	static par_watch_id left_behind;
	static int ends[2];
	struct zoo *zoo = state;
	const struct par_api *api = zoo->api;

	if (left_behind == 0 && pipe(ends) != 0)
		abort();
	if (left_behind == 0)
		left_behind =
		    api->watch_start(zoo->self, ends[1], PAR_WRITABLE, watched, zoo, &left_behind);
	api->watch_start(zoo->self, ends[1], PAR_WRITABLE, watched, zoo, NULL);
	api->watch_start(zoo->self, 1000000, PAR_READABLE, watched, zoo, NULL);
	api->watch_start(zoo->self, -1, PAR_READABLE, watched, zoo, NULL);
	api->watch_change(zoo->self, left_behind + 1, PAR_READABLE);
	api->watch_stop(zoo->self, 0);
	zoo_answer(zoo, request->id, "watch");
}

static void *load(const struct par_api *api, struct par_plugin *self, struct json_object *config,
		  char *error, size_t error_size)
{
	struct zoo *zoo = zoo_new(api, self);

	(void)config;
	(void)error;
	(void)error_size;
	api->handle_request(self, "zoo.never", never, zoo);
	api->handle_request(self, "zoo.late", late, zoo);
	api->handle_request(self, "zoo.twice", twice, zoo);
	api->handle_request(self, "zoo.made_up", made_up, zoo);
	api->handle_request(self, "zoo.slow", slow, zoo);
	api->handle_request(self, "zoo.open", open_reply, zoo);
	api->handle_request(self, "zoo.empty", empty_reply, zoo);
	api->handle_request(self, "zoo.watch", watch, zoo);
	return zoo;
}

PAR_EXPORT const struct par_descriptor par_plugin_descriptor = {
	PAR_DESCRIPTOR_HEAD, .name = "zoo_wild", .version = "1", .load = load, .unload = free,
};
