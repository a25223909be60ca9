/* SPDX-License-Identifier: BSD-2-Clause */
/* Pages of a chat, and of a user's list of chats. */
#include <string.h>

#include <parlance/storage_fill.h>

#include "../storage_common/page.h"
#include "ops.h"

/* EditPayload or DeletionPayload, of the change to message `original`. */
static struct par_str service_payload(struct db *db, struct par_query *q, const struct chat *chat,
				      uint64_t original)
{
	sqlite3_stmt *statement = db_bind(db, ST_MESSAGE_ONE, "i", chat_row_id(chat, original));
	struct par_json *out = db_writer(db);

	if (db_row(db, statement))
		par_service_fill(original, db_str(statement, 1), out);
	db_done(statement);
	return db_query_copy(db, q, par_json_text(out));
}

/* Fills the row; returns the bytes of its text. */
static size_t message_row(struct db *db, struct par_query *q, const struct chat *chat,
			  sqlite3_stmt *statement, struct par_stored_message *row)
{
	enum kind kind = (enum kind)db_u64(statement, 3);
	uint64_t ref = db_u64(statement, 8);

	memset(row, 0, sizeof(*row));
	row->id = row_number(db_u64(statement, 0));
	row->client_id = db_query_copy(db, q, db_str(statement, 1));
	row->sender = db_query_copy(db, q, db_str(statement, 2));
	row->type = kind_name(kind);
	row->message = db_query_copy(db, q, db_str(statement, 4));
	row->attachments = db_query_copy(db, q, db_str(statement, 5));
	row->forwarded = db_query_copy(db, q, db_str(statement, 6));
	row->payload = db_query_copy(db, q, db_str(statement, 7));
	row->created = db_u64(statement, 9);
	row->updated = db_u64(statement, 10);
	row->deleted = db_u64(statement, 11);
	if (kind_is_service(kind))
		row->payload = service_payload(db, q, chat, ref);
	else if (ref != 0)
		row->reply = db_query_copy(db, q, message_reply(db, chat, ref));
	return row->message.len + row->attachments.len + row->forwarded.len + row->payload.len +
	       row->reply.len;
}

static void read_page(struct db *db, struct par_query *q, const struct chat *chat,
		      const struct member *member)
{
	bool up = q->start_id != 0;
	uint64_t first = cursor_max(q->start_id, member->since + 1), last = chat->last_id;
	sqlite3_stmt *statement;
	size_t bytes = 0;

	if (!up && q->end_id != 0 && q->end_id <= last)
		last = q->end_id - 1;
	if (first > last)
		return;
	q->messages = db->api->query_alloc(
	    q, cursor_min(q->limit, last + 1 - first) * sizeof(*q->messages) + 1);
	statement = db_bind(db, up ? ST_MESSAGES_UP : ST_MESSAGES_DOWN, "iii", member->user->id,
			    chat_row_id(chat, first), chat_row_id(chat, last));
	while (!q->has_more && db_row(db, statement)) {
		size_t len = 0;
		if (q->n < q->limit)
			len = message_row(db, q, chat, statement, &q->messages[q->n]);
		page_add(q, &bytes, len);
	}
	db_done(statement);
	if (!up)
		page_reverse(q);
}

void query_messages(struct db *db, struct par_query *q)
{
	struct chat *chat = chat_look(db, q->chat.key);
	const struct member *member, *other;
	struct member room;

	member = chat == NULL ? NULL : chat_self(db, chat, q->chat.user, &room);
	if (member == NULL) {
		if (par_chat_is_group(&q->chat))
			query_refuse(q, PAR_E_NOT_FOUND, "there is no such chat");
		return;
	}
	other = chat_other(chat, member);
	q->my_delivered = member->delivered;
	q->my_read = member->read;
	if (other != NULL) {
		q->peer_delivered = other->delivered;
		q->peer_read = other->read;
	}
	read_page(db, q, chat, member);
}

