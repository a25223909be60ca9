/* SPDX-License-Identifier: BSD-2-Clause */
/* The processes of the crowd, and what they do at the parent's orders; see presence_crowd.h. */
#include "presence_crowd.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "server.h"
#include "wire.h"

enum { ORDER_LEAVE, ORDER_RETURN };

struct order {
	int what;
	double seconds;
};

/* What one process has: users first, first + CROWD_PROCESSES ... */
struct part {
	const struct crowd *crowd;
	unsigned first;
	struct wire **wires; /* by user; NULL: not connected */
};

static void sleep_until(double when)
{
	double wait = when - bench_clock();
	struct timespec t = { (time_t)wait, (long)((wait - (double)(time_t)wait) * 1e9) };

	if (wait > 0)
		nanosleep(&t, NULL);
}

static void user_connect(struct part *part, unsigned i)
{
	char name[32];

	snprintf(name, sizeof(name), "c-%u", i);
	part->wires[i] = mem_alloc(sizeof(struct wire));
	wire_open(part->wires[i], part->crowd->port, name, "bench");
}

/* Breaks the connection: no close frame, and no TIME_WAIT for each. */
static void user_vanish(struct part *part, unsigned i)
{
	struct linger linger = { 1, 0 };

	setsockopt(part->wires[i]->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	wire_close(part->wires[i]);
	free(part->wires[i]);
	part->wires[i] = NULL;
}

static void user_write(const struct part *part, unsigned i)
{
	struct wire *w = part->wires[i];
	unsigned k, answered = 0;
	struct ws_frame frame;
	char text[160];

	for (k = 1; k <= part->crowd->dialogs; k++)
		wire_text(w, text,
			  (size_t)snprintf(text, sizeof(text),
					   "{\"type\":\"request\",\"id\":\"%u\",\"payloadType\":"
					   "\"new\",\"payload\":{\"chatId\":\"c-%u\","
					   "\"message\":\"x\"}}",
					   k, (i + k) % part->crowd->users));
	while (answered < part->crowd->dialogs) {
		wire_turn(w, 100);
		while (wire_next(w, &frame)) {
			if (wire_has(&frame, "\"error\":"))
				bench_die("refused: %.*s", (int)frame.len, frame.payload);
			answered += wire_has(&frame, "\"type\":\"response\"");
		}
	}
}

static void part_connect(struct part *part, double seconds, bool write)
{
	double start = bench_clock();
	unsigned i;

	for (i = part->first; i < part->crowd->users; i += CROWD_PROCESSES) {
		sleep_until(start + seconds * i / part->crowd->users);
		user_connect(part, i);
		if (write)
			user_write(part, i);
	}
}

static void report(int to)
{
	double now = bench_clock();

	if (write(to, &now, sizeof(now)) != (ssize_t)sizeof(now))
		_exit(1);
}

static _Noreturn void part_run(struct part *part, int orders, int reports)
{
	struct order order;
	unsigned i;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	server_disown();
	part->wires = mem_zalloc(part->crowd->users * sizeof(*part->wires));
	part_connect(part, 0, true);
	report(reports);
	while (read(orders, &order, sizeof(order)) == (ssize_t)sizeof(order)) {
		if (order.what == ORDER_RETURN)
			part_connect(part, order.seconds, false);
		for (i = part->first; order.what == ORDER_LEAVE && i < part->crowd->users;
		     i += CROWD_PROCESSES)
			user_vanish(part, i);
		report(reports);
	}
	_exit(0);
}

static void part_fork(struct crowd *crowd, unsigned k)
{
	struct part part = { crowd, k, NULL };
	int orders[2], reports[2];

	if (pipe(orders) != 0 || pipe(reports) != 0)
		bench_die("no pipe: %s", strerror(errno));
	crowd->parts[k].pid = fork();
	if (crowd->parts[k].pid < 0)
		bench_die("cannot fork: %s", strerror(errno));
	if (crowd->parts[k].pid == 0) {
		close(orders[1]);
		while (k-- > 0)
			close(crowd->parts[k].orders); /* those end when the parent closes it */
		part_run(&part, orders[0], reports[1]);
	}
	close(orders[0]);
	close(reports[1]);
	crowd->parts[k].orders = orders[1];
	crowd->parts[k].reports = reports[0];
}

static void send_orders(struct crowd *crowd, int what, double seconds)
{
	struct order order = { what, seconds };
	unsigned k;

	for (k = 0; k < CROWD_PROCESSES; k++) {
		if (write(crowd->parts[k].orders, &order, sizeof(order)) != (ssize_t)sizeof(order))
			bench_die("a process of the crowd has ended");
	}
}

double crowd_wait(struct crowd *crowd)
{
	double when, last = 0;
	unsigned k;

	for (k = 0; k < CROWD_PROCESSES; k++) {
		if (read(crowd->parts[k].reports, &when, sizeof(when)) != (ssize_t)sizeof(when))
			bench_die("a process of the crowd has ended");
		last = when > last ? when : last;
	}
	return last;
}

void crowd_begin(struct crowd *crowd)
{
	unsigned k;

	for (k = 0; k < CROWD_PROCESSES; k++)
		part_fork(crowd, k);
	crowd_wait(crowd);
}

void crowd_leave(struct crowd *crowd)
{
	send_orders(crowd, ORDER_LEAVE, 0);
	crowd_wait(crowd);
}

void crowd_return(struct crowd *crowd, double seconds)
{
	send_orders(crowd, ORDER_RETURN, seconds);
}

void crowd_end(struct crowd *crowd)
{
	unsigned k;

	for (k = 0; k < CROWD_PROCESSES; k++) {
		close(crowd->parts[k].orders);
		waitpid(crowd->parts[k].pid, NULL, 0);
		close(crowd->parts[k].reports);
	}
}
