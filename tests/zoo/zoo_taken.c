/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Claims a payloadType that another plugin has, and does not look whether it
 * got it.
 */
#include "zoo.h"

static void handle(void *state, const struct par_request *request)
{
	zoo_answer(state, request->id, "must never be seen");
}

static void *load(const struct par_api *api, struct par_plugin *self, struct json_object *config,
		  char *error, size_t error_size)
{
	struct zoo *zoo = zoo_new(api, self);

	(void)config;
	(void)error;
	(void)error_size;
	api->handle_request(self, "new", handle, zoo);
	return zoo;
}

static const char *const needs[] = { "messaging", NULL };

PAR_EXPORT const struct par_descriptor par_plugin_descriptor = {
	PAR_DESCRIPTOR_HEAD, .name = "zoo_taken", .version = "1",
	.requires_ = needs,  .load = load,        .unload = free,
};
