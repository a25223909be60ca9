/* SPDX-License-Identifier: BSD-2-Clause */
/* Comparing pages of chats, lists and documents with the model; see model.h. */
#include <inttypes.h>
#include <string.h>

#include "model.h"

static void want(const struct plan *plan, const char *what, uint64_t came, uint64_t wanted)
{
	if (came != wanted)
		model_differs(plan, "%s: expected %" PRIu64 ", came %" PRIu64, what, wanted, came);
}

static void want_text(const struct plan *plan, const char *what, struct par_str came,
		      const char *wanted)
{
	if (!str_is(came, wanted))
		model_differs(plan, "%s: expected %s, came %s", what,
			      wanted == NULL ? "nothing" : wanted,
			      came.s == NULL ? "nothing" : came.s);
}

/* --- MESSAGES --- */

static const char *reply_of(const struct model *m, const struct model_chat *chat, uint64_t id)
{
	const struct model_message *to = &chat->messages[id];
	const char *client = model_client(to->client), *text = model_text(to->text);

	return store_format(
	    &store,
	    "{\"messageId\":%" PRIu64 "%s%s%s,\"sender\":\"%s\",\"createdAt\":%" PRIu64 "%s%s%s}",
	    id, client == NULL ? "" : ",\"clientMessageId\":\"", client == NULL ? "" : client,
	    client == NULL ? "" : "\"", model_user(m, to->sender), to->created,
	    text == NULL ? "" : ",\"message\":\"", text == NULL ? "" : text,
	    text == NULL ? "" : "\"");
}

static const char *service_of(const struct model_chat *chat, uint64_t id)
{
	const char *client = model_client(chat->messages[id].client);

	return store_format(&store, "{\"originalMessageId\":%" PRIu64 "%s%s%s}", id,
			    client == NULL ? "" : ",\"originalClientMessageId\":\"",
			    client == NULL ? "" : client, client == NULL ? "" : "\"");
}

static void same_message(const struct model *m, const struct plan *plan,
			 const struct model_chat *chat, uint64_t id,
			 const struct par_stored_message *came)
{
	static const char *const types[] = { "new", "call", "edit", "delete" };
	const struct model_message *message = &chat->messages[id];
	bool service = model_is_service(message);

	want(plan, "id", came->id, id);
	want(plan, "created", came->created, message->created);
	want(plan, "updated", came->updated, message->updated);
	want(plan, "deleted", came->deleted, message->deleted);
	want_text(plan, "client_id", came->client_id, model_client(message->client));
	want_text(plan, "sender", came->sender, model_user(m, message->sender));
	want_text(plan, "type", came->type, types[message->kind]);
	want_text(plan, "message", came->message, model_text(message->text));
	want_text(plan, "attachments", came->attachments, model_attachments(message->attachments));
	want_text(plan, "payload", came->payload, service ? service_of(chat, message->ref) : NULL);
	want_text(plan, "reply", came->reply,
		  service || message->ref == 0 ? NULL : reply_of(m, chat, message->ref));
}

/* The ids of the page, ascending; *more: whether others are left in its direction. */
static unsigned page_ids(const struct plan *plan, const struct model_chat *chat, unsigned member,
			 uint64_t *ids, bool *more)
{
	uint64_t id = plan->start_id != 0 ? plan->start_id : chat->n, swap;
	unsigned n = 0, i;

	if (plan->start_id == 0 && plan->end_id != 0 && plan->end_id <= chat->n)
		id = plan->end_id - 1;
	for (*more = false; id >= 1 && id <= chat->n;
	     id += plan->start_id != 0 ? 1 : (uint64_t)-1) {
		if (!model_sees(chat, member, id))
			continue;
		*more = n == plan->limit;
		if (*more)
			break;
		ids[n++] = id;
	}
	for (i = 0; plan->start_id == 0 && i < n / 2; i++) {
		swap = ids[i];
		ids[i] = ids[n - 1 - i];
		ids[n - 1 - i] = swap;
	}
	return n;
}

