/* SPDX-License-Identifier: BSD-2-Clause */
/* Pages of a chat (MESSAGES). */
#include <string.h>

#include <parlance/storage_fill.h>

#include "../storage_common/kind.h"
#include "query.h"

/* clang-format off */
enum {
	MY_DELIVERED, MY_READ, PEER_DELIVERED, PEER_READ,
	ID, CLIENT_ID, SENDER, KIND, TEXT, ATTACHMENTS, FORWARDED, PAYLOAD, REF, CREATED, UPDATED,
	DELETED, REF_CLIENT_ID, REF_SENDER, REF_CREATED, REF_TEXT
};
/* clang-format on */

void query_messages_ask(struct lane *lane, const struct par_query *q)
{
	struct params *p = query_page(lane, q);

	query_text(p, q->chat.key);
	query_text(p, q->chat.user);
	if (q->start_id != 0)
		query_u64(p, q->start_id);
	else
		query_u64(p, q->end_id == 0 ? INT64_MAX : q->end_id);
	lane_ask(lane, q->start_id != 0 ? ST_QUERY_MESSAGES_UP : ST_QUERY_MESSAGES_DOWN);
}

/* What the writer holds; it is empty afterwards. */
static struct par_str written(struct reader *reader, struct par_query *q)
{
	struct par_str text = par_json_text(&reader->writer), copy = { NULL, text.len };

	copy.s = memcpy(reader->api->query_alloc(q, text.len + 1), text.s, text.len);
	par_json_reset(&reader->writer);
	return copy;
}

static struct par_str reply_of(struct reader *reader, struct par_query *q, const PGresult *r, int i)
{
	struct par_stored_message to;

	memset(&to, 0, sizeof(to));
	to.id = row_u64(r, i, REF);
	to.client_id = row_str(r, i, REF_CLIENT_ID);
	to.sender = row_str(r, i, REF_SENDER);
	to.created = row_u64(r, i, REF_CREATED);
	to.message = row_str(r, i, REF_TEXT);
	par_reply_fill(&to, &reader->writer);
	return written(reader, q);
}

/* Fills the row; returns the bytes of its text. */
static size_t message_row(struct reader *reader, struct par_query *q, const PGresult *r, int i,
			  struct par_stored_message *row)
{
	enum kind kind = (enum kind)row_u64(r, i, KIND);

	memset(row, 0, sizeof(*row));
	row->id = row_u64(r, i, ID);
	row->client_id = row_str(r, i, CLIENT_ID);
	row->sender = row_str(r, i, SENDER);
	row->type = kind_name(kind);
	row->message = row_str(r, i, TEXT);
	row->attachments = row_str(r, i, ATTACHMENTS);
	row->forwarded = row_str(r, i, FORWARDED);
	row->payload = row_str(r, i, PAYLOAD);
	row->created = row_u64(r, i, CREATED);
	row->updated = row_u64(r, i, UPDATED);
	row->deleted = row_u64(r, i, DELETED);
	if (kind_is_service(kind)) {
		par_service_fill(row_u64(r, i, REF), row_str(r, i, REF_CLIENT_ID), &reader->writer);
		row->payload = written(reader, q);
	} else if (!row_null(r, i, REF)) {
		row->reply = reply_of(reader, q, r, i);
	}
	return row->message.len + row->attachments.len + row->forwarded.len + row->payload.len +
	       row->reply.len;
}

void query_messages_take(struct reader *reader, struct par_query *q, const PGresult *r)
{
	size_t bytes = 0;
	int i;

	if (PQntuples(r) == 0 && par_chat_is_group(&q->chat)) {
		q->error = PAR_E_NOT_FOUND;
		q->message = "there is no such chat";
	}
	if (PQntuples(r) == 0)
		return;
	q->my_delivered = row_u64(r, 0, MY_DELIVERED);
	q->my_read = row_u64(r, 0, MY_READ);
	q->peer_delivered = row_u64(r, 0, PEER_DELIVERED);
	q->peer_read = row_u64(r, 0, PEER_READ);
	if (row_null(r, 0, ID))
		return;
	q->messages = query_rows(reader, q, r, sizeof(*q->messages));
	for (i = 0; i < PQntuples(r) && !q->has_more; i++)
		page_add(q, &bytes, message_row(reader, q, r, i, &q->messages[q->n]));
	if (q->start_id == 0)
		page_reverse(q);
}
