/* SPDX-License-Identifier: BSD-2-Clause */
/* The messages of one member by client id; see sent.h. */
#include <stdlib.h>
#include <string.h>

#include "memory.h"

#define START 8
/* Stands where a message was taken out: no number of any, and not free. */
#define GONE UINT32_MAX

static uint32_t hash_of(struct par_str s)
{
	uint64_t hash = s.len, word;
	size_t i;

	for (i = 0; i + 8 <= s.len; i += 8) {
		memcpy(&word, s.s + i, 8);
		hash = (hash ^ word) * 0x9e3779b97f4a7c15u;
		hash ^= hash >> 32;
	}
	word = 0;
	memcpy(&word, s.s + i, s.len - i);
	hash = (hash ^ word) * 0x9e3779b97f4a7c15u;
	return (uint32_t)(hash >> 32);
}

uint32_t sent_find(const struct sent *sent, const struct chat *chat, struct par_str client_id)
{
	uint32_t hash, at;

	if (sent->cap == 0)
		return 0;
	hash = hash_of(client_id);
	for (at = hash & (sent->cap - 1); sent->slots[at].id != 0;
	     at = (at + 1) & (sent->cap - 1)) {
		const struct sent_slot *slot = &sent->slots[at];
		if (slot->hash == hash && slot->id != GONE &&
		    par_str_equal(chat_message(chat, slot->id)->client_id, client_id))
			return slot->id;
	}
	return 0;
}

static void put(struct sent *sent, struct sent_slot slot)
{
	uint32_t at = slot.hash & (sent->cap - 1);

	while (sent->slots[at].id != 0)
		at = (at + 1) & (sent->cap - 1);
	sent->slots[at] = slot;
	sent->used++;
}

/* At most half of the slots are used. */
static void grow(struct sent *sent)
{
	struct sent old = *sent;
	uint32_t i;

	sent->cap = old.cap == 0 ? START : old.cap * 2;
	sent->slots = memory_alloc(sent->cap * sizeof(*sent->slots));
	sent->used = 0;
	for (i = 0; i < old.cap; i++) {
		if (old.slots[i].id != 0 && old.slots[i].id != GONE)
			put(sent, old.slots[i]);
	}
	free(old.slots);
}

void sent_add(struct sent *sent, struct par_str client_id, uint32_t id)
{
	struct sent_slot slot = { hash_of(client_id), id };

	if (sent->used >= sent->cap / 2)
		grow(sent);
	put(sent, slot);
}

void sent_remove(struct sent *sent, struct par_str client_id, uint32_t id)
{
	uint32_t at = hash_of(client_id) & (sent->cap - 1);

	while (sent->slots[at].id != id)
		at = (at + 1) & (sent->cap - 1);
	sent->slots[at].id = GONE;
}
