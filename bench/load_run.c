/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The pairs of bench/load and the loop that keeps them busy: one thread, one
 * epoll. A pair is a sender and a receiver with a chat of their own. What is
 * checked: every request is answered without an error, and the receiver gets its
 * sender's messages in the order of sending, each once.
 *
 * In the paced mode messages are due at fixed times whatever the server does, and
 * a message's time counts from when it was due: a server that stands still is
 * seen in all that should have been sent meanwhile.
 */
#include "load.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "wire.h"

#define SLOTS 1024 /* of a pair: messages that were sent and not both answered and delivered */
#define STALL_SECONDS 15

struct client {
	struct wire wire;
	struct pair *pair;
	bool sender;
	bool unsent; /* the socket did not take all; it is in run.unsent */
};

struct pair {
	struct client sender, receiver;
	uint64_t sent, answered, delivered; /* messages are numbered from 1 */
	double started[SLOTS];
};

struct run {
	const struct load_options *o;
	struct load_figures *f;
	struct pair *pairs;
	int epoll;
	struct client **unsent;
	unsigned n_unsent;
	char salt[17]; /* makes this run's client ids its own */
	char text[LOAD_TEXT + 1];
	uint64_t sent, answered, delivered, goal;
	double start, due, progress;
	unsigned turn; /* the pair whose turn it is, in the paced mode */
	bool measured; /* not while the chats are being made */
};

/* --- sending --- */

static void flush_client(struct run *r, struct client *c)
{
	if (wire_flush(&c->wire) || c->unsent)
		return;
	c->unsent = true;
	r->unsent[r->n_unsent++] = c;
}

static void flush_unsent(struct run *r)
{
	unsigned i, left = 0;

	for (i = 0; i < r->n_unsent; i++) {
		if (wire_flush(&r->unsent[i]->wire))
			r->unsent[i]->unsent = false;
		else
			r->unsent[left++] = r->unsent[i];
	}
	r->n_unsent = left;
}

static bool pair_may_send(const struct run *r, const struct pair *pair)
{
	uint64_t window = r->o->rate != 0 ? LOAD_INFLIGHT : r->o->window;
	uint64_t done = pair->answered < pair->delivered ? pair->answered : pair->delivered;

	if (r->sent == r->goal || pair->sent - done >= SLOTS ||
	    !wire_has_room(&pair->sender.wire, LOAD_TEXT + 512))
		return false;
	return r->o->lone ? pair->sent == done : pair->sent - pair->answered < window;
}

static void send_new(struct run *r, struct pair *pair, double now)
{
	uint64_t number = ++pair->sent;
	char text[LOAD_TEXT + 512];

	r->sent++;
	pair->started[number % SLOTS] = now;
	wire_text(
	    &pair->sender.wire, text,
	    (size_t)snprintf(text, sizeof(text),
			     "{\"type\":\"request\",\"id\":\"%" PRIu64
			     "\",\"payloadType\":\"new\",\"payload\":{\"chatId\":\"%s-%tu-b\","
			     "\"message\":\"%.*s\",\"clientMessageId\":\"%s-%" PRIu64 "\"}}",
			     number, r->o->users, pair - r->pairs, (int)r->o->text, r->text,
			     r->salt, number));
}

static void fill_window(struct run *r, struct pair *pair)
{
	double now = bench_clock();

	if (r->o->rate != 0 && r->measured)
		return;
	while (pair_may_send(r, pair))
		send_new(r, pair, now);
}

/* Sends what is due by now, each by the next pair that has room. */
static void send_due(struct run *r, double now)
{
	unsigned tried = 0;

	while (r->due <= now && r->sent < r->goal && tried < r->o->pairs) {
		struct pair *pair = &r->pairs[r->turn];
		r->turn = (r->turn + 1) % r->o->pairs;
		tried++;
		if (!pair_may_send(r, pair))
			continue;
		send_new(r, pair, r->due);
		flush_client(r, &pair->sender);
		r->due += 1.0 / (double)r->o->rate;
		tried = 0;
	}
}

/* --- what comes --- */

static void note(const struct run *r, struct load_times *times, const struct pair *pair,
		 uint64_t number)
{
	if (r->measured)
		times->us[times->n++] =
		    (uint32_t)((bench_clock() - pair->started[number % SLOTS]) * 1e6);
}

static void take_answer(struct run *r, struct pair *pair, const struct ws_frame *frame)
{
	uint64_t number = wire_number(frame, "\"id\":\"");

	if (wire_has(frame, "\"error\":"))
		bench_die("refused: %.*s", (int)frame->len, frame->payload);
	if (number <= pair->answered || number > pair->sent)
		bench_die("nobody asked for this: %.*s", (int)frame->len, frame->payload);
	note(r, &r->f->answered, pair, number);
	pair->answered++;
	r->answered++;
}

/* Events that an earlier run left behind are acked and not counted. */
static void take_event(struct run *r, struct pair *pair, const struct ws_frame *frame)
{
	char key[64];

	wire_ack(&pair->receiver.wire, wire_number(frame, "\"id\":"));
	snprintf(key, sizeof(key), "\"clientMessageId\":\"%s-", r->salt);
	if (!wire_has(frame, key))
		return;
	if (wire_number(frame, key) != pair->delivered + 1)
		bench_die("message %" PRIu64 " should have come: %.*s", pair->delivered + 1,
			  (int)frame->len, frame->payload);
	note(r, &r->f->delivered, pair, ++pair->delivered);
	r->delivered++;
}

