/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The window of one session: the durable events that were sent to it and not
 * yet acked, as pairs of event id and seq (docs/protocol.md, Events and acknowledgments). It bounds
 * what is on the wire, by number and by bytes, and so the memory that a client
 * can make the server hold. Pure: no clock, no session.
 *
 * Entries stand in the order sent, so ids and seqs both ascend. An ack out of
 * order leaves its entry in place until those before it are acked too; such
 * entries do not count as on the wire, but the ring spans at most WINDOW_SPAN
 * times the limit.
 */
#ifndef PARLANCE_WINDOW_H
#define PARLANCE_WINDOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WINDOW_SPAN 4

struct window_entry {
	uint64_t id;
	uint64_t seq;
	uint32_t bytes;
	bool acked;
};

struct window {
	struct window_entry *ring; /* NULL until the first event */
	uint32_t size; /* of the ring: a power of two */
	uint32_t head;
	uint32_t n; /* entries in the ring ... */
	uint32_t unacked; /* ... and those of them that are on the wire */
	size_t bytes; /* of the unacked */
};

struct window_limits {
	uint32_t events;
	size_t bytes;
};

/* How many more events may be sent now. One is always allowed when nothing is
 * on the wire, however large it is. */
uint32_t window_free_slots(const struct window *w, const struct window_limits *limits);
/* Appends an event that was sent. The ids and seqs ascend. */
void window_push(struct window *w, uint64_t id, uint64_t seq, uint32_t bytes);
/* Appends an event that needs no sending, since its device acked it earlier. */
void window_push_acked(struct window *w, uint64_t seq);
/* False when no event with that id waits for an ack. */
bool window_ack(struct window *w, uint64_t id, uint64_t *seq);
/* The highest seq below which all is acked; `sent` is the highest handed to
 * the session or skipped for it. */
uint64_t window_acked_below(const struct window *w, uint64_t sent);
/* Writes the acked seqs above that, ascending; returns how many, at most `max`. */
unsigned window_acked_above(const struct window *w, uint64_t *seqs, unsigned max);
void window_free(struct window *w);

#endif
