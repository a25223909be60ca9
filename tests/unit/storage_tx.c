/* SPDX-License-Identifier: BSD-2-Clause */
/* The storage test: transactions as a whole, batches, documents, restarts. */
#include <string.h>

#include "storage_test.h"

static struct outcome *put(const char *plugin, const char *key, const char *value)
{
	struct par_tx *tx = store_tx(&store);

	add_doc(tx, PAR_OP_DOC_PUT, plugin, key, value);
	return store_run(&store, tx);
}

static const char *get(const char *plugin, const char *key)
{
	struct par_query *q = store_query(&store, PAR_QUERY_DOC_GET, "");
	struct page *page;

	q->plugin = par_str_of(plugin);
	q->key = par_str_of(key);
	page = store_run_query(&store, q);
	return page->n == 0 ? NULL : page->docs[0].value.s;
}

void test_docs(void)
{
	struct par_tx *tx;

	CU_ASSERT_PTR_NULL(get("p", "k"));
	CU_ASSERT(put("p", "k", "1")->op[0].applied);
	CU_ASSERT(text_is(get("p", "k"), "1"));
	put("p", "k", "");
	CU_ASSERT(text_is(get("p", "k"), ""));
	put("q", "k", "other");
	CU_ASSERT(text_is(get("p", "k"), ""));
	tx = store_tx(&store);
	add_doc(tx, PAR_OP_DOC_DELETE, "p", "k", NULL);
	add_doc(tx, PAR_OP_DOC_DELETE, "p", "k", NULL);
	CU_ASSERT(store_run(&store, tx)->op[0].applied);
	CU_ASSERT_PTR_NULL(get("p", "k"));
	CU_ASSERT(text_is(get("q", "k"), "other"));
	tx = store_tx(&store);
	add_doc(tx, PAR_OP_DOC_DELETE, "p", "k", NULL);
	CU_ASSERT_FALSE(store_run(&store, tx)->op[0].applied);
}

static struct page *scan(const char *prefix, const char *after, unsigned limit, size_t max_bytes)
{
	struct par_query *q = store_query(&store, PAR_QUERY_DOC_SCAN, "");

	q->plugin = par_str_of("p");
	q->key = par_str_of(prefix);
	q->after_key = par_str_of(after);
	q->limit = limit;
	q->max_bytes = max_bytes;
	return store_run_query(&store, q);
}

static bool scan_is(const struct page *page, const char *keys, bool has_more)
{
	char text[256] = "";
	unsigned i;

	for (i = 0; i < page->n; i++) {
		strcat(text, page->docs[i].key.s);
		strcat(text, " ");
	}
	return strcmp(text, keys) == 0 && page->has_more == has_more;
}

void test_docs_scan(void)
{
	static const char *const keys[] = { "b/2", "a", "b/1", "b", "c", "b/\xc3\xa9", "b0" };
	unsigned i;

	for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		put("p", keys[i], "12345");
	put("o", "b/0", "12345");
	put("q", "b/3", "12345");
	CU_ASSERT(scan_is(scan("b/", NULL, 9, 999), "b/1 b/2 b/\xc3\xa9 ", false));
	CU_ASSERT(scan_is(scan("", NULL, 9, 999), "a b b/1 b/2 b/\xc3\xa9 b0 c ", false));
	CU_ASSERT(scan_is(scan(NULL, NULL, 2, 999), "a b ", true));
	CU_ASSERT(scan_is(scan("b", NULL, 2, 999), "b b/1 ", true));
	CU_ASSERT(scan_is(scan("b", "b/1", 2, 999), "b/2 b/\xc3\xa9 ", true));
	CU_ASSERT(scan_is(scan("b", "b/\xc3\xa9", 2, 999), "b0 ", false));
	CU_ASSERT(scan_is(scan("b", "a", 1, 999), "b ", true));
	CU_ASSERT(scan_is(scan("b", "c", 9, 999), "", false));
	CU_ASSERT(scan_is(scan("b/", NULL, 9, 16), "b/1 b/2 ", true));
	CU_ASSERT(scan_is(scan("b/", NULL, 9, 1), "b/1 ", true));
}

void test_tx_is_atomic(void)
{
	struct par_tx *tx;
	struct outcome *out;

	do_append(&store, "alice", "bob", "c1", "one");
	tx = store_tx(&store);
	add_event(&store, tx, "bob", "{}");
	add_doc(tx, PAR_OP_DOC_PUT, "p", "k", "v");
	add_append(&store, tx, "alice", "bob", "c2", "two");
	add_append(&store, tx, "alice", "bob", "c1", "reused");
	out = store_run(&store, tx);
	CU_ASSERT_EQUAL(out->error, PAR_E_CONFLICT);
	CU_ASSERT_FALSE(out->op[0].applied);
	CU_ASSERT_PTR_NULL(out->op[0].payload);
	CU_ASSERT_FALSE(out->op[2].applied);
	CU_ASSERT_EQUAL(ask_messages(&store, "alice", "bob")->n, 1);
	CU_ASSERT_EQUAL(ask_events(&store, "bob", "phone", 0)->n, 0);
	CU_ASSERT_PTR_NULL(get("p", "k"));
	CU_ASSERT_EQUAL(ask_chat(&store, "bob", "alice")->chats[0].missed, 1);
	/* Neither the number nor the client id was used. */
	CU_ASSERT_EQUAL(do_append(&store, "alice", "bob", "c2", "other two")->op[0].id, 2);
	CU_ASSERT_EQUAL(do_event(&store, "bob", "{}")->op[0].seq, 1);
}

