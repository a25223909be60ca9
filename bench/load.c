/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bench/load: messages from many senders to as many receivers, through a server
 * that is running already. How many a second, how long each took until its
 * sender had the answer and until its receiver had the message, and what the
 * server's CPU spent on one; see README.md. It connects to 127.0.0.1 and
 * nowhere else.
 */
#include "load.h"

#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#define MESSAGES_MAX 10000000

static const char usage[] =
    "usage: bench/load --port PORT [OPTION]...\n"
    "  --port PORT         of the server, on 127.0.0.1\n"
    "  --pid PID           of the server, for its CPU time and memory\n"
    "  --pairs N           senders, each with a receiver and a chat of its own (100)\n"
    "  --window N          requests that each sender keeps in flight (8)\n"
    "  --rate N            or: so many messages a second, evenly, of all together\n"
    "  --lone              or: one pair, one message at a time\n"
    "  --messages N        how many (100000)\n"
    "  --seconds N         for how long at the most (60)\n"
    "  --text BYTES        of each message (128)\n"
    "  --users NAME        how the users' names begin (load)\n"
    "  --json              one line of JSON instead of the table; times in us\n";

static const struct option options[] = {
	{ "port", required_argument, NULL, 'p' },
	{ "pid", required_argument, NULL, 'i' },
	{ "pairs", required_argument, NULL, 'n' },
	{ "window", required_argument, NULL, 'w' },
	{ "rate", required_argument, NULL, 'r' },
	{ "lone", no_argument, NULL, 'l' },
	{ "messages", required_argument, NULL, 'm' },
	{ "seconds", required_argument, NULL, 's' },
	{ "text", required_argument, NULL, 't' },
	{ "users", required_argument, NULL, 'u' },
	{ "json", no_argument, NULL, 'j' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

static void read_options(struct load_options *o, bool *json, int argc, char **argv)
{
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'p':
			o->server.port = (int)bench_number(optarg, 1, 65535);
			break;
		case 'i':
			o->server.pid = (pid_t)bench_number(optarg, 1, INT32_MAX);
			break;
		case 'n':
			o->pairs = (unsigned)bench_number(optarg, 1, 5000);
			break;
		case 'w':
			o->window = (unsigned)bench_number(optarg, 1, LOAD_INFLIGHT);
			break;
		case 'r':
			o->rate = bench_number(optarg, 1, 1000000);
			break;
		case 'l':
			o->lone = true;
			break;
		case 'm':
			o->messages = bench_number(optarg, 1, MESSAGES_MAX);
			break;
		case 's':
			o->seconds = (double)bench_number(optarg, 1, 86400);
			break;
		case 't':
			o->text = (unsigned)bench_number(optarg, 1, LOAD_TEXT);
			break;
		case 'u':
			o->users = optarg;
			break;
		case 'j':
			*json = true;
			break;
		default:
			fputs(usage, c == 'h' ? stdout : stderr);
			exit(c == 'h' ? 0 : 2);
		}
	}
	if (o->server.port == 0 || (o->lone && o->rate != 0)) {
		fputs(usage, stderr);
		exit(2);
	}
	if (o->lone)
		o->pairs = o->window = 1;
}

/* What so many percent of the messages did not take longer than. */
static uint32_t percent(const struct load_times *times, double part)
{
	uint64_t i = (uint64_t)((double)times->n * part / 100);

	if (times->n == 0)
		return 0;
	return times->us[i < times->n ? i : times->n - 1];
}

static void print_mode(const struct load_options *o)
{
	printf("%u pairs, messages of %u bytes, ", o->pairs, o->text);
	if (o->rate != 0)
		printf("%" PRIu64 " a second\n", o->rate);
	else if (o->lone)
		printf("one at a time\n");
	else
		printf("%u in flight each\n", o->window);
}

static void print_times(const char *name, const struct load_times *times)
{
	printf("  %-25s %10.2f ms half, %.2f ms 99%%, %.2f ms all\n", name,
	       percent(times, 50) / 1e3, percent(times, 99) / 1e3, percent(times, 100) / 1e3);
}

static void print_table(const struct load_options *o, const struct load_figures *f)
{
	double n = (double)f->messages;

	print_mode(o);
	printf("  delivered                 %10.0f messages/s, %" PRIu64 " in %.2f s\n",
	       n / f->seconds, f->messages, f->seconds);
	print_times("answered within", &f->answered);
	print_times("delivered within", &f->delivered);
	if (o->server.pid != 0) {
		printf("  server's CPU a message    %10.2f us, %.0f%% of one core\n",
		       f->cpu / n * 1e6, f->cpu / f->seconds * 100);
		printf("  its busiest thread        %10.0f%% of the time\n",
		       f->busiest / f->seconds * 100);
		printf("  its RSS: before, after    %10.1f MB, %.1f MB\n",
		       (double)f->rss_before / 1024, (double)f->rss_after / 1024);
	}
	printf("  this client's CPU         %10.0f%% of the time\n", f->own_cpu / f->seconds * 100);
}

static void print_json_times(const char *name, const struct load_times *times)
{
	printf("\"%s\":{\"p50\":%u,\"p99\":%u,\"max\":%u},", name, percent(times, 50),
	       percent(times, 99), percent(times, 100));
}

static void print_json(const struct load_figures *f)
{
	printf("{\"messages\":%" PRIu64 ",\"seconds\":%.3f,", f->messages, f->seconds);
	print_json_times("answered", &f->answered);
	print_json_times("delivered", &f->delivered);
	printf("\"cpuSeconds\":%.4f,\"busiestSeconds\":%.4f,\"clientCpuSeconds\":%.4f,"
	       "\"rssBefore\":%ld,\"rssAfter\":%ld}\n",
	       f->cpu, f->busiest, f->own_cpu, f->rss_before, f->rss_after);
}

int main(int argc, char **argv)
{
	struct load_options o = {
		.pairs = 100,
		.window = 8,
		.messages = 100000,
		.seconds = 60,
		.text = 128,
		.users = "load",
	};
	struct load_figures f = { 0 };
	bool json = false;

	read_options(&o, &json, argc, argv);
	signal(SIGPIPE, SIG_IGN);
	load_run(&o, &f);
	if (json)
		print_json(&f);
	else
		print_table(&o, &f);
	free(f.answered.us);
	free(f.delivered.us);
	return 0;
}
