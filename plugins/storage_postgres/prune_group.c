/* SPDX-License-Identifier: BSD-2-Clause */
/* Dropping what is left of groups that were deleted: messages from the last to the first, and
 * with the first of them the group. */
#include "prune_group.h"
#include "../storage_common/cursor.h"
#include "batch.h"
#include "rows.h"

/* The groups, and of each which messages go: up to the last, and as many as there is room for. */
static void add_groups(struct lane *lane, const PGresult *found, uint64_t room, bool last)
{
	struct params *p = lane_params(lane);
	unsigned ids = params_array(p, PARAM_INT8), firsts = params_array(p, PARAM_INT8);
	unsigned lasts = last ? params_array(p, PARAM_INT8) : 0;
	int row;

	for (row = 0; row < PQntuples(found); row++) {
		uint64_t last_id = row_u64(found, row, 1), n = cursor_min(last_id, room);
		params_int8(p, ids, (int64_t)row_u64(found, row, 0));
		params_int8(p, firsts, (int64_t)(last_id - n + 1));
		if (last)
			params_int8(p, lasts, (int64_t)last_id);
		room -= n;
	}
}

void prune_groups(struct lane *lane, const PGresult *found, struct prune *prune)
{
	uint64_t messages = 0;
	int row;

	if (PQntuples(found) == 0)
		return;
	for (row = 0; row < PQntuples(found); row++)
		messages += row_u64(found, row, 1);
	prune->changed = true;
	prune->more = messages > prune->limit || (uint64_t)PQntuples(found) >= prune->limit;
	add_groups(lane, found, prune->limit, true);
	lane_ask(lane, ST_PRUNE_MESSAGES);
	add_groups(lane, found, prune->limit, true);
	lane_ask(lane, ST_PRUNE_HIDDEN);
	add_groups(lane, found, prune->limit, false);
	lane_ask(lane, ST_PRUNE_CUT);
	add_groups(lane, found, prune->limit, false);
	lane_ask(lane, ST_PRUNE_GROUPS);
}
