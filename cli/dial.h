/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Getting a TCP connection to a host by name: its addresses are tried one
 * after the other.
 */
#ifndef PARLANCE_CLI_DIAL_H
#define PARLANCE_CLI_DIAL_H

struct dial;
struct event_base;

/* A connected, non-blocking socket that is the callee's from then on; or -1 and why not. The dial
 * is free by then. */
typedef void (*dial_done_fn)(void *arg, int fd, const char *error);

/* Calls `done` once, from the loop, unless dial_cancel comes before. The strings live until then. */
struct dial *dial_start(struct event_base *base, const char *host, const char *port,
			dial_done_fn done, void *arg);
/* NULL is allowed. */
void dial_cancel(struct dial **dial);

#endif
