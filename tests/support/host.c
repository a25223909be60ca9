/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The life of the fake host and of the plugins in it: loading a shared object
 * as the server does, filling in the defaults of its options, and letting
 * things happen one after the other on the one core thread.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "base/mem.h"
#include "host.h"
#include "host_api.h"
#include "host_loop.h"

#define CLOCK_START 1700000000000u

struct host *host_new(void)
{
	struct host *host = mem_zalloc(sizeof(*host));

	host->now = CLOCK_START;
	host->core = pthread_self();
	host_loop_begin(host);
	par_json_init(&host->log);
	host->info.size = sizeof(host->info);
	host->info.loopback_only = true;
	host->info.request_timeout = 10000;
	host->info.max_message_size = 64 << 10;
	host_api_fill(&host->api);
	return host;
}

void host_free(struct host **host)
{
	struct host *h = *host;

	if (h == NULL)
		return;
	while (h->plugins != NULL)
		host_unload(h->plugins);
	host_drain(h);
	host_api_end(h);
	metrics_free(&h->metrics);
	par_json_free(&h->log);
	host_loop_end(h);
	free(h);
	*host = NULL;
}

/* The number in "64k" or "20s", in bytes or milliseconds. */
static int64_t option_number(const char *text)
{
	static const struct {
		const char *unit;
		int64_t factor;
	} units[] = { { "k", 1 << 10 }, { "g", 1 << 30 }, { "ms", 1 },
		      { "s", 1000 },    { "h", 3600000 }, { "d", 86400000 } };
	char *unit;
	int64_t n = strtoll(text, &unit, 10);
	size_t i;

	for (i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcmp(unit, units[i].unit) == 0)
			return n * units[i].factor;
	}
	return n;
}

static struct json_object *option_default(const struct par_option *option)
{
	const char *unit = option->def + strspn(option->def, "0123456789");

	switch (option->type) {
	case PAR_OPT_BOOL:
		return json_object_new_boolean(strcmp(option->def, "true") == 0);
	case PAR_OPT_INT:
		return json_object_new_int64(option_number(option->def));
	case PAR_OPT_SIZE:
		if (strcmp(unit, "m") == 0)
			return json_object_new_int64(option_number(option->def) << 20);
		return json_object_new_int64(option_number(option->def));
	case PAR_OPT_DURATION:
		if (strcmp(unit, "m") == 0)
			return json_object_new_int64(option_number(option->def) * 60000);
		return json_object_new_int64(option_number(option->def));
	case PAR_OPT_LIST:
		return json_object_new_array();
	case PAR_OPT_STRING:
	case PAR_OPT_ENUM:
		break;
	}
	return json_object_new_string(option->def);
}

static const struct par_option *option_find(const struct par_option *option, const char *name)
{
	while (option != NULL && option->name != NULL && strcmp(option->name, name) != 0)
		option++;
	return option != NULL && option->name != NULL ? option : NULL;
}

/* Names alone are checked; that a value has the option's type is up to the test. */
static bool config_fill(struct host *host, struct json_object *config,
			const struct par_option *options)
{
	const struct par_option *option = options;

	json_object_object_foreach(config, name, value)
	{
		(void)value;
		if (option_find(options, name) != NULL)
			continue;
		snprintf(host->error, sizeof(host->error), "there is no option %s", name);
		return false;
	}
	for (; option != NULL && option->name != NULL; option++) {
		if (json_object_object_get_ex(config, option->name, NULL))
			continue;
		if (option->def == NULL) {
			snprintf(host->error, sizeof(host->error), "option %s must be given",
				 option->name);
			return false;
		}
		json_object_object_add(config, option->name, option_default(option));
	}
	return true;
}

/* NULL with the reason in host->error. */
static struct json_object *plugin_config(struct host *host, const struct par_descriptor *descriptor,
					 const char *text)
{
	struct json_object *config =
	    text == NULL ? json_object_new_object() : json_tokener_parse(text);

	if (!json_object_is_type(config, json_type_object)) {
		snprintf(host->error, sizeof(host->error), "the config is no JSON object");
	} else if (config_fill(host, config, descriptor->options)) {
		return config;
	}
	json_object_put(config);
	return NULL;
}

static void plugin_close(struct par_plugin *plugin)
{
	struct par_plugin **at = &plugin->host->plugins;

	while (*at != plugin)
		at = &(*at)->next;
	*at = plugin->next;
	/* A leak checker names functions of a plugin only while it is mapped. */
	if (getenv("HOST_KEEP_OBJECTS") == NULL)
		dlclose(plugin->object);
	free(plugin);
}

