/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The operations and queries of <parlance/storage.h>, run by the worker within
 * its batch. An operation returns false when it refuses the tx (error and
 * message are set) or when SQLite failed (db->error is set). It looks at all
 * that can refuse it before it changes the first thing, in the file or in
 * the cache.
 *
 *   message.c  APPEND    change.c   CHANGE    mark.c  MARK
 *   stream.c   EVENT, EVENTS                  device.c   CURSOR, DEVICE
 *   reach.c    EVENT to many                  roster.c   ROSTER, MEMBERS
 *   prune.c    PRUNE                          doc.c      documents
 *   history.c  MESSAGES, CHATS, CHAT          peers.c    PEERS
 */
#ifndef STORAGE_SQLITE_OPS_H
#define STORAGE_SQLITE_OPS_H

#include "cache.h"

bool op_append(struct db *db, struct par_tx *tx, struct par_op *op);
bool op_change(struct db *db, struct par_tx *tx, struct par_op *op);
bool op_mark(struct db *db, struct par_tx *tx, struct par_op *op);
bool op_event(struct db *db, struct par_tx *tx, struct par_op *op);
bool op_cursor(struct db *db, struct par_tx *tx, struct par_op *op);
bool op_prune(struct db *db, struct par_tx *tx, struct par_op *op);
bool op_doc_put(struct db *db, struct par_tx *tx, struct par_op *op);
bool op_doc_delete(struct db *db, struct par_tx *tx, struct par_op *op);
bool op_event_to_many(struct db *db, struct par_tx *tx, struct par_op *op);
bool op_roster(struct db *db, struct par_tx *tx, struct par_op *op);

void query_device(struct db *db, struct par_query *q);
void query_events(struct db *db, struct par_query *q);
void query_messages(struct db *db, struct par_query *q);
void query_chats(struct db *db, struct par_query *q);
void query_chat(struct db *db, struct par_query *q);
void query_doc_get(struct db *db, struct par_query *q);
void query_doc_scan(struct db *db, struct par_query *q);
void query_docs(struct db *db, struct par_query *q);
void query_members(struct db *db, struct par_query *q);
void query_peers(struct db *db, struct par_query *q);

/* Sets the tx's error; returns false. */
static inline bool tx_refuse(struct par_tx *tx, enum par_error error, const char *message)
{
	tx->error = error;
	tx->message = message;
	return false;
}

static inline void query_refuse(struct par_query *q, enum par_error error, const char *message)
{
	q->error = error;
	q->message = message;
}

/* stream.c: the next event of the stream, which has room for it; `own`: the user did it himself. */
bool stream_add(struct db *db, struct user *user, const struct par_op_event *event, bool own,
		struct par_str payload);
/* Whether he has one on record; his devices are loaded. */
bool user_has_other_device(const struct user *user, struct par_str name);
/* Drops what is kept of the stream up to this seq, the end included. */
bool stream_drop(struct db *db, struct user *user, uint64_t upto);

/* device.c. What was sent to a device whose server died is not known: all, perhaps. */
#define SENT_ALL ROW_NUMBER_MAX

struct device *device_find(const struct user *user, struct par_str name);
bool device_forget(struct db *db, struct user *user, struct device *device);
/* Notes in the file whether PRUNE is to look for events that all devices have acked. */
bool user_mark_behind(struct db *db, struct user *user, bool behind);
/* Up to where every device has acked, but for `without` (NULL: every one). */
uint64_t devices_acked(const struct user *user, const struct device *without);

/* What is to be appended. */
struct draft {
	enum kind kind;
	struct par_str client_id;
	uint64_t fingerprint;
	uint64_t ref; /* what it replies to, edits or deletes; 0: nothing */
	struct par_str text;
	struct par_str attachments;
	struct par_str forwarded;
	struct par_str payload;
};

/* What a decision about a message needs of it. */
struct head {
	uint64_t id;
	int64_t sender;
	enum kind kind;
	uint64_t created;
	uint64_t fingerprint; /* message_sent only */
	uint64_t ref;
	uint64_t deleted; /* message_head only, as is deletion */
	uint64_t deletion; /* the service message of its deletion */
	struct par_str client_id; /* the tx's */
};

enum added { ADD_DONE, ADD_PRESENT, ADD_FAILED };

/* Appends to the chat, unless the sender used the client id in it before: then
 * *head is what he sent with it. */
enum added message_add(struct db *db, struct par_tx *tx, struct chat *chat, struct member *sender,
		       const struct draft *draft, struct head *head);
/* What the sender stored with the client id. */
bool message_sent(struct db *db, struct par_tx *tx, const struct chat *chat, int64_t sender,
		  struct par_str client_id, struct head *head);
bool message_head(struct db *db, struct par_tx *tx, const struct chat *chat, uint64_t id,
		  struct head *head);
/* Whether it is hidden from the member, and since when; `at` may be NULL. */
bool message_hidden(struct db *db, const struct chat *chat, const struct member *member,
		    uint64_t id, uint64_t *at);
/* Fills the result with the message; of a service message with its original too. */
bool message_result(struct db *db, struct par_tx *tx, const struct chat *chat,
		    const struct head *head, struct par_op_result *result);
/* The answer to a client id that came again. */
bool message_resent(struct db *db, struct par_tx *tx, const struct chat *chat,
		    const struct head *first, uint64_t fingerprint, struct par_op_result *result);
/* The object of PAR_HOLE_REPLY, in db->writer. */
struct par_str message_reply(struct db *db, const struct chat *chat, uint64_t id);

/* dedupe.c: the key under which a client id is found: the chat in front, and a
 * keyed hash. Two messages may have the same hash; the later one has the next free key. */
uint64_t dedupe_key(const struct db *db, const struct chat *chat, int64_t sender,
		    struct par_str client_id);

static inline uint64_t dedupe_next(uint64_t key)
{
	return (key & ~(uint64_t)ROW_NUMBER_MAX) | ((key + 1) & ROW_NUMBER_MAX);
}

#endif
