/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The groups plugin: docs/protocol.md, Groups. It makes groups and changes who is in them; what is
 * written in a group is the business of messaging and of the others, as in a dialog. Who may do
 * what is judged by the storage, in the transaction. Here are the descriptor, the table of
 * contents, and the two ends that all requests share.
 */
#include "groups.h"

#include <stdlib.h>

static const struct {
	const char *payload_type;
	par_request_fn handler;
} handlers[] = {
	{ "newChat", groups_new_chat },
	{ "updateChat", groups_update_chat },
	{ "addParticipants", groups_add_participants },
	{ "removeParticipants", groups_remove_participants },
	{ "leaveChat", groups_leave_chat },
	{ "deleteChat", groups_delete_chat },
	{ "participants", groups_participants },
};

struct par_str groups_chat_id(struct par_payload *p)
{
	struct par_str id = par_payload_id(p, "chatId", PAR_REQUIRED);

	if (id.s != NULL && !par_id_is_group(id))
		par_payload_refuse(p, PAR_E_BAD_PAYLOAD, "chatId",
				   "must be a group, whose id begins with \"grp_\"");
	return id;
}

struct par_tx *groups_begin(struct groups *g, const struct par_request *request,
			    par_callback_fn done)
{
	struct par_tx *tx = g->api->tx_new(g->self, done, g);

	tx->request = request->id;
	return tx;
}

/* A writer failed when memory did not suffice; what it wrote is cut short. */
void groups_submit(struct groups *g, const struct par_request *request, const struct par_payload *p,
		   struct par_tx *tx)
{
	if (p->error != PAR_OK) {
		par_payload_fail(g->api, g->self, request, p);
		g->api->tx_free(tx);
	} else if (g->event.failed) {
		par_json_free(&g->event);
		g->api->fail(g->self, request->id, PAR_E_UNAVAILABLE, NULL, "out of memory");
		g->api->tx_free(tx);
	} else {
		g->api->tx_submit(tx);
	}
}

struct par_op_roster *groups_roster(struct groups *g, struct par_tx *tx,
				    const struct par_request *request, struct par_str chat_id,
				    enum par_roster_kind kind)
{
	struct par_op_roster *roster = &par_tx_add(tx, PAR_OP_ROSTER)->u.roster;

	roster->chat = par_chat_in_tx(g->api, tx, request->user, chat_id);
	roster->kind = kind;
	roster->max_members = g->max_members;
	return roster;
}

void groups_answer(struct groups *g, par_request_id request, struct par_str chat_id,
		   uint64_t timestamp, unsigned members)
{
	struct par_json *w = g->api->reply_open(g->self, request);

	if (w == NULL)
		return;
	par_json_object_begin(w);
	par_json_member_string(w, "chatId", chat_id);
	par_json_member_u64(w, "timestamp", timestamp);
	par_json_member_u64(w, "members", members);
	par_json_object_end(w);
	g->api->reply_close(g->self, request);
}

static void groups_metrics(struct groups *g)
{
	const struct par_api *api = g->api;

	g->created = api->add_metric(g->self, PAR_COUNTER, "created_total", "Groups made");
	g->changed = api->add_metric(g->self, PAR_COUNTER, "changed_total",
				     "Changes of a group's name or of its members' roles");
	g->deleted = api->add_metric(g->self, PAR_COUNTER, "deleted_total",
				     "Groups deleted, by their owner or by the last one leaving");
	g->added =
	    api->add_metric(g->self, PAR_COUNTER, "members_added_total", "Members who joined");
	g->removed = api->add_metric(g->self, PAR_COUNTER, "members_removed_total",
				     "Members who were removed, or left");
	g->repeated = api->add_metric(g->self, PAR_COUNTER, "repeated_total",
				      "Requests that changed nothing, as it was so already");
}

static void *groups_load(const struct par_api *api, struct par_plugin *self,
			 struct json_object *config, char *error, size_t error_size)
{
	struct groups *g = calloc(1, sizeof(*g));
	unsigned i;

	if (g == NULL) {
		snprintf(error, error_size, "out of memory");
		return NULL;
	}
	g->api = api;
	g->self = self;
	g->max_members =
	    (unsigned)json_object_get_int64(json_object_object_get(config, "max_members"));
	g->history = par_str_equal(par_payload_string_of(json_object_object_get(config, "history")),
				   par_str_of("all"));
	par_json_init(&g->event);
	groups_metrics(g);
	for (i = 0; i < sizeof(handlers) / sizeof(handlers[0]); i++)
		api->handle_request(self, handlers[i].payload_type, handlers[i].handler, g);
	return g;
}

static void groups_unload(void *state)
{
	struct groups *g = state;

	par_json_free(&g->event);
	free(g);
}

static const struct par_option options[] = {
	{ .name = "max_members",
	  .type = PAR_OPT_INT,
	  .def = "1000",
	  .min = 1,
	  .max = 100000,
	  .help = "The most members of a group; one that has more by then keeps them." },
	{ .name = "history",
	  .type = PAR_OPT_ENUM,
	  .def = "from_join",
	  .choices = "from_join|all",
	  .help = "What those who are added to a group see of what was written before, unless the "
		  "request says it." },
	{ .name = NULL },
};

static const char *const needs[] = { "storage", NULL };

PAR_EXPORT const struct par_descriptor par_plugin_descriptor = {
	PAR_DESCRIPTOR_HEAD, .name = "groups",
	.version = "0.1.0",  .summary = "Groups: making them, who is in them, with which role.",
	.requires_ = needs,  .options = options,
	.load = groups_load, .unload = groups_unload,
};
