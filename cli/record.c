/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Each line is one write(2) on a descriptor in append mode, so that a program
 * that is killed leaves whole lines.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "record.h"

struct record {
	int fd;
	struct par_json line;
};

struct record *record_open(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	struct record *record;

	if (fd < 0)
		return NULL;
	record = mem_alloc(sizeof(*record));
	record->fd = fd;
	par_json_init(&record->line);
	record->line.limit *= 4;
	return record;
}

void record_close(struct record **record)
{
	if (*record == NULL)
		return;
	close((*record)->fd);
	par_json_free(&(*record)->line);
	free(*record);
	*record = NULL;
}

bool record_write(struct record *record, const char *dir, struct par_str message)
{
	struct par_json *line;
	struct timespec now;
	ssize_t n;

	if (record == NULL)
		return true;
	line = &record->line;
	line->len = 0;
	line->comma = false;
	clock_gettime(CLOCK_REALTIME, &now);
	par_json_object_begin(line);
	par_json_member_u64(line, "t",
			    (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000);
	par_json_member_string(line, "dir", par_str_of(dir));
	par_json_member_raw(line, "message", message);
	par_json_object_end(line);
	par_json_bytes(line, "\n", 1);
	if (line->failed)
		return false;
	do
		n = write(record->fd, par_json_text(line).s, line->len);
	while (n < 0 && errno == EINTR);
	return n == (ssize_t)line->len;
}
