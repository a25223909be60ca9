/* SPDX-License-Identifier: BSD-2-Clause */
/* With whom a user shares a dialog (PEERS): a range of the index member_peer. */
#include "../storage_common/page.h"
#include "ops.h"

void query_peers(struct db *db, struct par_query *q)
{
	static const struct par_str start = { "", 0 };
	struct user *user = user_find(db, q->user);
	sqlite3_stmt *statement;
	size_t bytes = 0;

	if (user == NULL)
		return;
	q->peers = db->api->query_alloc(q, q->limit * sizeof(*q->peers) + 1);
	statement = db_bind(db, ST_PEERS, "itt", user->id,
			    q->after_key.s == NULL ? start : q->after_key, q->user);
	while (!q->has_more && db_row(db, statement)) {
		struct par_str peer = db_str(statement, 0);
		if (page_add(q, &bytes, peer.len))
			q->peers[q->n - 1] = db_query_copy(db, q, peer);
	}
	db_done(statement);
}
