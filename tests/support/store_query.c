/* SPDX-License-Identifier: BSD-2-Clause */
/* Asking a storage, and copying what it answers before that is gone. */
#include <string.h>

#include "seam/out_frame.h"
#include "store_pending.h"

static struct par_str keep_str(struct store *s, struct par_str text)
{
	text.s = store_keep(s, text);
	return text;
}

static void *keep_rows(struct store *s, const void *rows, unsigned n, size_t size)
{
	void *copy = arena_alloc(&s->arena, n * size + 1);

	if (n > 0)
		memcpy(copy, rows, n * size);
	return copy;
}

static void keep_messages(struct store *s, const struct par_query *q, struct page *page)
{
	unsigned i;

	page->messages = keep_rows(s, q->messages, q->n, sizeof(*q->messages));
	for (i = 0; i < q->n; i++) {
		struct par_stored_message *m = &page->messages[i];
		m->client_id = keep_str(s, m->client_id);
		m->sender = keep_str(s, m->sender);
		m->type = keep_str(s, m->type);
		m->message = keep_str(s, m->message);
		m->attachments = keep_str(s, m->attachments);
		m->forwarded = keep_str(s, m->forwarded);
		m->payload = keep_str(s, m->payload);
		m->reply = keep_str(s, m->reply);
	}
}

static void keep_chats(struct store *s, const struct par_query *q, struct page *page)
{
	unsigned i;

	page->chats = keep_rows(s, q->chats, q->n, sizeof(*q->chats));
	for (i = 0; i < q->n; i++) {
		page->chats[i].peer = keep_str(s, page->chats[i].peer);
		page->chats[i].last_text = keep_str(s, page->chats[i].last_text);
		page->chats[i].last_author = keep_str(s, page->chats[i].last_author);
		page->chats[i].name = keep_str(s, page->chats[i].name);
		page->chats[i].name = keep_str(s, page->chats[i].name);
	}
}

static void keep_members(struct store *s, const struct par_query *q, struct page *page)
{
	unsigned i;

	page->members = keep_rows(s, q->members, q->n, sizeof(*q->members));
	for (i = 0; i < q->n; i++)
		page->members[i].user = keep_str(s, page->members[i].user);
}

static void keep_peers(struct store *s, const struct par_query *q, struct page *page)
{
	unsigned i;

	page->peers = keep_rows(s, q->peers, q->n, sizeof(*q->peers));
	for (i = 0; i < q->n; i++)
		page->peers[i] = keep_str(s, page->peers[i]);
}

static void keep_docs(struct store *s, const struct par_query *q, struct page *page)
{
	unsigned i;

	page->docs = keep_rows(s, q->docs, q->n, sizeof(*q->docs));
	for (i = 0; i < q->n; i++) {
		page->docs[i].key = keep_str(s, page->docs[i].key);
		page->docs[i].value = keep_str(s, page->docs[i].value);
	}
}

/* `,"eventType":"TYPE","payload":...}` is what the host makes of an event. */
static const char *keep_type(struct store *s, const struct par_event_data *data)
{
	const struct out_frame *frame = (const struct out_frame *)data;
	const size_t before = strlen(",\"eventType\":\""), after = strlen("\",\"payload\":");
	struct par_str type = { frame->text + before, frame->payload_at - before - after };

	return store_keep(s, type);
}

static void keep_events(struct store *s, const struct par_query *q, struct page *page)
{
	unsigned i;

	page->events = arena_alloc(&s->arena, q->n * sizeof(*page->events) + 1);
	for (i = 0; i < q->n; i++) {
		page->events[i].seq = q->events[i].seq;
		page->events[i].origin = q->events[i].origin;
		page->events[i].type = keep_type(s, q->events[i].data);
		page->events[i].origin_session = q->events[i].origin_session;
		page->events[i].payload =
		    store_keep(s, s->host->api.event_data_payload(q->events[i].data));
	}
}

