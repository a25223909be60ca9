/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What becomes of a batch. One that is done lets go of its keys and the lane takes the
 * next before the results are handed back: PostgreSQL works while the core does. One
 * that was refused is tried again as a whole, or work by work, or refused, as
 * the reason says; one that waited too long already is refused in any case.
 *
 * Results borrow their strings from PostgreSQL's, which so live until all is handed back.
 */
#include "../storage_common/clear.h"
#include "dial.h"
#include "health.h"
#include "lane.h"
#include "pool.h"

#include <stdlib.h>

/* How often a batch, or a work, is tried. */
#define ATTEMPTS 10
#define PAUSE_MS 20

/* --- works --- */

static void work_clear(const struct postgres *pg, struct work *work)
{
	if (work->tx != NULL)
		clear_tx(pg->api, work->tx);
	else if (work->query != NULL)
		clear_query(pg->api, work->query);
}

/* Hands it back; the work stays, with its keys. */
static void give_back(struct postgres *pg, struct work *work)
{
	struct par_tx *tx = work->tx;
	struct par_query *query = work->query;

	work->tx = NULL;
	work->query = NULL;
	if (tx != NULL) {
		pg->api->metric_add(pg->metrics.transactions, 1);
		pg->api->tx_done(tx);
	} else if (query != NULL) {
		pg->api->metric_add(pg->metrics.queries, 1);
		pg->api->query_done(query);
	}
}

static void refuse(struct postgres *pg, struct work *work, enum par_error error, const char *words)
{
	if (work->tx != NULL || work->query != NULL)
		pg->api->metric_add(pg->metrics.failures, 1);
	work_clear(pg, work);
	if (work->tx != NULL) {
		work->tx->error = error;
		work->tx->message = words;
	} else if (work->query != NULL) {
		work->query->error = error;
		work->query->message = words;
	}
}

void works_done(struct postgres *pg, struct work *works)
{
	struct work *next;

	for (; works != NULL; works = next) {
		next = works->next;
		give_back(pg, works);
		queue_done(&pg->queue, works);
	}
}

void works_refuse(struct postgres *pg, struct work *works, enum par_error error, const char *words)
{
	struct work *work;

	for (work = works; work != NULL; work = work->next)
		refuse(pg, work, error, words);
	works_done(pg, works);
}

/* Back into the queue with those that may be tried once more; the others are refused. */
static void try_again(struct postgres *pg, struct work *works, bool alone, const char *words)
{
	struct work *again = NULL, **a = &again, *refused = NULL, **r = &refused, *next;

	for (; works != NULL; works = next) {
		next = works->next;
		works->next = NULL;
		if (++works->attempts == ATTEMPTS || pg->ticks - works->queued_at >= PATIENCE) {
			*r = works;
			r = &works->next;
			continue;
		}
		work_clear(pg, works);
		works->alone = works->alone || alone;
		pg->api->metric_add(pg->metrics.retries, 1);
		*a = works;
		a = &works->next;
	}
	queue_release(&pg->queue, refused);
	queue_return(&pg->queue, again);
	works_refuse(pg, refused, PAR_E_UNAVAILABLE, words);
}

static void release_and_refuse(struct postgres *pg, struct work *works, enum par_error error,
			       const char *words)
{
	queue_release(&pg->queue, works);
	works_refuse(pg, works, error, words);
}

/* --- batches --- */

static void clear_results(struct results *results)
{
	while (results->n > 0)
		PQclear(results->list[--results->n]);
}

/* Ends the batch; its works are the caller's. */
static struct work *end_batch(struct lane *lane)
{
	struct work *works = lane->batch.works;

	lane->kind->end(&lane->batch);
	lane->kind = NULL;
	lane->batch.works = NULL;
	lane->committing = lane->committed = false;
	if (lane->state == LANE_BUSY)
		lane->state = LANE_IDLE;
	return works;
}

static void count_batch(struct postgres *pg, unsigned n)
{
	pg->api->metric_add(pg->metrics.batches, 1);
	pg->api->metric_set(pg->metrics.batch_last, n);
	if (n > pg->largest) {
		pg->largest = n;
		pg->api->metric_set(pg->metrics.batch_max, n);
	}
}

void outcome_done(struct lane *lane)
{
	struct postgres *pg = lane->pg;
	struct results results = lane->results;
	bool wrote = lane->kind != &batch_read;
	struct work *works;

	if (lane->batch.works != NULL)
		count_batch(pg, lane->batch.n);
	works = end_batch(lane);
	lane->results = lane->spare;
	lane->spare = (struct results){ NULL, 0, 0 };
	queue_release(&pg->queue, works);
	if (wrote) {
		lane->suspect = false;
		health_wrote(pg);
	}
	pool_feed(pg);
	works_done(pg, works);
	clear_results(&results);
	if (lane->spare.list == NULL)
		lane->spare = results;
	else
		free(results.list);
}

