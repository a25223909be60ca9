/* SPDX-License-Identifier: BSD-2-Clause */
/* ROSTER: what storage_common/roster.h decides, carried out; and who is in a group (MEMBERS). */
#include "../storage_common/roster.h"
#include "../storage_common/page.h"
#include "ops.h"

/* The group as it is; chat NULL: there is none. */
static void roster_read(struct db *db, struct par_tx *tx, const struct par_op_roster *roster,
			const struct chat *chat, struct roster *before)
{
	struct roster_member *members;
	unsigned i;

	memset(before, 0, sizeof(*before));
	if (chat == NULL) {
		before->exists =
		    roster->kind == PAR_ROSTER_CREATE && group_taken(db, roster->chat.key);
		return;
	}
	members = db->api->tx_alloc(tx, chat->n_members * sizeof(*members) + 1);
	for (i = 0; i < chat->n_members; i++) {
		members[i].user = chat->members[i].user->name;
		members[i].role = chat->members[i].role;
		members[i].joined = chat->members[i].joined;
	}
	before->exists = true;
	before->name = chat->name;
	before->members = members;
	before->n = chat->n_members;
}

static bool roster_take_step(struct db *db, struct chat *chat, const struct par_op *op,
			     const struct roster_step *step)
{
	switch (step->move) {
	case ROSTER_JOINS:
		return group_join(db, chat, step->user, step->role, op->result.timestamp,
				  op->u.roster.history);
	case ROSTER_GOES:
		return group_go(db, chat, chat_member(chat, step->user));
	case ROSTER_ROLE:
		return group_set_role(db, chat, chat_member(chat, step->user), step->role);
	}
	return true;
}

/* Names in the verdict may be those of members who go, whose users stay in the cache. */
static bool roster_apply(struct db *db, struct chat *chat, const struct par_op *op,
			 const struct roster_verdict *v)
{
	unsigned i;

	if (chat == NULL)
		chat = group_make(db, op->u.roster.chat.key, op->u.roster.new_name);
	else if (v->renamed && !group_rename(db, chat, op->u.roster.new_name))
		return false;
	if (chat == NULL)
		return false;
	for (i = 0; i < v->n_steps; i++) {
		if (!roster_take_step(db, chat, op, &v->steps[i]))
			return false;
	}
	if (v->deleted)
		return group_delete(db, chat);
	return v->n_steps == 0 || group_settle(db, chat);
}

bool op_roster(struct db *db, struct par_tx *tx, struct par_op *op)
{
	const struct par_op_roster *roster = &op->u.roster;
	struct chat *chat = NULL;
	struct roster_verdict verdict;
	struct roster_step *room;
	struct roster before;

	if (par_chat_is_group(&roster->chat))
		chat = chat_find(db, roster->chat.key);
	else if (roster->kind == PAR_ROSTER_CREATE)
		return tx_refuse(tx, PAR_E_INTERNAL, "the id of a group begins with grp_");
	roster_read(db, tx, roster, chat, &before);
	if (db->error != SQLITE_OK)
		return false;
	room = db->api->tx_alloc(tx, roster_room(roster, before.n) * sizeof(*room));
	roster_decide(roster, &before, room, &verdict);
	if (verdict.error != PAR_OK)
		return tx_refuse(tx, verdict.error, verdict.message);
	op->result.timestamp = cursor_max(tx->now, chat == NULL ? 0 : chat->last_time);
	roster_result(db->api, tx, op, &before, &verdict);
	return !verdict.applied || roster_apply(db, chat, op, &verdict);
}

/* The first member behind `after`. */
static unsigned members_behind(const struct chat *chat, struct par_str after)
{
	unsigned low = 0, high = after.s == NULL ? 0 : chat->n_members;

	while (low < high) {
		unsigned middle = low + (high - low) / 2;
		if (str_order(chat->members[middle].user->name, after) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void member_row(struct db *db, struct par_query *q, const struct member *member,
		       struct par_member *row)
{
	row->user = db_query_copy(db, q, member->user->name);
	row->role = member->role;
	row->joined = member->joined;
	row->delivered = member->delivered;
	row->delivered_at = member->delivered_at;
	row->read = member->read;
	row->read_at = member->read_at;
}

void query_members(struct db *db, struct par_query *q)
{
	struct chat *chat = par_chat_is_group(&q->chat) ? chat_find(db, q->chat.key) : NULL;
	size_t bytes = 0;
	unsigned i;

	if (chat == NULL || (q->chat.user.s != NULL && chat_member(chat, q->chat.user) == NULL)) {
		query_refuse(q, PAR_E_NOT_FOUND, "there is no such chat");
		return;
	}
	i = members_behind(chat, q->after_key);
	q->members = db->api->query_alloc(
	    q, cursor_min(q->limit, chat->n_members - i) * sizeof(*q->members) + 1);
	for (; i < chat->n_members && page_add(q, &bytes, chat->members[i].user->name.len); i++)
		member_row(db, q, &chat->members[i], &q->members[q->n - 1]);
}
