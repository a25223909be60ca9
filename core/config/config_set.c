/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * --set on the command line: "SECTION.KEY=VALUE", the value in YAML, replaces
 * what the files say, or adds to it. Its place in messages is "--set KEY".
 * Main thread, while the config is loaded; the options themselves are checked
 * later, with those of the files.
 */
#include <stdio.h>
#include <string.h>

#include "config_tree.h"

#define SET_KEY_MAX 200

/* Puts `value` where `node` is; the key and the neighbours stay. */
static void replace(struct yaml_node *node, const struct yaml_node *value)
{
	node->kind = value->kind;
	node->plain = value->plain;
	node->text = value->text;
	node->first = value->first;
	node->last = value->last;
	node->count = value->count;
	node->place = node->key_place = value->place;
}

static void add(struct yaml_node *map, const char *key, struct yaml_node *value)
{
	value->key = key;
	value->key_place = value->place;
	yaml_append(map, value);
}

/* The mapping under `key`, made when it is not there, or is empty; NULL when
 * something else is. */
static struct yaml_node *enter(struct config *config, struct yaml_node *map, const char *key,
			       const struct yaml_place *place)
{
	struct yaml_node *node = yaml_get(map, key);

	if (node == NULL) {
		node = yaml_new_map(&config->arena, *place);
		add(map, key, node);
	} else if (yaml_is_null(node)) {
		replace(node, yaml_new_map(&config->arena, *place));
	}
	return node->kind == NODE_MAP ? node : NULL;
}

/* `rest` is cut at its dots. */
static bool set_value(struct config *config, char *rest, struct yaml_node *map,
		      struct yaml_node *value, char error[CONFIG_ERROR_MAX])
{
	struct yaml_node *node;
	char *key;

	while ((key = strsep(&rest, ".")) != NULL && map != NULL) {
		if (key[0] == '\0')
			return yaml_error(error, &value->place,
					  "a part of the key is empty; expected SECTION.KEY=VALUE");
		if (rest != NULL) {
			map = enter(config, map, key, &value->place);
			continue;
		}
		node = yaml_get(map, key);
		if (node == NULL)
			add(map, key, value);
		else
			replace(node, value);
		return true;
	}
	return yaml_error(error, &value->place,
			  "leads into what has no keys; expected the key of a mapping");
}

bool config_set(struct config *config, const char *set, char error[CONFIG_ERROR_MAX])
{
	size_t len = strcspn(set, "=");
	struct yaml_place place = { NULL, 0, 0 };
	struct yaml_node *value, *section = NULL;
	char name[sizeof("--set ") + SET_KEY_MAX];
	char *path, *rest;

	snprintf(name, sizeof(name), "--set %.*s", len > SET_KEY_MAX ? SET_KEY_MAX : (int)len, set);
	place.file = config_copy(config, name, strlen(name));
	if (len > SET_KEY_MAX || set[len] != '=')
		return yaml_error(error, &place, "%s; expected SECTION.KEY=VALUE",
				  len > SET_KEY_MAX ? "the key is too long" : "there is no value");
	path = config_copy(config, set, len);
	rest = path;
	strsep(&rest, ".");
	if (rest != NULL && strcmp(path, "server") == 0)
		section = config->server;
	else if (rest != NULL && strcmp(path, "plugins") == 0)
		section = config->plugins;
	if (section == NULL)
		return yaml_error(error, &place,
				  "no such key; expected server.KEY, plugins.NAME or "
				  "plugins.NAME.KEY");
	value = yaml_parse(&config->arena, place.file, false, set + len + 1, strlen(set + len + 1),
			   error);
	return value != NULL && set_value(config, rest, section, value, error);
}
