/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The hash under which a client's message id is stored: SipHash-1-3 (Aumasson
 * and Bernstein, 2012), keyed with a random number of the file's own, so that
 * no client can choose ids that collide. Its 32 bits stand behind the number
 * of the chat: the index is a third as large as one of the ids themselves, and
 * what belongs to one chat lies on few pages. In a dialog the sender is hashed too; in a
 * group all who used an id are found behind each other, also when they have left.
 */
#include <string.h>

#include "ops.h"

struct sip {
	uint64_t v0, v1, v2, v3;
};

static uint64_t rotate(uint64_t x, int bits)
{
	return (x << bits) | (x >> (64 - bits));
}

static void sip_round(struct sip *s)
{
	s->v0 += s->v1;
	s->v1 = rotate(s->v1, 13) ^ s->v0;
	s->v0 = rotate(s->v0, 32);
	s->v2 += s->v3;
	s->v3 = rotate(s->v3, 16) ^ s->v2;
	s->v0 += s->v3;
	s->v3 = rotate(s->v3, 21) ^ s->v0;
	s->v2 += s->v1;
	s->v1 = rotate(s->v1, 17) ^ s->v2;
	s->v2 = rotate(s->v2, 32);
}

static void sip_word(struct sip *s, uint64_t word)
{
	s->v3 ^= word;
	sip_round(s);
	s->v0 ^= word;
}

uint64_t dedupe_key(const struct db *db, const struct chat *chat, int64_t sender,
		    struct par_str client_id)
{
	uint64_t k0 = db->hash_key[0], k1 = db->hash_key[1], word, hash;
	struct sip s = { k0 ^ 0x736f6d6570736575u, k1 ^ 0x646f72616e646f6du,
			 k0 ^ 0x6c7967656e657261u, k1 ^ 0x7465646279746573u };
	size_t i;

	sip_word(&s, chat_is_group(chat) ? 0 : (uint64_t)sender);
	for (i = 0; i + 8 <= client_id.len; i += 8) {
		memcpy(&word, client_id.s + i, 8);
		sip_word(&s, word);
	}
	word = (uint64_t)client_id.len << 56;
	memcpy(&word, client_id.s + i, client_id.len - i);
	sip_word(&s, word);
	s.v2 ^= 0xff;
	sip_round(&s);
	sip_round(&s);
	sip_round(&s);
	hash = s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
	return (uint64_t)row_id(chat->id, hash & ROW_NUMBER_MAX);
}
