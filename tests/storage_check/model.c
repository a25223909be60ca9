/* SPDX-License-Identifier: BSD-2-Clause */
/* The model's messages, marks and documents, and its transactions; see model.h. */
#include "model.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define BIT(error) (1u << (error))

/* --- names --- */

const char *model_user(const struct model *m, unsigned user)
{
	if (user >= M_USERS)
		return store_format(&store, "grp_r%ug%u", m->round, user - M_USERS);
	return store_format(&store, "r%uu%u", m->round, user);
}

const char *model_device(unsigned device)
{
	static const char *const names[M_DEVICES] = { "phone", "laptop", "tablet" };

	return names[device];
}

static const char *named(const char *prefix, unsigned number)
{
	return number == 0 ? NULL : store_format(&store, "%s%u", prefix, number);
}

const char *model_client(unsigned client)
{
	return named("c", client);
}

const char *model_text(unsigned text)
{
	return named("text ", text);
}

const char *model_attachments(unsigned attachments)
{
	return attachments == 0 ? NULL : store_format(&store, "[%u]", attachments);
}

const char *model_plugin(const struct model *m)
{
	return store_format(&store, "p%u", m->round);
}

/* --- finding --- */

void model_begin(struct model *m, unsigned round)
{
	uint64_t clock = m->clock; /* the storage goes on */
	unsigned i, j, n = 0;

	memset(m, 0, sizeof(*m));
	m->round = round;
	m->clock = clock;
	for (i = 0; i < M_USERS; i++) {
		m->users[i].first_min = m->users[i].first_max = 1;
		for (j = i; j < M_USERS; j++) {
			m->chats[n].users[0] = i;
			m->chats[n].users[1] = j;
			m->chats[n++].n_users = i == j ? 1 : 2;
		}
	}
	for (; n < M_CHATS; n++) {
		m->chats[n].is_group = true;
		m->chats[n].n_users = M_USERS;
		for (i = 0; i < M_USERS; i++)
			m->chats[n].users[i] = i;
	}
}

struct model_chat *model_chat(struct model *m, unsigned user, unsigned peer)
{
	unsigned low = user < peer ? user : peer, high = user < peer ? peer : user, i = 0;

	if (peer >= M_USERS)
		return &m->chats[M_DIALOGS + peer - M_USERS];
	while (m->chats[i].users[0] != low || m->chats[i].users[1] != high)
		i++;
	return &m->chats[i];
}

unsigned model_member(const struct model_chat *chat, unsigned user)
{
	if (chat->is_group)
		return user;
	return chat->users[0] == user ? 0 : 1;
}

bool model_is_service(const struct model_message *message)
{
	return message->kind == M_EDIT || message->kind == M_DELETE;
}

uint64_t model_missed(const struct model_chat *chat, unsigned member)
{
	uint64_t id, n = 0;

	for (id = chat->read[member].upto + 1; id <= chat->n; id++) {
		const struct model_message *message = &chat->messages[id];
		n += message->sender != chat->users[member] && !model_is_service(message) &&
		     message->deleted == 0 && message->hidden[member] == 0;
	}
	return n;
}

static uint64_t find_client(const struct model_chat *chat, unsigned user, unsigned client)
{
	uint64_t id;

	for (id = chat->n; id > 0 && client != 0; id--) {
		if (chat->messages[id].sender == user && chat->messages[id].client == client)
			return id;
	}
	return 0;
}

uint64_t model_fingerprint(const struct plan_op *op)
{
	return (uint64_t)op->kind << 60 | op->target << 32 | op->call << 16 | op->text << 8 |
	       op->attachments;
}

/* --- operations --- */

/* Adopts the time that came, when it is one that may be. A transaction that
 * failed has none. */
uint64_t model_time(const struct plan *plan, struct model_chat *chat, const struct result *came)
{
	uint64_t least = plan->now > chat->time ? plan->now : chat->time;
	uint64_t most = plan->now > chat->late ? plan->now : chat->late;

	if (plan->outcome->error != PAR_OK)
		return least;
	if (came->timestamp < least || came->timestamp > most)
		model_differs(plan, "timestamp: expected %" PRIu64 " to %" PRIu64 ", came %" PRIu64,
			      least, most, came->timestamp);
	if (chat->late < came->timestamp)
		chat->late = came->timestamp;
	return came->timestamp;
}

static void want_message(const struct model_chat *chat, uint64_t id, struct wanted *w)
{
	const struct model_message *message = &chat->messages[id];

	w->id = id;
	w->timestamp = message->created;
	w->client = message->client;
	if (model_is_service(message)) {
		w->original_id = message->ref;
		w->original_client = chat->messages[message->ref].client;
	}
}

static uint64_t add_message(struct model *m, const struct plan *plan, const struct plan_op *op,
			    const struct result *came, enum model_kind kind, uint64_t ref)
{
	struct model_chat *chat = model_chat(m, op->user, op->peer);
	struct model_message *message = &chat->messages[++chat->n];

	memset(message, 0, sizeof(*message));
	message->sender = op->user;
	message->kind = kind;
	message->client = op->client;
	message->fingerprint = model_fingerprint(op);
	message->ref = ref;
	message->created = chat->time = model_time(plan, chat, came);
	if (!model_is_service(message))
		chat->order = ++m->order;
	return chat->n;
}

