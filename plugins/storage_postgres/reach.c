/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * EVENT to many: whom it reaches, and the next of each one's stream. The template is filled once;
 * what differs between the receivers is a number, which PostgreSQL puts behind it.
 */
#include <string.h>

#include <parlance/storage_fill.h>

#include "ops.h"

/* Room for the member `missed`. */
#define MISSED_LEN 32

/* Those whom an event reaches, each with what is unread by him. */
struct reach {
	struct world *w;
	struct par_tx *tx;
	const struct par_op_event *event;
	const struct need *need;
	struct shared *shared;
};

/* How many it can be at most. */
static size_t reach_room(const struct reach *reach)
{
	size_t n = reach->need->chat->n_members;

	if (reach->event->reach == PAR_REACH_CHANGED)
		n += reach->tx->ops[reach->event->of].u.roster.n_changed;
	return n;
}

static void reach_user(struct reach *reach, struct user *user, const struct member *member)
{
	const struct par_op_event *event = reach->event;
	struct shared *shared = reach->shared;
	struct share *share;

	if (event->but.s != NULL && par_str_equal(user->name, event->but))
		return;
	if (user == reach->need->user) {
		if (!event->always && !event_other_device(reach->need, event->origin_device))
			return;
		shared->own = user;
	}
	share = &shared->shares[shared->n++];
	share->user = user;
	share->missed = member == NULL || !event->missed ? 0 : member->missed;
}

/* The members who are noted, or those who are not. None of them is noted after that. */
static void reach_members(struct reach *reach, unsigned note, bool noted)
{
	const struct chat *chat = reach->need->chat;
	unsigned i;

	for (i = 0; i < chat->n_members; i++) {
		const struct member *member = &chat->members[i];
		if ((member->user->noted == note) == noted)
			reach_user(reach, member->user, member);
		member->user->noted = 0;
	}
}

/* Notes those whom the ROSTER changed. */
static unsigned note_changed(struct reach *reach)
{
	const struct par_op *of = &reach->tx->ops[reach->event->of];
	unsigned note = ++reach->w->notes, i;

	for (i = 0; of->result.applied && i < of->u.roster.n_changed; i++)
		world_user(reach->w, of->u.roster.changed[i])->noted = note;
	return note;
}

/* Some of them are members, and some are no more. */
static void reach_changed(struct reach *reach)
{
	const struct par_op *of = &reach->tx->ops[reach->event->of];
	unsigned note = note_changed(reach), i;

	reach_members(reach, note, true);
	for (i = 0; of->result.applied && i < of->u.roster.n_changed; i++) {
		struct user *user = world_user(reach->w, of->u.roster.changed[i]);
		if (user->noted == note)
			reach_user(reach, user, NULL);
	}
}

/* Notes those who wrote what the mark covers: the messages of this batch, then those before.
 * Ids have no holes, so those looked at are the last ids of it. */
static unsigned note_authors(struct reach *reach, const struct mark *mark)
{
	const struct chat *chat = reach->need->chat;
	unsigned note = ++reach->w->notes, i;
	const struct author *author = mark->authors;
	uint64_t id = mark->to, from = mark->from;

	if (id > PAR_AUTHORS_LOOK)
		from = cursor_max(from, id - PAR_AUTHORS_LOOK);
	for (; id > cursor_max(from, chat->loaded_id); id--) {
		int64_t sender = chat->added[id - chat->loaded_id - 1]->sender;
		for (i = 0; i < chat->n_members; i++) {
			if (chat->members[i].user_id == sender)
				chat->members[i].user->noted = note;
		}
	}
	for (; author != NULL && author->id > from; author = author->next)
		author->user->noted = note;
	mark->user->noted = 0;
	return note;
}

/* False when it is refused. */
static bool reach_all(struct reach *reach, const struct need *needs)
{
	const struct par_op_event *event = reach->event;
	const struct par_op *of = &reach->tx->ops[event->of];
	const struct need *need = reach->need;

	switch (event->reach) {
	case PAR_REACH_USER:
		break;
	case PAR_REACH_MEMBERS:
		if (chat_member(need->chat, need->user) == NULL)
			return tx_refuse(reach->tx, PAR_E_NOT_FOUND, "there is no such chat");
		reach_members(reach, ++reach->w->notes, false);
		break;
	case PAR_REACH_CHANGED:
		reach_changed(reach);
		break;
	case PAR_REACH_OTHERS:
		reach_members(reach, note_changed(reach), false);
		break;
	case PAR_REACH_AUTHORS:
		if (of->result.applied && needs[event->of].mark != NULL)
			reach_members(reach, note_authors(reach, needs[event->of].mark), true);
		break;
	}
	return true;
}

/* The operation that it tells of, where there must be one. */
static bool reach_good(const struct par_tx *tx, const struct par_op *op, const struct need *need)
{
	const struct par_op_event *event = &op->u.event;
	enum par_op_kind kind;

	if (!need->chat->group)
		return false;
	if (event->reach == PAR_REACH_MEMBERS)
		return true;
	if (&tx->ops[event->of] >= op)
		return false;
	kind = tx->ops[event->of].kind;
	return kind == (event->reach == PAR_REACH_AUTHORS ? PAR_OP_MARK : PAR_OP_ROSTER);
}

/* Numbers them, and says so in the operation, with names that live as long as the tx. */
static void reach_number(struct reach *reach, struct par_op_event *event)
{
	struct shared *shared = reach->shared;
	size_t bytes = 0;
	unsigned i;
	char *at;

	for (i = 0; i < shared->n; i++)
		bytes += shared->shares[i].user->name.len;
	event->receivers =
	    reach->w->api->tx_alloc(reach->tx, shared->n * sizeof(*event->receivers) + bytes);
	event->n_receivers = shared->n;
	at = (char *)(event->receivers + shared->n);
	for (i = 0; i < shared->n; i++) {
		struct share *share = &shared->shares[i];
		struct par_receiver *receiver = &event->receivers[i];
		struct par_str name = share->user->name;

		event_number(reach->tx, share->user, &share->seq, &share->at);
		receiver->user.s = memcpy(at, name.s, name.len);
		receiver->user.len = name.len;
		receiver->seq = share->seq;
		receiver->missed = share->missed;
		at += name.len;
	}
}

bool op_reach(struct world *w, struct par_tx *tx, struct par_op *op, const struct need *need,
	      const struct need *needs)
{
	struct par_op_event *event = &op->u.event;
	struct reach reach = { w, tx, event, need, world_alloc(w, sizeof(*reach.shared)) };
	struct shared *shared = reach.shared;
	struct par_json *out;

	if (!reach_good(tx, op, need))
		return tx_refuse(tx, PAR_E_INTERNAL, "an event reaches whom nothing names");
	shared->op = event;
	shared->shares = world_alloc(w, reach_room(&reach) * sizeof(*shared->shares));
	if (!reach_all(&reach, needs))
		return false;
	if (shared->n == 0)
		return true;
	out = world_writer(w);
	par_event_fill(tx, op, 0, out);
	if (out->failed || (event->missed && out->len + MISSED_LEN > PAR_JSON_LIMIT))
		return tx_refuse(tx, PAR_E_TOO_LARGE, "an event became too large");
	event->data = w->api->event_data_new(event->type, par_json_text(out));
	shared->payload = w->api->event_data_payload(event->data);
	reach_number(&reach, event);
	*w->shared_end = shared;
	w->shared_end = &shared->next;
	op->result.applied = true;
	return true;
}
