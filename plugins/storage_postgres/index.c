/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What each operation of a batch needs, noted before anything is asked. A chat,
 * user, message or document is known once, however many works are about it, so
 * what one of them does the next one sees.
 */
#include <string.h>

#include "world.h"

struct user *world_user(struct world *w, struct par_str name)
{
	struct user *user;
	unsigned hash;

	HASH_VALUE(name.s, name.len, hash);
	HASH_FIND_BYHASHVALUE(hh, w->users, name.s, name.len, hash, user);
	if (user != NULL)
		return user;
	user = world_alloc(w, sizeof(*user));
	user->name = name;
	HASH_ADD_KEYPTR_BYHASHVALUE(hh, w->users, name.s, name.len, hash, user);
	return user;
}

void world_lock(struct world *w, struct user *user)
{
	if (!user->locked)
		list_add(w, &w->lock_list, user);
	user->locked = true;
}

static void user_devices(struct world *w, struct user *user)
{
	if (!user->devices_known)
		list_add(w, &w->device_list, user);
	user->devices_known = true;
}

static struct others *others_know(struct world *w, struct user *user, struct par_str device)
{
	struct others *others = user->others;

	while (others != NULL && !par_str_equal(others->device, device))
		others = others->next;
	if (others != NULL)
		return others;
	others = world_alloc(w, sizeof(*others));
	others->user = user;
	others->device = device;
	others->next = user->others;
	user->others = others;
	list_add(w, &w->others_list, others);
	return others;
}

static struct chat *chat_know(struct world *w, const struct par_chat *as)
{
	struct chat *chat;
	unsigned hash;

	HASH_VALUE(as->key.s, as->key.len, hash);
	HASH_FIND_BYHASHVALUE(hh, w->chats, as->key.s, as->key.len, hash, chat);
	if (chat != NULL)
		return chat;
	chat = world_alloc(w, sizeof(*chat));
	chat->key = as->key;
	chat->group = par_chat_is_group(as);
	chat->user = world_user(w, as->user);
	chat->peer = chat->group ? chat->user : world_user(w, as->peer);
	chat->members = chat->pair;
	chat->cap_members = DIALOG_MEMBERS;
	HASH_ADD_KEYPTR_BYHASHVALUE(hh, w->chats, as->key.s, as->key.len, hash, chat);
	list_add(w, &w->chat_list, chat);
	if (chat->group)
		list_add(w, &w->group_list, chat);
	return chat;
}

/* The member is asked for by his name. Both of a dialog are known in any case. */
static void member_know(struct world *w, struct chat *chat, struct user *user)
{
	struct named *named = user->named;

	if (!chat->group)
		return;
	while (named != NULL && named->chat != chat)
		named = named->next;
	if (named != NULL)
		return;
	named = world_alloc(w, sizeof(*named));
	named->chat = chat;
	named->user = user;
	named->next = user->named;
	user->named = named;
	list_add(w, &w->named_list, named);
}

/* The user of this name, who is likely one of the chat's. */
static struct user *user_of(struct world *w, const struct chat *chat, struct par_str name)
{
	if (chat != NULL && par_str_equal(name, chat->user->name))
		return chat->user;
	if (chat != NULL && par_str_equal(name, chat->peer->name))
		return chat->peer;
	return world_user(w, name);
}

static struct sent *sent_know(struct world *w, struct chat *chat, struct par_str client_id)
{
	const size_t at = offsetof(struct sent, chat), len = sizeof(chat) + client_id.len;
	struct sent *sent, *known;

	if (client_id.s == NULL)
		return NULL;
	sent = world_alloc(w, sizeof(*sent) + client_id.len);
	sent->client_id = client_id;
	sent->chat = chat;
	memcpy(sent->bytes, client_id.s, client_id.len);
	HASH_FIND(hh, w->sents, (char *)sent + at, len, known);
	if (known != NULL) {
		obstack_free(&w->memory, sent);
		return known;
	}
	HASH_ADD_KEYPTR(hh, w->sents, (char *)sent + at, len, sent);
	list_add(w, &w->sent_list, sent);
	return sent;
}

struct message *world_message(struct world *w, struct chat *chat, uint64_t id)
{
	struct message *message = world_alloc(w, sizeof(*message)), *known;
	const size_t len = sizeof(message->chat) + sizeof(message->id);

