/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fails halfway in load(), after it has registered things that the server
 * must take back.
 */
#include "zoo.h"

#include <stdio.h>

static void handle(void *state, const struct par_request *request)
{
	zoo_answer(state, request->id, "must never be seen");
}

static enum par_verdict observe(void *state, const struct par_hook_call *call)
{
	(void)state;
	(void)call;
	abort();
}

static void *load(const struct par_api *api, struct par_plugin *self, struct json_object *config,
		  char *error, size_t error_size)
{
	(void)config;
	api->handle_request(self, "zoo.half", handle, NULL);
	api->add_hook(self, PAR_HOOK_SESSION_OPENED, observe, NULL);
	api->add_metric(self, PAR_COUNTER, "halves_total", "Never counted");
	snprintf(error, error_size, "the zoo has no water: open the tap");
	return NULL;
}

PAR_EXPORT const struct par_descriptor par_plugin_descriptor = {
	PAR_DESCRIPTOR_HEAD, .name = "zoo_half_load", .version = "1", .load = load, .unload = free,
};
