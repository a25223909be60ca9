/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where the log goes. log_open, log_reopen and log_close are the main thread's;
 * lines come from every thread and take no lock: what they need is in atomics,
 * and a line is one write(2) to a descriptor opened with O_APPEND. The number
 * of the file's descriptor never changes once given (another file is put
 * under it with dup3), so that no writer can hit a descriptor closed and
 * given to a socket meanwhile.
 */
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "log_text.h"

static atomic_int log_level = PAR_LOG_INFO;
static atomic_int log_format = LOG_LOGFMT;
static atomic_int log_fd = STDERR_FILENO;
static atomic_bool log_journal;

static int file_fd = -1;
static char *file_name;

/* Whether stderr is a stream of the journal: systemd says which, as DEV:INODE. */
static bool log_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	uint64_t dev, ino;
	struct stat st;

	return stream != NULL && sscanf(stream, "%" SCNu64 ":%" SCNu64, &dev, &ino) == 2 &&
	       fstat(STDERR_FILENO, &st) == 0 && st.st_dev == dev && st.st_ino == ino;
}

/* Puts the file `name` under file_fd. */
static bool log_open_file(const char *name, char *error, size_t error_size)
{
	int fd = open(name, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0640);

	if (fd < 0) {
		snprintf(error, error_size, "%s: cannot open the log file: %s", name,
			 strerror(errno));
		return false;
	}
	if (file_fd < 0) {
		file_fd = fd;
		return true;
	}
	if (dup3(fd, file_fd, O_CLOEXEC) < 0) {
		snprintf(error, error_size, "%s: cannot replace the log file: %s", name,
			 strerror(errno));
		close(fd);
		return false;
	}
	close(fd);
	return true;
}

static void log_to_stderr(void)
{
	atomic_store(&log_journal, log_is_journal());
	atomic_store(&log_fd, STDERR_FILENO);
	/* Lets the file go, yet keeps the number for a writer that still has it. */
	if (file_fd >= 0)
		dup3(STDERR_FILENO, file_fd, O_CLOEXEC);
}

bool log_open(const struct log_config *config, char *error, size_t error_size)
{
	bool to_file = config->file != NULL && config->file[0] != '\0';
	char *name = to_file ? mem_strdup(config->file) : NULL;

	if (to_file && !log_open_file(name, error, error_size)) {
		free(name);
		return false;
	}
	free(file_name);
	file_name = name;
	if (to_file) {
		atomic_store(&log_journal, false);
		atomic_store(&log_fd, file_fd);
	} else {
		log_to_stderr();
	}
	atomic_store(&log_level, (int)config->level);
	atomic_store(&log_format, (int)config->format);
	return true;
}

bool log_reopen(char *error, size_t error_size)
{
	return file_name == NULL || log_open_file(file_name, error, error_size);
}

void log_close(void)
{
	atomic_store(&log_fd, STDERR_FILENO);
	if (file_fd >= 0)
		close(file_fd);
	file_fd = -1;
	free(file_name);
	file_name = NULL;
}

bool log_enabled(enum par_log_level level)
{
	return (int)level <= atomic_load_explicit(&log_level, memory_order_relaxed);
}

void log_line(enum par_log_level level, const char *subsystem, uint64_t session, const char *plugin,
	      const char *format, ...)
{
	va_list args;

	va_start(args, format);
	log_vline(level, subsystem, session, plugin, format, args);
	va_end(args);
}

void log_vline(enum par_log_level level, const char *subsystem, uint64_t session,
	       const char *plugin, const char *format, va_list args)
{
	int saved = errno;
	char message[LOG_LINE_MAX];
	struct timespec now;
	struct log_text text;
	struct log_record record = { level, subsystem, plugin, message, session, 0, false };
	ssize_t written;

	if (!log_enabled(level))
		return;
	if (vsnprintf(message, sizeof(message), format, args) < 0)
		snprintf(message, sizeof(message), "%s", format);
	clock_gettime(CLOCK_REALTIME, &now);
	record.wall_ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
	record.journal = atomic_load(&log_journal);
	log_text_make(&text, (enum log_format)atomic_load(&log_format), &record);
	do
		written = write(atomic_load(&log_fd), text.bytes, text.len);
	while (written < 0 && errno == EINTR);
	errno = saved;
}
