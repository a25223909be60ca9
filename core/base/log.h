/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The log: one line an event, to stderr (with journald's <N> priority prefix
 * when stderr is the journal) or to a file, as logfmt or JSON. Safe from every
 * thread: a line is one write. Nothing secret is handed to it: no token, no
 * message text.
 *
 *   ts=2026-01-01T12:00:00.000Z level=info sub=session session=17 plugin=typing msg="..."
 */
#ifndef PARLANCE_LOG_H
#define PARLANCE_LOG_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>

#include <parlance/plugin.h>

enum log_format { LOG_LOGFMT, LOG_JSON };

struct log_config {
	enum par_log_level level;
	enum log_format format;
	const char *file; /* NULL or "": stderr */
};

/* False, with the reason in `error`, when the file cannot be opened; then what
 * was in force stays. Before the first call lines go to stderr as logfmt. */
bool log_open(const struct log_config *config, char *error, size_t error_size);
/* Opens the file anew, under the same name (after logrotate). */
bool log_reopen(char *error, size_t error_size);
void log_close(void);

bool log_enabled(enum par_log_level level);

/* `subsystem` is a short static word; session 0 and plugin NULL are left out. */
void log_line(enum par_log_level level, const char *subsystem, uint64_t session, const char *plugin,
	      const char *format, ...) __attribute__((format(printf, 5, 6)));
void log_vline(enum par_log_level level, const char *subsystem, uint64_t session,
	       const char *plugin, const char *format, va_list args)
    __attribute__((format(printf, 5, 0)));

#define log_error(sub, ...) log_line(PAR_LOG_ERROR, sub, 0, NULL, __VA_ARGS__)
#define log_warning(sub, ...) log_line(PAR_LOG_WARNING, sub, 0, NULL, __VA_ARGS__)
#define log_info(sub, ...) log_line(PAR_LOG_INFO, sub, 0, NULL, __VA_ARGS__)
#define log_debug(sub, ...) log_line(PAR_LOG_DEBUG, sub, 0, NULL, __VA_ARGS__)

#endif
