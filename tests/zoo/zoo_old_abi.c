/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Built against an ABI of the past.
 */
#include "zoo.h"

ZOO_LOAD_NOTHING(load)

PAR_EXPORT const struct par_descriptor par_plugin_descriptor = {
	.magic = PAR_ABI_MAGIC,
	.abi_major = PAR_ABI_MAJOR - 1,
	.abi_minor = PAR_ABI_MINOR,
	.size = sizeof(struct par_descriptor),
	.name = "zoo_old_abi",
	.version = "1",
	.load = load,
	.unload = free,
};
