/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Loads, and fails in start().
 */
#include "zoo.h"

#include <stdio.h>

ZOO_LOAD_NOTHING(load)

static bool start(void *state, char *error, size_t error_size)
{
	(void)state;
	snprintf(error, error_size, "the zoo is closed today: come tomorrow");
	return false;
}

PAR_EXPORT const struct par_descriptor par_plugin_descriptor = {
	PAR_DESCRIPTOR_HEAD, .name = "zoo_start_fails",
	.version = "1",      .load = load,
	.start = start,      .unload = free,
};
