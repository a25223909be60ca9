/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * EVENT to many: whom in a group it reaches, and one row for each of them. The
 * template is filled once; what differs from one receiver to the next is his
 * count of missed messages at the end.
 */
#include <string.h>

#include <parlance/storage_fill.h>

#include "../storage_common/order.h"
#include "ops.h"

/* Larger payloads do not go into one statement together. */
#define TOGETHER_MAX 65536

struct target {
	struct user *user;
	uint64_t missed;
};

/* Whom the event reaches. */
struct reach {
	struct chat *chat; /* NULL: there is no such group by now */
	const struct par_op_event *event;
	struct target *targets;
	unsigned n;
};

/* False: SQLite failed. */
static bool reach_add(struct db *db, struct reach *r, struct user *user,
		      const struct member *member)
{
	const struct par_op_event *event = r->event;
	struct target *target = &r->targets[r->n];

	if (user == NULL)
		return false;
	if (event->but.s != NULL && par_str_equal(user->name, event->but))
		return true;
	if (par_str_equal(user->name, event->chat.user) && !event->always) {
		if (!user_load_devices(db, user))
			return false;
		if (!user_has_other_device(user, event->origin_device))
			return true;
	}
	target->user = user;
	target->missed = member == NULL ? 0 : member->missed;
	r->n++;
	return true;
}

static struct target *reach_room(struct db *db, struct par_tx *tx, size_t n)
{
	return db->api->tx_alloc(tx, n * sizeof(struct target) + 1);
}

/* The members, but for those of the list, which is ascending as they are. */
static bool reach_members(struct db *db, struct par_tx *tx, struct reach *r,
			  const struct par_str *without, unsigned n_without)
{
	struct chat *chat = r->chat;
	unsigned i, j = 0;

	if (chat == NULL)
		return true;
	r->targets = reach_room(db, tx, chat->n_members);
	for (i = 0; i < chat->n_members; i++) {
		struct member *member = &chat->members[i];
		while (j < n_without && str_order(without[j], member->user->name) < 0)
			j++;
		if (j < n_without && par_str_equal(without[j], member->user->name))
			continue;
		if (!reach_add(db, r, member->user, member))
			return false;
	}
	return true;
}

static bool reach_changed(struct db *db, struct par_tx *tx, struct reach *r,
			  const struct par_op_roster *roster)
{
	unsigned i;

	r->targets = reach_room(db, tx, roster->n_changed);
	for (i = 0; i < roster->n_changed; i++) {
		struct user *user = user_get(db, roster->changed[i]);
		const struct member *member =
		    r->chat == NULL ? NULL : chat_member(r->chat, roster->changed[i]);

		if (!reach_add(db, r, user, member))
			return false;
	}
	return true;
}

/* The users of all members are in the cache: who is not there is none. */
static bool reach_authors(struct db *db, struct par_tx *tx, struct reach *r, unsigned of)
{
	const struct member *marker =
	    r->chat == NULL ? NULL : chat_member(r->chat, r->event->chat.user);
	uint64_t from = db->marked_before[of], upto = tx->ops[of].result.id;
	sqlite3_stmt *statement;
	bool good = true;

	if (marker == NULL)
		return true;
	if (upto > PAR_AUTHORS_LOOK)
		from = cursor_max(from, upto - PAR_AUTHORS_LOOK);
	r->targets = reach_room(db, tx, PAR_AUTHORS_LOOK);
	statement = db_bind(db, ST_MESSAGE_AUTHORS, "iii", chat_row_id(r->chat, from),
			    chat_row_id(r->chat, upto), marker->user->id);
	while (good && db_row(db, statement)) {
		struct user *user = user_cached_id(db, sqlite3_column_int64(statement, 0));
		const struct member *member =
		    user == NULL ? NULL : chat_member(r->chat, user->name);
		if (member != NULL)
			good = reach_add(db, r, user, member);
	}
	db_done(statement);
	return good && db->error == SQLITE_OK;
}

/* Finds out whom it reaches. False when it is refused, or SQLite failed. */
static bool reach_find(struct db *db, struct par_tx *tx, struct reach *r)
{
	const struct par_op_event *event = r->event;
	const struct par_op_roster *roster = &tx->ops[event->of].u.roster;

	switch (event->reach) {
	case PAR_REACH_MEMBERS:
		if (r->chat == NULL || chat_member(r->chat, event->chat.user) == NULL)
			return tx_refuse(tx, PAR_E_NOT_FOUND, "there is no such chat");
		return reach_members(db, tx, r, NULL, 0);
	case PAR_REACH_OTHERS:
		return reach_members(db, tx, r, roster->changed, roster->n_changed);
	case PAR_REACH_CHANGED:
		return reach_changed(db, tx, r, roster);
	case PAR_REACH_AUTHORS:
		return !tx->ops[event->of].result.applied || reach_authors(db, tx, r, event->of);
	case PAR_REACH_USER:
		break;
	}
	return tx_refuse(tx, PAR_E_INTERNAL, "no such reach");
}