static void query_came_back(void *state, void *arg)
{
	struct store_pending *p = state;
	struct page *page = &p->page;
	const struct par_query *q = arg;

	page->done = true;
	p->store->n_done++;
	page->error = q->error;
	page->n = q->n;
	page->has_more = q->has_more;
	page->my_read = q->my_read;
	page->my_delivered = q->my_delivered;
	page->peer_read = q->peer_read;
	page->peer_delivered = q->peer_delivered;
	page->device = q->device_state;
	page->device.above = keep_rows(p->store, q->device_state.above, q->device_state.n_above,
				       sizeof(*q->device_state.above));
	if (q->kind == PAR_QUERY_MESSAGES)
		keep_messages(p->store, q, page);
	else if (q->kind == PAR_QUERY_CHATS || q->kind == PAR_QUERY_CHAT)
		keep_chats(p->store, q, page);
	else if (q->kind == PAR_QUERY_EVENTS)
		keep_events(p->store, q, page);
	else if (q->kind == PAR_QUERY_MEMBERS)
		keep_members(p->store, q, page);
	else if (q->kind == PAR_QUERY_PEERS)
		keep_peers(p->store, q, page);
	else if (q->kind != PAR_QUERY_DEVICE)
		keep_docs(p->store, q, page);
}

struct par_query *store_query(struct store *s, enum par_query_kind kind, const char *user)
{
	struct store_pending *p = store_pending_new(s);
	struct par_query *q = s->host->api.query_new(s->plugin, query_came_back, p);

	q->arg = p;
	q->kind = kind;
	q->user = par_str_of(user);
	q->limit = 100;
	q->max_bytes = 1 << 20;
	return q;
}

struct par_query *store_docs_query(struct store *s, const char *plugin, const char *const *keys,
				   unsigned n)
{
	struct par_query *q = store_query(s, PAR_QUERY_DOCS, "");
	struct par_str *copy = s->host->api.query_alloc(q, n * sizeof(*copy) + 1);
	unsigned i;

	for (i = 0; i < n; i++)
		copy[i] = par_str_of(keys[i]);
	q->plugin = par_str_of(plugin);
	q->keys = copy;
	q->n_keys = n;
	q->limit = PAR_DOCS_MAX;
	return q;
}

struct page *store_ask(struct store *s, struct par_query *query)
{
	struct store_pending *p = query->arg;

	s->host->api.query_submit(query);
	return &p->page;
}

struct page *store_run_query(struct store *s, struct par_query *query)
{
	struct page *page = store_ask(s, query);

	store_settle(s);
	return page;
}

struct page *ask_messages(struct store *s, const char *user, const char *peer)
{
	struct par_query *q = store_query(s, PAR_QUERY_MESSAGES, user);

	q->chat = store_chat(s, user, peer);
	return store_run_query(s, q);
}

struct page *ask_chat(struct store *s, const char *user, const char *peer)
{
	struct par_query *q = store_query(s, PAR_QUERY_CHAT, user);

	q->chat = store_chat(s, user, peer);
	return store_run_query(s, q);
}

struct page *ask_members(struct store *s, const char *user, const char *group)
{
	struct par_query *q = store_query(s, PAR_QUERY_MEMBERS, user);

	q->chat = store_chat(s, user, group);
	return store_run_query(s, q);
}

struct page *ask_chats(struct store *s, const char *user)
{
	return store_run_query(s, store_query(s, PAR_QUERY_CHATS, user));
}

struct page *ask_device(struct store *s, const char *user, const char *device)
{
	struct par_query *q = store_query(s, PAR_QUERY_DEVICE, user);

	q->device = par_str_of(device);
	return store_run_query(s, q);
}

struct page *ask_events(struct store *s, const char *user, const char *device, uint64_t after)
{
	struct par_query *q = store_query(s, PAR_QUERY_EVENTS, user);

	q->device = par_str_of(device);
	q->after = after;
	return store_run_query(s, q);
}

const char *ask_doc(struct store *s, const char *plugin, const char *key)
{
	struct par_query *q = store_query(s, PAR_QUERY_DOC_GET, "");
	struct page *page;

	q->plugin = par_str_of(plugin);
	q->key = par_str_of(key);
	page = store_run_query(s, q);
	return page->n == 0 ? NULL : page->docs[0].value.s;
}
