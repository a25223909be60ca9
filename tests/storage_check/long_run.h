/* SPDX-License-Identifier: BSD-2-Clause */
/* The long runs' own parts: choosing what comes next; long_run.c carries it out. */
#ifndef STORAGE_CHECK_LONG_RUN_H
#define STORAGE_CHECK_LONG_RUN_H

#include "model.h"

extern struct model model;

static inline unsigned below(uint64_t n)
{
	return (unsigned)check_random(n);
}

static inline bool one_in(unsigned n)
{
	return below(n) == 0;
}

void choose_tx(struct plan *plan);
void choose_query(struct plan *plan);
/* The same in one group. */
void choose_group_tx(struct plan *plan, unsigned group);
void choose_group_query(struct plan *plan, unsigned group);

#endif
