/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What groups have beyond dialogs, asked for and taken in: their names, their members, and
 * who wrote what a mark covers. Whom an operation reaches is known only when the chat is
 * locked: so one statement locks the users' rows of the members, of the authors and of all others
 * of the batch, in the order of their ids.
 */
#include "load.h"
#include "ops.h"

static void add_marks(const struct world *w, struct params *p)
{
	unsigned key = params_array(p, PARAM_TEXT), name = params_array(p, PARAM_TEXT),
		 upto = params_array(p, PARAM_INT8), read = params_array(p, PARAM_BOOL);
	const struct par_str nobody = { NULL, 0 };
	size_t i;

	for (i = 0; i < w->mark_list.n; i++) {
		const struct mark *mark = w->mark_list.of[i];
		params_text(p, key, mark->tells ? mark->chat->key : nobody);
		params_text(p, name, mark->user->name);
		params_int8(p, upto, load_upto(mark));
		params_bool(p, read, mark->read);
	}
}

void load_group_lock(struct world *w)
{
	struct params *p = world_params(w);
	unsigned name = params_array(p, PARAM_TEXT), key = params_array(p, PARAM_TEXT);
	size_t i;

	for (i = 0; i < w->lock_list.n; i++)
		params_text(p, name, ((struct user *)w->lock_list.of[i])->name);
	for (i = 0; i < w->group_list.n; i++) {
		const struct chat *chat = w->group_list.of[i];
		if (chat->every)
			params_text(p, key, chat->key);
	}
	add_marks(w, p);
	world_ask(w, ST_GROUP_USERS);
}

static void ask_groups(struct world *w)
{
	struct params *p = world_params(w);
	unsigned key = params_array(p, PARAM_TEXT);
	size_t i;

	for (i = 0; i < w->group_list.n; i++)
		params_text(p, key, ((struct chat *)w->group_list.of[i])->key);
	world_ask(w, ST_GROUPS);
}

static void ask_every(struct world *w)
{
	struct params *p = world_params(w);
	unsigned key = params_array(p, PARAM_TEXT), n = params_array(p, PARAM_INT8);
	size_t i;

	for (i = 0; i < w->group_list.n; i++) {
		const struct chat *chat = w->group_list.of[i];
		if (!chat->every)
			continue;
		params_text(p, key, chat->key);
		params_int8(p, n, (int64_t)i + 1);
	}
	world_ask_some(w, p, ST_GROUP_EVERY);
}

/* Where not all are asked for anyway. */
static void ask_named(struct world *w)
{
	struct params *p = world_params(w);
	unsigned key = params_array(p, PARAM_TEXT), name = params_array(p, PARAM_TEXT),
		 n = params_array(p, PARAM_INT8);
	size_t i;

	for (i = 0; i < w->named_list.n; i++) {
		const struct named *named = w->named_list.of[i];
		if (named->chat->every)
			continue;
		params_text(p, key, named->chat->key);
		params_text(p, name, named->user->name);
		params_int8(p, n, (int64_t)i + 1);
	}
	world_ask_some(w, p, ST_GROUP_NAMED);
}

static void ask_authors(struct world *w)
{
	struct params *p = world_params(w);
	bool tells = false;
	size_t i;

	for (i = 0; i < w->mark_list.n && !tells; i++)
		tells = ((struct mark *)w->mark_list.of[i])->tells;
	if (!tells)
		return;
	add_marks(w, p);
	world_ask(w, ST_GROUP_AUTHORS);
}

void load_group_ask(struct world *w)
{
	ask_groups(w);
	ask_every(w);
	ask_named(w);
	ask_authors(w);
}

/* Members are users whom nobody may have named. They come in the order of their ids. */
static void take_users(struct world *w)
{
	const PGresult *r;
	int i, rows;

	r = load_taken(w, ST_GROUP_USERS, &rows);
	for (i = 0; i < rows; i++) {
		struct user *user = world_user(w, row_str(r, i, 1));
		world_lock(w, user);
		load_user(user, row_numbers(r, i, 0));
		list_add(w, &w->id_list, user);
	}
}

/* NULL: his row is not locked. */
static struct user *user_of_id(const struct world *w, int64_t id)
{
	size_t low = 0, high = w->id_list.n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		struct user *user = w->id_list.of[middle];
		if (user->id == id)
			return user;
		if (user->id < id)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

static void take_groups(struct world *w)
{
	const PGresult *r;
	int i, rows;

	r = load_taken(w, ST_GROUPS, &rows);
	for (i = 0; i < rows; i++) {
		struct chat *chat = load_row(&w->group_list, r, i);
		if (chat->id == 0)
			continue;
		chat->gone = row_bool(r, i, 1);
		chat->name = row_str(r, i, 2);
	}
}

/* The member's numbers begin behind the first. */
static struct member *take_member(struct world *w, struct chat *chat, struct user *user,
				  const char *numbers)
{
	struct member *member = world_member(w, chat);

	member->user = user;
	member->user_id = (int64_t)row_number(numbers, 1);
	member->read = row_number(numbers, 2);
	member->read_at = row_number(numbers, 3);
	member->delivered = row_number(numbers, 4);
	member->delivered_at = row_number(numbers, 5);
	member->missed = row_number(numbers, 6);
	member->theirs = row_number(numbers, 7);
	member->rank = row_number(numbers, 8);
	member->role = (enum par_role)row_number(numbers, 9);
	member->joined = row_number(numbers, 10);
	member->since = row_number(numbers, 11);
	return member;
}

/* All their users are locked, under the lock of the chat. */
static void take_every(struct world *w)
{
	const char *numbers;
	const PGresult *r;
	struct user *user;
	int i, rows;

	r = load_taken(w, ST_GROUP_EVERY, &rows);
	for (i = 0; i < rows; i++) {
		struct chat *chat = load_numbers(&w->group_list, r, i, &numbers);
		user = chat->id == 0 ? NULL : user_of_id(w, (int64_t)row_number(numbers, 1));
		if (user != NULL)
			take_member(w, chat, user, numbers);
	}
}

static void take_named(struct world *w)
{
	const char *numbers;
	const PGresult *r;
	int i, rows;

	r = load_taken(w, ST_GROUP_NAMED, &rows);
	for (i = 0; i < rows; i++) {
		struct named *named = load_numbers(&w->named_list, r, i, &numbers);
		if (named->chat->id != 0)
			take_member(w, named->chat, named->user, numbers);
	}
}

/* They come with the latest message first, as often as they wrote one. Who is no member may
 * become one in this batch. */
static void take_authors(struct world *w)
{
	const PGresult *r;
	int i, rows;

	r = load_taken(w, ST_GROUP_AUTHORS, &rows);
	for (i = 0; i < rows; i++) {
		struct mark *mark = load_row(&w->mark_list, r, i);
		struct author *author;

		if (mark->chat->id == 0)
			continue;
		author = world_alloc(w, sizeof(*author));
		author->user = world_user(w, row_str(r, i, 3));
		author->id = row_u64(r, i, 1);
		*mark->authors_end = author;
		mark->authors_end = &author->next;
		if (!mark->chat->every && !row_null(r, i, 2) &&
		    chat_member(mark->chat, author->user) == NULL)
			take_member(w, mark->chat, author->user, row_numbers(r, i, 2));
	}
}

void load_group_take(struct world *w)
{
	take_users(w);
	take_groups(w);
	take_every(w);
	take_named(w);
	take_authors(w);
}
