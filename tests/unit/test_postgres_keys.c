/* SPDX-License-Identifier: BSD-2-Clause */
/* storage_postgres: what waits for what, by the chats, users and documents that it touches. */
#include <string.h>

#include "queue_world.h"

static void who_has_a_key_under_way_is_waited_for(void)
{
	struct work *first, *second;

	world_begin();
	add_append('a', "alice", "bob");
	first = world_take("a");
	add_append('b', "bob", "carol"); /* bob */
	add_append('c', "dave", "erin");
	add_event('d', "alice"); /* alice */
	second = world_take("c");
	world_take("");
	world_done(second);
	world_take("");
	world_done(first);
	world_done(world_take("bd"));
	world_end();
}

static void nobody_overtakes_who_waits(void)
{
	struct work *first;

	world_begin();
	add_event('a', "alice");
	first = world_take("a");
	add_append('b', "alice", "bob");
	add_event('c', "bob"); /* behind b, though bob is free */
	add_append('d', "bob", "carol");
	add_event('e', "carol");
	world_take("");
	world_done(first);
	world_done(world_take("bcde"));
	world_end();
}

static void a_query_waits_for_what_came_before(void)
{
	struct work *first, *second;

	world_begin();
	add_append('a', "alice", "bob");
	first = world_take("a");
	add_query('b', PAR_QUERY_EVENTS, "alice");
	add_query('c', PAR_QUERY_EVENTS, "carol");
	add_messages('d', "alice bob");
	add_messages('e', "alice carol");
	add_query('f', PAR_QUERY_CHATS, "bob");
	second = world_take("ce");
	world_done(first);
	world_done(world_take("bdf"));
	world_done(second);
	/* one that only waits stands before a query too */
	add_event('g', "alice");
	first = world_take("g");
	add_append('h', "alice", "bob");
	add_messages('i', "alice bob");
	world_take("");
	world_done(first);
	world_done(world_take("h"));
	world_done(world_take("i"));
	world_end();
}

static void what_came_after_a_query_waits_for_it(void)
{
	struct work *first, *second;

	world_begin();
	add_query('a', PAR_QUERY_EVENTS, "alice");
	add_query('b', PAR_QUERY_EVENTS, "alice");
	first = world_take("ab");
	add_event('c', "alice");
	add_event('d', "bob");
	add_query('e', PAR_QUERY_EVENTS, "alice"); /* behind c */
	add_query('f', PAR_QUERY_EVENTS, "bob");
	second = world_take("d");
	world_take("");
	add_query('g', PAR_QUERY_CHATS, "carol");
	add_event('h', "bob"); /* behind f, which waits for d */
	world_done(world_take("g"));
	world_done(second);
	world_done(world_take("f"));
	world_done(first);
	world_done(world_take("ch"));
	world_done(world_take("e"));
	world_end();
}

static void queries_do_not_wait_for_queries(void)
{
	struct work *first;

	world_begin();
	add_messages('a', "alice bob");
	first = world_take("a");
	add_messages('b', "alice bob");
	world_done(world_take("b"));
	world_done(first);
	world_end();
}

static void documents_are_their_own(void)
{
	struct work *first, *second, *third;

	world_begin();
	add_doc('a', PAR_OP_DOC_PUT, "typing", "x");
	first = world_take("a");
	add_doc('b', PAR_OP_DOC_DELETE, "typing", "x");
	add_doc('c', PAR_OP_DOC_PUT, "typing", "y");
	add_doc('d', PAR_OP_DOC_PUT, "other", "x");
	add_doc_query('e', PAR_QUERY_DOC_GET, "typing", "x");
	add_doc_query('f', PAR_QUERY_DOC_GET, "typing", "z");
	/* the same bytes, but for where the plugin's name ends */
	add_doc_query('g', PAR_QUERY_DOC_GET, "typin", "gx");
	second = world_take("cd");
	third = world_take("fg");
	world_done(first);
	world_done(second);
	world_done(third);
	world_done(world_take("b"));
	world_done(world_take("e"));
	world_end();
}

