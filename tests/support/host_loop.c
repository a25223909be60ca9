/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The fake host's callbacks that come later: posted calls, helper threads, timers and
 * watched descriptors. Posts, threads and descriptors are real. The clock is not: it
 * stands, until a test moves it, or until host_settle finds that only a
 * timer can move things; then it waits as long as the timer says, and the clock with it.
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "host_api.h"
#include "host_loop.h"

#define SETTLE_MS 60000

struct host_call {
	struct par_plugin *plugin;
	par_callback_fn work; /* of an offload: runs first, on a thread of its own */
	par_callback_fn fn;
	void *state;
	void *arg;
	pthread_t thread;
	struct host_call *next;
};

struct host_timer {
	par_timer_id id;
	uint64_t due;
	par_callback_fn fn;
	void *state;
	void *arg;
	struct host_timer *next; /* ascending by due */
};

void host_loop_begin(struct host *host)
{
	pthread_mutex_init(&host->lock, NULL);
	host->calls_end = &host->calls;
	host->called = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	host_check(host->called >= 0, "no eventfd");
}

void host_loop_end(struct host *host)
{
	struct host_timer *timer;

	while ((timer = host->timers) != NULL) {
		host->timers = timer->next;
		free(timer);
	}
	close(host->called);
	pthread_mutex_destroy(&host->lock);
}

/* --- posted and offloaded calls --- */

static struct host_call *call_new(struct par_plugin *self, par_callback_fn work, par_callback_fn fn,
				  void *state, void *arg)
{
	struct host_call *call = mem_zalloc(sizeof(*call));

	call->plugin = self;
	call->work = work;
	call->fn = fn;
	call->state = state;
	call->arg = arg;
	return call;
}

static void call_put(struct host_call *call)
{
	struct host *host = call->plugin->host;

	pthread_mutex_lock(&host->lock);
	*host->calls_end = call;
	host->calls_end = &call->next;
	eventfd_write(host->called, 1);
	pthread_mutex_unlock(&host->lock);
}

static void api_post(struct par_plugin *self, par_callback_fn fn, void *state, void *arg)
{
	call_put(call_new(self, NULL, fn, state, arg));
}

static void *offload_run(void *arg)
{
	struct host_call *call = arg;

	call->work(call->state, call->arg);
	call_put(call);
	return NULL;
}

static void api_offload(struct par_plugin *self, par_callback_fn work, par_callback_fn done,
			void *state, void *arg)
{
	struct host_call *call = call_new(self, work, done, state, arg);

	host_check_core(self->host, "offload on another thread");
	self->host->offloaded++;
	host_check(pthread_create(&call->thread, NULL, offload_run, call) == 0, "no thread");
}

static bool calls_run(struct host *host)
{
	struct host_call *calls, *next;
	eventfd_t count;
	bool any;

	pthread_mutex_lock(&host->lock);
	calls = host->calls;
	host->calls = NULL;
	host->calls_end = &host->calls;
	eventfd_read(host->called, &count);
	pthread_mutex_unlock(&host->lock);
	any = calls != NULL;
	for (; calls != NULL; calls = next) {
		next = calls->next;
		if (calls->work != NULL) {
			pthread_join(calls->thread, NULL);
			host->offloaded--;
		}
		calls->fn(calls->state, calls->arg);
		free(calls);
	}
	return any;
}

/* --- the clock --- */

static uint64_t api_now(struct par_plugin *self)
{
	return self->host->now;
}

static par_timer_id api_timer_start(struct par_plugin *self, uint64_t delay, par_callback_fn fn,
				    void *state, void *arg)
{
	struct host *host = self->host;
	struct host_timer **at = &host->timers, *timer = mem_zalloc(sizeof(*timer));

	host_check_core(host, "timer_start on another thread");
	timer->id = ++host->last_timer;
	timer->due = host->now + delay;
	timer->fn = fn;
	timer->state = state;
	timer->arg = arg;
	while (*at != NULL && (*at)->due <= timer->due)
		at = &(*at)->next;
	timer->next = *at;
	*at = timer;
	return timer->id;
}

static bool api_timer_stop(struct par_plugin *self, par_timer_id id)
{
	struct host_timer **at = &self->host->timers, *timer;

	while (*at != NULL && (*at)->id != id)
		at = &(*at)->next;
	timer = *at;
	if (timer == NULL)
		return false;
	*at = timer->next;
	free(timer);
	return true;
}

/* A test may have set the clock past a timer: it does not go back. */
static void timer_run(struct host *host)
{
	struct host_timer *timer = host->timers;

	host->timers = timer->next;
	if (timer->due > host->now)
		host->now = timer->due;
	timer->fn(timer->state, timer->arg);
	free(timer);
}

void host_advance(struct host *host, uint64_t ms)
{
	uint64_t end = host->now + ms;

	while (host->timers != NULL && host->timers->due <= end)
		timer_run(host);
	host->now = end;
}

/* --- watched descriptors --- */

static struct host_watch *watch_find(struct par_plugin *self, par_watch_id id, const char *function)
{
	struct host *host = self->host;
	unsigned i;

	host_check_core(host, function);
	for (i = 0; i < HOST_WATCHES; i++) {
		if (host->watches[i].id == id && host->watches[i].plugin == self)
			return &host->watches[i];
	}
	host_check(false, function);
	return NULL;
}

