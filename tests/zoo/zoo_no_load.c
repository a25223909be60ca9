/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Has no load().
 */
#include <parlance/plugin.h>

PAR_EXPORT const struct par_descriptor par_plugin_descriptor = {
	PAR_DESCRIPTOR_HEAD,
	.name = "zoo_no_load",
	.version = "1",
};
