/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * With whom a user shares a dialog (PEERS). Each user's members of dialogs lie in
 * a second list, in the order in which the pages want them, so that a page
 * costs its rows and not his dialogs. One whose chat was made by a transaction
 * that was refused is in it too, and is passed over.
 */
#include <string.h>

#include "../storage_common/order.h"
#include "../storage_common/page.h"
#include "memory.h"

/* The place of the first whose peer is behind `peer`. */
static unsigned place_behind(const struct user *user, struct par_str peer)
{
	unsigned low = 0, high = user->n_peers;

	while (low < high) {
		unsigned middle = low + (high - low) / 2;
		if (str_order(user->peers[middle]->peer, peer) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

void peers_add(struct member *member)
{
	struct user *user = member->user;
	unsigned at = place_behind(user, member->peer);

	user->peers =
	    memory_grow(user->peers, &user->cap_peers, user->n_peers, sizeof(struct member *));
	memmove(user->peers + at + 1, user->peers + at,
		(user->n_peers - at) * sizeof(struct member *));
	user->peers[at] = member;
	user->n_peers++;
}

void query_peers(struct memory *m, struct par_query *q)
{
	const struct user *user = user_find(m, q->user);
	size_t bytes = 0;
	unsigned i;

	if (user == NULL)
		return;
	q->peers = m->api->query_alloc(q, q->limit * sizeof(*q->peers) + 1);
	i = q->after_key.s == NULL ? 0 : place_behind(user, q->after_key);
	for (; i < user->n_peers && !q->has_more; i++) {
		const struct member *member = user->peers[i];
		if (member->chat->n > 0 && page_add(q, &bytes, member->peer.len))
			q->peers[q->n - 1] = member->peer;
	}
}
