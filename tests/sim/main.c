/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sim [--seeds N] [--seed S] [--trace] [--storage PLUGIN [--config JSON] [--prepare COMMAND]]: runs the simulated world N
 * times, from seed S on. A seed that fails is printed with what is wrong and the command
 * that replays it. --trace prints all that happens. --storage has another plugin than
 * storage_memory keep what is stored, with this config, after this command; in both @DIR@ and
 * @NAME@ become a folder and a name of the run's own.
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
static struct truth_setup storage = { .plugin = "storage_memory" };
static FILE *trace; /* or NULL */
static uint64_t running; /* the seed */

/* What came of all runs. */
static struct sim_counts sum;
static uint64_t simulated_us;

/* In case that the process dies of it. */
static void say_seed(void)
{
	char text[512];
	int len = snprintf(text, sizeof(text),
			   "\nseed %" PRIu64 " died; replay it: %s --storage %s --seed %" PRIu64
			   " --trace\n",
			   running, program, storage.plugin, running);

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
	const char *const names[] = { "storage_memory", storage.plugin, "messaging", "typing",
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

static void total(const struct sim_counts *one)
{
	sum.messages += one->messages;
	sum.connections += one->connections;
	sum.crashes += one->crashes;
	sum.drains += one->drains;
	sum.cuts += one->cuts;
	sum.downs += one->downs;
	sum.jumps += one->jumps;
	sum.lost += one->lost;
	sum.unsure += one->unsure;
	sum.redelivered += one->redelivered;
	sum.resyncs += one->resyncs;
}

static bool run_seed(uint64_t seed, bool twice)
{
	char *report = NULL;
	size_t size;
	FILE *file = open_memstream(&report, &size);
	struct outcome outcome;

	running = seed;
	outcome = run(seed, &storage, trace, file);
	total(&outcome.counts);
	simulated_us += outcome.simulated_us;
	if (twice && outcome.good && run(seed, &storage, NULL, file).hash != outcome.hash) {
		fprintf(file, "the same seed gave two different runs\n");
		outcome.good = false;
	}
	fclose(file);
	if (!outcome.good)
		printf("seed %" PRIu64 " failed:\n%s"
		       "replay it: %s --storage %s --seed %" PRIu64 " --trace\n\n",
		       seed, report, program, storage.plugin, seed);
	free(report);
	return outcome.good;
}

static double seconds_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void print_sum(uint64_t n, double seconds)
{
	printf("%" PRIu64 " runs in %.1f s, %.0f a minute; %" PRIu64 " hours simulated\n", n,
	       seconds, (double)n * 60 / seconds, simulated_us / SECONDS / 3600);
	printf("%" PRIu64 " messages, %" PRIu64 " connections, %" PRIu64 " cuts, %" PRIu64
	       " crashes, %" PRIu64 " drains, %" PRIu64 " clock jumps\n",
	       sum.messages, sum.connections, sum.cuts, sum.crashes, sum.drains, sum.jumps);
	printf("storage: down %" PRIu64 " times, %" PRIu64 " lost before and %" PRIu64
	       " after the commit; %" PRIu64 " redelivered, %" PRIu64 " resyncs\n",
	       sum.downs, sum.lost, sum.unsure, sum.redelivered, sum.resyncs);
}

static uint64_t seeds_default(void)
{
	const char *seeds = getenv("PARLANCE_TEST_SEEDS");
	const char *factor = getenv("PARLANCE_TEST_TIME_FACTOR");
	long by = factor == NULL ? 1 : atol(factor);

	if (seeds != NULL && atol(seeds) > 0)
		return (uint64_t)atol(seeds);
	return SEEDS_DEFAULT / (by < 1 ? 1 : (uint64_t)by);
}

static void quiet_log(void)
{
	char error[256];
	struct log_config config = { .level = PAR_LOG_ERROR, .file = "/dev/null" };

	if (!log_open(&config, error, sizeof(error)))
		exit(2);
}

static bool read_number(const char *text, uint64_t *number)
{
	char *end;

	*number = strtoull(text, &end, 10);
	return *text >= '0' && *text <= '9' && *end == '\0';
}

/* Takes --seed and --seeds from the command line; false when it makes no sense. */
static bool read_options(int argc, char **argv, uint64_t *first, uint64_t *n)
{
	static const struct option options[] = { { "seeds", required_argument, NULL, 'n' },
						 { "seed", required_argument, NULL, 's' },
						 { "storage", required_argument, NULL, 'p' },
						 { "config", required_argument, NULL, 'c' },
						 { "prepare", required_argument, NULL, 'b' },
						 { "trace", no_argument, NULL, 't' },
						 { NULL, 0, NULL, 0 } };
	int option;

	*first = *n = 0;
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if ((option == 'n' && read_number(optarg, n)) ||
		    (option == 's' && read_number(optarg, first)))
			continue;
		if (option == 'p')
			storage.plugin = optarg;
		else if (option == 'c')
			storage.config = optarg;
		else if (option == 'b')
			storage.prepare = optarg;
		else if (option == 't')
			trace = stdout;
		else
			return false;
	}
	if (storage.config == NULL)
		storage.config = strcmp(storage.plugin, "storage_memory") == 0
				     ? "{}"
				     : "{\"path\":\"@DIR@/db\"}";
	if (*n == 0)
		*n = *first == 0 ? seeds_default() : 1;
	if (*first == 0)
		*first = 1;
	return true;
}

int main(int argc, char **argv)
{
	uint64_t n, first, i, failed = 0;
	double begun = seconds_now();

	program = argv[0];
	if (!read_options(argc, argv, &first, &n)) {
		fprintf(stderr,
			"usage: sim [--seeds N] [--seed S] [--trace]\n"
			"           [--storage PLUGIN [--config JSON] [--prepare COMMAND]]\n"
			"Runs the simulated world N times (1000, or once with --seed), "
			"from seed S on.\n");
		return 2;
	}
	quiet_log();
	if (access("/dev/shm", W_OK) == 0) /* nobody pulls a plug here */
		setenv("TMPDIR", "/dev/shm", 1);
	keep_plugins_loaded();
	watch_for_death();
	for (i = 0; i < n && failed < FAILURES_MAX; i++)
		failed += !run_seed(first + i, n > 1 && i < RUN_TWICE);
	print_sum(i, seconds_now() - begun);
	return failed == 0 ? 0 : 1;
}
