/* SPDX-License-Identifier: BSD-2-Clause */
/* Posted calls and helper threads; see post.h. */
#include "engine/post.h"

#include <signal.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"

static void queue_init(struct post_queue *q)
{
	q->first = NULL;
	q->last = &q->first;
}

static void queue_add(struct post_queue *q, struct post *post)
{
	post->next = NULL;
	*q->last = post;
	q->last = &post->next;
}

static struct post *queue_take_all(struct post_queue *q)
{
	struct post *first = q->first;

	queue_init(q);
	return first;
}

void posts_init(struct posts *p, void (*wake)(void *arg), void *wake_arg)
{
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->work_there, NULL);
	pthread_cond_init(&p->done_there, NULL);
	queue_init(&p->done);
	queue_init(&p->work);
	atomic_init(&p->any, false);
	p->offloaded = 0;
	p->stopping = false;
	p->n_helpers = 0;
	p->wake = wake;
	p->wake_arg = wake_arg;
}

static struct post *post_new(struct par_plugin *owner, par_callback_fn fn, void *state, void *arg)
{
	struct post *post = mem_zalloc(sizeof(*post));

	post->owner = owner;
	post->fn = fn;
	post->state = state;
	post->arg = arg;
	return post;
}

static void posts_put(struct posts *p, struct post *post)
{
	bool was_empty;

	pthread_mutex_lock(&p->lock);
	was_empty = p->done.first == NULL;
	queue_add(&p->done, post);
	atomic_store_explicit(&p->any, true, memory_order_release);
	pthread_cond_signal(&p->done_there);
	pthread_mutex_unlock(&p->lock);
	if (was_empty)
		p->wake(p->wake_arg);
}

void posts_add(struct posts *p, struct par_plugin *owner, par_callback_fn fn, void *state,
	       void *arg)
{
	posts_put(p, post_new(owner, fn, state, arg));
}

static void *helper_run(void *arg)
{
	struct posts *p = arg;
	struct post *post;

	for (;;) {
		pthread_mutex_lock(&p->lock);
		while (p->work.first == NULL && !p->stopping)
			pthread_cond_wait(&p->work_there, &p->lock);
		post = p->work.first;
		if (post != NULL) {
			p->work.first = post->next;
			if (p->work.first == NULL)
				p->work.last = &p->work.first;
		}
		pthread_mutex_unlock(&p->lock);
		if (post == NULL)
			return NULL;
		post->work(post->state, post->arg);
		posts_put(p, post);
	}
}

/* Signals are the core thread's: helpers block them all. */
static void helpers_start(struct posts *p)
{
	sigset_t all, before;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	while (p->n_helpers < sizeof(p->helpers) / sizeof(p->helpers[0])) {
		if (pthread_create(&p->helpers[p->n_helpers], NULL, helper_run, p) != 0)
			break;
		p->n_helpers++;
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (p->n_helpers == 0) {
		log_error("core", "no helper thread can be started; is the process limit reached?");
		abort();
	}
}

void posts_offload(struct posts *p, struct par_plugin *owner, par_callback_fn work,
		   par_callback_fn done, void *state, void *arg)
{
	struct post *post = post_new(owner, done, state, arg);

	post->work = work;
	p->offloaded++;
	if (p->n_helpers == 0)
		helpers_start(p);
	pthread_mutex_lock(&p->lock);
	queue_add(&p->work, post);
	pthread_cond_signal(&p->work_there);
	pthread_mutex_unlock(&p->lock);
}

struct post *posts_take(struct posts *p)
{
	struct post *first;

	if (!atomic_load_explicit(&p->any, memory_order_acquire))
		return NULL;
	pthread_mutex_lock(&p->lock);
	atomic_store_explicit(&p->any, false, memory_order_relaxed);
	first = queue_take_all(&p->done);
	pthread_mutex_unlock(&p->lock);
	return first;
}

void posts_wait(struct posts *p)
{
	pthread_mutex_lock(&p->lock);
	while (p->done.first == NULL)
		pthread_cond_wait(&p->done_there, &p->lock);
	pthread_mutex_unlock(&p->lock);
}

/* Frees those of one owner; NULL: all. */
static void queue_drop(struct post_queue *q, const struct par_plugin *owner)
{
	struct post *post = queue_take_all(q), *next;

	for (; post != NULL; post = next) {
		next = post->next;
		if (owner != NULL && post->owner != owner)
			queue_add(q, post);
		else
			free(post);
	}
}

void posts_drop(struct posts *p, const struct par_plugin *owner)
{
	pthread_mutex_lock(&p->lock);
	queue_drop(&p->done, owner);
	pthread_mutex_unlock(&p->lock);
}

void posts_free(struct posts *p)
{
	unsigned i;

	pthread_mutex_lock(&p->lock);
	p->stopping = true;
	pthread_cond_broadcast(&p->work_there);
	pthread_mutex_unlock(&p->lock);
	for (i = 0; i < p->n_helpers; i++)
		pthread_join(p->helpers[i], NULL);
	queue_drop(&p->work, NULL);
	queue_drop(&p->done, NULL);
	pthread_cond_destroy(&p->work_there);
	pthread_cond_destroy(&p->done_there);
	pthread_mutex_destroy(&p->lock);
}
