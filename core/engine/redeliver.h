/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sending again on a living connection what its client has not acked for
 * redeliver_after; off unless that option is set, since a connection that lives
 * loses nothing by itself. It is for clients that may drop an event between
 * socket and database. The session goes back to its oldest unacked event
 * and on from there, as if its device had just connected; it waits twice as long
 * before each next time, until the client acks again.
 */
#ifndef PARLANCE_REDELIVER_H
#define PARLANCE_REDELIVER_H

struct core;

/* The plugins run. */
void redeliver_start(struct core *core);

#endif
