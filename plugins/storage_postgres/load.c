/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Asking for all that a batch needs, and taking it in. What nothing in the batch
 * needs is not asked for. A row says by number which element it belongs to, so
 * it is put in its place without a search.
 */
#include <stdlib.h>

#include "load.h"

static void ask_chats(struct world *w)
{
	struct params *p = world_params(w);
	unsigned key = params_array(p, PARAM_TEXT);
	size_t i;

	for (i = 0; i < w->chat_list.n; i++)
		params_text(p, key, ((struct chat *)w->chat_list.of[i])->key);
	world_ask_some(w, p, ST_CHATS);
}

/* Both of each dialog. Of the last message of others the client id is asked for where it may be
 * marked: a member is known by his peer. */
static void ask_members(struct world *w)
{
	const struct par_str nobody = { NULL, 0 };
	struct params *p = world_params(w);
	unsigned key = params_array(p, PARAM_TEXT), peer = params_array(p, PARAM_TEXT),
		 every = params_array(p, PARAM_BOOL);
	size_t i;

	if (w->group_list.n == w->chat_list.n)
		return;
	for (i = 0; i < w->chat_list.n; i++) {
		const struct chat *chat = w->chat_list.of[i];
		params_text(p, key, chat->group ? nobody : chat->key);
		params_text(p, peer,
			    chat->marks == NULL         ? nobody
			    : chat->marks == chat->user ? chat->peer->name
							: chat->user->name);
		params_bool(p, every, chat->all_mark);
	}
	world_ask_some(w, p, ST_MEMBERS);
}

static void ask_users(struct world *w, const struct list *list, enum statement statement)
{
	struct params *p = world_params(w);
	unsigned name = params_array(p, PARAM_TEXT);
	size_t i;

	for (i = 0; i < list->n; i++)
		params_text(p, name, ((struct user *)list->of[i])->name);
	world_ask_some(w, p, statement);
}

static void ask_others(struct world *w)
{
	struct params *p = world_params(w);
	unsigned name = params_array(p, PARAM_TEXT), device = params_array(p, PARAM_TEXT);
	size_t i;

	for (i = 0; i < w->others_list.n; i++) {
		const struct others *others = w->others_list.of[i];
		params_text(p, name, others->user->name);
		params_text(p, device, others->device);
	}
	world_ask_some(w, p, ST_OTHERS);
}

static void ask_sent(struct world *w)
{
	struct params *p = world_params(w);
	unsigned key = params_array(p, PARAM_TEXT), client_id = params_array(p, PARAM_TEXT);
	size_t i;

	for (i = 0; i < w->sent_list.n; i++) {
		const struct sent *sent = w->sent_list.of[i];
		params_text(p, key, sent->chat->key);
		params_text(p, client_id, sent->client_id);
	}
	world_ask_some(w, p, ST_SENT);
}

static void ask_messages(struct world *w)
{
	struct params *p = world_params(w);
	unsigned key = params_array(p, PARAM_TEXT), id = params_array(p, PARAM_INT8);
	size_t i;

	for (i = 0; i < w->message_list.n; i++) {
		const struct message *message = w->message_list.of[i];
		params_text(p, key, message->chat->key);
		params_int8(p, id, (int64_t)cursor_min(message->id, ID_MAX));
	}
	world_ask_some(w, p, ST_MESSAGES_BY_ID);
}

static void ask_marks(struct world *w)
{
	struct params *p = world_params(w);
	unsigned key = params_array(p, PARAM_TEXT), name = params_array(p, PARAM_TEXT),
		 upto = params_array(p, PARAM_INT8), joins = params_array(p, PARAM_BOOL);
	size_t i;

	for (i = 0; i < w->mark_list.n; i++) {
		const struct mark *mark = w->mark_list.of[i];
		params_text(p, key, mark->chat->key);
		params_text(p, name, mark->user->name);
		params_int8(p, upto, load_upto(mark));
		params_bool(p, joins, mark->chat->joins);
	}
	world_ask_some(w, p, ST_MARKS);
}

