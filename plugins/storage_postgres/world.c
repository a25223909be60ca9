/* SPDX-License-Identifier: BSD-2-Clause */
/* The memory of a world. It grows with what the batch is about, and goes with it. */
#include <stdlib.h>
#include <string.h>

#include "world.h"

#define CHUNK 16000 /* bytes; a batch of a few works needs one */

static void *chunk_new(size_t size)
{
	void *chunk = malloc(size);

	if (chunk == NULL)
		abort();
	return chunk;
}

#define obstack_chunk_alloc chunk_new
#define obstack_chunk_free free

void *world_alloc(struct world *w, size_t size)
{
	return memset(obstack_alloc(&w->memory, size), 0, size);
}

void list_add(struct world *w, struct list *list, void *item)
{
	if (list->n == list->cap) {
		size_t cap = list->cap == 0 ? 16 : list->cap * 2;
		void **of = obstack_alloc(&w->memory, cap * sizeof(*of));

		if (list->n > 0)
			memcpy(of, list->of, list->n * sizeof(*of));
		list->of = of;
		list->cap = cap;
	}
	list->of[list->n++] = item;
}

struct member *world_member(struct world *w, struct chat *chat)
{
	if (chat->n_members == chat->cap_members) {
		struct member *more;

		chat->cap_members *= 2;
		more = obstack_alloc(&w->memory, chat->cap_members * sizeof(*more));
		memcpy(more, chat->members, chat->n_members * sizeof(*more));
		chat->members = more;
	}
	return memset(&chat->members[chat->n_members++], 0, sizeof(struct member));
}

struct par_json *world_writer(struct world *w)
{
	if (w->writer.failed)
		par_json_free(&w->writer);
	par_json_reset(&w->writer);
	return &w->writer;
}

struct par_str world_tx_copy(struct world *w, struct par_tx *tx, struct par_str s)
{
	if (s.s != NULL)
		s.s = memcpy(w->api->tx_alloc(tx, s.len + 1), s.s, s.len);
	return s;
}

static void devices_free(struct device *device)
{
	for (; device != NULL; device = device->next)
		free(device->cursor.above);
}

/* All that is not in the arena. */
static void world_empty(struct world *w)
{
	struct user *user;

	for (user = w->users; user != NULL; user = user->hh.next) {
		devices_free(user->devices);
		devices_free(user->forgotten);
	}
	HASH_CLEAR(hh, w->chats);
	HASH_CLEAR(hh, w->users);
	HASH_CLEAR(hh, w->sents);
	HASH_CLEAR(hh, w->messages);
	HASH_CLEAR(hh, w->docs);
	obstack_free(&w->memory, NULL);
}

static void world_begin(struct world *w)
{
	obstack_begin(&w->memory, CHUNK);
	w->added_end = &w->added;
	w->changed_end = &w->changed;
	w->events_end = &w->events;
	w->shared_end = &w->shared;
	w->fresh = true;
	world_index(w);
}

struct world *world_new(struct batch *batch)
{
	struct world *w = calloc(1, sizeof(*w));

	if (w == NULL)
		abort();
	w->refused = calloc(batch->n, sizeof(*w->refused));
	if (w->refused == NULL)
		abort();
	w->batch = batch;
	w->api = batch->pg->api;
	par_json_init(&w->writer);
	world_begin(w);
	return w;
}

void world_again(struct world *w)
{
	struct world kept = { .batch = w->batch,
			      .api = w->api,
			      .writer = w->writer,
			      .made = w->made,
			      .refused = w->refused,
			      .n_asked = w->n_asked };

	memcpy(kept.asked, w->asked, sizeof(kept.asked));
	world_empty(w);
	*w = kept;
	world_begin(w);
}

void world_free(struct world *w)
{
	if (w == NULL)
		return;
	world_empty(w);
	par_json_free(&w->writer);
	free(w->refused);
	free(w);
}
