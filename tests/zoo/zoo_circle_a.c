/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Requires zoo_circle_b, which requires this one.
 */
#include "zoo.h"

static const char *const needs[] = { "zoo_circle_b", NULL };

ZOO_LOAD_NOTHING(load)

PAR_EXPORT const struct par_descriptor par_plugin_descriptor = {
	PAR_DESCRIPTOR_HEAD, .name = "zoo_circle_a", .version = "1",
	.requires_ = needs,  .load = load,           .unload = free,
};
