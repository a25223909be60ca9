/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The queue of errands; see presence.h. Core thread. Errands take turns, a page
 * each, and go behind the others when there is more: who has 10,000 dialogs keeps
 * nobody waiting who has ten. Pages are asked for in one place (turn_run), once in a
 * turn of the core, and never so many that the rows under way are more than
 * ROWS_MAX: so no turn deals with more, whatever the storage answers at once.
 *
 * What is told is what is true when the page is there, not when the errand was made. A
 * notice that has not begun and has become needless is taken back; one that is under way
 * is made again when he changed meanwhile.
 */
#include <stdlib.h>
#include <string.h>

#include "presence.h"

#define STORAGE_RETRY_MS 500
/* A congested session is tried again after the first of these, each time twice as long. */
#define HOLD_MS 250
#define HOLD_MOST_MS 60000

static void turn_want(struct presence *p);

static void queue_add(struct presence *p, struct errand *errand)
{
	TAILQ_INSERT_TAIL(&p->queue, errand, of_queue);
	errand->queued = true;
	turn_want(p);
}

/* NULL: no memory; then somebody is not told. */
static struct errand *errand_new(struct presence *p, struct person *person)
{
	struct errand *errand = calloc(1, sizeof(*errand));

	if (errand == NULL) {
		p->api->metric_add(p->count.failed, 1);
		return NULL;
	}
	errand->person = person;
	person->n_errands++;
	LIST_INSERT_HEAD(&p->errands, errand, of_all);
	p->api->metric_add(p->count.waiting, 1);
	return errand;
}

/* Its person may be left without anything to be done: person_settle. */
static void errand_free(struct presence *p, struct errand *errand)
{
	struct person *person = errand->person;

	if (errand->queued)
		TAILQ_REMOVE(&p->queue, errand, of_queue);
	if (errand->held != 0)
		p->api->timer_stop(p->self, errand->held);
	if (person->notice == errand)
		person->notice = NULL;
	if (person->waiting == errand)
		person->waiting = NULL;
	person->n_errands--;
	LIST_REMOVE(errand, of_all);
	p->api->metric_add(p->count.waiting, -1);
	free(errand);
}

/* The person's errand that has not begun, made if need be; NULL: no memory. */
static struct errand *errand_waiting(struct presence *p, struct person *person)
{
	if (person->waiting != NULL)
		return person->waiting;
	person->waiting = errand_new(p, person);
	if (person->waiting != NULL)
		queue_add(p, person->waiting);
	return person->waiting;
}

/* Takes back a notice that has not begun. */
static void notice_take_back(struct presence *p, struct person *person)
{
	struct errand *errand = person->notice;

	p->api->metric_add(p->count.coalesced, 1);
	errand->notice = false;
	person->notice = NULL;
	if (errand->n_seats == 0 && !errand->asked)
		errand_free(p, errand);
}

void errand_notice(struct presence *p, struct person *person)
{
	struct errand *errand = person->notice;

	if (errand != NULL && errand->begun) {
		person->again = true;
	} else if (errand != NULL) {
		if (person->online == person->told)
			notice_take_back(p, person);
	} else if (person->online != person->told) {
		errand = errand_waiting(p, person);
		if (errand == NULL)
			return;
		errand->notice = true;
		person->notice = errand;
	}
}

/* Takes out sessions that have gone again. */
static void drop_seats(struct errand *errand)
{
	unsigned i;

	for (i = errand->n_seats; i-- > 0;) {
		if (person_seat(errand->person, errand->seats[i]) == NULL)
			errand->seats[i] = errand->seats[--errand->n_seats];
	}
}

void errand_greet(struct presence *p, struct person *person, par_session_id session)
{
	struct errand *errand = person->waiting;

	if (errand != NULL && errand->n_seats == ERRAND_SEATS)
		drop_seats(errand);
	if (errand != NULL && errand->n_seats == ERRAND_SEATS)
		person->waiting = NULL; /* it goes on as it is */
	if (person->waiting == NULL && person->n_errands >= ERRANDS_MAX) {
		p->api->metric_add(p->count.dropped, 1);
		return;
	}
	errand = errand_waiting(p, person);
	if (errand != NULL)
		errand->seats[errand->n_seats++] = session;
}

/* --- congested sessions --- */

static void hold_over(void *state, void *arg)
{
	struct errand *errand = arg;

	errand->held = 0;
	queue_add(state, errand);
}

void errand_hold(struct presence *p, const struct errand *errand, par_session_id session,
		 struct par_str after)
{
	struct errand *held = errand_new(p, errand->person);

