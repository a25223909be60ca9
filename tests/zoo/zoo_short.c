/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A descriptor that ends before its name.
 */
#include "zoo.h"

ZOO_LOAD_NOTHING(load)

PAR_EXPORT const struct par_descriptor par_plugin_descriptor = {
	.magic = PAR_ABI_MAGIC,
	.abi_major = PAR_ABI_MAJOR,
	.abi_minor = PAR_ABI_MINOR,
	.size = offsetof(struct par_descriptor, name),
	.name = "zoo_short",
	.version = "1",
	.load = load,
	.unload = free,
};
