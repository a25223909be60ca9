/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A complete plugin to begin from. Request `echo` {text} is answered with
 * {text, user}, `delay` later. The answer is written from the plugin's own copy,
 * since a request is borrowed and ends with its handler; of the request itself
 * only the id is kept. Everything runs on the core thread.
 */
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>

#include <parlance/plugin.h>

struct echo {
	const struct par_api *api;
	struct par_plugin *self;
	uint64_t delay;
	struct par_metric *echoed;
	struct pending *pending;
};

/* One answer that is to come: text and user, one behind the other. */
struct pending {
	struct pending *next;
	par_timer_id timer;
	par_request_id request;
	size_t text_len;
	size_t user_len;
	char bytes[];
};

static void answer(void *state, void *arg)
{
	struct echo *echo = state;
	struct pending *pending = arg;
	struct par_str text = { pending->bytes, pending->text_len };
	struct par_str user = { pending->bytes + pending->text_len, pending->user_len };
	struct par_json *w = echo->api->reply_open(echo->self, pending->request);
	struct pending **at = &echo->pending;

	/* NULL: the client is gone, or the request timed out. */
	if (w != NULL) {
		par_json_object_begin(w);
		par_json_member_string(w, "text", text);
		par_json_member_string(w, "user", user);
		par_json_object_end(w);
		echo->api->reply_close(echo->self, pending->request);
		echo->api->metric_add(echo->echoed, 1);
	}
	while (*at != pending)
		at = &(*at)->next;
	*at = pending->next;
	free(pending);
}

static void handle_echo(void *state, const struct par_request *request)
{
	struct echo *echo = state;
	struct json_object *text;
	struct pending *pending;
	size_t len;

	if (!json_object_object_get_ex(request->payload, "text", &text) ||
	    !json_object_is_type(text, json_type_string)) {
		echo->api->fail(echo->self, request->id, PAR_E_BAD_PAYLOAD, "text",
				"text must be a string");
		return;
	}
	len = (size_t)json_object_get_string_len(text);
	pending = malloc(sizeof(*pending) + len + request->user.len);
	if (pending == NULL) {
		echo->api->fail(echo->self, request->id, PAR_E_UNAVAILABLE, NULL, "out of memory");
		return;
	}
	pending->request = request->id;
	pending->text_len = len;
	pending->user_len = request->user.len;
	memcpy(pending->bytes, json_object_get_string(text), len);
	memcpy(pending->bytes + len, request->user.s, request->user.len);
	pending->next = echo->pending;
	echo->pending = pending;
	pending->timer = echo->api->timer_start(echo->self, echo->delay, answer, echo, pending);
}

static void *echo_load(const struct par_api *api, struct par_plugin *self,
		       struct json_object *config, char *error, size_t error_size)
{
	struct echo *echo = calloc(1, sizeof(*echo));

	if (echo == NULL) {
		snprintf(error, error_size, "out of memory");
		return NULL;
	}
	echo->api = api;
	echo->self = self;
	echo->delay = (uint64_t)json_object_get_int64(json_object_object_get(config, "delay"));
	echo->echoed = api->add_metric(self, PAR_COUNTER, "echoed_total", "Texts sent back");
	api->handle_request(self, "echo", handle_echo, echo);
	return echo;
}

static void echo_stop(void *state)
{
	struct echo *echo = state;

	while (echo->pending != NULL) {
		echo->api->timer_stop(echo->self, echo->pending->timer);
		answer(echo, echo->pending);
	}
}

static const struct par_option options[] = {
	{ .name = "delay",
	  .type = PAR_OPT_DURATION,
	  .def = "0s",
	  .min = 0,
	  .max = 5000,
	  .help = "How long to wait before the answer." },
	{ .name = NULL },
};

PAR_EXPORT const struct par_descriptor par_plugin_descriptor = {
	PAR_DESCRIPTOR_HEAD, /* what the loader judges first */
	.name = "echo",
	.version = "1.0.0",
	.summary =
	    "Answers a request with the text that it brought, and with the name of its user.",
	.options = options,
	.load = echo_load,
	.stop = echo_stop,
	.unload = free,
};
