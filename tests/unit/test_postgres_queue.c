/* SPDX-License-Identifier: BSD-2-Clause */
/* storage_postgres: what goes together, what waits, and for what. Works are told apart by a
 * letter, in tx->request or query->request; `take` gives the letters of a batch. */
#include <string.h>

#include "../../plugins/storage_postgres/queue.h"
#include "unit.h"

#define MOST 100

static struct queue queue;
static void *memory[20000];
static unsigned n_memory;

static void *keep(size_t size)
{
	CU_ASSERT_FATAL(n_memory < sizeof(memory) / sizeof(memory[0]));
	return memory[n_memory++] = calloc(1, size);
}

static void begin(void)
{
	queue_init(&queue);
}

/* Of works that were taken out. */
static void drop(struct work *works)
{
	struct work *next;

	for (; works != NULL; works = next) {
		next = works->next;
		queue_done(&queue, works);
	}
}

static void end(void)
{
	drop(queue_expire(&queue, UINT64_MAX));
	queue_free(&queue);
	while (n_memory > 0)
		free(memory[--n_memory]);
}

static struct par_tx *new_tx(char letter)
{
	struct par_tx *tx = keep(sizeof(*tx));

	tx->request = (par_request_id)letter;
	return tx;
}

static void add_append(char letter, const char *user, const char *peer)
{
	struct par_tx *tx = new_tx(letter);
	struct par_chat *chat = &par_tx_add(tx, PAR_OP_APPEND)->u.append.chat;
	char *key = keep(64);

	snprintf(key, 64, "%s %s", strcmp(user, peer) < 0 ? user : peer,
		 strcmp(user, peer) < 0 ? peer : user);
	chat->key = par_str_of(key);
	chat->user = par_str_of(user);
	chat->peer = par_str_of(peer);
	queue_add_tx(&queue, tx, 0);
}

static void add_event_at(char letter, const char *user, uint64_t tick)
{
	struct par_tx *tx = new_tx(letter);

	par_tx_add(tx, PAR_OP_EVENT)->u.event.user = par_str_of(user);
	queue_add_tx(&queue, tx, tick);
}

static void add_event(char letter, const char *user)
{
	add_event_at(letter, user, 0);
}

static void add_doc(char letter, enum par_op_kind kind, const char *plugin, const char *key)
{
	struct par_tx *tx = new_tx(letter);
	struct par_op_doc *doc = &par_tx_add(tx, kind)->u.doc;

	doc->plugin = par_str_of(plugin);
	doc->key = par_str_of(key);
	queue_add_tx(&queue, tx, 0);
}

static void add_prune(char letter)
{
	struct par_tx *tx = new_tx(letter);

	par_tx_add(tx, PAR_OP_PRUNE);
	queue_add_tx(&queue, tx, 0);
}

static struct par_query *new_query(char letter, enum par_query_kind kind)
{
	struct par_query *query = keep(sizeof(*query));

	query->request = (par_request_id)letter;
	query->kind = kind;
	return query;
}

static void add_query(char letter, enum par_query_kind kind, const char *user)
{
	struct par_query *query = new_query(letter, kind);

	query->user = par_str_of(user);
	queue_add_query(&queue, query, 0);
}

static void add_messages(char letter, const char *chat)
{
	struct par_query *query = new_query(letter, PAR_QUERY_MESSAGES);

	query->chat.key = par_str_of(chat);
	queue_add_query(&queue, query, 0);
}

static void add_doc_query(char letter, enum par_query_kind kind, const char *plugin,
			  const char *key)
{
	struct par_query *query = new_query(letter, kind);

	query->plugin = par_str_of(plugin);
	query->key = par_str_of(key);
	queue_add_query(&queue, query, 0);
}

static const char *letters(const struct work *works)
{
	static char text[MOST + 1];
	unsigned n = 0;

	for (; works != NULL; works = works->next)
		text[n++] = (char)(works->tx != NULL ? works->tx->request : works->query->request);
	text[n] = '\0';
	return text;
}

/* Takes a batch, which must be of these. */
static struct work *take(const char *expected)
{
	unsigned n;
	struct work *works = queue_take(&queue, MOST, &n);

	CU_ASSERT_STRING_EQUAL(letters(works), expected);
	CU_ASSERT_EQUAL(n, strlen(expected));
	return works;
}

static void done(struct work *works)
{
	queue_release(&queue, works);
	drop(works);
}

static void what_comes_goes_together(void)
{
	begin();
	take("");
	add_append('a', "alice", "bob");
	add_append('b', "alice", "bob");
	add_event('c', "carol");
	add_query('d', PAR_QUERY_DEVICE, "alice");
	CU_ASSERT_EQUAL(queue.waiting, 4);
	done(take("abcd"));
	CU_ASSERT_EQUAL(queue.waiting, 0);
	take("");
	end();
}

static void no_more_than_asked_for(void)
{
	struct work *first;
	unsigned n;

	begin();
	add_event('a', "alice");
	add_event('b', "bob");
	add_event('c', "alice");
	first = queue_take(&queue, 2, &n);
	CU_ASSERT_EQUAL(n, 2);
	take("");
	done(first);
	done(take("c"));
	end();
}

