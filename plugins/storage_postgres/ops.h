/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The operations of <parlance/storage.h>, decided in memory. An operation returns
 * false when it refuses the tx (error and message are set). It looks at all that can
 * refuse it before it changes the first thing; one that has changed something has
 * result.applied set.
 *
 *   append.c   APPEND           change.c   CHANGE    mark.c   MARK
 *   event.c    EVENT            device.c   CURSOR, DEVICE
 *   doc.c      DOC_PUT, DOC_DELETE         roster.c   ROSTER
 *   reach.c    EVENT to many
 */
#ifndef STORAGE_POSTGRES_OPS_H
#define STORAGE_POSTGRES_OPS_H

#include "world.h"

bool op_append(struct world *w, struct par_tx *tx, struct par_op *op, const struct need *need);
bool op_change(struct world *w, struct par_tx *tx, struct par_op *op, const struct need *need);
bool op_mark(struct world *w, struct par_tx *tx, struct par_op *op, const struct need *need);
/* `needs`: of all operations of the tx. */
bool op_event(struct world *w, struct par_tx *tx, struct par_op *op, const struct need *need,
	      const struct need *needs);
bool op_reach(struct world *w, struct par_tx *tx, struct par_op *op, const struct need *need,
	      const struct need *needs);
bool op_roster(struct world *w, struct par_tx *tx, struct par_op *op, const struct need *need);
bool op_cursor(struct world *w, struct par_tx *tx, struct par_op *op, const struct need *need);
bool op_doc_put(struct par_tx *tx, struct par_op *op, const struct need *need);
bool op_doc_delete(struct par_tx *tx, struct par_op *op, const struct need *need);
void query_device(struct world *w, struct par_query *q, const struct need *need);

/* Sets the tx's error; returns false. */
static inline bool tx_refuse(struct par_tx *tx, enum par_error error, const char *message)
{
	tx->error = error;
	tx->message = message;
	return false;
}

/* --- append.c, for CHANGE too --- */

/* NULL: the user is no member, or nothing was ever written in the chat. */
struct member *chat_member(struct chat *chat, const struct user *user);
/* Appends `draft`, whose kind, ref and content are set. */
struct message *message_add(struct world *w, const struct par_tx *tx, struct chat *chat,
			    struct member *member, struct sent *sent, const struct message *draft);
/* What the sender sent with the client id. */
struct message *sent_by(const struct sent *sent, int64_t sender);
/* What the user sent with the client id of his operation: in a group also one who is no member of
 * it any more, as long as there is such a group. */
struct message *sent_before(const struct need *need, const struct member *member);
/* The message of this id, `known` being what was asked for by it. NULL: there is none. */
struct message *message_find(const struct chat *chat, struct message *known, uint64_t id);
/* Fills the result with the message; of a service message with its original too. */
void message_result(struct world *w, struct par_tx *tx, const struct message *message,
		    struct par_op_result *result);
/* The answer to a client id that came again. */
bool message_resent(struct world *w, struct par_tx *tx, const struct message *first,
		    uint64_t fingerprint, struct par_op_result *result);

/* event.c: whether there is one to tell of what the user did himself. */
bool event_other_device(const struct need *need, struct par_str name);
/* The next of his stream: number and time. */
void event_number(const struct par_tx *tx, struct user *user, uint64_t *seq, uint64_t *at);

/* change.c: whether the message is hidden from the member, and since when. */
struct hidden *hidden_find(const struct message *message, const struct member *member);

#endif
