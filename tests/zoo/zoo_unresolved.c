/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Needs a function that nobody has.
 */
#include "zoo.h"

void zoo_function_of_nobody(void);

static void *load(const struct par_api *api, struct par_plugin *self, struct json_object *config,
		  char *error, size_t error_size)
{
	(void)config;
	(void)error;
	(void)error_size;
	zoo_function_of_nobody();
	return zoo_new(api, self);
}

PAR_EXPORT const struct par_descriptor par_plugin_descriptor = {
	PAR_DESCRIPTOR_HEAD, .name = "zoo_unresolved", .version = "1", .load = load, .unload = free,
};
