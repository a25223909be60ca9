/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Time for connections: a wheel of buckets, one a tick, instead of a timer in
 * libevent's heap each. A tick is a second, or less when a configured time is
 * short. Called on the I/O thread.
 *
 * A conn that receives only notes the tick; it stays in its bucket, and when
 * the wheel comes to it, conn_expire finds out what became due and puts it
 * into the next. Times are late by two ticks at most, never early.
 */
#include <time.h>

#include "transport/io.h"

#define TICK_MAX 1000
#define TICK_MIN 10

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static uint32_t ticks(const struct io *io, uint64_t ms)
{
	uint64_t n = (ms + io->tick_ms - 1) / io->tick_ms + 1;

	return n < UINT32_MAX / 4 ? (uint32_t)n : UINT32_MAX / 4;
}

/* Ticks from now until `due`; it may be past. The difference is taken signed,
 * so that the tick may wrap around. */
static int32_t ticks_until(const struct io *io, uint32_t due)
{
	return (int32_t)(due - io->tick);
}

static void wheel_put(struct conn *conn)
{
	struct io *io = conn->io;
	int32_t ahead = ticks_until(io, conn->due);

	if (ahead < 1)
		ahead = 1;
	if (ahead > WHEEL_BUCKETS - 1)
		ahead = WHEEL_BUCKETS - 1;
	LIST_REMOVE(conn, timer);
	LIST_INSERT_HEAD(&io->wheel[(io->tick + (uint32_t)ahead) % WHEEL_BUCKETS], conn, timer);
}

static void conn_set_due(struct conn *conn, uint32_t due)
{
	conn->due = due;
	wheel_put(conn);
}

void conn_timer_set(struct conn *conn, uint64_t ms)
{
	conn_set_due(conn, conn->io->tick + ticks(conn->io, ms));
}

/* An open conn: ping it when it was silent, close it when it is dead. */
static void conn_expire_idle(struct conn *conn)
{
	struct io *io = conn->io;
	uint32_t ping = ticks(io, io->shared->settings->ping_interval);
	uint32_t dead = ticks(io, io->shared->settings->idle_timeout);
	uint32_t idle, next;

	/* We do not listen to it: its silence is ours. */
	if (conn->paused & (PAUSE_CORE | PAUSE_INBOX))
		conn->last_seen = io->tick;
	idle = io->tick - conn->last_seen;
	if (idle >= dead) {
		conn_close(conn, WS_CLOSE_GOING_AWAY, "idle");
		return;
	}
	next = ping;
	if (idle >= ping) {
		next = idle + ping;
		if (!conn->blocked) {
			conn_queue_frame(conn, WS_PING, NULL, 0);
			io->counts[IO_PINGS]++;
		}
	}
	if (conn->state == CONN_OPEN)
		conn_set_due(conn, conn->last_seen + (next < dead ? next : dead));
}

static void conn_expire(struct conn *conn)
{
	switch ((enum conn_state)conn->state) {
	case CONN_HANDSHAKE:
	case CONN_HELLO:
		conn->io->counts[IO_REFUSED]++;
		conn_close(conn, WS_CLOSE_ABNORMAL, "the handshake timed out");
		break;
	case CONN_OPEN:
		conn_expire_idle(conn);
		break;
	case CONN_CLOSING:
	case CONN_ENDING:
		conn_close(conn, WS_CLOSE_ABNORMAL, "its end timed out");
		break;
	case CONN_CLOSED:
		break;
	}
}

/* Each conn moves on to a later bucket before it is looked at, so it is always
 * in one, whatever becomes of it. */
static void wheel_run(struct io *io, struct conn_list *bucket)
{
	struct conn *conn;

	while ((conn = LIST_FIRST(bucket)) != NULL) {
		wheel_put(conn);
		if (ticks_until(io, conn->due) <= 0)
			conn_expire(conn);
	}
}

static void wheel_tick(evutil_socket_t fd, short what, void *arg)
{
	struct io *io = arg;
	uint32_t target = (uint32_t)((now_ms() - io->tick_zero) / io->tick_ms);

	(void)fd;
	(void)what;
	/* After a long sleep once around is enough. */
	if (target - io->tick > WHEEL_BUCKETS)
		io->tick = target - WHEEL_BUCKETS;
	while (io->tick != target) {
		io->tick++;
		wheel_run(io, &io->wheel[io->tick % WHEEL_BUCKETS]);
	}
	listeners_retry(io);
}

static unsigned tick_length(const struct settings *settings)
{
	const uint64_t times[] = { settings->handshake_timeout, settings->ping_interval,
				   settings->idle_timeout };
	uint64_t tick = TICK_MAX;
	unsigned i;

	for (i = 0; i < sizeof(times) / sizeof(*times); i++)
		if (times[i] / 4 < tick)
			tick = times[i] / 4;
	return tick < TICK_MIN ? TICK_MIN : (unsigned)tick;
}

void wheel_init(struct io *io)
{
	struct timeval tv;

	io->tick_ms = tick_length(io->shared->settings);
	io->tick_zero = now_ms();
	tv.tv_sec = io->tick_ms / 1000;
	tv.tv_usec = (suseconds_t)(io->tick_ms % 1000) * 1000;
	event_assign(&io->tick_event, io->base, -1, EV_PERSIST, wheel_tick, io);
	event_add(&io->tick_event, &tv);
}

void wheel_stop(struct io *io)
{
	event_del(&io->tick_event);
}
