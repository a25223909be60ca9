/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Chats in memory, with their members. A dialog comes whole. Of a group the
 * members come when an operation needs them, which is what brings it to everybody;
 * a page of a list of chats, or of a chat, reads the row of its reader alone.
 */
#include <stdlib.h>
#include <string.h>

#include "../storage_common/order.h"
#include "cache.h"

/* So many members of groups weigh as much as one user or chat. */
#define MEMBERS_WEIGHT 8

void chat_free(struct chat *chat)
{
	unsigned i;

	for (i = 0; i < chat->n_members; i++) {
		if (chat->members[i].peer.s != chat->key.s)
			free((char *)chat->members[i].peer.s);
	}
	free(chat->members);
	free((char *)chat->name.s);
	free(chat);
}

struct chat *chat_add(struct db *db, int64_t id, struct par_str key)
{
	struct chat *chat = cache_alloc(db, sizeof(*chat) + key.len);

	if (chat == NULL)
		return NULL;
	chat->id = id;
	chat->key.s = memcpy(chat->bytes, key.s, key.len);
	chat->key.len = key.len;
	HASH_ADD_KEYPTR(hh, db->chats, chat->key.s, chat->key.len, chat);
	HASH_ADD(hh_id, db->chats_by_id, id, sizeof(chat->id), chat);
	return chat;
}

/* Room for one more; it is zeroed. */
static struct member *member_room(struct db *db, struct chat *chat)
{
	struct member *members = chat->members;
	unsigned n = chat->n_members;

	/* twos, then powers of two */
	if (n == 0 || (n & (n - 1)) == 0)
		members = realloc(members, (n < 2 ? 2 : 2 * (size_t)n) * sizeof(*members));
	if (members == NULL) {
		if (db->error == SQLITE_OK)
			db->error = SQLITE_NOMEM;
		return NULL;
	}
	chat->members = members;
	return memset(&members[n], 0, sizeof(*members));
}

struct member *chat_add_member(struct db *db, struct chat *chat, struct user *user,
			       struct par_str peer)
{
	struct member *member = user == NULL ? NULL : member_room(db, chat);
	char *name;

	if (member == NULL)
		return NULL;
	member->user = user;
	member->peer = chat->key;
	if (!chat_is_group(chat)) {
		name = malloc(peer.len + 1);
		if (name == NULL) {
			db->error = SQLITE_NOMEM;
			return NULL;
		}
		member->peer.s = memcpy(name, peer.s, peer.len);
		member->peer.len = peer.len;
	}
	chat->n_members++;
	return member;
}

bool chat_set_name(struct db *db, struct chat *chat, struct par_str name)
{
	char *copy = malloc(name.len + 1);

	if (copy == NULL) {
		db->error = SQLITE_NOMEM;
		return false;
	}
	free((char *)chat->name.s);
	chat->name.s = memcpy(copy, name.s, name.len);
	chat->name.len = name.len;
	return true;
}

static int member_order(const void *a, const void *b)
{
	return str_order(((const struct member *)a)->user->name,
			 ((const struct member *)b)->user->name);
}

void chat_sort(struct chat *chat)
{
	if (chat->n_members > 1)
		qsort(chat->members, chat->n_members, sizeof(*chat->members), member_order);
}

/* --- what the file has of one --- */

static void load_last(struct db *db, struct chat *chat)
{
	sqlite3_stmt *statement = db_bind(db, ST_CHAT_LAST, "ii", chat_row_id(chat, 0),
					  chat_row_id(chat, ROW_NUMBER_MAX));

	if (db_row(db, statement)) {
		chat->last_id = row_number(db_u64(statement, 0));
		chat->last_time = db_u64(statement, 1);
		if (!kind_is_service((enum kind)db_u64(statement, 2)))
			chat->content = chat->last_id;
	}
	db_done(statement);
}

