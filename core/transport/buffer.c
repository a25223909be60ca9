/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The buffers of connections that could not finish: half a frame received,
 * half a message assembled, bytes that the socket did not take. Used on I/O
 * threads; a buffer belongs to one connection.
 *
 * Their sizes come from the network, so unlike the rest of the server they
 * report it when memory is short, and the connection pays.
 */
#include "transport/buffer.h"

#include <stdlib.h>
#include <string.h>

#define BUFFER_MIN 512

static void buffer_compact(struct buffer *buffer)
{
	if (buffer->start > 0) {
		memmove(buffer->bytes, buffer->bytes + buffer->start, buffer->len);
		buffer->start = 0;
	}
}

/* The next power of two that holds `need`, but no more than `max`. */
static size_t buffer_size(size_t need, size_t max)
{
	size_t cap = BUFFER_MIN;

	while (cap < need)
		cap = cap > max / 2 ? max : cap * 2;
	return cap < max ? cap : max;
}

bool buffer_reserve(struct buffer **buffer, size_t more, size_t max)
{
	size_t len = buffer_len(*buffer);
	size_t cap;
	struct buffer *grown;

	if (len > max || more > max - len)
		return false;
	if (*buffer != NULL && (*buffer)->cap - (*buffer)->start - len >= more)
		return true;
	if (*buffer != NULL)
		buffer_compact(*buffer);
	if (*buffer != NULL && (*buffer)->cap - len >= more)
		return true;
	cap = buffer_size(len + more, max);
	grown = realloc(*buffer, sizeof(*grown) + cap);
	if (grown == NULL)
		return false;
	if (*buffer == NULL)
		grown->start = grown->len = 0;
	grown->cap = cap;
	*buffer = grown;
	return true;
}

bool buffer_append(struct buffer **buffer, const void *bytes, size_t len, size_t max)
{
	if (len == 0)
		return true;
	if (!buffer_reserve(buffer, len, max))
		return false;
	memcpy(buffer_at(*buffer) + (*buffer)->len, bytes, len);
	(*buffer)->len += len;
	return true;
}

void buffer_take(struct buffer **buffer, size_t len)
{
	if (*buffer == NULL)
		return;
	(*buffer)->start += len;
	(*buffer)->len -= len;
	if ((*buffer)->len == 0)
		buffer_free(buffer);
}

void buffer_free(struct buffer **buffer)
{
	free(*buffer);
	*buffer = NULL;
}
