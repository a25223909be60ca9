/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bench/replay: a device that was away for long. Alice writes N messages to
 * Bob, who is not there; then one device of his connects and acks everything as
 * it comes. Measured are events a second, the server's memory before, during
 * and after, and its CPU time an event; see README.md.
 *
 * Every event is looked at: the next seq, or the program fails. Its own CPU
 * time is printed too, to show who was waiting for whom.
 */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server.h"
#include "wire.h"

#define INFLIGHT 250 /* requests; the server's default for max_inflight is 256 */
#define SAMPLE_SECONDS 0.02 /* between two looks at the server's memory */
#define TEXT_MAX 4096

struct replay {
	struct bench_options server_options;
	struct bench_server server;
	uint64_t events;
	unsigned text; /* bytes of a message */
	double limit; /* seconds, for each of the two parts */
	bool json;
};

struct figures {
	double fill_seconds, seconds, first_ms;
	double cpu, busiest, own_cpu;
	long rss_empty, rss_before, rss_max, rss_after;
};

static void send_new(struct wire *alice, const struct replay *r, uint64_t number)
{
	static char words[TEXT_MAX + 1];
	char text[TEXT_MAX + 256];
	int len;

	if (words[0] == '\0')
		memset(words, 'x', TEXT_MAX);
	len = snprintf(text, sizeof(text),
		       "{\"type\":\"request\",\"id\":\"%" PRIu64 "\",\"payloadType\":\"new\","
		       "\"payload\":{\"chatId\":\"bob\",\"message\":\"%.*s\"}}",
		       number, (int)r->text, words);
	wire_text(alice, text, (size_t)len);
}

/* Alice writes them all, many in flight. */
static void fill(const struct replay *r)
{
	uint64_t sent = 0, answered = 0;
	double end = bench_clock() + r->limit;
	struct ws_frame frame;
	struct wire alice;

	wire_open(&alice, r->server.port, "alice", "phone");
	while (answered < r->events) {
		while (sent < r->events && sent - answered < INFLIGHT &&
		       wire_has_room(&alice, TEXT_MAX + 256))
			send_new(&alice, r, ++sent);
		wire_turn(&alice, 100);
		while (wire_next(&alice, &frame)) {
			if (frame.opcode != WS_TEXT)
				continue;
			if (wire_has(&frame, "\"error\""))
				bench_die("refused: %.*s", (int)frame.len, frame.payload);
			answered++;
		}
		if (bench_clock() > end)
			bench_die("%" PRIu64 " of %" PRIu64 " were stored within %.0f s", answered,
				  r->events, r->limit);
	}
	wire_close(&alice);
}

static void sample(const struct replay *r, struct figures *f, double now, double *next)
{
	long rss;

	if (now < *next)
		return;
	rss = server_rss(&r->server);
	if (rss > f->rss_max)
		f->rss_max = rss;
	*next = now + SAMPLE_SECONDS;
}

/* Takes what has come; returns the number of events so far. */
static uint64_t take_events(struct wire *bob, uint64_t taken)
{
	struct ws_frame frame;

	while (wire_next(bob, &frame)) {
		if (frame.opcode != WS_TEXT || !wire_has(&frame, "\"type\":\"event\""))
			continue;
		taken++;
		if (wire_number(&frame, "\"seq\":") != taken ||
		    wire_number(&frame, "\"id\":") != taken)
			bench_die("event %" PRIu64 " is another one: %.*s", taken, (int)frame.len,
				  frame.payload);
		wire_ack(bob, taken);
	}
	return taken;
}

/* Bob comes, and reads and acks everything. A request at the end shows that the server has
 * taken the last ack. */
static void read_all(const struct replay *r, struct figures *f)
{
	static const char chats[] =
	    "{\"type\":\"request\",\"id\":\"end\",\"payloadType\":\"chats\"}";
	double start = bench_clock(), end = start + r->limit, next = start, now;
	struct ws_frame frame;
	struct wire bob;
	uint64_t taken = 0;
	bool answered = false;

	wire_open(&bob, r->server.port, "bob", "phone");
	while (taken < r->events) {
		wire_turn(&bob, 100);
		now = bench_clock();
		if (taken == 0)
			f->first_ms = (now - start) * 1e3;
		taken = take_events(&bob, taken);
		sample(r, f, now, &next);
		if (now > end)
			bench_die("%" PRIu64 " of %" PRIu64 " came within %.0f s", taken, r->events,
				  r->limit);
	}
	wire_text(&bob, chats, strlen(chats));
	while (!answered && bench_clock() < end) {
		wire_turn(&bob, 100);
		while (wire_next(&bob, &frame))
			answered = answered || wire_has(&frame, "\"id\":\"end\"");
	}
	f->seconds = bench_clock() - start;
	next = 0;
	sample(r, f, bench_clock(), &next);
	wire_close(&bob);
}

/* Without events for Bob, but with another user's question answered: what there was to be
 * done at his leaving is done. */
static void settle(const struct replay *r)
{
	static const char chats[] = "{\"type\":\"request\",\"id\":\"s\",\"payloadType\":\"chats\"}";
	double end = bench_clock() + r->limit;
	struct ws_frame frame;
	struct wire carol;

	wire_open(&carol, r->server.port, "carol", "phone");
	wire_text(&carol, chats, strlen(chats));
	while (bench_clock() < end) {
		wire_turn(&carol, 100);
		if (wire_next(&carol, &frame) && wire_has(&frame, "\"id\":\"s\""))
			break;
	}
	wire_close(&carol);
}

