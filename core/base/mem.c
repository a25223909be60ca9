/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Allocation that aborts instead of returning NULL, and the arena. Called on
 * every thread; an arena is its owner's alone. An arena's block is sized for
 * what one message needs, so that most messages cost one malloc; what does not
 * fit into a block gets a block of its own.
 */
#include "base/mem.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ARENA_BLOCK 4096

struct arena_block {
	struct arena_block *next;
	alignas(max_align_t) char bytes[];
};

static void *mem_check(void *p)
{
	static const char text[] = "parlance: out of memory\n";
	ssize_t ignored;

	if (p == NULL) {
		ignored = write(STDERR_FILENO, text, sizeof(text) - 1);
		(void)ignored;
		abort();
	}
	return p;
}

void *mem_alloc(size_t size)
{
	return mem_check(malloc(size == 0 ? 1 : size));
}

void *mem_zalloc(size_t size)
{
	return mem_check(calloc(1, size == 0 ? 1 : size));
}

void *mem_realloc(void *p, size_t size)
{
	return mem_check(realloc(p, size == 0 ? 1 : size));
}

char *mem_strdup(const char *s)
{
	return mem_strndup(s, strlen(s));
}

char *mem_strndup(const char *s, size_t len)
{
	char *copy;

	len = strnlen(s, len);
	copy = (char *)mem_alloc(len + 1);
	memcpy(copy, s, len);
	copy[len] = '\0';
	return copy;
}

void *arena_alloc(struct arena *arena, size_t size)
{
	const size_t align = alignof(max_align_t);
	struct arena_block *block;
	void *p;

	if (size > SIZE_MAX - sizeof(*block) - align)
		mem_check(NULL);
	size = ((size == 0 ? 1 : size) + align - 1) & ~(align - 1);
	if (size <= arena->left) {
		p = arena->at;
		arena->at += size;
		arena->left -= size;
		return p;
	}
	block = (struct arena_block *)mem_alloc(sizeof(*block) +
						(size > ARENA_BLOCK / 4 ? size : ARENA_BLOCK));
	block->next = arena->blocks;
	arena->blocks = block;
	if (size <= ARENA_BLOCK / 4) {
		arena->at = block->bytes + size;
		arena->left = ARENA_BLOCK - size;
	}
	return block->bytes;
}

void arena_free(struct arena *arena)
{
	struct arena_block *block = arena->blocks, *next;

	for (; block != NULL; block = next) {
		next = block->next;
		free(block);
	}
	memset(arena, 0, sizeof(*arena));
}
