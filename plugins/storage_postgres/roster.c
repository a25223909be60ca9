/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ROSTER: makes a group, and changes who is in it. All its members are loaded, and the users who
 * may join are there. What is allowed, and what comes of it, storage_common/roster.h says.
 */
#include <stdlib.h>

#include "../storage_common/roster.h"
#include "ops.h"

static int by_user(const void *a, const void *b)
{
	return str_order(((const struct roster_member *)a)->user,
			 ((const struct roster_member *)b)->user);
}

static void roster_of(struct world *w, const struct chat *chat, struct roster *roster)
{
	struct roster_member *members = world_alloc(w, chat->n_members * sizeof(*members));
	unsigned i;

	for (i = 0; i < chat->n_members; i++) {
		const struct member *member = &chat->members[i];
		members[i].user = member->user->name;
		members[i].role = member->role;
		members[i].joined = member->joined;
	}
	if (chat->n_members > 1)
		qsort(members, chat->n_members, sizeof(*members), by_user);
	roster->exists = chat->name.s != NULL || chat->gone;
	roster->name = chat->name;
	roster->members = members;
	roster->n = chat->n_members;
}

static void member_join(struct world *w, struct chat *chat, struct user *user, bool history,
			enum par_role role, uint64_t timestamp)
{
	struct member *member = world_member(w, chat);

	member->user = user;
	member->user_id = user->id;
	member->read = member->delivered = chat->last_id;
	member->since = history ? 0 : chat->last_id;
	member->joined = timestamp;
	member->role = role;
	member->rank = ++user->rank;
	member->is_new = true;
	user->changed = true;
}

static void message_unhide(struct message *message, int64_t user_id)
{
	struct hidden **hidden = &message->hidden;

	while (*hidden != NULL && (*hidden)->user_id != user_id)
		hidden = &(*hidden)->next;
	if (*hidden != NULL)
		*hidden = (*hidden)->next;
}

/* What he had hidden is hidden from him no more. */
static void forget_hidden(struct world *w, const struct chat *chat, int64_t user_id)
{
	struct hidden **new = &w->hides;
	struct message *message;
	uint64_t i;

	while (*new != NULL) {
		if ((*new)->user_id == user_id && (*new)->message->chat == chat)
			*new = (*new)->next_new;
		else
			new = &(*new)->next_new;
	}
	for (message = w->messages; message != NULL; message = message->hh.next) {
		if (message->chat == chat)
			message_unhide(message, user_id);
	}
	for (i = chat->loaded_id; i < chat->last_id; i++)
		message_unhide(chat->added[i - chat->loaded_id], user_id);
}

static void member_go(struct world *w, const struct chat *chat, const struct member *member)
{
	struct dropped *dropped = world_alloc(w, sizeof(*dropped));

	forget_hidden(w, chat, member->user_id);
	dropped->chat_id = chat->id;
	dropped->user_id = member->user_id;
	dropped->next = w->dropped;
	w->dropped = dropped;
}

/* Carries out the steps of those who are in it; they are kept in their order. */
static void members_step(struct world *w, struct chat *chat)
{
	unsigned i, n = 0;

	for (i = 0; i < chat->n_members; i++) {
		struct member *member = &chat->members[i];
		const struct roster_step *step = member->user->step;

		if (step != NULL && step->move == ROSTER_GOES) {
			member_go(w, chat, member);
			continue;
		}
		if (step != NULL) {
			member->role = step->role;
			member->promoted = true;
		}
		if (n < i)
			chat->members[n] = *member;
		n++;
	}
	chat->n_members = n;
}

/* False when somebody who is to join is not known: his row is gone since it was made. */
static bool steps_begin(struct world *w, const struct roster_verdict *v)
{
	bool known = true;
	unsigned i;

	for (i = 0; i < v->n_steps; i++) {
		struct user *user = world_user(w, v->steps[i].user);
		user->step = &v->steps[i];
		known = known && user->id != 0;
	}
	return known;
}

static void steps_end(struct world *w, const struct roster_verdict *v)
{
	unsigned i;

	for (i = 0; i < v->n_steps; i++)
		world_user(w, v->steps[i].user)->step = NULL;
}

static void roster_apply(struct world *w, struct chat *chat, const struct par_op_roster *op,
			 const struct roster_verdict *v, uint64_t timestamp)
{
	const struct par_str none = { NULL, 0 };
	unsigned i;

	members_step(w, chat);
	for (i = 0; i < v->n_steps; i++) {
		if (v->steps[i].move == ROSTER_JOINS)
			member_join(w, chat, world_user(w, v->steps[i].user), op->history,
				    v->steps[i].role, timestamp);
	}
	if (v->renamed || op->kind == PAR_ROSTER_CREATE)
		chat->name = op->name;
	if (v->deleted) {
		chat->name = none;
		chat->gone = true;
	}
	chat->remade = true;
}

bool op_roster(struct world *w, struct par_tx *tx, struct par_op *op, const struct need *need)
{
	const struct par_op_roster *roster = &op->u.roster;
	struct chat *chat = need->chat;
	struct roster before;
	struct roster_verdict v;
	bool known;

	roster_of(w, chat, &before);
	roster_decide(roster, &before,
		      world_alloc(w, roster_room(roster, before.n) * sizeof(*v.steps)), &v);
	if (v.error != PAR_OK)
		return tx_refuse(tx, v.error, v.message);
	known = steps_begin(w, &v) && chat->id != 0;
	op->result.timestamp = cursor_max(tx->now, chat->last_time);
	if (known && v.applied)
		roster_apply(w, chat, roster, &v, op->result.timestamp);
	steps_end(w, &v);
	if (!known)
		return tx_refuse(tx, PAR_E_UNAVAILABLE, "the group was dropped meanwhile");
	roster_result(w->api, tx, op, &before, &v);
	return true;
}