/* From a row of MEMBER_COLUMNS; of a group of GROUP_MEMBERS. */
static void member_read(const struct chat *chat, struct member *member, sqlite3_stmt *statement)
{
	member->read = db_u64(statement, 3);
	member->read_at = db_u64(statement, 4);
	member->delivered = db_u64(statement, 5);
	member->delivered_at = db_u64(statement, 6);
	member->counted = db_u64(statement, 7);
	member->missed = db_u64(statement, 8);
	member->theirs = db_u64(statement, 9);
	member->rank = db_u64(statement, 10);
	if (!chat_is_group(chat))
		return;
	member->role = (enum par_role)db_u64(statement, 11);
	member->joined = db_u64(statement, 12);
	member->since = db_u64(statement, 13);
}

static void load_members(struct db *db, struct chat *chat)
{
	sqlite3_stmt *statement =
	    db_bind(db, chat_is_group(chat) ? ST_GROUP_MEMBERS : ST_MEMBERS, "i", chat->id);

	while (db_row(db, statement)) {
		struct user *user =
		    user_known(db, sqlite3_column_int64(statement, 0), db_str(statement, 1));
		struct member *member = chat_add_member(db, chat, user, db_str(statement, 2));

		if (member == NULL)
			break;
		member_read(chat, member, statement);
	}
	db_done(statement);
}

/* Adds the messages that were not counted when the member was written. */
static void count_rest(struct db *db, const struct chat *chat, struct member *member)
{
	sqlite3_stmt *statement;

	if (member->counted >= chat->last_id)
		return;
	statement = db_bind(db, ST_MEMBER_COUNT, "iii", member->user->id,
			    chat_row_id(chat, member->counted), chat_row_id(chat, chat->last_id));
	if (db_row(db, statement)) {
		member->missed += db_u64(statement, 0);
		if (sqlite3_column_type(statement, 1) != SQLITE_NULL)
			member->theirs = row_number(db_u64(statement, 1));
	}
	db_done(statement);
}

/* The same for all members of a group in one go. A message that was hidden or deleted while
 * a member missed it had him written, and so is not among those to count for him. */
static void count_rest_of_all(struct db *db, struct chat *chat)
{
	uint64_t counted = chat->last_id;
	sqlite3_stmt *statement;
	unsigned i;

	for (i = 0; i < chat->n_members; i++)
		counted = cursor_min(counted, chat->members[i].counted);
	if (counted == chat->last_id)
		return;
	statement = db_bind(db, ST_MESSAGE_SENDERS, "ii", chat_row_id(chat, counted),
			    chat_row_id(chat, chat->last_id));
	while (db_row(db, statement)) {
		uint64_t id = row_number(db_u64(statement, 0));
		int64_t sender = sqlite3_column_int64(statement, 1);
		bool counts = db_u64(statement, 2) != 0;

		for (i = 0; i < chat->n_members; i++) {
			struct member *member = &chat->members[i];
			if (member->counted >= id || member->user->id == sender)
				continue;
			member->theirs = id;
			member->missed += counts;
		}
	}
	db_done(statement);
}

static bool chat_load_members(struct db *db, struct chat *chat)
{
	unsigned i;

	load_members(db, chat);
	if (chat_is_group(chat)) {
		chat_sort(chat);
		count_rest_of_all(db, chat);
		db->n_cached += chat->n_members / MEMBERS_WEIGHT;
	} else {
		for (i = 0; i < chat->n_members; i++)
			count_rest(db, chat, &chat->members[i]);
	}
	chat->whole = db->error == SQLITE_OK;
	return chat->whole;
}

/* From a row of: id, content, name, size. */
static struct chat *chat_load(struct db *db, struct par_str key, sqlite3_stmt *statement)
{
	struct par_str name = db_str(statement, 2);
	struct chat *chat = chat_add(db, sqlite3_column_int64(statement, 0), key);

	if (chat == NULL)
		return NULL;
	chat->content = db_u64(statement, 1);
	chat->size = (unsigned)db_u64(statement, 3);
	if (name.s != NULL && !chat_set_name(db, chat, name))
		return NULL;
	load_last(db, chat);
	if (!chat_is_group(chat))
		chat_load_members(db, chat);
	return db->error == SQLITE_OK ? chat : NULL;
}