static void take(struct run *r, struct client *c)
{
	struct ws_frame frame;

	wire_read(&c->wire);
	while (wire_next(&c->wire, &frame)) {
		if (frame.opcode == WS_PING)
			wire_pong(&c->wire, &frame);
		else if (frame.opcode != WS_TEXT)
			continue;
		else if (c->sender && wire_has(&frame, "\"type\":\"response\""))
			take_answer(r, c->pair, &frame);
		else if (!c->sender && wire_has(&frame, "\"type\":\"event\""))
			take_event(r, c->pair, &frame);
	}
	fill_window(r, c->pair);
	flush_client(r, &c->pair->sender);
	flush_client(r, &c->pair->receiver);
}

/* --- the loop --- */

static struct timespec wait_until(const struct run *r, double now)
{
	double wait = 1;
	struct timespec t;

	if (r->o->rate != 0 && r->measured && r->sent < r->goal)
		wait = r->due - now;
	if (r->n_unsent > 0 && wait > 0.001)
		wait = 0.001;
	if (wait < 0)
		wait = 0.0001; /* every pair is at its limit */
	t.tv_sec = (time_t)wait;
	t.tv_nsec = (long)((wait - (double)t.tv_sec) * 1e9);
	return t;
}

static void turn(struct run *r)
{
	struct epoll_event ready[256];
	struct timespec wait;
	uint64_t before = r->answered + r->delivered;
	double now = bench_clock();
	int i, n;

	if (now > r->start + r->o->seconds)
		r->goal = r->sent;
	if (r->o->rate != 0 && r->measured)
		send_due(r, now);
	flush_unsent(r);
	wait = wait_until(r, bench_clock());
	n = epoll_pwait2(r->epoll, ready, 256, &wait, NULL);
	for (i = 0; i < n; i++)
		take(r, ready[i].data.ptr);
	if (r->answered + r->delivered != before || r->sent == 0)
		r->progress = now;
	if (now > r->progress + STALL_SECONDS)
		bench_die("nothing comes any more: %" PRIu64 " sent, %" PRIu64 " answered, %" PRIu64
			  " delivered",
			  r->sent, r->answered, r->delivered);
}

/* Has so many messages sent, and waits until all are answered and delivered. */
static void send_all(struct run *r, uint64_t messages)
{
	unsigned i;

	r->sent = r->answered = r->delivered = 0;
	r->goal = messages;
	r->start = r->due = r->progress = bench_clock();
	for (i = 0; i < r->o->pairs; i++) {
		fill_window(r, &r->pairs[i]);
		flush_client(r, &r->pairs[i].sender);
	}
	while (r->sent < r->goal || r->answered < r->sent || r->delivered < r->sent)
		turn(r);
}

/* Each pair once, so that users, chats and devices are there before anything is measured. */
static void make_chats(struct run *r)
{
	struct load_options once = *r->o;
	const struct load_options *o = r->o;

	once.window = 1;
	once.rate = 0;
	once.lone = true;
	r->o = &once;
	send_all(r, o->pairs);
	r->o = o;
}

static void open_client(struct run *r, struct pair *pair, bool sender)
{
	struct client *c = sender ? &pair->sender : &pair->receiver;
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = c };
	char user[64];

	c->pair = pair;
	c->sender = sender;
	snprintf(user, sizeof(user), "%s-%tu-%c", r->o->users, pair - r->pairs, sender ? 'a' : 'b');
	wire_open(&c->wire, r->o->server.port, user, "bench");
	if (epoll_ctl(r->epoll, EPOLL_CTL_ADD, c->wire.fd, &event) != 0)
		bench_die("epoll: %s", strerror(errno));
}

static void open_all(struct run *r)
{
	unsigned i;

	snprintf(r->salt, sizeof(r->salt), "%08x%08x", (unsigned)time(NULL), (unsigned)getpid());
	memset(r->text, 'x', LOAD_TEXT);
	r->pairs = mem_zalloc(r->o->pairs * sizeof(*r->pairs));
	r->unsent = mem_alloc(2 * (size_t)r->o->pairs * sizeof(struct client *));
	r->epoll = epoll_create1(EPOLL_CLOEXEC);
	for (i = 0; i < r->o->pairs; i++) {
		open_client(r, &r->pairs[i], true);
		open_client(r, &r->pairs[i], false);
	}
}

static void close_all(struct run *r)
{
	unsigned i;

	for (i = 0; i < r->o->pairs; i++) {
		wire_close(&r->pairs[i].sender.wire);
		wire_close(&r->pairs[i].receiver.wire);
	}
	close(r->epoll);
	free(r->unsent);
	free(r->pairs);
}

static int compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

void load_run(const struct load_options *options, struct load_figures *f)
{
	struct run r = { .o = options, .f = f };
	struct server_cpu before, after;
	double own;

	f->answered.us = mem_alloc(options->messages * sizeof(uint32_t));
	f->delivered.us = mem_alloc(options->messages * sizeof(uint32_t));
	open_all(&r);
	make_chats(&r);
	f->rss_before = server_rss(&options->server);
	server_cpu(&options->server, &before);
	own = bench_own_cpu();
	r.measured = true;
	send_all(&r, options->messages);
	f->seconds = bench_clock() - r.start;
	f->own_cpu = bench_own_cpu() - own;
	server_cpu(&options->server, &after);
	f->cpu = server_cpu_between(&before, &after, &f->busiest);
	f->rss_after = server_rss(&options->server);
	f->messages = r.delivered;
	close_all(&r);
	qsort(f->answered.us, f->answered.n, sizeof(uint32_t), compare);
	qsort(f->delivered.us, f->delivered.n, sizeof(uint32_t), compare);
}