/* The same client id again: whether it is known, and then what must come. */
static bool resent(const struct model_chat *chat, const struct plan_op *op, struct wanted *w)
{
	uint64_t id = find_client(chat, op->user, op->client);

	if (id == 0 || chat->group.deleted)
		return false;
	if (chat->messages[id].fingerprint != model_fingerprint(op))
		w->errors |= BIT(PAR_E_CONFLICT);
	else
		want_message(chat, id, w);
	return true;
}

static bool can_forward(struct model *m, const struct plan_op *op)
{
	const struct model_chat *chat = model_chat(m, op->user, op->forward_peer);
	const struct model_message *from = &chat->messages[op->forward];

	return op->forward <= chat->n && model_is_in(chat, op->user) && from->deleted == 0 &&
	       !model_is_service(from) &&
	       model_sees(chat, model_member(chat, op->user), op->forward);
}

static void run_append(struct model *m, const struct plan *plan, const struct plan_op *op,
		       const struct result *came, struct wanted *w)
{
	struct model_chat *chat = model_chat(m, op->user, op->peer);
	bool known = resent(chat, op, w);
	struct model_message *message;
	uint64_t id;

	if (known && w->errors == 0)
		return;
	if (op->reply_to > chat->n ||
	    (op->reply_to != 0 && (model_is_service(&chat->messages[op->reply_to]) ||
				   op->reply_to <= model_since(chat, op->user))))
		w->errors |= BIT(PAR_E_NOT_FOUND);
	if (chat->is_group && !model_is_in(chat, op->user))
		w->errors |= BIT(PAR_E_NOT_FOUND);
	if (op->forward != 0 && !can_forward(m, op))
		w->errors |= BIT(PAR_E_NOT_FOUND);
	if (w->errors != 0)
		return;
	id = add_message(m, plan, op, came, op->call ? M_CALL : M_NEW, op->reply_to);
	message = &chat->messages[id];
	message->text = op->text;
	message->attachments = op->attachments;
	want_message(chat, id, w);
	w->applied = true;
}

static uint64_t change_target(const struct model_chat *chat, const struct plan_op *op)
{
	uint64_t since = model_since(chat, op->user), id = op->target, other;
	unsigned i;

	if (op->target == 0)
		id = find_client(chat, op->user, op->target_client);
	if (op->target == 0 && id <= since) {
		id = 0;
		for (i = 0; i < chat->n_users; i++) {
			other = find_client(chat, chat->users[i], op->target_client);
			if (other > since && (id == 0 || other < id))
				id = other;
		}
	}
	return id <= since || id > chat->n || model_is_service(&chat->messages[id]) ? 0 : id;
}

static void run_hide(const struct plan *plan, const struct result *came, struct model_chat *chat,
		     unsigned member, uint64_t id, struct wanted *w)
{
	uint64_t *hidden = &chat->messages[id].hidden[member];

	w->applied = *hidden == 0;
	if (w->applied)
		*hidden = model_time(plan, chat, came);
	w->id = w->original_id = id;
	w->client = w->original_client = chat->messages[id].client;
	w->timestamp = *hidden;
}

static void run_change(struct model *m, const struct plan *plan, const struct plan_op *op,
		       const struct result *came, struct wanted *w)
{
	struct model_chat *chat = model_chat(m, op->user, op->peer);
	bool edit = op->change == PAR_CHANGE_EDIT;
	bool known = op->change != PAR_CHANGE_HIDE && resent(chat, op, w);
	unsigned member = model_member(chat, op->user);
	uint64_t id = change_target(chat, op), service;
	struct model_message *target = &chat->messages[id];
	/* deleted before, by him: the first result, though he has hidden it since */
	bool done = !edit && target->deleted != 0 && target->sender == op->user;

	if (known && w->errors == 0)
		return;
	if (id == 0 || !model_is_in(chat, op->user)) {
		w->errors |= BIT(PAR_E_NOT_FOUND);
		return;
	}
	if (op->change == PAR_CHANGE_HIDE) {
		run_hide(plan, came, chat, member, id, w);
		return;
	}
	if ((target->hidden[member] != 0 && !done) || (edit && target->deleted != 0))
		w->errors |= BIT(PAR_E_NOT_FOUND);
	if (target->sender != op->user || (edit && target->kind != M_NEW))
		w->errors |= BIT(PAR_E_FORBIDDEN);
	if (w->errors != 0)
		return;
	w->applied = target->deleted == 0;
	if (!w->applied) {
		want_message(chat, target->deletion, w);
		return;
	}
	service = add_message(m, plan, op, came, edit ? M_EDIT : M_DELETE, id);
	want_message(chat, service, w);
	if (edit) {
		target->text = op->text != 0 ? op->text : target->text;
		target->attachments = op->attachments != 0 ? op->attachments : target->attachments;
		target->updated = w->timestamp;
	} else {
		target->text = target->attachments = 0;
		target->deleted = w->timestamp;
		target->deletion = service;
	}
}