static void ask_docs(struct world *w)
{
	struct params *p = world_params(w);
	unsigned plugin = params_array(p, PARAM_TEXT), key = params_array(p, PARAM_TEXT),
		 expects = params_array(p, PARAM_BOOL);
	size_t i;

	for (i = 0; i < w->doc_list.n; i++) {
		const struct doc *doc = w->doc_list.of[i];
		params_text(p, plugin, doc->plugin);
		params_text(p, key, doc->key);
		params_bool(p, expects, doc->expects);
	}
	world_ask_some(w, p, ST_DOCS);
}

/* What locks comes before what the lock protects, and in the order of statements_batch.h. */
void load_ask(struct world *w)
{
	ask_chats(w);
	if (w->group_list.n > 0)
		load_group_lock(w);
	else
		ask_users(w, &w->lock_list, ST_USERS);
	ask_docs(w);
	ask_members(w);
	if (w->group_list.n > 0)
		load_group_ask(w);
	ask_users(w, &w->device_list, ST_DEVICES);
	ask_others(w);
	ask_sent(w);
	ask_messages(w);
	ask_marks(w);
}

static void take_chats(struct world *w)
{
	const char *numbers;
	const PGresult *r;
	int i, rows;

	r = load_taken(w, ST_CHATS, &rows);
	for (i = 0; i < rows; i++) {
		struct chat *chat = load_numbers(&w->chat_list, r, i, &numbers);
		chat->id = (int64_t)row_number(numbers, 1);
		chat->last_id = chat->loaded_id = row_number(numbers, 2);
		chat->last_time = row_number(numbers, 3);
		chat->content = row_number(numbers, 4);
	}
}

/* Each of a dialog is the other's peer. A chat that was made after its row was to be locked is
 * not locked: what is seen of it is nothing to go by. The same holds for users and their devices. */
static void take_members(struct world *w)
{
	const char *numbers;
	const PGresult *r;
	int i, rows;

	r = load_taken(w, ST_MEMBERS, &rows);
	for (i = 0; i < rows; i++) {
		struct chat *chat = load_numbers(&w->chat_list, r, i, &numbers);
		struct par_str peer = row_str(r, i, 1);
		struct member *member = &chat->members[chat->n_members];

		if (chat->id == 0 || chat->n_members == DIALOG_MEMBERS)
			continue;
		chat->n_members++;
		member->user_id = (int64_t)row_number(numbers, 1);
		if (par_str_equal(peer, chat->peer->name))
			member->user = chat->user;
		else if (par_str_equal(peer, chat->user->name))
			member->user = chat->peer;
		member->read = row_number(numbers, 2);
		member->read_at = row_number(numbers, 3);
		member->delivered = row_number(numbers, 4);
		member->delivered_at = row_number(numbers, 5);
		member->missed = row_number(numbers, 6);
		member->theirs = row_number(numbers, 7);
		member->rank = row_number(numbers, 8);
		member->theirs_client_id = row_str(r, i, 2);
	}
}

static void take_users(struct world *w)
{
	const char *numbers;
	const PGresult *r;
	int i, rows;

	r = load_taken(w, ST_USERS, &rows);
	for (i = 0; i < rows; i++) {
		struct user *user = load_numbers(&w->lock_list, r, i, &numbers);
		load_user(user, numbers);
	}
}

/* What memory does not suffice for is not known as acked, and is sent again. */
static void take_above(struct cursor *cursor, const PGresult *r, int row, int column)
{
	unsigned n = row_array_len(r, row, column), i;
	const char *numbers = row_numbers(r, row, column);

	cursor->above = n == 0 ? NULL : malloc(n * sizeof(*cursor->above));
	if (cursor->above == NULL)
		return;
	for (i = 0; i < n; i++)
		cursor->above[i] = row_number(numbers, i);
	cursor->n_above = n;
}

static void take_devices(struct world *w)
{
	const char *numbers;
	const PGresult *r;
	int i, rows;

	r = load_taken(w, ST_DEVICES, &rows);
	for (i = 0; i < rows; i++) {
		struct user *user = load_numbers(&w->device_list, r, i, &numbers);
		struct device *device;

		if (user->id == 0)
			continue;
		device = world_alloc(w, sizeof(*device));
		device->name = row_str(r, i, 1);
		device->cursor.acked = row_number(numbers, 1);
		device->cursor.sent = row_number(numbers, 2);
		device->cursor.lost = row_number(numbers, 3);
		device->connected = row_number(numbers, 4);
		device->orphan = row_number(numbers, 5) != 0;
		device->seen = row_number(numbers, 6);
		take_above(&device->cursor, r, i, 2);
		device->next = user->devices;
		user->devices = device;
	}
}

