/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One run, from its seed to its verdict: the world is let go with all its faults until
 * the plan's end; then the faults cease, all clients connect and settle what they
 * have begun, read their histories, and the server is drained. The history checker
 * judges what the clients saw.
 */
#ifndef PARLANCE_SIM_RUN_H
#define PARLANCE_SIM_RUN_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "sim.h"

struct outcome {
	bool good;
	uint64_t hash; /* of the trace */
	struct sim_counts counts;
	uint64_t simulated_us;
};

/* `trace`: where what happens is written to, or
 * NULL. Faults are written to `report`. */
struct outcome run(uint64_t seed, const struct truth_setup *storage, FILE *trace, FILE *report);

#endif
