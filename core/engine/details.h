/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Details of chats: what plugins add to each chat in the answers of others; see struct
 * par_chat_detail in <parlance/plugin.h>. Core thread. A query with `details` comes here between
 * the storage's answer and its submitter. Each plugin that names keys has its documents fetched,
 * one plugin after the other, so that a query with details keeps the storage no busier
 * at a time than any other. When that fails, the query fails with the same error.
 */
#ifndef PARLANCE_DETAILS_H
#define PARLANCE_DETAILS_H

#include <stdbool.h>

#include <parlance/storage.h>

struct core;

void details_init(struct core *core);

/* The storage has answered. False: there is nothing to be asked for; true: it is under way, and
 * storage_query_finish follows. */
bool details_ask(struct core *core, struct par_query *query);
/* Writes what plugins add to query->chats[i]. */
void details_write(struct core *core, struct par_json *w, const struct par_query *query,
		   unsigned i);

#endif