static void who_has_a_key_under_way_is_waited_for(void)
{
	struct work *first, *second;

	begin();
	add_append('a', "alice", "bob");
	first = take("a");
	add_append('b', "bob", "carol"); /* bob */
	add_append('c', "dave", "erin");
	add_event('d', "alice"); /* alice */
	second = take("c");
	take("");
	done(second);
	take("");
	done(first);
	done(take("bd"));
	end();
}

static void nobody_overtakes_who_waits(void)
{
	struct work *first;

	begin();
	add_event('a', "alice");
	first = take("a");
	add_append('b', "alice", "bob");
	add_event('c', "bob"); /* behind b, though bob is free */
	add_append('d', "bob", "carol");
	add_event('e', "carol");
	take("");
	done(first);
	done(take("bcde"));
	end();
}

static void a_batch_is_of_one_kind(void)
{
	begin();
	add_event('a', "alice");
	add_query('b', PAR_QUERY_EVENTS, "bob");
	add_event('c', "carol");
	add_query('d', PAR_QUERY_CHATS, "dave");
	done(take("ac"));
	done(take("bd"));
	end();
}

static void a_query_waits_for_what_came_before(void)
{
	struct work *first, *second;

	begin();
	add_append('a', "alice", "bob");
	first = take("a");
	add_query('b', PAR_QUERY_EVENTS, "alice");
	add_query('c', PAR_QUERY_EVENTS, "carol");
	add_messages('d', "alice bob");
	add_messages('e', "alice carol");
	add_query('f', PAR_QUERY_CHATS, "bob");
	second = take("ce");
	done(first);
	done(take("bdf"));
	done(second);
	/* one that only waits stands before a query too */
	add_event('g', "alice");
	first = take("g");
	add_append('h', "alice", "bob");
	add_messages('i', "alice bob");
	take("");
	done(first);
	done(take("h"));
	done(take("i"));
	end();
}

static void what_came_after_a_query_waits_for_it(void)
{
	struct work *first, *second;

	begin();
	add_query('a', PAR_QUERY_EVENTS, "alice");
	add_query('b', PAR_QUERY_EVENTS, "alice");
	first = take("ab");
	add_event('c', "alice");
	add_event('d', "bob");
	add_query('e', PAR_QUERY_EVENTS, "alice"); /* behind c */
	add_query('f', PAR_QUERY_EVENTS, "bob");
	second = take("d");
	take("");
	add_query('g', PAR_QUERY_CHATS, "carol");
	add_event('h', "bob"); /* behind f, which waits for d */
	done(take("g"));
	done(second);
	done(take("f"));
	done(first);
	done(take("ch"));
	done(take("e"));
	end();
}

static void queries_do_not_wait_for_queries(void)
{
	struct work *first;

	begin();
	add_messages('a', "alice bob");
	first = take("a");
	add_messages('b', "alice bob");
	done(take("b"));
	done(first);
	end();
}

static void documents_are_their_own(void)
{
	struct work *first, *second, *third;

	begin();
	add_doc('a', PAR_OP_DOC_PUT, "typing", "x");
	first = take("a");
	add_doc('b', PAR_OP_DOC_DELETE, "typing", "x");
	add_doc('c', PAR_OP_DOC_PUT, "typing", "y");
	add_doc('d', PAR_OP_DOC_PUT, "other", "x");
	add_doc_query('e', PAR_QUERY_DOC_GET, "typing", "x");
	add_doc_query('f', PAR_QUERY_DOC_GET, "typing", "z");
	/* the same bytes, but for where the plugin's name ends */
	add_doc_query('g', PAR_QUERY_DOC_GET, "typin", "gx");
	second = take("cd");
	third = take("fg");
	done(first);
	done(second);
	done(third);
	done(take("b"));
	done(take("e"));
	end();
}

static void a_scan_waits_for_every_document_before_it(void)
{
	struct work *first, *second;

	begin();
	add_doc('a', PAR_OP_DOC_PUT, "typing", "x");
	first = take("a");
	add_doc_query('b', PAR_QUERY_DOC_SCAN, "typing", "");
	add_doc_query('c', PAR_QUERY_DOC_SCAN, "other", "");
	add_doc('d', PAR_OP_DOC_PUT, "typing", "y"); /* behind the scan */
	second = take("c");
	take("");
	done(second);
	done(first);
	first = take("b");
	take("");
	done(first);
	done(take("d"));
	end();
}

static void a_prune_waits_and_goes_alone(void)
{
	struct work *first, *second;

	begin();
	add_event('a', "alice");
	add_query('b', PAR_QUERY_EVENTS, "bob");
	first = take("a");
	add_prune('c');
	add_prune('d');
	add_event('e', "erin");
	second = take("b");
	take("");
	done(first);
	take("");
	done(second);
	first = take("c");
	add_query('f', PAR_QUERY_EVENTS, "frank");
	take("");
	done(first);
	done(take("d"));
	done(take("e"));
	done(take("f"));
	end();
}

