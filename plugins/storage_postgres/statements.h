/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every statement that is run, each prepared under its name when a connection is
 * made. Parameters and results are in binary. A statement takes arrays, one
 * element for each thing it is about, so that a batch of any size is the same
 * few statements; nothing is ever put into the text of one.
 *
 *   statements_lane.h    a transaction and its mark: lane.c, connect.c, server.c
 *   statements_batch.h   what transactions ask and write: load.c, write.c
 *   statements_group.h   the same where it is about groups: load_group.c, write_group.c
 *   statements_prune.h   what PRUNE does: batch_prune.c
 *   statements_query.h   what queries ask: query_*.c
 */
#ifndef STORAGE_POSTGRES_STATEMENTS_H
#define STORAGE_POSTGRES_STATEMENTS_H

#include "statements_batch.h"
#include "statements_group.h"
#include "statements_lane.h"
#include "statements_prune.h"
#include "statements_query.h"

#define STATEMENTS(X) \
	LANE_STATEMENTS(X) \
	BATCH_STATEMENTS(X) \
	GROUP_STATEMENTS(X) \
	PRUNE_STATEMENTS(X) \
	QUERY_STATEMENTS(X)

enum statement {
#define X(symbol, sql) symbol,
	STATEMENTS(X)
#undef X
	    ST_COUNT
};

/* "ST_COMMIT", by which it is prepared and named in the log. */
const char *statement_name(enum statement statement);
const char *statement_sql(enum statement statement);

#endif
