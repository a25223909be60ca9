/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Groups: making one, and who is in it, in the file and in the cache at once. Who
 * may do it was judged before (roster.c).
 */
#include <string.h>

#include "cache.h"

bool group_taken(struct db *db, struct par_str key)
{
	sqlite3_stmt *statement = db_bind(db, ST_GROUP_TAKEN, "t", key);
	bool taken = db_row(db, statement);

	db_done(statement);
	return taken;
}

struct chat *group_make(struct db *db, struct par_str key, struct par_str name)
{
	struct chat *chat;

	if (!db_run(db, db_bind(db, ST_GROUP_ADD, "tt", key, name)))
		return NULL;
	chat = chat_add(db, sqlite3_last_insert_rowid(db->handle), key);
	if (chat == NULL || !chat_set_name(db, chat, name))
		return NULL;
	chat->whole = true;
	return chat;
}

bool group_rename(struct db *db, struct chat *chat, struct par_str name)
{
	return chat_set_name(db, chat, name) &&
	       db_run(db, db_bind(db, ST_GROUP_NAME, "it", chat->id, name));
}

static bool role_save(struct db *db, const struct chat *chat, const struct member *member)
{
	return db_run(db, db_bind(db, ST_ROLE_SAVE, "iiiii", chat->id, member->user->id,
				  (int64_t)member->role, member->joined, member->since));
}

bool group_join(struct db *db, struct chat *chat, struct par_str user, enum par_role role,
		uint64_t joined, bool history)
{
	struct member *member = chat_add_member(db, chat, user_get(db, user), chat->key);

	if (member == NULL)
		return false;
	member->read = member->delivered = member->counted = chat->last_id;
	member->rank = ++member->user->rank;
	member->role = role;
	member->joined = joined;
	member->since = history ? 0 : chat->last_id;
	return db_run(db, db_bind(db, ST_MEMBER_JOIN, "iitii", chat->id, member->user->id,
				  chat->key, chat->last_id, member->rank)) &&
	       role_save(db, chat, member);
}

bool group_set_role(struct db *db, const struct chat *chat, struct member *member,
		    enum par_role role)
{
	member->role = role;
	return role_save(db, chat, member);
}

bool group_go(struct db *db, struct chat *chat, struct member *member)
{
	unsigned behind = chat->n_members - (unsigned)(member - chat->members) - 1;
	int64_t id = member->user->id;

	memmove(member, member + 1, behind * sizeof(*member));
	chat->n_members--;
	return db_run(db, db_bind(db, ST_MEMBER_GO, "ii", chat->id, id)) &&
	       db_run(db, db_bind(db, ST_ROLE_GO, "ii", chat->id, id)) &&
	       db_run(db, db_bind(db, ST_HIDDEN_FORGET, "iii", id, chat_row_id(chat, 0),
				  chat_row_id(chat, ROW_NUMBER_MAX)));
}

bool group_settle(struct db *db, struct chat *chat)
{
	chat_sort(chat);
	chat->size = chat->n_members;
	return db_run(db, db_bind(db, ST_GROUP_SIZE, "ii", chat->id, (int64_t)chat->size));
}

bool group_delete(struct db *db, struct chat *chat)
{
	int64_t id = chat->id;

	HASH_DELETE(hh_id, db->chats_by_id, chat);
	HASH_DEL(db->chats, chat);
	chat_free(chat);
	db->n_cached--;
	return db_run(db, db_bind(db, ST_GROUP_GONE, "i", id));
}
