/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * PRUNE: one step of dropping what time has made worthless. Each part finds its
 * work by the order of a table or an index, never by going through all there
 * is, and each step leaves the file such that the next one, perhaps of another
 * server, goes on from what it finds there: a device goes only with the last of
 * the events that were kept for it.
 */
#include <string.h>

#include "ops.h"

/* Events in one step, whatever is asked for: they may lie in as many pages, and what
 * else is to be stored waits for that commit. */
#define STEP_MAX 250

/* Drops the oldest events. */
static bool drop_old(struct db *db, struct par_op_prune *prune)
{
	sqlite3_stmt *statement =
	    db_bind(db, ST_EVENTS_OLD, "ii", prune->events_before, (int64_t)prune->limit);
	int64_t upto = 0;

	if (db_row(db, statement))
		upto = sqlite3_column_int64(statement, 0);
	db_done(statement);
	if (upto == 0)
		return db->error == SQLITE_OK;
	statement = db_bind(db, ST_EVENTS_OLD_USERS, "i", upto);
	while (db_row(db, statement)) {
		int64_t id = sqlite3_column_int64(statement, 0);
		uint64_t last = db_u64(statement, 1);
		struct user *user = user_cached_id(db, id);

		if (user != NULL)
			user->first_seq = last + 1;
		db_run(db, db_bind(db, ST_USER_EMPTIED, "iiii", id, last, row_id(id, last + 1),
				   row_id(id, ROW_NUMBER_MAX)));
	}
	db_done(statement);
	if (!db_run(db, db_bind(db, ST_EVENTS_DROP_OLD, "i", upto)))
		return false;
	prune->events = (uint64_t)sqlite3_changes(db->handle);
	return true;
}

/* Devices whose server died are nobody's from here on, and seen now. True when
 * there may be more of them. */
static bool adopt_orphans(struct db *db, const struct par_op_prune *prune, uint64_t now)
{
	int changed;

	if (!db_run(db, db_bind(db, ST_DEVICES_ORPHANED, "iiii", db->generation, now,
				(int64_t)SENT_ALL, (int64_t)prune->limit)))
		return false;
	changed = sqlite3_changes(db->handle);
	if (changed > 0)
		cache_clear(db);
	return (unsigned)changed == prune->limit;
}

/* The user and device unseen for longest; false when none is unseen long enough. */
static bool find_unseen(struct db *db, uint64_t before, struct user **user, struct device **device)
{
	sqlite3_stmt *statement = db_bind(db, ST_DEVICE_UNSEEN, "i", before);

	*device = NULL;
	if (db_row(db, statement)) {
		*user = user_find(db, db_str(statement, 0));
		if (*user != NULL && user_load_devices(db, *user))
			*device = device_find(*user, db_str(statement, 1));
	}
	db_done(statement);
	return *device != NULL;
}

/* Drops the user's events up to `upto`. False when there was not room for all of them in
 * this step, or SQLite failed. */
static bool drop_upto(struct db *db, struct par_op_prune *prune, struct user *user, uint64_t upto)
{
	uint64_t room = prune->limit - prune->events, n;

	if (upto < user->first_seq)
		return true;
	n = cursor_min(upto - user->first_seq + 1, room);
	if (n == 0 || !stream_drop(db, user, user->first_seq + n - 1))
		return false;
	prune->events += n;
	return user->first_seq > upto;
}

/* Forgets devices, and drops what was kept for them alone. True when there may be more. */
static bool forget_unseen(struct db *db, struct par_op_prune *prune)
{
	struct device *device;
	struct user *user;

	while (find_unseen(db, prune->devices_before, &user, &device)) {
		if (prune->devices == prune->limit ||
		    !drop_upto(db, prune, user, devices_acked(user, device)))
			return true;
		if (!device_forget(db, user, device))
			return false;
		prune->devices++;
	}
	return false;
}

static struct user *find_behind(struct db *db)
{
	sqlite3_stmt *statement = db_bind(db, ST_USER_FIND_BEHIND, "");
	struct user *user = NULL;

	if (db_row(db, statement))
		user = user_find(db, db_str(statement, 0));
	db_done(statement);
	return user != NULL && user_load_devices(db, user) ? user : NULL;
}

/* Drops what all devices have acked, where it was too much to go along with a CURSOR, or
 * the last to ack was forgotten. True when there may be more. */
static bool catch_up(struct db *db, struct par_op_prune *prune)
{
	struct user *user;
	unsigned users;

	for (users = 0; (user = find_behind(db)) != NULL; users++) {
		uint64_t upto = user->devices == NULL ? 0 : devices_acked(user, NULL);

		if (users == prune->limit || !drop_upto(db, prune, user, upto))
			return true;
		if (!user_mark_behind(db, user, false))
			return false;
	}
	return false;
}

/* Drops messages of groups that were deleted, and then what names them. True when there
 * may be more. */
static bool drop_groups(struct db *db, uint64_t room)
{
	sqlite3_stmt *statement;
	int64_t chat;

	for (; room > 0; room--) {
		statement = db_bind(db, ST_GROUP_FIND_GONE, "");
		chat = db_row(db, statement) ? sqlite3_column_int64(statement, 0) : 0;
		db_done(statement);
		if (chat == 0 ||
		    !db_run(db, db_bind(db, ST_GROUP_DROP_MESSAGES, "iii", row_id(chat, 0),
					row_id(chat, ROW_NUMBER_MAX), room)))
			return false;
		room -= (uint64_t)sqlite3_changes(db->handle);
		if (room == 0)
			break;
		if (!db_run(db, db_bind(db, ST_GROUP_DROP, "i", chat)))
			return false;
	}
	return true;
}

bool op_prune(struct db *db, struct par_tx *tx, struct par_op *op)
{
	struct par_op_prune step = op->u.prune;
	bool more;

	step.events = step.devices = 0;
	if (step.limit == 0)
		return tx_refuse(tx, PAR_E_INTERNAL, "a step of pruning needs a limit");
	if (step.limit > STEP_MAX)
		step.limit = STEP_MAX;
	if (step.events_before > 0 && !drop_old(db, &step))
		return false;
	more = step.events == step.limit;
	if (step.devices_before > 0) {
		more = adopt_orphans(db, &step, tx->now) || more;
		more = forget_unseen(db, &step) || more;
	}
	more = catch_up(db, &step) || more;
	more = drop_groups(db, step.limit) || more;
	op->u.prune.events = step.events;
	op->u.prune.devices = step.devices;
	op->result.applied = more;
	return db->error == SQLITE_OK;
}
