/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a long run does next, by chance. Numbers are chosen from small ranges, so that resends,
 * conflicts and refusals are common.
 */
#include "long_run.h"

static void choose_append(struct plan_op *op)
{
	op->client = below(14);
	op->text = 1 + below(2);
	op->call = op->client == 0 && one_in(4);
	op->attachments = op->client % 3 == 1;
	if (one_in(6))
		op->reply_to = 1 + below(model_chat(&model, op->user, op->peer)->n + 1);
	op->forward_peer = one_in(2) ? op->peer : below(M_PEERS);
	if (one_in(6))
		op->forward = 1 + below(model_chat(&model, op->user, op->forward_peer)->n + 1);
}

static void choose_change(struct plan_op *op)
{
	static const enum par_change_kind kinds[] = { PAR_CHANGE_EDIT, PAR_CHANGE_EDIT,
						      PAR_CHANGE_DELETE, PAR_CHANGE_HIDE };

	op->change = kinds[below(4)];
	if (op->change == PAR_CHANGE_EDIT) {
		op->client = one_in(2) ? 20 + below(6) : 0;
		op->text = below(3) * 10;
		op->attachments = op->text == 0 || one_in(3) ? 1 + below(3) : 0;
	}
	if (one_in(5))
		op->target_client = 1 + below(13);
	else
		op->target = 1 + below(model_chat(&model, op->user, op->peer)->n + 2);
}

static void choose_event(struct plan_op *op, unsigned i, const struct plan_op *all)
{
	static unsigned number;
	int about = i == 0 ? -1 : (int)below(i);

	op->about = -1;
	op->number = ++number;
	op->own = one_in(3);
	op->always = one_in(4);
	op->device = below(M_DEVICES);
	op->session = 1 + below(1000);
	if (about >= 0 && all[about].kind <= PAR_OP_MARK && one_in(2))
		op->about = op->when = about; /* what was not applied has nothing to tell */
}

static void choose_roster(struct plan_op *op)
{
	const struct model_chat *chat = model_chat(&model, op->user, op->peer);
	static const enum par_roster_kind kinds[] = { PAR_ROSTER_NAME,   PAR_ROSTER_ADD,
						      PAR_ROSTER_ADD,    PAR_ROSTER_ADD,
						      PAR_ROSTER_REMOVE, PAR_ROSTER_ROLE,
						      PAR_ROSTER_ROLE,   PAR_ROSTER_LEAVE };

	op->roster = kinds[below(sizeof(kinds) / sizeof(kinds[0]))];
	if (!chat->group.there || one_in(20))
		op->roster = PAR_ROSTER_CREATE;
	else if (one_in(20))
		op->roster = PAR_ROSTER_DELETE;
	op->users = below(1u << M_USERS);
	if (op->roster != PAR_ROSTER_ADD && op->roster != PAR_ROSTER_CREATE && one_in(2))
		op->users = 1u << below(M_USERS);
	op->name = 1 + below(3);
	op->role = below(3);
	op->max_members = one_in(4) ? 1 + below(M_USERS) : M_USERS;
	op->history = one_in(3);
}

static void choose_cursor(struct plan_op *op)
{
	const struct model_user *user = &model.users[op->user];
	const struct model_device *device;
	uint64_t seq;

	op->device = below(M_DEVICES);
	device = &user->devices[op->device];
	op->acked = one_in(4) ? below(user->last_seq + 1) : device->acked + below(12);
	if (op->acked > user->last_seq)
		op->acked = user->last_seq;
	op->sent = op->acked + below(20);
	for (seq = op->acked + 2; seq <= user->last_seq && op->n_above < M_ABOVE; seq++) {
		if (one_in(5))
			op->above[op->n_above++] = seq;
	}
	op->closed = device->connected && one_in(2);
}

