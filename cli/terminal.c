/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Escaping for terminals. Characters are read by a decoder of its own, because
 * the text may come from where nobody has checked that it is UTF-8: an
 * HTTP answer, a command line.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "terminal.h"
#include "ws/utf8.h"

/* Takes the first character of a text that is not empty; returns its length, or 0 when there is
 * none there that is valid. */
static size_t terminal_character(const char *s, size_t len, uint32_t *c)
{
	unsigned char first = (unsigned char)s[0];
	size_t n = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4, i;

	if (n > len || !utf8_valid(s, n))
		return 0;
	*c = n == 1 ? first : first & (0x7fu >> n);
	for (i = 1; i < n; i++)
		*c = *c << 6 | ((unsigned char)s[i] & 0x3f);
	return n;
}

static bool terminal_dangerous(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x061c || (c >= 0x200b && c <= 0x200f) ||
	       (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) || c == 0xfeff ||
	       (c >= 0xfff9 && c <= 0xfffb) || (c >= 0xe0000 && c <= 0xe007f);
}

/* Longest of what one byte of text can become: "\u{e007f}", or `newline`. */
#define ESCAPE_MAX 16

char *terminal_escape(struct par_str text, const char *newline)
{
	size_t i = 0, n, widest = strlen(newline) > ESCAPE_MAX ? strlen(newline) : ESCAPE_MAX;
	char *escaped = mem_alloc(text.len * widest + 1);
	char *to = escaped;
	uint32_t c;

	for (; i < text.len; i += n == 0 ? 1 : n) {
		n = terminal_character(text.s + i, text.len - i, &c);
		if (n == 0)
			to += sprintf(to, "\\x%02x", (unsigned char)text.s[i]);
		else if (c == '\n')
			to = stpcpy(to, newline);
		else if (c != '\t' && terminal_dangerous(c))
			to += sprintf(to, "\\u{%x}", (unsigned)c);
		else
			to = mempcpy(to, text.s + i, n);
	}
	*to = '\0';
	return mem_realloc(escaped, (size_t)(to - escaped) + 1);
}

void terminal_notice(const char *text)
{
	char *escaped = terminal_escape(par_str_of(text), "\n    ");

	fprintf(stderr, "parlance-cli: %s\n", escaped);
	free(escaped);
}

static void terminal_json_escape(FILE *to, uint32_t c)
{
	if (c >= 0x10000) {
		c -= 0x10000;
		fprintf(to, "\\u%04x", 0xd800 + (unsigned)(c >> 10));
		c = 0xdc00 + (c & 0x3ff);
	}
	fprintf(to, "\\u%04x", (unsigned)c);
}

bool terminal_json(FILE *to, struct par_str json)
{
	bool tty = isatty(fileno(to)) == 1;
	size_t i, n;
	uint32_t c;

	for (i = 0; i < json.len; i += n == 0 ? 1 : n) {
		n = tty ? terminal_character(json.s + i, json.len - i, &c) : 0;
		/* Within JSON these stand between tokens only. */
		if ((unsigned char)json.s[i] < 0x20)
			putc(' ', to);
		else if (n > 0 && terminal_dangerous(c))
			terminal_json_escape(to, c);
		else
			fwrite(json.s + i, 1, n == 0 ? 1 : n, to);
	}
	putc('\n', to);
	return fflush(to) == 0 && !ferror(to);
}

void terminal_time(uint64_t ms, char to[TERMINAL_TIME_SIZE])
{
	time_t seconds = (time_t)(ms / 1000);
	struct tm local;

	localtime_r(&seconds, &local);
	if (strftime(to, TERMINAL_TIME_SIZE, "%H:%M:%S", &local) == 0)
		to[0] = '\0';
}
