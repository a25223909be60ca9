/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The rules of long runs: batches of random transactions and queries, each
 * carried out by the storage and by the model, and compared.
 */
#include <inttypes.h>

#include "long_run.h"

#define ROUNDS 3
#define BATCHES 100
#define BATCH_MAX 16

struct model model;
static struct plan plans[BATCH_MAX];
static unsigned n_plans;

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
		append->forward = store_chat(&store, user, model_user(&model, op->forward_peer));
		append->forward_id = op->forward;
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

static const char *event_payload(const struct par_tx *tx, const struct plan_op *op)
{
	const int n = op->about;

	if (n < 0)
		return store_format(&store, "{\"n\":%u}", op->number);
	if (tx->ops[n].kind == PAR_OP_ROSTER)
		return store_format(
		    &store, "{\"name\":@7%d,\"n\":@8%d,\"owner\":@:%d,\"who\":@9%d}", n, n, n, n);
	if (op->reach != PAR_REACH_USER)
		return store_format(&store, "{\"id\":@0%d,\"c\":@1%d,\"t\":@4%d}", n, n, n);
	return store_format(&store, "{\"id\":@0%d,\"c\":@1%d,\"t\":@4%d,\"m\":@5%d}", n, n, n, n);
}

static void build_roster(struct par_tx *tx, const struct plan_op *op, const char *user,
			 const char *group)
{
	struct par_op_roster *roster;
	const char *users = "";
	unsigned i;

	for (i = M_USERS; i-- > 0;) {
		if ((op->users & 1u << i) != 0)
			users = store_format(&store, "%s%s%s", users, users[0] == '\0' ? "" : " ",
					     model_user(&model, i));
	}
	roster = &add_roster(&store, tx, op->roster, user, group, users)->u.roster;
	roster->name = par_str_of(model_name(op->name));
	roster->role = op->role;
	roster->max_members = op->max_members;
	roster->history = op->history;
}

static void build_event(struct par_tx *tx, const struct plan_op *op, const char *user)
{
	const char *payload = event_payload(tx, op);
	struct par_op_event *event;

	if (op->reach == PAR_REACH_USER) {
		event = &add_event(&store, tx, user, payload)->u.event;
		event->own = op->own;
	} else {
		event =
		    &add_reach(&store, tx, op->reach, user, model_user(&model, op->peer), payload)
			 ->u.event;
		event->of = op->of;
		event->missed = op->missed;
		if (op->but >= 0)
			event->but = par_str_of(model_user(&model, (unsigned)op->but));
	}
	event->always = op->always;
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

static const char *doc_value(unsigned value)
{
	return value == 0 ? NULL : store_format(&store, "v%u", value);
}

static void build_doc(struct par_tx *tx, const struct plan_op *op)
{
	struct par_op_doc *doc =
	    &add_doc(tx, op->kind, model_plugin(&model), store_format(&store, "k%u", op->key),
		     doc_value(op->kind == PAR_OP_DOC_PUT ? op->value : 0))
		 ->u.doc;

	doc->expects = op->expects;
	doc->expected = par_str_of(doc_value(op->expected));
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
		else if (op->kind == PAR_OP_ROSTER)
			build_roster(tx, op, user, model_user(&model, op->peer));
		else if (op->kind == PAR_OP_DOC_PUT || op->kind == PAR_OP_DOC_DELETE)
			build_doc(tx, op);
		else
			build_chat_op(tx, op, user, model_user(&model, op->peer));
		tx->ops[i].when = op->when;
	}
	plan->outcome = store_submit(&store, tx);
}

static struct par_query *build_query(const struct plan *plan, const char *user)
{
	const char *keys[M_KEYS];
	unsigned i;

	if (plan->query != PAR_QUERY_DOCS)
		return store_query(&store, plan->query, user);
	for (i = 0; i < plan->n_keys; i++)
		keys[i] = store_format(&store, "k%u", plan->keys[i]);
	return store_docs_query(&store, model_plugin(&model), keys, plan->n_keys);
}

static void submit_query(struct plan *plan)
{
	const char *user = model_user(&model, plan->user);
	struct par_query *q = build_query(plan, user);

	plan->now = q->now;
	q->device = par_str_of(model_device(plan->device));
	q->chat = store_chat(&store, user, model_user(&model, plan->peer));
	q->plugin = par_str_of(model_plugin(&model));
	q->after = plan->after;
	q->start_id = plan->start_id;
	q->end_id = plan->end_id;
	if (plan->behind)
		q->after_key = par_str_of(model_user(&model, plan->peer));
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

/* One group alone, since events to its members are in order by the group and not by the user. */
static void run_group_batch(void)
{
	unsigned n = 1 + below(BATCH_MAX), group = M_USERS + below(M_GROUPS);

	if (model.clock < store.host->now)
		model.clock = store.host->now;
	while (n-- > 0) {
		struct plan *plan = plan_new();
		if (one_in(4))
			choose_group_query(plan, group);
		else
			choose_group_tx(plan, group);
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
	model_prune_groups(&model);
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
	model_prune_groups(&model);
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
		for (peer = 0; peer < M_PEERS; peer++) {
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
		if (model.users[i].last_seq + 8 * BATCH_MAX > M_EVENTS)
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
		if (one_in(2))
			run_batch();
		else
			run_group_batch();
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
