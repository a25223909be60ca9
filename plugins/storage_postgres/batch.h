/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Works that go together, and what a kind of batch must do. A lane carries a
 * batch out in steps: begin() and next() ask (lane_ask), the lane sends what was
 * asked in one go, collects all results, and calls next(). When next() asks nothing
 * more, the batch is done, and its works, with their results or refusals in
 * them, go back to the core in order. When PostgreSQL refuses a statement, or is lost,
 * next() is not called any more: the lane rolls back, clears the works (storage_common/clear.h),
 * and has them tried again or refuses them.
 *
 *   batch_write.c  WORK_WRITE: load, decide, write
 *   batch_read.c   WORK_READ: each query is one statement
 *   batch_prune.c  WORK_PRUNE
 */
#ifndef STORAGE_POSTGRES_BATCH_H
#define STORAGE_POSTGRES_BATCH_H

#include <libpq-fe.h>

#include "params.h"
#include "postgres.h"
#include "statements.h"

struct world;
struct prune_step;

struct batch {
	struct postgres *pg;
	struct lane *lane;
	struct work *works; /* linked by next; NULL: there is no batch */
	unsigned n;
	unsigned step; /* 0 in begin(), then counting up */
	struct world *world; /* of batch_write */
	struct prune_step *prune; /* of batch_prune */
};

struct batch_kind {
	void (*begin)(struct batch *batch);
	void (*next)(struct batch *batch);
	/* Frees what the kind keeps, whatever the outcome. The results are still there. */
	void (*end)(struct batch *batch);
};

extern const struct batch_kind batch_write, batch_read, batch_prune;

/* --- lane.c, for the kinds --- */

/* Empty parameters for the next lane_ask. */
struct params *lane_params(struct lane *lane);
/* Has the statement run with the parameters that were built since the last one. Where the
 * parameters failed, the step fails as if PostgreSQL were out of memory. */
void lane_ask(struct lane *lane, enum statement statement);
/* Asks for BEGIN and the lane's mark, which makes it known later whether it stood. */
void lane_begin(struct lane *lane);
/* Asks for COMMIT: from here on the outcome may be unknown. */
void lane_commit(struct lane *lane);
/* Asks for ROLLBACK. */
void lane_rollback(struct lane *lane);
/* The result of the i-th lane_ask of the step that is over (those of lane_begin, _commit and
 * _rollback do not count). Lives until the batch is over. */
const PGresult *lane_result(const struct lane *lane, unsigned i);

#endif
