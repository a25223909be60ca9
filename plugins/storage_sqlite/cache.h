/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the worker keeps in memory of users and chats, so that a message costs
 * no look-ups of them: read when first needed, written through when changed
 * (but for what schema.c says is derived). The worker is the only writer of the
 * file; were there another, the file's data_version tells and everything is read
 * anew. Whenever something is rolled back, everything is dropped.
 *
 * Pointers stay good until the end of a batch or until cache_clear.
 */
#ifndef STORAGE_SQLITE_CACHE_H
#define STORAGE_SQLITE_CACHE_H

#include <uthash.h>

#include "../storage_common/cursor.h"
#include "../storage_common/kind.h"
#include "db.h"

struct device {
	struct par_str name;
	struct cursor cursor;
	uint64_t connected; /* the generation of the server that has it; 0: none */
	uint64_t seen;
	struct device *next;
	char bytes[];
};

struct user {
	int64_t id;
	struct par_str name;
	uint64_t first_seq; /* of the oldest event kept; last_seq + 1: none is */
	uint64_t last_seq;
	uint64_t rank; /* the highest of his chats */
	bool forgot; /* a device of his was forgotten, ever */
	bool behind; /* there may be events that all devices have acked: for PRUNE */
	bool devices_known;
	struct device *devices;
	UT_hash_handle hh;
	UT_hash_handle hh_id;
	char bytes[];
};

struct member {
	struct user *user;
	struct par_str peer; /* malloc'ed; in a group the chat's key */
	uint64_t read, read_at;
	uint64_t delivered, delivered_at;
	uint64_t missed;
	uint64_t theirs; /* the last message that another member wrote */
	uint64_t counted; /* missed and theirs as stored include messages up to here */
	uint64_t rank;
	/* in a group */
	enum par_role role;
	uint64_t joined; /* when */
	uint64_t since; /* messages up to this are not there for him */
};

struct chat {
	int64_t id;
	struct par_str key;
	struct par_str name; /* of a group, malloc'ed; s NULL: a dialog */
	unsigned size; /* how many are in the group; in a dialog 0 */
	bool whole; /* the members are here; else those of a group are in the file alone */
	uint64_t last_id;
	uint64_t last_time;
	uint64_t content; /* the last message that is not a service message; 0: none */
	struct member *members; /* of a group ascending by the bytes of their names */
	unsigned n_members;
	UT_hash_handle hh;
	UT_hash_handle hh_id;
	char bytes[];
};

/* At the start of a batch: drops what is stale or too much. */
void cache_begin(struct db *db);
void cache_clear(struct db *db);

/* NULL: there is none, or db->error is set. The _get functions make it. */
struct user *user_find(struct db *db, struct par_str name);
struct user *user_get(struct db *db, struct par_str name);
/* NULL: he is not in the cache. */
struct user *user_cached_id(struct db *db, int64_t id);
bool user_load_devices(struct db *db, struct user *user);
struct device *user_add_device(struct db *db, struct user *user, struct par_str name);
void user_remove_device(struct db *db, struct user *user, struct device *device);

/* chat.c. With its members. */
struct chat *chat_find(struct db *db, struct par_str key);
/* The same for who needs one member alone: those of a group may stay in the file. */
struct chat *chat_look(struct db *db, struct par_str key);
struct chat *chat_look_id(struct db *db, int64_t id);
struct chat *chat_get(struct db *db, const struct par_chat *as);
/* NULL: he is not in it. */
struct member *chat_member(struct chat *chat, struct par_str user);
/* The same of a chat that was looked at; `room` is for him. */
const struct member *chat_self(struct db *db, struct chat *chat, struct par_str user,
			       struct member *room);
/* The other one of a dialog; NULL: it is the chat with oneself. */
struct member *chat_other(struct chat *chat, const struct member *member);

/* Writes what is kept of the member. */
bool member_save(struct db *db, const struct chat *chat, struct member *member);

/* group.c */

/* Whether the id is taken by a group, or by what PRUNE has left of one. */
bool group_taken(struct db *db, struct par_str key);
/* A new one, without members. */
struct chat *group_make(struct db *db, struct par_str key, struct par_str name);
bool group_rename(struct db *db, struct chat *chat, struct par_str name);
/* What follows moves members in memory: pointers to them are stale. */
bool group_join(struct db *db, struct chat *chat, struct par_str user, enum par_role role,
		uint64_t joined, bool history);
bool group_set_role(struct db *db, const struct chat *chat, struct member *member,
		    enum par_role role);
bool group_go(struct db *db, struct chat *chat, struct member *member);
/* Behind the last of these: puts the members in order, and writes how many there are. */
bool group_settle(struct db *db, struct chat *chat);
/* There is no such group from here on; what it held is for PRUNE. */
bool group_delete(struct db *db, struct chat *chat);

/* Of the cache itself: zeroed, NULL: db->error is set; and the user whom the file has. */
void *cache_alloc(struct db *db, size_t size);
struct user *user_known(struct db *db, int64_t id, struct par_str name);
struct chat *chat_add(struct db *db, int64_t id, struct par_str key);
struct member *chat_add_member(struct db *db, struct chat *chat, struct user *user,
			       struct par_str peer);
bool chat_set_name(struct db *db, struct chat *chat, struct par_str name);
void chat_sort(struct chat *chat);
void chat_free(struct chat *chat);

static inline bool chat_is_group(const struct chat *chat)
{
	return chat->name.s != NULL;
}

static inline int64_t chat_row_id(const struct chat *chat, uint64_t number)
{
	return row_id(chat->id, number);
}

#endif
