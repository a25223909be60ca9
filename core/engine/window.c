/* SPDX-License-Identifier: BSD-2-Clause */
/* The ring behind a session's window; see window.h. */
#include "engine/window.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static struct window_entry *window_at(const struct window *w, uint32_t i)
{
	return &w->ring[(w->head + i) & (w->size - 1)];
}

uint32_t window_free_slots(const struct window *w, const struct window_limits *limits)
{
	uint32_t span = limits->events * WINDOW_SPAN;
	uint32_t by_count, by_span;

	if (w->unacked == 0)
		return limits->events;
	if (w->bytes >= limits->bytes || w->unacked >= limits->events || w->n >= span)
		return 0;
	by_count = limits->events - w->unacked;
	by_span = span - w->n;
	return by_count < by_span ? by_count : by_span;
}

static void window_grow(struct window *w)
{
	uint32_t size = w->size == 0 ? 4 : w->size * 2, i;
	struct window_entry *ring = mem_alloc(size * sizeof(*ring));

	for (i = 0; i < w->n; i++)
		ring[i] = *window_at(w, i);
	free(w->ring);
	w->ring = ring;
	w->size = size;
	w->head = 0;
}

static void window_append(struct window *w, struct window_entry entry)
{
	if (w->n == w->size)
		window_grow(w);
	*window_at(w, w->n++) = entry;
}

void window_push(struct window *w, uint64_t id, uint64_t seq, uint32_t bytes)
{
	window_append(w, (struct window_entry){ .id = id, .seq = seq, .bytes = bytes });
	w->unacked++;
	w->bytes += bytes;
}

void window_push_acked(struct window *w, uint64_t seq)
{
	/* The id is one that its neighbours allow, so that the search stays sorted. */
	uint64_t id = w->n == 0 ? 0 : window_at(w, w->n - 1)->id;

	if (w->n > 0)
		window_append(w, (struct window_entry){ .id = id, .seq = seq, .acked = true });
}

/* The first unacked entry with this id, or NULL. */
static struct window_entry *window_find(const struct window *w, uint64_t id)
{
	uint32_t low = 0, high = w->n;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (window_at(w, middle)->id < id)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == w->n || window_at(w, low)->id != id || window_at(w, low)->acked)
		return NULL;
	return window_at(w, low);
}

bool window_ack(struct window *w, uint64_t id, uint64_t *seq)
{
	struct window_entry *entry = window_find(w, id);

	if (entry == NULL)
		return false;
	entry->acked = true;
	w->unacked--;
	w->bytes -= entry->bytes;
	*seq = entry->seq;
	while (w->n > 0 && window_at(w, 0)->acked) {
		w->head = (w->head + 1) & (w->size - 1);
		w->n--;
	}
	return true;
}

uint64_t window_acked_below(const struct window *w, uint64_t sent)
{
	return w->n == 0 ? sent : window_at(w, 0)->seq - 1;
}

unsigned window_acked_above(const struct window *w, uint64_t *seqs, unsigned max)
{
	unsigned found = 0;
	uint32_t i;

	for (i = 0; i < w->n && found < max; i++) {
		if (window_at(w, i)->acked)
			seqs[found++] = window_at(w, i)->seq;
	}
	return found;
}

void window_free(struct window *w)
{
	free(w->ring);
	memset(w, 0, sizeof(*w));
}
