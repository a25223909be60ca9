/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Request `participants`: who is in a group, with which role, and how far each has got and read
 * it. In the order of the bytes of their ids, by pages.
 */
#include "groups.h"

#define PAGE_DEFAULT 50
#define PAGE_MAX 500
#define PAGE_BYTES ((size_t)256 << 10)

/* How far he has come, and when; left out while he has marked nothing. */
static void mark_write(struct par_json *w, const char *key, uint64_t id, uint64_t at)
{
	if (at == 0)
		return;
	par_json_key(w, key);
	par_json_object_begin(w);
	par_json_member_u64(w, "messageId", id);
	par_json_member_u64(w, "timestamp", at);
	par_json_object_end(w);
}

static void member_write(struct par_json *w, const struct par_member *member)
{
	par_json_object_begin(w);
	par_json_member_string(w, "userId", member->user);
	par_json_member_string(w, "role", par_str_of(par_role_name(member->role)));
	par_json_member_u64(w, "joinedAt", member->joined);
	mark_write(w, "dlvrd", member->delivered, member->delivered_at);
	mark_write(w, "read", member->read, member->read_at);
	par_json_object_end(w);
}

static void list_done(void *state, void *arg)
{
	struct groups *g = state;
	const struct par_query *query = arg;
	struct par_json *w;
	unsigned i;

	if (query->error != PAR_OK) {
		g->api->fail(g->self, query->request, query->error, NULL, query->message);
		return;
	}
	w = g->api->reply_open(g->self, query->request);
	if (w == NULL)
		return;
	par_json_object_begin(w);
	par_json_key(w, "participants");
	par_json_array_begin(w);
	for (i = 0; i < query->n; i++)
		member_write(w, &query->members[i]);
	par_json_array_end(w);
	par_json_member_bool(w, "hasMore", query->has_more);
	par_json_object_end(w);
	g->api->reply_close(g->self, query->request);
}

void groups_participants(void *state, const struct par_request *request)
{
	struct groups *g = state;
	struct par_str chat_id, after;
	uint64_t count = PAGE_DEFAULT;
	struct par_query *query;
	struct par_payload p;

	par_payload_begin(&p, request->payload);
	chat_id = groups_chat_id(&p);
	after = par_payload_id(&p, "after", PAR_OPTIONAL);
	par_payload_number(&p, "count", 1, PAGE_MAX, PAR_OPTIONAL, &count);
	if (p.error != PAR_OK) {
		par_payload_fail(g->api, g->self, request, &p);
		return;
	}
	query = g->api->query_new(g->self, list_done, g);
	query->kind = PAR_QUERY_MEMBERS;
	query->request = request->id;
	query->chat = par_chat_in_query(g->api, query, request->user, chat_id);
	query->user = query->chat.user;
	query->after_key = par_query_copy(g->api, query, after);
	query->limit = (unsigned)count;
	query->max_bytes = PAGE_BYTES;
	g->api->query_submit(query);
}