static void measure(struct replay *r, struct figures *f)
{
	struct server_cpu before, after;
	double start, own;

	settle(r);
	f->rss_empty = server_rss(&r->server);
	start = bench_clock();
	fill(r);
	f->fill_seconds = bench_clock() - start;
	settle(r);
	f->rss_before = server_rss(&r->server);
	server_cpu(&r->server, &before);
	own = bench_own_cpu();
	read_all(r, f);
	f->own_cpu = bench_own_cpu() - own;
	server_cpu(&r->server, &after);
	f->cpu = server_cpu_between(&before, &after, &f->busiest);
	settle(r);
	f->rss_after = server_rss(&r->server);
}

static void print_table(const struct replay *r, const struct figures *f)
{
	double n = (double)r->events;

	printf("replay of %" PRIu64
	       " events of %u bytes of text, storage %s, io_threads %s, window %u\n",
	       r->events, r->text, r->server_options.storage, r->server_options.io_threads,
	       r->server_options.window);
	printf("  stored before             %10.0f messages/s\n", n / f->fill_seconds);
	printf("  first event after         %10.1f ms\n", f->first_ms);
	printf("  replayed and acked        %10.0f events/s, in %.2f s\n", n / f->seconds,
	       f->seconds);
	printf("  server's CPU an event     %10.2f us, %.0f%% of one core\n", f->cpu / n * 1e6,
	       f->cpu / f->seconds * 100);
	printf("  its busiest thread        %10.0f%% of the time\n", f->busiest / f->seconds * 100);
	printf("  this client's CPU         %10.0f%% of the time\n", f->own_cpu / f->seconds * 100);
	printf("  server's RSS: empty       %10.1f MB\n", (double)f->rss_empty / 1024);
	printf("    before                  %10.1f MB\n", (double)f->rss_before / 1024);
	printf("    during, the most        %10.1f MB\n", (double)f->rss_max / 1024);
	printf("    after                   %10.1f MB\n", (double)f->rss_after / 1024);
}

static void print_json(const struct replay *r, const struct figures *f)
{
	printf("{\"events\":%" PRIu64 ",\"fillSeconds\":%.3f,\"seconds\":%.3f,\"firstMs\":%.1f,"
	       "\"cpuSeconds\":%.3f,\"busiestSeconds\":%.3f,\"clientCpuSeconds\":%.3f,"
	       "\"rssEmpty\":%ld,\"rssBefore\":%ld,\"rssMax\":%ld,\"rssAfter\":%ld}\n",
	       r->events, f->fill_seconds, f->seconds, f->first_ms, f->cpu, f->busiest, f->own_cpu,
	       f->rss_empty, f->rss_before, f->rss_max, f->rss_after);
}

static const char usage[] =
    "usage: bench/replay [OPTION]...\n"
    "  --events N          how many wait for the device (100000)\n"
    "  --text BYTES        of each message (100)\n"
    "  --storage NAME      sqlite or memory (sqlite)\n"
    "  --window N          the server's ack_window (256)\n"
    "  --io-threads N      the server's io_threads (auto)\n"
    "  --limit SECONDS     for filling, and for reading (600)\n"
    "  --parlanced FILE    the server (./parlanced)\n"
    "  --plugin-dir DIR    its plugins (plugins/.libs)\n"
    "  --json              one line of JSON instead of the table; RSS in KiB\n";

static const struct option options[] = {
	{ "events", required_argument, NULL, 'e' },
	{ "text", required_argument, NULL, 't' },
	{ "storage", required_argument, NULL, 's' },
	{ "window", required_argument, NULL, 'w' },
	{ "io-threads", required_argument, NULL, 'i' },
	{ "limit", required_argument, NULL, 'l' },
	{ "parlanced", required_argument, NULL, 'p' },
	{ "plugin-dir", required_argument, NULL, 'd' },
	{ "json", no_argument, NULL, 'j' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

static void read_options(struct replay *r, int argc, char **argv)
{
	struct bench_options *o = &r->server_options;
	char *plugin_dir;
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'e':
			r->events = bench_number(optarg, 1, 100000000);
			break;
		case 't':
			r->text = (unsigned)bench_number(optarg, 1, TEXT_MAX);
			break;
		case 's':
			o->storage = optarg;
			break;
		case 'w':
			o->window = (unsigned)bench_number(optarg, 1, 65536);
			break;
		case 'i':
			o->io_threads = optarg;
			break;
		case 'l':
			r->limit = (double)bench_number(optarg, 1, 86400);
			break;
		case 'p':
			o->parlanced = optarg;
			break;
		case 'd':
			o->plugin_dir = optarg;
			break;
		case 'j':
			r->json = true;
			break;
		default:
			fputs(usage, c == 'h' ? stdout : stderr);
			exit(c == 'h' ? 0 : 2);
		}
	}
	plugin_dir = realpath(o->plugin_dir, NULL);
	if (plugin_dir == NULL)
		bench_die("there is no folder %s: run it where you built, or give --plugin-dir",
			  o->plugin_dir);
	o->plugin_dir = plugin_dir;
}

int main(int argc, char **argv)
{
	struct replay r = {
		.server_options = { .parlanced = "./parlanced",
				    .plugin_dir = "plugins/.libs",
				    .storage = "sqlite",
				    .io_threads = "auto",
				    .window = 256 },
		.events = 100000,
		.text = 100,
		.limit = 600,
	};
	struct figures f = { 0 };

	read_options(&r, argc, argv);
	server_start(&r.server, &r.server_options);
	measure(&r, &f);
	server_stop(&r.server);
	if (r.json)
		print_json(&r, &f);
	else
		print_table(&r, &f);
	free((char *)r.server_options.plugin_dir);
	return 0;
}
