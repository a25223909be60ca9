/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Time in a simulated run: a queue of happenings, each due at a moment of a clock
 * that only the queue turns. Nothing waits and nothing runs by itself. A
 * happening cannot be taken back: who set it looks, when it comes, whether it is still
 * wanted, so its argument lives to the end of the run.
 *
 * The wall clock is the same clock with a displacement that may be changed at
 * any time, as somebody does who sets the clock of a machine.
 */
#ifndef PARLANCE_SIM_WORLD_H
#define PARLANCE_SIM_WORLD_H

#include <stdbool.h>
#include <stdint.h>

#define MS UINT64_C(1000)
#define SECONDS (1000 * MS)

typedef void (*happening_fn)(void *arg, uint64_t tag);

struct happening {
	uint64_t at;
	uint64_t order; /* those of one moment come as they were set */
	happening_fn fn;
	void *arg;
	uint64_t tag; /* for who set it */
};

struct world {
	uint64_t us; /* since the begin of the run */
	int64_t wall_shift_ms;
	struct happening *heap;
	unsigned n, size;
	uint64_t last_order;
};

/* In `us` microseconds from now. */
void world_after(struct world *w, uint64_t us, happening_fn fn, void *arg, uint64_t tag);
/* When the next one is due; UINT64_MAX: never. */
uint64_t world_next(const struct world *w);
/* Goes on to the next one and lets it happen. */
void world_step(struct world *w);
void world_free(struct world *w);

/* The two clocks of the core. */
uint64_t world_wall_ms(void *world);
uint64_t world_monotonic_us(void *world);

#endif
