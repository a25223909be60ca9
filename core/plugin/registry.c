/* SPDX-License-Identifier: BSD-2-Clause */
/* The tables of what plugins registered; see registry.h. */
#include "plugin/registry.h"

#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "base/mem.h"

struct handler_table {
	UT_hash_handle hh;
	struct handler handler;
	char type[];
};

static struct handler_table *table_find(struct handler_table *table, const char *type, size_t len)
{
	struct handler_table *entry;

	HASH_FIND(hh, table, type, len, entry);
	return entry;
}

static struct par_plugin *table_add(struct handler_table **table, const char *type,
				    struct handler handler)
{
	size_t len = strlen(type);
	struct handler_table *entry = table_find(*table, type, len);

	if (entry != NULL)
		return entry->handler.plugin;
	entry = mem_zalloc(sizeof(*entry) + len + 1);
	entry->handler = handler;
	memcpy(entry->type, type, len + 1);
	HASH_ADD(hh, *table, type, len, entry);
	return NULL;
}

static void table_remove(struct handler_table **table, const struct par_plugin *plugin)
{
	struct handler_table *entry, *next;

	HASH_ITER(hh, *table, entry, next) {
		if (entry->handler.plugin != plugin)
			continue;
		HASH_DEL(*table, entry);
		free(entry);
	}
}

struct par_plugin *registry_add_request(struct registry *r, const char *payload_type,
					struct handler handler)
{
	return table_add(&r->requests, payload_type, handler);
}

struct par_plugin *registry_add_client_event(struct registry *r, const char *payload_type,
					     struct handler handler)
{
	return table_add(&r->client_events, payload_type, handler);
}

void registry_add_hook(struct registry *r, enum par_hook_kind kind, struct hook hook)
{
	struct hook **last = &r->hooks[kind];
	struct hook *added = mem_alloc(sizeof(*added));

	*added = hook;
	added->next = NULL;
	while (*last != NULL)
		last = &(*last)->next;
	*last = added;
}

const struct handler *registry_request(const struct registry *r, struct par_str payload_type)
{
	struct handler_table *entry = table_find(r->requests, payload_type.s, payload_type.len);

	return entry == NULL ? NULL : &entry->handler;
}

const struct handler *registry_client_event(const struct registry *r, struct par_str payload_type)
{
	struct handler_table *entry =
	    table_find(r->client_events, payload_type.s, payload_type.len);

	return entry == NULL ? NULL : &entry->handler;
}

static void hooks_remove(struct hook **at, const struct par_plugin *plugin)
{
	struct hook *hook;

	while ((hook = *at) != NULL) {
		if (hook->plugin != plugin) {
			at = &hook->next;
			continue;
		}
		*at = hook->next;
		free(hook);
	}
}

static void details_remove(struct registry *r, const struct par_plugin *plugin)
{
	unsigned i, kept = 0;

	for (i = 0; i < r->n_details; i++) {
		if (r->details[i].plugin != plugin)
			r->details[kept++] = r->details[i];
	}
	r->n_details = kept;
}

void registry_remove(struct registry *r, const struct par_plugin *plugin)
{
	unsigned kind;

	table_remove(&r->requests, plugin);
	table_remove(&r->client_events, plugin);
	for (kind = 0; kind < PAR_HOOK_COUNT; kind++)
		hooks_remove(&r->hooks[kind], plugin);
	details_remove(r, plugin);
	if (r->auth_plugin == plugin)
		r->auth_plugin = NULL;
	if (r->storage_plugin == plugin)
		r->storage_plugin = NULL;
}
