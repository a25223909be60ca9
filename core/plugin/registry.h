/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the plugins registered: handlers by payloadType, hooks, and the roles.
 * Filled while plugins are loaded, read by the core for each message; core
 * thread only.
 */
#ifndef PARLANCE_REGISTRY_H
#define PARLANCE_REGISTRY_H

#include <stdbool.h>
#include <stddef.h>

#include <parlance/plugin.h>
#include <parlance/storage.h>

struct core;
struct handler_table;

struct handler {
	struct par_plugin *plugin;
	void *state;
	union {
		par_request_fn request;
		par_client_event_fn client_event;
	} fn;
};

struct hook {
	struct hook *next;
	struct par_plugin *plugin;
	par_hook_fn fn;
	void *state;
};

struct chat_detail {
	struct par_plugin *plugin;
	struct par_chat_detail detail;
	void *state;
	bool complained; /* what it wrote was left out, and the log says so */
};

struct registry {
	struct handler_table *requests;
	struct handler_table *client_events;
	struct hook *hooks[PAR_HOOK_COUNT]; /* in the order of registration */
	struct chat_detail details[PAR_CHAT_DETAILS_MAX]; /* likewise */
	unsigned n_details;
	struct par_auth_role auth;
	struct par_plugin *auth_plugin; /* NULL: none */
	void *auth_state;
	struct par_storage_role storage;
	struct par_plugin *storage_plugin; /* NULL: none */
	void *storage_state;
	struct par_plugin *plugins; /* in the order of loading */
};

/* Each returns NULL, or the plugin that has claimed it before. */
struct par_plugin *registry_add_request(struct registry *r, const char *payload_type,
					struct handler handler);
struct par_plugin *registry_add_client_event(struct registry *r, const char *payload_type,
					     struct handler handler);
void registry_add_hook(struct registry *r, enum par_hook_kind kind, struct hook hook);

/* NULL: nobody claimed it. */
const struct handler *registry_request(const struct registry *r, struct par_str payload_type);
const struct handler *registry_client_event(const struct registry *r, struct par_str payload_type);

/* Takes out all that a plugin registered. */
void registry_remove(struct registry *r, const struct par_plugin *plugin);

#endif
