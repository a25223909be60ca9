/* SPDX-License-Identifier: BSD-2-Clause */
/* Rules of documents. */
#include <string.h>

#include "check.h"

void rule_docs(void)
{
	struct par_tx *tx;

	EXPECT_TEXT(ask_doc(&store, "p", "k"), NULL);
	EXPECT(do_put(&store, "p", "k", "1")->op[0].applied);
	EXPECT_TEXT(ask_doc(&store, "p", "k"), "1");
	do_put(&store, "p", "k", "");
	EXPECT_TEXT(ask_doc(&store, "p", "k"), "");
	do_put(&store, "q", "k", "other");
	EXPECT_TEXT(ask_doc(&store, "p", "k"), "");
	tx = store_tx(&store);
	add_doc(tx, PAR_OP_DOC_DELETE, "p", "k", NULL);
	add_doc(tx, PAR_OP_DOC_DELETE, "p", "k", NULL);
	EXPECT(store_run(&store, tx)->op[0].applied);
	EXPECT_TEXT(ask_doc(&store, "p", "k"), NULL);
	EXPECT_TEXT(ask_doc(&store, "q", "k"), "other");
	tx = store_tx(&store);
	add_doc(tx, PAR_OP_DOC_DELETE, "p", "k", NULL);
	EXPECT(!store_run(&store, tx)->op[0].applied);
}

static enum par_error expecting(enum par_op_kind kind, const char *key, const char *expected,
				const char *value)
{
	struct par_tx *tx = store_tx(&store);
	struct par_op *op;

	add_doc(tx, PAR_OP_DOC_PUT, "p", "other", value == NULL ? "gone" : value);
	op = add_doc(tx, kind, "p", key, value);
	op->u.doc.expects = true;
	op->u.doc.expected = par_str_of(expected);
	return store_run(&store, tx)->error;
}