	message->chat = chat;
	message->id = id;
	HASH_FIND(hh, w->messages, &message->chat, len, known);
	if (known != NULL) {
		obstack_free(&w->memory, message);
		return known;
	}
	HASH_ADD_KEYPTR(hh, w->messages, &message->chat, len, message);
	return message;
}

/* The message is to be asked for by its id. */
static struct message *message_know(struct world *w, struct chat *chat, uint64_t id)
{
	struct message *message = id == 0 ? NULL : world_message(w, chat, id);

	if (message != NULL && !message->asked)
		list_add(w, &w->message_list, message);
	if (message != NULL)
		message->asked = true;
	return message;
}

static struct mark *mark_know(struct world *w, const struct need *need,
			      const struct par_op_mark *op)
{
	struct mark *mark = world_alloc(w, sizeof(*mark));

	mark->chat = need->chat;
	mark->user = need->user;
	mark->upto = op->upto;
	mark->read = op->kind == PAR_MARK_READ;
	mark->authors_end = &mark->authors;
	list_add(w, &w->mark_list, mark);
	return mark;
}

static struct doc *doc_know(struct world *w, const struct par_op_doc *op)
{
	size_t len = sizeof(op->plugin.len) + op->plugin.len + op->key.len;
	struct doc *doc = world_alloc(w, sizeof(*doc) + len), *known;

	doc->plugin = op->plugin;
	doc->key = op->key;
	doc->expects = op->expects;
	memcpy(doc->bytes, &op->plugin.len, sizeof(op->plugin.len));
	memcpy(doc->bytes + sizeof(op->plugin.len), op->plugin.s, op->plugin.len);
	memcpy(doc->bytes + len - op->key.len, op->key.s, op->key.len);
	HASH_FIND(hh, w->docs, doc->bytes, len, known);
	if (known != NULL) {
		obstack_free(&w->memory, doc);
		known->expects = known->expects || op->expects;
		return known;
	}
	HASH_ADD_KEYPTR(hh, w->docs, doc->bytes, len, doc);
	list_add(w, &w->doc_list, doc);
	return doc;
}

/* Without a number, and going along, the member's row of a dialog says enough. */
static void index_mark(struct world *w, const struct par_op *op, struct need *need)
{
	struct chat *chat = need->chat;

	if (chat->group || op->when == PAR_WHEN_ALWAYS || op->u.mark.upto != 0) {
		need->mark = mark_know(w, need, &op->u.mark);
		return;
	}
	chat->all_mark = chat->all_mark || (chat->marks != NULL && chat->marks != need->user);
	chat->marks = need->user;
}

static void index_forward(struct world *w, const struct par_op_append *append, struct need *need)
{
	if (append->forward_id == 0)
		return;
	need->forward_chat = chat_know(w, &append->forward);
	member_know(w, need->forward_chat, need->user);
	need->forward = message_know(w, need->forward_chat, append->forward_id);
}

/* All members' lists of chats change. Only what cannot be refused, or is forwarded, makes the
 * chat. */
static void index_append(struct world *w, const struct par_op_append *append, struct need *need)
{
	if (need->chat->group) {
		need->chat->every = true;
		world_lock(w, need->user);
	} else {
		world_lock(w, need->chat->user);
		world_lock(w, need->chat->peer);
	}
	index_forward(w, append, need);
	need->sent = sent_know(w, need->chat, append->client_id);
	need->message = message_know(w, need->chat, append->reply_to);
	if (append->refused == NULL && append->reply_to == 0 && !need->chat->group)
		need->chat->make = true;
}

static void index_change(struct world *w, const struct par_op_change *change, struct need *need)
{
	if (change->kind != PAR_CHANGE_HIDE) {
		need->sent = sent_know(w, need->chat, change->client_id);
		need->chat->every = true;
		if (need->chat->group)
			world_lock(w, need->user);
	}
	if (change->target_id != 0)
		need->message = message_know(w, need->chat, change->target_id);
	else
		need->target = sent_know(w, need->chat, change->target_client_id);
}

