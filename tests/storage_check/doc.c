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
