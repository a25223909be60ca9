/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Loading, starting, stopping and unloading the plugins that the config names.
 * A plugin is loaded after all that it requires, otherwise in the order of the
 * config; stopped and unloaded in the reverse order. A failure unwinds
 * everything that was done. Core thread.
 */
#include <dlfcn.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "engine/core_internal.h"
#include "engine/ephemeral.h"
#include "engine/prune.h"
#include "engine/redeliver.h"
#include "engine/request.h"
#include "engine/session.h"
#include "engine/storage.h"
#include "plugin/descriptor.h"
#include "plugin/plugin.h"

/* What a plugin submits when all have stopped is refused so often, then forgotten. */
#define LAST_FLUSHES 8

static void plugin_close(struct par_plugin *plugin)
{
	dlclose(plugin->object);
	free(plugin);
}

static void plugin_unload(struct core *core, struct par_plugin *plugin)
{
	struct par_plugin *outer;

	plugin->phase = PLUGIN_FOUND;
	if (plugin->state != NULL) {
		outer = call_begin(core, plugin);
		plugin->descriptor.unload(plugin->state);
		call_end(core, outer, "unload", "");
	}
	registry_remove(&core->registry, plugin);
	timers_stop_owner(&core->timers, plugin);
	watches_stop_owner(core, plugin);
	posts_drop(&core->posts, plugin);
	plugin_close(plugin);
}

/* Takes the last loaded plugin off the list. */
static struct par_plugin *plugins_take_last(struct core *core)
{
	struct par_plugin **at = &core->registry.plugins, *plugin;

	while (*at != NULL && (*at)->next != NULL)
		at = &(*at)->next;
	plugin = *at;
	*at = NULL;
	return plugin;
}

static void plugins_append(struct core *core, struct par_plugin *plugin)
{
	struct par_plugin **at = &core->registry.plugins;

	while (*at != NULL)
		at = &(*at)->next;
	plugin->next = NULL;
	*at = plugin;
}

static void plugins_unload_all(struct core *core)
{
	struct par_plugin *plugin;

	while ((plugin = plugins_take_last(core)) != NULL)
		plugin_unload(core, plugin);
}

/* Calls load with the plugin's part of the config. */
static bool plugin_load(struct core *core, const struct config *config, struct par_plugin *plugin,
			char *error)
{
	const struct par_descriptor *d = &plugin->descriptor;
	char why[CONFIG_ERROR_MAX / 2] = "";
	struct json_object *values = config_section(config, d->name, true, d->options, error);
	struct par_plugin *outer;

	if (values == NULL)
		return false;
	plugin->phase = PLUGIN_LOADING;
	outer = call_begin(core, plugin);
	plugin->state = d->load(&api_table, plugin, values, why, sizeof(why));
	call_end(core, outer, "load", "");
	plugin->phase = PLUGIN_LOADED;
	json_object_put(values);
	if (plugin->state != NULL && !plugin->refused) {
		log_debug("plugin", "loaded %s %s", d->name, d->version == NULL ? "" : d->version);
		return true;
	}
	if (plugin->refused)
		return config_refuse(error, "%s: %s", config_where(config, d->name, true),
				     plugin->why);
	return config_refuse(error, "%s: the plugin %s refuses to load: %s",
			     config_where(config, d->name, true), d->name,
			     why[0] == '\0' ? "it gave no reason" : why);
}

static bool role_provided(const struct registry *r, const char *role, bool *is_role)
{
	*is_role = true;
	if (strcmp(role, "storage") == 0)
		return r->storage_plugin != NULL;
	if (strcmp(role, "auth") == 0)
		return r->auth_plugin != NULL;
	*is_role = false;
	return false;
}

/* The first thing that the plugin requires and that is not loaded, or NULL. */
static const char *plugin_lacks(const struct registry *r, const struct par_plugin *plugin)
{
	const char *const *name = plugin->descriptor.requires_;
	const struct par_plugin *other;
	bool is_role;

	for (; name != NULL && *name != NULL; name++) {
		if (role_provided(r, *name, &is_role))
			continue;
		for (other = r->plugins; !is_role && other != NULL; other = other->next) {
			if (strcmp(other->descriptor.name, *name) == 0)
				break;
		}
		if (is_role || other == NULL)
			return *name;
	}
	return NULL;
}

static void lacks_error(const struct config *config, const struct par_plugin *plugin,
			const char *what, char *error)
{
	const char *name = plugin->descriptor.name;
	const char *where = config_where(config, name, true);

	if (strcmp(what, "storage") == 0 || strcmp(what, "auth") == 0)
		config_refuse(error,
			      "%s: the plugin %s needs a plugin with the role %s: enable one, for "
			      "example %s",
			      where, name, what,
			      strcmp(what, "auth") == 0 ? "auth_insecure" : "storage_sqlite");
	else
		config_refuse(error,
			      "%s: the plugin %s needs the plugin %s: add \"%s: {}\" under plugins "
			      "(two plugins that need each other cannot be loaded)",
			      where, name, what, what);
}

/* Plugins whose descriptors were read, in the order of the config. */
struct found {
	struct par_plugin **plugins; /* NULL where one was loaded */
	unsigned n;
};

static void found_close(struct found *found)
{
	unsigned i;

	for (i = 0; i < found->n; i++) {
		if (found->plugins[i] != NULL)
			plugin_close(found->plugins[i]);
	}
	free(found->plugins);
}

