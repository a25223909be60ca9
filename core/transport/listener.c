/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Listening sockets: binding, accepting, and pausing when the process has no
 * descriptor left or max_connections is reached. A paused listener leaves
 * clients in the kernel's queue; it goes on when a connection closes, and
 * looks again with every tick of the wheel, for the descriptor may have been
 * another's.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "transport/io.h"

#define ACCEPTS 64 /* in one wake-up */
#define LISTEN_BACKLOG 4096 /* the kernel cuts it to its somaxconn */

int listener_bind(const struct sockaddr *address, unsigned len, bool reuse_port)
{
	int on = 1, saved;
	int fd = socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	/* Accepted sockets inherit TCP_NODELAY. */
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
	    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) == 0 &&
	    (!reuse_port || setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) == 0) &&
	    bind(fd, address, (socklen_t)len) == 0 && listen(fd, LISTEN_BACKLOG) == 0)
		return fd;
	saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

static void listeners_pause(struct io *io, const char *why)
{
	struct listener *listener;

	if (io->accept_paused)
		return;
	log_warning("transport", "accepting pauses: %s", why);
	io->accept_paused = true;
	io->counts[IO_ACCEPT_PAUSED]++;
	LIST_FOREACH(listener, &io->listeners, link)
		event_del(&listener->event);
}

static bool server_is_full(const struct io_shared *shared)
{
	return atomic_load_explicit(&shared->open, memory_order_relaxed) >= shared->max_open;
}

static void listener_ready(evutil_socket_t listen_fd, short what, void *arg)
{
	struct listener *listener = arg;
	struct io *io = listener->io;
	unsigned i;
	int fd;

	(void)what;
	for (i = 0; i < ACCEPTS; i++) {
		if (server_is_full(io->shared)) {
			listeners_pause(io, "max_connections is reached");
			return;
		}
		fd = accept4(listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd >= 0) {
			conn_new(io, fd);
			continue;
		}
		if (errno == EAGAIN || errno == EWOULDBLOCK)
			return;
		if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
			listeners_pause(io, strerror(errno));
			return;
		}
		/* Anything else is the fate of one connection: ECONNABORTED. */
	}
}

void listener_new(struct io *io, int fd)
{
	struct listener *listener = mem_zalloc(sizeof(*listener));

	listener->io = io;
	event_assign(&listener->event, io->base, fd, EV_READ | EV_PERSIST, listener_ready,
		     listener);
	LIST_INSERT_HEAD(&io->listeners, listener, link);
}

void listeners_start(struct io *io)
{
	struct listener *listener;

	io->accept_paused = false;
	LIST_FOREACH(listener, &io->listeners, link)
		event_add(&listener->event, NULL);
}

void listeners_retry(struct io *io)
{
	if (io->accept_paused && !server_is_full(io->shared))
		listeners_start(io);
}

void listeners_close(struct io *io)
{
	struct listener *listener;

	while ((listener = LIST_FIRST(&io->listeners)) != NULL) {
		event_del(&listener->event);
		close(event_get_fd(&listener->event));
		LIST_REMOVE(listener, link);
		free(listener);
	}
}
