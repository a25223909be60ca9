/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Handles: 64-bit ids for objects that others refer to past the objects' life
 * (requests, sessions, timers). An id is a slot's number and the slot's
 * generation; once the object is removed the generation moves on, and the old
 * id finds nothing. Look-up is one array access.
 */
#ifndef PARLANCE_HANDLE_H
#define PARLANCE_HANDLE_H

#include <stddef.h>
#include <stdint.h>

struct handle_slot {
	void *object; /* NULL: free */
	uint32_t generation;
	uint32_t next_free; /* slot number + 1; 0: none */
};

struct handles {
	struct handle_slot *slots;
	uint32_t n;
	uint32_t first_free; /* slot number + 1 */
	/* Of new slots. A random one makes ids that are stored unlike those of other servers. */
	uint32_t first_generation;
};

/* Never 0. */
uint64_t handles_add(struct handles *h, void *object);
void handles_remove(struct handles *h, uint64_t id);
void handles_free(struct handles *h);

static inline void *handles_get(const struct handles *h, uint64_t id)
{
	uint32_t slot = (uint32_t)id - 1;

	if (slot >= h->n || h->slots[slot].generation != (uint32_t)(id >> 32))
		return NULL;
	return h->slots[slot].object;
}

#endif
