/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who is here; see presence.h. Core thread.
 *
 *   offline ── a seat in front ──▶ online ── the last one in front goes ──▶ grace
 *      ▲                              ▲                                      │ │
 *      └──────────────────────────────┼── offline_grace has passed ─────────┘ │
 *                                     └── a seat in front ────────────────────┘
 *
 * Whoever is in the grace is online to the others, and nobody hears of a return within it.
 */
#include <stdlib.h>
#include <string.h>

#include "presence.h"

struct person *person_find(const struct presence *p, struct par_str id)
{
	struct person *person;

	HASH_FIND(hh, p->persons, id.s, id.len, person);
	return person;
}

struct seat *person_seat(const struct person *person, par_session_id session)
{
	struct seat *seat = person->seats;

	while (seat != NULL && seat->session != session)
		seat = seat->next;
	return seat;
}

static struct person *person_add(struct presence *p, struct par_str id)
{
	struct person *person = calloc(1, sizeof(*person) + id.len);

	if (person == NULL)
		return NULL;
	person->id_len = id.len;
	memcpy(person->id, id.s, id.len);
	HASH_ADD_KEYPTR(hh, p->persons, person->id, person->id_len, person);
	p->n_absent++;
	return person;
}

void person_free(struct presence *p, struct person *person)
{
	struct seat *seat;

	if (person->seats == NULL)
		p->n_absent--;
	while ((seat = person->seats) != NULL) {
		person->seats = seat->next;
		free(seat);
	}
	p->api->timer_stop(p->self, person->grace);
	if (person->online)
		p->api->metric_add(p->count.online, -1);
	HASH_DEL(p->persons, person);
	free(person);
}

void person_settle(struct presence *p, struct person *person)
{
	if (person->seats == NULL && person->n_errands == 0 && !person->online &&
	    !person->unsaved && person->saving == 0)
		person_free(p, person);
}

static void set_online(struct presence *p, struct person *person, bool online)
{
	person->online = online;
	p->api->metric_add(p->count.online, online ? 1 : -1);
	if (online)
		keep_begin(p, person);
	else
		keep_end(p, person);
}

static void grace_over(void *state, void *arg)
{
	struct presence *p = state;
	struct person *person = arg;

	person->grace = 0;
	if (p->stopping)
		return;
	set_online(p, person, false);
	errand_notice(p, person);
	seen_save(p, person);
	person_settle(p, person);
}

/* After a seat came, went, or changed. */
static void look(struct presence *p, struct person *person)
{
	if (person->n_front > 0) {
		p->api->timer_stop(p->self, person->grace);
		person->grace = 0;
		person->seen = 0;
		if (!person->online) {
			set_online(p, person, true);
			errand_notice(p, person);
		}
	} else if (person->online && person->grace == 0) {
		person->seen = p->api->now(p->self);
		person->grace = p->api->timer_start(p->self, p->grace, grace_over, p, person);
	}
}

void person_enter(struct presence *p, struct par_str id, par_session_id session)
{
	struct person *person = person_find(p, id);
	struct seat *seat = calloc(1, sizeof(*seat));

	if (person == NULL && seat != NULL)
		person = person_add(p, id);
	if (person == NULL || seat == NULL) {
		free(seat);
		return;
	}
	seat->session = session;
	seat->opened = ++p->ticks;
	if (person->seats == NULL)
		p->n_absent--;
	seat->next = person->seats;
	person->seats = seat;
	person->n_front++;
	errand_greet(p, person, session);
	look(p, person);
}

/* Too many are gone of whom something is kept: this one is forgotten at once, and nobody
 * hears of it. What is under way about him keeps him until it comes back. */
static void forget(struct presence *p, struct person *person)
{
	p->api->metric_add(p->count.dropped, 1);
	p->api->timer_stop(p->self, person->grace);
	person->grace = 0;
	if (person->online)
		set_online(p, person, false);
	person->told = false;
	person->seen = p->api->now(p->self);
	seen_forget(p, person);
	errand_forget(p, person);
	person_settle(p, person);
}

void person_leave(struct presence *p, struct par_str id, par_session_id session)
{
	struct person *person = person_find(p, id);
	struct seat **at, *seat;

	if (person == NULL)
		return;
	for (at = &person->seats; *at != NULL && (*at)->session != session; at = &(*at)->next)
		;
	seat = *at;
	if (seat == NULL)
		return;
	*at = seat->next;
	person->n_front -= !seat->away;
	free(seat);
	if (person->seats == NULL && ++p->n_absent > ABSENT_MAX) {
		forget(p, person);
		return;
	}
	look(p, person);
	person_settle(p, person);
}

void person_away(struct presence *p, struct par_str id, par_session_id session, bool away)
{
	struct person *person = person_find(p, id);
	struct seat *seat = person == NULL ? NULL : person_seat(person, session);

	if (seat == NULL || seat->away == away)
		return;
	seat->away = away;
	if (away)
		person->n_front--;
	else
		person->n_front++;
	look(p, person);
}
