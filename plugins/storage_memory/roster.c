/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ROSTER: groups, and who is in them; and MEMBERS. What is allowed and what comes of it is
 * decided by storage_common/roster.h; here its steps are carried out.
 */
#include <stdlib.h>
#include <string.h>

#include "../storage_common/page.h"
#include "../storage_common/roster.h"
#include "memory.h"

static void member_unlist(struct memory *m, void *arg)
{
	struct member *member = arg;

	(void)m;
	user_remove_chat(member->user, member);
}

static void member_relist(struct memory *m, void *arg)
{
	struct member *member = arg;

	(void)m;
	user_add_chat(member->user, member);
}

/* Everything of a member that joining and leaving changes. */
static void member_remember(struct memory *m, struct member *member)
{
	undo_bytes(m, member, offsetof(struct member, hidden));
	undo_bytes(m, &member->chat->n_in, sizeof(member->chat->n_in));
}

static void member_join(struct memory *m, struct chat *chat, const struct roster_step *step,
			bool history, uint64_t now)
{
	struct member *member = member_get(m, chat, step->user, chat->key);

	member_remember(m, member);
	member->in = true;
	member->role = step->role;
	member->joined = now;
	member->since = history ? 0 : chat->n;
	member->read = member->delivered = chat->n;
	member->read_at = member->delivered_at = 0;
	member->missed = member->theirs = 0;
	member->order = ++m->order;
	chat->n_in++;
	user_add_chat(member->user, member);
	undo_call(m, member_unlist, member);
}

static void member_go(struct memory *m, struct member *member)
{
	member_remember(m, member);
	undo_bytes(m, &member->hidden, sizeof(member->hidden));
	undo_bytes(m, &member->n_hidden, sizeof(member->n_hidden));
	undo_free_later(m, member->hidden);
	member->hidden = NULL;
	member->n_hidden = 0;
	member->in = false;
	member->chat->n_in--;
	user_remove_chat(member->user, member);
	undo_call(m, member_relist, member);
}

static void name_unmake(struct memory *m, void *arg)
{
	(void)m;
	free(arg);
}

static void chat_rename(struct memory *m, struct chat *chat, struct par_str name)
{
	char *block = memory_alloc(name.len + 1), *at = block;

	undo_call(m, name_unmake, block);
	undo_bytes(m, &chat->name, sizeof(chat->name));
	undo_free_later(m, (char *)chat->name.s);
	chat->name = memory_copy(&at, name);
}

/* From here on it is not there; PRUNE drops what it held. */
static void chat_delete(struct memory *m, struct chat *chat)
{
	undo_bytes(m, &chat->deleted, sizeof(chat->deleted));
	undo_bytes(m, &m->deleted, sizeof(m->deleted));
	chat->deleted = true;
	chat->next_deleted = m->deleted;
	m->deleted = chat;
}

/* The group as it is; its members are the caller's to free. */
static struct roster_member *roster_read(const struct chat *chat, struct roster *r)
{
	struct roster_member *members;
	unsigned i;

	memset(r, 0, sizeof(*r));
	if (chat == NULL || !chat->there)
		return NULL;
	r->exists = true;
	r->name = chat->name;
	members = memory_alloc(chat->n_in * sizeof(*members) + 1);
	r->members = members;
	for (i = 0; i < chat->n_members; i++) {
		const struct member *member = chat->members[i];
		if (!member->in)
			continue;
		members[r->n].user = member->user->name;
		members[r->n].role = member->role;
		members[r->n++].joined = member->joined;
	}
	return members;
}

static void roster_carry_out(struct memory *m, struct chat *chat, const struct par_op *op,
			     const struct roster_verdict *v)
{
	const struct par_op_roster *roster = &op->u.roster;
	unsigned i;

	for (i = 0; i < v->n_steps; i++) {
		const struct roster_step *step = &v->steps[i];
		struct member *member = chat_member(chat, step->user);

		if (step->move == ROSTER_JOINS) {
			member_join(m, chat, step, roster->history, op->result.timestamp);
		} else if (step->move == ROSTER_GOES) {
			member_go(m, member);
		} else {
			undo_bytes(m, &member->role, sizeof(member->role));
			member->role = step->role;
		}
	}
	if (v->renamed || roster->kind == PAR_ROSTER_CREATE)
		chat_rename(m, chat, roster->name);
	if (v->deleted)
		chat_delete(m, chat);
}

static struct chat *roster_create_chat(struct memory *m, struct chat *chat, struct par_str key)
{
	if (chat == NULL)
		chat = chat_new(m, key);
	undo_bytes(m, &chat->there, sizeof(chat->there));
	chat->there = true;
	return chat;
}

bool op_roster(struct memory *m, struct par_tx *tx, struct par_op *op)
{
	const struct par_op_roster *roster = &op->u.roster;
	struct chat *chat = chat_find(m, roster->chat.key);
	struct roster before;
	struct roster_member *members = roster_read(chat, &before);
	struct roster_step *room = memory_alloc(roster_room(roster, before.n) * sizeof(*room));
	struct roster_verdict v;

	roster_decide(roster, &before, room, &v);
	if (v.error == PAR_OK) {
		op->result.timestamp = cursor_max(tx->now, chat == NULL ? 0 : chat->last_time);
		roster_result(m->api, tx, op, &before, &v);
		if (roster->kind == PAR_ROSTER_CREATE)
			chat = roster_create_chat(m, chat, roster->chat.key);
		roster_carry_out(m, chat, op, &v);
	}
	free(members);
	free(room);
	return v.error == PAR_OK || memory_fail(tx, v.error, v.message);
}

static void member_row(const struct member *member, struct par_member *row)
{
	row->user = member->user->name;
	row->role = member->role;
	row->joined = member->joined;
	row->delivered = member->delivered;
	row->delivered_at = member->delivered_at;
	row->read = member->read;
	row->read_at = member->read_at;
}

void query_members(struct memory *m, struct par_query *q)
{
	struct chat *chat = chat_find(m, q->chat.key);
	size_t bytes = 0;
	unsigned i = 0;

	if (!par_chat_is_group(&q->chat) || chat == NULL || chat->n_in == 0 ||
	    (q->chat.user.s != NULL && chat_member(chat, q->chat.user) == NULL)) {
		q->error = PAR_E_NOT_FOUND;
		q->message = "there is no such chat";
		return;
	}
	q->members = m->api->query_alloc(q, q->limit * sizeof(*q->members) + 1);
	if (q->after_key.s != NULL)
		i = member_place(chat, q->after_key);
	for (; i < chat->n_members && !q->has_more; i++) {
		const struct member *member = chat->members[i];
		if (!member->in ||
		    (q->after_key.s != NULL && par_str_equal(member->user->name, q->after_key)))
			continue;
		if (page_add(q, &bytes, member->user->name.len))
			member_row(member, &q->members[q->n - 1]);
	}
}
