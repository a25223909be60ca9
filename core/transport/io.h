/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One I/O side: an event loop, the connections that live on it, and its two
 * mailboxes. Private to core/transport. With io_threads N there are N of them,
 * each on its own thread, and they share nothing but struct io_shared; with 0
 * there is one, on the core's loop.
 *
 * A turn of the loop: events fire (bytes are received, decoded and pushed),
 * then io_turn publishes the inbox, takes the outbox, and flushes each
 * connection that has something to send, once.
 */
#ifndef PARLANCE_IO_H
#define PARLANCE_IO_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/metrics.h"
#include "config/settings.h"
#include "transport/conn.h"

#define IO_RECEIVE ((size_t)64 << 10) /* bytes read at once */
#define IO_MAIL 4096 /* slots of each mailbox */
#define IO_PUBLISH 128 /* slots pushed before the core may see them in mid-turn */
#define WHEEL_BUCKETS 64

/* The counters of an I/O side: added to the metrics once a turn. */
#define IO_COUNTERS(X) \
	X(IO_ACCEPTED, "connections_accepted_total", "Connections accepted") \
	X(IO_ACCEPT_PAUSED, "accept_paused_total", \
	  "Times that accepting stopped for want of file descriptors") \
	X(IO_REFUSED, "handshakes_refused_total", "Handshakes that were not answered with 101") \
	X(IO_MESSAGES_IN, "messages_received_total", "Messages received from clients") \
	X(IO_MESSAGES_OUT, "messages_sent_total", "Messages sent to clients") \
	X(IO_BYTES_IN, "bytes_received_total", "Bytes received from clients") \
	X(IO_BYTES_OUT, "bytes_sent_total", "Bytes sent to clients") \
	X(IO_OVERFLOWS, "backlog_overflows_total", "Connections closed for reading too slowly") \
	X(IO_PROTOCOL_ERRORS, "protocol_errors_total", \
	  "Connections closed for breaking the WebSocket protocol") \
	X(IO_PINGS, "pings_sent_total", "Pings sent to idle connections")

enum io_counter {
#define X(symbol, name, help) symbol,
	IO_COUNTERS(X)
#undef X
	    IO_COUNTER_COUNT
};

/* What all I/O sides and the core's thread look at. */
struct io_shared {
	const struct settings *settings;
	unsigned max_open;
	_Atomic unsigned open; /* connections that have a socket */
	_Atomic bool stop_accepting;
	_Atomic bool stopping;
	struct par_metric *connections;
	struct par_metric *metrics[IO_COUNTER_COUNT];
};

struct listener {
	struct event event;
	struct io *io;
	LIST_ENTRY(listener) link;
};

LIST_HEAD(conn_list, conn);
TAILQ_HEAD(conn_queue, conn);

struct gather; /* conn_write.c */

struct io {
	struct io_shared *shared;
	unsigned index;
	bool threaded;
	pthread_t thread;
	struct event_base *base;
	int wake_fd; /* -1 without a thread */
	struct event wake;
	struct mailbox *in;
	struct mailbox *out;
	unsigned unpublished;

	LIST_HEAD(, listener) listeners;
	bool accept_paused;

	char *receive; /* IO_RECEIVE bytes, used by one connection at a time */
	struct gather *gather;

	struct out_msg *batch; /* the outbox's slots under way ... */
	uint32_t next_out[IO_MAIL]; /* ... and by index the next of the same conn */
	struct conn *dirty; /* to be flushed, in order */
	struct conn **dirty_end;
	struct conn_queue stalled; /* waiting for room in the inbox */
	struct conn_list closed; /* waiting for OUT_RELEASE */
	struct conn_list garbage; /* to be freed at the end of the turn */

	struct conn_list wheel[WHEEL_BUCKETS];
	struct event tick_event;
	uint64_t tick_zero; /* milliseconds of the clock at tick 0 */
	unsigned tick_ms;
	uint32_t tick; /* the time, as connections know it */

	int64_t opened; /* since the last turn, less those closed */
	uint64_t counts[IO_COUNTER_COUNT]; /* since the last turn */
};

/* io.c. `base` NULL: makes its own, with an eventfd to be woken. Aborts when
 * memory is short, as all construction does. */
struct io *io_new(struct io_shared *shared, unsigned index, struct event_base *base, int core_fd);
/* Frees what the mailboxes still hold, too. */
void io_free(struct io **io);
/* The body of an I/O thread: turns until io_shared.stopping. */
void io_run(struct io *io);
/* See transport_turn. */
bool io_turn(struct io *io);
/* Closes the listeners, sends what the core said last, closes all connections. */
void io_shut(struct io *io);
/* Interrupts its sleep; any thread. */
void io_wake(struct io *io);
/* False when the inbox is full. */
bool io_push(struct io *io, const struct in_msg *msg);

/* listener.c. Binds and listens; -1 with errno. */
struct sockaddr;
int listener_bind(const struct sockaddr *address, unsigned len, bool reuse_port);
/* Takes the socket. Nothing is accepted before listeners_start. */
void listener_new(struct io *io, int fd);
void listeners_start(struct io *io);
/* After listeners were paused: a descriptor may have become free. */
void listeners_retry(struct io *io);
void listeners_close(struct io *io);

/* conn_timer.c */
void wheel_init(struct io *io);
void wheel_stop(struct io *io);

/* conn_write.c */
struct gather *gather_new(void);
/* OUT_SEND, OUT_EVENT or OUT_CLOSE of the batch: done when conn is flushed. */
void conn_add_out(struct conn *conn, uint32_t slot);

#endif
