/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who is in a chat. Its members lie in the order of their users' bytes, so that one is found by
 * bisection; who has left a group keeps his place there, not `in` it.
 */
#include <stdlib.h>
#include <string.h>

#include "../storage_common/order.h"
#include "memory.h"

unsigned member_place(const struct chat *chat, struct par_str name)
{
	unsigned low = 0, high = chat->n_members;

	while (low < high) {
		unsigned middle = low + (high - low) / 2;
		if (str_order(chat->members[middle]->user->name, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct member *chat_author(struct chat *chat, struct par_str user)
{
	unsigned at;

	if (chat == NULL || chat->deleted)
		return NULL;
	at = member_place(chat, user);
	if (at == chat->n_members || !par_str_equal(chat->members[at]->user->name, user))
		return NULL;
	return chat->members[at];
}

struct member *chat_member(struct chat *chat, struct par_str user)
{
	struct member *member = chat_author(chat, user);

	return member != NULL && member->in ? member : NULL;
}

/* The one there is, or a new one, who is not in it yet. */
struct member *member_get(struct memory *m, struct chat *chat, struct par_str name,
			  struct par_str peer)
{
	struct member *member = chat_author(chat, name);
	unsigned place;
	char *at;

	if (member != NULL)
		return member;
	member = memory_alloc(sizeof(*member) + peer.len);
	at = member->bytes;
	member->chat = chat;
	member->user = user_get(m, name);
	member->peer = memory_copy(&at, peer);
	place = member_place(chat, name);
	chat->members = memory_grow(chat->members, &chat->cap_members, chat->n_members,
				    sizeof(struct member *));
	memmove(chat->members + place + 1, chat->members + place,
		(chat->n_members - place) * sizeof(struct member *));
	chat->members[place] = member;
	chat->n_members++;
	return member;
}

void user_add_chat(struct user *user, struct member *member)
{
	user->chats =
	    memory_grow(user->chats, &user->cap_chats, user->n_chats, sizeof(struct member *));
	user->chats[user->n_chats++] = member;
}

/* A query puts them in order; here none is kept. */
void user_remove_chat(struct user *user, struct member *member)
{
	unsigned i = 0;

	while (user->chats[i] != member)
		i++;
	user->chats[i] = user->chats[--user->n_chats];
}

/* Since when, in *at. */
bool member_hides(const struct member *member, uint64_t id, uint64_t *at)
{
	unsigned low = 0, high = member->n_hidden;

	while (low < high) {
		unsigned middle = low + (high - low) / 2;
		if (member->hidden[middle].id < id)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == member->n_hidden || member->hidden[low].id != id)
		return false;
	if (at != NULL)
		*at = member->hidden[low].at;
	return true;
}

bool member_lacks(const struct member *member, uint64_t id)
{
	return id <= member->since || member_hides(member, id, NULL);
}

void member_free(struct member *member)
{
	free(member->sent.slots);
	free(member->hidden);
	free(member);
}
