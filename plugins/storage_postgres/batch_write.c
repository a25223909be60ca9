/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Batches of WORK_WRITE: transactions, and queries of a device that connects. All
 * that they need is loaded in one step, then they are decided one after the other
 * in memory, and what became of it is written in another step and committed.
 * Where names have to be made first there is one step more.
 */
#include <parlance/storage_fill.h>

#include "../storage_common/clear.h"
#include "ops.h"

static void ask_load(struct world *w)
{
	lane_begin(w->batch->lane);
	load_ask(w);
}

static bool run_op(struct world *w, struct par_tx *tx, struct par_op *op, const struct need *need,
		   const struct need *needs)
{
	switch (op->kind) {
	case PAR_OP_APPEND:
		return op_append(w, tx, op, need);
	case PAR_OP_CHANGE:
		return op_change(w, tx, op, need);
	case PAR_OP_MARK:
		return op_mark(w, tx, op, need);
	case PAR_OP_ROSTER:
		return op_roster(w, tx, op, need);
	case PAR_OP_EVENT:
		return op->u.event.reach == PAR_REACH_USER ? op_event(w, tx, op, need, needs)
							   : op_reach(w, tx, op, need, needs);
	case PAR_OP_CURSOR:
		return op_cursor(w, tx, op, need);
	case PAR_OP_DOC_PUT:
		return op_doc_put(tx, op, need);
	case PAR_OP_DOC_DELETE:
		return op_doc_delete(tx, op, need);
	case PAR_OP_PRUNE:
		break;
	}
	return tx_refuse(tx, PAR_E_INTERNAL, "no such operation");
}

/* Takes the results out again, but for why it was refused. */
static void clear_refused(const struct world *w, struct par_tx *tx)
{
	enum par_error error = tx->error;
	const char *message = tx->message;

	clear_tx(w->api, tx);
	tx->error = error;
	tx->message = message;
}

/* False when the tx was refused after it had changed something. */
static bool decide_tx(struct world *w, struct par_tx *tx, const struct need *needs)
{
	bool good = true, changed = false;
	unsigned i;

	tx->error = PAR_OK;
	tx->message = NULL;
	for (i = 0; i < tx->n_ops && good; i++) {
		if (!par_tx_wants(tx, i))
			continue;
		good = run_op(w, tx, &tx->ops[i], &needs[i], needs);
		changed = changed || tx->ops[i].result.applied;
	}
	if (!good)
		clear_refused(w, tx);
	return good || !changed;
}

/* Decides one work after the other. False when the one that is marked refused then has left
 * its traces in the world. */
static bool decide(struct world *w)
{
	struct work *work;
	unsigned i;

	for (work = w->batch->works, i = 0; work != NULL; work = work->next, i++) {
		if (w->refused[i])
			continue;
		if (work->tx == NULL) {
			query_device(w, work->query, w->needs[i]);
		} else if (!decide_tx(w, work->tx, w->needs[i])) {
			w->refused[i] = true;
			return false;
		}
	}
	return true;
}

static void clear_decided(struct world *w)
{
	struct work *work;
	unsigned i;

	for (work = w->batch->works, i = 0; work != NULL; work = work->next, i++) {
		if (w->refused[i])
			continue;
		if (work->tx != NULL)
			clear_tx(w->api, work->tx);
		else
			clear_query(w->api, work->query);
	}
}

static void write_begin(struct batch *batch)
{
	batch->world = world_new(batch);
	ask_load(batch->world);
}

static void write_loaded(struct world *w)
{
	struct lane *lane = w->batch->lane;

	load_take(w);
	w->n_asked = 0;
	if (create_needed(w)) {
		create_ask(w);
		ask_load(w);
		return;
	}
	while (!decide(w)) {
		clear_decided(w);
		load_take(w);
	}
	w->decided = true;
	if (write_ask(w))
		lane_commit(lane);
	else
		lane_rollback(lane);
}

static void write_next(struct batch *batch)
{
	if (!batch->world->decided)
		write_loaded(batch->world);
}

static void write_end(struct batch *batch)
{
	world_free(batch->world);
	batch->world = NULL;
}

const struct batch_kind batch_write = { write_begin, write_next, write_end };