struct chat *chat_look(struct db *db, struct par_str key)
{
	sqlite3_stmt *statement;
	struct chat *chat;

	HASH_FIND(hh, db->chats, key.s, key.len, chat);
	if (chat != NULL)
		return chat;
	statement = db_bind(db, ST_CHAT_FIND, "t", key);
	if (db_row(db, statement))
		chat = chat_load(db, key, statement);
	db_done(statement);
	return chat;
}

struct chat *chat_look_id(struct db *db, int64_t id)
{
	sqlite3_stmt *statement;
	struct chat *chat;

	HASH_FIND(hh_id, db->chats_by_id, &id, sizeof(id), chat);
	if (chat != NULL)
		return chat;
	statement = db_bind(db, ST_CHAT_KEY, "i", id);
	if (db_row(db, statement))
		chat = chat_load(db, db_str(statement, 4), statement);
	db_done(statement);
	return chat;
}

struct chat *chat_find(struct db *db, struct par_str key)
{
	struct chat *chat = chat_look(db, key);

	if (chat == NULL || chat->whole || chat_load_members(db, chat))
		return chat;
	return NULL;
}

static void member_make(struct db *db, struct chat *chat, struct par_str name, struct par_str peer)
{
	struct user *user = user_get(db, name);

	if (chat_add_member(db, chat, user, peer) != NULL)
		db_run(db, db_bind(db, ST_MEMBER_ADD, "iit", chat->id, user->id, peer));
}

struct chat *chat_get(struct db *db, const struct par_chat *as)
{
	struct chat *chat = chat_find(db, as->key);

	if (chat != NULL || db->error != SQLITE_OK)
		return chat;
	if (!db_run(db, db_bind(db, ST_CHAT_ADD, "t", as->key)))
		return NULL;
	chat = chat_add(db, sqlite3_last_insert_rowid(db->handle), as->key);
	if (chat == NULL)
		return NULL;
	chat->whole = true;
	member_make(db, chat, as->user, as->peer);
	if (!par_str_equal(as->user, as->peer))
		member_make(db, chat, as->peer, as->user);
	return db->error == SQLITE_OK ? chat : NULL;
}

/* --- members --- */

static struct member *group_member(const struct chat *chat, struct par_str user)
{
	unsigned low = 0, high = chat->n_members;

	while (low < high) {
		unsigned middle = low + (high - low) / 2;
		int order = str_order(chat->members[middle].user->name, user);
		if (order == 0)
			return &chat->members[middle];
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

struct member *chat_member(struct chat *chat, struct par_str user)
{
	unsigned i;

	if (chat_is_group(chat))
		return group_member(chat, user);
	for (i = 0; i < chat->n_members; i++) {
		if (par_str_equal(chat->members[i].user->name, user))
			return &chat->members[i];
	}
	return NULL;
}

const struct member *chat_self(struct db *db, struct chat *chat, struct par_str user,
			       struct member *room)
{
	sqlite3_stmt *statement;
	bool found;

	if (chat->whole)
		return chat_member(chat, user);
	memset(room, 0, sizeof(*room));
	room->user = user_find(db, user);
	if (room->user == NULL)
		return NULL;
	room->peer = chat->key;
	statement = db_bind(db, ST_GROUP_MEMBER, "ii", chat->id, room->user->id);
	found = db_row(db, statement);
	if (found)
		member_read(chat, room, statement);
	db_done(statement);
	if (!found)
		return NULL;
	count_rest(db, chat, room);
	return room;
}

struct member *chat_other(struct chat *chat, const struct member *member)
{
	unsigned i;

	if (chat_is_group(chat))
		return NULL;
	for (i = 0; i < chat->n_members; i++) {
		if (&chat->members[i] != member)
			return &chat->members[i];
	}
	return NULL;
}

bool member_save(struct db *db, const struct chat *chat, struct member *member)
{
	member->counted = chat->last_id;
	return db_run(db, db_bind(db, ST_MEMBER_SAVE, "iiiiiiiii", chat->id, member->user->id,
				  member->read, member->read_at, member->delivered,
				  member->delivered_at, member->counted, member->missed,
				  member->theirs));
}