static void take_others(struct world *w)
{
	const PGresult *r;
	int i, rows;

	r = load_taken(w, ST_OTHERS, &rows);
	for (i = 0; i < rows; i++) {
		struct others *others = load_row(&w->others_list, r, i);
		others->some = others->user->id != 0;
	}
}

static void take_hidden(struct world *w, struct message *message, const PGresult *r, int row)
{
	const char *users = row_numbers(r, row, 15), *times = row_numbers(r, row, 16);
	unsigned n = row_array_len(r, row, 15), i;

	for (i = 0; i < n; i++) {
		struct hidden *hidden = world_alloc(w, sizeof(*hidden));
		hidden->message = message;
		hidden->user_id = (int64_t)row_number(users, i);
		hidden->at = row_number(times, i);
		hidden->next = message->hidden;
		message->hidden = hidden;
	}
}

/* The message of the row. It may be known from another row already, which said the same. */
static struct message *take_message(struct world *w, struct chat *chat, const PGresult *r, int row)
{
	struct message *message = world_message(w, chat, row_u64(r, row, 1));

	if (message->found)
		return message;
	message->found = true;
	take_hidden(w, message, r, row);
	message->sender = (int64_t)row_u64(r, row, 2);
	message->kind = (enum kind)row_u64(r, row, 3);
	message->created = row_u64(r, row, 4);
	message->ref = row_u64(r, row, 5);
	message->fingerprint = row_u64(r, row, 6);
	message->updated = row_u64(r, row, 7);
	message->deleted = row_u64(r, row, 8);
	message->deletion = row_u64(r, row, 9);
	message->client_id = row_str(r, row, 10);
	message->text = row_str(r, row, 11);
	message->original_client_id = row_str(r, row, 12);
	message->deletion_created = row_u64(r, row, 13);
	message->deletion_client_id = row_str(r, row, 14);
	message->sender_name = row_str(r, row, 17);
	return message;
}

static void take_messages(struct world *w)
{
	const PGresult *r;
	int i, rows;

	r = load_taken(w, ST_MESSAGES_BY_ID, &rows);
	for (i = 0; i < rows; i++) {
		struct message *message = load_row(&w->message_list, r, i);
		take_message(w, message->chat, r, i);
	}
}

static void take_sent(struct world *w)
{
	const PGresult *r;
	int i, rows;

	r = load_taken(w, ST_SENT, &rows);
	for (i = 0; i < rows; i++) {
		struct sent *sent = load_row(&w->sent_list, r, i);
		struct message *message = take_message(w, sent->chat, r, i);
		if (message->in_sent)
			continue;
		message->in_sent = true;
		message->next_sent = sent->messages;
		sent->messages = message;
	}
}

static void take_marks(struct world *w)
{
	const PGresult *r;
	int i, rows;

	r = load_taken(w, ST_MARKS, &rows);
	for (i = 0; i < rows; i++) {
		struct mark *mark = load_row(&w->mark_list, r, i);
		mark->id = row_u64(r, i, 1);
		mark->client_id = row_str(r, i, 2);
		mark->missed = row_u64(r, i, 3);
	}
}

static void take_docs(struct world *w)
{
	const PGresult *r;
	int i, rows;

	r = load_taken(w, ST_DOCS, &rows);
	for (i = 0; i < rows; i++) {
		struct doc *doc = load_row(&w->doc_list, r, i);
		doc->stored = doc->there = true;
		doc->value = row_str(r, i, 1);
	}
}

void load_take(struct world *w)
{
	if (!w->fresh)
		world_again(w);
	w->fresh = false;
	take_chats(w);
	take_members(w);
	take_users(w);
	if (w->group_list.n > 0)
		load_group_take(w);
	take_devices(w);
	take_others(w);
	take_messages(w);
	take_sent(w);
	take_marks(w);
	take_docs(w);
}
