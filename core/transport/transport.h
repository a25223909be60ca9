/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Transport: turns bytes into messages and messages into bytes. Listeners,
 * connections, handshakes, frames, envelopes; no user, no chat, no plugin.
 * It meets the core only in the mailboxes of seam.h.
 *
 * With io_threads N > 0 there are N threads, each with its own event_base, its
 * own SO_REUSEPORT listeners and its own pair of mailboxes. With 0 there is
 * one I/O side without a thread, which runs on the caller's event_base; the
 * caller calls transport_turn after each turn of the loop, before and after
 * it runs the core.
 */
#ifndef PARLANCE_TRANSPORT_H
#define PARLANCE_TRANSPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/metrics.h"
#include "config/settings.h"
#include "seam/seam.h"

struct event_base;
struct transport;

/* Binds all listeners (port 0: the kernel picks one, the same for all
 * threads). `core_fd` is the eventfd that wakes the core, -1 with
 * io_threads 0. `base` is the core's loop, used with io_threads 0 only.
 * NULL with the reason, and the address, in `error`. Nothing is accepted
 * before transport_start. */
struct transport *transport_new(const struct settings *settings, struct event_base *base,
				int core_fd, struct metrics *metrics, char *error,
				size_t error_size);

/* The mailbox pairs: one a thread, and one with io_threads 0. */
struct seam *transport_seams(struct transport *t, unsigned *n);
/* The i-th listener's address with the port the kernel gave, "ws://127.0.0.1:43211"; NULL
 * past the last. Lives as long as the transport. */
const char *transport_address(const struct transport *t, unsigned i);

/* Begins to accept; starts the threads. */
void transport_start(struct transport *t);

/* io_threads 0 only: decode is done by events; this publishes what was
 * received, takes what the core sent, and writes it out. Returns true when
 * work is left, so that the loop must not block. */
bool transport_turn(struct transport *t);

/* Stops accepting: the listeners are closed. Any time after start. */
void transport_stop_accepting(struct transport *t);
/* Closes what is left, at once, and joins the threads. The mailboxes are
 * still there, to be emptied, until transport_free. */
void transport_stop(struct transport *t);
void transport_free(struct transport **t);

/* Number of open connections, handshakes included; any thread. */
unsigned transport_connections(const struct transport *t);

#endif