static bool found_open(struct core *core, const struct config *config, struct found *found,
		       char *error)
{
	unsigned n, i;
	const char *const *names = config_plugins(config, &n);

	found->plugins = mem_zalloc((n + 1) * sizeof(struct par_plugin *));
	found->n = n;
	for (i = 0; i < n; i++) {
		struct par_plugin *plugin = mem_zalloc(sizeof(*plugin));
		char why[CONFIG_ERROR_MAX];

		plugin->core = core;
		plugin->phase = PLUGIN_FOUND;
		if (!descriptor_open(core->settings->plugin_dir, names[i], &plugin->descriptor,
				     &plugin->object, why)) {
			free(plugin);
			return config_refuse(error, "%s: %.900s",
					     config_where(config, names[i], true), why);
		}
		found->plugins[i] = plugin;
	}
	return true;
}

/* Loads the first plugin that lacks nothing. *left counts what is not loaded. */
static bool found_load_next(struct core *core, const struct config *config, struct found *found,
			    unsigned *left, char *error)
{
	const char *lacks = NULL;
	const struct par_plugin *who = NULL;
	unsigned i;

	*left = 0;
	for (i = 0; i < found->n; i++) {
		struct par_plugin *plugin = found->plugins[i];

		if (plugin == NULL)
			continue;
		(*left)++;
		lacks = plugin_lacks(&core->registry, plugin);
		who = plugin;
		if (lacks != NULL)
			continue;
		found->plugins[i] = NULL;
		plugins_append(core, plugin);
		return plugin_load(core, config, plugin, error);
	}
	if (*left > 0)
		lacks_error(config, who, lacks, error);
	return *left == 0;
}

bool core_load_plugins(struct core *core, const struct config *config, char error[CONFIG_ERROR_MAX])
{
	struct found found;
	unsigned left = 1;
	bool ok = found_open(core, config, &found, error);

	while (ok && left > 0)
		ok = found_load_next(core, config, &found, &left, error);
	if (ok && core->registry.auth_plugin == NULL) {
		config_refuse(
		    error, "no plugin authenticates users: enable one under plugins, for example "
			   "auth_insecure on a loopback address");
		ok = false;
	}
	found_close(&found);
	if (!ok)
		plugins_unload_all(core);
	return ok;
}

static void plugin_stop(struct core *core, struct par_plugin *plugin)
{
	struct par_plugin *outer;

	if (plugin->phase != PLUGIN_RUNNING)
		return;
	plugin->phase = PLUGIN_STOPPED;
	if (plugin->descriptor.stop == NULL)
		return;
	outer = call_begin(core, plugin);
	plugin->descriptor.stop(plugin->state);
	call_end(core, outer, "stop", "");
}

static bool plugin_start(struct core *core, struct par_plugin *plugin, char *error)
{
	char why[CONFIG_ERROR_MAX / 2] = "";
	struct par_plugin *outer;
	bool ok = true;

	plugin->phase = PLUGIN_RUNNING;
	outer = call_begin(core, plugin);
	if (plugin->descriptor.start != NULL)
		ok = plugin->descriptor.start(plugin->state, why, sizeof(why));
	call_end(core, outer, "start", "");
	if (ok)
		return true;
	plugin->phase = PLUGIN_STOPPED;
	return config_refuse(error, "the plugin %s does not start: %s", plugin->descriptor.name,
			     why[0] == '\0' ? "it gave no reason" : why);
}

bool core_start_plugins(struct core *core, char error[CONFIG_ERROR_MAX])
{
	struct par_plugin *plugin;

	for (plugin = core->registry.plugins; plugin != NULL; plugin = plugin->next) {
		if (plugin_start(core, plugin, error))
			continue;
		core_stop_plugins(core);
		return false;
	}
	if (core->registry.storage_plugin != NULL) {
		prune_start(core);
		redeliver_start(core);
	}
	return true;
}

const char *core_start_storage(struct core *core, char error[CONFIG_ERROR_MAX])
{
	struct par_plugin *plugin = core->registry.storage_plugin;

	if (plugin == NULL) {
		config_refuse(error, "no plugin stores anything: enable one under plugins, for "
				     "example storage_sqlite");
		return NULL;
	}
	return plugin_start(core, plugin, error) ? plugin->descriptor.name : NULL;
}

/* In the reverse order of loading. */
static void plugins_stop_from(struct core *core, struct par_plugin *plugin)
{
	if (plugin == NULL)
		return;
	plugins_stop_from(core, plugin->next);
	core_settle(core);
	plugin_stop(core, plugin);
}

/* All are stopped before the first is unloaded: what the storage finishes in
 * its stop() still finds the plugin that waits for it. */
void core_stop_plugins(struct core *core)
{
	unsigned i;

	sessions_end(core);
	storage_flush(core);
	plugins_stop_from(core, core->registry.plugins);
	core_settle(core);
	for (i = 0; i < LAST_FLUSHES && storage_flush(core); i++)
		core_settle(core);
	plugins_unload_all(core);
}

bool plugin_print_help(const char *plugin_dir, const char *name, char error[CONFIG_ERROR_MAX])
{
	struct par_descriptor d;
	void *object;

	if (!descriptor_open(plugin_dir, name, &d, &object, error))
		return false;
	printf("%s %s\n%s\n\nOptions, under plugins.%s:\n", d.name,
	       d.version == NULL ? "" : d.version, d.summary == NULL ? "" : d.summary, d.name);
	config_print_options(d.options);
	dlclose(object);
	return true;
}
