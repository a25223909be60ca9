/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A plugin that stores something of its own and tells others, out of tree. Request `reaction`
 * {chatId, messageId, reaction, isSet} sets or takes back a reaction to a message, and is
 * answered with {messageId, timestamp}; all members of the chat get the event `reaction`
 * {chatId, messageId, userId, reaction, isSet, timestamp}, also those who are away. Request
 * `reactions` {chatId, messageId} is answered with {reactions: {user: [reaction, ...]}}.
 *
 *   ask for the message ──▶ ask for its document ──▶ change it, and tell ──▶ answer
 *                                  ▲                        │ conflict: somebody was faster
 *                                  └────────────────────────┘
 *
 * The reactions to a message are one document of this plugin. It is stored in one
 * transaction with its events, so nobody is told of what is not stored, and the other way
 * round; and it is stored only if it is still what was read, so of two who react at once none
 * is lost. It holds no times: what is so already is told to nobody, and answered with the time
 * of the answer, where the built-in plugins would repeat the first one. Whether the user may
 * see the message is what the storage says: the plugin asks for the message as that user.
 * Everything runs on the core thread, and nothing is kept between a request and its answer but
 * a struct turn.
 */
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>

#include <parlance/chat.h>
#include <parlance/payload.h>
#include <parlance/plugin.h>
#include <parlance/storage.h>

#define REACTION_MAX 32 /* bytes */
#define TRIES 10

struct reactions {
	const struct par_api *api;
	struct par_plugin *self;
	size_t max_per_user;
	struct par_json scratch;
	struct par_metric *changed;
};

/* A request on its way, with copies of all that it needs. */
struct turn {
	struct reactions *plugin;
	par_request_id request;
	par_session_id session;
	struct par_chat chat;
	uint64_t message;
	struct par_str device;
	struct par_str reaction; /* s NULL: it only asks */
	bool set;
	unsigned tries;
	struct par_str key; /* of the document */
	char bytes[];
};

static const char plugin_name[] = "reactions";

/* --- the end of a turn --- */

static void turn_fail(struct turn *turn, enum par_error error, const char *message)
{
	struct reactions *plugin = turn->plugin;

	plugin->api->fail(plugin->self, turn->request, error, NULL, message);
	free(turn);
}

static void turn_answer(struct turn *turn, uint64_t timestamp)
{
	struct reactions *plugin = turn->plugin;
	struct par_json *w = plugin->api->reply_open(plugin->self, turn->request);

	if (w != NULL) {
		par_json_object_begin(w);
		par_json_member_u64(w, "messageId", turn->message);
		par_json_member_u64(w, "timestamp", timestamp);
		par_json_object_end(w);
		plugin->api->reply_close(plugin->self, turn->request);
	}
	free(turn);
}

/* --- the document: {user: [reaction, ...]} --- */

static struct json_object *document_parse(const struct par_query *query)
{
	struct json_object *document = NULL;
	struct json_tokener *tokener = json_tokener_new();

	if (query->n > 0 && tokener != NULL)
		document = json_tokener_parse_ex(tokener, query->docs[0].value.s,
						 (int)query->docs[0].value.len);
	json_tokener_free(tokener);
	return document != NULL ? document : json_object_new_object();
}

/* What the user has set without this one, and whether he had set it. The caller's. */
static struct json_object *without(struct json_object *mine, struct par_str reaction, bool *had)
{
	struct json_object *rest = json_object_new_array();
	size_t i, n = mine == NULL ? 0 : json_object_array_length(mine);

	*had = false;
	for (i = 0; i < n; i++) {
		struct json_object *one = json_object_array_get_idx(mine, i);
		if (par_str_equal(par_payload_string_of(one), reaction))
			*had = true;
		else
			json_object_array_add(rest, json_object_get(one));
	}
	return rest;
}

/* False: it is so already. With `full` it was not changed: he has set as many as he may. */
static bool document_change(const struct turn *turn, struct json_object *document, bool *full)
{
	char user[PAR_ID_MAX + 1];
	struct json_object *mine = NULL, *rest;
	bool had;

	snprintf(user, sizeof(user), "%.*s", (int)turn->chat.user.len, turn->chat.user.s);
	json_object_object_get_ex(document, user, &mine);
	rest = without(mine, turn->reaction, &had);
	*full = turn->set && !had && json_object_array_length(rest) >= turn->plugin->max_per_user;
	if (had == turn->set || *full) {
		json_object_put(rest);
		return *full;
	}
	if (turn->set)
		json_object_array_add(
		    rest, json_object_new_string_len(turn->reaction.s, (int)turn->reaction.len));
	json_object_object_add(document, user, rest);
	if (json_object_array_length(rest) == 0)
		json_object_object_del(document, user);
	return true;
}

/* --- storing, and telling --- */

static struct par_op_event *event_add(const struct turn *turn, struct par_tx *tx,
				      struct par_str chat_id)
{
	struct par_op_event *event = &par_tx_add(tx, PAR_OP_EVENT)->u.event;
	struct par_json *w = &turn->plugin->scratch;

