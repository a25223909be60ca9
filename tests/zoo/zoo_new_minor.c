/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Built against a newer minor version: it may call functions that the server
 * does not have.
 */
#include "zoo.h"

ZOO_LOAD_NOTHING(load)

PAR_EXPORT const struct par_descriptor par_plugin_descriptor = {
	.magic = PAR_ABI_MAGIC,
	.abi_major = PAR_ABI_MAJOR,
	.abi_minor = PAR_ABI_MINOR + 1,
	.size = sizeof(struct par_descriptor),
	.name = "zoo_new_minor",
	.version = "1",
	.load = load,
	.unload = free,
};
