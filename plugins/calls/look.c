/* SPDX-License-Identifier: BSD-2-Clause */
/* What a step has to ask of the storage before it can go on; see step.h. */
#include <stdlib.h>
#include <string.h>

#include "record.h"
#include "step.h"

#define ROSTER_PAGE 256
#define ROSTER_BYTES ((size_t)1 << 20)
#define RECALL_PAGE 50
#define RECALL_BYTES ((size_t)1 << 20)

/* Whether it came back with something to go on with. Otherwise the step has ended. */
static bool look_came(struct step *step, const struct par_query *query)
{
	if (query->error == PAR_OK && !step->calls->stopping)
		return true;
	if (query->error == PAR_OK)
		step_fail(step, PAR_E_UNAVAILABLE, "the server stops", NULL);
	else
		step_fail(step, query->error, query->message, NULL);
	return false;
}

/* --- the document --- */

/* When a transaction was refused since something is not as expected, and the document is, then
 * it is the message's client id. */
static void look_judge(struct step *step, const struct par_query *query)
{
	if (step->lost.s != NULL && query->n > 0 && par_str_equal(query->docs[0].value, step->lost))
		step->nameless = true;
	free((char *)step->lost.s);
	step->lost.s = NULL;
}

static void look_asked(void *state, void *arg)
{
	struct step *step = state;
	const struct par_query *query = arg;

	if (!look_came(step, query))
		return;
	look_judge(step, query);
	if (query->n > 0)
		live_put(step->calls, step->chat.key, query->docs[0].value);
	else
		live_drop(step->calls, step->chat.key);
	step->fresh = true;
	step_try(step);
}

void look_ask(struct step *step)
{
	const struct par_api *api = step->calls->api;
	struct par_query *query = api->query_new(step->calls->self, look_asked, step);

	query->kind = PAR_QUERY_DOC_GET;
	query->plugin = par_str_of("calls");
	query->key = par_chat_in_query(api, query, step->chat.user, step->chat.peer).key;
	query->limit = 1;
	api->query_submit(query);
}

/* --- a call that is over --- */

/* When the call of this record began; the records of others do not say, nor one that was
 * deleted: then when it was stored. */
static uint64_t look_begun(const struct par_stored_message *message)
{
	struct json_tokener *tokener = json_tokener_new();
	struct json_object *payload = NULL;
	uint64_t begun = 0;

	if (tokener == NULL)
		abort();
	if (message->payload.s != NULL)
		payload =
		    json_tokener_parse_ex(tokener, message->payload.s, (int)message->payload.len);
	if (json_object_is_type(payload, json_type_object))
		begun = record_number(payload, "createdAt");
	json_object_put(payload);
	json_tokener_free(tokener);
	return begun != 0 ? begun : message->created;
}

static void look_recalled(void *state, void *arg)
{
	struct step *step = state;
	const struct par_query *query = arg;
	unsigned i;

	if (!look_came(step, query))
		return;
	for (i = 0; i < query->n; i++) {
		const struct par_stored_message *message = &query->messages[i];

		if (par_str_equal(message->type, par_str_of("call")) &&
		    message->client_id.s != NULL &&
		    par_str_equal(message->client_id, step->call_id) &&
		    par_str_equal(message->sender, step->chat.user))
			step->over = look_begun(message);
	}
	step->recalled = true;
	step_try(step);
}

void look_over(struct step *step)
{
	const struct par_api *api = step->calls->api;
	struct par_query *query = api->query_new(step->calls->self, look_recalled, step);

	query->kind = PAR_QUERY_MESSAGES;
	query->chat = par_chat_in_query(api, query, step->chat.user, step->chat.peer);
	query->user = query->chat.user;
	query->limit = RECALL_PAGE;
	query->max_bytes = RECALL_BYTES;
	api->query_submit(query);
}

/* --- who is in the group --- */

static void look_page(struct step *step, struct par_str after);

static void look_paged(void *state, void *arg)
{
	struct step *step = state;
	const struct par_query *query = arg;
	unsigned i;

	step->gone = query->error == PAR_E_NOT_FOUND;
	if (!step->gone && !look_came(step, query))
		return;
	for (i = 0; i < query->n; i++)
		roster_note(step, query->members[i].user);
	if (query->has_more && query->n > 0)
		look_page(step, query->members[query->n - 1].user);
	else
		step_try(step);
}

/* Nobody's own question: who acts may have left, and must not be the reason why the others
 * are not told. */
static void look_page(struct step *step, struct par_str after)
{
	const struct par_api *api = step->calls->api;
	struct par_query *query = api->query_new(step->calls->self, look_paged, step);
	struct par_str nobody = { NULL, 0 };

	query->kind = PAR_QUERY_MEMBERS;
	query->chat = par_chat_in_query(api, query, step->chat.user, step->chat.peer);
	query->chat.user = nobody;
	query->after_key = par_query_copy(api, query, after);
	query->limit = ROSTER_PAGE;
	query->max_bytes = ROSTER_BYTES;
	api->query_submit(query);
}

void look_roster(struct step *step, struct json_object *doc)
{
	struct par_str start = { NULL, 0 };

	roster_begin(step, doc);
	look_page(step, start);
}

/* --- refused in a group --- */

static void look_decided(void *state, void *arg)
{
	struct step *step = state;
	const struct par_query *query = arg;

	if (query->error != PAR_OK)
		step_fail(step, query->error, query->message, NULL);
	else
		step_end(step, NULL);
}

void look_member(struct step *step)
{
	const struct par_api *api = step->calls->api;
	struct par_query *query = api->query_new(step->calls->self, look_decided, step);

	query->kind = PAR_QUERY_MEMBERS;
	query->chat = par_chat_in_query(api, query, step->chat.user, step->chat.peer);
	query->user = query->chat.user;
	query->limit = 1;
	api->query_submit(query);
}