static par_watch_id api_watch_start(struct par_plugin *self, int fd, unsigned what, par_watch_fn fn,
				    void *state, void *arg)
{
	struct host *host = self->host;
	struct host_watch *free_one = NULL;
	unsigned i;

	host_check_core(host, "watch_start on another thread");
	for (i = 0; i < HOST_WATCHES; i++) {
		host_check(host->watches[i].id == 0 || host->watches[i].fd != fd,
			   "a descriptor is watched twice");
		if (host->watches[i].id == 0)
			free_one = &host->watches[i];
	}
	host_check(free_one != NULL, "too many watches");
	*free_one = (struct host_watch){ ++host->last_watch, self, fd, what, fn, state, arg };
	return free_one->id;
}

static bool api_watch_change(struct par_plugin *self, par_watch_id id, unsigned what)
{
	watch_find(self, id, "watch_change of a watch that is not there")->what = what;
	return true;
}

static bool api_watch_stop(struct par_plugin *self, par_watch_id id)
{
	watch_find(self, id, "watch_stop of a watch that is not there")->id = 0;
	return true;
}

void host_loop_forget(struct par_plugin *plugin)
{
	unsigned i;

	for (i = 0; i < HOST_WATCHES; i++) {
		if (plugin->host->watches[i].plugin == plugin)
			plugin->host->watches[i].id = 0;
	}
}

/* What poll found, in the words of the API: trouble is for whoever watches at all. */
static unsigned watch_ready(const struct host_watch *watch, short found)
{
	unsigned ready = 0;

	if ((found & (POLLERR | POLLHUP | POLLNVAL)) != 0)
		ready = PAR_READABLE | PAR_WRITABLE;
	if ((found & POLLIN) != 0)
		ready |= PAR_READABLE;
	if ((found & POLLOUT) != 0)
		ready |= PAR_WRITABLE;
	return ready & watch->what;
}

/* Waits up to `ms` for a descriptor or a posted call, and calls who watches. True when
 * something came. The last place in `found` is the posted calls'. */
static bool watches_run(struct host *host, int ms)
{
	struct pollfd found[HOST_WATCHES + 1];
	par_watch_id ids[HOST_WATCHES];
	struct host_watch *watch = host->watches;
	unsigned i;

	for (i = 0; i < HOST_WATCHES; i++) {
		bool wanted = watch[i].id != 0 && watch[i].what != 0;

		ids[i] = watch[i].id;
		found[i].fd = wanted ? watch[i].fd : -1;
		found[i].events = (short)(((watch[i].what & PAR_READABLE) != 0 ? POLLIN : 0) |
					  ((watch[i].what & PAR_WRITABLE) != 0 ? POLLOUT : 0));
	}
	found[i].fd = host->called;
	found[i].events = POLLIN;
	if (poll(found, HOST_WATCHES + 1, ms) <= 0)
		return false;
	for (i = 0; i < HOST_WATCHES; i++) {
		unsigned ready = found[i].revents == 0 || watch[i].id != ids[i]
				     ? 0
				     : watch_ready(&watch[i], found[i].revents);

		if (ready != 0)
			watch[i].fn(watch[i].state, watch[i].arg, ready);
	}
	return true;
}

/* --- letting things happen --- */

bool host_drain(struct host *host)
{
	bool any = calls_run(host);

	if (host->last_watch != 0)
		any |= watches_run(host, 0);
	return any;
}

static uint64_t real_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/* Waits for whatever comes first. The clock stands still since the real time `since`. */
static void settle_wait(struct host *host, uint64_t *since)
{
	uint64_t waited = real_ms() - *since, left = SETTLE_MS;

	if (host->timers != NULL) {
		left = host->timers->due > host->now ? host->timers->due - host->now : 0;
		left = left > waited ? left - waited : 0;
	}
	if (watches_run(host, (int)(left < SETTLE_MS ? left : SETTLE_MS)) || left >= SETTLE_MS)
		return;
	timer_run(host);
	*since = real_ms();
}

void host_settle(struct host *host)
{
	uint64_t begin = real_ms(), since = begin;

	while (real_ms() - begin < SETTLE_MS) {
		if (host->storage != NULL)
			host->storage->flush(host->storage_state);
		if (host_drain(host))
			continue;
		if (host->in_flight == 0)
			return;
		settle_wait(host, &since);
	}
	fprintf(stderr, "host: %u transactions or queries never came back\n", host->in_flight);
	abort();
}

#define TURN_MS 10

void host_turn(struct host *host)
{
	uint64_t begin = real_ms();

	if (host->storage != NULL)
		host->storage->flush(host->storage_state);
	if (!host_drain(host))
		watches_run(host, TURN_MS);
	host_advance(host, real_ms() - begin);
}

void host_loop_finish(struct host *host)
{
	uint64_t begin = real_ms();

	host_drain(host);
	while (host->offloaded > 0) {
		host_check(real_ms() - begin < SETTLE_MS, "offloaded work never came back");
		watches_run(host, SETTLE_MS);
		host_drain(host);
	}
}

void host_loop_fill(struct par_api *api)
{
	api->post = api_post;
	api->now = api_now;
	api->timer_start = api_timer_start;
	api->timer_stop = api_timer_stop;
	api->offload = api_offload;
	api->watch_start = api_watch_start;
	api->watch_change = api_watch_change;
	api->watch_stop = api_watch_stop;
}
