/* SPDX-License-Identifier: BSD-2-Clause */
/* The slot table behind handles; see handle.h. Core thread. */
#include "engine/handle.h"

#include <stdlib.h>

#include "base/mem.h"

static void handles_grow(struct handles *h)
{
	uint32_t n = h->n == 0 ? 64 : h->n * 2, i;

	h->slots = mem_realloc(h->slots, n * sizeof(*h->slots));
	for (i = h->n; i < n; i++) {
		h->slots[i].object = NULL;
		h->slots[i].generation = h->first_generation;
		h->slots[i].next_free = i + 1 < n ? i + 2 : 0;
	}
	h->first_free = h->n + 1;
	h->n = n;
}

uint64_t handles_add(struct handles *h, void *object)
{
	struct handle_slot *slot;
	uint32_t number;

	if (h->first_free == 0)
		handles_grow(h);
	number = h->first_free;
	slot = &h->slots[number - 1];
	h->first_free = slot->next_free;
	slot->object = object;
	return (uint64_t)slot->generation << 32 | number;
}

void handles_remove(struct handles *h, uint64_t id)
{
	struct handle_slot *slot;

	if (handles_get(h, id) == NULL)
		return;
	slot = &h->slots[(uint32_t)id - 1];
	slot->object = NULL;
	slot->generation++;
	slot->next_free = h->first_free;
	h->first_free = (uint32_t)id;
}

void handles_free(struct handles *h)
{
	free(h->slots);
	h->slots = NULL;
	h->n = 0;
	h->first_free = 0;
}
