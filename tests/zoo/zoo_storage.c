/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A second storage.
 */
#include "zoo.h"

#include <parlance/storage.h>

static void submit(void *state, struct par_tx *tx)
{
	(void)state;
	(void)tx;
	abort();
}

static void query(void *state, struct par_query *query)
{
	(void)state;
	(void)query;
	abort();
}

static void flush(void *state)
{
	(void)state;
}

static const char *down(void *state)
{
	(void)state;
	return NULL;
}

static const struct par_storage_role role = {
	.size = sizeof(role),
	.submit = submit,
	.query = query,
	.flush = flush,
	.down = down,
};

static void *load(const struct par_api *api, struct par_plugin *self, struct json_object *config,
		  char *error, size_t error_size)
{
	struct zoo *zoo = zoo_new(api, self);

	(void)config;
	(void)error;
	(void)error_size;
	api->provide_storage(self, &role, zoo);
	return zoo;
}

PAR_EXPORT const struct par_descriptor par_plugin_descriptor = {
	PAR_DESCRIPTOR_HEAD, .name = "zoo_storage", .version = "1", .load = load, .unload = free,
};
