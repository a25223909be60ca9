/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Requests `messages`, `chats` and `chat`: what is stored, as the one who asks
 * sees it. A page is bounded by `count` and by PAGE_BYTES, so a page may be
 * shorter than asked for; `hasMore` says whether there is more. A chat in which
 * nothing was written yet is an empty page for `messages`, and not found for
 * `chat`. In a group `messages` asks for the members first, whose marks say whom the
 * reader's own messages have reached. What other plugins know of a chat they add themselves.
 */
#include "messaging.h"

#define PAGE_DEFAULT 50
#define PAGE_MAX 500
#define PAGE_BYTES ((size_t)256 << 10)

/* The marks that the status of a message depends on. */
struct marks {
	bool own_chat;
	bool group;
	uint64_t peer_delivered, peer_read;
	uint64_t my_read;
};

/* One's own message has the status that the other gave it, and in a group, where there are
 * many, none: NULL. What another wrote is read or not read by the one who asks. */
static const char *status_of(const struct marks *marks, uint64_t id, bool mine, uint64_t deleted)
{
	if (deleted != 0)
		return "deleted";
	if (marks->own_chat)
		return "read";
	if (!mine)
		return id <= marks->my_read ? "read" : "unread";
	if (marks->group)
		return NULL;
	if (id <= marks->peer_read)
		return "read";
	return id <= marks->peer_delivered ? "unread" : "undelivered";
}

static struct par_query *history_begin(struct messaging *m, par_request_id request,
				       struct par_str user, enum par_query_kind kind,
				       par_callback_fn done)
{
	struct par_query *query = m->api->query_new(m->self, done, m);

	query->kind = kind;
	query->user = par_query_copy(m->api, query, user);
	query->request = request;
	query->max_bytes = PAGE_BYTES;
	return query;
}

/* The writer of the answer; NULL: failed, which is answered, or gone. */
static struct par_json *history_answer(struct messaging *m, struct par_query *query)
{
	if (query->error == PAR_OK)
		return m->api->reply_open(m->self, query->request);
	m->api->fail(m->self, query->request, query->error, NULL, query->message);
	return NULL;
}

static unsigned count_read(struct par_payload *p)
{
	uint64_t count = PAGE_DEFAULT;

	par_payload_number(p, "count", 1, PAGE_MAX, PAR_OPTIONAL, &count);
	return (unsigned)count;
}

/* The JSON array of a message that has some. */
static void attachments_write(struct par_json *w, struct par_str attachments)
{
	if (attachments.s != NULL && !par_str_equal(attachments, par_str_of("[]")))
		par_json_member_raw(w, "attachments", attachments);
}

static void message_write(struct par_json *w, const struct par_stored_message *message,
			  struct par_str reader, const struct marks *marks,
			  const struct delivering *delivering)
{
	bool mine = par_str_equal(message->sender, reader);

	par_json_object_begin(w);
	par_json_member_u64(w, "messageId", message->id);
	messaging_client_id(w, "clientMessageId", message->client_id);
	par_json_member_string(w, "sender", message->sender);
	par_json_member_string(w, "type", message->type);
	if (message->message.s != NULL)
		par_json_member_string(w, "message", message->message);
	attachments_write(w, message->attachments);
	if (message->reply.s != NULL)
		par_json_member_raw(w, "replyTo", message->reply);
	if (message->forwarded.s != NULL)
		par_json_member_raw(w, "forwardedFrom", message->forwarded);
	if (message->payload.s != NULL) {
		par_json_key(w, "payload");
		if (par_str_equal(message->type, par_str_of("call")))
			call_write_stored(w, message->payload, reader);
		else
			par_json_raw(w, message->payload);
	}
	if (!marks->group)
		par_json_member_string(
		    w, "status", par_str_of(status_of(marks, message->id, mine, message->deleted)));
	else if (mine && message->deleted == 0 && delivering->members != NULL)
		delivering_write(w, delivering, message);
	par_json_member_u64(w, "createdAt", message->created);
	if (message->updated != 0)
		par_json_member_u64(w, "updatedAt", message->updated);
	if (message->deleted != 0)
		par_json_member_u64(w, "deletedAt", message->deleted);
	par_json_object_end(w);
}

