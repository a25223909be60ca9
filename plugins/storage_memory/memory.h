/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The storage in memory: what it keeps, and the parts it is made of. All of it
 * belongs to the core thread.
 *
 *   plugin.c   the descriptor, the role, running transactions
 *   entity.c   users and chats          member.c  who is in a chat
 *   undo.c     taking back what a refused transaction did
 *   message.c  APPEND    change.c  CHANGE    mark.c  MARK    roster.c  ROSTER, MEMBERS
 *   sent.c     messages by client id
 *   stream.c   EVENT and EVENTS         reach.c   an EVENT to many
 *   device.c   CURSOR, DEVICE           prune.c   PRUNE
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
	UT_hash_handle hh;
	char bytes[];
};

struct hidden {
	uint64_t id;
	uint64_t at;
};

/* One user in one chat. Who leaves a group stays here, not `in` it: what he wrote is his. */
struct member {
	struct chat *chat;
	struct user *user;
	struct par_str peer;
	bool in;
	enum par_role role;
	uint64_t joined; /* a group: when */
	uint64_t since; /* messages up to this are not there for him */
	uint64_t read, read_at;
	uint64_t delivered, delivered_at;
	uint64_t missed;
	uint64_t theirs; /* the last message that another member wrote, since he joined */
	uint64_t order; /* of his joining a group, among all that was done */
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
	uint64_t order; /* of that one, among all that was done */
	struct member **members; /* ascending by their users' bytes */
	unsigned n_members, cap_members;
	unsigned n_in; /* of them, who are in it */
	/* Of a group. One that a refused transaction made is neither. */
	bool there, deleted;
	struct par_str name;
	struct chat *next_deleted;
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
	struct chat *deleted; /* groups of which PRUNE has something to drop */
	uint64_t order; /* counts what moves chats in users' lists */
	struct par_op_doc **docs; /* ascending by plugin and key */
	unsigned n_docs, cap_docs;
	struct undo *undos; /* latest first */
	bool undoing; /* the tx at work may have to be taken back */
	uint64_t covered[PAR_TX_OPS]; /* up to where, before the mark of this operation */
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
struct chat *chat_new(struct memory *m, struct par_str key);
struct chat *chat_get(struct memory *m, const struct par_chat *chat);
struct message *chat_message(const struct chat *chat, uint64_t id);
bool chat_is_group(const struct chat *chat);
void chat_drop(struct memory *m, struct chat *chat);
void message_free(struct message *message);
void memory_free_entities(struct memory *m);

/* member.c */
struct member *member_get(struct memory *m, struct chat *chat, struct par_str name,
			  struct par_str peer);
/* The chat may be NULL. Of who is not in it NULL. */
struct member *chat_member(struct chat *chat, struct par_str user);
/* Also of who has left: what he wrote is still his. */
struct member *chat_author(struct chat *chat, struct par_str user);
/* The first place whose user is not before this. */
unsigned member_place(const struct chat *chat, struct par_str name);
void user_add_chat(struct user *user, struct member *member);
void user_remove_chat(struct user *user, struct member *member);
bool member_hides(const struct member *member, uint64_t id, uint64_t *at);
/* Whether the message is not there for him: hidden, or from before he joined. */
bool member_lacks(const struct member *member, uint64_t id);
void member_free(struct member *member);

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
bool op_doc_put(struct memory *m, struct par_tx *tx, struct par_op *op);
bool op_doc_delete(struct memory *m, struct par_tx *tx, struct par_op *op);
bool op_roster(struct memory *m, struct par_tx *tx, struct par_op *op);

/* device.c, prune.c, stream.c and reach.c, for each other. */
struct device *device_find(const struct user *user, struct par_str name);
void device_forget(struct user *user, struct device **at);
bool user_has_other_device(const struct user *user, struct par_str name);
bool device_is_stale(const struct device *device, uint64_t before);
uint64_t user_done_upto(const struct user *user, uint64_t before);
unsigned user_drop(struct user *user, uint64_t upto, uint64_t before, unsigned limit);
const struct event *user_first_event(const struct user *user); /* NULL: none is kept */
void user_drop_first(struct user *user);
/* The complete payload in the writer; false: it is too large, and the tx failed. */
bool event_fill(struct memory *m, struct par_tx *tx, const struct par_op *op, uint64_t missed,
		struct par_str *payload);
void event_push(struct memory *m, struct user *user, const struct par_op_event *from, bool own,
		struct par_str payload, uint64_t now);
bool event_reach(struct memory *m, struct par_tx *tx, struct par_op *op);

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
void query_members(struct memory *m, struct par_query *q);
void query_doc_get(struct memory *m, struct par_query *q);
void query_doc_scan(struct memory *m, struct par_query *q);
void query_docs(struct memory *m, struct par_query *q);
void query_peers(struct memory *m, struct par_query *q);

#endif
