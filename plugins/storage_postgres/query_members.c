/* SPDX-License-Identifier: BSD-2-Clause */
/* Pages of a group's members (MEMBERS). */
#include "query.h"

enum { USER, ROLE, JOINED, DELIVERED, DELIVERED_AT, READ, READ_AT };

void query_members_ask(struct lane *lane, const struct par_query *q)
{
	struct params *p = lane_params(lane);

	query_u64(p, q->limit);
	query_text(p, q->chat.key);
	query_text(p, q->chat.user);
	query_text(p, q->after_key);
	lane_ask(lane, ST_QUERY_MEMBERS);
}

static void member_row(const PGresult *r, int i, struct par_member *row)
{
	row->user = row_str(r, i, USER);
	row->role = (enum par_role)row_u64(r, i, ROLE);
	row->joined = row_u64(r, i, JOINED);
	row->delivered = row_u64(r, i, DELIVERED);
	row->delivered_at = row_u64(r, i, DELIVERED_AT);
	row->read = row_u64(r, i, READ);
	row->read_at = row_u64(r, i, READ_AT);
}

/* When the user is no member there is no row. */
void query_members_take(struct reader *reader, struct par_query *q, const PGresult *r)
{
	size_t bytes = 0;
	int i;

	if (PQntuples(r) == 0) {
		q->error = PAR_E_NOT_FOUND;
		q->message = "there is no such chat";
		return;
	}
	if (row_null(r, 0, USER))
		return;
	q->members = query_rows(reader, q, r, sizeof(*q->members));
	for (i = 0; i < PQntuples(r) && !q->has_more; i++) {
		member_row(r, i, &q->members[q->n]);
		page_add(q, &bytes, q->members[q->n].user.len);
	}
}
