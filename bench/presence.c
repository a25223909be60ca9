/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bench/presence: what it costs that users come online. A server of its own with a crowd
 * of users, each with a few dialogs, and one user, star, who has a dialog with each
 * of them. Measured is what the plugin asks and sends when star comes online, and how long
 * messages of others take meanwhile, and while the whole crowd connects again after
 * all connections broke; beside the same with nothing else going on. See README.md.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "load.h"
#include "presence_crowd.h"
#include "wire.h"

#define WAIT_SECONDS 120
#define INFLIGHT 200

struct bench {
	struct bench_options server_options;
	struct bench_server server;
	struct crowd crowd;
	uint64_t dialogs; /* of star */
	unsigned rounds; /* how often star comes */
	double storm; /* seconds */
	uint64_t rate;
	bool without; /* the plugin */
};

/* Times of messages in ms, from a process of its own. */
struct times {
	double p50, p99, max;
	uint64_t messages;
};

struct times_under_way {
	pid_t pid;
	int result;
};

static double percent(const struct load_times *times, double part)
{
	uint64_t i = (uint64_t)((double)times->n * part / 100);

	return times->n == 0 ? 0 : times->us[i < times->n ? i : times->n - 1] / 1e3;
}

static _Noreturn void load_child(const struct bench *b, double seconds, int to)
{
	struct load_options o = { .server = b->server,
				  .pairs = 50,
				  .rate = b->rate,
				  .messages = (uint64_t)(seconds * (double)b->rate),
				  .seconds = seconds * 4,
				  .text = 128,
				  .users = "load" };
	struct load_figures f = { 0 };
	struct times times;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	server_disown();
	o.server.pid = 0;
	load_run(&o, &f);
	times.p50 = percent(&f.delivered, 50);
	times.p99 = percent(&f.delivered, 99);
	times.max = percent(&f.delivered, 100);
	times.messages = f.messages;
	_exit(write(to, &times, sizeof(times)) != (ssize_t)sizeof(times));
}

static struct times_under_way load_begin(const struct bench *b, double seconds)
{
	struct times_under_way u;
	int ends[2];

	if (pipe(ends) != 0 || (u.pid = fork()) < 0)
		bench_die("cannot fork: %s", strerror(errno));
	if (u.pid == 0)
		load_child(b, seconds, ends[1]);
	close(ends[1]);
	u.result = ends[0];
	return u;
}

static struct times load_end(struct times_under_way u)
{
	struct times times;

	if (read(u.result, &times, sizeof(times)) != (ssize_t)sizeof(times))
		bench_die("the messages did not go through");
	close(u.result);
	waitpid(u.pid, NULL, 0);
	return times;
}

static int64_t metric(const struct bench *b, const char *name)
{
	char full[128];

	snprintf(full, sizeof(full), "parlance_presence_%s", name);
	return server_metric(&b->server, full);
}

static void pause_for(double seconds)
{
	struct timespec t = { (time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9) };

	nanosleep(&t, NULL);
}

/* Until the plugin has nothing to do any more. */
static void wait_quiet(const struct bench *b)
{
	double end = bench_clock() + WAIT_SECONDS;

	while (metric(b, "waiting") > 0) {
		if (bench_clock() > end)
			bench_die("presence does not come to rest");
		pause_for(0.05);
	}
}

/* --- star --- */

static void star_write(const struct bench *b)
{
	uint64_t sent = 0, answered = 0;
	struct ws_frame frame;
	struct wire star;
	char text[160];

	wire_open(&star, b->server.port, "star", "bench");
	while (answered < b->dialogs) {
		for (; sent < b->dialogs && sent - answered < INFLIGHT; sent++)
			wire_text(&star, text,
				  (size_t)snprintf(text, sizeof(text),
						   "{\"type\":\"request\",\"id\":\"%" PRIu64
						   "\",\"payloadType\":\"new\",\"payload\":{"
						   "\"chatId\":\"c-%" PRIu64
						   "\",\"message\":\"x\"}}",
						   sent, sent));
		wire_turn(&star, 100);
		while (wire_next(&star, &frame)) {
			if (wire_has(&frame, "\"error\":"))
				bench_die("refused: %.*s", (int)frame.len, frame.payload);
			answered += wire_has(&frame, "\"type\":\"response\"");
		}
	}
	wire_close(&star);
}

