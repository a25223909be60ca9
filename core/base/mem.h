/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Small allocations that abort when they fail: a server that cannot get some
 * hundred bytes cannot do anything sensible any more. Sizes that come from the
 * network are bounded before they get here.
 */
#ifndef PARLANCE_MEM_H
#define PARLANCE_MEM_H

#include <stddef.h>

void *mem_alloc(size_t size);
void *mem_zalloc(size_t size);
void *mem_realloc(void *p, size_t size);
char *mem_strdup(const char *s);
char *mem_strndup(const char *s, size_t len);

/* An arena: allocations that are freed together. Never NULL. Not shared
 * between threads at one time. */
struct arena_block;
struct arena {
	struct arena_block *blocks;
	char *at;
	size_t left;
};
void *arena_alloc(struct arena *arena, size_t size);
void arena_free(struct arena *arena);

#endif
