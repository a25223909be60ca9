/* SPDX-License-Identifier: BSD-2-Clause */
/* Events to sessions, and their acks; see delivery.h. Core thread. */
#include "engine/delivery.h"

#include <parlance/storage.h>

#include "engine/core_internal.h"
#include "engine/cursor.h"
#include "engine/session.h"
#include "engine/stream.h"
#include "engine/sweep.h"
#include "plugin/plugin.h"

/* Whether who gets it did it himself; of many it is chat.user alone who can have. */
static bool delivery_is_own(const struct par_op_event *event, struct par_str name)
{
	return event->reach == PAR_REACH_USER ? event->own : par_str_equal(name, event->chat.user);
}

/* To the sessions of one who gets it. */
static void delivery_to(struct core *core, const struct par_op_event *event, struct par_str name,
			const struct stream_item *item)
{
	struct user *user = user_find(core, name);
	struct session *session;

	if (user == NULL)
		return; /* nobody here; it waits in the storage */
	if (user->last_seq < item->seq)
		user->last_seq = item->seq;
	LIST_FOREACH(session, &user->sessions, of_user)
		stream_event(core, session, item,
			     session->id == event->origin_session && delivery_is_own(event, name));
}

static void delivery_event(struct core *core, const struct par_op *op)
{
	const struct par_op_event *event = &op->u.event;
	struct stream_item item = { .frame = (struct out_frame *)event->data,
				    .seq = op->result.seq };
	unsigned i;

	if (event->reach == PAR_REACH_USER) {
		delivery_to(core, event, event->user, &item);
		return;
	}
	item.has_missed = event->missed;
	for (i = 0; i < event->n_receivers; i++) {
		item.seq = event->receivers[i].seq;
		item.missed = event->receivers[i].missed;
		delivery_to(core, event, event->receivers[i].user, &item);
	}
}

/* The transaction failed, or stands though nobody knows. In the second case a resend
 * stores nothing new and so tells nobody: the sessions must look. */
static void delivery_doubt(struct core *core, const struct par_op_event *event)
{
	const struct user *user;
	struct session *session;

	if (event->reach != PAR_REACH_USER) {
		sweep_want(core);
		return;
	}
	user = user_find(core, event->user);
	if (user == NULL)
		return;
	LIST_FOREACH(session, &user->sessions, of_user)
		stream_doubt(core, session);
}

/* The observers of roster_changed. */
static void delivery_tell_roster(struct core *core, const struct par_tx *tx)
{
	unsigned i;

	if (core->registry.hooks[PAR_HOOK_ROSTER_CHANGED] == NULL || tx->error != PAR_OK)
		return;
	for (i = 0; i < tx->n_ops; i++) {
		const struct par_op *op = &tx->ops[i];
		struct par_hook_call call = { .subject = op };

		if (op->kind != PAR_OP_ROSTER || !op->result.applied)
			continue;
		call.user = op->u.roster.chat.user;
		hooks_tell(core, PAR_HOOK_ROSTER_CHANGED, &call);
	}
}

void delivery_tx(struct core *core, const struct par_tx *tx)
{
	bool doubt = tx->error == PAR_E_UNAVAILABLE || tx->error == PAR_E_INTERNAL;
	unsigned i;

	for (i = 0; i < tx->n_ops; i++) {
		if (tx->ops[i].kind != PAR_OP_EVENT)
			continue;
		if (doubt)
			delivery_doubt(core, &tx->ops[i].u.event);
		else if (tx->error == PAR_OK && tx->ops[i].result.applied)
			delivery_event(core, &tx->ops[i]);
	}
	delivery_tell_roster(core, tx);
}

static void delivery_tell_acked(struct core *core, const struct session *session, uint64_t seq)
{
	struct par_hook_call call = { .session = session->id,
				      .user = user_id(session->user),
				      .device = session_device(session),
				      .seq = seq };

	if (core->registry.hooks[PAR_HOOK_EVENT_ACKED] != NULL)
		hooks_tell(core, PAR_HOOK_EVENT_ACKED, &call);
}

void delivery_ack(struct core *core, struct session *session, uint64_t event_id)
{
	uint64_t seq;

	if (!window_ack(&session->window, event_id, &seq)) {
		/* an ephemeral event's id is none of the window's */
		metric_add(core->count.acks_ignored, 1);
		return;
	}
	metric_add(core->count.acks, 1);
	session->redeliveries = 0;
	if (window_acked_below(&session->window, session->sent_seq) >= seq)
		session->oldest_since = core->mono_us;
	cursor_moved(core, session);
	delivery_tell_acked(core, session, seq);
	stream_continue(core, session);
}