/* Comes, and waits for all of the crowd whom it is to be told of; seconds. */
static double star_come(const struct bench *b)
{
	uint64_t here = b->dialogs < b->crowd.users ? b->dialogs : b->crowd.users, told = 0;
	double start = bench_clock();
	struct ws_frame frame;
	struct wire star;

	wire_open(&star, b->server.port, "star", "bench");
	while (told < here && !b->without) {
		wire_turn(&star, 100);
		while (wire_next(&star, &frame)) {
			if (frame.opcode == WS_TEXT && wire_has(&frame, "\"eventType\":\"online\""))
				told++;
		}
		if (bench_clock() > start + WAIT_SECONDS)
			bench_die("star was told of %" PRIu64 " of %" PRIu64, told, here);
	}
	wire_close(&star);
	return bench_clock() - start;
}

/* --- the parts --- */

struct counts {
	int64_t pages, told, greeted, coalesced, saved;
};

static struct counts counts_of(const struct bench *b)
{
	struct counts c = { metric(b, "pages_total"), metric(b, "told_total"),
			    metric(b, "greeted_total"), metric(b, "coalesced_total"),
			    metric(b, "saved_total") };
	return c;
}

static void print_counts(const struct bench *b, const struct counts *before)
{
	struct counts after = counts_of(b);

	printf("  questions to the storage  %10" PRId64 "\n", after.pages - before->pages);
	printf("  events to others          %10" PRId64 "\n", after.told - before->told);
	printf("  events to the new         %10" PRId64 "\n", after.greeted - before->greeted);
	printf("  taken back                %10" PRId64 "\n", after.coalesced - before->coalesced);
	printf("  times stored              %10" PRId64 "\n", after.saved - before->saved);
	printf("  events a turn, at most    %10" PRId64 "\n", metric(b, "turn_events_max"));
}

static void print_times(const char *when, const struct times *t)
{
	printf("  messages %-24s %6.2f ms half, %.2f ms 99%%, %.2f ms all (%" PRIu64 ")\n", when,
	       t->p50, t->p99, t->max, t->messages);
}

static void measure_quiet(const struct bench *b)
{
	struct times t = load_end(load_begin(b, 10));

	printf("%u users with %u dialogs each are connected; %" PRIu64 " messages a second\n",
	       b->crowd.users, 2 * b->crowd.dialogs, b->rate);
	print_times("with nothing else", &t);
}

static void measure_star(const struct bench *b)
{
	struct counts before;
	struct times_under_way u;
	struct times t;
	double longest = 0;
	unsigned i;

	star_write(b);
	wait_quiet(b);
	pause_for(1);
	wait_quiet(b); /* star has gone */
	before = counts_of(b);
	star_come(b);
	wait_quiet(b);
	printf("star, with %" PRIu64 " dialogs, comes online\n", b->dialogs);
	print_counts(b, &before);
	u = load_begin(b, 10);
	for (i = 0; i < b->rounds; i++) {
		double took = star_come(b);
		longest = took > longest ? took : longest;
		pause_for(8.0 / b->rounds);
	}
	t = load_end(u);
	printf("  told of all within        %10.0f ms, of %u times that it came\n", longest * 1e3,
	       b->rounds);
	print_times("meanwhile", &t);
}

