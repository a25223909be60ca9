/* SPDX-License-Identifier: BSD-2-Clause */
/* EVENT: the next event of a user's stream. */
#include <parlance/storage_fill.h>

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

static bool has_other_device(const struct user *user, struct par_str name)
{
	const struct device *device = user->devices;

	while (device != NULL && par_str_equal(device->name, name))
		device = device->next;
	return device != NULL;
}

bool op_event(struct db *db, struct par_tx *tx, struct par_op *op)
{
	struct par_op_event *event = &op->u.event;
	const struct par_str none = { NULL, 0 };
	struct user *user = user_get(db, event->user);
	struct par_json *out;

	if (user == NULL)
		return false;
	if (event->own && !event->always) {
		if (!user_load_devices(db, user))
			return false;
		if (!has_other_device(user, event->origin_device))
			return true;
	}
	if (user->last_seq == ROW_NUMBER_MAX)
		return tx_refuse(tx, PAR_E_TOO_LARGE, "the user's stream is full");
	out = db_writer(db);
	par_event_fill(tx, op, event_missed(db, tx, event), out);
	if (out->failed)
		return tx_refuse(tx, PAR_E_TOO_LARGE, "an event became too large");
	event->data = db->api->event_data_new(event->type, par_json_text(out));
	if (!db_run(db, db_bind(db, ST_EVENT_ADD, "ittt", row_id(user->id, user->last_seq + 1),
				event->type, par_json_text(out),
				event->own ? event->origin_device : none)))
		return false;
	op->result.seq = ++user->last_seq;
	op->result.applied = true;
	return true;
}
