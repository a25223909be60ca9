/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Its descriptor begins with something else than a descriptor does.
 */
#include "zoo.h"

ZOO_LOAD_NOTHING(load)

PAR_EXPORT const struct par_descriptor par_plugin_descriptor = {
	.magic = 0x21544f4e,
	.abi_major = PAR_ABI_MAJOR,
	.abi_minor = PAR_ABI_MINOR,
	.size = sizeof(struct par_descriptor),
	.name = "zoo_wrong_magic",
	.version = "1",
	.load = load,
	.unload = free,
};