/* The last message that is shown to the member. */
static void last_shown(struct db *db, struct par_query *q, const struct chat *chat,
		       const struct member *member, struct par_chat_entry *row)
{
	sqlite3_stmt *statement =
	    db_bind(db, ST_MESSAGE_SHOWN, "iii", member->user->id, chat_row_id(chat, member->since),
		    chat_row_id(chat, chat->content));

	if (db_row(db, statement)) {
		row->last_id = row_number(db_u64(statement, 0));
		row->last_text = db_query_copy(db, q, db_str(statement, 1));
		row->last_time = db_u64(statement, 2);
		row->last_author = db_query_copy(db, q, db_str(statement, 3));
		row->last_deleted = db_u64(statement, 4);
	}
	db_done(statement);
}

static uint64_t first_missed(struct db *db, const struct chat *chat, const struct member *member)
{
	sqlite3_stmt *statement;
	uint64_t id = 0;

	if (member->missed == 0)
		return 0;
	statement = db_bind(db, ST_MISSED_FIRST, "iii", member->user->id,
			    chat_row_id(chat, member->read), chat_row_id(chat, chat->last_id));
	if (db_row(db, statement))
		id = row_number(db_u64(statement, 0));
	db_done(statement);
	return id;
}

static void chat_row(struct db *db, struct par_query *q, struct chat *chat,
		     const struct member *member, struct par_chat_entry *row)
{
	const struct member *other = chat_other(chat, member);

	memset(row, 0, sizeof(*row));
	row->peer = db_query_copy(db, q, member->peer);
	row->last_time = member->joined;
	last_shown(db, q, chat, member, row);
	row->missed = member->missed;
	row->first_missed = first_missed(db, chat, member);
	row->my_delivered = member->delivered;
	row->my_read = member->read;
	if (other != NULL) {
		row->peer_delivered = other->delivered;
		row->peer_read = other->read;
	}
	if (chat_is_group(chat)) {
		row->name = db_query_copy(db, q, chat->name);
		row->members = chat->size;
		row->role = member->role;
	}
}

void query_chat(struct db *db, struct par_query *q)
{
	struct chat *chat = chat_look(db, q->chat.key);
	const struct member *member;
	struct member room;

	member = chat == NULL ? NULL : chat_self(db, chat, q->chat.user, &room);
	if (member == NULL || (chat->last_id == 0 && !chat_is_group(chat)))
		return;
	q->chats = db->api->query_alloc(q, sizeof(*q->chats));
	chat_row(db, q, chat, member, q->chats);
	q->n = 1;
}

/* The rank of the chat that the last page ended with; 0: there is no such chat. */
static uint64_t place_of(struct db *db, const struct user *user, struct par_str peer)
{
	sqlite3_stmt *statement = db_bind(db, ST_CHATS_PLACE, "it", user->id, peer);
	uint64_t rank = db_row(db, statement) ? db_u64(statement, 0) : 0;

	db_done(statement);
	return rank;
}

static void read_chats(struct db *db, struct par_query *q, const struct user *user,
		       sqlite3_stmt *statement)
{
	size_t bytes = 0;

	q->chats = db->api->query_alloc(q, q->limit * sizeof(*q->chats) + 1);
	while (!q->has_more && db_row(db, statement)) {
		struct chat *chat = chat_look_id(db, sqlite3_column_int64(statement, 0));
		const struct member *member;
		struct member room;
		size_t len = 0;

		member = chat == NULL ? NULL : chat_self(db, chat, user->name, &room);
		if (member == NULL)
			break;
		if (q->n < q->limit) {
			chat_row(db, q, chat, member, &q->chats[q->n]);
			len = q->chats[q->n].last_text.len;
		}
		page_add(q, &bytes, len);
	}
	db_done(statement);
}

void query_chats(struct db *db, struct par_query *q)
{
	struct user *user = user_find(db, q->user);
	uint64_t rank = 0;

	if (user != NULL && q->after_key.s != NULL)
		rank = place_of(db, user, q->after_key);
	if (q->after_key.s != NULL && rank == 0) {
		query_refuse(q, PAR_E_NOT_FOUND, "there is no such chat to go on from");
	} else if (user != NULL && rank == 0) {
		read_chats(db, q, user, db_bind(db, ST_CHATS_FIRST, "i", user->id));
	} else if (user != NULL) {
		read_chats(db, q, user, db_bind(db, ST_CHATS_NEXT, "ii", user->id, rank));
	}
}
