/* SPDX-License-Identifier: BSD-2-Clause */
/* The world of the tests of the queue; see queue_world.h. */
#include "queue_world.h"

#include <string.h>

#define MOST 100

struct queue world_queue;
static void *memory[20000];
static unsigned n_memory;

static void *keep(size_t size)
{
	CU_ASSERT_FATAL(n_memory < sizeof(memory) / sizeof(memory[0]));
	return memory[n_memory++] = calloc(1, size);
}

void world_begin(void)
{
	queue_init(&world_queue);
}

void world_drop(struct work *works)
{
	struct work *next;

	for (; works != NULL; works = next) {
		next = works->next;
		queue_done(&world_queue, works);
	}
}

void world_end(void)
{
	world_drop(queue_expire(&world_queue, UINT64_MAX));
	queue_free(&world_queue);
	while (n_memory > 0)
		free(memory[--n_memory]);
}

static struct par_tx *new_tx(char letter)
{
	struct par_tx *tx = keep(sizeof(*tx));

	tx->request = (par_request_id)letter;
	return tx;
}

void add_append(char letter, const char *user, const char *peer)
{
	struct par_tx *tx = new_tx(letter);
	struct par_chat *chat = &par_tx_add(tx, PAR_OP_APPEND)->u.append.chat;
	char *key = keep(64);

	snprintf(key, 64, "%s %s", strcmp(user, peer) < 0 ? user : peer,
		 strcmp(user, peer) < 0 ? peer : user);
	chat->key = par_str_of(key);
	chat->user = par_str_of(user);
	chat->peer = par_str_of(peer);
	queue_add_tx(&world_queue, tx, 0);
}

void add_event_at(char letter, const char *user, uint64_t tick)
{
	struct par_tx *tx = new_tx(letter);

	par_tx_add(tx, PAR_OP_EVENT)->u.event.user = par_str_of(user);
	queue_add_tx(&world_queue, tx, tick);
}

void add_event(char letter, const char *user)
{
	add_event_at(letter, user, 0);
}

void add_doc(char letter, enum par_op_kind kind, const char *plugin, const char *key)
{
	struct par_tx *tx = new_tx(letter);
	struct par_op_doc *doc = &par_tx_add(tx, kind)->u.doc;

	doc->plugin = par_str_of(plugin);
	doc->key = par_str_of(key);
	queue_add_tx(&world_queue, tx, 0);
}

void add_prune(char letter)
{
	struct par_tx *tx = new_tx(letter);

	par_tx_add(tx, PAR_OP_PRUNE);
	queue_add_tx(&world_queue, tx, 0);
}

static struct par_query *new_query(char letter, enum par_query_kind kind)
{
	struct par_query *query = keep(sizeof(*query));

	query->request = (par_request_id)letter;
	query->kind = kind;
	return query;
}

void add_query(char letter, enum par_query_kind kind, const char *user)
{
	struct par_query *query = new_query(letter, kind);

	query->user = par_str_of(user);
	queue_add_query(&world_queue, query, 0);
}

void add_messages(char letter, const char *chat)
{
	struct par_query *query = new_query(letter, PAR_QUERY_MESSAGES);

	query->chat.key = par_str_of(chat);
	queue_add_query(&world_queue, query, 0);
}

void add_doc_query(char letter, enum par_query_kind kind, const char *plugin, const char *key)
{
	struct par_query *query = new_query(letter, kind);

	query->plugin = par_str_of(plugin);
	query->key = par_str_of(key);
	queue_add_query(&world_queue, query, 0);
}

void add_docs(char letter, const char *plugin, const char *const *keys, unsigned n)
{
	struct par_query *query = new_query(letter, PAR_QUERY_DOCS);
	struct par_str *copy = keep(n * sizeof(*copy) + 1);
	unsigned i;

	for (i = 0; i < n; i++)
		copy[i] = par_str_of(keys[i]);
	query->plugin = par_str_of(plugin);
	query->keys = copy;
	query->n_keys = n;
	queue_add_query(&world_queue, query, 0);
}

const char *world_letters(const struct work *works)
{
	static char text[MOST + 1];
	unsigned n = 0;

	for (; works != NULL; works = works->next)
		text[n++] = (char)(works->tx != NULL ? works->tx->request : works->query->request);
	text[n] = '\0';
	return text;
}

struct work *world_take(const char *expected)
{
	unsigned n;
	struct work *works = queue_take(&world_queue, MOST, &n);

	CU_ASSERT_STRING_EQUAL(world_letters(works), expected);
	CU_ASSERT_EQUAL(n, strlen(expected));
	return works;
}

void world_done(struct work *works)
{
	queue_release(&world_queue, works);
	world_drop(works);
}
