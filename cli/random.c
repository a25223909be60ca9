/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Random bytes from getrandom(2). Masks need 4 bytes a frame, so small demands
 * are served from a block that one call filled; nothing of it is used twice.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "random.h"

static unsigned char pool[256]; /* getrandom never gives less than asked up to this size */
static size_t pool_used = sizeof(pool);

static void random_refill(void)
{
	ssize_t n;

	do
		n = getrandom(pool, sizeof(pool), 0);
	while (n < 0 && errno == EINTR);
	if (n != (ssize_t)sizeof(pool)) {
		perror("getrandom");
		abort();
	}
	pool_used = 0;
}

void random_fill(void *to, size_t len)
{
	unsigned char *at = to;

	while (len > 0) {
		size_t n;

		if (pool_used == sizeof(pool))
			random_refill();
		n = sizeof(pool) - pool_used;
		if (n > len)
			n = len;
		memcpy(at, pool + pool_used, n);
		pool_used += n;
		at += n;
		len -= n;
	}
}

uint32_t random_below(uint32_t limit)
{
	uint64_t wide;

	random_fill(&wide, sizeof(wide));
	return (uint32_t)(wide % limit);
}

void random_uuid(char to[RANDOM_UUID_SIZE])
{
	unsigned char b[16];

	random_fill(b, sizeof(b));
	b[6] = (unsigned char)((b[6] & 0x0f) | 0x40);
	b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
	snprintf(to, RANDOM_UUID_SIZE,
		 "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1],
		 b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14],
		 b[15]);
}
