/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Devices: what each has acked of its user's stream (CURSOR), where it stands
 * when it connects (DEVICE), and forgetting one. Dropping what all have acked
 * goes in steps of bounded size.
 *
 * While a server has a device only its cursor is written: `connected` and `seen` are in
 * an index, which an ack need not touch. Only the server that has it may say that
 * none has it: what another one's last session was sent is not for this one to know.
 */
#include "ops.h"

#define DROP_STEP 1000 /* events along with one CURSOR */

static struct device *device_find(const struct user *user, struct par_str name)
{
	struct device *device = user->devices;

	while (device != NULL && !par_str_equal(device->name, name))
		device = device->next;
	return device;
}

static void device_changed(struct device *device)
{
	if (device->state == DEVICE_SAME)
		device->state = DEVICE_CHANGED;
}

/* Whether some living server has it. */
static bool is_connected(const struct device *device)
{
	return device->connected != 0 && !device->orphan;
}

/* Drops what every device has acked, or a part of it and leaves the rest to PRUNE. */
static void drop_acked(struct user *user)
{
	const struct device *device;
	uint64_t upto = user->last_seq, last;

	for (device = user->devices; device != NULL; device = device->next)
		upto = cursor_min(upto, device->cursor.acked);
	if (upto < user->first_seq)
		return;
	last = cursor_min(upto, user->first_seq + DROP_STEP - 1);
	user->first_seq = last + 1;
	user->behind = user->behind || last < upto;
	user->changed = true;
}

bool op_cursor(struct world *w, struct par_tx *tx, struct par_op *op, const struct need *need)
{
	const struct par_op_cursor *cursor = &op->u.cursor;
	struct user *user = need->user;
	struct device *device = device_find(user, cursor->device);

	if (device == NULL)
		return true;
	if (!cursor_add(&device->cursor, cursor, user->last_seq))
		return tx_refuse(tx, PAR_E_UNAVAILABLE, "out of memory");
	if (cursor->closed && device->connected == (uint64_t)w->batch->pg->server)
		device->connected = 0;
	if (device->connected == 0)
		device->seen = cursor_max(device->seen, tx->now);
	device_changed(device);
	op->result.applied = true;
	drop_acked(user);
	return true;
}

static void device_forget(struct user *user, struct device *device)
{
	struct device **at = &user->devices;

	while (*at != device)
		at = &(*at)->next;
	*at = device->next;
	if (device->state != DEVICE_NEW) {
		device->next = user->forgotten;
		user->forgotten = device;
	} else {
		free(device->cursor.above);
	}
	user->forgot = user->behind = user->changed = true;
}

/* The one that is not connected and was unseen longest; NULL: all are connected. */
static struct device *longest_unseen(const struct user *user)
{
	struct device *device = user->devices, *found = NULL;

	for (; device != NULL; device = device->next) {
		if (!is_connected(device) && (found == NULL || device->seen < found->seen))
			found = device;
	}
	return found;
}

/* Room for one device more. False when there is none, which changes nothing. */
static bool make_room(struct par_query *q, struct user *user)
{
	const struct device *device = user->devices;
	unsigned n = 0, connected = 0;

	for (; device != NULL; device = device->next) {
		n++;
		connected += is_connected(device);
	}
	if (q->limit == 0 || n < q->limit)
		return true;
	if (connected >= q->limit) {
		q->error = PAR_E_TOO_LARGE;
		q->message = "all devices that the user may have are connected";
		return false;
	}
	for (; n >= q->limit; n--)
		device_forget(user, longest_unseen(user));
	return true;
}

static struct device *device_new(struct world *w, struct par_query *q, struct user *user)
{
	struct device *device;

	if (!make_room(q, user))
		return NULL;
	device = world_alloc(w, sizeof(*device));
	device->name = q->device;
	device->state = DEVICE_NEW;
	cursor_begin(&device->cursor, user->last_seq, user->devices == NULL, user->forgot);
	device->next = user->devices;
	user->devices = device;
	return device;
}

void query_device(struct world *w, struct par_query *q, const struct need *need)
{
	struct user *user = need->user;
	struct device *device = device_find(user, q->device);

	q->error = PAR_OK;
	q->message = NULL;
	if (user->id == 0) {
		q->error = PAR_E_INTERNAL;
		q->message = "there is no such user";
		return;
	}
	if (device == NULL)
		device = device_new(w, q, user);
	else if (device->connected != 0)
		device->cursor.sent = user->last_seq;
	if (device == NULL)
		return;
	device->cursor.sent = cursor_min(device->cursor.sent, user->last_seq);
	device->connected = (uint64_t)w->batch->pg->server;
	device->orphan = false;
	device->seen = cursor_max(device->seen, q->now);
	device_changed(device);
	cursor_answer(w->api, q, &device->cursor, user->last_seq, user->first_seq);
}
