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

void *cache_alloc(struct db *db, size_t size)
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
	struct user *user = cache_alloc(db, sizeof(*user) + name.len);

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

struct user *user_known(struct db *db, int64_t id, struct par_str name)
{
	struct user *user = user_cached(db, name);

	return user == NULL ? user_load(db, id, name) : user;
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
	struct device *device = cache_alloc(db, sizeof(*device) + name.len);

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