/* A tx of up to seven changes, refused in the end by an impossible mark. */
static void run_refused(struct par_tx *tx)
{
	add_mark(&store, tx, PAR_MARK_READ, "x", "y", 0);
	CU_ASSERT_EQUAL(store_run(&store, tx)->error, PAR_E_NOT_FOUND);
}

void test_tx_takes_back_everything(void)
{
	struct par_tx *tx;
	struct page *page;
	const struct par_device_state *state;

	ask_device(&store, "bob", "phone");
	do_event(&store, "bob", "{}");
	do_event(&store, "bob", "{}");
	do_append(&store, "alice", "bob", "c1", "one");
	do_append(&store, "alice", "bob", "c2", "two");
	do_append(&store, "alice", "carol", "c1", "later");
	put("p", "old", "v");

	tx = store_tx(&store);
	add_change(&store, tx, PAR_CHANGE_EDIT, "alice", "bob", 1);
	add_change(&store, tx, PAR_CHANGE_DELETE, "alice", "bob", 2);
	add_change(&store, tx, PAR_CHANGE_HIDE, "bob", "alice", 1);
	add_mark(&store, tx, PAR_MARK_READ, "bob", "alice", 1);
	add_append(&store, tx, "bob", "alice", "c3", "three");
	add_append(&store, tx, "bob", "dave", "c1", "new chat");
	run_refused(tx);
	tx = store_tx(&store);
	add_cursor(tx, "bob", "phone", 2, 2)->u.cursor.closed = true;
	add_event(&store, tx, "bob", "{\"n\":3}");
	add_doc(tx, PAR_OP_DOC_DELETE, "p", "old", NULL);
	add_doc(tx, PAR_OP_DOC_PUT, "p", "old", "w");
	add_doc(tx, PAR_OP_DOC_PUT, "p", "new", "v");
	run_refused(tx);

	page = ask_messages(&store, "bob", "alice");
	CU_ASSERT_EQUAL_FATAL(page->n, 2);
	CU_ASSERT(str_is(page->messages[0].message, "one"));
	CU_ASSERT_EQUAL(page->messages[0].updated, 0);
	CU_ASSERT(str_is(page->messages[1].message, "two"));
	CU_ASSERT_EQUAL(page->messages[1].deleted, 0);
	CU_ASSERT_EQUAL(page->my_read, 0);
	page = ask_chats(&store, "bob");
	CU_ASSERT_EQUAL_FATAL(page->n, 1);
	CU_ASSERT_EQUAL(page->chats[0].missed, 2);
	CU_ASSERT_EQUAL(page->chats[0].first_missed, 1);
	CU_ASSERT_EQUAL(ask_chats(&store, "dave")->n, 0);
	CU_ASSERT(str_is(ask_chats(&store, "alice")->chats[0].peer, "carol"));
	CU_ASSERT_EQUAL(ask_events(&store, "bob", "phone", 0)->n, 2);
	state = &ask_device(&store, "bob", "phone")->device;
	CU_ASSERT_EQUAL(state->acked, 0);
	CU_ASSERT_EQUAL(state->sent, 2);
	CU_ASSERT_EQUAL(state->last_seq, 2);
	CU_ASSERT(text_is(get("p", "old"), "v"));
	CU_ASSERT_PTR_NULL(get("p", "new"));
	CU_ASSERT_EQUAL(do_append(&store, "bob", "dave", "c1", "now")->op[0].id, 1);
}

void test_tx_when(void)
{
	struct par_tx *tx;
	struct outcome *out;

	do_append(&store, "alice", "bob", "c1", "one");
	tx = store_tx(&store);
	add_append(&store, tx, "alice", "bob", "c1", "one");
	add_event(&store, tx, "bob", "{}")->when = 0;
	add_event(&store, tx, "bob", "{}")->when = 1;
	add_doc(tx, PAR_OP_DOC_PUT, "p", "k", "v");
	out = store_run(&store, tx);
	CU_ASSERT_EQUAL(out->error, PAR_OK);
	CU_ASSERT_FALSE(out->op[1].applied);
	CU_ASSERT_FALSE(out->op[2].applied);
	CU_ASSERT_EQUAL(out->op[1].seq, 0);
	CU_ASSERT_PTR_NULL(out->op[1].payload);
	CU_ASSERT(out->op[3].applied);
	CU_ASSERT_EQUAL(ask_events(&store, "bob", "phone", 0)->n, 0);
}

