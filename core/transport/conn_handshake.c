/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The opening handshake of one connection: its request is gathered, parsed,
 * and told to the core as a hello; the core's verdict is answered. Called on
 * the conn's I/O thread.
 *
 * The 101 answer is made at once, while the request is there, and waits in the
 * backlog, which is not flushed in state HELLO. A bad request is answered here
 * and the core never hears of it.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/mem.h"
#include "transport/io.h"
#include "ws/handshake.h"

#define REMOTE_MAX (INET6_ADDRSTRLEN + 9) /* "[...]:65535" */
#define REFUSAL_MAX 4096

/* "127.0.0.1:4711", "[::1]:4711"; empty when the peer has gone already. */
static void remote_name(int fd, char name[REMOTE_MAX])
{
	struct sockaddr_storage address = { 0 };
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)&address;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&address;
	socklen_t len = sizeof(address);
	char text[INET6_ADDRSTRLEN] = "";

	name[0] = '\0';
	if (getpeername(fd, (struct sockaddr *)&address, &len) != 0)
		return;
	if (address.ss_family == AF_INET6) {
		inet_ntop(AF_INET6, &v6->sin6_addr, text, sizeof(text));
		snprintf(name, REMOTE_MAX, "[%s]:%u", text, ntohs(v6->sin6_port));
	} else if (address.ss_family == AF_INET) {
		inet_ntop(AF_INET, &v4->sin_addr, text, sizeof(text));
		snprintf(name, REMOTE_MAX, "%s:%u", text, ntohs(v4->sin_port));
	}
}

static struct par_str hello_put(char **to, struct par_str s)
{
	struct par_str copy = { NULL, 0 };

	if (s.s != NULL) {
		memcpy(*to, s.s, s.len);
		copy.s = *to;
		copy.len = s.len;
		*to += s.len;
	}
	return copy;
}

static struct hello *hello_new(const struct handshake *h, const char *remote)
{
	struct par_str from = par_str_of(remote);
	struct hello *hello =
	    mem_alloc(sizeof(*hello) + h->token.len + h->user.len + h->device.len + from.len);
	char *to = hello->text;

	hello->token = hello_put(&to, h->token);
	hello->user = hello_put(&to, h->user);
	hello->device = hello_put(&to, h->device);
	hello->remote = hello_put(&to, from);
	return hello;
}

static void conn_say_hello(struct conn *conn, const struct handshake *h)
{
	struct in_msg msg = { .kind = IN_HELLO, .conn = conn, .io = conn->io->index };
	char answer[HANDSHAKE_ANSWER_MAX];
	char remote[REMOTE_MAX];

	remote_name((int)event_get_fd(&conn->event), remote);
	conn_queue(conn, answer, handshake_accept(h->key, h->subprotocol, answer));
	if (conn->state == CONN_CLOSED)
		return;
	msg.u.hello = hello_new(h, remote);
	conn_enter(conn, CONN_HELLO, "waiting for the verdict on its handshake");
	conn_pause(conn, PAUSE_HELLO);
	conn->told_hello = true;
	io_push(conn->io, &msg);
}

void conn_refuse(struct conn *conn, int status, struct par_str body)
{
	char answer[REFUSAL_MAX];
	size_t len;

	if (conn->state != CONN_HANDSHAKE && conn->state != CONN_HELLO)
		return;
	conn->io->counts[IO_REFUSED]++;
	buffer_free(&conn->backlog);
	len = handshake_refuse(status, body, answer, sizeof(answer));
	if (len == 0) {
		conn_close(conn, WS_CLOSE_ABNORMAL, "the refusal does not fit");
		return;
	}
	conn_queue(conn, answer, len);
	conn_end(conn, "refused");
}

static void conn_bad_handshake(struct conn *conn, int status, const char *reason)
{
	char body[1024];
	struct par_str text = { body, 0 };

	text.len = handshake_error_body("bad_handshake", reason, body, sizeof(body));
	conn_refuse(conn, status, text);
}

void conn_parse_handshake(struct conn *conn)
{
	struct handshake h;
	size_t consumed;
	int status;
	const char *reason;

	if (conn->rest == NULL)
		return;
	if (mailbox_room(conn->io->in) == 0) {
		conn_pause(conn, PAUSE_INBOX);
		return;
	}
	switch (handshake_parse(buffer_at(conn->rest), conn->rest->len, &h, &consumed, &status,
				&reason)) {
	case HANDSHAKE_OK:
		conn_say_hello(conn, &h);
		buffer_take(&conn->rest, consumed);
		break;
	case HANDSHAKE_NEED_MORE:
		if (conn->rest->len >= HANDSHAKE_MAX)
			conn_bad_handshake(conn, 431, "the request is too long");
		break;
	case HANDSHAKE_BAD:
		conn_bad_handshake(conn, status, reason);
		break;
	}
}

/* The parser begins anew each time, so it is asked only when a line has ended:
 * a request that trickles in by the byte costs no more than its lines. */
void conn_read_handshake(struct conn *conn)
{
	struct io *io = conn->io;
	struct iovec iov = { io->receive, HANDSHAKE_MAX - buffer_len(conn->rest) };
	bool first = conn->rest == NULL;
	ssize_t n = conn_recv(conn, &iov, 1);

	if (n <= 0)
		return;
	if (!buffer_append(&conn->rest, io->receive, (size_t)n, HANDSHAKE_MAX)) {
		conn_close(conn, WS_CLOSE_ABNORMAL, "no memory for its handshake");
		return;
	}
	if (first || conn->rest->len == HANDSHAKE_MAX ||
	    memchr(io->receive, '\n', (size_t)n) != NULL)
		conn_parse_handshake(conn);
}

void conn_accept(struct conn *conn)
{
	if (conn->state != CONN_HELLO)
		return;
	conn_enter(conn, CONN_OPEN, "open");
	conn_dirty(conn);
	conn_resume(conn, PAUSE_HELLO);
}
