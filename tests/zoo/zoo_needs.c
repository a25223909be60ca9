/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Requires a plugin that nobody has.
 */
#include "zoo.h"

static const char *const needs[] = { "zoo_water", NULL };

ZOO_LOAD_NOTHING(load)

PAR_EXPORT const struct par_descriptor par_plugin_descriptor = {
	PAR_DESCRIPTOR_HEAD, .name = "zoo_needs", .version = "1",
	.requires_ = needs,  .load = load,        .unload = free,
};
