/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Registers something when load() is over.
 */
#include "zoo.h"

static void handle(void *state, const struct par_request *request)
{
	zoo_answer(state, request->id, "must never be seen");
}

static bool start(void *state, char *error, size_t error_size)
{
	struct zoo *zoo = state;

	(void)error;
	(void)error_size;
	zoo->api->handle_request(zoo->self, "zoo.late", handle, zoo);
	return true;
}

ZOO_LOAD_NOTHING(load)

PAR_EXPORT const struct par_descriptor par_plugin_descriptor = {
	PAR_DESCRIPTOR_HEAD, .name = "zoo_late_register",
	.version = "1",      .load = load,
	.start = start,      .unload = free,
};
