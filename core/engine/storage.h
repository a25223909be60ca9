/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Between those who use the storage (plugins, stream.c, cursor.c) and the
 * plugin that provides it: makes transactions and queries with their memory,
 * asks the gates, hands them over, and takes the results. What has become
 * durable goes to delivery.c before the submitter hears of it.
 */
#ifndef PARLANCE_STORAGE_BROKER_H
#define PARLANCE_STORAGE_BROKER_H

#include <stdbool.h>

#include <parlance/storage.h>

struct core;
struct details;

/* `owner` is the plugin that submits it, or NULL for the core itself. */
struct par_tx *storage_tx_new(struct core *core, struct par_plugin *owner, par_callback_fn done,
			      void *state);
void *storage_tx_alloc(struct par_tx *tx, size_t size);
struct par_str storage_tx_copy(struct par_tx *tx, struct par_str s);
void storage_tx_submit(struct par_tx *tx);
void storage_tx_free(struct par_tx *tx);
/* From the storage: it has its result. */
void storage_tx_done(struct par_tx *tx);

struct par_query *storage_query_new(struct core *core, struct par_plugin *owner,
				    par_callback_fn done, void *state);
void *storage_query_alloc(struct par_query *query, size_t size);
struct par_str storage_query_copy(struct par_query *query, struct par_str s);
void storage_query_submit(struct par_query *query);
/* From the storage: it has its result. */
void storage_query_done(struct par_query *query);
/* For details.c: what it keeps of a query, in the query's own memory; and that it has all
 * details now, or that they failed: its submitter hears of it, and then it is gone. */
struct details **storage_query_details(const struct par_query *query);
void storage_query_finish(struct par_query *query);

/* Why it cannot store just now, static; NULL: it can, as far as is known. */
const char *storage_down(const struct core *core);
/* Lets the storage go to work on what was handed over; results that come at once
 * may hand over more. True when something was. */
bool storage_flush(struct core *core);
/* Frees the boxes kept for reuse. */
void storage_free(struct core *core);

#endif
