/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pages of chats and of the list of chats. The strings of the rows are the
 * stored ones: a query is handed back before anything else can happen.
 */
#include <stdlib.h>
#include <string.h>

#include <parlance/storage_fill.h>

#include "../storage_common/page.h"
#include "memory.h"

static struct par_str query_copy(struct memory *m, struct par_query *q, struct par_str s)
{
	char *at = m->api->query_alloc(q, s.len);

	return memory_copy(&at, s);
}

/* EditPayload or DeletionPayload. */
static struct par_str service_payload(struct memory *m, struct par_query *q,
				      const struct message *message)
{
	const struct message *original = chat_message(message->sender->chat, message->ref);

	par_json_reset(&m->writer);
	par_service_fill(original->id, original->client_id, &m->writer);
	return query_copy(m, q, par_json_text(&m->writer));
}

/* Fills the row; returns the bytes of its text. */
static size_t message_row(struct memory *m, struct par_query *q, const struct message *message,
			  struct par_stored_message *row)
{
	memset(row, 0, sizeof(*row));
	row->id = message->id;
	row->client_id = message->client_id;
	row->sender = message->sender->user->name;
	row->type = kind_name(message->kind);
	row->message = message->text;
	row->attachments = message->attachments;
	row->forwarded = message->forwarded;
	row->payload = message->payload;
	row->created = message->created;
	row->updated = message->updated;
	row->deleted = message->deleted;
	if (kind_is_service(message->kind))
		row->payload = service_payload(m, q, message);
	else if (message->ref != 0)
		row->reply = query_copy(
		    m, q, message_reply(m, chat_message(message->sender->chat, message->ref)));
	return row->message.len + row->attachments.len + row->forwarded.len + row->payload.len +
	       row->reply.len;
}

static void read_page(struct memory *m, struct par_query *q, const struct chat *chat,
		      const struct member *member)
{
	bool forward = q->start_id != 0;
	uint64_t id = forward ? q->start_id : chat->n;
	size_t bytes = 0;

	if (!forward && q->end_id != 0 && q->end_id <= chat->n)
		id = q->end_id - 1;
	for (; id >= 1 && id <= chat->n && !q->has_more; id += forward ? 1 : (uint64_t)-1) {
		size_t len = 0;
		if (member_lacks(member, id))
			continue;
		if (q->n < q->limit)
			len = message_row(m, q, chat_message(chat, id), &q->messages[q->n]);
		page_add(q, &bytes, len);
	}
	if (!forward)
		page_reverse(q);
}

/* NULL: there is none, or it is a group. */
static struct member *other_member(struct chat *chat, const struct member *member)
{
	unsigned i;

	for (i = 0; !chat_is_group(chat) && i < chat->n_members; i++) {
		if (chat->members[i] != member)
			return chat->members[i];
	}
	return NULL;
}

void query_messages(struct memory *m, struct par_query *q)
{
	struct chat *chat = chat_find(m, q->chat.key);
	struct member *member = chat_member(chat, q->chat.user);
	const struct member *other;

	if (member == NULL) {
		if (par_chat_is_group(&q->chat)) {
			q->error = PAR_E_NOT_FOUND;
			q->message = "there is no such chat";
		}
		return;
	}
	other = other_member(chat, member);
	q->my_delivered = member->delivered;
	q->my_read = member->read;
	if (other != NULL) {
		q->peer_delivered = other->delivered;
		q->peer_read = other->read;
	}
	q->messages = m->api->query_alloc(q, q->limit * sizeof(*q->messages) + 1);
	read_page(m, q, chat, member);
}

/* The last message that is shown to the member; NULL: none. */
static const struct message *last_shown(const struct chat *chat, const struct member *member)
{
	const struct message *message;
	uint64_t id = chat->content;

	while ((message = chat_message(chat, id)) != NULL && id > member->since &&
	       (kind_is_service(message->kind) || member_hides(member, id, NULL)))
		id--;
	return id > member->since ? message : NULL;
}

static uint64_t first_missed(const struct chat *chat, const struct member *member)
{
	uint64_t id = member->read;
	const struct message *message;

	if (member->missed == 0)
		return 0;
	do {
		message = chat_message(chat, ++id);
	} while (message->sender == member || kind_is_service(message->kind) ||
		 message->deleted != 0 || member_hides(member, id, NULL));
	return id;
}

static void chat_row(const struct member *member, struct par_chat_entry *row)
{
	const struct message *last = last_shown(member->chat, member);
	const struct member *other = other_member(member->chat, member);

	memset(row, 0, sizeof(*row));
	row->peer = member->peer;
	row->last_time = member->joined;
	if (last != NULL) {
		row->last_id = last->id;
		row->last_text = last->text;
		row->last_time = last->created;
		row->last_author = last->sender->user->name;
		row->last_deleted = last->deleted;
	}
	row->missed = member->missed;
	row->first_missed = first_missed(member->chat, member);
	row->my_delivered = member->delivered;
	row->my_read = member->read;
	if (other != NULL) {
		row->peer_delivered = other->delivered;
		row->peer_read = other->read;
	}
	if (chat_is_group(member->chat)) {
		row->name = member->chat->name;
		row->members = member->chat->n_in;
		row->role = member->role;
	}
}

/* The place in the user's list: the highest is first. 0: not in it. */
static uint64_t member_order(const struct member *member)
{
	return cursor_max(member->order, member->chat->order);
}

void query_chat(struct memory *m, struct par_query *q)
{
	struct chat *chat = chat_find(m, q->chat.key);
	struct member *member = chat_member(chat, q->chat.user);

	if (member == NULL || member_order(member) == 0)
		return;
	q->chats = m->api->query_alloc(q, sizeof(*q->chats));
	chat_row(member, q->chats);
	q->n = 1;
}

static int latest_first(const void *a, const void *b)
{
	uint64_t x = member_order(*(struct member *const *)a);
	uint64_t y = member_order(*(struct member *const *)b);

	return x < y ? 1 : x > y ? -1 : 0;
}

/* The place behind the chat with `peer`; n_chats + 1: there is none in the list. */
static unsigned place_after(const struct user *user, struct par_str peer)
{
	unsigned i;

	for (i = 0; i < user->n_chats; i++) {
		if (par_str_equal(user->chats[i]->peer, peer) && member_order(user->chats[i]) != 0)
			return i + 1;
	}
	return user->n_chats + 1;
}

void query_chats(struct memory *m, struct par_query *q)
{
	struct user *user = user_find(m, q->user);
	size_t bytes = 0;
	unsigned i = 0;

	if (user != NULL && user->n_chats > 1)
		qsort(user->chats, user->n_chats, sizeof(*user->chats), latest_first);
	if (q->after_key.s != NULL)
		i = user == NULL ? 1 : place_after(user, q->after_key);
	if (i > (user == NULL ? 0 : user->n_chats)) {
		q->error = PAR_E_NOT_FOUND;
		q->message = "there is no such chat to go on from";
		return;
	}
	q->chats = m->api->query_alloc(q, q->limit * sizeof(*q->chats) + 1);
	for (;
	     user != NULL && i < user->n_chats && member_order(user->chats[i]) != 0 && !q->has_more;
	     i++) {
		size_t len = 0;
		if (q->n < q->limit) {
			chat_row(user->chats[i], &q->chats[q->n]);
			len = q->chats[q->n].last_text.len;
		}
		page_add(q, &bytes, len);
	}
}
