/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is stored, for certain: a real storage plugin, storage_memory as a rule,
 * loaded in a host of its own, so that it outlives each core of a run. storage.c decides
 * what happens to a transaction or query of the core; here it is carried out.
 */
#ifndef PARLANCE_SIM_TRUTH_H
#define PARLANCE_SIM_TRUTH_H

#include <stdbool.h>
#include <stdint.h>

#include <parlance/storage.h>

struct truth;

/* Which one it is. In config and prepare @DIR@ and @NAME@ become a folder and a name of the
 * run's own. */
struct truth_setup {
	const char *plugin; /* "storage_memory", or one that keeps what it stores */
	const char *config; /* JSON */
	const char *prepare; /* for the shell, before the run; NULL: nothing */
};

struct truth *truth_new(const struct truth_setup *setup);
void truth_free(struct truth **truth);
/* A server ends, in whatever way, and another comes. `now` is its wall clock. */
void truth_restart(struct truth *truth, uint64_t now);

/* Carries out what the core submitted, to its end. With `told` the results are put into it, as
 * the storage would have done itself; else nobody hears of them. */
void truth_run_tx(struct truth *truth, struct par_tx *tx, const struct par_api *core, bool told);
void truth_run_query(struct truth *truth, struct par_query *query, const struct par_api *core,
		     bool told);

#endif