struct par_plugin *host_load(struct host *host, const char *object, const char *config)
{
	const struct par_descriptor *descriptor;
	struct json_object *options;
	struct par_plugin *plugin;
	void *handle = dlopen(object, RTLD_NOW | RTLD_LOCAL);

	descriptor = handle == NULL ? NULL : dlsym(handle, "par_plugin_descriptor");
	if (descriptor == NULL) {
		snprintf(host->error, sizeof(host->error), "%s", dlerror());
		return NULL;
	}
	if (descriptor->magic != PAR_ABI_MAGIC || descriptor->abi_major != PAR_ABI_MAJOR) {
		snprintf(host->error, sizeof(host->error),
			 "it was built for another version of <parlance/plugin.h>");
		return NULL;
	}
	plugin = mem_zalloc(sizeof(*plugin));
	plugin->host = host;
	plugin->object = handle;
	plugin->descriptor = descriptor;
	plugin->next = host->plugins;
	host->plugins = plugin;
	host->error[0] = '\0';
	options = plugin_config(host, descriptor, config);
	if (options != NULL)
		plugin->state =
		    descriptor->load(&host->api, plugin, options, host->error, sizeof(host->error));
	json_object_put(options);
	if (plugin->state == NULL) {
		plugin_close(plugin);
		return NULL;
	}
	return plugin;
}

bool host_start(struct par_plugin *plugin)
{
	struct host *host = plugin->host;

	host->error[0] = '\0';
	return plugin->descriptor->start == NULL ||
	       plugin->descriptor->start(plugin->state, host->error, sizeof(host->error));
}

void host_unload(struct par_plugin *plugin)
{
	struct host *host = plugin->host;

	host_loop_finish(host);
	if (plugin->descriptor->stop != NULL)
		plugin->descriptor->stop(plugin->state);
	if (host->in_flight > 0 && host->storage_state != plugin->state)
		host_settle(host); /* what it submitted may still come back */
	host_loop_finish(host);
	if (plugin->descriptor->unload != NULL)
		plugin->descriptor->unload(plugin->state);
	if (host->storage_state == plugin->state)
		host->storage = NULL;
	host_api_forget(plugin);
	host_loop_forget(plugin);
	plugin_close(plugin);
}

static const struct host_handler *handler_find(const struct host *host, const char *type,
					       bool request)
{
	unsigned i;

	for (i = 0; i < host->n_handlers; i++) {
		const struct host_handler *handler = &host->handlers[i];
		if (handler->type != NULL && strcmp(handler->type, type) == 0 &&
		    (handler->request != NULL) == request)
			return handler;
	}
	return NULL;
}

const struct host_handler *host_request_handler(const struct host *host, const char *type)
{
	return handler_find(host, type, true);
}

const struct host_handler *host_event_handler(const struct host *host, const char *type)
{
	return handler_find(host, type, false);
}

const struct host_handler *host_hook(const struct host *host, enum par_hook_kind kind)
{
	unsigned i;

	for (i = 0; i < host->n_handlers; i++) {
		if (host->handlers[i].hook_fn != NULL && host->handlers[i].hook == kind)
			return &host->handlers[i];
	}
	return NULL;
}

const struct host_handler *host_detail(const struct host *host)
{
	unsigned i;

	for (i = 0; i < host->n_handlers; i++) {
		if (host->handlers[i].detail.write != NULL)
			return &host->handlers[i];
	}
	return NULL;
}

int64_t host_metric(struct host *host, const char *plugin, const char *name)
{
	char full[128];
	struct par_metric *metric;

	snprintf(full, sizeof(full), "parlance_%s_%s", plugin, name);
	for (metric = host->metrics.first; metric != NULL; metric = metric->next) {
		if (strcmp(metric->name, full) == 0)
			return atomic_load(&metric->value);
	}
	fprintf(stderr, "host: there is no metric %s\n", full);
	abort();
}

bool host_logged(struct host *host, const char *text)
{
	struct par_str log;
	bool found;

	pthread_mutex_lock(&host->lock);
	log = par_json_text(&host->log);
	found = memmem(log.s, log.len, text, strlen(text)) != NULL;
	pthread_mutex_unlock(&host->lock);
	return found;
}
