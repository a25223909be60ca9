/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The core thread's event loop: runs the core after each turn of libevent, and
 * with io_threads 0 the transport around it. What wakes it: mail (eventfd),
 * the core's next deadline, signals, HTTP, descriptors that plugins watch, and with
 * io_threads 0 the sockets.
 */
#ifndef PARLANCE_LOOP_H
#define PARLANCE_LOOP_H

#include <stdbool.h>
#include <stdint.h>

struct core;
struct core_env;
struct event_base;
struct loop;
struct transport;

struct loop *loop_new(void);
void loop_free(struct loop **loop);
struct event_base *loop_base(struct loop *loop);
/* The eventfd that wakes it; any thread may write to it. */
int loop_wake_fd(const struct loop *loop);
/* The real clocks and this loop's wake-up. */
struct core_env loop_env(struct loop *loop);

/* Runs until `stop(arg)`, asked after each turn, says so. */
void loop_run(struct loop *loop, struct core *core, struct transport *transport,
	      bool (*stop)(void *arg), void *arg);

#endif