static void check_messages(struct model *m, const struct plan *plan)
{
	struct model_chat *chat = model_chat(m, plan->user, plan->peer);
	unsigned member = model_member(chat, plan->user), i, n;
	uint64_t ids[M_MESSAGES];
	bool more;

	n = page_ids(plan, chat, member, ids, &more);
	want(plan, "number of messages", plan->page->n, n);
	want(plan, "has_more", plan->page->has_more, more);
	for (i = 0; i < n; i++)
		same_message(m, plan, chat, ids[i], &plan->page->messages[i]);
	if (chat->n == 0 && !chat->is_group)
		return;
	want(plan, "my_read", plan->page->my_read, chat->read[member].upto);
	want(plan, "my_delivered", plan->page->my_delivered, chat->delivered[member].upto);
	if (chat->n_users != 2)
		return;
	want(plan, "peer_read", plan->page->peer_read, chat->read[1 - member].upto);
	want(plan, "peer_delivered", plan->page->peer_delivered, chat->delivered[1 - member].upto);
}

/* --- CHATS and CHAT --- */

static uint64_t first_missed(const struct model_chat *chat, unsigned member)
{
	uint64_t id;

	for (id = chat->read[member].upto + 1; id <= chat->n; id++) {
		const struct model_message *message = &chat->messages[id];
		if (message->sender != chat->users[member] && !model_is_service(message) &&
		    message->deleted == 0 && message->hidden[member] == 0)
			return id;
	}
	return 0;
}

/* What a row says of the chat itself. */
static void same_chat(const struct model *m, const struct plan *plan, const struct model_chat *chat,
		      const struct par_chat_entry *came)
{
	unsigned member = model_member(chat, plan->user), i, n = 0;

	if (!chat->is_group) {
		want_text(plan, "peer", came->peer,
			  model_user(m, chat->users[chat->n_users == 1 ? 0 : 1 - member]));
		want_text(plan, "name", came->name, NULL);
		return;
	}
	for (i = 0; i < M_USERS; i++)
		n += chat->group.in[i];
	want_text(plan, "peer", came->peer,
		  model_user(m, M_USERS + (unsigned)(chat - m->chats) - M_DIALOGS));
	want_text(plan, "name", came->name, model_name(chat->group.name));
	want(plan, "members", came->members, n);
	want(plan, "role", came->role, chat->group.role[member]);
	want(plan, "peer_read", came->peer_read, 0);
	want(plan, "peer_delivered", came->peer_delivered, 0);
}

static void same_entry(const struct model *m, const struct plan *plan,
		       const struct model_chat *chat, const struct par_chat_entry *came)
{
	unsigned member = model_member(chat, plan->user);
	const struct model_message *last;
	uint64_t id = chat->n;

	while (id > 0 && (model_is_service(&chat->messages[id]) || !model_sees(chat, member, id)))
		id--;
	last = &chat->messages[id];
	same_chat(m, plan, chat, came);
	want(plan, "last_id", came->last_id, id);
	want(plan, "missed", came->missed, model_missed(chat, member));
	want(plan, "first_missed", came->first_missed, first_missed(chat, member));
	want(plan, "my_read", came->my_read, chat->read[member].upto);
	want(plan, "my_delivered", came->my_delivered, chat->delivered[member].upto);
	if (chat->n_users == 2) {
		want(plan, "peer_read", came->peer_read, chat->read[1 - member].upto);
		want(plan, "peer_delivered", came->peer_delivered,
		     chat->delivered[1 - member].upto);
	}
	if (chat->is_group && id == 0)
		want(plan, "last_time", came->last_time, chat->group.joined[member]);
	if (id == 0)
		return;
	want_text(plan, "last_text", came->last_text, model_text(last->text));
	want_text(plan, "last_author", came->last_author, model_user(m, last->sender));
	want(plan, "last_time", came->last_time, last->created);
	want(plan, "last_deleted", came->last_deleted, last->deleted);
}

/* The user's chat with the highest order below that one; NULL: none. */
static const struct model_chat *chat_behind(const struct model *m, unsigned user, uint64_t order)
{
	const struct model_chat *found = NULL;
	uint64_t here, best = 0;
	unsigned i;

	for (i = 0; i < M_CHATS; i++) {
		here = model_order(&m->chats[i], user);
		if (here < order && here > best) {
			found = &m->chats[i];
			best = here;
		}
	}
	return found;
}

/* The order of the chat that the page is behind; 0: it is not in the list. */
static uint64_t chats_start(struct model *m, const struct plan *plan)
{
	if (!plan->behind)
		return UINT64_MAX;
	return model_order(model_chat(m, plan->user, plan->peer), plan->user);
}