/* What `messages` asks for; the `arg` of its queries, in their memory. */
struct page {
	uint64_t start_id, end_id;
	unsigned count;
	struct delivering delivering;
};

static void messages_done(void *state, void *arg)
{
	struct messaging *m = state;
	struct par_query *query = arg;
	const struct page *page = query->arg;
	struct par_json *w = history_answer(m, query);
	struct marks marks = {
		.own_chat = par_chat_is_own(&query->chat),
		.group = par_chat_is_group(&query->chat),
		.peer_delivered = query->peer_delivered,
		.peer_read = query->peer_read,
		.my_read = query->my_read,
	};
	unsigned i;

	if (w == NULL)
		return;
	par_json_object_begin(w);
	par_json_key(w, "messages");
	par_json_array_begin(w);
	for (i = 0; i < query->n; i++)
		message_write(w, &query->messages[i], query->user, &marks, &page->delivering);
	par_json_array_end(w);
	par_json_member_bool(w, "hasMore", query->has_more);
	par_json_object_end(w);
	m->api->reply_close(m->self, query->request);
}

/* `members` is the MEMBERS query of a group, that is done; NULL: a dialog. */
static void messages_submit(struct messaging *m, par_request_id request, struct par_str user,
			    struct par_str peer, const struct page *page,
			    const struct par_query *members)
{
	struct par_query *query =
	    history_begin(m, request, user, PAR_QUERY_MESSAGES, messages_done);
	struct page *kept = m->api->query_alloc(query, sizeof(*kept));

	*kept = *page;
	if (members != NULL)
		delivering_keep(m, &kept->delivering, query, members);
	query->arg = kept;
	query->chat = par_chat_in_query(m->api, query, query->user, peer);
	query->start_id = page->start_id;
	query->end_id = page->end_id;
	query->limit = delivering_limit(&kept->delivering, page->count);
	m->api->query_submit(query);
}

static void members_done(void *state, void *arg)
{
	struct messaging *m = state;
	struct par_query *query = arg;

	if (query->error != PAR_OK)
		m->api->fail(m->self, query->request, query->error, NULL, query->message);
	else
		messages_submit(m, query->request, query->user, query->chat.peer, query->arg,
				query);
}

static void members_submit(struct messaging *m, const struct par_request *request,
			   struct par_str group, const struct page *page)
{
	struct par_query *query =
	    history_begin(m, request->id, request->user, PAR_QUERY_MEMBERS, members_done);
	struct page *kept = m->api->query_alloc(query, sizeof(*kept));

	*kept = *page;
	query->arg = kept;
	query->chat = par_chat_in_query(m->api, query, query->user, group);
	query->limit = DELIVERING_MAX;
	m->api->query_submit(query);
}

void messaging_messages(void *state, const struct par_request *request)
{
	struct messaging *m = state;
	struct page page = { .count = 0 };
	struct par_str peer;
	struct par_payload p;

	par_payload_begin(&p, request->payload);
	peer = par_payload_id(&p, "chatId", PAR_REQUIRED);
	page.start_id = par_payload_message_id(&p, "startId", PAR_OPTIONAL);
	page.end_id = par_payload_message_id(&p, "endId", PAR_OPTIONAL);
	if (page.start_id != 0 && page.end_id != 0)
		par_payload_refuse(&p, PAR_E_BAD_PAYLOAD, "endId", "cannot be given with startId");
	page.count = count_read(&p);
	if (p.error != PAR_OK)
		messaging_refuse(m, request, &p);
	else if (par_id_is_group(peer))
		members_submit(m, request, peer, &page);
	else
		messages_submit(m, request->id, request->user, peer, &page, NULL);
}

static void entry_last_write(struct par_json *w, const struct par_chat_entry *entry,
			     struct par_str reader, bool own_chat)
{
	bool mine = par_str_equal(entry->last_author, reader);
	struct marks marks = {
		.own_chat = own_chat,
		.group = entry->name.s != NULL,
		.peer_delivered = entry->peer_delivered,
		.peer_read = entry->peer_read,
		.my_read = entry->my_read,
	};
	const char *status = status_of(&marks, entry->last_id, mine, entry->last_deleted);

