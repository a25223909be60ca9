/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calls itself another name than its file has.
 */
#include "zoo.h"

ZOO_LOAD_NOTHING(load)

PAR_EXPORT const struct par_descriptor par_plugin_descriptor = {
	PAR_DESCRIPTOR_HEAD, .name = "zoo_other_name", .version = "1", .load = load, .unload = free,
};
