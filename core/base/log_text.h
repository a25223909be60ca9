/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One log line as bytes: the pure half of the log, private to core/base and
 * its test. A line has a fixed maximum; what does not fit is cut at a
 * character's boundary and marked with "...", and the line stays well formed.
 */
#ifndef PARLANCE_LOG_TEXT_H
#define PARLANCE_LOG_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/log.h"

#define LOG_LINE_MAX 4096

struct log_text {
	size_t len;
	bool cut;
	char bytes[LOG_LINE_MAX];
};

/* All that a line says. `message` is any bytes up to its NUL. */
struct log_record {
	enum par_log_level level;
	const char *subsystem;
	const char *plugin; /* NULL: left out */
	const char *message;
	uint64_t session; /* 0: left out */
	uint64_t wall_ms; /* since the epoch */
	bool journal; /* begin with "<N>", the priority of syslog(3) */
};

/* Makes the line, its newline included. */
void log_text_make(struct log_text *text, enum log_format format, const struct log_record *record);

#endif
