/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The files of a config: reads the main one, merges its sections, then those
 * of each file that `include` matches, in the order of their names. Sections
 * are merged, options are not: what is given twice is an error that names both
 * places, so the order of files never decides a value. Only the main file may
 * include.
 */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config_tree.h"
#include "nearest.h"

#define INCLUDES_MAX 256

/* Moves the keys of `from` into the section `into`. */
static bool merge_section(struct yaml_node *into, struct yaml_node *from,
			  char error[CONFIG_ERROR_MAX])
{
	struct yaml_node *node, *next;
	const struct yaml_node *before;
	char path[160];

	if (from->kind != NODE_MAP && !yaml_is_null(from))
		return yaml_error(error, &from->place,
				  "%s is %s; expected KEY: VALUE lines, indented under it",
				  from->key, yaml_kind_name(from));
	if (into->key_place.line == 0)
		into->key_place = from->key_place;
	for (node = from->first; node != NULL; node = next) {
		next = node->next;
		before = yaml_get(into, node->key);
		if (before != NULL) {
			snprintf(path, sizeof(path), "%s.%.64s", from->key, node->key);
			return yaml_error_twice(error, &node->key_place, path, &before->key_place);
		}
		yaml_append(into, node);
	}
	return true;
}

/* Always false. */
static bool unknown_section(const struct yaml_node *node, char error[CONFIG_ERROR_MAX])
{
	struct nearest nearest = { node->key, NULL, 0 };

	nearest_offer(&nearest, "server");
	nearest_offer(&nearest, "plugins");
	nearest_offer(&nearest, "include");
	if (nearest.best != NULL)
		return yaml_error(error, &node->key_place,
				  "there is no section \"%.64s\"; did you mean \"%s\"?", node->key,
				  nearest.best);
	return yaml_error(error, &node->key_place,
			  "there is no section \"%.64s\"; expected server, plugins or include",
			  node->key);
}

/* Merges a file's tree; `include` is set to the node of that key, or NULL. */
static bool merge_root(struct config *config, struct yaml_node *root,
		       const struct yaml_node **include, char error[CONFIG_ERROR_MAX])
{
	struct yaml_node *node, *next;
	bool ok = true;

	*include = NULL;
	if (root->kind != NODE_MAP && !yaml_is_null(root))
		return yaml_error(error, &root->place,
				  "the file is %s; expected the sections server and plugins",
				  yaml_kind_name(root));
	for (node = root->first; ok && node != NULL; node = next) {
		next = node->next;
		if (strcmp(node->key, "server") == 0)
			ok = merge_section(config->server, node, error);
		else if (strcmp(node->key, "plugins") == 0)
			ok = merge_section(config->plugins, node, error);
		else if (strcmp(node->key, "include") == 0)
			*include = node;
		else
			ok = unknown_section(node, error);
	}
	return ok;
}

/* The whole file, or NULL; may be a pipe. One byte over the maximum is read,
 * so that the parser sees that it is too long. */
static char *read_file(const char *path, size_t *len, char error[CONFIG_ERROR_MAX])
{
	struct yaml_place place = { path, 0, 0 };
	char *text = (char *)mem_alloc(YAML_SIZE_MAX + 1);
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	ssize_t n = fd < 0 ? -1 : 0;

	for (*len = 0; fd >= 0 && *len <= YAML_SIZE_MAX; *len += (size_t)n) {
		n = read(fd, text + *len, YAML_SIZE_MAX + 1 - *len);
		if (n <= 0)
			break;
	}
	if (n < 0) {
		yaml_error(error, &place, "cannot be read (%s); expected a config file",
			   strerror(errno));
		free(text);
		text = NULL;
	}
	if (fd >= 0)
		close(fd);
	return text;
}

static bool add_file(struct config *config, const char *path, const struct yaml_node **include,
		     char error[CONFIG_ERROR_MAX])
{
	struct yaml_node *root;
	size_t len;
	char *text = read_file(path, &len, error);

	if (text == NULL)
		return false;
	root = yaml_parse(&config->arena, path, true, text, len, error);
	free(text);
	return root != NULL && merge_root(config, root, include, error);
}