	par_json_object_begin(w);
	par_json_member_string(w, "chatId", chat_id);
	par_json_member_u64(w, "messageId", turn->message);
	par_json_member_string(w, "userId", turn->chat.user);
	par_json_member_string(w, "reaction", turn->reaction);
	par_json_member_bool(w, "isSet", turn->set);
	par_json_member_u64(w, "timestamp", tx->now);
	par_json_object_end(w);
	event->type = par_str_of("reaction");
	event->payload = par_tx_copy(turn->plugin->api, tx, par_json_text(w));
	par_json_reset(w);
	return event;
}

/* To the user's other devices: the one that asked has its answer. */
static void event_own(const struct turn *turn, struct par_tx *tx, struct par_op_event *event)
{
	event->own = true;
	event->origin_device = par_tx_copy(turn->plugin->api, tx, turn->device);
	event->origin_session = turn->session;
}

static void events_add(const struct turn *turn, struct par_tx *tx)
{
	const struct par_chat *chat = &turn->chat;
	struct par_op_event *event;

	if (par_chat_is_group(chat)) {
		event = event_add(turn, tx, chat->key);
		event->reach = PAR_REACH_MEMBERS;
		event->chat = par_chat_in_tx(turn->plugin->api, tx, chat->user, chat->peer);
		event_own(turn, tx, event);
		return;
	}
	if (!par_chat_is_own(chat)) {
		event = event_add(turn, tx, chat->user);
		event->user = par_tx_copy(turn->plugin->api, tx, chat->peer);
	}
	event = event_add(turn, tx, chat->peer);
	event->user = par_tx_copy(turn->plugin->api, tx, chat->user);
	event_own(turn, tx, event);
}

static void document_ask(struct turn *turn);

static void stored(void *state, void *arg)
{
	struct turn *turn = state;
	const struct par_tx *tx = arg;

	if (tx->error == PAR_E_CONFLICT && turn->tries++ < TRIES) {
		document_ask(turn);
	} else if (tx->error != PAR_OK) {
		turn_fail(turn, tx->error, tx->message);
	} else {
		turn->plugin->api->metric_add(turn->plugin->changed, 1);
		turn_answer(turn, tx->now);
	}
}

static void store(struct turn *turn, const struct par_query *before, struct json_object *document)
{
	const struct par_api *api = turn->plugin->api;
	struct par_tx *tx = api->tx_new(turn->plugin->self, stored, turn);
	bool empty = json_object_object_length(document) == 0;
	struct par_op_doc *doc = &par_tx_add(tx, empty ? PAR_OP_DOC_DELETE : PAR_OP_DOC_PUT)->u.doc;
	struct par_str text;

	text.s = json_object_to_json_string_length(document, JSON_C_TO_STRING_PLAIN, &text.len);
	doc->plugin = par_str_of(plugin_name);
	doc->key = par_tx_copy(turn->plugin->api, tx, turn->key);
	doc->expects = true;
	if (before->n > 0)
		doc->expected = par_tx_copy(turn->plugin->api, tx, before->docs[0].value);
	if (!empty)
		doc->value = par_tx_copy(turn->plugin->api, tx, text);
	events_add(turn, tx);
	api->tx_submit(tx);
}

/* --- asking --- */

static void tell_reactions(struct turn *turn, struct json_object *document)
{
	struct reactions *plugin = turn->plugin;
	struct json_object *payload = json_object_new_object();

	json_object_object_add(payload, "reactions", json_object_get(document));
	plugin->api->reply(plugin->self, turn->request, payload);
	json_object_put(payload);
	free(turn);
}

static void document_asked(void *state, void *arg)
{
	struct turn *turn = state;
	const struct par_query *query = arg;
	struct json_object *document;
	bool full = false;

	if (query->error != PAR_OK) {
		turn_fail(turn, query->error, query->message);
		return;
	}
	document = document_parse(query);
	if (turn->reaction.s == NULL)
		tell_reactions(turn, document);
	else if (!document_change(turn, document, &full))
		turn_answer(turn, turn->plugin->api->now(turn->plugin->self));
	else if (full)
		turn_fail(turn, PAR_E_FORBIDDEN, "that is one more than a user may set");
	else
		store(turn, query, document);
	json_object_put(document);
}

static void document_ask(struct turn *turn)
{
	const struct par_api *api = turn->plugin->api;
	struct par_query *query = api->query_new(turn->plugin->self, document_asked, turn);

	query->kind = PAR_QUERY_DOC_GET;
	query->plugin = par_str_of(plugin_name);
	query->key = par_query_copy(api, query, turn->key);
	api->query_submit(query);
}

