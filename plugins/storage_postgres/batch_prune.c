/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Batches of WORK_PRUNE: one tx with nothing but a PRUNE. Step 0 buries dead servers
 * and finds users with something to do, and groups that were deleted; step 1 locks the users and
 * reads them, and drops what is left of the groups; step 2 writes what prune.c decided, and
 * commits. Users and groups that another transaction has locked are passed over, so PRUNE never
 * waits for anybody who could wait for it.
 */
#include <stdlib.h>

#include "../storage_common/cursor.h"
#include "batch.h"
#include "prune.h"
#include "prune_group.h"
#include "rows.h"

/* Events in one step, whatever is asked for. */
#define STEP_MAX 1000

/* What step 0 asks, in this order, and step 1. */
enum {
	FIND_LANES,
	FIND_SERVERS,
	FIND_GONE, /* groups; users from here on */
	FIND_OLD,
	FIND_ORPHANS,
	FIND_UNSEEN,
	FIND_BEHIND,
	FIND_COUNT
};
enum { READ_USERS, READ_DEVICES };

struct prune_step {
	struct prune prune;
	struct prune_device *devices; /* of all users */
	const PGresult *found[FIND_COUNT];
	bool full; /* as much was found as was looked for */
};

static struct par_op *prune_op(const struct batch *batch)
{
	return &batch->works->tx->ops[0];
}

static void *zeroed(size_t n, size_t size)
{
	void *memory = calloc(n == 0 ? 1 : n, size);

	if (memory == NULL)
		abort();
	return memory;
}

static void add_value(struct params *p, uint64_t value)
{
	params_int8(p, params_value(p, PARAM_INT8), (int64_t)cursor_min(value, INT64_MAX));
}

/* --- step 0: finding --- */

static void ask_one(struct lane *lane, enum statement statement, uint64_t value)
{
	add_value(lane_params(lane), value);
	lane_ask(lane, statement);
}

static void ask_older(struct lane *lane, enum statement statement, uint64_t before, uint64_t limit)
{
	struct params *p = lane_params(lane);

	add_value(p, before);
	add_value(p, limit);
	lane_ask(lane, statement);
}

static void prune_begin(struct batch *batch)
{
	const struct par_op_prune *op = &prune_op(batch)->u.prune;
	uint64_t server = (uint64_t)batch->pg->server, limit = cursor_min(op->limit, STEP_MAX);
	struct par_tx *tx = batch->works->tx;
	struct lane *lane = batch->lane;

	if (tx->n_ops != 1 || limit == 0) {
		tx->error = PAR_E_INTERNAL;
		tx->message = "a step of pruning is a transaction by itself, and needs a limit";
		return;
	}
	batch->prune = zeroed(1, sizeof(*batch->prune));
	batch->prune->prune.limit = limit;
	batch->prune->prune.devices_before = op->devices_before;
	lane_begin(lane);
	ask_one(lane, ST_PRUNE_LANES, server);
	ask_one(lane, ST_PRUNE_SERVERS, server);
	ask_one(lane, ST_PRUNE_GONE, limit);
	ask_older(lane, ST_PRUNE_OLD, op->events_before, limit);
	ask_one(lane, ST_PRUNE_ORPHANS, op->devices_before == 0 ? 0 : limit);
	ask_older(lane, ST_PRUNE_UNSEEN, op->devices_before, limit);
	ask_one(lane, ST_PRUNE_BEHIND, limit);
}

/* --- step 1: locking and reading --- */

/* The users found, some of them perhaps more than once. */
static void add_users(struct prune_step *step, struct params *p)
{
	unsigned ids = params_array(p, PARAM_INT8), i;
	int row;

	for (i = FIND_OLD; i < FIND_COUNT; i++) {
		for (row = 0; row < PQntuples(step->found[i]); row++)
			params_int8(p, ids, (int64_t)row_u64(step->found[i], row, 0));
	}
}

/* Whether there may be more than was found. */
static bool found_full(const struct prune_step *step)
{
	const PGresult *old = step->found[FIND_OLD];
	uint64_t limit = step->prune.limit, n_old = 0;
	int row;

	for (row = 0; row < PQntuples(old); row++)
		n_old += row_u64(old, row, 2);
	return n_old >= limit || (uint64_t)PQntuples(step->found[FIND_ORPHANS]) >= limit ||
	       (uint64_t)PQntuples(step->found[FIND_UNSEEN]) >= limit ||
	       (uint64_t)PQntuples(step->found[FIND_BEHIND]) >= limit;
}

static void lock_users(struct batch *batch)
{
	struct prune_step *step = batch->prune;
	unsigned i;

	for (i = 0; i < FIND_COUNT; i++)
		step->found[i] = lane_result(batch->lane, i);
	step->full = found_full(step);
	add_users(step, lane_params(batch->lane));
	lane_ask(batch->lane, ST_PRUNE_USERS);
	add_users(step, lane_params(batch->lane));
	lane_ask(batch->lane, ST_PRUNE_DEVICES);
	prune_groups(batch->lane, step->found[FIND_GONE], &step->prune);
}

/* --- step 2: deciding and writing --- */

static struct prune_user *user_of(struct prune *prune, int64_t id)
{
	unsigned low = 0, high = prune->n_users;

