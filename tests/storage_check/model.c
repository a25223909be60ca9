/* SPDX-License-Identifier: BSD-2-Clause */
/* The model's messages, marks and documents, and its transactions; see model.h. */
#include "model.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define BIT(error) (1u << (error))

/* --- names --- */

const char *model_user(const struct model *m, unsigned user)
{
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
}

struct model_chat *model_chat(struct model *m, unsigned user, unsigned peer)
{
	unsigned low = user < peer ? user : peer, high = user < peer ? peer : user, i = 0;

	while (m->chats[i].users[0] != low || m->chats[i].users[1] != high)
		i++;
	return &m->chats[i];
}

unsigned model_member(const struct model_chat *chat, unsigned user)
{
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

/* --- saying what differs --- */

static void say_op(const struct plan_op *op, unsigned i)
{
	static const char *const kinds[] = { "APPEND", "CHANGE",  "MARK",       "EVENT",
					     "CURSOR", "DOC_PUT", "DOC_DELETE", "PRUNE" };

	fprintf(stderr, "  %u: %s when %d user %u peer %u", i, kinds[op->kind], op->when, op->user,
		op->peer);
	if (op->kind == PAR_OP_APPEND || op->kind == PAR_OP_CHANGE)
		fprintf(stderr,
			" client %u text %u reply %" PRIu64 " change %d target %" PRIu64 "/%u",
			op->client, op->text, op->reply_to, (int)op->change, op->target,
			op->target_client);
	if (op->kind == PAR_OP_MARK)
		fprintf(stderr, " %s upto %" PRIu64, op->mark == PAR_MARK_READ ? "read" : "dlvrd",
			op->upto);
	if (op->kind == PAR_OP_EVENT)
		fprintf(stderr, " about %d own %d always %d device %u", op->about, op->own,
			op->always, op->device);
	if (op->kind == PAR_OP_CURSOR)
		fprintf(stderr, " device %u acked %" PRIu64 " sent %" PRIu64 " above %u closed %d",
			op->device, op->acked, op->sent, op->n_above, op->closed);
	fputc('\n', stderr);
}

void model_differs(const struct plan *plan, const char *format, ...)
{
	static const char *const queries[] = { "DEVICE", "EVENTS",  "MESSAGES", "CHATS",
					       "CHAT",   "DOC_GET", "DOC_SCAN" };
	char text[1024];
	va_list args;
	unsigned i;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	FAIL("%s", text);
	if (plan->n_ops == 0)
		fprintf(stderr,
			"in query %s: user %u peer %u device %u after %" PRIu64 " limit %u\n",
			queries[plan->query], plan->user, plan->peer, plan->device, plan->after,
			plan->limit);
	else
		fprintf(stderr, "in a transaction at %" PRIu64 ", which came back with %s:\n",
			plan->now, check_error_name(plan->outcome->error));
	for (i = 0; i < plan->n_ops; i++)
		say_op(&plan->op[i], i);
	fprintf(stderr, "run it again with --seed %" PRIu64 "\n", check_setup.seed);
	check_stop();
}

/* --- operations --- */

/* Adopts the time that came, when it is one that may be. A transaction that
 * failed has none. */
static uint64_t take_time(const struct plan *plan, const struct model_chat *chat,
			  const struct result *came)
{
	uint64_t least = plan->now > chat->time ? plan->now : chat->time;
	uint64_t most = plan->now > chat->late ? plan->now : chat->late;

	if (plan->outcome->error != PAR_OK)
		return least;
	if (came->timestamp < least || came->timestamp > most)
		model_differs(plan, "timestamp: expected %" PRIu64 " to %" PRIu64 ", came %" PRIu64,
			      least, most, came->timestamp);
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
	message->created = chat->time = take_time(plan, chat, came);
	if (chat->late < chat->time)
		chat->late = chat->time;
	if (!model_is_service(message))
		chat->order = ++m->order;
	return chat->n;
}

/* The same client id again: whether it is known, and then what must come. */
static bool resent(const struct model_chat *chat, const struct plan_op *op, struct wanted *w)
{
	uint64_t id = find_client(chat, op->user, op->client);

	if (id == 0)
		return false;
	if (chat->messages[id].fingerprint != model_fingerprint(op))
		w->errors |= BIT(PAR_E_CONFLICT);
	else
		want_message(chat, id, w);
	return true;
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
	    (op->reply_to != 0 && model_is_service(&chat->messages[op->reply_to])))
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
	uint64_t id = op->target;

	if (id == 0)
		id = find_client(chat, op->user, op->target_client);
	if (id == 0)
		id = find_client(chat, op->peer, op->target_client);
	return id > chat->n || model_is_service(&chat->messages[id]) ? 0 : id;
}

