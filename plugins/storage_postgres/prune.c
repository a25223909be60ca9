/* SPDX-License-Identifier: BSD-2-Clause */
/* Deciding what goes: by time, with devices that are forgotten, and what all have acked. */
#include "prune.h"

#include "../storage_common/cursor.h"

/* Drops the user's events up to `upto`. False when there was not room for all of them in
 * this step. */
static bool drop_upto(struct prune *prune, struct prune_user *user, uint64_t upto)
{
	uint64_t n;

	if (upto < user->keep_from)
		return true;
	n = cursor_min(upto - user->keep_from + 1, prune->limit - prune->events);
	user->keep_from += n;
	user->changed = user->changed || n > 0;
	prune->events += n;
	if (user->keep_from > upto)
		return true;
	prune->more = true;
	return false;
}

/* Up to where all devices have acked, but for `without`; the stream's end when there is
 * no other. */
static uint64_t acked_by_all(const struct prune_user *user, const struct prune_device *without)
{
	uint64_t upto = user->last_seq;
	unsigned i;

	for (i = 0; i < user->n_devices; i++) {
		const struct prune_device *device = &user->devices[i];
		if (device != without && device->fate != PRUNE_FORGET)
			upto = cursor_min(upto, device->acked);
	}
	return upto;
}

static bool has_device(const struct prune_user *user)
{
	unsigned i;

	for (i = 0; i < user->n_devices; i++) {
		if (user->devices[i].fate != PRUNE_FORGET)
			return true;
	}
	return false;
}

/* Devices whose server died are nobody's from here on, and seen now. */
static void adopt_orphans(struct prune *prune, struct prune_user *user)
{
	unsigned i;

	for (i = 0; i < user->n_devices; i++) {
		if (user->devices[i].orphan) {
			user->devices[i].fate = PRUNE_ADOPT;
			prune->adopted++;
		}
	}
}

/* Forgets devices, and drops what was kept for them alone. */
static void forget_unseen(struct prune *prune, struct prune_user *user)
{
	unsigned i;

	for (i = 0; i < user->n_devices; i++) {
		struct prune_device *device = &user->devices[i];
		if (device->connected || device->seen >= prune->devices_before)
			continue;
		if (prune->devices == prune->limit) {
			prune->more = true;
			return;
		}
		if (!drop_upto(prune, user, acked_by_all(user, device)))
			return;
		device->fate = PRUNE_FORGET;
		prune->devices++;
		user->forgot = true;
		user->changed = true;
	}
}

/* Drops what all devices have acked, where it was too much to go along with a CURSOR, or
 * the last to ack was forgotten. */
static void catch_up(struct prune *prune, struct prune_user *user)
{
	uint64_t upto = has_device(user) ? acked_by_all(user, NULL) : 0;

	if (user->behind && drop_upto(prune, user, upto)) {
		user->behind = false;
		user->changed = true;
	}
}

void prune_decide(struct prune *prune)
{
	unsigned i;

	for (i = 0; i < prune->n_users; i++)
		drop_upto(prune, &prune->users[i], prune->users[i].old_upto);
	for (i = 0; i < prune->n_users && prune->devices_before > 0; i++) {
		adopt_orphans(prune, &prune->users[i]);
		forget_unseen(prune, &prune->users[i]);
	}
	for (i = 0; i < prune->n_users; i++) {
		catch_up(prune, &prune->users[i]);
		prune->changed = prune->changed || prune->users[i].changed;
	}
	prune->changed = prune->changed || prune->adopted > 0;
}
