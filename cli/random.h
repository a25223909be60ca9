/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Random bytes from the kernel: for masks, handshake keys, the jitter of
 * reconnects, and the prefix of a run's clientMessageIds. Aborts when the
 * kernel has none, which it does only when the program may not ask.
 */
#ifndef PARLANCE_CLI_RANDOM_H
#define PARLANCE_CLI_RANDOM_H

#include <stddef.h>
#include <stdint.h>

void random_fill(void *to, size_t len);
/* Between 0 and limit - 1. */
uint32_t random_below(uint32_t limit);

#define RANDOM_UUID_SIZE 37
/* A UUID of version 4 (RFC 9562), NUL-terminated. */
void random_uuid(char to[RANDOM_UUID_SIZE]);

#endif
