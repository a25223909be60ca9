/* SPDX-License-Identifier: BSD-2-Clause */
/* The queue of happenings: a binary heap; see world.h. */
#include "world.h"

#include <stdlib.h>

#include "base/mem.h"

#define WALL_START_MS UINT64_C(1700000000000)
#define MONOTONIC_START_US UINT64_C(5000000)

static bool comes_before(const struct happening *a, const struct happening *b)
{
	return a->at != b->at ? a->at < b->at : a->order < b->order;
}

void world_after(struct world *w, uint64_t us, happening_fn fn, void *arg, uint64_t tag)
{
	struct happening h = { w->us + us, w->last_order++, fn, arg, tag };
	unsigned at = w->n++;

	if (w->n > w->size) {
		w->size = w->size == 0 ? 256 : w->size * 2;
		w->heap = mem_realloc(w->heap, w->size * sizeof(*w->heap));
	}
	while (at > 0 && comes_before(&h, &w->heap[(at - 1) / 2])) {
		w->heap[at] = w->heap[(at - 1) / 2];
		at = (at - 1) / 2;
	}
	w->heap[at] = h;
}

uint64_t world_next(const struct world *w)
{
	return w->n == 0 ? UINT64_MAX : w->heap[0].at;
}

static void world_sink(struct world *w, struct happening h)
{
	unsigned at = 0, child;

	while ((child = 2 * at + 1) < w->n) {
		if (child + 1 < w->n && comes_before(&w->heap[child + 1], &w->heap[child]))
			child++;
		if (!comes_before(&w->heap[child], &h))
			break;
		w->heap[at] = w->heap[child];
		at = child;
	}
	w->heap[at] = h;
}

void world_step(struct world *w)
{
	struct happening next = w->heap[0];

	w->n--;
	if (w->n > 0)
		world_sink(w, w->heap[w->n]);
	w->us = next.at;
	next.fn(next.arg, next.tag);
}

void world_free(struct world *w)
{
	free(w->heap);
	w->heap = NULL;
	w->n = w->size = 0;
}

uint64_t world_wall_ms(void *world)
{
	const struct world *w = world;

	return WALL_START_MS + w->us / 1000 + (uint64_t)w->wall_shift_ms;
}

uint64_t world_monotonic_us(void *world)
{
	return MONOTONIC_START_US + ((const struct world *)world)->us;
}
