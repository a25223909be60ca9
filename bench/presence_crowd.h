/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The crowd of bench/presence: many users, each with one connection, in a few
 * processes, since one that waits for each handshake could not connect fast enough.
 * User i is called c-i and shares a dialog with the next ones.
 */
#ifndef PARLANCE_BENCH_PRESENCE_CROWD_H
#define PARLANCE_BENCH_PRESENCE_CROWD_H

#include <sys/types.h>

#define CROWD_PROCESSES 6

struct crowd {
	int port;
	unsigned users;
	unsigned dialogs; /* that each begins */
	struct {
		pid_t pid;
		int orders, reports; /* ends of pipes */
	} parts[CROWD_PROCESSES];
};

/* Connects them, and has each write to the next `dialogs` of them. */
void crowd_begin(struct crowd *crowd);
/* All connections break at once. */
void crowd_leave(struct crowd *crowd);
/* They connect again, evenly within so many seconds, or as fast as it goes; crowd_wait waits
 * for the last, and returns when that was. */
void crowd_return(struct crowd *crowd, double seconds);
double crowd_wait(struct crowd *crowd);
void crowd_end(struct crowd *crowd);

#endif