static void a_scan_waits_for_every_document_before_it(void)
{
	struct work *first, *second;

	world_begin();
	add_doc('a', PAR_OP_DOC_PUT, "typing", "x");
	first = world_take("a");
	add_doc_query('b', PAR_QUERY_DOC_SCAN, "typing", "");
	add_doc_query('c', PAR_QUERY_DOC_SCAN, "other", "");
	add_doc('d', PAR_OP_DOC_PUT, "typing", "y"); /* behind the scan */
	second = world_take("c");
	world_take("");
	world_done(second);
	world_done(first);
	first = world_take("b");
	world_take("");
	world_done(first);
	world_done(world_take("d"));
	world_end();
}

static void documents_by_keys_wait_for_these_alone(void)
{
	static const char *const keys[] = { "y", "x", "y", "z" };
	struct work *first, *second, *third;

	world_begin();
	add_doc('a', PAR_OP_DOC_PUT, "typing", "x");
	first = world_take("a");
	add_docs('b', "typing", keys, 3);
	add_docs('c', "typing", keys + 2, 2);
	add_docs('d', "other", keys, 3);
	add_docs('e', "typing", keys, 0);
	add_doc('f', PAR_OP_DOC_PUT, "typing", "y"); /* behind b and c */
	add_doc('g', PAR_OP_DOC_PUT, "typing", "w");
	second = world_take("cde");
	third = world_take("g");
	world_done(second);
	world_take("");
	world_done(first);
	first = world_take("b");
	world_take("");
	world_done(third);
	world_done(first);
	world_done(world_take("f"));
	world_end();
}

/* There is no room for each of them: the plugin's documents as a whole stand for them. */
static void documents_by_many_keys_wait_for_all(void)
{
	static char names[PAR_DOCS_MAX][8];
	const char *keys[PAR_DOCS_MAX];
	struct work *first, *second;
	unsigned i;

	for (i = 0; i < PAR_DOCS_MAX; i++) {
		snprintf(names[i], sizeof(names[i]), "k%u", i);
		keys[i] = names[i];
	}
	world_begin();
	add_doc('a', PAR_OP_DOC_PUT, "typing", "x");
	first = world_take("a");
	add_docs('b', "typing", keys, WORK_KEYS);
	add_docs('c', "typing", keys, WORK_KEYS + 1);
	add_docs('d', "typing", keys, PAR_DOCS_MAX);
	add_docs('e', "other", keys, PAR_DOCS_MAX);
	add_doc('f', PAR_OP_DOC_PUT, "typing", "y"); /* behind c */
	second = world_take("be");
	world_take("");
	world_done(first);
	first = world_take("cd");
	world_take("");
	world_done(first);
	world_done(world_take("f"));
	world_done(second);
	world_end();
}

/* What was handed back keeps its keys until it is released. */
static void keys_are_held_until_the_release(void)
{
	struct work *first;

	world_begin();
	add_event('a', "alice");
	first = world_take("a");
	first->tx = NULL;
	add_event('b', "alice");
	world_take("");
	world_done(first);
	world_done(world_take("b"));
	world_end();
}

/* A long name is a key like others. */
static void names_of_every_length(void)
{
	static char name[2][1000];
	struct work *first;
	unsigned len;

	world_begin();
	for (len = 1; len < sizeof(name[0]); len += 49) {
		memset(name, 'n', sizeof(name));
		name[0][len] = name[1][len] = '\0';
		name[1][len - 1] = 'm';
		add_event('a', name[0]);
		first = world_take("a");
		add_event('b', name[0]);
		add_event('c', name[1]);
		world_done(world_take("c"));
		world_done(first);
		world_done(world_take("b"));
	}
	world_end();
}

static const struct unit_test tests[] = {
	{ "who has a key under way is waited for", who_has_a_key_under_way_is_waited_for },
	{ "nobody overtakes who waits", nobody_overtakes_who_waits },
	{ "a query waits for what came before", a_query_waits_for_what_came_before },
	{ "what came after a query waits for it", what_came_after_a_query_waits_for_it },
	{ "queries do not wait for queries", queries_do_not_wait_for_queries },
	{ "documents are their own", documents_are_their_own },
	{ "a scan waits for every document before it", a_scan_waits_for_every_document_before_it },
	{ "documents by keys wait for these alone", documents_by_keys_wait_for_these_alone },
	{ "documents by many keys wait for all", documents_by_many_keys_wait_for_all },
	{ "keys are held until the release", keys_are_held_until_the_release },
	{ "names of every length", names_of_every_length },
	{ NULL, NULL },
};

int main(void)
{
	return unit_main("storage_postgres: keys", tests);
}