static void index_event(struct world *w, const struct par_op_event *event, struct need *need)
{
	world_lock(w, need->user);
	if (event->own && !event->always)
		need->others = others_know(w, need->user, event->origin_device);
	else
		need->user->make = need->user->make || event->chat.key.s == NULL;
	if (need->chat != NULL)
		member_know(w, need->chat, need->user);
}

/* `needs`: of the operations before it. */
static void index_reach(struct world *w, const struct par_op_event *event, struct need *need,
			const struct need *needs, unsigned i)
{
	need->chat = chat_know(w, &event->chat);
	need->user = user_of(w, need->chat, event->chat.user);
	world_lock(w, need->user);
	member_know(w, need->chat, need->user);
	if (!event->always)
		need->others = others_know(w, need->user, event->origin_device);
	if (event->reach != PAR_REACH_AUTHORS)
		need->chat->every = true;
	else if (event->of < i && needs[event->of].mark != NULL)
		needs[event->of].mark->tells = true;
}

static void index_roster(struct world *w, const struct par_op_roster *roster, struct need *need)
{
	bool create = roster->kind == PAR_ROSTER_CREATE;
	unsigned i;

	need->chat->every = true;
	need->chat->make = need->chat->make || create;
	world_lock(w, need->user);
	need->user->make = need->user->make || create;
	if (!create && roster->kind != PAR_ROSTER_ADD)
		return;
	for (i = 0; i < roster->n_users; i++) {
		struct user *user = world_user(w, roster->users[i]);
		world_lock(w, user);
		user->make = true;
	}
	need->chat->joins = true;
}

static void index_cursor(struct world *w, struct need *need)
{
	world_lock(w, need->user);
	user_devices(w, need->user);
}

/* The operation before it is likely about the same chat. */
static void index_op(struct world *w, const struct par_op *op, struct need *needs, unsigned i)
{
	const struct par_chat *as = par_op_chat(op);
	struct chat *chat = i == 0 ? NULL : needs[i - 1].chat;
	struct need *need = &needs[i];

	if (as != NULL && (chat == NULL || !par_str_equal(as->key, chat->key)))
		chat = chat_know(w, as);
	need->chat = chat;
	if (as != NULL) {
		need->user = user_of(w, chat, as->user);
		member_know(w, chat, need->user);
	}
	switch (op->kind) {
	case PAR_OP_APPEND:
		index_append(w, &op->u.append, need);
		return;
	case PAR_OP_CHANGE:
		index_change(w, &op->u.change, need);
		return;
	case PAR_OP_MARK:
		index_mark(w, op, need);
		return;
	case PAR_OP_ROSTER:
		index_roster(w, &op->u.roster, need);
		return;
	case PAR_OP_EVENT:
		if (op->u.event.reach != PAR_REACH_USER) {
			index_reach(w, &op->u.event, need, needs, i);
			return;
		}
		if (op->u.event.chat.key.s != NULL)
			need->chat = chat_know(w, &op->u.event.chat);
		need->user = user_of(w, need->chat, op->u.event.user);
		index_event(w, &op->u.event, need);
		return;
	case PAR_OP_CURSOR:
		need->user = user_of(w, chat, op->u.cursor.user);
		index_cursor(w, need);
		return;
	case PAR_OP_DOC_PUT:
	case PAR_OP_DOC_DELETE:
		need->doc = doc_know(w, &op->u.doc);
		return;
	case PAR_OP_PRUNE:
		return;
	}
}

static struct need *index_tx(struct world *w, const struct par_tx *tx)
{
	struct need *needs = world_alloc(w, (tx->n_ops + 1) * sizeof(*needs));
	unsigned i;

	for (i = 0; i < tx->n_ops; i++)
		index_op(w, &tx->ops[i], needs, i);
	return needs;
}

static struct need *index_device(struct world *w, const struct par_query *query)
{
	struct need *need = world_alloc(w, sizeof(*need));

	need->user = world_user(w, query->user);
	need->user->make = true;
	index_cursor(w, need);
	return need;
}

void world_index(struct world *w)
{
	const struct work *work;
	unsigned i;

	w->needs = world_alloc(w, w->batch->n * sizeof(struct need *));
	for (work = w->batch->works, i = 0; work != NULL; work = work->next, i++)
		w->needs[i] =
		    work->tx != NULL ? index_tx(w, work->tx) : index_device(w, work->query);
}
