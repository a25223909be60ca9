/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A parlanced of the build tree, started for one measurement with a config and
 * data in a folder of its own, and what the kernel says of it.
 */
#ifndef PARLANCE_BENCH_SERVER_H
#define PARLANCE_BENCH_SERVER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct bench_server {
	pid_t pid;
	int port;
	int http_port; /* 0: off */
	char folder[64];
};

struct bench_options {
	const char *parlanced;
	const char *plugin_dir;
	const char *storage; /* sqlite or memory */
	const char *io_threads;
	unsigned window;
	bool http; /* for server_metric */
	const char *plugins; /* more lines of the config's section, or NULL */
};

/* Starts it and waits until it is ready; exits with a message when it does not come. */
void server_start(struct bench_server *server, const struct bench_options *options);
/* Ends it by its pid and removes its folder. Also at exit(), and when this process is
 * told to end; should this process be killed, the server is too. */
void server_stop(struct bench_server *server);

/* In a child of this process: the server is the parent's to end. */
void server_disown(void);

/* A metric of the server; 0 when there is none of that name. */
int64_t server_metric(const struct bench_server *server, const char *name);

/* Resident memory in KiB; 0 when the server is gone. */
long server_rss(const struct bench_server *server);

#define BENCH_THREADS_MAX 64

/* What each thread of the server has had of the CPU so far, in seconds. */
struct server_cpu {
	unsigned n;
	struct {
		int tid;
		double seconds;
	} threads[BENCH_THREADS_MAX];
};
void server_cpu(const struct bench_server *server, struct server_cpu *cpu);
/* Between two looks: of all threads together; *busiest gets that of the one that had most. */
double server_cpu_between(const struct server_cpu *before, const struct server_cpu *after,
			  double *busiest);

/* Monotonic, in seconds. */
double bench_clock(void);
/* What this process has had of the CPU so far, in seconds. */
double bench_own_cpu(void);
/* An option's value; exits with a message when it is no number between the two. */
uint64_t bench_number(const char *text, uint64_t min, uint64_t max);
void bench_die(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

#endif
