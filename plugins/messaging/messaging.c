/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The messaging plugin: docs/protocol.md, Chats and messages. Here are its descriptor, its
 * table of contents (which request goes to which handler), and the two ends that
 * all requests share: how a transaction begins and how its outcome is answered.
 */
#include "messaging.h"

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>

static const struct {
	const char *payload_type;
	par_request_fn handler;
} handlers[] = {
	{ "new", messaging_new },           { "edit", messaging_edit },
	{ "delete", messaging_delete },     { "dlvrd", messaging_dlvrd },
	{ "read", messaging_read },         { "call", messaging_call },
	{ "messages", messaging_messages }, { "chats", messaging_chats },
	{ "chat", messaging_chat },
};

void messaging_refuse(struct messaging *m, const struct par_request *request,
		      const struct par_payload *p)
{
	par_json_reset(&m->scratch);
	par_payload_fail(m->api, m->self, request, p);
}

struct par_tx *messaging_begin(struct messaging *m, const struct par_request *request,
			       par_callback_fn done)
{
	struct par_tx *tx = m->api->tx_new(m->self, done, m);

	tx->request = request->id;
	return tx;
}

static void forget_writers(struct messaging *m)
{
	par_json_free(&m->scratch);
	par_json_free(&m->head);
	par_json_free(&m->tail);
}

/* A writer failed when memory did not suffice; what it wrote is cut short. */
void messaging_submit(struct messaging *m, struct par_tx *tx)
{
	if (!m->scratch.failed && !m->head.failed && !m->tail.failed) {
		m->api->tx_submit(tx);
		return;
	}
	forget_writers(m);
	m->api->fail(m->self, tx->request, PAR_E_UNAVAILABLE, NULL, "out of memory");
	m->api->tx_free(tx);
}

struct par_json *messaging_answer(struct messaging *m, struct par_tx *tx,
				  struct par_metric *applied)
{
	const struct par_op_result *result = &tx->ops[0].result;
	struct par_json *w;

	if (tx->error != PAR_OK) {
		m->api->fail(m->self, tx->request, tx->error, NULL, tx->message);
		return NULL;
	}
	m->api->metric_add(result->applied ? applied : m->repeated, 1);
	w = m->api->reply_open(m->self, tx->request);
	if (w == NULL)
		return NULL;
	par_json_object_begin(w);
	par_json_member_u64(w, "messageId", result->id);
	par_json_member_u64(w, "timestamp", result->timestamp);
	return w;
}

void messaging_answered(struct messaging *m, struct par_tx *tx, struct par_json *w)
{
	par_json_object_end(w);
	m->api->reply_close(m->self, tx->request);
}

void messaging_client_id(struct par_json *w, const char *key, struct par_str id)
{
	if (id.s != NULL)
		par_json_member_string(w, key, id);
}

struct par_str messaging_keep_scratch(struct messaging *m, struct par_tx *tx)
{
	struct par_str text = par_tx_copy(m->api, tx, par_json_text(&m->scratch));

	par_json_reset(&m->scratch);
	return text;
}

static uint64_t option(struct json_object *config, const char *name)
{
	return (uint64_t)json_object_get_int64(json_object_object_get(config, name));
}

static void *messaging_load(const struct par_api *api, struct par_plugin *self,
			    struct json_object *config, char *error, size_t error_size)
{
	struct messaging *m = calloc(1, sizeof(*m));
	unsigned i;

	if (m == NULL) {
		snprintf(error, error_size, "out of memory");
		return NULL;
	}
	m->api = api;
	m->self = self;
	m->max_text = option(config, "max_text");
	m->max_attachments = option(config, "max_attachments");
	par_json_init(&m->scratch);
	par_json_init(&m->head);
	par_json_init(&m->tail);
	m->sent = api->add_metric(self, PAR_COUNTER, "messages_total", "Messages stored");
	m->edited = api->add_metric(self, PAR_COUNTER, "edits_total", "Messages edited");
	m->deleted = api->add_metric(self, PAR_COUNTER, "deletes_total",
				     "Messages deleted, for all or for one");
	m->marked = api->add_metric(self, PAR_COUNTER, "marks_total",
				    "Marks dlvrd and read that covered something new");
	m->calls = api->add_metric(self, PAR_COUNTER, "calls_total", "Finished calls recorded");
	m->repeated = api->add_metric(self, PAR_COUNTER, "repeated_total",
				      "Requests answered with the result of an earlier one");
	for (i = 0; i < sizeof(handlers) / sizeof(handlers[0]); i++)
		api->handle_request(self, handlers[i].payload_type, handlers[i].handler, m);
	return m;
}

static void messaging_unload(void *state)
{
	struct messaging *m = state;

	forget_writers(m);
	free(m);
}

static const struct par_option options[] = {
	{ .name = "max_text",
	  .type = PAR_OPT_SIZE,
	  .def = "32k",
	  .min = 1,
	  .max = 1 << 20,
	  .help = "The longest text of a message, in bytes of UTF-8." },
	{ .name = "max_attachments",
	  .type = PAR_OPT_INT,
	  .def = "32",
	  .min = 0,
	  .max = 1000,
	  .help = "The most attachments of one message." },
	{ .name = NULL },
};

static const char *const needs[] = { "storage", NULL };

PAR_EXPORT const struct par_descriptor par_plugin_descriptor = {
	PAR_DESCRIPTOR_HEAD,
	.name = "messaging",
	.version = "0.1.0",
	.summary = "Messages between users: send, edit, delete, marks, history.",
	.requires_ = needs,
	.options = options,
	.load = messaging_load,
	.unload = messaging_unload,
};
