/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sim [--seeds N] [--seed S] [--trace]: runs the simulated world N times, from
 * seed S on. A seed that fails is printed with what is wrong and the command that
 * replays it. --trace prints all that happens.
 */
#include <dlfcn.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "run.h"

#define SEEDS_DEFAULT 1000
#define RUN_TWICE 3 /* of them, to see that nothing but the seed decides */
#define FAILURES_MAX 5

static const char *program;
static uint64_t running; /* the seed */

/* In case that the process dies of it. */
static void say_seed(void)
{
	char text[512];
	int len = snprintf(text, sizeof(text),
			   "\nseed %" PRIu64 " died; replay it: %s --seed %" PRIu64 " --trace\n",
			   running, program, running);

	if (write(STDERR_FILENO, text, (size_t)len) < 0)
		_exit(3);
}

static void died(int signo)
{
	say_seed();
	signal(signo, SIG_DFL);
	raise(signo);
}

void __sanitizer_set_death_callback(void (*callback)(void)) __attribute__((weak));

static void watch_for_death(void)
{
	signal(SIGABRT, died);
	if (__sanitizer_set_death_callback != NULL)
		__sanitizer_set_death_callback(say_seed);
	else
		signal(SIGSEGV, died);
}

/* Loading them a thousand times over is most of a run's time otherwise. They stay to the end,
 * also for the sake of a leak checker, which cannot name what is gone. */
static void keep_plugins_loaded(void)
{
	static const char *const names[] = { "storage_memory", "messaging", "typing",
					     "auth_insecure" };
	char path[1024];
	unsigned i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s.so", PLUGIN_BUILD_DIR, names[i]);
		if (dlopen(path, RTLD_NOW | RTLD_LOCAL) == NULL) {
			fprintf(stderr, "sim: %s\n", dlerror());
			exit(2);
		}
	}
}

static void total(struct sim_counts *sum, const struct sim_counts *one)
{
	sum->messages += one->messages;
	sum->connections += one->connections;
	sum->crashes += one->crashes;
	sum->drains += one->drains;
	sum->cuts += one->cuts;
	sum->downs += one->downs;
	sum->jumps += one->jumps;
	sum->lost += one->lost;
	sum->unsure += one->unsure;
	sum->redelivered += one->redelivered;
	sum->resyncs += one->resyncs;
}

static bool run_seed(uint64_t seed, bool twice, FILE *trace, struct sim_counts *sum,
		     uint64_t *simulated)
{
	char *report = NULL;
	size_t size;
	FILE *file = open_memstream(&report, &size);
	struct outcome outcome;

	running = seed;
	outcome = run(seed, trace, file);
	total(sum, &outcome.counts);
	*simulated += outcome.simulated_us;
	if (twice && outcome.good && run(seed, NULL, file).hash != outcome.hash) {
		fprintf(file, "the same seed gave two different runs\n");
		outcome.good = false;
	}
	fclose(file);
	if (!outcome.good)
		printf("seed %" PRIu64 " failed:\n%s"
		       "replay it: %s --seed %" PRIu64 " --trace\n\n",
		       seed, report, program, seed);
	free(report);
	return outcome.good;
}

static double seconds_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void print_sum(uint64_t n, double seconds, const struct sim_counts *c, uint64_t simulated)
{
	printf("%" PRIu64 " runs in %.1f s, %.0f a minute; %" PRIu64 " hours simulated\n", n,
	       seconds, (double)n * 60 / seconds, simulated / SECONDS / 3600);
	printf("%" PRIu64 " messages, %" PRIu64 " connections, %" PRIu64 " cuts, %" PRIu64
	       " crashes, %" PRIu64 " drains, %" PRIu64 " clock jumps\n",
	       c->messages, c->connections, c->cuts, c->crashes, c->drains, c->jumps);
	printf("storage: down %" PRIu64 " times, %" PRIu64 " lost before and %" PRIu64
	       " after the commit; %" PRIu64 " redelivered, %" PRIu64 " resyncs\n",
	       c->downs, c->lost, c->unsure, c->redelivered, c->resyncs);
}

static uint64_t seeds_default(void)
{
	const char *factor = getenv("PARLANCE_TEST_TIME_FACTOR");
	long by = factor == NULL ? 1 : atol(factor);

	return SEEDS_DEFAULT / (by < 1 ? 1 : (uint64_t)by);
}

static void quiet_log(void)
{
	char error[256];
	struct log_config config = { .level = PAR_LOG_ERROR, .file = "/dev/null" };

	if (!log_open(&config, error, sizeof(error)))
		exit(2);
}

int main(int argc, char **argv)
{
	static const struct option options[] = { { "seeds", required_argument, NULL, 'n' },
						 { "seed", required_argument, NULL, 's' },
						 { "trace", no_argument, NULL, 't' },
						 { NULL, 0, NULL, 0 } };
	uint64_t n = 0, first = 0, i, simulated = 0, failed = 0;
	struct sim_counts sum = { 0 };
	FILE *trace = NULL;
	double begun = seconds_now();
	int option;

	program = argv[0];
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'n')
			n = strtoull(optarg, NULL, 10);
		else if (option == 's')
			first = strtoull(optarg, NULL, 10);
		else if (option == 't')
			trace = stdout;
		else
			return 2;
	}
	if (n == 0)
		n = first == 0 ? seeds_default() : 1;
	if (first == 0)
		first = 1;
	quiet_log();
	keep_plugins_loaded();
	watch_for_death();
	for (i = 0; i < n && failed < FAILURES_MAX; i++)
		failed += !run_seed(first + i, n > 1 && i < RUN_TWICE, trace, &sum, &simulated);
	print_sum(i, seconds_now() - begun, &sum, simulated);
	return failed == 0 ? 0 : 1;
}
