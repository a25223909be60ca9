/* SPDX-License-Identifier: BSD-2-Clause */
/* What devices have taken; see taken.h. */
#include "taken.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "sim.h"

struct taken *taken_get(struct sim *sim, const struct person *user, const char *device)
{
	struct taken *t = sim->taken;

	while (t != NULL && (t->user != user || strcmp(t->device, device) != 0))
		t = t->next;
	if (t != NULL)
		return t;
	t = mem_zalloc(sizeof(*t));
	t->user = user;
	snprintf(t->device, sizeof(t->device), "%s", device);
	t->next = sim->taken;
	sim->taken = t;
	return t;
}

static struct taken_event *taken_event(struct taken *t, uint64_t seq)
{
	uint64_t size = t->size == 0 ? 64 : t->size;

	while (size <= seq)
		size *= 2;
	if (size > t->size) {
		t->events = mem_realloc(t->events, size * sizeof(*t->events));
		memset(t->events + t->size, 0, (size - t->size) * sizeof(*t->events));
		t->size = size;
	}
	return &t->events[seq];
}

void taken_received(struct taken *t, uint64_t seq)
{
	taken_event(t, seq)->received = true;
}

void taken_acked(struct taken *t, uint64_t seq)
{
	taken_event(t, seq)->acked = true;
}

void taken_reached(struct taken *t, uint64_t seq, uint64_t us)
{
	struct taken_event *event = taken_event(t, seq);

	if (event->reached_us == 0)
		event->reached_us = us;
}

bool taken_may_be_sent(const struct taken *t, uint64_t seq, uint64_t hello_us)
{
	return seq >= t->size || t->events[seq].reached_us == 0 ||
	       t->events[seq].reached_us >= hello_us;
}

uint64_t taken_left(const struct taken *t)
{
	uint64_t seq = t->resync_from;

	for (; seq < t->size; seq++) {
		if (t->events[seq].received && !t->events[seq].acked)
			return seq;
	}
	return 0;
}

void taken_free(struct sim *sim)
{
	struct taken *t;

	while ((t = sim->taken) != NULL) {
		sim->taken = t->next;
		free(t->events);
		free(t);
	}
}
