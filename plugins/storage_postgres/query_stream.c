/* SPDX-License-Identifier: BSD-2-Clause */
/* Pages of a user's stream (EVENTS). */
#include "../storage_common/cursor.h"
#include "query.h"

enum { FIRST_SEQ, LAST_SEQ, ACKED, SEQ, TYPE, PAYLOAD, MINE, SESSION };

void query_events_ask(struct lane *lane, const struct par_query *q)
{
	struct params *p = query_page(lane, q);

	query_text(p, q->user);
	query_text(p, q->device);
	query_u64(p, q->after);
	lane_ask(lane, ST_QUERY_EVENTS);
}

/* True when the row belongs to the page. */
static bool event_row(const struct reader *reader, struct par_query *q, const PGresult *r, int i,
		      size_t *bytes)
{
	struct par_stored_event *row = &q->events[q->n];
	struct par_str payload = row_str(r, i, PAYLOAD);

	if (!page_add(q, bytes, payload.len))
		return false;
	row->seq = row_u64(r, i, SEQ);
	row->data = reader->api->event_data_new(row_str(r, i, TYPE), payload);
	row->origin = row_bool(r, i, MINE);
	row->origin_session = row_u64(r, i, SESSION);
	return true;
}

void query_events_take(struct reader *reader, struct par_query *q, const PGresult *r)
{
	size_t bytes = 0;
	int i;

	if (PQntuples(r) == 0)
		return;
	q->device_state.last_seq = row_u64(r, 0, LAST_SEQ);
	q->device_state.resync_from =
	    cursor_gap(row_u64(r, 0, ACKED), q->after, row_u64(r, 0, FIRST_SEQ));
	if (row_null(r, 0, SEQ))
		return;
	q->events = query_rows(reader, q, r, sizeof(*q->events));
	for (i = 0; i < PQntuples(r) && event_row(reader, q, r, i, &bytes); i++)
		;
}
