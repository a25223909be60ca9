/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads as much as the pause allows: what is behind it stays in the pipe, so
 * that a long file is not read into memory. Stdin is left blocking, for it is
 * shared with other programs; one read for each time it is readable never waits.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/event.h>

#include "base/mem.h"
#include "lines.h"
#include "ws/utf8.h"

struct lines {
	const struct line_handler *handler;
	void *arg;
	struct event *readable;
	struct evbuffer *in;
	bool paused;
	bool skipping; /* in a line that is too long */
	bool ended;
};

void line_hand_over(const struct line_handler *handler, void *arg, struct par_str line)
{
	if (line.len == 0)
		return;
	if (utf8_valid(line.s, line.len))
		handler->line(arg, line);
	else
		handler->bad(arg, "a line is not UTF-8: left out");
}

/* The next line if it is whole, or the last one of all. */
static bool lines_next(struct lines *l)
{
	size_t len = evbuffer_get_length(l->in), eaten;
	struct evbuffer_ptr at = evbuffer_search(l->in, "\n", 1, NULL);
	struct par_str line;

	if (at.pos < 0 && len > LINES_MAX) {
		if (!l->skipping)
			l->handler->bad(l->arg, "a line is too long: left out");
		l->skipping = true;
		evbuffer_drain(l->in, len);
		return false;
	}
	if (at.pos < 0 && (!l->ended || len == 0))
		return false;
	line.len = at.pos < 0 ? len : (size_t)at.pos;
	line.s = (const char *)evbuffer_pullup(l->in, (ev_ssize_t)line.len);
	eaten = line.len + (at.pos < 0 ? 0 : 1);
	if (line.len > 0 && line.s[line.len - 1] == '\r')
		line.len--;
	if (!l->skipping)
		line_hand_over(l->handler, l->arg, line);
	l->skipping = false;
	evbuffer_drain(l->in, eaten);
	return true;
}

static void lines_on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct lines *l = arg;
	char bytes[16384];
	ssize_t n;

	if (what & EV_READ) {
		n = read(fd, bytes, sizeof(bytes));
		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			return;
		if (n > 0 && evbuffer_add(l->in, bytes, (size_t)n) != 0)
			abort();
		if (n <= 0) {
			l->ended = true;
			event_del(l->readable);
		}
	}
	while (!l->paused && lines_next(l))
		;
	if (l->ended && !l->paused)
		l->handler->end(l->arg);
}

struct lines *lines_open(struct event_base *base, const struct line_handler *handler, void *arg)
{
	struct lines *l = mem_zalloc(sizeof(*l));

	l->handler = handler;
	l->arg = arg;
	l->in = evbuffer_new();
	l->readable = event_new(base, STDIN_FILENO, EV_READ | EV_PERSIST, lines_on_readable, l);
	event_add(l->readable, NULL);
	return l;
}

void lines_free(struct lines **lines)
{
	if (*lines == NULL)
		return;
	event_free((*lines)->readable);
	evbuffer_free((*lines)->in);
	free(*lines);
	*lines = NULL;
}

void lines_pause(struct lines *l)
{
	l->paused = true;
	event_del(l->readable);
}

void lines_resume(struct lines *l)
{
	if (!l->paused)
		return;
	l->paused = false;
	if (!l->ended)
		event_add(l->readable, NULL);
	event_active(l->readable, EV_TIMEOUT, 1); /* for what is in the buffer */
}