static void measure_storm(struct bench *b)
{
	struct counts before;
	struct times_under_way u;
	struct times t;
	double start, took;

	crowd_leave(&b->crowd);
	pause_for(1.5); /* longer than the grace */
	wait_quiet(b);
	before = counts_of(b);
	u = load_begin(b, b->storm);
	start = bench_clock();
	crowd_return(&b->crowd, b->storm);
	took = crowd_wait(&b->crowd) - start;
	t = load_end(u);
	printf("all %u users connect again, in %.1f s\n", b->crowd.users, took);
	print_times("meanwhile", &t);
	wait_quiet(b);
	printf("  all were told %.0f ms after the last had come\n",
	       (bench_clock() - start - took) * 1e3);
	print_counts(b, &before);
}

/* --- options --- */

static const char usage[] =
    "usage: bench/presence [OPTION]...\n"
    "  --users N        of the crowd (1000)\n"
    "  --dialogs N      that each of them begins with the next ones (2)\n"
    "  --star N         dialogs of star, with the first of the crowd (1000)\n"
    "  --storm SECONDS  in which the crowd connects again (10)\n"
    "  --rate N         messages a second of 50 other pairs (500)\n"
    "  --storage NAME   sqlite or memory (sqlite)\n"
    "  --without        the plugin, for comparison\n"
    "  --parlanced FILE, --plugins FOLDER  (./parlanced, plugins/.libs)\n";

static const struct option options[] = {
	{ "users", required_argument, NULL, 'u' },
	{ "dialogs", required_argument, NULL, 'd' },
	{ "star", required_argument, NULL, 's' },
	{ "storm", required_argument, NULL, 't' },
	{ "rate", required_argument, NULL, 'r' },
	{ "storage", required_argument, NULL, 'g' },
	{ "without", no_argument, NULL, 'w' },
	{ "parlanced", required_argument, NULL, 'p' },
	{ "plugins", required_argument, NULL, 'l' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

static void read_options(struct bench *b, int argc, char **argv)
{
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'u':
			b->crowd.users = (unsigned)bench_number(optarg, 10, 60000);
			break;
		case 'd':
			b->crowd.dialogs = (unsigned)bench_number(optarg, 1, 100);
			break;
		case 's':
			b->dialogs = bench_number(optarg, 1, 1000000);
			break;
		case 't':
			b->storm = (double)bench_number(optarg, 1, 3600);
			break;
		case 'r':
			b->rate = bench_number(optarg, 1, 100000);
			break;
		case 'g':
			b->server_options.storage = optarg;
			break;
		case 'w':
			b->without = true;
			break;
		case 'p':
			b->server_options.parlanced = optarg;
			break;
		case 'l':
			b->server_options.plugin_dir = optarg;
			break;
		default:
			fputs(usage, c == 'h' ? stdout : stderr);
			exit(c == 'h' ? 0 : 2);
		}
	}
}

int main(int argc, char **argv)
{
	struct bench b = {
		.server_options = { .parlanced = "./parlanced",
				    .plugin_dir = "plugins/.libs",
				    .storage = "sqlite",
				    .io_threads = "auto",
				    .window = 256,
				    .http = true,
				    .plugins = "  presence: {offline_grace: 500ms}\n" },
		.crowd = { .users = 1000, .dialogs = 2 },
		.dialogs = 1000,
		.rounds = 8,
		.storm = 10,
		.rate = 500,
	};
	char *plugin_dir;

	read_options(&b, argc, argv);
	plugin_dir = realpath(b.server_options.plugin_dir, NULL);
	if (plugin_dir == NULL)
		bench_die("there is no folder %s", b.server_options.plugin_dir);
	b.server_options.plugin_dir = plugin_dir;
	if (b.without)
		b.server_options.plugins = NULL;
	setvbuf(stdout, NULL, _IOLBF, 0);
	server_start(&b.server, &b.server_options);
	b.crowd.port = b.server.port;
	crowd_begin(&b.crowd);
	wait_quiet(&b);
	measure_quiet(&b);
	measure_star(&b);
	measure_storm(&b);
	crowd_end(&b.crowd);
	server_stop(&b.server);
	free(plugin_dir);
	return 0;
}
