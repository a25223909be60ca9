/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An I/O side: its loop, its turn, its mailboxes. Called on its own thread, or
 * with io_threads 0 on the core's; only io_new, io_free and io_wake are called
 * on another.
 *
 * The slots of the outbox are used in place: those for one connection are
 * linked by index while the batch is read, each connection is then flushed
 * once, and only then are the slots given back.
 */
#include "transport/io.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"

static void io_woken(evutil_socket_t fd, short what, void *arg)
{
	/* Nothing to do: the turn that follows does it. The eventfd is watched
	 * edge-triggered, so its count need not be read. */
	(void)fd;
	(void)what;
	(void)arg;
}

/* Its base belongs to its thread alone, so it needs no locks. */
static struct event_base *io_new_base(void)
{
	struct event_config *config = event_config_new();
	struct event_base *base;

	if (config == NULL)
		abort();
	event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
	event_config_require_features(config, EV_FEATURE_ET);
	base = event_base_new_with_config(config);
	event_config_free(config);
	if (base == NULL)
		abort();
	return base;
}

struct io *io_new(struct io_shared *shared, unsigned index, struct event_base *base, int core_fd)
{
	struct io *io = mem_zalloc(sizeof(*io));

	io->shared = shared;
	io->index = index;
	io->threaded = base == NULL;
	io->base = base;
	io->wake_fd = -1;
	if (io->threaded) {
		io->base = io_new_base();
		io->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
		if (io->wake_fd < 0)
			abort();
		event_assign(&io->wake, io->base, io->wake_fd, EV_READ | EV_PERSIST | EV_ET,
			     io_woken, io);
		event_add(&io->wake, NULL);
	}
	io->in = mailbox_new(sizeof(struct in_msg), IO_MAIL, core_fd, io->wake_fd);
	io->out = mailbox_new(sizeof(struct out_msg), IO_MAIL, io->wake_fd, core_fd);
	io->receive = mem_alloc(IO_RECEIVE);
	io->gather = gather_new();
	io->dirty_end = &io->dirty;
	TAILQ_INIT(&io->stalled);
	wheel_init(io);
	return io;
}

static void out_drop(const struct out_msg *msg)
{
	if (msg->kind == OUT_SEND || msg->kind == OUT_EVENT || msg->kind == OUT_REFUSE)
		out_frame_unref(msg->frame);
}

static void io_empty_mailboxes(struct io *io)
{
	uint32_t n, i;
	struct out_msg *out;
	struct in_msg *in;

	mailbox_publish(io->in);
	mailbox_publish(io->out);
	while ((out = mailbox_peek(io->out, &n)) != NULL) {
		for (i = 0; i < n; i++)
			out_drop(&out[i]);
		mailbox_consume(io->out, n);
	}
	while ((in = mailbox_peek(io->in, &n)) != NULL) {
		for (i = 0; i < n; i++) {
			if (in[i].kind == IN_HELLO)
				hello_free(in[i].u.hello);
			if (in[i].kind == IN_REQUEST || in[i].kind == IN_CLIENT_EVENT ||
			    in[i].kind == IN_REFUSED)
				message_free(&in[i].u.message);
		}
		mailbox_consume(io->in, n);
	}
}

static void free_all(struct conn_list *list)
{
	struct conn *conn;

	while ((conn = LIST_FIRST(list)) != NULL)
		conn_free(conn);
}

void io_free(struct io **iop)
{
	struct io *io = *iop;

	if (io == NULL)
		return;
	io_shut(io);
	free_all(&io->closed);
	free_all(&io->garbage);
	io_empty_mailboxes(io);
	mailbox_free(&io->in);
	mailbox_free(&io->out);
	wheel_stop(io);
	free(io->gather);
	free(io->receive);
	if (io->threaded) {
		event_del(&io->wake);
		close(io->wake_fd);
		event_base_free(io->base);
	}
	free(io);
	*iop = NULL;
}

void io_wake(struct io *io)
{
	const uint64_t one = 1;

	while (io->wake_fd >= 0 && write(io->wake_fd, &one, sizeof(one)) < 0 && errno == EINTR)
		;
}

