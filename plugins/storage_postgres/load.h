/* SPDX-License-Identifier: BSD-2-Clause */
/* What the parts of loading share: load.c, load_group.c. */
#ifndef STORAGE_POSTGRES_LOAD_H
#define STORAGE_POSTGRES_LOAD_H

#include "rows.h"
#include "world.h"

/* Numbers of messages that no chat reaches; larger ones are no bigint. */
#define ID_MAX (UINT64_C(1) << 62)

/* load_group.c: what groups have beyond dialogs. Users' rows are locked there, those of
 * members and of others together, in one order. */
void load_group_lock(struct world *w);
void load_group_ask(struct world *w);
void load_group_take(struct world *w);

/* NULL: it was not asked. */
static inline const PGresult *load_taken(const struct world *w, enum statement statement, int *rows)
{
	const PGresult *r = NULL;

	*rows = 0;
	if (w->asked[statement] > 0) {
		r = lane_result(w->batch->lane, w->asked[statement] - 1);
		*rows = PQntuples(r);
	}
	return r;
}

/* Whose row it is. */
static inline void *load_row(const struct list *list, const PGresult *r, int row)
{
	return list->of[row_int8(r, row, 0) - 1];
}

/* The same where column 0 is numbers, the first of which says it. */
static inline void *load_numbers(const struct list *list, const PGresult *r, int row,
				 const char **numbers)
{
	*numbers = row_numbers(r, row, 0);
	return list->of[row_number(*numbers, 0) - 1];
}

/* From the second number on. */
static inline void load_user(struct user *user, const char *numbers)
{
	user->id = (int64_t)row_number(numbers, 1);
	user->first_seq = user->loaded_first_seq = row_number(numbers, 2);
	user->last_seq = row_number(numbers, 3);
	user->rank = row_number(numbers, 4);
	user->forgot = row_number(numbers, 5) != 0;
	user->behind = row_number(numbers, 6) != 0;
	user->last_at = row_number(numbers, 7);
}

/* Where a mark is asked to stand at most. */
static inline int64_t load_upto(const struct mark *mark)
{
	return (int64_t)(mark->upto == 0 ? ID_MAX : cursor_min(mark->upto, ID_MAX));
}

#endif