/* All that can refuse it, before the first row. */
static bool reach_fits(struct db *db, struct par_tx *tx, const struct reach *r,
		       struct par_str shared)
{
	struct par_json *out = db_writer(db);
	uint64_t most = 0;
	unsigned i;

	for (i = 0; i < r->n; i++) {
		most = cursor_max(most, r->targets[i].missed);
		if (r->targets[i].user->last_seq == ROW_NUMBER_MAX)
			return tx_refuse(tx, PAR_E_TOO_LARGE, "a user's stream is full");
	}
	if (r->event->missed)
		par_event_fill_missed(shared, most, out);
	return !out->failed || tx_refuse(tx, PAR_E_TOO_LARGE, "an event became too large");
}

/* One row, for him who did it, or for one of a few. */
static bool store_one(struct db *db, const struct reach *r, const struct target *target,
		      struct par_str shared)
{
	bool own = par_str_equal(target->user->name, r->event->chat.user);
	struct par_json *out;

	if (r->event->missed) {
		out = db_writer(db);
		par_event_fill_missed(shared, target->missed, out);
		shared = par_json_text(out);
	}
	return stream_add(db, target->user, r->event, own, shared);
}

/* EVENT_ROWS of them in one statement. */
static bool store_many(struct db *db, const struct reach *r, const struct target *const *targets,
		       struct par_str shared)
{
	struct par_json *out = db_writer(db);
	size_t ends[EVENT_ROWS], at = 0;
	struct par_str payload = shared;
	sqlite3_stmt *statement;
	int i;

	for (i = 0; i < EVENT_ROWS && r->event->missed; i++) {
		par_event_fill_missed(shared, targets[i]->missed, out);
		ends[i] = out->len;
	}
	statement = db_bind(db, ST_EVENTS_ADD, "ti", r->event->type, db->last_at);
	for (i = 0; i < EVENT_ROWS; i++) {
		struct user *user = targets[i]->user;
		if (r->event->missed) {
			payload.s = par_json_text(out).s + at;
			payload.len = ends[i] - at;
			at = ends[i];
		}
		db_bind_more(db, statement, 3 + 2 * i, "it", row_id(user->id, ++user->last_seq),
			     payload);
	}
	return db_run(db, statement);
}

/* A row for each. */
static bool reach_store(struct db *db, const struct reach *r, struct par_str shared)
{
	const struct target *run[EVENT_ROWS];
	bool good = true, small = shared.len <= TOGETHER_MAX;
	unsigned i, n = 0;

	for (i = 0; i < r->n && good; i++) {
		const struct target *target = &r->targets[i];

		if (!small || par_str_equal(target->user->name, r->event->chat.user)) {
			good = store_one(db, r, target, shared);
			continue;
		}
		run[n++] = target;
		if (n == EVENT_ROWS) {
			good = store_many(db, r, run, shared);
			n = 0;
		}
	}
	for (i = 0; i < n && good; i++)
		good = store_one(db, r, run[i], shared);
	return good;
}

/* What the core is told, in one piece of the tx's memory. */
static void reach_result(struct db *db, struct par_tx *tx, const struct reach *r,
			 struct par_op_event *event)
{
	size_t bytes = 1;
	unsigned i;
	char *at;

	for (i = 0; i < r->n; i++)
		bytes += r->targets[i].user->name.len;
	event->receivers = db->api->tx_alloc(tx, r->n * sizeof(*event->receivers) + bytes);
	event->n_receivers = r->n;
	at = (char *)(event->receivers + r->n);
	for (i = 0; i < r->n; i++) {
		const struct target *target = &r->targets[i];
		struct par_receiver *receiver = &event->receivers[i];
		receiver->user.s = memcpy(at, target->user->name.s, target->user->name.len);
		receiver->user.len = target->user->name.len;
		receiver->seq = target->user->last_seq;
		receiver->missed = target->missed;
		at += receiver->user.len;
	}
}

bool op_event_to_many(struct db *db, struct par_tx *tx, struct par_op *op)
{
	struct par_op_event *event = &op->u.event;
	struct reach r = { chat_find(db, event->chat.key), event, NULL, 0 };
	struct par_event_data *data;
	struct par_json *out;
	struct par_str shared;

	if (!reach_find(db, tx, &r) || r.n == 0)
		return db->error == SQLITE_OK && tx->error == PAR_OK;
	out = db_writer(db);
	par_event_fill(tx, op, 0, out);
	if (out->failed)
		return tx_refuse(tx, PAR_E_TOO_LARGE, "an event became too large");
	data = db->api->event_data_new(event->type, par_json_text(out));
	event->data = data;
	shared = db->api->event_data_payload(data);
	if (!reach_fits(db, tx, &r, shared))
		return false;
	db->last_at = cursor_max(db->last_at, tx->now);
	if (!reach_store(db, &r, shared))
		return false;
	reach_result(db, tx, &r, event);
	op->result.applied = true;
	return true;
}
