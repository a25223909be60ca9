/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How far a device has come in its user's stream, and the sum of two such
 * positions: struct par_op_cursor may come late or twice, and nothing that was
 * acked is ever unlearnt. And what the device has missed for good: a gap that
 * stays on record until it is acked. Shared by the storages of this tree; pure.
 *
 * `above` is ascending and holds only seqs beyond `acked` + 1, so what closes
 * a gap moves `acked`.
 */
#ifndef STORAGE_COMMON_CURSOR_H
#define STORAGE_COMMON_CURSOR_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <parlance/storage.h>

/* A window holds far fewer; what would be beyond is sent again, no harm done. */
#define CURSOR_ABOVE_MAX 4096

struct cursor {
	uint64_t acked;
	uint64_t sent;
	uint64_t *above; /* malloc'ed */
	unsigned n_above;
	uint64_t lost; /* events up to this are lost to the device; 0: none */
};

static inline uint64_t cursor_max(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static inline uint64_t cursor_min(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* The union of two ascending lists, as far as it lies behind *acked; moves
 * *acked over what follows it without a gap. Returns how many are in `to`. */
static inline unsigned cursor_union(const uint64_t *a, unsigned n_a, const uint64_t *b,
				    unsigned n_b, uint64_t last_seq, uint64_t *acked, uint64_t *to)
{
	unsigned i = 0, j = 0, n = 0;

	while ((i < n_a || j < n_b) && n < CURSOR_ABOVE_MAX) {
		uint64_t seq = j == n_b || (i < n_a && a[i] <= b[j]) ? a[i++] : b[j++];
		if (seq <= *acked || seq > last_seq || (n > 0 && seq <= to[n - 1]))
			continue;
		if (seq == *acked + 1)
			*acked = seq;
		else
			to[n++] = seq;
	}
	return n;
}

/* Adds what `op` says. False when memory is short; then nothing changed. */
static inline bool cursor_add(struct cursor *c, const struct par_op_cursor *op, uint64_t last_seq)
{
	uint64_t acked = cursor_max(c->acked, cursor_min(op->acked, last_seq));
	uint64_t *above = NULL;
	unsigned n = 0;

	if (c->n_above + op->n_above > 0) {
		above = malloc((c->n_above + (size_t)op->n_above) * sizeof(*above));
		if (above == NULL)
			return false;
		n = cursor_union(c->above, c->n_above, op->above, op->n_above, last_seq, &acked,
				 above);
	}
	free(c->above);
	c->above = above;
	c->n_above = n;
	c->acked = acked;
	c->sent = cursor_max(c->sent, cursor_max(cursor_min(op->sent, last_seq), acked));
	return true;
}

/* Where a device begins that is not on record. `first`: the user has no other.
 * One that may be a device that was forgotten has lost everything so far: its
 * cursor stands before the end, so that it is told, and the ack counts. */
static inline void cursor_begin(struct cursor *c, uint64_t last_seq, bool first, bool forgotten)
{
	memset(c, 0, sizeof(*c));
	if (first)
		return;
	c->acked = c->sent = last_seq;
	if (forgotten && last_seq > 0) {
		c->acked = c->sent = last_seq - 1;
		c->lost = last_seq;
	}
}

/* The resync_from of DEVICE. `first_kept` is the end of the stream plus one when
 * none of its events is kept. */
static inline uint64_t cursor_resync(const struct cursor *c, uint64_t first_kept)
{
	if (c->acked + 1 < first_kept || c->acked < c->lost)
		return cursor_max(first_kept, c->lost + 1);
	return 0;
}

/* What DEVICE answers, of a device with this cursor. */
static inline void cursor_answer(const struct par_api *api, struct par_query *q,
				 const struct cursor *c, uint64_t last_seq, uint64_t first_kept)
{
	size_t len = c->n_above * sizeof(*c->above);

	q->device_state.acked = c->acked;
	q->device_state.sent = c->sent;
	q->device_state.last_seq = last_seq;
	q->device_state.resync_from = cursor_resync(c, first_kept);
	q->device_state.n_above = c->n_above;
	if (len > 0)
		q->device_state.above = memcpy(api->query_alloc(q, len), c->above, len);
}

/* The resync_from of EVENTS. What the device acked through another session in
 * the meantime is no gap. */
static inline uint64_t cursor_gap(uint64_t acked, uint64_t after, uint64_t first_kept)
{
	return first_kept > after + 1 && acked + 1 < first_kept ? first_kept : 0;
}

#endif