	while (low < high) {
		unsigned middle = low + (high - low) / 2;
		if (prune->users[middle].id < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low < prune->n_users && prune->users[low].id == id ? &prune->users[low] : NULL;
}

static void read_users(struct prune_step *step, const PGresult *r)
{
	struct prune *prune = &step->prune;
	const PGresult *old = step->found[FIND_OLD];
	int row;

	prune->n_users = (unsigned)PQntuples(r);
	prune->users = zeroed(prune->n_users, sizeof(*prune->users));
	for (row = 0; row < PQntuples(r); row++) {
		struct prune_user *user = &prune->users[row];
		user->id = (int64_t)row_u64(r, row, 0);
		user->first_seq = user->keep_from = row_u64(r, row, 1);
		user->last_seq = row_u64(r, row, 2);
		user->forgot = row_bool(r, row, 3);
		user->behind = row_bool(r, row, 4);
	}
	for (row = 0; row < PQntuples(old); row++) {
		struct prune_user *user = user_of(prune, (int64_t)row_u64(old, row, 0));
		if (user != NULL)
			user->old_upto = row_u64(old, row, 1);
	}
}

/* They come in the order of their users. */
static void read_devices(struct prune_step *step, const PGresult *r)
{
	int row;

	step->devices = zeroed((size_t)PQntuples(r), sizeof(*step->devices));
	for (row = 0; row < PQntuples(r); row++) {
		struct prune_user *user = user_of(&step->prune, (int64_t)row_u64(r, row, 0));
		struct prune_device *device = &step->devices[row];
		if (user == NULL)
			continue;
		device->name = row_str(r, row, 1);
		device->acked = row_u64(r, row, 2);
		device->connected = row_u64(r, row, 3) != 0;
		device->seen = row_u64(r, row, 4);
		device->orphan = device->connected && row_bool(r, row, 5);
		if (user->n_devices++ == 0)
			user->devices = device;
	}
}

static void drop_events(struct lane *lane, const struct prune *prune)
{
	struct params *p = lane_params(lane);
	unsigned users = params_array(p, PARAM_INT8), first = params_array(p, PARAM_INT8);
	unsigned upto = params_array(p, PARAM_INT8), i;

	for (i = 0; i < prune->n_users; i++) {
		const struct prune_user *user = &prune->users[i];
		if (user->keep_from == user->first_seq)
			continue;
		params_int8(p, users, user->id);
		params_int8(p, first, (int64_t)user->first_seq);
		params_int8(p, upto, (int64_t)user->keep_from - 1);
	}
	lane_ask(lane, ST_EVENTS_DROP);
}

/* The devices of that fate: users and names. */
static struct params *add_devices(struct lane *lane, const struct prune *prune, int fate)
{
	struct params *p = lane_params(lane);
	unsigned users = params_array(p, PARAM_INT8), names = params_array(p, PARAM_TEXT), i, j;

	for (i = 0; i < prune->n_users; i++) {
		const struct prune_user *user = &prune->users[i];
		for (j = 0; j < user->n_devices; j++) {
			if ((int)user->devices[j].fate != fate)
				continue;
			params_int8(p, users, user->id);
			params_text(p, names, user->devices[j].name);
		}
	}
	return p;
}

static void save_users(struct lane *lane, const struct prune *prune)
{
	struct params *p = lane_params(lane);
	unsigned ids = params_array(p, PARAM_INT8), first = params_array(p, PARAM_INT8);
	unsigned forgot = params_array(p, PARAM_BOOL), behind = params_array(p, PARAM_BOOL), i;

	for (i = 0; i < prune->n_users; i++) {
		const struct prune_user *user = &prune->users[i];
		if (!user->changed)
			continue;
		params_int8(p, ids, user->id);
		params_int8(p, first, (int64_t)user->keep_from);
		params_bool(p, forgot, user->forgot);
		params_bool(p, behind, user->behind);
	}
	lane_ask(lane, ST_PRUNE_SAVE);
}

static void write_users(struct batch *batch)
{
	const struct prune *prune = &batch->prune->prune;
	struct lane *lane = batch->lane;
	struct params *p;

	if (prune->events > 0)
		drop_events(lane, prune);
	if (prune->adopted > 0) {
		p = add_devices(lane, prune, PRUNE_ADOPT);
		add_value(p, SENT_ALL);
		add_value(p, batch->works->tx->now);
		lane_ask(lane, ST_PRUNE_ADOPT);
	}
	if (prune->devices > 0) {
		add_devices(lane, prune, PRUNE_FORGET);
		lane_ask(lane, ST_PRUNE_FORGET);
	}
	if (prune->changed)
		save_users(lane, prune);
	lane_commit(lane);
}

static void decide(struct batch *batch)
{
	struct prune_step *step = batch->prune;
	struct par_op *op = prune_op(batch);

	read_users(step, lane_result(batch->lane, READ_USERS));
	read_devices(step, lane_result(batch->lane, READ_DEVICES));
	prune_decide(&step->prune);
	op->u.prune.events = step->prune.events;
	op->u.prune.devices = step->prune.devices;
	/* When all who were found are locked by others, it is for the next time. */
	op->result.applied = step->prune.changed && (step->full || step->prune.more);
}

static void prune_next(struct batch *batch)
{
	if (batch->step == 1) {
		lock_users(batch);
	} else if (batch->step == 2) {
		decide(batch);
		write_users(batch);
	}
}

static void prune_end(struct batch *batch)
{
	if (batch->prune == NULL)
		return;
	free(batch->prune->prune.users);
	free(batch->prune->devices);
	free(batch->prune);
	batch->prune = NULL;
}

const struct batch_kind batch_prune = { prune_begin, prune_next, prune_end };
