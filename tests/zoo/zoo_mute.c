/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fails in load() and does not say why.
 */
#include "zoo.h"

static void *load(const struct par_api *api, struct par_plugin *self, struct json_object *config,
		  char *error, size_t error_size)
{
	(void)api;
	(void)self;
	(void)config;
	(void)error;
	(void)error_size;
	return NULL;
}

PAR_EXPORT const struct par_descriptor par_plugin_descriptor = {
	PAR_DESCRIPTOR_HEAD,
	.name = "zoo_mute",
	.version = "1",
	.load = load,
};
