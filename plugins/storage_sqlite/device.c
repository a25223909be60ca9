/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Devices: what each has acked of its user's stream (CURSOR, DEVICE), the
 * pages they read of it (EVENTS), and dropping what all of them have acked.
 * Dropping goes in steps of bounded size; the last event of a stream stays,
 * for it is what tells the stream's end.
 */
#include <stdlib.h>
#include <string.h>

#include "ops.h"

#define PRUNE_STEP 1000

static struct device *device_find(struct user *user, struct par_str name)
{
	struct device *device = user->devices;

	while (device != NULL && !par_str_equal(device->name, name))
		device = device->next;
	return device;
}

static bool device_save(struct db *db, const struct user *user, const struct device *device)
{
	const struct cursor *cursor = &device->cursor;
	struct par_str above = { (const char *)cursor->above,
				 cursor->n_above * sizeof(*cursor->above) };

	return db_run(db,
		      db_bind(db, ST_DEVICE_SAVE, "itiibii", user->id, device->name, cursor->acked,
			      cursor->sent, above, (int64_t)device->connected, device->seen));
}

/* A device that has not been seen for so long is no reason to keep events. One
 * is kept always: without any, the next to come would begin at the start. */
static void forget_unseen(struct db *db, struct user *user, uint64_t now)
{
	struct device **at = &user->devices, *device;

	while ((device = *at) != NULL) {
		if (device->connected || device->seen + db->device_ttl >= now ||
		    (user->devices == device && device->next == NULL)) {
			at = &device->next;
			continue;
		}
		db_run(db, db_bind(db, ST_DEVICE_FORGET, "it", user->id, device->name));
		*at = device->next;
		free(device->cursor.above);
		free(device);
		db->n_cached--;
	}
}

/* Drops events that every device has acked. */
static bool prune(struct db *db, struct user *user, uint64_t now)
{
	const struct device *device;
	uint64_t upto = user->last_seq - 1;

	forget_unseen(db, user, now);
	for (device = user->devices; device != NULL; device = device->next)
		upto = cursor_min(upto, device->cursor.acked);
	if (upto < user->first_seq || user->last_seq == 0)
		return db->error == SQLITE_OK;
	upto = cursor_min(upto, user->first_seq + PRUNE_STEP - 1);
	if (!db_run(db, db_bind(db, ST_EVENTS_PRUNE, "ii", row_id(user->id, user->first_seq),
				row_id(user->id, upto))))
		return false;
	user->first_seq = upto + 1;
	return true;
}

bool op_cursor(struct db *db, struct par_tx *tx, struct par_op *op)
{
	const struct par_op_cursor *cursor = &op->u.cursor;
	struct user *user = user_find(db, cursor->user);
	struct device *device;

	if (user == NULL || !user_load_devices(db, user))
		return db->error == SQLITE_OK;
	device = device_find(user, cursor->device);
	if (device == NULL)
		return true;
	if (!cursor_add(&device->cursor, cursor, user->last_seq)) {
		db->error = SQLITE_NOMEM;
		return false;
	}
	if (cursor->closed)
		device->connected = false;
	device->seen = cursor_max(device->seen, tx->now);
	op->result.applied = true;
	return device_save(db, user, device) && prune(db, user, tx->now);
}

static void device_answer(struct db *db, struct par_query *q, const struct user *user,
			  const struct device *device)
{
	const struct cursor *cursor = &device->cursor;
	size_t len = cursor->n_above * sizeof(*cursor->above);

	q->device_state.acked = cursor->acked;
	q->device_state.sent = cursor->sent;
	q->device_state.last_seq = user->last_seq;
	q->device_state.n_above = cursor->n_above;
	if (len > 0)
		q->device_state.above = memcpy(db->api->query_alloc(q, len), cursor->above, len);
}

void query_device(struct db *db, struct par_query *q)
{
	struct user *user = user_get(db, q->user);
	struct device *device;
	bool first;

	if (user == NULL || !user_load_devices(db, user))
		return;
	first = user->devices == NULL;
	device = device_find(user, q->device);
	if (device == NULL) {
		device = user_add_device(db, user, q->device);
		if (device == NULL)
			return;
		if (!first)
			device->cursor.acked = device->cursor.sent = user->last_seq;
	} else if (device->connected) {
		device->cursor.sent = user->last_seq;
	}
	device->connected = true;
	device->seen = cursor_max(device->seen, q->now);
	if (device_save(db, user, device))
		device_answer(db, q, user, device);
}

/* True when the row belongs to the page. */
static bool event_row(struct db *db, struct par_query *q, sqlite3_stmt *statement, size_t *bytes)
{
	struct par_str payload = db_str(statement, 2), origin = db_str(statement, 3);
	struct par_stored_event *row = &q->events[q->n];

	*bytes += payload.len;
	if (q->n == q->limit || (q->n > 0 && *bytes > q->max_bytes))
		return false;
	row->seq = row_number(db_u64(statement, 0));
	row->data = db->api->event_data_new(db_str(statement, 1), payload);
	row->origin = origin.s != NULL && par_str_equal(origin, q->device);
	q->n++;
	return true;
}

void query_events(struct db *db, struct par_query *q)
{
	struct user *user = user_find(db, q->user);
	sqlite3_stmt *statement;
	size_t bytes = 0;

	if (user == NULL || q->after >= user->last_seq)
		return;
	q->events = db->api->query_alloc(
	    q, cursor_min(q->limit, user->last_seq - q->after) * sizeof(*q->events) + 1);
	statement = db_bind(db, ST_EVENTS, "ii", row_id(user->id, q->after),
			    row_id(user->id, user->last_seq));
	while (!q->has_more && db_row(db, statement))
		q->has_more = !event_row(db, q, statement, &bytes);
	db_done(statement);
}
