/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calls posted to the core thread from any other, and work handed to helper
 * threads (par_api.post, par_api.offload). This is not the path of a message:
 * a storage posts one call a batch, so a plain lock is right here.
 */
#ifndef PARLANCE_POST_H
#define PARLANCE_POST_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include <parlance/plugin.h>

struct post {
	struct post *next;
	struct par_plugin *owner;
	par_callback_fn fn;
	void *state;
	void *arg;
	par_callback_fn work; /* of an offload: what a helper thread runs first */
};

struct post_queue {
	struct post *first;
	struct post **last;
};

struct posts {
	_Atomic bool any; /* `done` is not empty: looked at without the lock */
	pthread_mutex_t lock;
	pthread_cond_t work_there;
	pthread_cond_t done_there;
	struct post_queue done; /* for the core */
	struct post_queue work; /* for the helpers */
	unsigned offloaded; /* not yet come back; core thread */
	bool stopping;
	unsigned n_helpers;
	pthread_t helpers[2];
	void (*wake)(void *arg);
	void *wake_arg;
};

void posts_init(struct posts *p, void (*wake)(void *arg), void *wake_arg);
/* Any thread. */
void posts_add(struct posts *p, struct par_plugin *owner, par_callback_fn fn, void *state,
	       void *arg);
/* Core thread. Starts the helper threads at its first call. */
void posts_offload(struct posts *p, struct par_plugin *owner, par_callback_fn work,
		   par_callback_fn done, void *state, void *arg);
/* Core thread: takes all that is there; the caller calls and frees each. */
struct post *posts_take(struct posts *p);
/* Core thread: blocks until there is something to take. For the end only. */
void posts_wait(struct posts *p);
/* Core thread: forgets the calls that a plugin posted. It has nothing offloaded. */
void posts_drop(struct posts *p, const struct par_plugin *owner);
/* Joins the helpers; drops what was never taken. */
void posts_free(struct posts *p);

#endif
