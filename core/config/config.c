/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The config as a whole: the main file, then what it includes, then --set,
 * become two mappings, `server` and `plugins`. Here it is put together and
 * asked. Main thread only; nothing changes after config_load but the buffer of
 * config_where.
 */
#include "config.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config_tree.h"
#include "options.h"

#define PLUGIN_NAME_MAX 64

bool config_refuse(char error[CONFIG_ERROR_MAX], const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(error, CONFIG_ERROR_MAX, format, args);
	va_end(args);
	return false;
}

static struct yaml_node *section_new(struct config *config)
{
	struct yaml_place place = { config->path, 0, 0 };
	struct yaml_node *section = yaml_new_map(&config->arena, place);

	section->key_place = place;
	return section;
}

static struct config *config_new(const char *path)
{
	struct config *config = (struct config *)mem_zalloc(sizeof(*config));

	config->path = config_copy(config, path, strlen(path));
	config->server = section_new(config);
	config->plugins = section_new(config);
	return config;
}

void config_free(struct config **config)
{
	if (*config == NULL)
		return;
	arena_free(&(*config)->arena);
	free(*config);
	*config = NULL;
}

char *config_copy(struct config *config, const char *text, size_t len)
{
	char *copy = (char *)arena_alloc(&config->arena, len + 1);

	memcpy(copy, text, len);
	copy[len] = '\0';
	return copy;
}

/* The name becomes a file's, so it may not lead out of the plugins' folder. */
static bool check_plugin(const struct yaml_node *plugin, char error[CONFIG_ERROR_MAX])
{
	size_t len = strlen(plugin->key);

	if (len == 0 || len > PLUGIN_NAME_MAX ||
	    strspn(plugin->key, "abcdefghijklmnopqrstuvwxyz0123456789_") != len)
		return yaml_error(error, &plugin->key_place,
				  "\"%.64s\" is no plugin's name; expected a-z, 0-9 and _, "
				  "64 letters at most",
				  plugin->key);
	if (plugin->kind != NODE_MAP && !yaml_is_null(plugin))
		return yaml_error(error, &plugin->place,
				  "plugins.%s is %s; expected its options, KEY: VALUE, or nothing",
				  plugin->key, yaml_kind_name(plugin));
	return true;
}

/* The last step of loading. */
static bool config_finish(struct config *config, char error[CONFIG_ERROR_MAX])
{
	const struct yaml_node *plugin;

	config->names = (const char **)arena_alloc(&config->arena,
						   (config->plugins->count + 1) * sizeof(char *));
	for (plugin = config->plugins->first; plugin != NULL; plugin = plugin->next) {
		if (!check_plugin(plugin, error))
			return false;
		config->names[config->n_names++] = plugin->key;
	}
	return true;
}

struct config *config_load(const char *path, const char *const *sets, unsigned n_sets,
			   char error[CONFIG_ERROR_MAX])
{
	struct config *config = config_new(path);
	bool ok = config_add_files(config, error);
	unsigned i;

	for (i = 0; ok && i < n_sets; i++)
		ok = config_set(config, sets[i], error);
	if (!ok || !config_finish(config, error))
		config_free(&config);
	return config;
}

struct config *config_parse(const char *name, const char *text, size_t len,
			    char error[CONFIG_ERROR_MAX])
{
	struct config *config = config_new(name);

	if (!config_add_text(config, text, len, error) || !config_finish(config, error))
		config_free(&config);
	return config;
}

const char *const *config_plugins(const struct config *config, unsigned *n)
{
	*n = config->n_names;
	return config->names;
}

static const struct yaml_node *find_section(const struct config *config, const char *section,
					    bool plugin)
{
	return plugin ? yaml_get(config->plugins, section) : config->server;
}

struct json_object *config_section(const struct config *config, const char *section, bool plugin,
				   const struct par_option *options, char error[CONFIG_ERROR_MAX])
{
	const struct yaml_node *node = find_section(config, section, plugin);
	struct options_section checked = { section, NULL, config->plugins->key_place };
	char path[sizeof("plugins.") + PLUGIN_NAME_MAX];

	if (plugin) {
		snprintf(path, sizeof(path), "plugins.%s", section);
		checked.path = path;
	}
	if (node != NULL) {
		checked.map = node->kind == NODE_MAP ? node : NULL;
		checked.place = node->key_place;
	}
	return options_check(&checked, options, error);
}

const char *config_where(const struct config *config, const char *section, bool plugin)
{
	return config_where_option(config, section, plugin, NULL);
}

const char *config_where_option(const struct config *config, const char *section, bool plugin,
				const char *option)
{
	/* The buffer alone is changed, which no caller sees as the config's content. */
	struct config *writable = (struct config *)config;
	const struct yaml_node *node = find_section(config, section, plugin), *value = NULL;

	if (node == NULL)
		node = config->plugins;
	else if (option != NULL && node->kind == NODE_MAP)
		value = yaml_get(node, option);
	yaml_place_text(value == NULL ? &node->key_place : &value->key_place, writable->where,
			sizeof(writable->where));
	return config->where;
}
