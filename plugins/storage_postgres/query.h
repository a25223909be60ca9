/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kinds of queries that only read. Each asks one statement, and fills the
 * query from its result, in strings borrowed from it. Core thread.
 *
 *   query_stream.c   EVENTS          query_history.c  MESSAGES
 *   query_chats.c    CHATS, CHAT     query_doc.c      documents
 *   query_peers.c    PEERS           query_members.c  MEMBERS
 */
#ifndef STORAGE_POSTGRES_QUERY_H
#define STORAGE_POSTGRES_QUERY_H

#include "../storage_common/page.h"
#include "batch.h"
#include "rows.h"

struct reader {
	const struct par_api *api;
	struct par_json writer;
};

void query_events_ask(struct lane *lane, const struct par_query *q);
void query_events_take(struct reader *reader, struct par_query *q, const PGresult *r);
void query_messages_ask(struct lane *lane, const struct par_query *q);
void query_messages_take(struct reader *reader, struct par_query *q, const PGresult *r);
void query_chats_ask(struct lane *lane, const struct par_query *q);
void query_chats_take(struct reader *reader, struct par_query *q, const PGresult *r);
void query_chat_ask(struct lane *lane, const struct par_query *q);
void query_chat_take(struct reader *reader, struct par_query *q, const PGresult *r);
void query_members_ask(struct lane *lane, const struct par_query *q);
void query_members_take(struct reader *reader, struct par_query *q, const PGresult *r);
void query_peers_ask(struct lane *lane, const struct par_query *q);
void query_peers_take(struct reader *reader, struct par_query *q, const PGresult *r);
void query_doc_get_ask(struct lane *lane, const struct par_query *q);
void query_doc_get_take(struct reader *reader, struct par_query *q, const PGresult *r);
void query_doc_scan_ask(struct lane *lane, const struct par_query *q);
void query_doc_scan_take(struct reader *reader, struct par_query *q, const PGresult *r);
void query_docs_ask(struct lane *lane, const struct par_query *q);
void query_docs_take(struct reader *reader, struct par_query *q, const PGresult *r);

/* The next parameter. What is beyond any number of ours is as good as the largest. */
static inline void query_u64(struct params *p, uint64_t value)
{
	params_int8(p, params_value(p, PARAM_INT8), value > INT64_MAX ? INT64_MAX : (int64_t)value);
}

static inline void query_text(struct params *p, struct par_str value)
{
	params_text(p, params_value(p, PARAM_TEXT), value);
}

/* $1 and $2 of every page. */
static inline struct params *query_page(struct lane *lane, const struct par_query *q)
{
	struct params *p = lane_params(lane);

	query_u64(p, q->limit);
	query_u64(p, q->max_bytes);
	return p;
}

/* Room for as many rows as came; at least for one. */
static inline void *query_rows(const struct reader *reader, struct par_query *q, const PGresult *r,
			       size_t size)
{
	return reader->api->query_alloc(q, (size_t)PQntuples(r) * size + 1);
}

#endif