static bool add_included(struct config *config, const char *path, char error[CONFIG_ERROR_MAX])
{
	const struct yaml_node *include;

	if (!add_file(config, config_copy(config, path, strlen(path)), &include, error))
		return false;
	if (include == NULL)
		return true;
	return yaml_error(error, &include->key_place,
			  "\"include\" stands in an included file; expected it in %s only",
			  config->path);
}

/* A pattern that does not begin with "/" is meant from the main file's folder.
 * The folder is taken literally, so what glob() would expand in it is escaped. */
static char *include_pattern(const struct config *config, const char *pattern)
{
	const char *slash = strrchr(config->path, '/'), *c;
	size_t size = 2 * strlen(config->path) + strlen(pattern) + 1, len = 0;
	char *full = (char *)mem_alloc(size);

	for (c = config->path; pattern[0] != '/' && slash != NULL && c <= slash; c++) {
		if (strchr("*?[\\", *c) != NULL)
			full[len++] = '\\';
		full[len++] = *c;
	}
	memcpy(full + len, pattern, strlen(pattern) + 1);
	return full;
}

/* A folder that is not there holds no files; one that may not be read stops the
 * search, for nobody would miss the files in it. */
static int glob_failed(const char *path, int error_number)
{
	(void)path;
	return error_number != ENOENT && error_number != ENOTDIR;
}

/* Adds what one pattern matches. Nothing is fine for a pattern with wildcards. */
static bool include_matches(struct config *config, const struct yaml_node *node,
			    char error[CONFIG_ERROR_MAX])
{
	char *pattern = include_pattern(config, node->text);
	glob_t found = { 0 };
	int result = glob(pattern, 0, glob_failed, &found);
	bool ok = true;
	size_t i;

	if (result == GLOB_NOMATCH && strpbrk(node->text, "*?[") == NULL)
		ok = yaml_error(error, &node->place,
				"%.200s does not exist; expected a file to include, or a pattern "
				"like conf.d/*.yaml",
				node->text);
	else if (result != 0 && result != GLOB_NOMATCH)
		ok = yaml_error(error, &node->place,
				"%.200s cannot be searched (%s); expected a folder that can",
				node->text, strerror(errno));
	else if (found.gl_pathc > INCLUDES_MAX)
		ok =
		    yaml_error(error, &node->place, "%.200s matches %zu files; expected %d at most",
			       node->text, (size_t)found.gl_pathc, INCLUDES_MAX);
	for (i = 0; ok && i < found.gl_pathc; i++)
		ok = add_included(config, found.gl_pathv[i], error);
	globfree(&found);
	free(pattern);
	return ok;
}

/* `include: PATTERN` or `include: [PATTERN, ...]`. */
static bool add_includes(struct config *config, const struct yaml_node *include,
			 char error[CONFIG_ERROR_MAX])
{
	bool list = include->kind == NODE_LIST;
	const struct yaml_node *node = list ? include->first : include;

	for (; node != NULL; node = list ? node->next : NULL) {
		if (node->kind != NODE_SCALAR || node->text[0] == '\0')
			return yaml_error(error, &node->place,
					  "include is %s; expected a pattern like conf.d/*.yaml, "
					  "or a list of them",
					  yaml_kind_name(node));
		if (!include_matches(config, node, error))
			return false;
	}
	return true;
}

bool config_add_files(struct config *config, char error[CONFIG_ERROR_MAX])
{
	const struct yaml_node *include;

	return add_file(config, config->path, &include, error) &&
	       (include == NULL || add_includes(config, include, error));
}

bool config_add_text(struct config *config, const char *text, size_t len,
		     char error[CONFIG_ERROR_MAX])
{
	struct yaml_node *root = yaml_parse(&config->arena, config->path, true, text, len, error);
	const struct yaml_node *include;

	return root != NULL && merge_root(config, root, &include, error);
}
