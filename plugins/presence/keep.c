/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lastSeen of who is online; see presence.h. Core thread. It is stored when he comes and
 * then every seen_interval, so that a server that is killed leaves a time behind that is that
 * much too early at most.
 *
 * All who are online are in one list, who was stored longest ago first. A moment takes
 * as many from its front as the interval's share of the moment is, so those who came at once are
 * spread over it by the first round; and whoever is due, since the list may get
 * shorter. Storing them is seen.c's work, with its bounds.
 */
#include "presence.h"

#define MOMENT_MS 1000

static uint64_t moment(const struct presence *p)
{
	return p->interval < MOMENT_MS ? p->interval : MOMENT_MS;
}

static void keep_run(void *state, void *arg);

static void keep_want(struct presence *p)
{
	if (p->keep == 0 && !TAILQ_EMPTY(&p->kept))
		p->keep = p->api->timer_start(p->self, moment(p), keep_run, p, NULL);
}

static void keep_last(struct presence *p, struct person *person)
{
	person->kept = p->api->now(p->self);
	TAILQ_INSERT_TAIL(&p->kept, person, of_kept);
	p->api->metric_add(p->count.kept, 1);
	seen_save(p, person);
}

/* Counted in user-milliseconds, an interval of which is one user's turn. */
static void keep_run(void *state, void *arg)
{
	struct presence *p = state;
	uint64_t now = p->api->now(p->self);
	struct person *person;

	(void)arg;
	p->keep = 0;
	p->keep_share += p->n_kept * moment(p);
	while ((person = TAILQ_FIRST(&p->kept)) != NULL &&
	       (p->keep_share >= p->interval || now - person->kept >= p->interval)) {
		p->keep_share -= p->keep_share < p->interval ? p->keep_share : p->interval;
		TAILQ_REMOVE(&p->kept, person, of_kept);
		keep_last(p, person);
	}
	keep_want(p);
}

void keep_begin(struct presence *p, struct person *person)
{
	if (p->interval == 0) {
		seen_forget(p, person); /* that he went: he is here again */
		return;
	}
	p->n_kept++;
	keep_last(p, person);
	keep_want(p);
}

void keep_end(struct presence *p, struct person *person)
{
	if (p->interval == 0)
		return;
	TAILQ_REMOVE(&p->kept, person, of_kept);
	p->n_kept--;
}

void keep_stop(struct presence *p)
{
	p->api->timer_stop(p->self, p->keep);
}
