/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One run of the simulated world: the real core with its real plugins, and around
 * it a clock, a network, a storage and clients that live by one random seed. The
 * files: run.c lets it go from begin to end; world.c is time, server.c the
 * core's life, conn.c the transport and the network, storage.c and truth.c the
 * storage, client*.c the clients, chaos.c the faults that come by themselves, watch.c
 * what must hold at any time. Everything is on one thread.
 */
#ifndef PARLANCE_SIM_H
#define PARLANCE_SIM_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "client.h"
#include "history/history.h"
#include "plan.h"
#include "random.h"
#include "server.h"
#include "storage.h"
#include "trace.h"
#include "truth.h"
#include "world.h"

struct conn;
struct taken;

/* What was done, for the figures. */
struct sim_counts {
	uint64_t messages; /* of clients, and to them */
	uint64_t connections;
	uint64_t crashes, drains, cuts, downs, jumps;
	uint64_t lost, unsure; /* transactions and queries */
	uint64_t redelivered, resyncs;
};

struct sim {
	uint64_t seed;
	struct random random;
	struct plan plan;
	struct world world;
	struct trace trace;
	struct truth *truth;
	struct storage storage;
	struct server server;
	struct conn *conns; /* all that ever were, latest first */
	unsigned n_conns;
	struct person *users;
	struct client *clients; /* latest first */
	struct taken *taken;
	unsigned n_clients;
	struct history *history;
	unsigned lines; /* that it has: the trace names them, as its report does */
	bool calm; /* no faults; clients finish what they have begun */
	bool ending; /* ... and nothing new will come */
	uint64_t moved_at; /* when a client last sent or received something */
	struct sim_counts counts;
	bool failed;
	FILE *report; /* where a fault is written to */
};

/* Something is wrong: the first sentence is kept, and the run ends. */
void sim_fail(struct sim *sim, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define SIM_TRACE(sim, ...) trace_line(&(sim)->trace, (sim)->world.us, __VA_ARGS__)

/* chaos.c: sets the faults of the plan going. */
void chaos_begin(struct sim *sim);
/* They cease: the server and the storage are well, and what is stuck moves. */
void chaos_end(struct sim *sim);

/* watch.c: after each turn of the core. */
void watch_core(struct sim *sim);
/* ... when nothing moves any more, and everybody is still connected. */
void watch_rest(struct sim *sim);
/* ... after an orderly drain that was not cut short. */
void watch_drained(struct sim *sim);

#endif
