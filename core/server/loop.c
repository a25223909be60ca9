/* SPDX-License-Identifier: BSD-2-Clause */
/* The core thread's loop; see loop.h. */
#include "server/loop.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <parlance/plugin.h>

#include "base/log.h"
#include "base/mem.h"
#include "engine/core.h"
#include "transport/transport.h"

struct loop {
	struct event_base *base;
	struct event *wake;
	struct event *timer;
	int wake_fd;
	uint64_t armed_for; /* the deadline that `timer` is set to; UINT64_MAX: not set */
};

static uint64_t wall_ms(void *arg)
{
	struct timespec ts;

	(void)arg;
	clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static uint64_t monotonic_us(void *arg)
{
	struct timespec ts;

	(void)arg;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

static void loop_wake(void *arg)
{
	struct loop *loop = arg;
	uint64_t one = 1;

	while (write(loop->wake_fd, &one, sizeof(one)) < 0 && errno == EINTR)
		;
}

/* --- descriptors of plugins --- */

/* Two events, so that a change of what is wanted is one system call, and none when it
 * is wanted already. */
struct loop_watch {
	struct watch *watch;
	struct event *readable;
	struct event *writable;
};

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	watch_ready(((struct loop_watch *)arg)->watch, PAR_READABLE);
}

static void on_writable(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	watch_ready(((struct loop_watch *)arg)->watch, PAR_WRITABLE);
}

/* What epoll would refuse is refused here, before libevent prints its own mind about it. */
static bool fd_can_wait(int fd)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return false;
	if (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode) || S_ISBLK(st.st_mode)) {
		errno = EPERM;
		return false;
	}
	return true;
}

static struct loop_watch *loop_watch_start(void *arg, int fd, struct watch *watch)
{
	struct loop *loop = arg;
	struct loop_watch *in_loop;

	if (!fd_can_wait(fd))
		return NULL;
	in_loop = mem_zalloc(sizeof(*in_loop));
	in_loop->watch = watch;
	in_loop->readable = event_new(loop->base, fd, EV_READ | EV_PERSIST, on_readable, in_loop);
	in_loop->writable = event_new(loop->base, fd, EV_WRITE | EV_PERSIST, on_writable, in_loop);
	return in_loop;
}

static bool event_set_wanted(struct event *event, short what, bool wanted)
{
	if ((event_pending(event, what, NULL) != 0) == wanted)
		return true;
	return (wanted ? event_add(event, NULL) : event_del(event)) == 0;
}

static bool loop_watch_change(struct loop_watch *in_loop, unsigned what)
{
	bool ok = event_set_wanted(in_loop->readable, EV_READ, (what & PAR_READABLE) != 0);

	return event_set_wanted(in_loop->writable, EV_WRITE, (what & PAR_WRITABLE) != 0) && ok;
}

static void loop_watch_stop(struct loop_watch *in_loop)
{
	event_free(in_loop->readable);
	event_free(in_loop->writable);
	free(in_loop);
}

/* The event is edge-triggered: every write is an edge, and nobody need read the
 * counter. That the loop has turned is all that is wanted. */
static void on_wake(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct loop *loop = arg;

	(void)fd;
	(void)what;
	loop->armed_for = UINT64_MAX;
}

struct loop *loop_new(void)
{
	struct loop *loop = mem_zalloc(sizeof(*loop));
	struct event_config *config = event_config_new();

	/* one thread owns the base: others only write to the eventfd */
	event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
	loop->base = event_base_new_with_config(config);
	event_config_free(config);
	loop->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (loop->base == NULL || loop->wake_fd < 0) {
		log_error("server", "no event loop can be made: %m; is the limit of open files "
				    "(ulimit -n) very low?");
		exit(1);
	}
	loop->wake =
	    event_new(loop->base, loop->wake_fd, EV_READ | EV_PERSIST | EV_ET, on_wake, loop);
	loop->timer = event_new(loop->base, -1, 0, on_timer, loop);
	event_add(loop->wake, NULL);
	loop->armed_for = UINT64_MAX;
	return loop;
}

void loop_free(struct loop **loopp)
{
	struct loop *loop = *loopp;

	if (loop == NULL)
		return;
	event_free(loop->wake);
	event_free(loop->timer);
	event_base_free(loop->base);
	close(loop->wake_fd);
	free(loop);
	*loopp = NULL;
}

struct event_base *loop_base(struct loop *loop)
{
	return loop->base;
}

int loop_wake_fd(const struct loop *loop)
{
	return loop->wake_fd;
}

struct core_env loop_env(struct loop *loop)
{
	struct core_env env = { .arg = loop,
				.wall_ms = wall_ms,
				.monotonic_us = monotonic_us,
				.wake = loop_wake,
				.watch_start = loop_watch_start,
				.watch_change = loop_watch_change,
				.watch_stop = loop_watch_stop };

	/* so few bytes come at once, or the kernel has no random numbers yet */
	if (getrandom(&env.seed, sizeof(env.seed), GRND_NONBLOCK) != sizeof(env.seed))
		env.seed = (uint32_t)monotonic_us(loop);
	return env;
}

/* Sets the timer to the core's next deadline, if it is not set to it already. */
static void loop_arm(struct loop *loop, const struct core *core)
{
	uint64_t deadline = core_next_deadline(core), now, left;
	struct timeval tv;

	if (deadline == loop->armed_for)
		return;
	loop->armed_for = deadline;
	if (deadline == UINT64_MAX) {
		event_del(loop->timer);
		return;
	}
	now = monotonic_us(NULL);
	left = deadline > now ? deadline - now : 0;
	tv.tv_sec = (time_t)(left / 1000000);
	tv.tv_usec = (suseconds_t)(left % 1000000);
	event_add(loop->timer, &tv);
}

/* One turn of libevent; blocks when there is nothing to do at once. */
static void loop_wait(struct loop *loop, struct core *core, bool busy)
{
	if (!busy && core_sleep(core)) {
		event_base_loop(loop->base, EVLOOP_ONCE);
		core_awake(core);
	} else {
		event_base_loop(loop->base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
	}
}

void loop_run(struct loop *loop, struct core *core, struct transport *transport,
	      bool (*stop)(void *arg), void *arg)
{
	bool busy = true; /* with what the plugins began in start() */

	while (!stop(arg)) {
		loop_arm(loop, core);
		loop_wait(loop, core, busy);
		if (transport != NULL)
			transport_turn(transport); /* makes visible what was received */
		busy = core_run(core);
		if (transport != NULL)
			busy |= transport_turn(transport); /* writes what the core sent */
	}
}
