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
#include "random.h"
#include "record.h"

struct record {
	int fd;
	struct par_json line;
	char conn[RANDOM_UUID_SIZE]; /* a name that no other connection has */
};

struct record *record_open(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	struct record *record;

	if (fd < 0)
		return NULL;
	record = mem_alloc(sizeof(*record));
	record->fd = fd;
	record->conn[0] = '\0';
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

static struct par_json *record_begin(struct record *record, const char *dir)
{
	struct par_json *line = &record->line;
	struct timespec now;

	par_json_reset(line);
	clock_gettime(CLOCK_REALTIME, &now);
	par_json_object_begin(line);
	par_json_member_u64(line, "t",
			    (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000);
	par_json_member_string(line, "dir", par_str_of(dir));
	par_json_member_string(line, "conn", par_str_of(record->conn));
	return line;
}

static bool record_end(struct record *record)
{
	struct par_json *line = &record->line;
	ssize_t n;

	par_json_object_end(line);
	par_json_bytes(line, "\n", 1);
	if (line->failed)
		return false;
	do
		n = write(record->fd, par_json_text(line).s, line->len);
	while (n < 0 && errno == EINTR);
	return n == (ssize_t)line->len;
}

bool record_connected(struct record *record, const char *user, const char *device)
{
	struct par_json *line;

	if (record == NULL)
		return true;
	random_uuid(record->conn);
	line = record_begin(record, "open");
	par_json_member_string(line, "user", par_str_of(user));
	if (device != NULL)
		par_json_member_string(line, "device", par_str_of(device));
	return record_end(record);
}

bool record_disconnected(struct record *record)
{
	if (record == NULL)
		return true;
	record_begin(record, "close");
	return record_end(record);
}

bool record_message(struct record *record, const char *dir, struct par_str message)
{
	if (record == NULL)
		return true;
	par_json_member_raw(record_begin(record, dir), "message", message);
	return record_end(record);
}
