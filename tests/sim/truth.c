/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Carrying the core's transactions over to the host that keeps the truth, and
 * the results back; see truth.h. Going there, strings are borrowed from the
 * core's tx, which waits meanwhile. Coming back, they are copied into its own
 * memory; the bytes of events are counted and only change hands, since host and core
 * mean the same by them.
 */
#include "truth.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "seam/out_frame.h"
#include "support/store.h"

#define MEMORY "storage_memory"

struct truth {
	struct host *host;
	struct par_plugin *plugin;
	bool in_memory; /* it keeps nothing that is not loaded */
	char object[256];
	struct store place; /* its folder and config */
};

/* The core's, while it is carried out. */
struct carried {
	const struct par_api *core;
	struct par_tx *tx;
	struct par_query *query;
	bool told;
};

static void truth_die(const struct truth *truth)
{
	fprintf(stderr, "sim: %s: %s\n", truth->object, truth->host->error);
	abort();
}

static void truth_load(struct truth *truth)
{
	truth->plugin = host_load(truth->host, truth->object, store_config(&truth->place));
	if (truth->plugin == NULL)
		truth_die(truth);
}

static void truth_start(struct truth *truth)
{
	if (!host_start(truth->plugin))
		truth_die(truth);
}

struct truth *truth_new(const struct truth_setup *setup)
{
	struct truth *truth = mem_zalloc(sizeof(*truth));

	truth->host = host_new();
	truth->in_memory = strcmp(setup->plugin, MEMORY) == 0;
	snprintf(truth->object, sizeof(truth->object), PLUGIN_BUILD_DIR "/%s.so", setup->plugin);
	truth->place.config = setup->config;
	truth->place.prepare = setup->prepare;
	store_folder(&truth->place);
	truth_load(truth);
	truth_start(truth);
	return truth;
}

void truth_free(struct truth **truth)
{
	host_free(&(*truth)->host);
	store_close(&(*truth)->place);
	free(*truth);
	*truth = NULL;
}

/* What is kept in memory only is stopped and started, and never unloaded. */
void truth_restart(struct truth *truth, uint64_t now)
{
	truth->host->now = now;
	if (truth->in_memory) {
		truth->plugin->descriptor->stop(truth->plugin->state);
	} else {
		host_unload(truth->plugin);
		truth_load(truth);
	}
	truth_start(truth);
}

static void *core_alloc(const struct carried *c, size_t size)
{
	return c->tx != NULL ? c->core->tx_alloc(c->tx, size)
			     : c->core->query_alloc(c->query, size);
}

static void *carry_bytes(const struct carried *c, const void *from, size_t len)
{
	if (from == NULL)
		return NULL;
	return memcpy(core_alloc(c, len + 1), from, len);
}

static void carry_str(const struct carried *c, struct par_str *s)
{
	s->s = carry_bytes(c, s->s, s->len);
}

static const char *carry_message(const struct carried *c, const char *message)
{
	return message == NULL ? NULL : carry_bytes(c, message, strlen(message) + 1);
}

static void carry_op(const struct carried *c, struct par_op *to, struct par_op *from)
{
	to->result = from->result;
	carry_str(c, &to->result.client_id);
	carry_str(c, &to->result.original_client_id);
	carry_str(c, &to->result.reply);
	if (to->kind == PAR_OP_EVENT) {
		to->u.event.data = from->u.event.data;
		from->u.event.data = NULL;
	} else if (to->kind == PAR_OP_PRUNE) {
		to->u.prune.events = from->u.prune.events;
		to->u.prune.devices = from->u.prune.devices;
	}
}

static void tx_carried_out(void *state, void *arg)
{
	struct carried *c = state;
	struct par_tx *from = arg;
	unsigned i;

	if (!c->told)
		return;
	c->tx->error = from->error;
	c->tx->message = carry_message(c, from->message);
	for (i = 0; i < from->n_ops; i++)
		carry_op(c, &c->tx->ops[i], &from->ops[i]);
}

void truth_run_tx(struct truth *truth, struct par_tx *tx, const struct par_api *core, bool told)
{
	const struct par_api *api = &truth->host->api;
	struct carried c = { .core = core, .tx = tx, .told = told };
	struct par_tx *copy = api->tx_new(truth->plugin, tx_carried_out, &c);

	copy->n_ops = tx->n_ops;
	memcpy(copy->ops, tx->ops, tx->n_ops * sizeof(tx->ops[0]));
	copy->now = tx->now;
	api->tx_submit(copy);
	host_settle(truth->host);
}

static void carry_events(const struct carried *c, const struct par_query *from)
{
	unsigned i;

	c->query->events = carry_bytes(c, from->events, from->n * sizeof(*from->events));
	for (i = 0; i < from->n; i++)
		out_frame_ref((struct out_frame *)from->events[i].data);
}

static void carry_messages(const struct carried *c, const struct par_query *from)
{
	struct par_stored_message *m =
	    carry_bytes(c, from->messages, from->n * sizeof(*from->messages));
	unsigned i;

	c->query->messages = m;
	for (i = 0; i < from->n; i++, m++) {
		carry_str(c, &m->client_id);
		carry_str(c, &m->sender);
		carry_str(c, &m->type);
		carry_str(c, &m->message);
		carry_str(c, &m->attachments);
		carry_str(c, &m->forwarded);
		carry_str(c, &m->payload);
		carry_str(c, &m->reply);
	}
}

static void carry_chats(const struct carried *c, const struct par_query *from)
{
	struct par_chat_entry *chat = carry_bytes(c, from->chats, from->n * sizeof(*from->chats));
	unsigned i;

	c->query->chats = chat;
	for (i = 0; i < from->n; i++, chat++) {
		carry_str(c, &chat->peer);
		carry_str(c, &chat->last_text);
		carry_str(c, &chat->last_author);
	}
}

static void query_carried_out(void *state, void *arg)
{
	struct carried *c = state;
	const struct par_query *from = arg;
	struct par_query *to = c->query;

	if (!c->told)
		return;
	to->error = from->error;
	to->message = carry_message(c, from->message);
	to->device_state = from->device_state;
	to->device_state.above =
	    carry_bytes(c, from->device_state.above,
			from->device_state.n_above * sizeof(*from->device_state.above));
	to->n = from->n;
	to->has_more = from->has_more;
	to->my_delivered = from->my_delivered;
	to->my_read = from->my_read;
	to->peer_delivered = from->peer_delivered;
	to->peer_read = from->peer_read;
	if (from->events != NULL)
		carry_events(c, from);
	if (from->messages != NULL)
		carry_messages(c, from);
	if (from->chats != NULL)
		carry_chats(c, from);
}

/* Plugins' own documents are nobody's here. */
void truth_run_query(struct truth *truth, struct par_query *query, const struct par_api *core,
		     bool told)
{
	const struct par_api *api = &truth->host->api;
	struct carried c = { .core = core, .query = query, .told = told };
	struct par_query *copy = api->query_new(truth->plugin, query_carried_out, &c);

	copy->kind = query->kind;
	copy->user = query->user;
	copy->device = query->device;
	copy->chat = query->chat;
	copy->after = query->after;
	copy->start_id = query->start_id;
	copy->end_id = query->end_id;
	copy->after_key = query->after_key;
	copy->limit = query->limit;
	copy->max_bytes = query->max_bytes;
	copy->now = query->now;
	api->query_submit(copy);
	host_settle(truth->host);
}
