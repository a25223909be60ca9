/* SPDX-License-Identifier: BSD-2-Clause */
/* The heap behind the core's timers; see timer.h. Core thread. */
#include "engine/timer.h"

#include <stdlib.h>

#include "base/mem.h"

struct timer {
	uint64_t deadline;
	uint64_t id;
	unsigned at; /* its place in the heap */
	struct timer_call call;
};

static void heap_put(struct timers *t, unsigned at, struct timer *timer)
{
	t->heap[at] = timer;
	timer->at = at;
}

static void heap_up(struct timers *t, unsigned at)
{
	struct timer *timer = t->heap[at];

	while (at > 0 && t->heap[(at - 1) / 2]->deadline > timer->deadline) {
		heap_put(t, at, t->heap[(at - 1) / 2]);
		at = (at - 1) / 2;
	}
	heap_put(t, at, timer);
}

static void heap_down(struct timers *t, unsigned at)
{
	struct timer *timer = t->heap[at];
	unsigned child;

	while ((child = 2 * at + 1) < t->n) {
		if (child + 1 < t->n && t->heap[child + 1]->deadline < t->heap[child]->deadline)
			child++;
		if (t->heap[child]->deadline >= timer->deadline)
			break;
		heap_put(t, at, t->heap[child]);
		at = child;
	}
	heap_put(t, at, timer);
}

/* Takes the timer out of heap and handles, and frees it. */
static void timer_remove(struct timers *t, struct timer *timer)
{
	unsigned at = timer->at;
	struct timer *last = t->heap[--t->n];

	if (last != timer) {
		heap_put(t, at, last);
		heap_up(t, at);
		heap_down(t, last->at);
	}
	handles_remove(&t->handles, timer->id);
	free(timer);
}

uint64_t timers_start(struct timers *t, uint64_t deadline_us, struct par_plugin *owner, timer_fn fn,
		      void *state, void *arg)
{
	struct timer *timer = mem_alloc(sizeof(*timer));

	timer->deadline = deadline_us;
	timer->call = (struct timer_call){ owner, fn, state, arg };
	timer->id = handles_add(&t->handles, timer);
	if (t->n == t->size) {
		t->size = t->size == 0 ? 16 : t->size * 2;
		t->heap = mem_realloc(t->heap, t->size * sizeof(struct timer *));
	}
	heap_put(t, t->n++, timer);
	heap_up(t, timer->at);
	return timer->id;
}

bool timers_stop(struct timers *t, uint64_t id)
{
	struct timer *timer = handles_get(&t->handles, id);

	if (timer == NULL)
		return false;
	timer_remove(t, timer);
	return true;
}

void timers_stop_owner(struct timers *t, const struct par_plugin *owner)
{
	unsigned i = 0;

	while (i < t->n) {
		if (t->heap[i]->call.owner != owner) {
			i++;
			continue;
		}
		/* what moves into this place may have come from above: look at all again */
		timer_remove(t, t->heap[i]);
		i = 0;
	}
}

uint64_t timers_next(const struct timers *t)
{
	return t->n == 0 ? UINT64_MAX : t->heap[0]->deadline;
}

bool timers_take_due(struct timers *t, uint64_t now_us, struct timer_call *call)
{
	if (t->n == 0 || t->heap[0]->deadline > now_us)
		return false;
	*call = t->heap[0]->call;
	timer_remove(t, t->heap[0]);
	return true;
}

void timers_free(struct timers *t)
{
	while (t->n > 0)
		timer_remove(t, t->heap[t->n - 1]);
	free(t->heap);
	t->heap = NULL;
	t->size = 0;
	handles_free(&t->handles);
}
