/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The rules of long runs: batches of random transactions and queries, each
 * carried out by the storage and by the model, and compared. Numbers are chosen
 * from small ranges, so that resends, conflicts and refusals are common.
 */
#include <inttypes.h>

#include "model.h"

#define ROUNDS 3
#define BATCHES 100
#define BATCH_MAX 16

static struct model model;
static struct plan plans[BATCH_MAX];
static unsigned n_plans;

static unsigned below(uint64_t n)
{
	return (unsigned)check_random(n);
}

static bool one_in(unsigned n)
{
	return below(n) == 0;
}

/* --- choosing --- */

static void choose_append(struct plan_op *op)
{
	op->client = below(14);
	op->text = 1 + below(2);
	op->call = op->client == 0 && one_in(4);
	op->attachments = op->client % 3 == 1;
	if (one_in(6))
		op->reply_to = 1 + below(model_chat(&model, op->user, op->peer)->n + 1);
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

static void choose_op(struct plan *plan, enum par_op_kind kind)
{
	unsigned i = plan->n_ops++;
	struct plan_op *op = &plan->op[i];

	*op = (struct plan_op){ .kind = kind, .when = -1, .user = below(M_USERS) };
	op->peer = one_in(8) ? op->user : below(M_USERS);
	if (i > 0 && one_in(4))
		op->when = (int)below(i);
	op->key = below(M_DOCS);
	op->value = 1 + below(50);
	if (kind == PAR_OP_APPEND)
		choose_append(op);
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

	choose_op(plan, PAR_OP_APPEND);
	choose_op(plan, PAR_OP_MARK);
	choose_op(plan, PAR_OP_EVENT);
	choose_op(plan, PAR_OP_EVENT);
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

static void choose_tx(struct plan *plan)
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
		choose_op(plan, kinds[below(sizeof(kinds) / sizeof(kinds[0]))]);
}

static void choose_query(struct plan *plan)
{
	static const enum par_query_kind kinds[] = { PAR_QUERY_DEVICE,   PAR_QUERY_EVENTS,
						     PAR_QUERY_EVENTS,   PAR_QUERY_MESSAGES,
						     PAR_QUERY_MESSAGES, PAR_QUERY_CHATS,
						     PAR_QUERY_CHAT,     PAR_QUERY_DOC_SCAN };

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
	if (plan->query == PAR_QUERY_EVENTS) {
		plan->after = one_in(2) ? model.users[plan->user].devices[plan->device].acked
					: below(model.users[plan->user].last_seq + 1);
		plan->max_bytes = one_in(2) ? 1 << 20 : 1 + below(500);
	}
	if (plan->query == PAR_QUERY_MESSAGES && one_in(2))
		plan->start_id = 1 + below(model_chat(&model, plan->user, plan->peer)->n + 2);
	else if (plan->query == PAR_QUERY_MESSAGES && one_in(2))
		plan->end_id = 1 + below(model_chat(&model, plan->user, plan->peer)->n + 2);
}

/* --- handing over --- */

static void build_chat_op(struct par_tx *tx, const struct plan_op *op, const char *user,
			  const char *peer)
{
	struct par_op_append *append;
	struct par_op_change *change;

	if (op->kind == PAR_OP_APPEND) {
		append = &add_append(&store, tx, user, peer, model_client(op->client),
				     model_text(op->text))
			      ->u.append;
		append->type = par_str_of(op->call ? "call" : "new");
		append->fingerprint = model_fingerprint(op);
		append->attachments = par_str_of(model_attachments(op->attachments));
		append->reply_to = op->reply_to;
	} else if (op->kind == PAR_OP_CHANGE) {
		change = &add_change(&store, tx, op->change, user, peer, op->target)->u.change;
		change->target_client_id = par_str_of(model_client(op->target_client));
		change->client_id = par_str_of(model_client(op->client));
		change->fingerprint = model_fingerprint(op);
		change->message = par_str_of(model_text(op->text));
		change->attachments = par_str_of(model_attachments(op->attachments));
	} else {
		add_mark(&store, tx, op->mark, user, peer, op->upto);
	}
}

static void build_event(struct par_tx *tx, const struct plan_op *op, const char *user)
{
	const int n = op->about;
	const char *payload =
	    n < 0 ? store_format(&store, "{\"n\":%u}", op->number)
		  : store_format(&store, "{\"id\":@0%d,\"c\":@1%d,\"t\":@4%d,\"m\":@5%d}", n, n, n,
				 n);
	struct par_op_event *event = &add_event(&store, tx, user, payload)->u.event;

	event->own = op->own;
	event->always = op->own && op->always;
	event->origin_device = par_str_of(model_device(op->device));
	event->origin_session = op->session;
}

static void build_cursor(struct par_tx *tx, const struct plan_op *op, const char *user)
{
	struct par_op_cursor *cursor =
	    &add_cursor(tx, user, model_device(op->device), op->acked, op->sent)->u.cursor;

	cursor->above = op->above;
	cursor->n_above = op->n_above;
	cursor->closed = op->closed;
}

static void submit_tx(struct plan *plan)
{
	struct par_tx *tx = store_tx(&store);
	unsigned i;

	plan->now = tx->now;
	for (i = 0; i < plan->n_ops; i++) {
		const struct plan_op *op = &plan->op[i];
		const char *user = model_user(&model, op->user);

		if (op->kind == PAR_OP_EVENT)
			build_event(tx, op, user);
		else if (op->kind == PAR_OP_CURSOR)
			build_cursor(tx, op, user);
		else if (op->kind == PAR_OP_DOC_PUT || op->kind == PAR_OP_DOC_DELETE)
			add_doc(tx, op->kind, model_plugin(&model),
				store_format(&store, "k%u", op->key),
				op->kind == PAR_OP_DOC_PUT ? store_format(&store, "v%u", op->value)
							   : NULL);
		else
			build_chat_op(tx, op, user, model_user(&model, op->peer));
		tx->ops[i].when = op->when;
	}
	plan->outcome = store_submit(&store, tx);
}

static void submit_query(struct plan *plan)
{
	const char *user = model_user(&model, plan->user);
	struct par_query *q = store_query(&store, plan->query, user);

	plan->now = q->now;
	q->device = par_str_of(model_device(plan->device));
	q->chat = store_chat(&store, user, model_user(&model, plan->peer));
	q->plugin = par_str_of(model_plugin(&model));
	q->after = plan->after;
	q->start_id = plan->start_id;
	q->end_id = plan->end_id;
	q->limit = plan->limit;
	q->max_bytes = plan->max_bytes;
	plan->page = store_ask(&store, q);
}

static void submit(struct plan *plan)
{
	if (plan->n_ops > 0)
		submit_tx(plan);
	else
		submit_query(plan);
}

/* One flush; then the model follows. */
static void settle(void)
{
	unsigned i;

	store_settle(&store);
	for (i = 0; i < n_plans; i++) {
		if (plans[i].n_ops > 0)
			model_run(&model, &plans[i]);
		else
			model_check(&model, &plans[i]);
	}
	n_plans = 0;
}

static struct plan *plan_new(void)
{
	struct plan *plan = &plans[n_plans++];

	*plan = (struct plan){ 0 };
	return plan;
}

/* --- what goes alone --- */

static void run_batch(void)
{
	unsigned n = 1 + below(BATCH_MAX);

	if (model.clock < store.host->now)
		model.clock = store.host->now;
	while (n-- > 0) {
		struct plan *plan = plan_new();
		if (one_in(4))
			choose_query(plan);
		else
			choose_tx(plan);
		submit(plan);
	}
	settle();
}

/* Whether it is open, after a clock went back, if a device was seen before this. */
static bool seen_is_open(uint64_t before)
{
	unsigned i;

	for (i = 0; i < M_USERS * M_DEVICES; i++) {
		const struct model_device *device =
		    &model.users[i / M_DEVICES].devices[i % M_DEVICES];
		if (device->seen < before && before <= device->seen_late)
			return true;
	}
	return false;
}

static void run_prune(void)
{
	uint64_t now = store.host->now;
	uint64_t events = one_in(3) ? 0 : now - below(3000), devices = now - below(3000);
	unsigned limit = 1 + below(20), steps = 0;
	uint64_t forgotten = 0;
	struct outcome *out;

	if (seen_is_open(devices))
		devices = 0;
	do {
		out = do_prune(&store, events, devices, limit);
		EXPECT_ERROR(out->error, PAR_OK);
		EXPECT(out->op[0].events <= limit);
		forgotten += out->op[0].devices;
		NEED(++steps < 10000);
	} while (out->op[0].applied);
	model_prune(&model, events, devices, forgotten);
}

/* Which of two devices was seen earlier is open when these times overlap. */
static bool seen_apart(const struct model_device *a, const struct model_device *b)
{
	return a->seen_late < b->seen || b->seen_late < a->seen;
}

static void run_limited_device(void)
{
	struct plan *plan;
	unsigned user = below(M_USERS);
	const struct model_device *d = model.users[user].devices;

	if (!seen_apart(&d[0], &d[1]) || !seen_apart(&d[1], &d[2]) || !seen_apart(&d[0], &d[2]))
		return;
	plan = plan_new();
	plan->query = PAR_QUERY_DEVICE;
	plan->user = user;
	plan->device = below(M_DEVICES);
	plan->limit = 2;
	submit(plan);
	settle();
}

/* That a PRUNE follows is when a storage may notice that a server died. What "now" is
 * would be open if the clock stood before a time at which a device was seen. */
static void run_restart(void)
{
	unsigned i, j;

	for (i = 0; i < M_USERS; i++) {
		for (j = 0; j < M_DEVICES; j++) {
			if (store.host->now < model.users[i].devices[j].seen_late)
				store.host->now = model.users[i].devices[j].seen_late;
		}
	}
	store_restart(&store);
	do_prune_all(&store, 0, 1, 100);
	model_restart(&model, store.host->now);
}

/* --- rounds --- */

static void look_at_everything(void)
{
	static const enum par_query_kind kinds[] = { PAR_QUERY_EVENTS, PAR_QUERY_CHATS,
						     PAR_QUERY_DOC_SCAN };
	unsigned user, peer, i;
	struct plan *plan;

	for (user = 0; user < M_USERS; user++) {
		for (i = 0; i < 3; i++) {
			plan = plan_new();
			plan->query = kinds[i];
			plan->user = user;
			plan->limit = 1000;
			plan->max_bytes = 1 << 20;
			submit(plan);
		}
		for (peer = 0; peer < M_USERS; peer++) {
			plan = plan_new();
			plan->query = PAR_QUERY_MESSAGES;
			plan->user = user;
			plan->peer = peer;
			plan->limit = 1000;
			plan->max_bytes = 1 << 20;
			submit(plan);
		}
		settle();
	}
}

static bool model_is_full(void)
{
	unsigned i;

	for (i = 0; i < M_CHATS; i++) {
		if (model.chats[i].n + 3 * BATCH_MAX > M_MESSAGES)
			return true;
	}
	for (i = 0; i < M_USERS; i++) {
		if (model.users[i].last_seq + 5 * BATCH_MAX > M_EVENTS)
			return true;
	}
	return false;
}

static void run_round(unsigned round, bool restarts)
{
	unsigned i;

	model_begin(&model, round);
	for (i = 0; i < BATCHES && !model_is_full() && !check_failed(); i++) {
		host_advance(store.host, below(50));
		if (one_in(15))
			store.host->now -= below(200);
		run_batch();
		if (one_in(8))
			run_prune();
		if (one_in(6))
			run_limited_device();
		if (restarts && one_in(20))
			run_restart();
	}
	look_at_everything();
}

void rule_long_run(void)
{
	unsigned round;

	for (round = 0; round < ROUNDS && !check_failed(); round++)
		run_round(round, false);
}

void rule_long_run_with_restarts(void)
{
	unsigned round;

	for (round = 0; round < ROUNDS && !check_failed(); round++)
		run_round(round, true);
}
