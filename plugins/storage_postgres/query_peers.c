/* SPDX-License-Identifier: BSD-2-Clause */
/* With whom a user shares a dialog (PEERS). Ids are short: the bytes of a page are counted here. */
#include "query.h"

void query_peers_ask(struct lane *lane, const struct par_query *q)
{
	struct params *p = lane_params(lane);

	query_u64(p, q->limit);
	query_text(p, q->user);
	query_text(p, q->after_key);
	lane_ask(lane, ST_QUERY_PEERS);
}

void query_peers_take(struct reader *reader, struct par_query *q, const PGresult *r)
{
	size_t bytes = 0;
	int i;

	q->peers = query_rows(reader, q, r, sizeof(*q->peers));
	for (i = 0; i < PQntuples(r); i++) {
		struct par_str peer = row_str(r, i, 0);
		if (!page_add(q, &bytes, peer.len))
			return;
		q->peers[q->n - 1] = peer;
	}
}