bool io_push(struct io *io, const struct in_msg *msg)
{
	if (!mailbox_push(io->in, msg))
		return false;
	if (++io->unpublished % IO_PUBLISH == 0)
		mailbox_publish(io->in);
	return true;
}

/* Whether there was anything that the core has not been told of before. */
static bool io_publish(struct io *io)
{
	if (io->unpublished == 0)
		return false;
	mailbox_publish(io->in);
	io->unpublished = 0;
	return true;
}

/* One slot that the core wrote. What is to be sent waits for the flush. */
static void out_take(struct io *io, uint32_t slot)
{
	struct out_msg *msg = &io->batch[slot];
	struct conn *conn = msg->conn;

	switch ((enum out_kind)msg->kind) {
	case OUT_SEND:
	case OUT_EVENT:
	case OUT_CLOSE:
		conn_add_out(conn, slot);
		break;
	case OUT_ACCEPT:
		conn_accept(conn);
		break;
	case OUT_REFUSE:
		conn_refuse(conn, msg->code, (struct par_str){ msg->frame->text, msg->frame->len });
		out_frame_unref(msg->frame);
		break;
	case OUT_PAUSE:
		if (conn->state == CONN_OPEN)
			conn_pause(conn, PAUSE_CORE);
		break;
	case OUT_RESUME:
		conn_resume(conn, PAUSE_CORE);
		break;
	case OUT_RELEASE:
		conn_release(conn);
		break;
	}
}

static void io_flush(struct io *io)
{
	struct conn *conn;

	while ((conn = io->dirty) != NULL) {
		io->dirty = conn->dirty_next;
		if (io->dirty == NULL)
			io->dirty_end = &io->dirty;
		conn->dirty = false;
		conn_flush(conn);
	}
}

/* A boxful at most in one turn; true when there may be more. */
static bool io_drain(struct io *io)
{
	uint32_t n, i, taken = 0;

	while (taken < IO_MAIL && (io->batch = mailbox_peek(io->out, &n)) != NULL) {
		for (i = 0; i < n; i++)
			out_take(io, i);
		io_flush(io);
		mailbox_consume(io->out, n);
		taken += n;
	}
	return taken >= IO_MAIL;
}

/* Lets those go on that waited for room in the inbox. True when some wait
 * still though there is room again. */
static bool io_unstall(struct io *io)
{
	struct conn *conn;

	while ((conn = TAILQ_FIRST(&io->stalled)) != NULL && mailbox_room(io->in) > 0)
		conn_resume(conn, PAUSE_INBOX);
	return conn != NULL && !mailbox_want_room(io->in);
}

static void io_count(struct io *io)
{
	unsigned i;

	if (io->opened != 0)
		metric_add(io->shared->connections, io->opened);
	io->opened = 0;
	for (i = 0; i < IO_COUNTER_COUNT; i++) {
		if (io->counts[i] != 0)
			metric_add(io->shared->metrics[i], (int64_t)io->counts[i]);
		io->counts[i] = 0;
	}
}

bool io_turn(struct io *io)
{
	bool work;

	io_publish(io);
	if (atomic_load_explicit(&io->shared->stop_accepting, memory_order_acquire))
		listeners_close(io);
	work = io_drain(io);
	if (io_unstall(io))
		work = true;
	io_flush(io);
	if (io_publish(io))
		work = work || !io->threaded;
	free_all(&io->garbage);
	io_count(io);
	return work;
}

void io_run(struct io *io)
{
	bool work = true;

	while (!atomic_load_explicit(&io->shared->stopping, memory_order_acquire)) {
		if (!work && mailbox_sleep(io->out)) {
			event_base_loop(io->base, EVLOOP_ONCE);
			mailbox_awake(io->out);
		} else {
			event_base_loop(io->base, EVLOOP_NONBLOCK);
		}
		work = io_turn(io);
	}
	io_shut(io);
}

void io_shut(struct io *io)
{
	unsigned i;
	struct conn *conn;

	listeners_close(io);
	io_turn(io); /* what the core said last still leaves */
	for (i = 0; i < WHEEL_BUCKETS; i++)
		while ((conn = LIST_FIRST(&io->wheel[i])) != NULL)
			conn_close(conn, WS_CLOSE_ABNORMAL, "the server stops");
	io_publish(io);
	io_count(io);
}
