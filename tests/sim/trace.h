/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What happened in a run, a line each: hashed always, so that two runs of one
 * seed can be compared, and printed when somebody wants to read it. A line holds
 * nothing that differs between runs of the same seed: no address, no real time.
 */
#ifndef PARLANCE_SIM_TRACE_H
#define PARLANCE_SIM_TRACE_H

#include <stdint.h>
#include <stdio.h>

#include <parlance/storage.h>

struct trace {
	FILE *out; /* NULL: only the hash is made */
	uint64_t hash;
};

/* `us` is the simulated moment. */
void trace_line(struct trace *t, uint64_t us, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* `what` and the transaction's operations, or the query's name. */
void trace_tx(struct trace *t, uint64_t us, const char *what, const struct par_tx *tx);
void trace_query(struct trace *t, uint64_t us, const char *what, const struct par_query *query);

#endif
