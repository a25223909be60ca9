/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Batches of WORK_READ: a statement for each query, all in one step. They need
 * no transaction: each statement sees one moment, and no two of them have to see the same.
 */
#include "query.h"

struct query_kind {
	void (*ask)(struct lane *lane, const struct par_query *q);
	void (*take)(struct reader *reader, struct par_query *q, const PGresult *r);
};

/* DEVICE writes, and is not of this kind. */
static const struct query_kind kinds[] = {
	[PAR_QUERY_EVENTS] = { query_events_ask, query_events_take },
	[PAR_QUERY_MESSAGES] = { query_messages_ask, query_messages_take },
	[PAR_QUERY_CHATS] = { query_chats_ask, query_chats_take },
	[PAR_QUERY_CHAT] = { query_chat_ask, query_chat_take },
	[PAR_QUERY_DOC_GET] = { query_doc_get_ask, query_doc_get_take },
	[PAR_QUERY_DOC_SCAN] = { query_doc_scan_ask, query_doc_scan_take },
	[PAR_QUERY_DOCS] = { query_docs_ask, query_docs_take },
	[PAR_QUERY_MEMBERS] = { query_members_ask, query_members_take },
	[PAR_QUERY_PEERS] = { query_peers_ask, query_peers_take },
};

static const struct query_kind *kind_of(const struct par_query *q)
{
	bool known = (size_t)q->kind < sizeof(kinds) / sizeof(kinds[0]);

	return known && kinds[q->kind].ask != NULL ? &kinds[q->kind] : NULL;
}

static void read_begin(struct batch *batch)
{
	struct work *work;

	for (work = batch->works; work != NULL; work = work->next) {
		const struct query_kind *kind = kind_of(work->query);
		if (kind != NULL) {
			kind->ask(batch->lane, work->query);
		} else {
			work->query->error = PAR_E_INTERNAL;
			work->query->message = "no such query";
		}
	}
}

static void read_next(struct batch *batch)
{
	struct reader reader = { .api = batch->pg->api };
	struct work *work;
	unsigned asked = 0;

	par_json_init(&reader.writer);
	for (work = batch->works; work != NULL; work = work->next) {
		const struct query_kind *kind = kind_of(work->query);
		if (kind != NULL)
			kind->take(&reader, work->query, lane_result(batch->lane, asked++));
	}
	par_json_free(&reader.writer);
}

static void read_end(struct batch *batch)
{
	(void)batch;
}

const struct batch_kind batch_read = { read_begin, read_next, read_end };
