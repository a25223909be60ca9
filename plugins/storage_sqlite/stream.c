/* SPDX-License-Identifier: BSD-2-Clause */
/* A user's stream: the next event (EVENT), pages of it (EVENTS), dropping its head. Events to
 * many are in reach.c. */
#include <parlance/storage_fill.h>

#include "../storage_common/page.h"
#include "ops.h"

/* What PAR_HOLE_MISSED stands for: the receiver's count. */
static uint64_t event_missed(struct db *db, const struct par_tx *tx,
			     const struct par_op_event *event)
{
	const struct par_chat *as = par_event_missed_in(tx, event);
	struct member *member;
	struct chat *chat;

	chat = as == NULL ? NULL : chat_find(db, as->key);
	member = chat == NULL ? NULL : chat_member(chat, event->user);
	return member == NULL ? 0 : member->missed;
}

bool user_has_other_device(const struct user *user, struct par_str name)
{
	const struct device *device = user->devices;

	while (device != NULL && par_str_equal(device->name, name))
		device = device->next;
	return device != NULL;
}

bool stream_add(struct db *db, struct user *user, const struct par_op_event *event, bool own,
		struct par_str payload)
{
	int64_t id = row_id(user->id, ++user->last_seq);

	if (!own)
		return db_run(
		    db, db_bind(db, ST_EVENT_ADD, "itti", id, event->type, payload, db->last_at));
	return db_run(db, db_bind(db, ST_EVENT_ADD_OWN, "ittitn", id, event->type, payload,
				  db->last_at, event->origin_device, event->origin_session));
}

static bool event_to_member(struct db *db, const struct par_op_event *event)
{
	struct chat *chat = chat_find(db, event->chat.key);

	return chat != NULL && chat_member(chat, event->user) != NULL;
}

bool op_event(struct db *db, struct par_tx *tx, struct par_op *op)
{
	struct par_op_event *event = &op->u.event;
	struct user *user;
	struct par_json *out;

	if (event->reach != PAR_REACH_USER)
		return op_event_to_many(db, tx, op);
	if (event->chat.key.s != NULL && !event_to_member(db, event))
		return db->error == SQLITE_OK &&
		       tx_refuse(tx, PAR_E_NOT_FOUND, "there is no such chat");
	user = user_get(db, event->user);
	if (user == NULL)
		return false;
	if (event->own && !event->always) {
		if (!user_load_devices(db, user))
			return false;
		if (!user_has_other_device(user, event->origin_device))
			return true;
	}
	if (user->last_seq == ROW_NUMBER_MAX)
		return tx_refuse(tx, PAR_E_TOO_LARGE, "the user's stream is full");
	out = db_writer(db);
	par_event_fill(tx, op, event_missed(db, tx, event), out);
	if (out->failed)
		return tx_refuse(tx, PAR_E_TOO_LARGE, "an event became too large");
	event->data = db->api->event_data_new(event->type, par_json_text(out));
	db->last_at = cursor_max(db->last_at, tx->now);
	if (!stream_add(db, user, event, event->own, par_json_text(out)))
		return false;
	op->result.seq = user->last_seq;
	op->result.applied = true;
	return true;
}

/* True when the row belongs to the page. */
static bool event_row(struct db *db, struct par_query *q, sqlite3_stmt *statement, size_t *bytes)
{
	struct par_str payload = db_str(statement, 2), origin = db_str(statement, 3);
	struct par_stored_event *row = &q->events[q->n];

	if (!page_add(q, bytes, payload.len))
		return false;
	row->seq = row_number(db_u64(statement, 0));
	row->data = db->api->event_data_new(db_str(statement, 1), payload);
	row->origin = origin.s != NULL && par_str_equal(origin, q->device);
	row->origin_session = db_u64(statement, 4);
	return true;
}

void query_events(struct db *db, struct par_query *q)
{
	struct user *user = user_find(db, q->user);
	sqlite3_stmt *statement;
	const struct device *device;
	size_t bytes = 0;

	if (user == NULL || !user_load_devices(db, user))
		return;
	device = device_find(user, q->device);
	q->device_state.last_seq = user->last_seq;
	q->device_state.resync_from =
	    cursor_gap(device == NULL ? 0 : device->cursor.acked, q->after, user->first_seq);
	if (q->after >= user->last_seq)
		return;
	q->events = db->api->query_alloc(
	    q, cursor_min(q->limit, user->last_seq - q->after) * sizeof(*q->events) + 1);
	statement = db_bind(db, ST_EVENTS, "ii", row_id(user->id, q->after),
			    row_id(user->id, user->last_seq));
	while (db_row(db, statement) && event_row(db, q, statement, &bytes))
		;
	db_done(statement);
}

bool stream_drop(struct db *db, struct user *user, uint64_t upto)
{
	if (!db_run(db, db_bind(db, ST_EVENTS_DROP, "ii", row_id(user->id, user->first_seq),
				row_id(user->id, upto))))
		return false;
	user->first_seq = upto + 1;
	return upto < user->last_seq ||
	       db_run(db, db_bind(db, ST_USER_EMPTIED, "iiii", user->id, upto,
				  row_id(user->id, upto + 1), row_id(user->id, ROW_NUMBER_MAX)));
}
