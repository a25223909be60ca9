/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Formats a log line, as logfmt or JSON, into a buffer on the caller's stack.
 * Called by log.c on every thread; takes no lock, allocates nothing. Values
 * come from anywhere, so control characters (C1 too: terminals obey them) are
 * escaped and bytes that are not UTF-8 become U+FFFD: a line stays one line.
 */
#include "log_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Kept free for the end of a line: ..."} and the newline. */
#define TAIL 8

static const char *const level_names[] = {
	[PAR_LOG_ERROR] = "error",
	[PAR_LOG_WARNING] = "warning",
	[PAR_LOG_INFO] = "info",
	[PAR_LOG_DEBUG] = "debug",
};

static const char level_priorities[] = {
	[PAR_LOG_ERROR] = '3',
	[PAR_LOG_WARNING] = '4',
	[PAR_LOG_INFO] = '6',
	[PAR_LOG_DEBUG] = '7',
};

/* All of the bytes or, when they do not fit, none and `cut`. */
static void text_add(struct log_text *text, const char *bytes, size_t len)
{
	if (text->cut || len > sizeof(text->bytes) - TAIL - text->len) {
		text->cut = true;
		return;
	}
	memcpy(text->bytes + text->len, bytes, len);
	text->len += len;
}

static void text_string(struct log_text *text, const char *s)
{
	text_add(text, s, strlen(s));
}

static void text_tail(struct log_text *text, const char *s)
{
	size_t len = strlen(s);

	memcpy(text->bytes + text->len, s, len);
	text->len += len;
}

static bool continues(unsigned char byte, unsigned char from, unsigned char to)
{
	return byte >= from && byte <= to;
}

/* The length of the valid UTF-8 character at `s`, which ends with a NUL
 * somewhere; 0 when there is none. RFC 3629, table of well-formed sequences. */
static size_t utf8_length(const unsigned char *s)
{
	unsigned char low = 0x80, high = 0xbf;
	size_t len, i;

	if (s[0] < 0x80)
		return 1;
	if (s[0] < 0xc2 || s[0] > 0xf4)
		return 0;
	len = s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
	if (s[0] == 0xe0)
		low = 0xa0;
	else if (s[0] == 0xed)
		high = 0x9f;
	else if (s[0] == 0xf0)
		low = 0x90;
	else if (s[0] == 0xf4)
		high = 0x8f;
	if (!continues(s[1], low, high))
		return 0;
	for (i = 2; i < len; i++) {
		if (!continues(s[i], 0x80, 0xbf))
			return 0;
	}
	return len;
}

/* One character at `*s`, escaped as JSON does; logfmt readers take the same. */
static void text_character(struct log_text *text, const unsigned char **s)
{
	const unsigned char *at = *s;
	size_t len = utf8_length(at);
	char escaped[8];

	*s += len == 0 ? 1 : len;
	if (len == 0) {
		text_string(text, "\xef\xbf\xbd");
	} else if (at[0] < 0x20 || at[0] == '"' || at[0] == '\\') {
		text_add(text, escaped, par_json_escape(at[0], escaped));
	} else if (at[0] == 0x7f || (at[0] == 0xc2 && at[1] < 0xa0)) {
		snprintf(escaped, sizeof(escaped), "\\u00%02x", at[len - 1]);
		text_string(text, escaped);
	} else {
		text_add(text, (const char *)at, len);
	}
}

static void text_quoted(struct log_text *text, const char *value)
{
	const unsigned char *s = (const unsigned char *)value;

	text_string(text, "\"");
	while (*s != '\0' && !text->cut)
		text_character(text, &s);
	if (!text->cut)
		text_string(text, "\"");
}

/* A value of logfmt without quotes, where it can be read back so. */
static void text_bare(struct log_text *text, const char *value)
{
	const char *c = value;

	while (*c > ' ' && *c < 0x7f && *c != '"' && *c != '=' && *c != '\\')
		c++;
	if (*c == '\0' && c > value)
		text_string(text, value);
	else
		text_quoted(text, value);
}

/* 2026-01-01T12:00:00.000Z. Not gmtime_r, which takes the time zone's lock:
 * days become a date by counting in years that begin in March, so that the
 * leap day is the last of its year. */
static void text_time(struct log_text *text, uint64_t wall_ms)
{
	uint64_t seconds = wall_ms / 1000;
	unsigned in_day = (unsigned)(seconds % 86400);
	uint64_t days = seconds / 86400 + 719468; /* since 0000-03-01 */
	uint64_t era = days / 146097; /* 400 years */
	unsigned in_era = (unsigned)(days % 146097);
	unsigned year = (in_era - in_era / 1460 + in_era / 36524 - in_era / 146096) / 365;
	unsigned in_year = in_era - (365 * year + year / 4 - year / 100);
	unsigned month = (5 * in_year + 2) / 153; /* from March */
	unsigned day = in_year - (153 * month + 2) / 5 + 1;
	char stamp[64];

	month = month < 10 ? month + 3 : month - 9;
	snprintf(stamp, sizeof(stamp), "%04" PRIu64 "-%02u-%02uT%02u:%02u:%02u.%03uZ",
		 era * 400 + year + (month <= 2), month, day, in_day / 3600, in_day / 60 % 60,
		 in_day % 60, (unsigned)(wall_ms % 1000));
	text_string(text, stamp);
}

static void text_session(struct log_text *text, const char *key, uint64_t session)
{
	char number[24];

	snprintf(number, sizeof(number), "%" PRIu64, session);
	text_string(text, key);
	text_string(text, number);
}

static void text_logfmt(struct log_text *text, const struct log_record *record)
{
	text_string(text, "ts=");
	text_time(text, record->wall_ms);
	text_string(text, " level=");
	text_string(text, level_names[record->level]);
	text_string(text, " sub=");
	text_bare(text, record->subsystem);
	if (record->session != 0)
		text_session(text, " session=", record->session);
	if (record->plugin != NULL) {
		text_string(text, " plugin=");
		text_bare(text, record->plugin);
	}
	text_string(text, " msg=");
	text_quoted(text, record->message);
	text_tail(text, text->cut ? "...\"\n" : "\n");
}

static void text_json(struct log_text *text, const struct log_record *record)
{
	text_string(text, "{\"ts\":\"");
	text_time(text, record->wall_ms);
	text_string(text, "\",\"level\":\"");
	text_string(text, level_names[record->level]);
	text_string(text, "\",\"sub\":");
	text_quoted(text, record->subsystem);
	if (record->session != 0)
		text_session(text, ",\"session\":", record->session);
	if (record->plugin != NULL) {
		text_string(text, ",\"plugin\":");
		text_quoted(text, record->plugin);
	}
	text_string(text, ",\"msg\":");
	text_quoted(text, record->message);
	text_tail(text, text->cut ? "...\"}\n" : "}\n");
}

void log_text_make(struct log_text *text, enum log_format format, const struct log_record *record)
{
	const char priority[] = { '<', level_priorities[record->level], '>' };

	text->len = 0;
	text->cut = false;
	if (record->journal)
		text_add(text, priority, sizeof(priority));
	if (format == LOG_JSON)
		text_json(text, record);
	else
		text_logfmt(text, record);
}
