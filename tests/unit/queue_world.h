/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A queue of storage_postgres without the rest of it. Works are told apart by a letter, in
 * tx->request or query->request; a batch is named by its letters, in their order.
 */
#ifndef QUEUE_WORLD_H
#define QUEUE_WORLD_H

#include "../../plugins/storage_postgres/queue.h"
#include "unit.h"

extern struct queue world_queue;

void world_begin(void);
void world_end(void);

/* A work of one operation, or a query. */
void add_append(char letter, const char *user, const char *peer);
void add_event(char letter, const char *user);
void add_event_at(char letter, const char *user, uint64_t tick);
void add_doc(char letter, enum par_op_kind kind, const char *plugin, const char *key);
void add_prune(char letter);
void add_query(char letter, enum par_query_kind kind, const char *user);
void add_messages(char letter, const char *chat);
void add_doc_query(char letter, enum par_query_kind kind, const char *plugin, const char *key);
void add_docs(char letter, const char *plugin, const char *const *keys, unsigned n);

/* Takes a batch, which must be of these. */
struct work *world_take(const char *expected);
/* It is carried out. */
void world_done(struct work *works);
/* Frees works that were taken out. */
void world_drop(struct work *works);
const char *world_letters(const struct work *works);

#endif