void rule_docs_expected(void)
{
	struct par_tx *tx;
	struct outcome *first, *second;

	EXPECT_ERROR(expecting(PAR_OP_DOC_PUT, "k", "1", "2"), PAR_E_CONFLICT);
	EXPECT_ERROR(expecting(PAR_OP_DOC_PUT, "k", "", "2"), PAR_E_CONFLICT);
	EXPECT_ERROR(expecting(PAR_OP_DOC_DELETE, "k", "1", NULL), PAR_E_CONFLICT);
	EXPECT_TEXT(ask_doc(&store, "p", "other"), NULL);
	EXPECT_ERROR(expecting(PAR_OP_DOC_DELETE, "k", NULL, NULL), PAR_OK);
	EXPECT_ERROR(expecting(PAR_OP_DOC_PUT, "k", NULL, "1"), PAR_OK);
	EXPECT_TEXT(ask_doc(&store, "p", "k"), "1");
	EXPECT_TEXT(ask_doc(&store, "p", "other"), "1");
	EXPECT_ERROR(expecting(PAR_OP_DOC_DELETE, "k", NULL, NULL), PAR_E_CONFLICT);
	EXPECT_ERROR(expecting(PAR_OP_DOC_PUT, "k", NULL, "2"), PAR_E_CONFLICT);
	EXPECT_ERROR(expecting(PAR_OP_DOC_PUT, "k", "1 ", "2"), PAR_E_CONFLICT);
	EXPECT_ERROR(expecting(PAR_OP_DOC_PUT, "k", "1", "2"), PAR_OK);
	EXPECT_ERROR(expecting(PAR_OP_DOC_DELETE, "k", "1", NULL), PAR_E_CONFLICT);
	EXPECT_TEXT(ask_doc(&store, "p", "k"), "2");
	EXPECT_TEXT(ask_doc(&store, "p", "other"), "2");
	/* of two in a batch that expect the same the first wins */
	tx = store_tx(&store);
	add_doc(tx, PAR_OP_DOC_PUT, "p", "k", "3")->u.doc.expects = true;
	tx->ops[0].u.doc.expected = par_str_of("2");
	first = store_submit(&store, tx);
	tx = store_tx(&store);
	add_doc(tx, PAR_OP_DOC_PUT, "p", "k", "4")->u.doc.expects = true;
	tx->ops[0].u.doc.expected = par_str_of("2");
	second = store_submit(&store, tx);
	store_settle(&store);
	EXPECT_ERROR(first->error, PAR_OK);
	EXPECT_ERROR(second->error, PAR_E_CONFLICT);
	EXPECT_TEXT(ask_doc(&store, "p", "k"), "3");
	/* a transaction sees what it put itself */
	tx = store_tx(&store);
	add_doc(tx, PAR_OP_DOC_PUT, "p", "k", "5");
	add_doc(tx, PAR_OP_DOC_DELETE, "p", "k", NULL)->u.doc.expects = true;
	tx->ops[1].u.doc.expected = par_str_of("5");
	EXPECT_ERROR(store_run(&store, tx)->error, PAR_OK);
	EXPECT_TEXT(ask_doc(&store, "p", "k"), NULL);
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

void rule_docs_scan(void)
{
	static const char *const keys[] = { "b/2", "a", "b/1", "b", "c", "b/\xc3\xa9", "b0" };
	unsigned i;

	for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		do_put(&store, "p", keys[i], "12345");
	do_put(&store, "o", "b/0", "12345");
	do_put(&store, "q", "b/3", "12345");
	EXPECT(scan_is(scan("b/", NULL, 9, 999), "b/1 b/2 b/\xc3\xa9 ", false));
	EXPECT(scan_is(scan("", NULL, 9, 999), "a b b/1 b/2 b/\xc3\xa9 b0 c ", false));
	EXPECT(scan_is(scan(NULL, NULL, 2, 999), "a b ", true));
	EXPECT(scan_is(scan("b", NULL, 2, 999), "b b/1 ", true));
	EXPECT(scan_is(scan("b", "b/1", 2, 999), "b/2 b/\xc3\xa9 ", true));
	EXPECT(scan_is(scan("b", "b/\xc3\xa9", 2, 999), "b0 ", false));
	EXPECT(scan_is(scan("b", "a", 1, 999), "b ", true));
	EXPECT(scan_is(scan("b", "c", 9, 999), "", false));
	EXPECT(scan_is(scan("b/", NULL, 9, 16), "b/1 b/2 ", true));
	EXPECT(scan_is(scan("b/", NULL, 9, 1), "b/1 ", true));
}

/* Whether the answer is of the first n of the keys, and these are their values. */
static bool rows_are(const struct page *page, const char *const *keys, const char *const *values,
		     unsigned n)
{
	unsigned i;

	if (page->error != PAR_OK || page->n != n)
		return false;
	for (i = 0; i < n; i++) {
		if (!str_is(page->docs[i].key, keys[i]) || !str_is(page->docs[i].value, values[i]))
			return false;
	}
	return true;
}

void rule_docs_by_keys(void)
{
	static const char *const keys[] = { "k", "none", "K",   "k ",       "k",
					    "e", "kk",   "",    "\xc3\xa9", "e\xcc\x81",
					    "%", "none", "{k}", "NULL",     "\"k\\" };
	static const char *const values[] = { "1", NULL, NULL, "2",  "1", "",  NULL, "3",
					      "4", NULL, NULL, NULL, "5", "6", "7" };
	const unsigned n = sizeof(keys) / sizeof(keys[0]);
	struct page *page;
	unsigned i;

	for (i = 0; i < n; i++) {
		if (values[i] != NULL)
			do_put(&store, "p", keys[i], values[i]);
		do_put(&store, "q", keys[i], "other");
	}
	do_put(&store, "pk", "", "other");
	page = store_run_query(&store, store_docs_query(&store, "p", keys, n));
	EXPECT(rows_are(page, keys, values, n));
	EXPECT(!page->has_more);
	page = store_run_query(&store, store_docs_query(&store, "nobody", keys, 2));
	EXPECT(rows_are(page, keys, (const char *const[]){ NULL, NULL }, 2));
	page = store_run_query(&store, store_docs_query(&store, "p", keys, 0));
	EXPECT(rows_are(page, keys, values, 0));
	EXPECT(!page->has_more);
}

static struct page *ask_keys(const char *const *keys, unsigned n, unsigned limit, size_t max_bytes)
{
	struct par_query *q = store_docs_query(&store, "p", keys, n);

	q->limit = limit;
	q->max_bytes = max_bytes;
	return store_run_query(&store, q);
}

void rule_docs_by_keys_pages(void)
{
	static const char *const keys[] = { "none", "five", "five", "none", "nine", "none" };
	static const char *const values[] = { NULL, "12345", "12345", NULL, "123456789", NULL };
	/* limit, max_bytes, what comes */
	static const unsigned pages[][3] = { { 6, 19, 6 }, { 9, 999, 6 }, { 5, 19, 5 },
					     { 6, 18, 4 }, { 6, 10, 4 },  { 6, 9, 2 },
					     { 6, 4, 1 },  { 1, 999, 1 }, { 3, 10, 3 },
					     { 6, 0, 1 } };
	struct page *page;
	unsigned i;

	do_put(&store, "p", "five", values[1]);
	do_put(&store, "p", "nine", values[4]);
	for (i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
		page = ask_keys(keys, 6, pages[i][0], pages[i][1]);
		if (!rows_are(page, keys, values, pages[i][2]) ||
		    page->has_more != (pages[i][2] < 6))
			FAIL("limit %u, max_bytes %u: %u came, has_more %d", pages[i][0],
			     pages[i][1], page->n, page->has_more);
	}
	/* the first comes, however long it is; and behind it not even what is not there */
	page = ask_keys(keys + 4, 2, 2, 8);
	EXPECT(rows_are(page, keys + 4, values + 4, 1));
	EXPECT(page->has_more);
}

/* Documents k0 and on, of which the second half is not there. */
static void order_of_keys(const char *const *keys, unsigned n)
{
	const char *before[PAR_DOCS_MAX], *after[PAR_DOCS_MAX];
	struct par_tx *tx;
	struct page *first, *second, *third;
	unsigned i;

	for (i = 0; i < n; i++) {
		before[i] = i < n / 2 ? "old" : NULL;
		if (i < n / 2)
			do_put(&store, "p", keys[i], "old");
		after[i] = before[i];
	}
	after[0] = after[n - 1] = "new";
	after[1] = NULL;
	first = store_ask(&store, store_docs_query(&store, "p", keys, n));
	tx = store_tx(&store);
	add_doc(tx, PAR_OP_DOC_PUT, "p", keys[0], "new");
	add_doc(tx, PAR_OP_DOC_DELETE, "p", keys[1], NULL);
	add_doc(tx, PAR_OP_DOC_PUT, "p", keys[n - 1], "new");
	store_submit(&store, tx);
	second = store_ask(&store, store_docs_query(&store, "p", keys, n));
	tx = store_tx(&store);
	add_doc(tx, PAR_OP_DOC_DELETE, "p", keys[0], NULL);
	store_submit(&store, tx);
	third = store_ask(&store, store_docs_query(&store, "p", keys, n));
	store_settle(&store);
	EXPECT(rows_are(first, keys, before, n));
	EXPECT(rows_are(second, keys, after, n));
	after[0] = NULL;
	EXPECT(rows_are(third, keys, after, n));
}

void rule_docs_by_keys_order(void)
{
	const char *keys[PAR_DOCS_MAX];
	unsigned i;

	for (i = 0; i < PAR_DOCS_MAX; i++)
		keys[i] = store_format(&store, "few%u", i);
	order_of_keys(keys, 4);
	for (i = 0; i < PAR_DOCS_MAX; i++)
		keys[i] = store_format(&store, "many%u", i);
	order_of_keys(keys, PAR_DOCS_MAX);
}
