/* SPDX-License-Identifier: BSD-2-Clause */
/* What the parts of writing share: write.c, write_group.c, write_stream.c. */
#ifndef STORAGE_POSTGRES_WRITE_H
#define STORAGE_POSTGRES_WRITE_H

#include "world.h"

/* write_stream.c */
void write_stream(struct world *w);

/* write_group.c: rosters, and events to many. */
void write_group(struct world *w);

/* write.c: the next nine numbers, from the i-th on. */
void write_member(struct params *p, unsigned i, const struct chat *chat,
		  const struct member *member);

/* 0 is stored as null: there is none. */
static inline void write_some(struct params *p, unsigned i, uint64_t value)
{
	if (value == 0)
		params_null(p, i);
	else
		params_int8(p, i, (int64_t)value);
}

/* The n next parameters, arrays all; returns the first of them. */
static inline unsigned write_arrays(struct params *p, unsigned n, enum param_type type)
{
	unsigned first = params_array(p, type);

	while (--n > 0)
		params_array(p, type);
	return first;
}

#endif