void test_batch_isolates(void)
{
	struct outcome *out[60];
	struct par_tx *tx;
	unsigned i;

	do_append(&store, "alice", "bob", "c0", "other text");
	for (i = 0; i < 60; i++) {
		tx = store_tx(&store);
		add_append(&store, tx, "alice", "bob",
			   i % 3 == 1 ? "c0" : store_format(&store, "d%u", i), "text");
		add_event(&store, tx, "bob", "{}")->when = 0;
		out[i] = store_submit(&store, tx);
	}
	CU_ASSERT_FALSE(out[0]->done);
	store_settle(&store);
	for (i = 0; i < 60; i++) {
		CU_ASSERT(out[i]->done);
		CU_ASSERT_EQUAL(out[i]->error, i % 3 == 1 ? PAR_E_CONFLICT : PAR_OK);
		if (i % 3 != 1)
			CU_ASSERT_EQUAL(out[i]->op[0].id, 2 + i - (i + 1) / 3);
	}
	CU_ASSERT_EQUAL(ask_messages(&store, "alice", "bob")->n, 41);
	CU_ASSERT_EQUAL(ask_events(&store, "bob", "phone", 0)->n, 40);
}

void test_batch_keeps_order(void)
{
	struct outcome *before, *after;
	struct page *page, *device, *later;
	struct par_query *q;
	struct par_tx *tx;

	q = store_query(&store, PAR_QUERY_DEVICE, "bob");
	q->device = par_str_of("phone");
	store_ask(&store, q);
	tx = store_tx(&store);
	add_append(&store, tx, "alice", "bob", "c1", "one");
	add_event(&store, tx, "bob", "{}");
	before = store_submit(&store, tx);
	q = store_query(&store, PAR_QUERY_MESSAGES, "bob");
	q->chat = store_chat(&store, "bob", "alice");
	page = store_ask(&store, q);
	q = store_query(&store, PAR_QUERY_DEVICE, "bob");
	q->device = par_str_of("laptop");
	device = store_ask(&store, q);
	tx = store_tx(&store);
	add_append(&store, tx, "alice", "bob", "c2", "two");
	add_event(&store, tx, "bob", "{}");
	after = store_submit(&store, tx);
	q = store_query(&store, PAR_QUERY_EVENTS, "bob");
	later = store_ask(&store, q);
	store_settle(&store);
	CU_ASSERT_EQUAL(before->op[0].id, 1);
	CU_ASSERT_EQUAL(after->op[0].id, 2);
	CU_ASSERT_EQUAL(page->n, 1);
	CU_ASSERT_EQUAL(device->device.acked, 1);
	CU_ASSERT_EQUAL(later->n, 2);
}

/* Only a storage that keeps anything is asked for all of it. */
void test_restart(void)
{
	struct page *page;
	unsigned i;

	ask_device(&store, "bob", "phone");
	for (i = 1; i <= 100; i++)
		do_append(&store, "alice", "bob", store_format(&store, "c%u", i), "text");
	do_append(&store, "carol", "bob", "c1", "text");
	do_event(&store, "bob", "{\"a\":1}");
	do_event(&store, "bob", "{\"a\":2}");
	do_cursor(&store, "bob", "phone", 1, 2, true);
	do_mark(&store, PAR_MARK_READ, "bob", "alice", 10);
	do_change(&store, PAR_CHANGE_HIDE, "bob", "alice", 99);
	do_change(&store, PAR_CHANGE_DELETE, "alice", "bob", 98);
	put("p", "k", "v");
	store_reopen(&store);
	page = ask_chats(&store, "bob");
	if (page->n == 0)
		return;
	CU_ASSERT_EQUAL_FATAL(page->n, 2);
	CU_ASSERT(str_is(page->chats[0].peer, "carol"));
	CU_ASSERT_EQUAL(page->chats[1].missed, 88);
	CU_ASSERT_EQUAL(page->chats[1].my_read, 10);
	CU_ASSERT_EQUAL(page->chats[1].last_id, 100);
	CU_ASSERT_EQUAL(page->chats[1].first_missed, 11);
	CU_ASSERT_FALSE(do_append(&store, "alice", "bob", "c50", "text")->op[0].applied);
	CU_ASSERT_EQUAL(do_append(&store, "alice", "bob", "c50", "other")->error, PAR_E_CONFLICT);
	CU_ASSERT_EQUAL(do_append(&store, "alice", "bob", "c101", "text")->op[0].id, 102);
	CU_ASSERT(str_is(ask_chats(&store, "bob")->chats[0].peer, "alice"));
	CU_ASSERT_EQUAL(do_mark(&store, PAR_MARK_READ, "bob", "alice", 0)->op[0].id, 102);
	page = ask_device(&store, "bob", "phone");
	CU_ASSERT_EQUAL(page->device.acked, 1);
	CU_ASSERT_EQUAL(page->device.sent, 2);
	CU_ASSERT_EQUAL(page->device.last_seq, 2);
	CU_ASSERT(text_is(ask_events(&store, "bob", "phone", 1)->events[0].payload, "{\"a\":2}"));
	CU_ASSERT_EQUAL(do_event(&store, "bob", "{}")->op[0].seq, 3);
	CU_ASSERT(text_is(get("p", "k"), "v"));
}
