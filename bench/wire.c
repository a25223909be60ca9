/* SPDX-License-Identifier: BSD-2-Clause */
/* A client's connection; see wire.h. */
#include "wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "server.h"
#include "ws/handshake.h"

#define BUFFER ((size_t)1 << 20)

static void write_all(int fd, const char *text, size_t len)
{
	ssize_t n;

	for (; len > 0; text += n, len -= (size_t)n) {
		n = write(fd, text, len);
		if (n < 0)
			bench_die("cannot send: %s", strerror(errno));
	}
}

/* Frames may follow right behind the answer: they stay in the buffer. */
static void read_answer(struct wire *w, const char *key)
{
	enum handshake_result result = HANDSHAKE_NEED_MORE;
	int status = 0;
	ssize_t n;

	while (result == HANDSHAKE_NEED_MORE) {
		n = read(w->fd, w->in + w->in_len, BUFFER - w->in_len);
		if (n <= 0)
			bench_die("the server ended the handshake");
		w->in_len += (size_t)n;
		result = handshake_check_answer(w->in, w->in_len, key, &w->in_at, &status);
	}
	if (result != HANDSHAKE_OK)
		bench_die("the handshake was answered with %d", status);
}

void wire_open(struct wire *w, int port, const char *user, const char *device)
{
	static const unsigned char random[16] = "no secret needed";
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	char host[32], target[256], key[25], request[1024];
	int on = 1;

	memset(w, 0, sizeof(*w));
	w->in = mem_alloc(BUFFER);
	w->out = mem_alloc(BUFFER);
	ws_decoder_init(&w->decoder, WS_CLIENT, BUFFER / 2);
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	w->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (w->fd < 0 || connect(w->fd, (struct sockaddr *)&address, sizeof(address)) != 0)
		bench_die("cannot connect: %s", strerror(errno));
	setsockopt(w->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	snprintf(host, sizeof(host), "127.0.0.1:%d", port);
	snprintf(target, sizeof(target), "/ws?user=%s&device=%s", user, device);
	write_all(w->fd, request,
		  handshake_request(host, target, NULL, random, key, request, sizeof(request)));
	read_answer(w, key);
	fcntl(w->fd, F_SETFL, O_NONBLOCK);
}

void wire_close(struct wire *w)
{
	close(w->fd);
	free(w->in);
	free(w->out);
}

bool wire_has_room(const struct wire *w, size_t len)
{
	return BUFFER - w->out_len >= len + WS_HEADER_MAX;
}

static void add_frame(struct wire *w, enum ws_opcode opcode, const char *text, size_t len)
{
	static const uint8_t mask[4] = { 0, 0, 0, 0 };

	if (!wire_has_room(w, len))
		bench_die("the server does not read");
	w->out_len += ws_header_masked(opcode, len, mask, w->out + w->out_len);
	memcpy(w->out + w->out_len, text, len);
	w->out_len += len;
}

void wire_text(struct wire *w, const char *text, size_t len)
{
	add_frame(w, WS_TEXT, text, len);
}

void wire_pong(struct wire *w, const struct ws_frame *ping)
{
	add_frame(w, WS_PONG, ping->payload, ping->len);
}

bool wire_flush(struct wire *w)
{
	ssize_t n = send(w->fd, w->out + w->out_at, w->out_len - w->out_at, MSG_NOSIGNAL);

	if (n < 0 && errno != EAGAIN)
		bench_die("cannot send: %s", strerror(errno));
	if (n > 0)
		w->out_at += (size_t)n;
	memmove(w->out, w->out + w->out_at, w->out_len - w->out_at);
	w->out_len -= w->out_at;
	w->out_at = 0;
	return w->out_len == 0;
}

bool wire_read(struct wire *w)
{
	ssize_t n;

	memmove(w->in, w->in + w->in_at, w->in_len - w->in_at);
	w->in_len -= w->in_at;
	w->in_at = 0;
	n = read(w->fd, w->in + w->in_len, BUFFER - w->in_len);
	if (n == 0 || (n < 0 && errno != EAGAIN))
		bench_die("the server ended the connection");
	if (n > 0)
		w->in_len += (size_t)n;
	return n > 0;
}

bool wire_turn(struct wire *w, int ms)
{
	struct pollfd ready = { w->fd, POLLIN, 0 };

	if (w->out_len > 0 && !wire_flush(w))
		ready.events |= POLLOUT;
	poll(&ready, 1, ms);
	return (ready.revents & (POLLIN | POLLHUP | POLLERR)) != 0 && wire_read(w);
}

bool wire_next(struct wire *w, struct ws_frame *frame)
{
	size_t consumed, need;
	uint16_t code;

	switch (ws_decode(&w->decoder, w->in + w->in_at, w->in_len - w->in_at, frame, &consumed,
			  &need, &code)) {
	case WS_FRAME:
		w->in_at += consumed;
		return true;
	case WS_NEED_MORE:
		return false;
	default:
		bench_die("the server sent what is no frame");
	}
}

bool wire_has(const struct ws_frame *frame, const char *text)
{
	return memmem(frame->payload, frame->len, text, strlen(text)) != NULL;
}

uint64_t wire_number(const struct ws_frame *frame, const char *key)
{
	const char *at = memmem(frame->payload, frame->len, key, strlen(key));
	const char *end = frame->payload + frame->len;
	uint64_t n = 0;

	if (at == NULL)
		return 0;
	for (at += strlen(key); at < end && *at >= '0' && *at <= '9'; at++)
		n = n * 10 + (uint64_t)(*at - '0');
	return n;
}

void wire_ack(struct wire *w, uint64_t id)
{
	char text[64];

	wire_text(
	    w, text,
	    (size_t)snprintf(text, sizeof(text), "{\"type\":\"ack\",\"id\":%" PRIu64 "}", id));
}
