/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From the chatId that a user writes to the chat itself: the one place that
 * knows how a dialog is named, and that decides who has access. A dialog's key is
 * both user ids in byte order with a separator that no user id can hold, so it
 * is the same from both sides, and whoever can name it is a member of it.
 */
#include "messaging.h"

#define KEY_SEPARATOR '\x1f'

struct par_str chat_id_read(struct payload *p, const char *key)
{
	struct par_str id = payload_id(p, key, PAYLOAD_REQUIRED);

	if (p->error == PAR_OK && par_id_is_group(id))
		payload_refuse(p, PAR_E_NOT_FOUND, key, "is no chat of yours");
	return id;
}

size_t chat_memory(struct par_str user, struct par_str peer)
{
	return user.len + 1 + peer.len;
}

/* Users with the same beginning: the shorter one is the first. */
static bool comes_first(struct par_str a, struct par_str b)
{
	size_t common = a.len < b.len ? a.len : b.len;
	int order = memcmp(a.s, b.s, common);

	return order < 0 || (order == 0 && a.len <= b.len);
}

struct par_chat chat_resolve(char *memory, struct par_str user, struct par_str peer)
{
	bool user_first = comes_first(user, peer);
	char *user_at = memory + (user_first ? 0 : peer.len + 1);
	char *peer_at = memory + (user_first ? user.len + 1 : 0);
	struct par_chat chat = {
		.key = { memory, chat_memory(user, peer) },
		.user = { user_at, user.len },
		.peer = { peer_at, peer.len },
	};

	memcpy(user_at, user.s, user.len);
	memcpy(peer_at, peer.s, peer.len);
	memory[user_first ? user.len : peer.len] = KEY_SEPARATOR;
	return chat;
}

struct par_chat chat_in_tx(struct messaging *m, struct par_tx *tx, struct par_str user,
			   struct par_str peer)
{
	return chat_resolve(m->api->tx_alloc(tx, chat_memory(user, peer)), user, peer);
}
