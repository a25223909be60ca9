/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Building transactions in few words, and running them. What a storage hands
 * back is borrowed until its completion returns, so each completion copies it.
 */
#include <string.h>

#include "store_pending.h"

static void keep_receivers(struct store *s, const struct par_op_event *event, struct result *to)
{
	struct received *kept;
	unsigned i;

	to->n_receivers = event->n_receivers;
	to->receivers = kept = arena_alloc(&s->arena, event->n_receivers * sizeof(*kept) + 1);
	for (i = 0; i < event->n_receivers; i++) {
		kept[i].user = store_keep(s, event->receivers[i].user);
		kept[i].seq = event->receivers[i].seq;
		kept[i].missed = event->receivers[i].missed;
	}
}

static void keep_changed(struct store *s, const struct par_op_roster *roster, struct result *to)
{
	const char **kept;
	unsigned i;

	to->n_changed = roster->n_changed;
	to->changed = kept = arena_alloc(&s->arena, roster->n_changed * sizeof(*kept) + 1);
	for (i = 0; i < roster->n_changed; i++)
		kept[i] = store_keep(s, roster->changed[i]);
	to->members = roster->members;
	to->name = store_keep(s, roster->new_name);
	to->owner = store_keep(s, roster->owner);
}

static void tx_came_back(void *state, void *arg)
{
	struct store_pending *p = state;
	struct store *s = p->store;
	const struct par_tx *tx = arg;
	unsigned i;

	p->outcome.done = true;
	p->outcome.order = ++s->n_done;
	p->outcome.error = tx->error;
	for (i = 0; i < tx->n_ops; i++) {
		const struct par_op_result *from = &tx->ops[i].result;
		struct result *to = &p->outcome.op[i];
		to->applied = from->applied;
		to->id = from->id;
		to->timestamp = from->timestamp;
		to->original_id = from->original_id;
		to->missed = from->missed;
		to->seq = from->seq;
		to->client_id = store_keep(s, from->client_id);
		to->original_client_id = store_keep(s, from->original_client_id);
		to->reply = store_keep(s, from->reply);
		if (tx->ops[i].kind == PAR_OP_PRUNE) {
			to->events = tx->ops[i].u.prune.events;
			to->devices = tx->ops[i].u.prune.devices;
		}
		if (tx->ops[i].kind == PAR_OP_ROSTER)
			keep_changed(s, &tx->ops[i].u.roster, to);
		if (tx->ops[i].kind == PAR_OP_EVENT)
			keep_receivers(s, &tx->ops[i].u.event, to);
		if (tx->ops[i].kind == PAR_OP_EVENT && tx->ops[i].u.event.data != NULL)
			to->payload =
			    store_keep(s, s->host->api.event_data_payload(tx->ops[i].u.event.data));
	}
}

struct par_tx *store_tx(struct store *s)
{
	struct store_pending *p = store_pending_new(s);
	struct par_tx *tx = s->host->api.tx_new(s->plugin, tx_came_back, p);

	tx->arg = p;
	return tx;
}

struct outcome *store_submit(struct store *s, struct par_tx *tx)
{
	struct store_pending *p = tx->arg;

	s->host->api.tx_submit(tx);
	return &p->outcome;
}

void store_settle(struct store *s)
{
	host_settle(s->host);
}

struct outcome *store_run(struct store *s, struct par_tx *tx)
{
	struct outcome *outcome = store_submit(s, tx);

	store_settle(s);
	return outcome;
}

struct par_chat store_chat(struct store *s, const char *user, const char *peer)
{
	struct par_chat chat;
	bool swap = strcmp(user, peer) > 0;

	chat.user = par_str_of(user);
	chat.peer = chat.key = par_str_of(peer);
	if (!par_id_is_group(chat.peer))
		chat.key =
		    par_str_of(store_format(s, "%s\n%s", swap ? peer : user, swap ? user : peer));
	return chat;
}

struct par_op *add_append(struct store *s, struct par_tx *tx, const char *user, const char *peer,
			  const char *client_id, const char *text)
{
	struct par_op *op = par_tx_add(tx, PAR_OP_APPEND);

	op->u.append.chat = store_chat(s, user, peer);
	op->u.append.type = par_str_of("new");
	op->u.append.client_id = par_str_of(client_id);
	op->u.append.message = par_str_of(text);
	op->u.append.fingerprint = 0x8000000000000000u | (text == NULL ? 0 : strlen(text));
	return op;
}

struct par_op *add_change(struct store *s, struct par_tx *tx, enum par_change_kind kind,
			  const char *user, const char *peer, uint64_t target)
{
	struct par_op *op = par_tx_add(tx, PAR_OP_CHANGE);

	op->u.change.chat = store_chat(s, user, peer);
	op->u.change.kind = kind;
	op->u.change.target_id = target;
	if (kind == PAR_CHANGE_EDIT)
		op->u.change.message = par_str_of("edited");
	return op;
}

struct par_op *add_mark(struct store *s, struct par_tx *tx, enum par_mark_kind kind,
			const char *user, const char *peer, uint64_t upto)
{
	struct par_op *op = par_tx_add(tx, PAR_OP_MARK);

	op->u.mark.chat = store_chat(s, user, peer);
	op->u.mark.kind = kind;
	op->u.mark.upto = upto;
	return op;
}

struct par_op *add_event(struct store *s, struct par_tx *tx, const char *user, const char *payload)
{
	struct par_op *op = par_tx_add(tx, PAR_OP_EVENT);
	struct par_op_event *event = &op->u.event;
	struct par_hole *holes = arena_alloc(&s->arena, 16 * sizeof(*holes));
	char *text = arena_alloc(&s->arena, strlen(payload) + 1);

