/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A transaction's begin and end, and the mark by which it is found out whether
 * a commit stood whose answer was lost: lane.batch counts the lane's batches, in the
 * transaction of each. The row is locked from a transaction's beginning, so
 * whoever holds the lock afterwards knows that the transaction is over.
 */
#ifndef STORAGE_POSTGRES_STATEMENTS_LANE_H
#define STORAGE_POSTGRES_STATEMENTS_LANE_H

#define LANE_STATEMENTS(X) \
	X(ST_BEGIN, "BEGIN") \
	X(ST_COMMIT, "COMMIT") \
	X(ST_ROLLBACK, "ROLLBACK") \
	X(ST_LANE_MARK, "UPDATE lane SET batch = $2 WHERE id = $1 RETURNING id")

#endif