/* In the chat with a user, or in a group if that is not 0. */
static void choose_op(struct plan *plan, enum par_op_kind kind, unsigned group)
{
	unsigned i = plan->n_ops++;
	struct plan_op *op = &plan->op[i];

	*op = (struct plan_op){ .kind = kind, .when = -1, .but = -1, .user = below(M_USERS) };
	op->peer = one_in(8) ? op->user : below(M_USERS);
	if (group != 0)
		op->peer = group;
	if (i > 0 && one_in(4))
		op->when = (int)below(i);
	op->key = below(M_DOCS);
	op->value = 1 + below(50);
	op->expects = one_in(3);
	op->expected = one_in(4) ? below(51) : model.docs[op->key];
	if (kind == PAR_OP_APPEND)
		choose_append(op);
	else if (kind == PAR_OP_ROSTER)
		choose_roster(op);
	else if (kind == PAR_OP_CHANGE)
		choose_change(op);
	else if (kind == PAR_OP_EVENT)
		choose_event(op, i, plan->op);
	else if (kind == PAR_OP_CURSOR)
		choose_cursor(op);
	op->mark = one_in(2) ? PAR_MARK_READ : PAR_MARK_DELIVERED;
	op->upto = one_in(2) ? 0 : below(model_chat(&model, op->user, op->peer)->n + 2);
}

/* As the messaging plugin does it: a message, a mark, an event for each side. */
static void choose_new(struct plan *plan)
{
	struct plan_op *op = plan->op;
	unsigned i;

	choose_op(plan, PAR_OP_APPEND, 0);
	choose_op(plan, PAR_OP_MARK, 0);
	choose_op(plan, PAR_OP_EVENT, 0);
	choose_op(plan, PAR_OP_EVENT, 0);
	for (i = 1; i < 4; i++) {
		op[i].user = op[0].user;
		op[i].peer = op[0].peer;
		op[i].when = op[i].about = 0;
	}
	op[1].upto = 0;
	op[2].user = op[0].peer;
	op[2].own = false;
	op[3].own = true;
}

void choose_tx(struct plan *plan)
{
	static const enum par_op_kind kinds[] = { PAR_OP_APPEND,  PAR_OP_APPEND,    PAR_OP_CHANGE,
						  PAR_OP_CHANGE,  PAR_OP_MARK,      PAR_OP_MARK,
						  PAR_OP_EVENT,   PAR_OP_EVENT,     PAR_OP_CURSOR,
						  PAR_OP_DOC_PUT, PAR_OP_DOC_DELETE };
	unsigned n = 1 + below(4);

	if (one_in(3)) {
		choose_new(plan);
		return;
	}
	while (n-- > 0)
		choose_op(plan, kinds[below(sizeof(kinds) / sizeof(kinds[0]))], 0);
}

static void choose_keys(struct plan *plan)
{
	unsigned i;

	plan->n_keys = below(M_KEYS + 1);
	for (i = 0; i < plan->n_keys; i++)
		plan->keys[i] = below(M_DOCS + 1);
	if (one_in(2))
		plan->max_bytes = below(20);
}

/* From, or up to, somewhere in the chat. */
static void choose_part(struct plan *plan)
{
	uint64_t id = 1 + below(model_chat(&model, plan->user, plan->peer)->n + 2);

	if (one_in(2))
		plan->start_id = id;
	else if (one_in(2))
		plan->end_id = id;
}

