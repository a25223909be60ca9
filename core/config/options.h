/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A section of the config checked against the declarations of its options.
 * Private to core/config; config_section is its one caller.
 */
#ifndef PARLANCE_OPTIONS_H
#define PARLANCE_OPTIONS_H

#include "yaml_tree.h"

/* What is checked, and where complaints about what is missing point to. */
struct options_section {
	const char *path; /* "server", "plugins.typing" */
	const struct yaml_node *map; /* NULL: nothing is set */
	struct yaml_place place;
};

/* A new json_object with a value for every option, or NULL and the reason. */
struct json_object *options_check(const struct options_section *section,
				  const struct par_option *options, char error[CONFIG_ERROR_MAX]);

#endif
