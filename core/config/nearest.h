/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Guesses what a mistyped word was meant to be, for error messages.
 */
#ifndef PARLANCE_NEAREST_H
#define PARLANCE_NEAREST_H

#include <stddef.h>

/* How many letters must be inserted, left out, replaced or swapped with their
 * neighbour to make `a` of `b`; SIZE_MAX for words above 64 letters. */
size_t nearest_distance(const char *a, const char *b);

/* The word nearest to `word` among those offered one by one, when it is near
 * enough to be meant: `best` is NULL before the first offer. */
struct nearest {
	const char *word;
	const char *best;
	size_t distance;
};
void nearest_offer(struct nearest *nearest, const char *candidate);

#endif