static void check_chats(struct model *m, const struct plan *plan)
{
	const struct model_chat *chat = chat_behind(m, plan->user, chats_start(m, plan));
	unsigned n = 0;

	for (; chat != NULL && n < plan->limit; n++) {
		if (n < plan->page->n)
			same_entry(m, plan, chat, &plan->page->chats[n]);
		chat = chat_behind(m, plan->user, model_order(chat, plan->user));
	}
	want(plan, "number of chats", plan->page->n, n);
	want(plan, "has_more", plan->page->has_more, chat != NULL);
}

static void check_chat(struct model *m, const struct plan *plan)
{
	const struct model_chat *chat = model_chat(m, plan->user, plan->peer);
	bool there = model_order(chat, plan->user) != 0;

	want(plan, "number of chats", plan->page->n, there);
	if (there)
		same_entry(m, plan, chat, plan->page->chats);
}

/* --- documents --- */

static void check_docs(const struct model *m, const struct plan *plan)
{
	unsigned key, n = 0;

	for (key = 0; key < M_DOCS; key++) {
		if (m->docs[key] == 0)
			continue;
		if (n < plan->page->n) {
			want_text(plan, "key", plan->page->docs[n].key,
				  store_format(&store, "k%u", key));
			want_text(plan, "value", plan->page->docs[n].value,
				  store_format(&store, "v%u", m->docs[key]));
		}
		n++;
	}
	want(plan, "number of documents", plan->page->n, n);
}

static void check_docs_by_keys(const struct model *m, const struct plan *plan)
{
	const struct page *page = plan->page;
	size_t bytes = 0;
	unsigned i;

	for (i = 0; i < plan->n_keys && i < plan->limit; i++) {
		unsigned key = plan->keys[i], doc = key < M_DOCS ? m->docs[key] : 0;
		const char *value = doc == 0 ? NULL : store_format(&store, "v%u", doc);

		bytes += value == NULL ? 0 : strlen(value);
		if (i > 0 && bytes > plan->max_bytes)
			break;
		if (i >= page->n)
			continue;
		want_text(plan, "key", page->docs[i].key, store_format(&store, "k%u", key));
		want_text(plan, "value", page->docs[i].value, value);
	}
	want(plan, "number of keys looked at", page->n, i);
	want(plan, "has_more", page->has_more, i < plan->n_keys);
}

/* Whether it is about a group that the user is not in, or behind a chat that he has not. */
static bool wants_access(struct model *m, const struct plan *plan)
{
	const struct model_chat *chat = model_chat(m, plan->user, plan->peer);

	if (plan->query == PAR_QUERY_CHATS)
		return chats_start(m, plan) == 0;
	return (plan->query == PAR_QUERY_MESSAGES || plan->query == PAR_QUERY_MEMBERS) &&
	       chat->is_group && !model_is_in(chat, plan->user);
}

void model_check(struct model *m, const struct plan *plan)
{
	if (plan->query == PAR_QUERY_DEVICE) {
		model_check_device(m, plan);
		return;
	}
	if (wants_access(m, plan)) {
		if (plan->page->error != PAR_E_NOT_FOUND)
			model_differs(plan, "expected PAR_E_NOT_FOUND, came %s",
				      check_error_name(plan->page->error));
		return;
	}
	if (plan->page->error != PAR_OK)
		model_differs(plan, "expected success, came %s",
			      check_error_name(plan->page->error));
	switch (plan->query) {
	case PAR_QUERY_EVENTS:
		model_check_events(m, plan);
		return;
	case PAR_QUERY_MESSAGES:
		check_messages(m, plan);
		return;
	case PAR_QUERY_CHATS:
		check_chats(m, plan);
		return;
	case PAR_QUERY_CHAT:
		check_chat(m, plan);
		return;
	case PAR_QUERY_DEVICE:
	case PAR_QUERY_DOC_GET:
	case PAR_QUERY_DOC_SCAN:
		check_docs(m, plan);
		return;
	case PAR_QUERY_DOCS:
		check_docs_by_keys(m, plan);
		return;
	case PAR_QUERY_MEMBERS:
		model_check_members(m, plan);
		return;
	case PAR_QUERY_PEERS:
		return;
	}
}
