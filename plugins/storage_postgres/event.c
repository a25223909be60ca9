/* SPDX-License-Identifier: BSD-2-Clause */
/* EVENT: the next of a user's stream. */
#include <parlance/storage_fill.h>

#include "ops.h"

/* What PAR_HOLE_MISSED stands for: the receiver's count. */
static uint64_t event_missed(const struct par_tx *tx, const struct par_op_event *event,
			     const struct need *need, const struct need *needs)
{
	const struct par_chat *as = par_event_missed_in(tx, event);
	const struct member *member = NULL;
	unsigned i;

	for (i = 0; as != NULL && i < tx->n_ops; i++) {
		if (par_op_chat(&tx->ops[i]) == as)
			member = chat_member(needs[i].chat, need->user);
	}
	return member == NULL ? 0 : member->missed;
}

bool event_other_device(const struct need *need, struct par_str name)
{
	const struct device *device = need->user->devices;

	if (!need->user->devices_known)
		return need->others->some;
	while (device != NULL && par_str_equal(device->name, name))
		device = device->next;
	return device != NULL;
}

void event_number(const struct par_tx *tx, struct user *user, uint64_t *seq, uint64_t *at)
{
	*seq = ++user->last_seq;
	*at = user->last_at = cursor_max(user->last_at, tx->now);
	user->changed = true;
}

bool op_event(struct world *w, struct par_tx *tx, struct par_op *op, const struct need *need,
	      const struct need *needs)
{
	struct par_op_event *event = &op->u.event;
	struct user *user = need->user;
	struct event *row;
	struct par_json *out;

	if (event->chat.key.s != NULL && chat_member(need->chat, user) == NULL)
		return tx_refuse(tx, PAR_E_NOT_FOUND, "there is no such chat");
	if (event->own && !event->always && !event_other_device(need, event->origin_device))
		return true;
	if (user->id == 0)
		return tx_refuse(tx, PAR_E_INTERNAL, "there is no such user");
	out = world_writer(w);
	par_event_fill(tx, op, event_missed(tx, event, need, needs), out);
	if (out->failed)
		return tx_refuse(tx, PAR_E_TOO_LARGE, "an event became too large");
	event->data = w->api->event_data_new(event->type, par_json_text(out));
	row = world_alloc(w, sizeof(*row));
	row->user = user;
	event_number(tx, user, &row->seq, &row->at);
	row->op = event;
	row->payload = w->api->event_data_payload(event->data);
	*w->events_end = row;
	w->events_end = &row->next;
	op->result.seq = row->seq;
	op->result.applied = true;
	return true;
}
