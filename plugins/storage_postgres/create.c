/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Making chats, users and members that must be there before their rows can be
 * locked. It has a transaction of its own, which holds no lock of the
 * batch's and inserts in the order of names: so it waits for others that do
 * the same and for nobody else, and finding that somebody was quicker is no error. What
 * is made and then not used says nothing to anybody: a chat without messages is not there, nor
 * is a group without a name, which has no members yet.
 */
#include "world.h"

static bool user_missing(const struct user *user)
{
	return user->make && user->locked && user->id == 0;
}

static bool chat_missing(const struct chat *chat)
{
	return chat->make && chat->id == 0;
}

bool create_needed(const struct world *w)
{
	bool needed = false;
	size_t i;

	for (i = 0; i < w->chat_list.n; i++) {
		struct chat *chat = w->chat_list.of[i];
		if (!chat_missing(chat))
			continue;
		/* of a group both are one who acts */
		needed = chat->user->make = chat->peer->make = true;
	}
	for (i = 0; !needed && i < w->lock_list.n; i++)
		needed = user_missing(w->lock_list.of[i]);
	return needed && !w->made;
}

static void make_chats(struct world *w)
{
	struct params *p = world_params(w);
	unsigned key = params_array(p, PARAM_TEXT);
	size_t i;

	for (i = 0; i < w->chat_list.n; i++) {
		const struct chat *chat = w->chat_list.of[i];
		if (chat_missing(chat))
			params_text(p, key, chat->key);
	}
	world_ask_some(w, p, ST_MAKE_CHATS);
}

static void make_users(struct world *w)
{
	struct params *p = world_params(w);
	unsigned name = params_array(p, PARAM_TEXT);
	size_t i;

	for (i = 0; i < w->lock_list.n; i++) {
		const struct user *user = w->lock_list.of[i];
		if (user_missing(user))
			params_text(p, name, user->name);
	}
	world_ask_some(w, p, ST_MAKE_USERS);
}

static void make_members(struct world *w)
{
	struct params *p = world_params(w);
	unsigned key = params_array(p, PARAM_TEXT), name = params_array(p, PARAM_TEXT),
		 peer = params_array(p, PARAM_TEXT);
	size_t i;

	for (i = 0; i < w->chat_list.n; i++) {
		const struct chat *chat = w->chat_list.of[i];
		if (!chat_missing(chat) || chat->group)
			continue;
		params_text(p, key, chat->key);
		params_text(p, name, chat->user->name);
		params_text(p, peer, chat->peer->name);
		if (chat->peer == chat->user)
			continue;
		params_text(p, key, chat->key);
		params_text(p, name, chat->peer->name);
		params_text(p, peer, chat->user->name);
	}
	world_ask_some(w, p, ST_MAKE_MEMBERS);
}

void create_ask(struct world *w)
{
	lane_rollback(w->batch->lane);
	world_params(w);
	world_ask(w, ST_BEGIN);
	world_params(w);
	world_ask(w, ST_MAKE_ASYNC);
	make_chats(w);
	make_users(w);
	make_members(w);
	world_params(w);
	world_ask(w, ST_COMMIT);
	w->made = true;
}
