/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What bench/load is asked for and what it finds out; load.c reads the first and
 * prints the second, load_run.c is between them.
 */
#ifndef PARLANCE_BENCH_LOAD_H
#define PARLANCE_BENCH_LOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "server.h"

#define LOAD_INFLIGHT 250 /* requests of a sender; the server's max_inflight is 256 */
#define LOAD_TEXT 4096

struct load_options {
	struct bench_server
	    server; /* only its port, and its pid; 0: CPU and memory are not looked at */
	unsigned pairs;
	unsigned window; /* requests that a pair keeps in flight */
	uint64_t
	    rate; /* messages a second of all pairs together; 0: as many as the window allows */
	bool lone; /* the next one goes when the last is answered and delivered */
	uint64_t messages;
	double seconds; /* no more are sent after that */
	unsigned text; /* bytes of a message */
	const char *users; /* how their names begin */
};

/* Times of single messages in microseconds; ascending when all is over. */
struct load_times {
	uint32_t *us;
	uint64_t n;
};

struct load_figures {
	uint64_t messages;
	double seconds;
	struct load_times answered, delivered; /* from the request on */
	double cpu, busiest, own_cpu;
	long rss_before, rss_after;
};

/* Connects, has every pair's chat made, and measures. Any failure ends the program. */
void load_run(const struct load_options *options, struct load_figures *figures);

#endif
