/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a batch of transactions knows: the chats, members, users, devices, messages and
 * documents that its works are about, as they were when their rows were locked, and what
 * became of them since. load.c fills it from results; the operations (ops.h) decide on it
 * and change it; write.c writes what was changed. Strings are borrowed from the results or
 * from the works, which both live until the batch is over. All else lies in one arena.
 *
 * A work that is refused after it changed something cannot be undone here: the world
 * is made anew from the same results, and the others decided again without it.
 */
#ifndef STORAGE_POSTGRES_WORLD_H
#define STORAGE_POSTGRES_WORLD_H

#include <uthash.h>

#include "../storage_common/cursor.h"
#include "../storage_common/kind.h"
#include "batch.h"

struct device {
	struct par_str name;
	struct cursor cursor;
	uint64_t connected; /* number of the server that has it; 0: none */
	bool orphan; /* that one died */
	uint64_t seen;
	enum { DEVICE_SAME, DEVICE_CHANGED, DEVICE_NEW, DEVICE_FORGOTTEN } state;
	struct device *next;
};

struct user {
	int64_t id; /* 0: there is none of this name */
	struct par_str name;
	uint64_t first_seq, last_seq, rank;
	uint64_t drop_upto; /* events up to this go; 0: none */
	bool forgot, behind;
	bool changed;
	bool devices_known;
	struct device *devices;
	UT_hash_handle hh;
};

/* A message that is known: it was asked for, or is new. */
struct message {
	uint64_t id;
	int64_t sender;
	enum kind kind;
	uint64_t created, updated, deleted;
	uint64_t fingerprint;
	uint64_t ref;
	uint64_t deletion; /* the service message of its deletion */
	struct par_str sender_name, client_id;
	struct par_str text, attachments, forwarded, payload;
	bool is_new; /* to be inserted */
	bool changed; /* is to be updated */
	struct message *next; /* of the chat */
};

struct member {
	int64_t user_id;
	struct user *user;
	struct par_str name, peer;
	uint64_t read, read_at, delivered, delivered_at;
	uint64_t missed, theirs, rank;
	bool changed;
};

struct chat {
	int64_t id; /* 0: there is none with this key */
	struct par_str key;
	uint64_t last_id, last_time, content;
	uint64_t loaded_id; /* last_id in the database */
	bool changed;
	struct member *members;
	unsigned n_members;
	struct message *messages;
	UT_hash_handle hh;
};

#endif