static void run_hide(const struct plan *plan, const struct result *came, struct model_chat *chat,
		     unsigned member, uint64_t id, struct wanted *w)
{
	uint64_t *hidden = &chat->messages[id].hidden[member];

	w->applied = *hidden == 0;
	if (w->applied)
		*hidden = take_time(plan, chat, came);
	if (chat->late < *hidden)
		chat->late = *hidden;
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
	if (id == 0) {
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

static void run_mark(struct model *m, const struct plan *plan, const struct plan_op *op,
		     const struct result *came, struct wanted *w)
{
	struct model_chat *chat = model_chat(m, op->user, op->peer);
	unsigned member = model_member(chat, op->user);
	struct model_mark *read = &chat->read[member], *delivered = &chat->delivered[member];
	struct model_mark *mark = op->mark == PAR_MARK_READ ? read : delivered;
	uint64_t id = op->upto == 0 ? chat->n : op->upto;

	if (id > chat->n)
		id = 0;
	while (id > 0 && chat->messages[id].sender == op->user)
		id--;
	if (id == 0 && op->when < 0)
		w->errors |= BIT(PAR_E_NOT_FOUND);
	w->bare = op->when >= 0;
	if (id == 0)
		return;
	w->applied = id > mark->upto;
	if (w->applied) {
		mark->upto = id;
		mark->at = take_time(plan, chat, came);
		if (chat->late < mark->at)
			chat->late = mark->at;
		if (mark == read && id > delivered->upto)
			*delivered = *read;
		w->bare = false;
	}
	w->id = id;
	w->timestamp = mark->at;
	w->client = chat->messages[id].client;
	w->missed = model_missed(chat, member);
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
		model_event(m, plan, op, all, &all[i]);
		return;
	case PAR_OP_CURSOR:
		model_cursor(m, plan, op, &all[i]);
		return;
	case PAR_OP_DOC_PUT:
		m->docs[op->key] = op->value;
		all[i].applied = true;
		return;
	case PAR_OP_DOC_DELETE:
		all[i].applied = m->docs[op->key] != 0;
		m->docs[op->key] = 0;
		return;
	case PAR_OP_PRUNE:
	case PAR_OP_ROSTER:
		return;
	}
}

/* --- comparing --- */

#define SAME(field) \
	if (came->field != w->field) \
	model_differs(plan, "operation %u: " #field ": expected %" PRIu64 ", came %" PRIu64, i, \
		      (uint64_t)w->field, (uint64_t)came->field)

static void compare(const struct plan *plan, unsigned i, const struct wanted *w)
{
	const struct result *came = &plan->outcome->op[i];
	bool of_chat = plan->op[i].kind == PAR_OP_APPEND || plan->op[i].kind == PAR_OP_CHANGE ||
		       plan->op[i].kind == PAR_OP_MARK;

	SAME(applied);
	SAME(seq);
	if (w->applied && plan->op[i].kind == PAR_OP_EVENT && !text_is(came->payload, w->payload))
		model_differs(plan, "operation %u: payload: expected %s, came %s", i, w->payload,
			      came->payload == NULL ? "nothing" : came->payload);
	if (!of_chat || w->bare)
		return;
	SAME(id);
	SAME(timestamp);
	SAME(original_id);
	SAME(missed);
	if (!text_is(came->client_id, model_client(w->client)) ||
	    !text_is(came->original_client_id, model_client(w->original_client)))
		model_differs(plan, "operation %u: expected client ids %u and %u, came %s and %s",
			      i, w->client, w->original_client,
			      came->client_id == NULL ? "none" : came->client_id,
			      came->original_client_id == NULL ? "none" : came->original_client_id);
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
	}
	if (errors != 0 ? (errors & BIT(came)) == 0 : came != PAR_OK)
		model_differs(plan, "expected %s, came %s; operation %u",
			      errors == 0 ? "success" : first_error(errors), check_error_name(came),
			      i - 1);
	if (errors != 0 && plan->n_ops > 1)
		*m = before;
	for (i = 0; i < plan->n_ops && errors == 0; i++)
		compare(plan, i, &all[i]);
}
