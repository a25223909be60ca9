/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The look-up blocks, as getaddrinfo does; connecting does not, and each
 * address gets CONNECT_S seconds.
 */
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>

#include "base/mem.h"
#include "dial.h"

#define CONNECT_S 10

struct dial {
	struct event_base *base;
	dial_done_fn done;
	void *arg;
	struct addrinfo *addresses, *next;
	const char *error; /* of the last address */
	struct event *connected; /* made for each fd; NULL: none is being connected */
	struct event *start;
	int fd;
};

static void dial_drop_socket(struct dial *d)
{
	if (d->connected != NULL)
		event_free(d->connected);
	d->connected = NULL;
	if (d->fd >= 0)
		close(d->fd);
	d->fd = -1;
}

void dial_cancel(struct dial **dial)
{
	struct dial *d = *dial;

	if (d == NULL)
		return;
	*dial = NULL;
	dial_drop_socket(d);
	event_free(d->start);
	if (d->addresses != NULL)
		freeaddrinfo(d->addresses);
	free(d);
}

static void dial_end(struct dial *d, int fd)
{
	dial_done_fn done = d->done;
	void *arg = d->arg;
	const char *error = d->error;

	dial_cancel(&d);
	done(arg, fd, error);
}

static void dial_next(struct dial *d);

static void dial_on_connected(evutil_socket_t fd, short what, void *arg)
{
	struct dial *d = arg;
	int error = 0, on = 1;
	socklen_t len = sizeof(error);

	if (what & EV_TIMEOUT)
		error = ETIMEDOUT;
	else
		getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len);
	if (error != 0) {
		d->error = strerror(error);
		dial_next(d);
		return;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	d->fd = -1;
	dial_end(d, fd);
}

/* Begins with the next address that allows it, or gives up. */
static void dial_next(struct dial *d)
{
	const struct timeval limit = { .tv_sec = CONNECT_S };

	dial_drop_socket(d);
	while (d->next != NULL) {
		const struct addrinfo *a = d->next;

		d->next = a->ai_next;
		d->fd = socket(a->ai_family, a->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC,
			       a->ai_protocol);
		if (d->fd >= 0 &&
		    (connect(d->fd, a->ai_addr, a->ai_addrlen) == 0 || errno == EINPROGRESS)) {
			d->connected = event_new(d->base, d->fd, EV_WRITE, dial_on_connected, d);
			event_add(d->connected, &limit);
			return;
		}
		d->error = strerror(errno);
		dial_drop_socket(d);
	}
	dial_end(d, -1);
}

static void dial_on_start(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	dial_next(arg);
}

struct dial *dial_start(struct event_base *base, const char *host, const char *port,
			dial_done_fn done, void *arg)
{
	const struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM };
	struct dial *d = mem_zalloc(sizeof(*d));
	int failed = getaddrinfo(host, port, &hints, &d->addresses);

	d->fd = -1;
	d->base = base;
	d->done = done;
	d->arg = arg;
	if (failed != 0) {
		d->addresses = NULL;
		d->error = gai_strerror(failed);
	}
	d->next = d->addresses;
	d->start = evtimer_new(base, dial_on_start, d);
	event_active(d->start, EV_TIMEOUT, 1);
	return d;
}
