/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The transport as the rest of the server sees it: constructs the I/O sides
 * and their listeners, starts and stops the threads. Called on the core's
 * thread. What happens on a connection begins in io.c.
 */
#include "transport/transport.h"

#include <errno.h>
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "transport/io.h"

#define ADDRESS_MAX 128

struct transport {
	struct io_shared shared;
	bool started;
	unsigned n_io;
	struct io **io;
	struct seam *seams;
	unsigned n_addresses;
	char (*addresses)[ADDRESS_MAX];
};

static const char *const counter_names[][2] = {
#define X(symbol, name, help) { name, help },
	IO_COUNTERS(X)
#undef X
};

static void metrics_new(struct io_shared *shared, struct metrics *metrics)
{
	unsigned i;

	shared->connections = metrics_add(metrics, PAR_GAUGE, NULL, "connections",
					  "Open connections, handshakes included");
	for (i = 0; i < IO_COUNTER_COUNT; i++)
		shared->metrics[i] = metrics_add(metrics, PAR_COUNTER, NULL, counter_names[i][0],
						 counter_names[i][1]);
}

/* What the descriptors allow: a sixteenth of them is left for everything else. */
static unsigned connections_allowed(const struct settings *settings)
{
	struct rlimit limit;

	if (settings->max_connections > 0)
		return settings->max_connections;
	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= UINT32_MAX)
		return UINT32_MAX;
	return (unsigned)(limit.rlim_cur - limit.rlim_cur / 16);
}

/* Notes "ws://HOST:PORT" as bound. */
static void address_add(struct transport *t, int fd)
{
	struct sockaddr_storage address;
	socklen_t len = sizeof(address);
	char host[INET6_ADDRSTRLEN] = "", port[8] = "";

	if (getsockname(fd, (struct sockaddr *)&address, &len) == 0)
		getnameinfo((struct sockaddr *)&address, len, host, sizeof(host), port,
			    sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV);
	t->addresses = mem_realloc(t->addresses, (t->n_addresses + 1) * sizeof(*t->addresses));
	snprintf(t->addresses[t->n_addresses++], ADDRESS_MAX,
		 address.ss_family == AF_INET6 ? "ws://[%s]:%s" : "ws://%s:%s", host, port);
}

/* One address for all I/O sides. With several they share the port, which any
 * other process of the same user could do as well; so it is first bound once
 * without sharing, to find out that nobody else is there, and which port a 0
 * becomes. */
static bool bind_one(struct transport *t, struct sockaddr *address, socklen_t len)
{
	unsigned i;
	int fd = listener_bind(address, len, false);

	if (fd < 0)
		return false;
	address_add(t, fd);
	if (t->n_io == 1) {
		listener_new(t->io[0], fd);
		return true;
	}
	getsockname(fd, address, &len);
	close(fd);
	for (i = 0; i < t->n_io; i++) {
		fd = listener_bind(address, len, true);
		if (fd < 0)
			return false;
		listener_new(t->io[i], fd);
	}
	return true;
}

static bool bind_listener(struct transport *t, const struct listen_address *listen_address,
			  char *error, size_t error_size)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
				  .ai_flags = AI_PASSIVE | AI_NUMERICSERV };
	struct addrinfo *found, *at;
	struct sockaddr_storage address;
	int result;

	if (strncmp(listen_address->text, "ws://", 5) != 0) {
		snprintf(error, error_size, "%s: only ws:// can be listened on",
			 listen_address->text);
		return false;
	}
	result = getaddrinfo(listen_address->host, listen_address->port, &hints, &found);
	if (result != 0) {
		snprintf(error, error_size, "%s: %s", listen_address->text, gai_strerror(result));
		return false;
	}
	for (at = found; at != NULL; at = at->ai_next) {
		memcpy(&address, at->ai_addr, at->ai_addrlen);
		if (!bind_one(t, (struct sockaddr *)&address, at->ai_addrlen)) {
			snprintf(error, error_size, "%s: %s", listen_address->text,
				 strerror(errno));
			break;
		}
	}
	freeaddrinfo(found);
	return at == NULL;
}

struct transport *transport_new(const struct settings *settings, struct event_base *base,
				int core_fd, struct metrics *metrics, char *error,
				size_t error_size)
{
	struct transport *t = mem_zalloc(sizeof(*t));
	bool threaded = settings->io_threads > 0;
	unsigned i;

	t->shared.settings = settings;
	t->shared.max_open = connections_allowed(settings);
	metrics_new(&t->shared, metrics);
	t->n_io = threaded ? settings->io_threads : 1;
	t->io = mem_zalloc(t->n_io * sizeof(struct io *));
	t->seams = mem_zalloc(t->n_io * sizeof(struct seam));
	for (i = 0; i < t->n_io; i++) {
		t->io[i] = io_new(&t->shared, i, threaded ? NULL : base, threaded ? core_fd : -1);
		t->seams[i].in = t->io[i]->in;
		t->seams[i].out = t->io[i]->out;
	}
	for (i = 0; i < settings->n_listen; i++) {
		if (!bind_listener(t, &settings->listen[i], error, error_size)) {
			transport_free(&t);
			return NULL;
		}
	}
	return t;
}

struct seam *transport_seams(struct transport *t, unsigned *n)
{
	*n = t->n_io;
	return t->seams;
}

const char *transport_address(const struct transport *t, unsigned i)
{
	return i < t->n_addresses ? t->addresses[i] : NULL;
}

static void *thread_main(void *arg)
{
	struct io *io = arg;
	char name[16];

	snprintf(name, sizeof(name), "io-%u", io->index);
	pthread_setname_np(pthread_self(), name);
	io_run(io);
	return NULL;
}

/* Signals are the main thread's business. */
static void threads_start(struct transport *t)
{
	sigset_t all, before;
	unsigned i;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	for (i = 0; i < t->n_io; i++) {
		if (pthread_create(&t->io[i]->thread, NULL, thread_main, t->io[i]) != 0) {
			log_error("transport", "cannot start an I/O thread");
			abort();
		}
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

void transport_start(struct transport *t)
{
	unsigned i;

	for (i = 0; i < t->n_io; i++)
		listeners_start(t->io[i]);
	if (t->io[0]->threaded)
		threads_start(t);
	t->started = true;
}

bool transport_turn(struct transport *t)
{
	return io_turn(t->io[0]);
}

static void wake_all(struct transport *t)
{
	unsigned i;

	for (i = 0; i < t->n_io; i++)
		io_wake(t->io[i]);
}

void transport_stop_accepting(struct transport *t)
{
	atomic_store_explicit(&t->shared.stop_accepting, true, memory_order_release);
	if (t->io[0]->threaded)
		wake_all(t);
	else
		listeners_close(t->io[0]);
}

void transport_stop(struct transport *t)
{
	unsigned i;

	if (!t->started)
		return;
	t->started = false;
	if (!t->io[0]->threaded) {
		io_shut(t->io[0]);
		return;
	}
	atomic_store_explicit(&t->shared.stopping, true, memory_order_release);
	wake_all(t);
	for (i = 0; i < t->n_io; i++)
		pthread_join(t->io[i]->thread, NULL);
}

void transport_free(struct transport **tp)
{
	struct transport *t = *tp;
	unsigned i;

	if (t == NULL)
		return;
	transport_stop(t);
	for (i = 0; i < t->n_io; i++)
		io_free(&t->io[i]);
	free(t->io);
	free(t->seams);
	free(t->addresses);
	free(t);
	*tp = NULL;
}

unsigned transport_connections(const struct transport *t)
{
	return atomic_load_explicit(&t->shared.open, memory_order_relaxed);
}
