/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Dropping what nobody waits for or what is too old (PRUNE), and what is left of groups that
 * were deleted. A step drops a bounded number of events, and of messages. It looks at every
 * user, one after the other, which is right for tests and benchmarks and for nothing larger.
 */
#include <stdlib.h>

#include "memory.h"

/* Drops the events up to `upto` and those stored before `before`, at most
 * `limit`. Returns how many. */
unsigned user_drop(struct user *user, uint64_t upto, uint64_t before, unsigned limit)
{
	const struct event *first;
	unsigned n = 0;

	while (n < limit && (first = user_first_event(user)) != NULL &&
	       (user->first_seq <= upto || first->stored < before)) {
		user_drop_first(user);
		n++;
	}
	return n;
}

/* A device goes when the events that only it waited for are gone: one that
 * comes back in between finds the gap. */
static void user_prune(struct user *user, struct par_op_prune *prune)
{
	uint64_t upto = user_done_upto(user, prune->devices_before);
	struct device **at = &user->devices;

	prune->events +=
	    user_drop(user, upto, prune->events_before, prune->limit - (unsigned)prune->events);
	if (user->first_seq <= upto)
		return;
	while (*at != NULL) {
		if (device_is_stale(*at, prune->devices_before)) {
			device_forget(user, at);
			prune->devices++;
		} else {
			at = &(*at)->next;
		}
	}
}

/* Drops messages of groups that were deleted, the last of a group first, at most `limit`, and
 * each group with its last one. False: there may be more. */
static bool groups_prune(struct memory *m, unsigned limit)
{
	struct chat *chat;
	unsigned n = 0;

	while ((chat = m->deleted) != NULL) {
		while (chat->n > 0 && n++ < limit)
			message_free(chat->messages[--chat->n]);
		if (chat->n > 0)
			return false;
		m->deleted = chat->next_deleted;
		chat_drop(m, chat);
	}
	return true;
}

bool op_prune(struct memory *m, struct par_op *op)
{
	struct par_op_prune *prune = &op->u.prune;
	struct user *user;

	prune->events = prune->devices = 0;
	if (m->undoing) {
		/* it could not be taken back: the next step does it */
		op->result.applied = true;
		return true;
	}
	for (user = m->users; user != NULL && prune->events < prune->limit; user = user->hh.next)
		user_prune(user, prune);
	op->result.applied = prune->events > 0 && prune->events == prune->limit;
	if (!groups_prune(m, prune->limit))
		op->result.applied = true;
	return true;
}
