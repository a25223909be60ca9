/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Devices: what each has acked of its user's stream (CURSOR), where it stands
 * when it connects (DEVICE), and forgetting one. Dropping what all have acked
 * goes in steps of bounded size, and leaves the last event, whose presence
 * saves writing the stream's end to the user's row.
 *
 * While a device is connected only its cursor is written: `connected` and
 * `seen` are in an index, which an ack need not touch.
 */
#include "ops.h"

#define DROP_STEP 1000 /* events along with one CURSOR */

struct device *device_find(const struct user *user, struct par_str name)
{
	struct device *device = user->devices;

	while (device != NULL && !par_str_equal(device->name, name))
		device = device->next;
	return device;
}

static struct par_str above_bytes(const struct device *device)
{
	struct par_str above = { (const char *)device->cursor.above,
				 device->cursor.n_above * sizeof(*device->cursor.above) };

	return above;
}

static bool device_save(struct db *db, const struct user *user, const struct device *device)
{
	const struct cursor *cursor = &device->cursor;

	return db_run(db, db_bind(db, ST_DEVICE_SAVE, "itiibiii", user->id, device->name,
				  cursor->acked, cursor->sent, above_bytes(device),
				  device->connected, device->seen, cursor->lost));
}

static bool device_save_acked(struct db *db, const struct user *user, const struct device *device)
{
	const struct cursor *cursor = &device->cursor;

	return db_run(db, db_bind(db, ST_DEVICE_ACKED, "itiib", user->id, device->name,
				  cursor->acked, cursor->sent, above_bytes(device)));
}

uint64_t devices_acked(const struct user *user, const struct device *without)
{
	const struct device *device = user->devices;
	uint64_t upto = user->last_seq;

	for (; device != NULL; device = device->next) {
		if (device != without)
			upto = cursor_min(upto, device->cursor.acked);
	}
	return upto;
}

bool user_mark_behind(struct db *db, struct user *user, bool behind)
{
	if (user->behind == behind)
		return true;
	user->behind = behind;
	return db_run(db, db_bind(db, ST_USER_BEHIND, "ii", user->id, (int64_t)behind));
}

/* Drops what every device has acked, or a part of it and leaves the rest to PRUNE. */
static bool drop_acked(struct db *db, struct user *user)
{
	uint64_t upto = devices_acked(user, NULL);

	if (upto == user->last_seq && upto > 0)
		upto--;
	if (upto < user->first_seq)
		return true;
	if (!stream_drop(db, user, cursor_min(upto, user->first_seq + DROP_STEP - 1)))
		return false;
	return user->first_seq > upto || user_mark_behind(db, user, true);
}

bool op_cursor(struct db *db, struct par_tx *tx, struct par_op *op)
{
	const struct par_op_cursor *cursor = &op->u.cursor;
	struct user *user = user_find(db, cursor->user);
	struct device *device;
	bool saved;

	if (user == NULL || !user_load_devices(db, user))
		return db->error == SQLITE_OK;
	device = device_find(user, cursor->device);
	if (device == NULL)
		return true;
	if (!cursor_add(&device->cursor, cursor, user->last_seq)) {
		db->error = SQLITE_NOMEM;
		return false;
	}
	device->seen = cursor_max(device->seen, tx->now);
	if (device->connected == db->generation && !cursor->closed) {
		saved = device_save_acked(db, user, device);
	} else {
		if (cursor->closed)
			device->connected = 0;
		saved = device_save(db, user, device);
	}
	op->result.applied = true;
	return saved && drop_acked(db, user);
}

bool device_forget(struct db *db, struct user *user, struct device *device)
{
	if (!db_run(db, db_bind(db, ST_DEVICE_FORGET, "it", user->id, device->name)))
		return false;
	if (!user->forgot && !db_run(db, db_bind(db, ST_USER_FORGOT, "i", user->id)))
		return false;
	user->forgot = true;
	user_remove_device(db, user, device);
	return true;
}

/* The one that is not connected and was unseen longest; NULL: all are connected. */
static struct device *longest_unseen(const struct db *db, const struct user *user)
{
	struct device *device = user->devices, *found = NULL;

	for (; device != NULL; device = device->next) {
		if (device->connected != db->generation &&
		    (found == NULL || device->seen < found->seen))
			found = device;
	}
	return found;
}

/* Room for one device more. False when there is none, which changes nothing, or SQLite
 * failed. */
static bool make_room(struct db *db, struct par_query *q, struct user *user)
{
	const struct device *device = user->devices;
	unsigned n = 0, connected = 0;

	for (; device != NULL; device = device->next) {
		n++;
		connected += device->connected == db->generation;
	}
	if (q->limit == 0 || n < q->limit)
		return true;
	if (connected >= q->limit) {
		q->error = PAR_E_TOO_LARGE;
		q->message = "all devices that the user may have are connected";
		return false;
	}
	for (; n >= q->limit; n--) {
		if (!device_forget(db, user, longest_unseen(db, user)))
			return false;
	}
	return user_mark_behind(db, user, true);
}

static struct device *device_new(struct db *db, struct par_query *q, struct user *user)
{
	struct device *device;
	bool first;

	if (!make_room(db, q, user))
		return NULL;
	first = user->devices == NULL;
	device = user_add_device(db, user, q->device);
	if (device != NULL)
		cursor_begin(&device->cursor, user->last_seq, first, user->forgot);
	return device;
}

void query_device(struct db *db, struct par_query *q)
{
	struct user *user = user_get(db, q->user);
	struct device *device;

	if (user == NULL || !user_load_devices(db, user))
		return;
	device = device_find(user, q->device);
	if (device == NULL)
		device = device_new(db, q, user);
	else if (device->connected != 0)
		device->cursor.sent = user->last_seq;
	if (device == NULL)
		return;
	device->cursor.sent = cursor_min(device->cursor.sent, user->last_seq);
	device->connected = db->generation;
	device->seen = cursor_max(device->seen, q->now);
	if (device_save(db, user, device))
		cursor_answer(db->api, q, &device->cursor, user->last_seq, user->first_seq);
}