/* What `upto` stands for; 0: nothing. */
static uint64_t mark_target(const struct model_chat *chat, const struct plan_op *op,
			    struct wanted *w)
{
	uint64_t base = chat->is_group ? chat->group.base[op->user] : 0, id = op->upto, n = chat->n;

	if (!model_is_in(chat, op->user) || id > n)
		return 0;
	while (n > base && chat->messages[n].sender == op->user)
		n--;
	if (n == base)
		return 0; /* nobody else has written since he joined */
	if (id == 0)
		id = n;
	while (id > 0 && chat->messages[id].sender == op->user)
		id--;
	/* what he read by joining may be as if it were not there */
	if (id <= base)
		w->open |= BIT(PAR_E_NOT_FOUND);
	return id <= model_since(chat, op->user) ? 0 : id;
}

static void run_mark(struct model *m, const struct plan *plan, const struct plan_op *op,
		     const struct result *came, struct wanted *w)
{
	struct model_chat *chat = model_chat(m, op->user, op->peer);
	unsigned member = model_member(chat, op->user);
	struct model_mark *read = &chat->read[member], *delivered = &chat->delivered[member];
	struct model_mark *mark = op->mark == PAR_MARK_READ ? read : delivered;
	uint64_t id = mark_target(chat, op, w);

	if (id == 0 && (op->when < 0 || !model_is_in(chat, op->user)))
		w->errors |= BIT(PAR_E_NOT_FOUND);
	w->bare = op->when >= 0;
	if (id == 0)
		return;
	w->covered = mark->upto;
	w->applied = id > mark->upto;
	if (w->applied) {
		mark->upto = id;
		mark->at = model_time(plan, chat, came);
		if (mark == read && id > delivered->upto)
			*delivered = *read;
		w->bare = false;
	}
	w->id = id;
	w->timestamp = mark->at;
	w->client = chat->messages[id].client;
	w->missed = model_missed(chat, member);
}

static void run_doc(struct model *m, const struct plan_op *op, struct wanted *w)
{
	unsigned *doc = &m->docs[op->key];

	if (op->expects && op->expected != *doc) {
		w->errors = BIT(PAR_E_CONFLICT);
		return;
	}
	w->applied = op->kind == PAR_OP_DOC_PUT || *doc != 0;
	*doc = op->kind == PAR_OP_DOC_PUT ? op->value : 0;
}

static void run_op(struct model *m, const struct plan *plan, unsigned i, struct wanted *all)
{
	const struct plan_op *op = &plan->op[i];
	const struct result *came = &plan->outcome->op[i];

	switch (op->kind) {
	case PAR_OP_APPEND:
		run_append(m, plan, op, came, &all[i]);
		return;
	case PAR_OP_CHANGE:
		run_change(m, plan, op, came, &all[i]);
		return;
	case PAR_OP_MARK:
		run_mark(m, plan, op, came, &all[i]);
		return;
	case PAR_OP_EVENT:
		if (op->reach != PAR_REACH_USER)
			model_reach(m, plan, op, all, &all[i]);
		else
			model_event(m, plan, op, all, &all[i]);
		return;
	case PAR_OP_CURSOR:
		model_cursor(m, plan, op, &all[i]);
		return;
	case PAR_OP_DOC_PUT:
	case PAR_OP_DOC_DELETE:
		run_doc(m, op, &all[i]);
		return;
	case PAR_OP_ROSTER:
		model_roster(m, plan, op, came, &all[i]);
		return;
	case PAR_OP_PRUNE:
		return;
	}
}

static const char *first_error(uint32_t errors)
{
	enum par_error error = PAR_OK;

	while ((errors & BIT(error)) == 0)
		error++;
	return check_error_name(error);
}

/* The model is changed only where the storage says so too; what both make of
 * it is compared. */
void model_run(struct model *m, const struct plan *plan)
{
	static struct model before;
	struct wanted all[PAR_TX_OPS] = { { 0 } };
	enum par_error came = plan->outcome->error;
	uint32_t errors = 0;
	unsigned i;

	if (plan->n_ops > 1)
		before = *m; /* one alone is refused before it changes anything */
	for (i = 0; i < plan->n_ops && errors == 0; i++) {
		const struct plan_op *op = &plan->op[i];
		if (op->when >= 0 && !all[op->when].applied) {
			all[i].bare = true;
			continue;
		}
		run_op(m, plan, i, all);
		errors = all[i].errors;
		if ((all[i].open & BIT(came)) != 0)
			errors |= all[i].open;
	}
	if (errors != 0 ? (errors & BIT(came)) == 0 : came != PAR_OK)
		model_differs(plan, "expected %s, came %s; operation %u",
			      errors == 0 ? "success" : first_error(errors), check_error_name(came),
			      i - 1);
	if (errors != 0 && plan->n_ops > 1)
		*m = before;
	for (i = 0; i < plan->n_ops && errors == 0; i++)
		model_compare(m, plan, i, &all[i]);
}
