/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What waits, and what goes. A key knows how many works that are under way
 * write it, and of which look that is: those of the present look are the batch that is being
 * put together, and no obstacle; and how many read it. And it knows the last look that passed
 * over a work that writes it, or reads it: what comes behind that work must not go
 * before it. Works are kept for the next when they are free.
 */
#include "queue_key.h"

#include <stdlib.h>
#include <string.h>

#define SPARE_WORKS 4096

void queue_free(struct queue *q)
{
	struct work *work;

	keys_end(q);
	while ((work = q->spare) != NULL) {
		q->spare = work->next;
		free(work);
	}
	memset(q, 0, sizeof(*q));
}

void queue_init(struct queue *q)
{
	memset(q, 0, sizeof(*q));
	q->last = &q->first;
	keys_begin(q);
}

static struct work *work_new(struct queue *q, uint64_t tick)
{
	struct work *work = q->spare;

	if (work != NULL) {
		q->spare = work->next;
		q->n_spare--;
	} else {
		work = queue_must(malloc(sizeof(*work)));
	}
	memset(work, 0, offsetof(struct work, keys));
	work->queued_at = tick;
	return work;
}

static void add(struct queue *q, struct work *work)
{
	*q->last = work;
	q->last = &work->next;
	q->waiting++;
}

void queue_add_tx(struct queue *q, struct par_tx *tx, uint64_t tick)
{
	struct work *work = work_new(q, tick);

	work->tx = tx;
	work->kind = WORK_WRITE;
	keys_hold_tx(q, work, tx);
	add(q, work);
}

void queue_add_query(struct queue *q, struct par_query *query, uint64_t tick)
{
	struct work *work = work_new(q, tick);

	work->query = query;
	work->kind = WORK_READ;
	keys_hold_query(q, work, query);
	add(q, work);
}

static bool shared(const struct key *key)
{
	return key->bytes[0] == KEY_DOCS;
}

static bool writer_before(const struct queue *q, const struct key *key)
{
	return key->passed_writer == q->look || (key->writers > 0 && key->taken != q->look);
}

static bool reader_before(const struct queue *q, const struct key *key)
{
	return key->passed_reader == q->look || key->readers > 0;
}

/* Whether a batch under way, or a work that was passed over, stands before it. */
static bool stands_back(const struct queue *q, const struct work *work)
{
	unsigned i;

	if (work->kind == WORK_PRUNE)
		return q->under_way > 0;
	for (i = 0; i < work->n_keys; i++) {
		const struct key *key = work->keys[i];
		if (work->kind == WORK_READ
			? writer_before(q, key)
			: reader_before(q, key) || (!shared(key) && writer_before(q, key)))
			return true;
	}
	return false;
}

static void pass_over(struct queue *q, struct work *work)
{
	unsigned i;

	q->passed++;
	for (i = 0; i < work->n_keys; i++) {
		if (work->kind == WORK_READ)
			work->keys[i]->passed_reader = q->look;
		else
			work->keys[i]->passed_writer = q->look;
	}
}

/* Its keys are under way from here on. */
static void set_off(struct queue *q, struct work *work)
{
	unsigned i;

	q->under_way++;
	q->pruning = work->kind == WORK_PRUNE;
	for (i = 0; i < work->n_keys; i++) {
		struct key *key = work->keys[i];
		if (work->kind == WORK_READ) {
			key->readers++;
			continue;
		}
		key->writers++;
		key->taken = q->look;
	}
}

/* Takes the work out of the list. */
static struct work *take_out(struct queue *q, struct work **place)
{
	struct work *work = *place;

	*place = work->next;
	if (q->last == &work->next)
		q->last = place;
	work->next = NULL;
	q->waiting--;
	return work;
}

static bool goes_with(const struct work *work, const struct work *first, unsigned far)
{
	return first == NULL ||
	       (work->kind == first->kind && !work->alone && work->reach + far <= QUEUE_REACH);
}

/* Whether the look may go on. */
static bool looks_on(const struct queue *q, const struct work *first)
{
	return !q->pruning && q->passed < QUEUE_LOOK && (first == NULL || !first->alone);
}

struct work *queue_take(struct queue *q, unsigned max, unsigned *n)
{
	struct work *first = NULL, **end = &first, **place = q->place;
	unsigned far = 0; /* they reach */

	*n = 0;
	if (place == NULL) {
		place = &q->first;
		q->look++;
		q->passed = 0;
	}
	while (*place != NULL && *n < max && looks_on(q, first)) {
		struct work *work = *place;

		if (goes_with(work, first, far) && !stands_back(q, work)) {
			set_off(q, work);
			far += work->reach;
			*end = take_out(q, place);
			end = &work->next;
			++*n;
			continue;
		}
		if (work->kind == WORK_PRUNE)
			break;
		pass_over(q, work);
		place = &work->next;
	}
	q->place = first == NULL ? place : NULL;
	return first;
}

/* Their keys are under way no longer. */
static void come_back(struct queue *q, struct work *works)
{
	struct work *work;
	unsigned i;

	q->place = NULL;
	for (work = works; work != NULL; work = work->next) {
		q->under_way--;
		if (work->kind == WORK_PRUNE)
			q->pruning = false;
		for (i = 0; i < work->n_keys; i++) {
			if (work->kind == WORK_READ)
				work->keys[i]->readers--;
			else
				work->keys[i]->writers--;
		}
	}
}

void queue_return(struct queue *q, struct work *works)
{
	struct work **end = &works;

	if (works == NULL)
		return;
	come_back(q, works);
	for (; *end != NULL; end = &(*end)->next)
		q->waiting++;
	*end = q->first;
	if (q->first == NULL)
		q->last = end;
	q->first = works;
}

void queue_release(struct queue *q, struct work *works)
{
	struct work *work;

	come_back(q, works);
	for (work = works; work != NULL; work = work->next)
		keys_let_go(q, work);
}

void queue_done(struct queue *q, struct work *work)
{
	if (q->n_spare == SPARE_WORKS) {
		free(work);
		return;
	}
	work->next = q->spare;
	q->spare = work;
	q->n_spare++;
}

static bool has_expired(const struct work *work, uint64_t tick)
{
	return work->queued_at <= tick;
}

static bool writes(const struct work *work, uint64_t tick)
{
	(void)tick;
	return work->kind != WORK_READ;
}

static struct work *take_all(struct queue *q, bool (*which)(const struct work *work, uint64_t tick),
			     uint64_t tick)
{
	struct work *first = NULL, **end = &first, **place = &q->first;

	q->place = NULL;
	while (*place != NULL) {
		if (!which(*place, tick)) {
			place = &(*place)->next;
			continue;
		}
		*end = take_out(q, place);
		keys_let_go(q, *end);
		end = &(*end)->next;
	}
	return first;
}

struct work *queue_expire(struct queue *q, uint64_t tick)
{
	return take_all(q, has_expired, tick);
}

struct work *queue_expire_writes(struct queue *q)
{
	return take_all(q, writes, 0);
}
