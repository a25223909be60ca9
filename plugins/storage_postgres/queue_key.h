/* SPDX-License-Identifier: BSD-2-Clause */
/* The keys of works (queue.h): what queue.c and queue_key.c share. */
#ifndef STORAGE_POSTGRES_QUEUE_KEY_H
#define STORAGE_POSTGRES_QUEUE_KEY_H

#include <stdlib.h>
#include <uthash.h>

#include "queue.h"

enum key_kind { KEY_CHAT = 'c', KEY_USER = 'u', KEY_DOC = 'd', KEY_DOCS = 'p' };

struct key {
	UT_hash_handle hh;
	struct key *next_spare;
	unsigned refs; /* works that point at it */
	unsigned writers, readers; /* works under way */
	uint64_t taken; /* the look that took the last of the writers */
	uint64_t passed_writer, passed_reader; /* the last look that passed over one */
	size_t len, room;
	char bytes[]; /* its kind, then its name */
};

static inline void *queue_must(void *memory)
{
	if (memory == NULL)
		abort();
	return memory;
}

void keys_begin(struct queue *q);
void keys_end(struct queue *q);
/* Finds the keys of the work, and sets what kind it is besides. */
void keys_hold_tx(struct queue *q, struct work *work, const struct par_tx *tx);
void keys_hold_query(struct queue *q, struct work *work, const struct par_query *query);
void keys_let_go(struct queue *q, struct work *work);

#endif