void choose_query(struct plan *plan)
{
	static const enum par_query_kind kinds[] = { PAR_QUERY_DEVICE,   PAR_QUERY_EVENTS,
						     PAR_QUERY_EVENTS,   PAR_QUERY_MESSAGES,
						     PAR_QUERY_MESSAGES, PAR_QUERY_CHATS,
						     PAR_QUERY_CHAT,     PAR_QUERY_DOC_SCAN,
						     PAR_QUERY_DOCS };

	plan->query = kinds[below(sizeof(kinds) / sizeof(kinds[0]))];
	plan->user = below(M_USERS);
	plan->peer = below(M_USERS);
	plan->device = below(M_DEVICES);
	plan->limit = one_in(2) ? 1000 : 1 + below(20);
	plan->max_bytes = 1 << 20;
	if (plan->query == PAR_QUERY_DEVICE)
		plan->limit = 0;
	if (plan->query == PAR_QUERY_DOC_SCAN)
		plan->limit = M_DOCS + 1;
	if (plan->query == PAR_QUERY_DOCS)
		choose_keys(plan);
	if (plan->query == PAR_QUERY_EVENTS) {
		plan->after = one_in(2) ? model.users[plan->user].devices[plan->device].acked
					: below(model.users[plan->user].last_seq + 1);
		plan->max_bytes = one_in(2) ? 1 << 20 : 1 + below(500);
	}
	if (plan->query == PAR_QUERY_MESSAGES)
		choose_part(plan);
	if (plan->query == PAR_QUERY_CHATS && one_in(2)) {
		plan->behind = true;
		plan->peer = below(M_PEERS);
	}
}

/* An event to many, of the last operation that it can tell of. */
static void choose_reach(struct plan *plan, unsigned group)
{
	struct plan_op *op = &plan->op[plan->n_ops];
	int of = (int)plan->n_ops - 1;

	choose_op(plan, PAR_OP_EVENT, group);
	op->about = op->when = -1;
	op->reach = PAR_REACH_MEMBERS;
	op->missed = one_in(2);
	op->but = one_in(6) ? (int)below(M_USERS) : -1;
	while (of > 0 && plan->op[of].kind == PAR_OP_EVENT)
		of--;
	if (one_in(8) || plan->op[of].kind > PAR_OP_ROSTER || plan->op[of].peer != group)
		return;
	op->user = plan->op[of].user;
	if (plan->op[of].kind == PAR_OP_MARK)
		op->reach = PAR_REACH_AUTHORS;
	else if (plan->op[of].kind == PAR_OP_ROSTER)
		op->reach = one_in(2) ? PAR_REACH_CHANGED : PAR_REACH_OTHERS;
	else if (plan->op[of].kind != PAR_OP_APPEND && plan->op[of].kind != PAR_OP_CHANGE)
		return;
	op->of = (unsigned)of;
	op->about = op->when = of;
}

/* Each transaction begins with an operation on the group. */
void choose_group_tx(struct plan *plan, unsigned group)
{
	static const enum par_op_kind kinds[] = { PAR_OP_APPEND, PAR_OP_APPEND, PAR_OP_CHANGE,
						  PAR_OP_MARK,   PAR_OP_MARK,   PAR_OP_ROSTER };
	unsigned n = below(5);

	choose_op(plan, kinds[below(sizeof(kinds) / sizeof(kinds[0]))], group);
	while (n-- > 0) {
		unsigned what = below(6);
		if (what < 3)
			choose_reach(plan, group);
		else if (what == 3)
			choose_op(plan, kinds[below(sizeof(kinds) / sizeof(kinds[0]))], group);
		else if (what == 4)
			choose_op(plan, PAR_OP_APPEND, 0);
		else
			choose_op(plan, one_in(2) ? PAR_OP_DOC_PUT : PAR_OP_EVENT, 0);
	}
}

void choose_group_query(struct plan *plan, unsigned group)
{
	static const enum par_query_kind kinds[] = { PAR_QUERY_MESSAGES, PAR_QUERY_MEMBERS,
						     PAR_QUERY_CHAT };

	choose_query(plan);
	plan->query = kinds[below(3)];
	plan->peer = group;
	plan->after = plan->start_id = plan->end_id = 0;
	plan->behind = false;
	if (plan->query == PAR_QUERY_MESSAGES)
		choose_part(plan);
	plan->max_bytes = 1 << 20;
	plan->limit = one_in(2) ? 1000 : 1 + below(M_USERS);
}