	event->user = par_str_of(user);
	event->type = par_str_of("new");
	event->payload.s = text;
	event->holes = holes;
	for (; *payload != '\0'; payload++) {
		if (*payload != '@') {
			text[event->payload.len++] = *payload;
			continue;
		}
		holes[event->n_holes].at = (uint32_t)event->payload.len;
		holes[event->n_holes].kind = (uint8_t)(payload[1] - '0');
		holes[event->n_holes++].op = (uint8_t)(payload[2] - '0');
		payload += 2;
	}
	return op;
}

struct par_op *add_reach(struct store *s, struct par_tx *tx, enum par_reach reach, const char *user,
			 const char *group, const char *payload)
{
	struct par_op *op = add_event(s, tx, "", payload);

	op->u.event.reach = reach;
	op->u.event.chat = store_chat(s, user, group);
	return op;
}

struct par_op *add_roster(struct store *s, struct par_tx *tx, enum par_roster_kind kind,
			  const char *user, const char *group, const char *users)
{
	struct par_op *op = par_tx_add(tx, PAR_OP_ROSTER);
	struct par_op_roster *roster = &op->u.roster;
	size_t len = users == NULL ? 0 : strlen(users);
	struct par_str *names = arena_alloc(&s->arena, (len / 2 + 1) * sizeof(*names));

	roster->chat = store_chat(s, user, group);
	roster->kind = kind;
	roster->users = names;
	roster->max_members = 1000;
	if (kind == PAR_ROSTER_CREATE || kind == PAR_ROSTER_NAME)
		roster->name = par_str_of(store_format(s, "name of %s", group));
	while (len > 0) {
		struct par_str *name = &names[roster->n_users++];
		name->s = users;
		name->len = strcspn(users, " ");
		users += name->len + (users[name->len] == ' ');
		len = strlen(users);
	}
	return op;
}

struct par_op *add_cursor(struct par_tx *tx, const char *user, const char *device, uint64_t acked,
			  uint64_t sent)
{
	struct par_op *op = par_tx_add(tx, PAR_OP_CURSOR);

	op->u.cursor.user = par_str_of(user);
	op->u.cursor.device = par_str_of(device);
	op->u.cursor.acked = acked;
	op->u.cursor.sent = sent;
	return op;
}

struct par_op *add_prune(struct par_tx *tx, uint64_t events_before, uint64_t devices_before,
			 unsigned limit)
{
	struct par_op *op = par_tx_add(tx, PAR_OP_PRUNE);

	op->u.prune.events_before = events_before;
	op->u.prune.devices_before = devices_before;
	op->u.prune.limit = limit;
	return op;
}

struct par_op *add_doc(struct par_tx *tx, enum par_op_kind kind, const char *plugin,
		       const char *key, const char *value)
{
	struct par_op *op = par_tx_add(tx, kind);

	op->u.doc.plugin = par_str_of(plugin);
	op->u.doc.key = par_str_of(key);
	op->u.doc.value = par_str_of(value);
	return op;
}

struct outcome *do_append(struct store *s, const char *user, const char *peer,
			  const char *client_id, const char *text)
{
	struct par_tx *tx = store_tx(s);

	add_append(s, tx, user, peer, client_id, text);
	return store_run(s, tx);
}

struct outcome *do_change(struct store *s, enum par_change_kind kind, const char *user,
			  const char *peer, uint64_t target)
{
	struct par_tx *tx = store_tx(s);

	add_change(s, tx, kind, user, peer, target);
	return store_run(s, tx);
}

struct outcome *do_mark(struct store *s, enum par_mark_kind kind, const char *user,
			const char *peer, uint64_t upto)
{
	struct par_tx *tx = store_tx(s);

	add_mark(s, tx, kind, user, peer, upto);
	return store_run(s, tx);
}

struct outcome *do_event(struct store *s, const char *user, const char *payload)
{
	struct par_tx *tx = store_tx(s);

	add_event(s, tx, user, payload);
	return store_run(s, tx);
}

struct outcome *do_cursor(struct store *s, const char *user, const char *device, uint64_t acked,
			  uint64_t sent, bool closed)
{
	struct par_tx *tx = store_tx(s);

	add_cursor(tx, user, device, acked, sent)->u.cursor.closed = closed;
	return store_run(s, tx);
}

struct outcome *do_prune(struct store *s, uint64_t events_before, uint64_t devices_before,
			 unsigned limit)
{
	struct par_tx *tx = store_tx(s);

	add_prune(tx, events_before, devices_before, limit);
	return store_run(s, tx);
}

struct result do_prune_all(struct store *s, uint64_t events_before, uint64_t devices_before,
			   unsigned limit)
{
	struct result sum = { 0 };
	unsigned steps = 0;
	struct outcome *out;

	do {
		out = do_prune(s, events_before, devices_before, limit);
		sum.events += out->op[0].events;
		sum.devices += out->op[0].devices;
		if (++steps > 10000)
			store_die("PRUNE", "applied again and again, without an end");
	} while (out->op[0].applied);
	return sum;
}

struct outcome *do_roster(struct store *s, enum par_roster_kind kind, const char *user,
			  const char *group, const char *users)
{
	struct par_tx *tx = store_tx(s);

	add_roster(s, tx, kind, user, group, users);
	return store_run(s, tx);
}

struct outcome *do_put(struct store *s, const char *plugin, const char *key, const char *value)
{
	struct par_tx *tx = store_tx(s);

	add_doc(tx, PAR_OP_DOC_PUT, plugin, key, value);
	return store_run(s, tx);
}
