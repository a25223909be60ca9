/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Users and their devices in memory, and the memory as a whole. It is bounded
 * by the plainest of means: when there is too much of it, all is dropped at the
 * start of a batch, and what is in use comes back at a few statements each.
 */
#include <stdlib.h>
#include <string.h>

#include "cache.h"

#define CACHED_MAX 50000

static void *cached(struct db *db, size_t size)
{
	void *p = calloc(1, size);

	if (p == NULL)
		db->error = SQLITE_NOMEM;
	else
		db->n_cached++;
	return p;
}

static void device_free(struct device *device)
{
	free(device->cursor.above);
	free(device);
}

static void devices_free(struct user *user)
{
	struct device *device;

	while ((device = user->devices) != NULL) {
		user->devices = device->next;
		device_free(device);
	}
}

static void chat_free(struct chat *chat)
{
	unsigned i;

	for (i = 0; i < chat->n_members; i++)
		free((char *)chat->members[i].peer.s);
	free(chat->members);
	free(chat);
}

void cache_clear(struct db *db)
{
	struct user *user, *next_user;
	struct chat *chat, *next_chat;

	HASH_CLEAR(hh_id, db->chats_by_id);
	HASH_ITER(hh, db->chats, chat, next_chat) {
		HASH_DEL(db->chats, chat);
		chat_free(chat);
	}
	HASH_CLEAR(hh_id, db->users_by_id);
	HASH_ITER(hh, db->users, user, next_user) {
		HASH_DEL(db->users, user);
		devices_free(user);
		free(user);
	}
	db->n_cached = 0;
}

void cache_begin(struct db *db)
{
	sqlite3_stmt *statement = db_bind(db, ST_DATA_VERSION, "");
	int64_t version = db->data_version;

	if (db_row(db, statement))
		version = sqlite3_column_int64(statement, 0);
	db_done(statement);
	if (version != db->data_version || db->n_cached > CACHED_MAX)
		cache_clear(db);
	db->data_version = version;
}

/* --- users --- */

static struct user *user_add(struct db *db, int64_t id, struct par_str name)
{
	struct user *user = cached(db, sizeof(*user) + name.len);

	if (user == NULL)
		return NULL;
	user->id = id;
	user->name.s = memcpy(user->bytes, name.s, name.len);
	user->name.len = name.len;
	user->first_seq = 1;
	HASH_ADD_KEYPTR(hh, db->users, user->name.s, user->name.len, user);
	HASH_ADD(hh_id, db->users_by_id, id, sizeof(user->id), user);
	return user;
}

/* The user of this id and name, whom the file has. */
static struct user *user_load(struct db *db, int64_t id, struct par_str name)
{
	struct user *user = user_add(db, id, name);
	sqlite3_stmt *statement;

	if (user == NULL)
		return NULL;
	statement = db_bind(db, ST_USER_ENDS, "iii", id, row_id(id, 0), row_id(id, ROW_NUMBER_MAX));
	if (db_row(db, statement)) {
		user->rank = db_u64(statement, 0);
		user->last_seq = cursor_max(row_number(db_u64(statement, 2)), db_u64(statement, 3));
		user->first_seq = row_number(db_u64(statement, 1));
		if (user->first_seq == 0)
			user->first_seq = user->last_seq + 1;
		user->forgot = db_u64(statement, 4) != 0;
		user->behind = db_u64(statement, 5) != 0;
	}
	db_done(statement);
	return user;
}

static struct user *user_cached(struct db *db, struct par_str name)
{
	struct user *user;

	HASH_FIND(hh, db->users, name.s, name.len, user);
	return user;
}

struct user *user_cached_id(struct db *db, int64_t id)
{
	struct user *user;

	HASH_FIND(hh_id, db->users_by_id, &id, sizeof(id), user);
	return user;
}

struct user *user_find(struct db *db, struct par_str name)
{
	struct user *user = user_cached(db, name);
	sqlite3_stmt *statement;
	int64_t id = 0;

	if (user != NULL)
		return user;
	statement = db_bind(db, ST_USER_FIND, "t", name);
	if (db_row(db, statement))
		id = sqlite3_column_int64(statement, 0);
	db_done(statement);
	return id == 0 ? NULL : user_load(db, id, name);
}

struct user *user_get(struct db *db, struct par_str name)
{
	struct user *user = user_find(db, name);

	if (user != NULL || db->error != SQLITE_OK)
		return user;
	if (!db_run(db, db_bind(db, ST_USER_ADD, "t", name)))
		return NULL;
	return user_add(db, sqlite3_last_insert_rowid(db->handle), name);
}

struct device *user_add_device(struct db *db, struct user *user, struct par_str name)
{
	struct device *device = cached(db, sizeof(*device) + name.len);

	if (device == NULL)
		return NULL;
	device->name.s = memcpy(device->bytes, name.s, name.len);
	device->name.len = name.len;
	device->next = user->devices;
	user->devices = device;
	return device;
}

void user_remove_device(struct db *db, struct user *user, struct device *device)
{
	struct device **at = &user->devices;

	while (*at != device)
		at = &(*at)->next;
	*at = device->next;
	device_free(device);
	db->n_cached--;
}

