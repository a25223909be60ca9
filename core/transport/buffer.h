/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A run of bytes that grows at its end, is used up at its front, and vanishes
 * when it is empty: an empty one is NULL and costs its owner one pointer. Each
 * growth names its maximum.
 */
#ifndef PARLANCE_BUFFER_H
#define PARLANCE_BUFFER_H

#include <stdbool.h>
#include <stddef.h>

struct buffer {
	size_t start; /* of what is not used up yet */
	size_t len;
	size_t cap; /* of bytes[] */
	char bytes[];
};

static inline char *buffer_at(struct buffer *buffer)
{
	return buffer->bytes + buffer->start;
}

static inline size_t buffer_len(const struct buffer *buffer)
{
	return buffer == NULL ? 0 : buffer->len;
}

/* Room for `more` bytes at buffer_at() + len; growing is by doubling, so it
 * moves what is there. False, and nothing changed, when the whole would pass
 * `max` or when there is no memory. */
bool buffer_reserve(struct buffer **buffer, size_t more, size_t max);
/* The same, with the bytes put there. */
bool buffer_append(struct buffer **buffer, const void *bytes, size_t len, size_t max);
/* Uses up the first `len` bytes; frees and nulls what is empty then. */
void buffer_take(struct buffer **buffer, size_t len);
void buffer_free(struct buffer **buffer);

#endif
