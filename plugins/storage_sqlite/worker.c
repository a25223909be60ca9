/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The thread and its queues. While a commit is on its way to the disk the next
 * transactions collect, and go into the next commit together: the slower the
 * disk, the larger the batches. Order is kept throughout.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "worker.h"

/* Adds at the end. */
static void list_add(struct work_list *list, const struct work *works, unsigned n)
{
	if (list->cap - list->n < n) {
		while (list->cap - list->n < n)
			list->cap = list->cap == 0 ? 64 : list->cap * 2;
		list->works = realloc(list->works, list->cap * sizeof(*list->works));
		if (list->works == NULL)
			abort();
	}
	memcpy(list->works + list->n, works, n * sizeof(*works));
	list->n += n;
}

static void list_swap(struct work_list *a, struct work_list *b)
{
	struct work_list list = *a;

	*a = *b;
	*b = list;
}

void worker_submit(struct worker *w, struct par_tx *tx)
{
	struct work work = { tx, NULL };

	list_add(&w->collected, &work, 1);
}

void worker_query(struct worker *w, struct par_query *query)
{
	struct work work = { NULL, query };

	list_add(&w->collected, &work, 1);
}

/* On the core: gives them back. */
static void works_done(const struct worker *w, const struct work_list *list)
{
	unsigned i;

	for (i = 0; i < list->n; i++) {
		if (list->works[i].tx != NULL)
			w->api->tx_done(list->works[i].tx);
		else
			w->api->query_done(list->works[i].query);
	}
}

/* What comes when the thread has ended. */
static void refuse_collected(struct worker *w)
{
	static const char words[] = "the storage has stopped";
	struct work_list list = { NULL, 0, 0 };
	unsigned i;

	list_swap(&list, &w->collected);
	for (i = 0; i < list.n; i++) {
		if (list.works[i].tx != NULL) {
			list.works[i].tx->error = PAR_E_UNAVAILABLE;
			list.works[i].tx->message = words;
		} else {
			list.works[i].query->error = PAR_E_UNAVAILABLE;
			list.works[i].query->message = words;
		}
	}
	works_done(w, &list);
	free(list.works);
}

void worker_flush(struct worker *w)
{
	bool wake;

	if (w->collected.n == 0)
		return;
	if (!w->running) {
		refuse_collected(w);
		return;
	}
	pthread_mutex_lock(&w->lock);
	if (w->queued.n == 0)
		list_swap(&w->queued, &w->collected);
	else
		list_add(&w->queued, w->collected.works, w->collected.n);
	w->collected.n = 0;
	wake = w->sleeping;
	w->sleeping = false;
	w->api->metric_set(w->metrics.queue, w->queued.n);
	pthread_mutex_unlock(&w->lock);
	if (wake)
		pthread_cond_signal(&w->wake);
}

/* On the core: gives back all that is finished. */
static void worker_deliver(void *state, void *arg)
{
	struct work_list done = { NULL, 0, 0 };
	struct worker *w = state;

	(void)arg;
	pthread_mutex_lock(&w->lock);
	list_swap(&done, &w->finished);
	w->posted = false;
	pthread_mutex_unlock(&w->lock);
	works_done(w, &done);
	free(done.works);
}

/* Waits for works, under the lock. False when it is time to end. */
static bool wait_works(struct worker *w)
{
	struct timespec until;

	while (w->queued.n == 0 && !w->stopping) {
		w->sleeping = true;
		if (!w->unwell) {
			pthread_cond_wait(&w->wake, &w->lock);
			continue;
		}
		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_nsec += RETRY_US * 1000;
		until.tv_sec += until.tv_nsec / 1000000000;
		until.tv_nsec %= 1000000000;
		if (pthread_cond_timedwait(&w->wake, &w->lock, &until) == ETIMEDOUT) {
			pthread_mutex_unlock(&w->lock);
			health_probe(w);
			pthread_mutex_lock(&w->lock);
		}
	}
	w->sleeping = false;
	return w->queued.n > 0;
}

/* Hands a batch back, under the lock. True when the core must be told. */
static bool finish(struct worker *w, const struct work *works, unsigned n)
{
	bool post = !w->posted;

	list_add(&w->finished, works, n);
	w->posted = true;
	return post;
}

static void *worker_main(void *arg)
{
	struct work_list taken = { NULL, 0, 0 };
	struct worker *w = arg;
	unsigned at, n;
	bool post;

	pthread_mutex_lock(&w->lock);
	while (wait_works(w)) {
		list_swap(&taken, &w->queued);
		for (at = 0; at < taken.n; at += n) {
			pthread_mutex_unlock(&w->lock);
			n = taken.n - at < w->batch_max ? taken.n - at : w->batch_max;
			batch_run(w, taken.works + at, n);
			pthread_mutex_lock(&w->lock);
			post = finish(w, taken.works + at, n) && !w->stopping;
			if (post) {
				pthread_mutex_unlock(&w->lock);
				w->api->post(w->self, worker_deliver, w, NULL);
				pthread_mutex_lock(&w->lock);
			}
		}
		taken.n = 0;
		w->api->metric_set(w->metrics.queue, w->queued.n);
	}
	pthread_mutex_unlock(&w->lock);
	free(taken.works);
	return NULL;
}

void worker_init(struct worker *w)
{
	pthread_condattr_t attr;

	pthread_mutex_init(&w->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&w->wake, &attr);
	pthread_condattr_destroy(&attr);
}

/* Signals are the core thread's: one that this thread took could wait as long as it does. */
bool worker_start(struct worker *w, char *error, size_t error_size)
{
	sigset_t all, before;
	int code;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	code = pthread_create(&w->thread, NULL, worker_main, w);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (code == 0) {
		w->running = true;
		return true;
	}
	snprintf(error, error_size, "cannot start a thread: %s", strerror(code));
	return false;
}

void worker_stop(struct worker *w)
{
	if (!w->running)
		return;
	worker_flush(w);
	pthread_mutex_lock(&w->lock);
	w->stopping = true;
	pthread_mutex_unlock(&w->lock);
	pthread_cond_signal(&w->wake);
	pthread_join(w->thread, NULL);
	w->running = false;
	worker_deliver(w, NULL);
	worker_flush(w);
}

void worker_free(struct worker *w)
{
	free(w->collected.works);
	free(w->queued.works);
	free(w->finished.works);
	pthread_cond_destroy(&w->wake);
	pthread_mutex_destroy(&w->lock);
}
