/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A small line editor: characters, backspace, ^U, ^W, ^L, return, ^D. The terminal's
 * own line mode would not tell that something is typed, and would mix a half
 * written line with what arrives. Signals are left to the terminal (^C, ^Z).
 *
 * The line is never wider than the terminal: of a longer one the end is shown.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <event2/event.h>

#include "base/mem.h"
#include "editor.h"

enum key_state { PLAIN, ESCAPE, SEQUENCE }; /* within the bytes of a function key */

struct editor {
	const char *prompt;
	const struct line_handler *handler;
	void *arg;
	struct event *readable, *resumed;
	struct termios before;
	enum key_state keys;
	size_t len;
	char line[4096];
};

static void editor_raw(struct editor *e)
{
	struct termios raw = e->before;

	raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	raw.c_iflag &= ~(tcflag_t)(IXON);
	raw.c_cc[VMIN] = 1;
	raw.c_cc[VTIME] = 0;
	tcsetattr(STDIN_FILENO, TCSADRAIN, &raw);
}

static bool continues_character(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

/* The end of the line that fits; every character counts as one column. */
static const char *editor_visible(const struct editor *e)
{
	struct winsize size;
	size_t room = 80, at = e->len;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
		room = size.ws_col;
	room = room > strlen(e->prompt) + 2 ? room - strlen(e->prompt) - 1 : 1;
	while (at > 0 && room > 0) {
		at--;
		if (!continues_character(e->line[at]))
			room--;
	}
	return e->line + at;
}

void editor_hide(struct editor *e)
{
	(void)e;
	fputs("\r\x1b[K", stdout);
}

void editor_show(struct editor *e)
{
	const char *visible = editor_visible(e);

	printf("\r\x1b[K%s%.*s", e->prompt, (int)(e->line + e->len - visible), visible);
	fflush(stdout);
}

static void editor_erase(struct editor *e)
{
	while (e->len > 0 && continues_character(e->line[--e->len]))
		;
}

static void editor_erase_word(struct editor *e)
{
	while (e->len > 0 && e->line[e->len - 1] == ' ')
		e->len--;
	while (e->len > 0 && e->line[e->len - 1] != ' ')
		e->len--;
}

/* The line is handed over from a copy, for what it causes may print. */
static void editor_return(struct editor *e)
{
	char *line = mem_strndup(e->line, e->len);
	struct par_str text = { line, e->len };

	e->len = 0;
	editor_show(e);
	line_hand_over(e->handler, e->arg, text);
	free(line);
}

/* Swallows the bytes that function keys send after ESC. */
static bool editor_in_sequence(struct editor *e, char c)
{
	switch (e->keys) {
	case PLAIN:
		if (c == 0x1b)
			e->keys = ESCAPE;
		return c == 0x1b;
	case ESCAPE:
		e->keys = c == '[' || c == 'O' ? SEQUENCE : PLAIN;
		return true;
	case SEQUENCE:
		if (c >= 0x40 && c <= 0x7e)
			e->keys = PLAIN;
		return true;
	}
	return false;
}

static void editor_type(struct editor *e, char c)
{
	switch (c) {
	case '\r':
	case '\n':
		editor_return(e);
		return;
	case 0x7f:
	case '\b':
		editor_erase(e);
		break;
	case 'U' & 0x1f:
		e->len = 0;
		break;
	case 'W' & 0x1f:
		editor_erase_word(e);
		break;
	case 'L' & 0x1f:
		fputs("\x1b[H\x1b[2J", stdout);
		return;
	default:
		if ((unsigned char)c < 0x20 || e->len == sizeof(e->line))
			return;
		e->line[e->len++] = c;
	}
	if (e->handler->typed != NULL)
		e->handler->typed(e->arg, e->len == 0);
}

static void editor_on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct editor *e = arg;
	char bytes[256];
	ssize_t n = read(fd, bytes, sizeof(bytes)), i;

	(void)what;
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	for (i = 0; i < n; i++) {
		if (editor_in_sequence(e, bytes[i]))
			continue;
		if (bytes[i] == ('D' & 0x1f) && e->len == 0) {
			n = 0;
			break;
		}
		editor_type(e, bytes[i]);
	}
	if (n <= 0) {
		event_del(e->readable);
		e->handler->end(e->arg);
		return;
	}
	editor_show(e);
}

/* After ^Z and fg. */
static void editor_on_resumed(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	editor_raw(arg);
	editor_show(arg);
}

struct editor *editor_open(struct event_base *base, const char *prompt,
			   const struct line_handler *handler, void *arg)
{
	struct editor *e = mem_zalloc(sizeof(*e));

	e->prompt = prompt;
	e->handler = handler;
	e->arg = arg;
	tcgetattr(STDIN_FILENO, &e->before);
	editor_raw(e);
	e->readable = event_new(base, STDIN_FILENO, EV_READ | EV_PERSIST, editor_on_readable, e);
	e->resumed = evsignal_new(base, SIGCONT, editor_on_resumed, e);
	event_add(e->readable, NULL);
	event_add(e->resumed, NULL);
	editor_show(e);
	return e;
}

void editor_free(struct editor **editor)
{
	struct editor *e = *editor;

	if (e == NULL)
		return;
	*editor = NULL;
	editor_hide(e);
	fflush(stdout);
	tcsetattr(STDIN_FILENO, TCSADRAIN, &e->before);
	event_free(e->readable);
	event_free(e->resumed);
	free(e);
}
