/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From the chatId that a user writes to the chat itself: the one place that
 * knows how a chat is named. A dialog's key is both user ids in byte order with a
 * separator that no user id can hold, so it is the same from both sides, and
 * whoever can name a dialog is a member of it. A group's key is its id; who is a
 * member of it is the storage's to know, and it judges that in each operation.
 *
 * All plugins must name a chat in the same way, or they would not see the same
 * chat. Everything is header-only; pure functions, for any thread that may use the
 * memory that is written to.
 */
#ifndef PARLANCE_CHAT_H
#define PARLANCE_CHAT_H

#include <parlance/storage.h>

#ifdef __cplusplus
extern "C" {
#endif

#define PAR_CHAT_SEPARATOR '\x1f'

/* How many bytes the chat takes. */
static inline size_t par_chat_memory(struct par_str user, struct par_str chat_id)
{
	return user.len + 1 + chat_id.len;
}

/* Users with the same beginning: the shorter one is the first. */
static inline bool par_chat_comes_first(struct par_str a, struct par_str b)
{
	int order = memcmp(a.s, b.s, a.len < b.len ? a.len : b.len);

	return order < 0 || (order == 0 && a.len <= b.len);
}

/* The chat that `user` calls `chat_id`, both of them valid ids: a dialog, the chat with
 * himself, or a group. It is written to `memory`, which holds par_chat_memory(user, chat_id)
 * bytes and lives as long as the result is used. */
static inline struct par_chat par_chat_resolve(char *memory, struct par_str user,
					       struct par_str chat_id)
{
	bool group = par_id_is_group(chat_id);
	bool user_first = group || par_chat_comes_first(user, chat_id);
	char *user_at = memory + (user_first ? 0 : chat_id.len + 1);
	char *peer_at = memory + (user_first ? user.len + 1 : 0);
	struct par_chat chat;

	memcpy(user_at, user.s, user.len);
	memcpy(peer_at, chat_id.s, chat_id.len);
	memory[user_first ? user.len : chat_id.len] = PAR_CHAT_SEPARATOR;
	chat.user.s = user_at;
	chat.user.len = user.len;
	chat.peer.s = peer_at;
	chat.peer.len = chat_id.len;
	chat.key.s = group ? peer_at : memory;
	chat.key.len = group ? chat_id.len : par_chat_memory(user, chat_id);
	return chat;
}

/* The same in the memory of a transaction, or of a query. */
static inline struct par_chat par_chat_in_tx(const struct par_api *api, struct par_tx *tx,
					     struct par_str user, struct par_str chat_id)
{
	return par_chat_resolve((char *)api->tx_alloc(tx, par_chat_memory(user, chat_id)), user,
				chat_id);
}

static inline struct par_chat par_chat_in_query(const struct par_api *api, struct par_query *query,
						struct par_str user, struct par_str chat_id)
{
	return par_chat_resolve((char *)api->query_alloc(query, par_chat_memory(user, chat_id)),
				user, chat_id);
}

/* How a role is called on the wire. */
static inline const char *par_role_name(enum par_role role)
{
	return role == PAR_ROLE_OWNER ? "owner" : role == PAR_ROLE_ADMIN ? "admin" : "member";
}

/* Whether it is the chat with oneself. */
static inline bool par_chat_is_own(const struct par_chat *chat)
{
	return par_str_equal(chat->user, chat->peer);
}

#ifdef __cplusplus
}
#endif

#endif