static void what_comes_back_is_the_first_again(void)
{
	struct work *first;

	begin();
	add_event('a', "alice");
	add_event('b', "bob");
	add_event('c', "alice");
	first = take("abc");
	add_event('d', "bob");
	take("");
	queue_return(&queue, first);
	CU_ASSERT_EQUAL(queue.waiting, 4);
	first = take("abcd");
	queue_return(&queue, first);
	queue_return(&queue, NULL);
	add_event('e', "erin");
	done(take("abcde"));
	end();
}

static void who_is_to_be_alone_is_alone(void)
{
	struct work *works, *work, *second;

	begin();
	add_event('a', "alice");
	add_event('b', "alice");
	add_event('c', "carol");
	works = take("abc");
	for (work = works; work != NULL; work = work->next)
		work->alone = true;
	queue_return(&queue, works);
	add_event('d', "dave");
	add_event('e', "alice");
	works = take("a");
	work = take("c");
	second = take("d");
	queue_return(&queue, work);
	queue_return(&queue, second); /* d, which may go with others, is before c */
	second = take("d");
	done(take("c"));
	done(second);
	done(works);
	done(take("b"));
	done(take("e"));
	end();
}

static void what_waits_too_long_is_taken_out(void)
{
	struct work *first, *expired;

	begin();
	add_event_at('a', "alice", 1);
	first = take("a");
	add_event_at('b', "alice", 2);
	add_event_at('c', "carol", 4);
	add_event_at('d', "alice", 3);
	add_event_at('e', "alice", 5);
	expired = queue_expire(&queue, 3);
	CU_ASSERT_STRING_EQUAL(letters(expired), "bd");
	drop(expired);
	CU_ASSERT_EQUAL(queue.waiting, 2);
	done(take("c"));
	done(first);
	done(take("e"));
	end();
}

static void what_writes_is_taken_out(void)
{
	struct work *expired;

	begin();
	add_event('a', "alice");
	add_query('b', PAR_QUERY_EVENTS, "alice");
	add_query('c', PAR_QUERY_DEVICE, "alice");
	add_prune('d');
	expired = queue_expire_writes(&queue);
	CU_ASSERT_STRING_EQUAL(letters(expired), "acd");
	drop(expired);
	done(take("b"));
	end();
}

/* What was handed back keeps its keys until it is released. */
static void keys_are_held_until_the_release(void)
{
	struct work *first;

	begin();
	add_event('a', "alice");
	first = take("a");
	first->tx = NULL;
	add_event('b', "alice");
	take("");
	done(first);
	done(take("b"));
	end();
}

static void a_look_goes_no_further_than_that(void)
{
	struct work *first, *second;
	unsigned i;

	begin();
	add_event('a', "alice");
	first = take("a");
	for (i = 0; i < QUEUE_LOOK - 1; i++)
		add_event('b', "alice");
	add_event('c', "carol");
	second = take("c");
	add_event('b', "alice");
	add_event('d', "dave");
	take("");
	done(second);
	take("");
	drop(queue_expire(&queue, 0));
	add_event('e', "erin");
	done(take("e"));
	done(first);
	end();
}

/* A long name is a key like others. */
static void names_of_every_length(void)
{
	static char name[2][1000];
	struct work *first;
	unsigned len;

	begin();
	for (len = 1; len < sizeof(name[0]); len += 49) {
		memset(name, 'n', sizeof(name));
		name[0][len] = name[1][len] = '\0';
		name[1][len - 1] = 'm';
		add_event('a', name[0]);
		first = take("a");
		add_event('b', name[0]);
		add_event('c', name[1]);
		done(take("c"));
		done(first);
		done(take("b"));
	}
	end();
}

static const struct unit_test tests[] = {
	{ "what comes goes together", what_comes_goes_together },
	{ "no more than asked for", no_more_than_asked_for },
	{ "who has a key under way is waited for", who_has_a_key_under_way_is_waited_for },
	{ "nobody overtakes who waits", nobody_overtakes_who_waits },
	{ "a batch is of one kind", a_batch_is_of_one_kind },
	{ "a query waits for what came before", a_query_waits_for_what_came_before },
	{ "what came after a query waits for it", what_came_after_a_query_waits_for_it },
	{ "queries do not wait for queries", queries_do_not_wait_for_queries },
	{ "documents are their own", documents_are_their_own },
	{ "a scan waits for every document before it", a_scan_waits_for_every_document_before_it },
	{ "a prune waits and goes alone", a_prune_waits_and_goes_alone },
	{ "what comes back is the first again", what_comes_back_is_the_first_again },
	{ "who is to be alone is alone", who_is_to_be_alone_is_alone },
	{ "what waits too long is taken out", what_waits_too_long_is_taken_out },
	{ "what writes is taken out", what_writes_is_taken_out },
	{ "keys are held until the release", keys_are_held_until_the_release },
	{ "a look goes no further than that", a_look_goes_no_further_than_that },
	{ "names of every length", names_of_every_length },
	{ NULL, NULL },
};

int main(void)
{
	return unit_main("storage_postgres: queue", tests);
}
