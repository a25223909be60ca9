/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What waits for PostgreSQL. A work is a transaction or a query, and has keys:
 * the chats, users and documents that it touches. Whoever takes a batch gets works in
 * the order of submission, but passes over what must not go yet:
 *   - a work that touches what a batch of another lane, under way, writes,
 *   - one that writes what such a batch reads,
 *   - one for which the same holds of an earlier work that was passed over,
 *   - a work of another kind than the first.
 * So all that touches one chat or user takes effect in the order of submission, a query
 * sees all that was submitted before it and nothing that came after, and what touches nothing
 * in common never waits for each other.
 *
 * The members of a group are not known here, and no keys: what reaches them is in order by the
 * chat alone, and waits in the database for others that are about one of them.
 *
 * A PRUNE waits until all submitted before it is done, and goes alone; all that comes
 * behind it waits for it.
 *
 * What must not go yet is not looked at again and again: where nothing could be taken, the next
 * look goes on behind it, until something is done or comes back. And it ends after
 * QUEUE_LOOK works that could not go. Core thread.
 */
#ifndef STORAGE_POSTGRES_QUEUE_H
#define STORAGE_POSTGRES_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include <parlance/storage.h>

enum work_kind {
	WORK_WRITE, /* a tx, or a DEVICE query */
	WORK_READ, /* another query */
	WORK_PRUNE /* a tx with a PRUNE */
};

struct key; /* a chat, user or document that works touch */

/* A dialog has 3; an op has at most 5 (chat, user, peer, and those of what is forwarded). And
 * a query of documents by their keys, for what is usual: one for each chat of a page. */
#define OP_KEYS 5
#define WORK_KEYS 64
_Static_assert(WORK_KEYS >= PAR_TX_OPS * OP_KEYS, "room for a transaction's keys");

/* How far works reach that go together, so that no batch is long: one that reaches all members of
 * a group may be a thousand rows, one that reaches authors is a few, most of the time. */
#define QUEUE_REACH 256
#define REACH_ALL 16
#define REACH_AUTHORS 1

/* How many works that must not go yet a look passes over. */
#define QUEUE_LOOK 4096

struct work {
	struct par_tx
	    *tx; /* or query; both NULL: it was handed back, but its keys are held still */
	struct par_query *query;
	enum work_kind kind;
	unsigned attempts; /* how often it was carried out in vain */
	unsigned reach; /* how far beyond those whom it names */
	bool alone; /* to be tried in a batch of its own */
	uint64_t queued_at; /* tick of the pool */
	struct work *next;
	unsigned n_keys;
	struct key *keys[WORK_KEYS];
};

struct queue {
	struct work *first, **last;
	unsigned waiting; /* works in the list */
	/* private */
	struct key *keys; /* uthash */
	struct key *spare_keys;
	struct work *spare;
	unsigned n_spare, n_spare_keys;
	unsigned under_way; /* works taken and not released */
	bool pruning; /* one of them is a PRUNE */
	uint64_t look; /* number of the present look, or of the last */
	struct work **place; /* where a look that found nothing ended; NULL: begin anew */
	unsigned passed; /* how many it passed over */
};

void queue_init(struct queue *q);
void queue_free(struct queue *q);
/* Takes the tx or query. */
void queue_add_tx(struct queue *q, struct par_tx *tx, uint64_t tick);
void queue_add_query(struct queue *q, struct par_query *query, uint64_t tick);

/* Up to `max` works that may go together now, in order, linked by `next`; all of one kind. Their
 * keys are under way until queue_release or queue_return. NULL: there is nothing to take. */
struct work *queue_take(struct queue *q, unsigned max, unsigned *n);
/* Puts them back at the front, in their order; they were not carried out. */
void queue_return(struct queue *q, struct work *works);
/* They are done: others may have their keys. */
void queue_release(struct queue *q, struct work *works);
/* Frees a work that was released or expired. Its tx or query is handed back. */
void queue_done(struct queue *q, struct work *work);

/* Takes out everything that waits since `tick` or before, or all that writes, in order: to be
 * refused. */
struct work *queue_expire(struct queue *q, uint64_t tick);
struct work *queue_expire_writes(struct queue *q);

#endif