	if (held == NULL)
		return;
	p->api->metric_add(p->count.held, 1);
	held->begun = true;
	held->seats[held->n_seats++] = session;
	held->after_len = after.len;
	if (after.len > 0)
		memcpy(held->after, after.s, after.len);
	/* no further than the last time: it is as it was */
	if (par_str_equal(after, (struct par_str){ errand->after, errand->after_len }))
		held->hold = errand->hold * 2;
	if (held->hold < HOLD_MS)
		held->hold = HOLD_MS;
	else if (held->hold > HOLD_MOST_MS)
		held->hold = HOLD_MOST_MS;
	held->held = p->api->timer_start(p->self, held->hold, hold_over, p, held);
}

/* --- pages --- */

static unsigned rows_of(const struct errand *errand)
{
	return errand->after_len == 0 ? ROWS_FIRST : ROWS_PAGE;
}

/* The last page was dealt with, or there is none to be had. */
static void errand_end(struct presence *p, struct errand *errand)
{
	struct person *person = errand->person;
	bool again = errand->notice && person->again;

	errand_free(p, errand);
	if (again) {
		person->again = false;
		/* some were told one thing, some the other */
		person->told = !person->online;
		errand_notice(p, person);
	}
	person_settle(p, person);
}

static void errand_failed(struct presence *p, struct errand *errand, const struct par_query *page)
{
	if (page->error == PAR_E_UNAVAILABLE) {
		p->failing = true;
		queue_add(p, errand);
		return;
	}
	p->api->metric_add(p->count.failed, 1);
	if (!p->complained)
		p->api->log(p->self, PAR_LOG_ERROR,
			    "the storage cannot say who shares a dialog with whom: %s; nobody is "
			    "told who is online",
			    page->message == NULL ? "it does not say why" : page->message);
	p->complained = true;
	errand_end(p, errand);
}

static void errand_begin(struct presence *p, struct errand *errand)
{
	struct person *person = errand->person;

	errand->begun = true;
	if (person->waiting == errand)
		person->waiting = NULL;
	if (!errand->notice)
		return;
	person->told = person->online;
	if (person->online)
		person->noticed = ++p->ticks;
}

static void page_done(void *state, void *arg)
{
	struct presence *p = state;
	const struct par_query *page = arg;
	struct errand *errand = page->arg;

	p->rows -= rows_of(errand);
	errand->asked = false;
	if (p->stopping) {
		errand_free(p, errand);
		return;
	}
	if (page->error != PAR_OK) {
		errand_failed(p, errand, page);
		return;
	}
	p->failing = false;
	if (!errand->begun)
		errand_begin(p, errand);
	if (page->n > 0) {
		struct par_str last = page->peers[page->n - 1];

		page_tell(p, errand, page);
		errand->after_len = last.len;
		memcpy(errand->after, last.s, last.len);
	}
	if (page->has_more && (errand->notice || errand->n_seats > 0))
		queue_add(p, errand);
	else
		errand_end(p, errand);
	if (!TAILQ_EMPTY(&p->queue))
		turn_want(p);
}

static void ask(struct presence *p, struct errand *errand)
{
	struct par_query *query = p->api->query_new(p->self, page_done, p);

	TAILQ_REMOVE(&p->queue, errand, of_queue);
	errand->queued = false;
	errand->asked = true;
	p->rows += rows_of(errand);
	p->api->metric_add(p->count.pages, 1);
	query->kind = PAR_QUERY_PEERS;
	query->user = person_id(errand->person);
	if (errand->after_len > 0)
		query->after_key = (struct par_str){ errand->after, errand->after_len };
	query->limit = rows_of(errand);
	query->max_bytes = SIZE_MAX;
	query->arg = errand;
	p->api->query_submit(query);
}

static void turn_run(void *state, void *arg)
{
	struct presence *p = state;
	struct errand *errand;

	(void)arg;
	p->turn = 0;
	if (p->turn_events > p->turn_most) {
		p->turn_most = p->turn_events;
		p->api->metric_set(p->count.turn_most, (int64_t)p->turn_most);
	}
	p->turn_events = 0;
	while ((errand = TAILQ_FIRST(&p->queue)) != NULL && p->rows + rows_of(errand) <= ROWS_MAX &&
	       !(p->failing && p->rows > 0))
		ask(p, errand);
}

/* A look at the queue, in the next turn; while the storage is down one finds out, in a while. */
static void turn_want(struct presence *p)
{
	if (p->turn == 0 && !p->stopping)
		p->turn = p->api->timer_start(p->self, p->failing ? STORAGE_RETRY_MS : 0, turn_run,
					      p, NULL);
}

void errand_forget(struct presence *p, struct person *person)
{
	struct errand *errand = person->waiting;

	if (errand != NULL && !errand->asked)
		errand_free(p, errand);
}

void errands_stop(struct presence *p)
{
	struct errand *errand, *next;

	p->api->timer_stop(p->self, p->turn);
	p->turn = 0;
	for (errand = LIST_FIRST(&p->errands); errand != NULL; errand = next) {
		next = LIST_NEXT(errand, of_all);
		if (!errand->asked)
			errand_free(p, errand);
	}
}
