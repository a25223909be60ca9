/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A descriptor that ends behind load, as that of an older version might: its
 * later members count as NULL. No fault.
 */
#include "zoo.h"

static int state;

/* Beyond the end that the descriptor gives. */
static void never_called(void *unused)
{
	(void)unused;
	abort();
}

static void *load(const struct par_api *api, struct par_plugin *self, struct json_object *config,
		  char *error, size_t error_size)
{
	(void)config;
	(void)error;
	(void)error_size;
	api->log(self, PAR_LOG_INFO, "the short one is loaded");
	return &state;
}

PAR_EXPORT const struct par_descriptor par_plugin_descriptor = {
	.magic = PAR_ABI_MAGIC,
	.abi_major = PAR_ABI_MAJOR,
	.abi_minor = PAR_ABI_MINOR,
	.size = offsetof(struct par_descriptor, start),
	.name = "zoo_short_tail",
	.version = "1",
	.load = load,
	.unload = never_called,
};