static void device_read(struct db *db, struct device *device, sqlite3_stmt *statement)
{
	struct par_str above = db_str(statement, 3);

	device->cursor.acked = db_u64(statement, 1);
	device->cursor.sent = db_u64(statement, 2);
	device->connected = db_u64(statement, 4);
	device->seen = db_u64(statement, 5);
	device->cursor.lost = db_u64(statement, 6);
	if (above.len == 0)
		return;
	device->cursor.above = malloc(above.len);
	if (device->cursor.above == NULL) {
		db->error = SQLITE_NOMEM;
		return;
	}
	memcpy(device->cursor.above, above.s, above.len);
	device->cursor.n_above = (unsigned)(above.len / sizeof(*device->cursor.above));
}

bool user_load_devices(struct db *db, struct user *user)
{
	sqlite3_stmt *statement;

	if (user->devices_known)
		return true;
	statement = db_bind(db, ST_DEVICES, "i", user->id);
	while (db_row(db, statement)) {
		struct device *device = user_add_device(db, user, db_str(statement, 0));
		if (device != NULL)
			device_read(db, device, statement);
	}
	db_done(statement);
	user->devices_known = true;
	return db->error == SQLITE_OK;
}

/* --- chats: what the file has of one --- */

static struct chat *chat_add(struct db *db, int64_t id, struct par_str key)
{
	struct chat *chat = cached(db, sizeof(*chat) + key.len);

	if (chat == NULL)
		return NULL;
	chat->id = id;
	chat->key.s = memcpy(chat->bytes, key.s, key.len);
	chat->key.len = key.len;
	HASH_ADD_KEYPTR(hh, db->chats, chat->key.s, chat->key.len, chat);
	HASH_ADD(hh_id, db->chats_by_id, id, sizeof(chat->id), chat);
	return chat;
}

static struct member *member_add(struct db *db, struct chat *chat, struct user *user,
				 struct par_str peer)
{
	struct member *members =
	    realloc(chat->members, (chat->n_members + 1) * sizeof(*chat->members));
	char *name = malloc(peer.len + 1);

	if (members != NULL)
		chat->members = members;
	if (members == NULL || name == NULL || user == NULL) {
		free(name);
		if (db->error == SQLITE_OK)
			db->error = SQLITE_NOMEM;
		return NULL;
	}
	members += chat->n_members++;
	memset(members, 0, sizeof(*members));
	members->user = user;
	members->peer.s = memcpy(name, peer.s, peer.len);
	members->peer.len = peer.len;
	return members;
}

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

static void load_members(struct db *db, struct chat *chat)
{
	sqlite3_stmt *statement = db_bind(db, ST_MEMBERS, "i", chat->id);

	while (db_row(db, statement)) {
		struct par_str name = db_str(statement, 1);
		struct user *user = user_cached(db, name);
		struct member *member;

		if (user == NULL)
			user = user_load(db, sqlite3_column_int64(statement, 0), name);
		member = member_add(db, chat, user, db_str(statement, 2));
		if (member == NULL)
			break;
		member->read = db_u64(statement, 3);
		member->read_at = db_u64(statement, 4);
		member->delivered = db_u64(statement, 5);
		member->delivered_at = db_u64(statement, 6);
		member->counted = db_u64(statement, 7);
		member->missed = db_u64(statement, 8);
		member->theirs = db_u64(statement, 9);
		member->rank = db_u64(statement, 10);
	}
	db_done(statement);
}

/* Adds the messages that were not counted when the member was written. */
static void count_rest(struct db *db, struct chat *chat, struct member *member)
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

static struct chat *chat_load(struct db *db, int64_t id, struct par_str key, uint64_t content)
{
	struct chat *chat = chat_add(db, id, key);
	unsigned i;

	if (chat == NULL)
		return NULL;
	chat->content = content;
	load_last(db, chat);
	load_members(db, chat);
	for (i = 0; i < chat->n_members; i++)
		count_rest(db, chat, &chat->members[i]);
	return db->error == SQLITE_OK ? chat : NULL;
}

struct chat *chat_find(struct db *db, struct par_str key)
{
	sqlite3_stmt *statement;
	uint64_t content = 0;
	struct chat *chat;
	int64_t id = 0;

	HASH_FIND(hh, db->chats, key.s, key.len, chat);
	if (chat != NULL)
		return chat;
	statement = db_bind(db, ST_CHAT_FIND, "t", key);
	if (db_row(db, statement)) {
		id = sqlite3_column_int64(statement, 0);
		content = db_u64(statement, 1);
	}
	db_done(statement);
	return id == 0 ? NULL : chat_load(db, id, key, content);
}

struct chat *chat_find_id(struct db *db, int64_t id)
{
	sqlite3_stmt *statement;
	struct chat *chat;

	HASH_FIND(hh_id, db->chats_by_id, &id, sizeof(id), chat);
	if (chat != NULL)
		return chat;
	statement = db_bind(db, ST_CHAT_KEY, "i", id);
	if (db_row(db, statement))
		chat = chat_load(db, id, db_str(statement, 0), db_u64(statement, 1));
	db_done(statement);
	return chat;
}

static void member_make(struct db *db, struct chat *chat, struct par_str name, struct par_str peer)
{
	struct user *user = user_get(db, name);

	if (member_add(db, chat, user, peer) != NULL)
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
	member_make(db, chat, as->user, as->peer);
	if (!par_str_equal(as->user, as->peer))
		member_make(db, chat, as->peer, as->user);
	return db->error == SQLITE_OK ? chat : NULL;
}

struct member *chat_member(struct chat *chat, struct par_str user)
{
	unsigned i;

	for (i = 0; i < chat->n_members; i++) {
		if (par_str_equal(chat->members[i].user->name, user))
			return &chat->members[i];
	}
	return NULL;
}

struct member *chat_other(struct chat *chat, const struct member *member)
{
	unsigned i;

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
