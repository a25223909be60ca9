/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a config is made of, shared by the files of core/config that build it:
 * config_files.c adds the main file and what it includes, config_set.c the
 * overrides, config.c checks the result and answers questions about it.
 */
#ifndef PARLANCE_CONFIG_TREE_H
#define PARLANCE_CONFIG_TREE_H

#include "yaml_tree.h"

struct config {
	struct arena arena; /* all nodes and texts */
	const char *path; /* of the main file */
	/* Always mappings. Their key_place is where the section first stands, or the
	 * main file when it nowhere does. */
	struct yaml_node *server;
	struct yaml_node *plugins;
	const char **names; /* of the plugins */
	unsigned n_names;
	char where[CONFIG_ERROR_MAX / 2];
};

/* A copy that lives as long as the config. */
char *config_copy(struct config *config, const char *text, size_t len);

/* Adds the main file and the files that it includes. */
bool config_add_files(struct config *config, char error[CONFIG_ERROR_MAX]);
/* Adds a main file from memory. What it includes is not read. */
bool config_add_text(struct config *config, const char *text, size_t len,
		     char error[CONFIG_ERROR_MAX]);

/* Applies "SECTION.KEY=VALUE" over what is there. */
bool config_set(struct config *config, const char *set, char error[CONFIG_ERROR_MAX]);

#endif
