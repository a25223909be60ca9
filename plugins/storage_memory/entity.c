/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Users and chats: finding and making them. While the server runs none is removed but a group
 * that was deleted; one that a refused transaction made stays behind, empty, and is not seen
 * (a dialog without messages is in no list).
 */
#include <stdlib.h>
#include <string.h>

#include "memory.h"

void *memory_alloc(size_t size)
{
	void *p = calloc(1, size);

	if (p == NULL)
		abort();
	return p;
}

/* Room for one more than n. */
void *memory_grow(void *array, unsigned *cap, unsigned n, size_t size)
{
	if (n < *cap)
		return array;
	*cap = *cap == 0 ? 8 : *cap * 2;
	array = realloc(array, *cap * size);
	if (array == NULL)
		abort();
	return array;
}

/* Copies s to *at and moves that on. NULL stays NULL. */
struct par_str memory_copy(char **at, struct par_str s)
{
	struct par_str copy = { NULL, 0 };

	if (s.s == NULL)
		return copy;
	copy.s = *at;
	copy.len = s.len;
	memcpy(*at, s.s, s.len);
	*at += s.len;
	return copy;
}

struct user *user_find(struct memory *m, struct par_str name)
{
	struct user *user;

	HASH_FIND(hh, m->users, name.s, name.len, user);
	return user;
}

struct user *user_get(struct memory *m, struct par_str name)
{
	struct user *user = user_find(m, name);
	char *at;

	if (user != NULL)
		return user;
	user = memory_alloc(sizeof(*user) + name.len);
	at = user->bytes;
	user->name = memory_copy(&at, name);
	user->first_seq = 1;
	HASH_ADD_KEYPTR(hh, m->users, user->name.s, user->name.len, user);
	return user;
}

struct chat *chat_find(struct memory *m, struct par_str key)
{
	struct chat *chat;

	HASH_FIND(hh, m->chats, key.s, key.len, chat);
	return chat;
}

struct chat *chat_new(struct memory *m, struct par_str key)
{
	struct chat *chat = memory_alloc(sizeof(*chat) + key.len);
	char *at = chat->bytes;

	chat->key = memory_copy(&at, key);
	HASH_ADD_KEYPTR(hh, m->chats, chat->key.s, chat->key.len, chat);
	return chat;
}

static void dialog_add(struct memory *m, struct chat *chat, struct par_str name,
		       struct par_str peer)
{
	struct member *member = member_get(m, chat, name, peer);

	member->in = true;
	chat->n_in++;
	user_add_chat(member->user, member);
}

/* A dialog; a group is made by ROSTER. */
struct chat *chat_get(struct memory *m, const struct par_chat *as)
{
	struct chat *chat = chat_find(m, as->key);

	if (chat != NULL)
		return chat;
	chat = chat_new(m, as->key);
	dialog_add(m, chat, as->user, as->peer);
	if (!par_str_equal(as->user, as->peer))
		dialog_add(m, chat, as->peer, as->user);
	if (chat->n_members == 2) {
		peers_add(chat->members[0]);
		peers_add(chat->members[1]);
	}
	return chat;
}

bool chat_is_group(const struct chat *chat)
{
	return par_id_is_group(chat->key);
}

struct message *chat_message(const struct chat *chat, uint64_t id)
{
	return id == 0 || id > chat->n ? NULL : chat->messages[id - 1];
}

void message_free(struct message *message)
{
	free(message->edited);
	free(message);
}

static void chat_free(struct chat *chat)
{
	uint64_t i;

	for (i = 0; i < chat->n_members; i++)
		member_free(chat->members[i]);
	for (i = 0; i < chat->n; i++)
		message_free(chat->messages[i]);
	free(chat->members);
	free(chat->messages);
	free((char *)chat->name.s);
	free(chat);
}

/* One that is in no user's list. */
void chat_drop(struct memory *m, struct chat *chat)
{
	HASH_DEL(m->chats, chat);
	chat_free(chat);
}

static void user_free(struct user *user)
{
	struct device *device;
	uint64_t seq;

	while ((device = user->devices) != NULL) {
		user->devices = device->next;
		free(device->cursor.above);
		free(device);
	}
	for (seq = user->first_seq; seq <= user->last_seq; seq++)
		free(user->events[(user->head + (seq - user->first_seq)) & (user->cap - 1)]);
	free(user->events);
	free(user->chats);
	free(user->peers);
	free(user);
}

void memory_free_entities(struct memory *m)
{
	struct user *user, *next_user;
	struct chat *chat, *next_chat;

	HASH_ITER(hh, m->chats, chat, next_chat) {
		HASH_DEL(m->chats, chat);
		chat_free(chat);
	}
	HASH_ITER(hh, m->users, user, next_user) {
		HASH_DEL(m->users, user);
		user_free(user);
	}
}
