/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The client's event callSignal: what two participants have to say to each other to make their
 * connection, passed on untouched and never stored. In a dialog both may send while the call
 * rings; in a group sender and receiver take part. Where the call is not known here the
 * storage is asked; what the same user says meanwhile goes the same way, so each one's signals keep
 * their order, and who signals on calls that are not there makes nobody else wait.
 */
#include <stdlib.h>
#include <string.h>

#include <parlance/payload.h>

#include "record.h"
#include "step.h"

#define ASKING_OF_ONE 64 /* so many of one user's wait for the storage */

/* A user about whose signals the storage is asked. */
struct asker {
	UT_hash_handle hh;
	unsigned asking; /* about so many */
	struct par_str user;
	char bytes[];
};

struct signal {
	struct calls *calls;
	struct asker *asker; /* while the storage is asked */
	struct par_chat chat;
	struct par_str call_id;
	struct par_str to;
	struct json_object *data;
	char bytes[];
};

static bool may_pass(const struct signal *signal, struct json_object *doc)
{
	if (!par_str_equal(record_word(doc, "callId"), signal->call_id))
		return false;
	if (!par_chat_is_group(&signal->chat))
		return par_str_equal(signal->to, signal->chat.peer);
	return record_is_here(doc, signal->chat.user, NULL) &&
	       record_is_here(doc, signal->to, NULL);
}

static void pass_on(const struct signal *signal)
{
	struct calls *calls = signal->calls;
	bool group = par_chat_is_group(&signal->chat);
	struct par_json *w = calls->api->event_open(calls->self, "callSignal");
	struct par_str data;

	data.s = json_object_to_json_string_length(
	    signal->data, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &data.len);
	par_json_object_begin(w);
	par_json_member_string(w, "chatId", group ? signal->chat.key : signal->chat.user);
	par_json_member_string(w, "callId", signal->call_id);
	par_json_member_string(w, "from", signal->chat.user);
	par_json_member_raw(w, "data", data);
	par_json_object_end(w);
	calls->api->event_send(calls->self, signal->to, 0);
	calls->api->event_close(calls->self);
	calls->api->metric_add(calls->signals, 1);
}

/* False: there is no such call, or it is not for these two. */
static bool try_pass(const struct signal *signal)
{
	const struct live *live = live_find(signal->calls, signal->chat.key);

	if (live == NULL || !may_pass(signal, live->doc))
		return false;
	pass_on(signal);
	return true;
}

static void signal_free(struct signal *signal)
{
	json_object_put(signal->data);
	free(signal);
}

static struct asker *asker_find(const struct calls *calls, struct par_str user)
{
	struct asker *asker;

	HASH_FIND(hh, calls->askers, user.s, user.len, asker);
	return asker;
}

/* One more is asked about. */
static struct asker *asker_begin(struct calls *calls, struct par_str user)
{
	struct asker *asker = asker_find(calls, user);
	char *at;

	if (asker == NULL) {
		asker = calloc(1, sizeof(*asker) + user.len);
		if (asker == NULL)
			abort();
		at = asker->bytes;
		asker->user = calls_copy(&at, user);
		HASH_ADD_KEYPTR(hh, calls->askers, asker->user.s, asker->user.len, asker);
	}
	asker->asking++;
	return asker;
}

static void asker_end(struct calls *calls, struct asker *asker)
{
	if (--asker->asking > 0)
		return;
	HASH_DEL(calls->askers, asker);
	free(asker);
}

static void signal_asked(void *state, void *arg)
{
	struct signal *signal = state;
	const struct par_query *query = arg;
	struct calls *calls = signal->calls;

	asker_end(calls, signal->asker);
	if (query->error == PAR_OK && query->n > 0)
		live_put(calls, signal->chat.key, query->docs[0].value);
	else if (query->error == PAR_OK)
		live_drop(calls, signal->chat.key);
	if (calls->stopping || !try_pass(signal))
		calls->api->metric_add(calls->dropped, 1);
	signal_free(signal);
}

/* Takes it. */
static void signal_ask(struct signal *signal)
{
	struct calls *calls = signal->calls;
	struct par_query *query = calls->api->query_new(calls->self, signal_asked, signal);

	signal->asker = asker_begin(calls, signal->chat.user);
	query->kind = PAR_QUERY_DOC_GET;
	query->plugin = par_str_of("calls");
	query->key = par_chat_in_query(calls->api, query, signal->chat.user, signal->chat.peer).key;
	query->limit = 1;
	calls->api->query_submit(query);
}

static struct signal *signal_new(struct calls *calls, struct par_str user, struct par_str chat_id,
				 struct par_str call_id, struct par_str to,
				 struct json_object *data)
{
	size_t chat = par_chat_memory(user, chat_id);
	struct signal *signal = calloc(1, sizeof(*signal) + chat + call_id.len + to.len);
	char *at;

	if (signal == NULL)
		abort();
	at = signal->bytes + chat;
	signal->calls = calls;
	signal->chat = par_chat_resolve(signal->bytes, user, chat_id);
	signal->call_id = calls_copy(&at, call_id);
	signal->to = calls_copy(&at, to);
	signal->data = json_object_get(data);
	return signal;
}

void calls_signal(void *state, const struct par_client_event *event)
{
	struct calls *calls = state;
	struct json_object *data = NULL;
	struct par_str chat_id, call_id, to;
	const struct asker *asker;
	struct signal *signal;
	struct par_payload p;

	par_payload_begin(&p, event->payload);
	chat_id = par_payload_id(&p, "chatId", PAR_REQUIRED);
	call_id = par_payload_id(&p, "callId", PAR_REQUIRED);
	to = par_payload_id(&p, "to", PAR_REQUIRED);
	if (p.error == PAR_OK && par_str_equal(to, event->user))
		par_payload_refuse(&p, PAR_E_BAD_PAYLOAD, "to", "must be somebody else");
	if (p.error == PAR_OK && !json_object_object_get_ex(p.object, "data", &data))
		par_payload_refuse(&p, PAR_E_BAD_PAYLOAD, "data", "is missing");
	if (p.error != PAR_OK) {
		par_payload_fail_event(calls->api, calls->self, event, &p);
		return;
	}
	asker = asker_find(calls, event->user);
	if (asker != NULL && asker->asking == ASKING_OF_ONE) {
		calls->api->metric_add(calls->dropped, 1);
		return;
	}
	signal = signal_new(calls, event->user, chat_id, call_id, to, data);
	if (asker == NULL && try_pass(signal))
		signal_free(signal);
	else
		signal_ask(signal);
}
