/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The storage in memory: what it keeps, and the parts it is made of. All of it
 * belongs to the core thread.
 *
 *   plugin.c   the descriptor, the role, running transactions
 *   entity.c   users, chats and their members
 *   undo.c     taking back what a refused transaction did
 *   message.c  APPEND    change.c  CHANGE    mark.c  MARK
 *   sent.c     messages by client id
 *   stream.c   EVENT and EVENTS         device.c  CURSOR, DEVICE, PRUNE
 *   history.c  MESSAGES, CHATS, CHAT    doc.c     documents
 *   peers.c    PEERS
 */
#ifndef STORAGE_MEMORY_H
#define STORAGE_MEMORY_H

#include <stdbool.h>
#include <stdint.h>

#include <uthash.h>

#include <parlance/storage.h>

#include "../storage_common/cursor.h"
#include "../storage_common/kind.h"
#include "sent.h"

struct device {
	struct par_str name;
	struct cursor cursor;
	uint64_t seen; /* by DEVICE or CURSOR, the last time */
	bool connected;
	bool lost; /* it was connected to a server that died: all may have been sent to it */
	struct device *next;
	char bytes[];
};

struct event {
	struct par_str type;
	struct par_str payload;
	struct par_str origin; /* the user's own device; s NULL: not his own event */
	par_session_id origin_session;
	uint64_t stored; /* when */
	char bytes[];
};

struct user {
	struct par_str name;
	struct device *devices;
	bool forgot; /* a device of his was on record once and is not any more */
	/* The events kept: those from first_seq to last_seq, at
	 * events[head] and on, in a ring of `cap`, a power of two. */
	struct event **events;
	uint32_t head, cap;
	uint64_t first_seq, last_seq;
	struct member **chats;
	unsigned n_chats, cap_chats;
	struct member **peers; /* those of dialogs with others, ascending by peer */
	unsigned n_peers, cap_peers;
	uint64_t order; /* of the member whose chat was written to last */
	UT_hash_handle hh;
	char bytes[];
};

struct hidden {
	uint64_t id;
	uint64_t at;
};

/* One user in one chat. */
struct member {
	struct chat *chat;
	struct user *user;
	struct par_str peer;
	uint64_t read, read_at;
	uint64_t delivered, delivered_at;
	uint64_t missed;
	uint64_t theirs; /* the last message that another member wrote */
	uint64_t order; /* place in the user's list of chats: the highest is first */
	struct hidden *hidden; /* ascending by id */
	unsigned n_hidden;
	struct sent sent; /* his messages by client id */
	char bytes[];
};

struct message {
	uint64_t id;
	uint64_t created, updated, deleted;
	uint64_t fingerprint;
	uint64_t ref; /* what it replies to, edits or deletes; 0: nothing */
	uint64_t deletion; /* the service message of its deletion; 0: none */
	struct member *sender;
	enum kind kind;
	struct par_str client_id;
	struct par_str text;
	struct par_str attachments;
	struct par_str forwarded;
	struct par_str payload;
	char *edited; /* what text and attachments point into after an edit */
	char bytes[];
};

struct chat {
	struct par_str key;
	struct message **messages; /* that with id i at i - 1 */
	uint64_t n, cap;
	uint64_t last_time;
	uint64_t content; /* the last message that is not a service message */
	struct member *members[2];
	unsigned n_members;
	UT_hash_handle hh;
	char bytes[];
};

struct undo;

/* A tx or a query that waits for the flush; the other is NULL. */
struct work {
	struct par_tx *tx;
	struct par_query *query;
};

struct memory {
	const struct par_api *api;
	struct par_plugin *self;
	struct user *users;
	struct chat *chats;
	struct par_op_doc **docs; /* ascending by plugin and key */
	unsigned n_docs, cap_docs;
	struct undo *undos; /* latest first */
	bool undoing; /* the tx at work may have to be taken back */
	struct par_json writer;
	struct work *works; /* in the order they came */
	unsigned n_works, cap_works;
	struct par_metric *transactions;
};

/* entity.c. The _get functions create what is not there. */
void *memory_alloc(size_t size); /* zeroed; aborts when there is none */
void *memory_grow(void *array, unsigned *cap, unsigned n, size_t size);
struct par_str memory_copy(char **at, struct par_str s);
struct user *user_find(struct memory *m, struct par_str name);
struct user *user_get(struct memory *m, struct par_str name);
struct chat *chat_find(struct memory *m, struct par_str key);
struct chat *chat_get(struct memory *m, const struct par_chat *chat);
struct member *chat_member(struct chat *chat, struct par_str user);
struct message *chat_message(const struct chat *chat, uint64_t id);
bool member_hides(const struct member *member, uint64_t id, uint64_t *at);
void memory_free_entities(struct memory *m);

/* undo.c. Without `undoing` nothing is remembered. */
void undo_bytes(struct memory *m, void *at, size_t len);
void undo_call(struct memory *m, void (*fn)(struct memory *m, void *arg), void *arg);
/* Frees `p` when the tx stands, at once if nothing can be taken back. */
void undo_free_later(struct memory *m, void *p);
void undo_commit(struct memory *m);
void undo_rollback(struct memory *m);

/* The operations; false when the tx fails, with error and message set. */
bool memory_fail(struct par_tx *tx, enum par_error error, const char *message);
bool op_append(struct memory *m, struct par_tx *tx, struct par_op *op);
bool op_change(struct memory *m, struct par_tx *tx, struct par_op *op);
bool op_mark(struct memory *m, struct par_tx *tx, struct par_op *op);
bool op_event(struct memory *m, struct par_tx *tx, struct par_op *op);
bool op_cursor(struct memory *m, struct par_tx *tx, struct par_op *op);
bool op_prune(struct memory *m, struct par_op *op);
bool op_doc_put(struct memory *m, struct par_op *op);
bool op_doc_delete(struct memory *m, struct par_op *op);

/* device.c and stream.c, for each other. */
struct device *device_find(const struct user *user, struct par_str name);
bool user_has_other_device(const struct user *user, struct par_str name);
const struct event *user_first_event(const struct user *user); /* NULL: none is kept */
void user_drop_first(struct user *user);

/* message.c, for the other parts. */
struct message *member_sent(struct member *member, struct par_str client_id);
struct message *message_append(struct memory *m, struct chat *chat, struct member *sender,
			       uint64_t now, const struct message *from);
void message_result(const struct message *message, struct par_op_result *result);
bool message_resent(struct par_tx *tx, struct par_op *op, struct member *member,
		    struct par_str client_id, uint64_t fingerprint, bool *good);
struct par_str message_reply(struct memory *m, const struct message *message);

/* peers.c: puts the member among his user's peers. */
void peers_add(struct member *member);

/* The queries. */
void query_device(struct memory *m, struct par_query *q);
/* A server begins; what the one before left connected is not. */
void devices_begin(struct memory *m);
void query_events(struct memory *m, struct par_query *q);
void query_messages(struct memory *m, struct par_query *q);
void query_chats(struct memory *m, struct par_query *q);
void query_chat(struct memory *m, struct par_query *q);
void query_doc_get(struct memory *m, struct par_query *q);
void query_doc_scan(struct memory *m, struct par_query *q);
void query_peers(struct memory *m, struct par_query *q);

#endif
