/* SPDX-License-Identifier: BSD-2-Clause */
/* Chance; see random.h. */
#include "random.h"

uint64_t random_next(struct random *r)
{
	uint64_t x = r->state += UINT64_C(0x9e3779b97f4a7c15);

	x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
	return x ^ (x >> 31);
}

/* The modulo favours small numbers by less than anybody can see here. */
uint64_t random_below(struct random *r, uint64_t n)
{
	return random_next(r) % n;
}

uint64_t random_between(struct random *r, uint64_t low, uint64_t high)
{
	return low + random_below(r, high - low + 1);
}

uint64_t random_scale(struct random *r, uint64_t low, uint64_t high)
{
	unsigned steps = 0;
	uint64_t top = low;

	while (top < high) {
		top *= 2;
		steps++;
	}
	top = low << random_below(r, steps + 1);
	return random_between(r, low, top < high ? top : high);
}

bool random_chance(struct random *r, unsigned permille)
{
	return random_below(r, 1000) < permille;
}