	par_json_member_u64(w, "lastMessageId", entry->last_id);
	if (entry->last_text.s != NULL)
		par_json_member_string(w, "lastMessageText", entry->last_text);
	par_json_member_u64(w, "lastMessageTime", entry->last_time);
	par_json_member_string(w, "lastMessageAuthor", entry->last_author);
	if (status != NULL)
		par_json_member_string(w, "lastMessageStatus", par_str_of(status));
}

/* ChatListItem. The last message is left out when none is shown to the user; a group has the
 * time all the same, its place in the list. */
static void entry_write(struct messaging *m, struct par_json *w, const struct par_query *query,
			unsigned i)
{
	const struct par_chat_entry *entry = &query->chats[i];
	struct par_str reader = query->user;
	bool own_chat = par_str_equal(entry->peer, reader);
	bool group = entry->name.s != NULL;

	par_json_object_begin(w);
	par_json_member_string(w, "type",
			       par_str_of(group      ? "group"
					  : own_chat ? "favorites"
						     : "dialog"));
	par_json_member_string(w, "id", entry->peer);
	if (group) {
		par_json_member_string(w, "name", entry->name);
		par_json_member_u64(w, "members", entry->members);
		par_json_member_string(w, "role", par_str_of(par_role_name(entry->role)));
	}
	if (entry->last_id != 0)
		entry_last_write(w, entry, reader, own_chat);
	else if (group)
		par_json_member_u64(w, "lastMessageTime", entry->last_time);
	par_json_member_u64(w, "missed", entry->missed);
	if (entry->first_missed != 0)
		par_json_member_u64(w, "firstMissed", entry->first_missed);
	par_json_member_bool(w, "isMine",
			     entry->last_id != 0 && par_str_equal(entry->last_author, reader));
	m->api->write_chat_details(m->self, w, query, i);
	par_json_object_end(w);
}

static void chats_done(void *state, void *arg)
{
	struct messaging *m = state;
	struct par_query *query = arg;
	struct par_json *w = history_answer(m, query);
	unsigned i;

	if (w == NULL)
		return;
	par_json_object_begin(w);
	par_json_key(w, "chats");
	par_json_array_begin(w);
	for (i = 0; i < query->n; i++)
		entry_write(m, w, query, i);
	par_json_array_end(w);
	par_json_member_bool(w, "hasMore", query->has_more);
	par_json_object_end(w);
	m->api->reply_close(m->self, query->request);
}

void messaging_chats(void *state, const struct par_request *request)
{
	struct messaging *m = state;
	struct par_query *query;
	struct par_str after;
	struct par_payload p;
	unsigned count;

	par_payload_begin(&p, request->payload);
	after = par_payload_id(&p, "after", PAR_OPTIONAL);
	count = count_read(&p);
	if (p.error != PAR_OK) {
		messaging_refuse(m, request, &p);
		return;
	}
	query = history_begin(m, request->id, request->user, PAR_QUERY_CHATS, chats_done);
	query->after_key = par_query_copy(m->api, query, after);
	query->limit = count;
	query->details = true;
	m->api->query_submit(query);
}

static void chat_done(void *state, void *arg)
{
	struct messaging *m = state;
	struct par_query *query = arg;
	struct par_json *w;

	if (query->error == PAR_OK && query->n == 0) {
		m->api->fail(m->self, query->request, PAR_E_NOT_FOUND, NULL,
			     par_chat_is_group(&query->chat)
				 ? "there is no such group, or you are not in it"
				 : "nothing was written in this chat");
		return;
	}
	w = history_answer(m, query);
	if (w == NULL)
		return;
	entry_write(m, w, query, 0);
	m->api->reply_close(m->self, query->request);
}

void messaging_chat(void *state, const struct par_request *request)
{
	struct messaging *m = state;
	struct par_query *query;
	struct par_str peer;
	struct par_payload p;

	par_payload_begin(&p, request->payload);
	peer = par_payload_id(&p, "chatId", PAR_REQUIRED);
	if (p.error != PAR_OK) {
		messaging_refuse(m, request, &p);
		return;
	}
	query = history_begin(m, request->id, request->user, PAR_QUERY_CHAT, chat_done);
	query->chat = par_chat_in_query(m->api, query, query->user, peer);
	query->limit = 1;
	query->details = true;
	m->api->query_submit(query);
}
