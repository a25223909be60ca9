/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The messages of one member by client id: a table of hashes and numbers with
 * linear probing, eight bytes a message, so that a look-up touches one line of
 * the table and no message but the one it finds.
 */
#ifndef STORAGE_MEMORY_SENT_H
#define STORAGE_MEMORY_SENT_H

#include <stdbool.h>
#include <stdint.h>

#include <parlance/json.h>

struct chat;

struct sent_slot {
	uint32_t hash;
	uint32_t id; /* of the message; 0: free */
};

struct sent {
	struct sent_slot *slots;
	uint32_t cap; /* 0 or a power of two */
	uint32_t used;
};

/* The number of the message; 0: there is none. */
uint32_t sent_find(const struct sent *sent, const struct chat *chat, struct par_str client_id);
void sent_add(struct sent *sent, struct par_str client_id, uint32_t id);
/* Takes out what is there. */
void sent_remove(struct sent *sent, struct par_str client_id, uint32_t id);

#endif