static void end_pause(void *state, void *arg)
{
	struct lane *lane = state;

	(void)arg;
	lane->pause = 0;
	lane_resume(lane);
}

/* The same works again, after a while in which whoever stood in the way gets done. The
 * lane keeps them and so their keys. */
static void pause_batch(struct lane *lane)
{
	struct postgres *pg = lane->pg;
	uint64_t delay = 1 + (unsigned)rand_r(&pg->seed) % (PAUSE_MS * ++lane->attempts);
	struct work *work;

	lane->kind->end(&lane->batch);
	clear_results(&lane->results);
	for (work = lane->batch.works; work != NULL; work = work->next)
		work_clear(pg, work);
	pg->api->metric_add(pg->metrics.retries, lane->batch.n);
	lane->state = LANE_PAUSED;
	lane->pause = pg->api->timer_start(pg->self, delay, end_pause, lane, NULL);
}

/* The database can store nothing now. */
static void fail_state(struct lane *lane, bool writing, struct work *works)
{
	struct postgres *pg = lane->pg;

	/* before those that came later and are refused for the same reason */
	release_and_refuse(pg, works, PAR_E_UNAVAILABLE, sqlstate_words(lane->sqlstate));
	if (writing)
		health_ill(pg, lane->sqlstate);
	if (strcmp(lane->sqlstate, SQLSTATE_READ_ONLY) == 0)
		health_suspect(pg);
}

void outcome_failed(struct lane *lane)
{
	struct postgres *pg = lane->pg;
	enum failure failure = failure_of(lane->sqlstate);
	const char *words = sqlstate_words(lane->sqlstate);
	bool many = lane->batch.n > 1, writing = lane->kind != &batch_read;
	struct work *works;

	/* a probe, once a second, tells nothing new when it fails as the last one did */
	if (lane->batch.n > 0)
		health_log(pg, "%u refused: %s (%s)", lane->batch.n, lane->words, lane->sqlstate);
	else if (words != pg->ill)
		health_log(pg, "an empty transaction was refused: %s (%s)", lane->words,
			   lane->sqlstate);
	if (failure == FAILURE_LOST) {
		lane_lose(lane, lane->sqlstate, lane->words);
		return;
	}
	if (failure == FAILURE_AGAIN && lane->attempts + 1 < ATTEMPTS &&
	    pg->ticks - lane->began < PATIENCE && !pg->stopping) {
		pause_batch(lane);
		return;
	}
	works = end_batch(lane);
	clear_results(&lane->results);
	if (failure == FAILURE_STATE)
		fail_state(lane, writing, works);
	else if (many && failure != FAILURE_AGAIN)
		try_again(pg, works, true, words);
	else if (failure == FAILURE_WORK)
		release_and_refuse(pg, works, PAR_E_INTERNAL, words);
	else
		release_and_refuse(pg, works, PAR_E_UNAVAILABLE, words);
	pool_feed(pg);
}

void outcome_lost(struct lane *lane)
{
	struct postgres *pg = lane->pg;
	const char *words = sqlstate_words(lane->sqlstate);
	bool stood = lane->committed, doubt = lane->committing;
	struct work *works;

	if (lane->kind == NULL)
		return;
	works = end_batch(lane);
	clear_results(&lane->results);
	if (works == NULL)
		return;
	if (stood) {
		queue_release(&pg->queue, works);
		works_done(pg, works);
	} else if (doubt && works->kind == WORK_WRITE) {
		lane->batch.works = works;
		lane->in_doubt = true;
		lane->since = pg->ticks;
		pg->api->metric_add(pg->metrics.in_doubt, lane->batch.n);
	} else if (doubt) {
		/* a PRUNE comes again by itself */
		release_and_refuse(pg, works, PAR_E_UNAVAILABLE, words);
	} else {
		try_again(pg, works, false, words);
	}
}

/* --- in doubt --- */

void outcome_settled(struct lane *lane, enum doubt doubt)
{
	static const char words[] = "it is not known whether the database stored it";
	struct postgres *pg = lane->pg;
	struct work *works = lane->batch.works;

	lane->in_doubt = false;
	lane->batch.works = NULL;
	if (doubt == DOUBT_FELL && (works->tx != NULL || works->query != NULL)) {
		try_again(pg, works, false, sqlstate_words(SQLSTATE_LOST));
		return;
	}
	queue_release(&pg->queue, works);
	if (doubt == DOUBT_STOOD)
		works_done(pg, works);
	else
		works_refuse(pg, works, PAR_E_UNAVAILABLE, words);
}

void outcome_impatient(struct lane *lane)
{
	struct postgres *pg = lane->pg;
	struct work *work;

	for (work = lane->batch.works; work != NULL; work = work->next) {
		if (work->tx == NULL && work->query == NULL)
			continue;
		refuse(pg, work, PAR_E_UNAVAILABLE, sqlstate_words(SQLSTATE_LOST));
		give_back(pg, work);
	}
}
