/* SPDX-License-Identifier: BSD-2-Clause */
/* Pages of a user's list of chats (CHATS), and one entry of it (CHAT). */
#include "query.h"

/* clang-format off */
enum {
	PEER, MISSED, MY_DELIVERED, MY_READ, PEER_DELIVERED, PEER_READ,
	LAST_ID, LAST_TEXT, LAST_TIME, LAST_AUTHOR, LAST_DELETED, FIRST_MISSED,
	NAME, MEMBERS, ROLE
};
/* clang-format on */

/* The entry's columns begin with column `at`. */
static void chat_row(const PGresult *r, int i, int at, struct par_chat_entry *row)
{
	row->peer = row_str(r, i, at + PEER);
	row->last_id = row_u64(r, i, at + LAST_ID);
	row->last_text = row_str(r, i, at + LAST_TEXT);
	row->last_time = row_u64(r, i, at + LAST_TIME);
	row->last_author = row_str(r, i, at + LAST_AUTHOR);
	row->last_deleted = row_u64(r, i, at + LAST_DELETED);
	row->missed = row_u64(r, i, at + MISSED);
	row->first_missed = row_u64(r, i, at + FIRST_MISSED);
	row->my_delivered = row_u64(r, i, at + MY_DELIVERED);
	row->my_read = row_u64(r, i, at + MY_READ);
	row->peer_delivered = row_u64(r, i, at + PEER_DELIVERED);
	row->peer_read = row_u64(r, i, at + PEER_READ);
	row->name = row_str(r, i, at + NAME);
	row->members = (unsigned)row_u64(r, i, at + MEMBERS);
	row->role = (enum par_role)row_u64(r, i, at + ROLE);
}

void query_chat_ask(struct lane *lane, const struct par_query *q)
{
	struct params *p = lane_params(lane);

	query_text(p, q->chat.key);
	query_text(p, q->chat.user);
	lane_ask(lane, ST_QUERY_CHAT);
}

void query_chat_take(struct reader *reader, struct par_query *q, const PGresult *r)
{
	if (PQntuples(r) == 0)
		return;
	q->chats = query_rows(reader, q, r, sizeof(*q->chats));
	chat_row(r, 0, 0, q->chats);
	q->n = 1;
}

void query_chats_ask(struct lane *lane, const struct par_query *q)
{
	struct params *p = query_page(lane, q);

	query_text(p, q->user);
	query_text(p, q->after_key);
	lane_ask(lane, ST_QUERY_CHATS);
}

/* Column 0 is the place in the list of the chat to go on from. */
void query_chats_take(struct reader *reader, struct par_query *q, const PGresult *r)
{
	size_t bytes = 0;
	int i;

	if (q->after_key.s != NULL && (PQntuples(r) == 0 || row_u64(r, 0, 0) == 0)) {
		q->error = PAR_E_NOT_FOUND;
		q->message = "there is no such chat to go on from";
		return;
	}
	if (PQntuples(r) == 0 || row_null(r, 0, 1 + PEER))
		return;
	q->chats = query_rows(reader, q, r, sizeof(*q->chats));
	for (i = 0; i < PQntuples(r) && !q->has_more; i++) {
		chat_row(r, i, 1, &q->chats[q->n]);
		page_add(q, &bytes, q->chats[q->n].last_text.len);
	}
}
