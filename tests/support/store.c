/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The storage that a test works with: its folder, its config, opening it and
 * closing it. store_tx.c and store_query.c have the words for using it.
 */
#include <ftw.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store_pending.h"

void store_die(const char *what, const char *why)
{
	fprintf(stderr, "store: %s: %s\n", what, why);
	abort();
}

char *store_format(struct store *s, const char *format, ...)
{
	char text[4096];
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (len < 0 || (size_t)len >= sizeof(text))
		store_die("too long", format);
	return memcpy(arena_alloc(&s->arena, (size_t)len + 1), text, (size_t)len + 1);
}

static const char *fill_in(struct store *s, const char *text)
{
	const char *name = strrchr(s->dir, '-') + 1, *at;

	while ((at = strstr(text, "@DIR@")) != NULL)
		text = store_format(s, "%.*s%s%s", (int)(at - text), text, s->dir, at + 5);
	while ((at = strstr(text, "@NAME@")) != NULL)
		text = store_format(s, "%.*s%s%s", (int)(at - text), text, name, at + 6);
	return text;
}

void store_folder(struct store *s)
{
	const char *tmp = getenv("TMPDIR");

	snprintf(s->dir, sizeof(s->dir), "%s/store-XXXXXX",
		 tmp != NULL && strlen(tmp) < 96 ? tmp : "/tmp");
	if (mkdtemp(s->dir) == NULL)
		store_die("mkdtemp", s->dir);
	if (s->prepare != NULL && system(fill_in(s, s->prepare)) != 0)
		store_die("failed", s->prepare);
}

const char *store_config(struct store *s)
{
	return fill_in(s, s->config);
}

/* `now` 0: the clock begins where it begins. */
static void open_at(struct store *s, uint64_t now)
{
	store_shut(s);
	s->host = host_new();
	if (now != 0)
		s->host->now = now;
	s->plugin = host_load(s->host, s->object, store_config(s));
	if (s->plugin == NULL)
		store_die(s->object, s->host->error);
	if (!host_start(s->plugin))
		store_die(s->object, s->host->error);
}

void store_reopen(struct store *s)
{
	open_at(s, 0);
}

void store_restart(struct store *s)
{
	open_at(s, s->host->now);
}

void store_open_fresh(struct store *s)
{
	store_folder(s);
	store_reopen(s);
}

void store_open(struct store *s, const char *object, const char *config)
{
	memset(s, 0, sizeof(*s));
	s->object = object;
	s->config = config;
	store_open_fresh(s);
}

void store_shut(struct store *s)
{
	host_free(&s->host);
	s->plugin = NULL;
}

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *at)
{
	(void)info;
	(void)type;
	(void)at;
	return remove(path);
}

void store_close(struct store *s)
{
	store_shut(s);
	nftw(s->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	arena_free(&s->arena);
}

const char *store_keep(struct store *s, struct par_str text)
{
	char *copy;

	if (text.s == NULL)
		return NULL;
	copy = arena_alloc(&s->arena, text.len + 1);
	memcpy(copy, text.s, text.len);
	copy[text.len] = '\0';
	return copy;
}

struct store_pending *store_pending_new(struct store *s)
{
	struct store_pending *p = arena_alloc(&s->arena, sizeof(*p));

	memset(p, 0, sizeof(*p));
	p->store = s;
	return p;
}

bool str_is(struct par_str a, const char *b)
{
	return b == NULL ? a.s == NULL : a.s != NULL && par_str_equal(a, par_str_of(b));
}

bool text_is(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}
