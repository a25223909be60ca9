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