/* Service messages have nothing that could be reacted to. */
static void message_asked(void *state, void *arg)
{
	struct turn *turn = state;
	const struct par_query *query = arg;
	const struct par_stored_message *message = query->messages;

	if (query->error != PAR_OK)
		turn_fail(turn, query->error, query->message);
	else if (query->n == 0 || message->id != turn->message || message->deleted != 0 ||
		 par_str_equal(message->type, par_str_of("edit")) ||
		 par_str_equal(message->type, par_str_of("delete")))
		turn_fail(turn, PAR_E_NOT_FOUND, "there is no such message in this chat");
	else
		document_ask(turn);
}

static void message_ask(struct turn *turn)
{
	const struct par_api *api = turn->plugin->api;
	struct par_query *query = api->query_new(turn->plugin->self, message_asked, turn);

	query->kind = PAR_QUERY_MESSAGES;
	query->chat = par_chat_in_query(api, query, turn->chat.user, turn->chat.peer);
	query->user = query->chat.user;
	query->start_id = turn->message;
	query->limit = 1;
	query->max_bytes = 1;
	api->query_submit(query);
}

/* --- requests --- */

static struct par_str copy(char **at, struct par_str s)
{
	struct par_str result = { s.s == NULL ? NULL : *at, s.len };

	if (s.len > 0)
		memcpy(*at, s.s, s.len);
	*at += s.len;
	return result;
}

static struct turn *turn_new(struct reactions *plugin, const struct par_request *request,
			     struct par_str chat_id, uint64_t message, struct par_str reaction)
{
	size_t chat = par_chat_memory(request->user, chat_id);
	struct turn *turn =
	    calloc(1, sizeof(*turn) + 2 * chat + 32 + request->device.len + reaction.len);
	char *at;

	if (turn == NULL)
		return NULL;
	turn->plugin = plugin;
	turn->request = request->id;
	turn->session = request->session;
	turn->message = message;
	turn->chat = par_chat_resolve(turn->bytes, request->user, chat_id);
	at = turn->bytes + chat;
	turn->device = copy(&at, request->device);
	turn->reaction = copy(&at, reaction);
	turn->key.s = at;
	turn->key.len = (size_t)snprintf(at, chat + 32, "%.*s%c%" PRIu64, (int)turn->chat.key.len,
					 turn->chat.key.s, PAR_CHAT_SEPARATOR, message);
	return turn;
}

static void begin(struct reactions *plugin, const struct par_request *request, bool changes)
{
	struct par_str chat_id, reaction = { NULL, 0 };
	struct par_payload p;
	struct turn *turn;
	uint64_t message;
	bool set = false;

	par_payload_begin(&p, request->payload);
	chat_id = par_payload_id(&p, "chatId", PAR_REQUIRED);
	message = par_payload_message_id(&p, "messageId", PAR_REQUIRED);
	if (changes) {
		reaction = par_payload_name(&p, "reaction", REACTION_MAX, PAR_REQUIRED);
		set = par_payload_bool(&p, "isSet", PAR_REQUIRED);
	}
	if (p.error != PAR_OK) {
		par_payload_fail(plugin->api, plugin->self, request, &p);
		return;
	}
	turn = turn_new(plugin, request, chat_id, message, reaction);
	if (turn == NULL) {
		plugin->api->fail(plugin->self, request->id, PAR_E_UNAVAILABLE, NULL,
				  "out of memory");
		return;
	}
	turn->set = set;
	message_ask(turn);
}

static void handle_reaction(void *state, const struct par_request *request)
{
	begin(state, request, true);
}

static void handle_reactions(void *state, const struct par_request *request)
{
	begin(state, request, false);
}

/* --- the plugin --- */

static void *reactions_load(const struct par_api *api, struct par_plugin *self,
			    struct json_object *config, char *error, size_t error_size)
{
	struct reactions *plugin = calloc(1, sizeof(*plugin));

	if (plugin == NULL) {
		snprintf(error, error_size, "out of memory");
		return NULL;
	}
	plugin->api = api;
	plugin->self = self;
	plugin->max_per_user =
	    (size_t)json_object_get_int64(json_object_object_get(config, "max_per_user"));
	par_json_init(&plugin->scratch);
	plugin->changed =
	    api->add_metric(self, PAR_COUNTER, "changed_total", "Reactions set and taken back");
	api->handle_request(self, "reaction", handle_reaction, plugin);
	api->handle_request(self, "reactions", handle_reactions, plugin);
	return plugin;
}

static void reactions_unload(void *state)
{
	struct reactions *plugin = state;

	par_json_free(&plugin->scratch);
	free(plugin);
}

static const struct par_option options[] = {
	{ .name = "max_per_user",
	  .type = PAR_OPT_INT,
	  .def = "5",
	  .min = 1,
	  .max = 100,
	  .help = "So many reactions may one user have set to one message." },
	{ .name = NULL },
};

static const char *const needs[] = { "storage", NULL };

PAR_EXPORT const struct par_descriptor par_plugin_descriptor = {
	PAR_DESCRIPTOR_HEAD,    .name = "reactions",
	.version = "1.0.0",     .summary = "Reactions to messages.",
	.requires_ = needs,     .options = options,
	.load = reactions_load, .unload = reactions_unload,
};
