/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The one source of chance of a simulated run: splitmix64, seeded with the
 * run's number. Everything that may go one way or another asks here and nowhere
 * else, so that the same seed gives the same run. With every compiler: never two draws
 * among the arguments of one call, whose order is the compiler's.
 */
#ifndef PARLANCE_SIM_RANDOM_H
#define PARLANCE_SIM_RANDOM_H

#include <stdbool.h>
#include <stdint.h>

struct random {
	uint64_t state;
};

uint64_t random_next(struct random *r);
/* 0 to n - 1; n is not 0. */
uint64_t random_below(struct random *r, uint64_t n);
/* low to high, both may come. */
uint64_t random_between(struct random *r, uint64_t low, uint64_t high);
/* The same, but each order of magnitude is as likely as the next; low is not 0. */
uint64_t random_scale(struct random *r, uint64_t low, uint64_t high);
/* True `permille` times in a thousand. */
bool random_chance(struct random *r, unsigned permille);

#endif
