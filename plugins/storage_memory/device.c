/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Devices: what each has acked of its user's stream (CURSOR), and where it stands
 * (DEVICE).
 */
#include <stdlib.h>
#include <string.h>

#include "memory.h"

/* Of events, dropped along with one CURSOR; what is more waits for the next or for PRUNE. */
#define CURSOR_STEP 1000

struct device *device_find(const struct user *user, struct par_str name)
{
	struct device *device = user->devices;

	while (device != NULL && !par_str_equal(device->name, name))
		device = device->next;
	return device;
}

bool user_has_other_device(const struct user *user, struct par_str name)
{
	const struct device *device = user->devices;

	while (device != NULL && par_str_equal(device->name, name))
		device = device->next;
	return device != NULL;
}

bool device_is_stale(const struct device *device, uint64_t before)
{
	return !device->connected && device->seen < before;
}

/* Up to where nobody waits for the events, but devices unseen since `before`. A
 * user without devices may get one, which begins at the start. */
uint64_t user_done_upto(const struct user *user, uint64_t before)
{
	const struct device *device = user->devices;
	uint64_t upto = device == NULL ? 0 : user->last_seq;

	for (; device != NULL; device = device->next) {
		if (!device_is_stale(device, before))
			upto = cursor_min(upto, device->cursor.acked);
	}
	return upto;
}

void device_forget(struct user *user, struct device **at)
{
	struct device *device = *at;

	*at = device->next;
	user->forgot = true;
	free(device->cursor.above);
	free(device);
}

static void cursor_unmake(struct memory *m, void *arg)
{
	struct device *device = arg;

	(void)m;
	free(device->cursor.above);
}

/* Leaves the old cursor's list alone, so that it can come back. */
static void cursor_remember(struct memory *m, struct device *device)
{
	struct cursor *cursor = &device->cursor;
	size_t len = cursor->n_above * sizeof(*cursor->above);
	uint64_t *above = memory_alloc(len + 1);

	undo_bytes(m, cursor, sizeof(*cursor));
	undo_bytes(m, &device->seen, sizeof(device->seen));
	undo_bytes(m, &device->connected, sizeof(device->connected));
	undo_free_later(m, cursor->above);
	if (len > 0)
		memcpy(above, cursor->above, len);
	cursor->above = above;
	undo_call(m, cursor_unmake, device);
}

bool op_cursor(struct memory *m, struct par_tx *tx, struct par_op *op)
{
	const struct par_op_cursor *cursor = &op->u.cursor;
	struct user *user = user_find(m, cursor->user);
	struct device *device = user == NULL ? NULL : device_find(user, cursor->device);

	if (device == NULL)
		return true;
	if (m->undoing)
		cursor_remember(m, device);
	if (!cursor_add(&device->cursor, cursor, user->last_seq))
		abort();
	device->seen = cursor_max(device->seen, tx->now);
	if (cursor->closed)
		device->connected = false;
	if (!m->undoing)
		user_drop(user, user_done_upto(user, 0), 0, CURSOR_STEP);
	op->result.applied = true;
	return true;
}

/* The one unseen longest of those that are not connected; NULL: all are. */
static struct device **device_oldest(struct user *user)
{
	struct device **at = &user->devices, **oldest = NULL;

	for (; *at != NULL; at = &(*at)->next) {
		if (!(*at)->connected && (oldest == NULL || (*at)->seen < (*oldest)->seen))
			oldest = at;
	}
	return oldest;
}

/* Makes room for one device more. False when all that are on record are connected. */
static bool devices_fit(struct user *user, unsigned limit)
{
	const struct device *device = user->devices;
	unsigned n = 0, connected = 0;

	for (; device != NULL; device = device->next) {
		n++;
		connected += device->connected;
	}
	if (limit == 0 || n < limit)
		return true;
	if (connected >= limit)
		return false;
	for (; n >= limit; n--)
		device_forget(user, device_oldest(user));
	return true;
}

static struct device *device_new(struct user *user, struct par_str name)
{
	struct device *device = memory_alloc(sizeof(*device) + name.len);
	char *at = device->bytes;

	device->name = memory_copy(&at, name);
	cursor_begin(&device->cursor, user->last_seq, user->devices == NULL, user->forgot);
	device->next = user->devices;
	user->devices = device;
	return device;
}

void query_device(struct memory *m, struct par_query *q)
{
	struct user *user = user_get(m, q->user);
	struct device *device = device_find(user, q->device);

	if (device == NULL) {
		if (!devices_fit(user, q->limit)) {
			q->error = PAR_E_TOO_LARGE;
			q->message = "all devices that the user may have are connected";
			return;
		}
		device = device_new(user, q->device);
	} else if (device->connected || device->lost) {
		device->cursor.sent = user->last_seq;
	}
	device->connected = true;
	device->lost = false;
	device->seen = cursor_max(device->seen, q->now);
	cursor_answer(m->api, q, &device->cursor, user->last_seq, user->first_seq);
}

void devices_begin(struct memory *m)
{
	struct user *user;
	struct device *device;

	for (user = m->users; user != NULL; user = user->hh.next) {
		for (device = user->devices; device != NULL; device = device->next) {
			if (!device->connected)
				continue;
			device->connected = false;
			device->lost = true;
			device->seen = cursor_max(device->seen, m->api->now(m->self));
		}
	}
}
