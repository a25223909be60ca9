/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Built against an ABI of the future.
 */
#include "zoo.h"

ZOO_LOAD_NOTHING(load)

PAR_EXPORT const struct par_descriptor par_plugin_descriptor = {
	.magic = PAR_ABI_MAGIC,
	.abi_major = PAR_ABI_MAJOR + 1,
	.abi_minor = 0,
	.size = sizeof(struct par_descriptor),
	.name = "zoo_new_abi",
	.version = "1",
	.load = load,
	.unload = free,
};
