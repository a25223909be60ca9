/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Plugins' own documents: a list in the order of plugin and key, in which
 * looking up is a bisection. A document is one block with its strings.
 */
#include <stdlib.h>
#include <string.h>

#include "../storage_common/order.h"
#include "../storage_common/page.h"
#include "memory.h"

static const struct par_str none = { NULL, 0 };

static int doc_compare(const struct par_op_doc *doc, struct par_str plugin, struct par_str key)
{
	int order = str_order(doc->plugin, plugin);

	return order != 0 ? order : str_order(doc->key, key);
}

/* The first place whose document is not before this. */
static unsigned doc_place(const struct memory *m, struct par_str plugin, struct par_str key)
{
	unsigned low = 0, high = m->n_docs;

	while (low < high) {
		unsigned middle = low + (high - low) / 2;
		if (doc_compare(m->docs[middle], plugin, key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct par_op_doc **doc_find(const struct memory *m, struct par_str plugin,
				    struct par_str key)
{
	unsigned i = doc_place(m, plugin, key);

	return i < m->n_docs && doc_compare(m->docs[i], plugin, key) == 0 ? &m->docs[i] : NULL;
}

static struct par_op_doc *doc_new(const struct par_op_doc *from)
{
	struct par_op_doc *doc =
	    memory_alloc(sizeof(*doc) + from->plugin.len + from->key.len + from->value.len);
	char *at = (char *)(doc + 1);

	doc->plugin = memory_copy(&at, from->plugin);
	doc->key = memory_copy(&at, from->key);
	doc->value = memory_copy(&at, from->value);
	return doc;
}

static void doc_insert(struct memory *m, struct par_op_doc *doc)
{
	unsigned i = doc_place(m, doc->plugin, doc->key);

	m->docs = memory_grow(m->docs, &m->cap_docs, m->n_docs, sizeof(*m->docs));
	memmove(m->docs + i + 1, m->docs + i, (m->n_docs - i) * sizeof(*m->docs));
	m->docs[i] = doc;
	m->n_docs++;
}

static void doc_take(struct memory *m, struct par_op_doc **at)
{
	m->n_docs--;
	memmove(at, at + 1, (char *)(m->docs + m->n_docs) - (char *)at);
}

static void doc_uninsert(struct memory *m, void *arg)
{
	struct par_op_doc *doc = arg;

	doc_take(m, doc_find(m, doc->plugin, doc->key));
	free(doc);
}

static void doc_untake(struct memory *m, void *arg)
{
	doc_insert(m, arg);
}

/* Takes the document out; it is freed when the tx stands. */
static void doc_remove(struct memory *m, struct par_op_doc **at)
{
	struct par_op_doc *doc = *at;

	doc_take(m, at);
	undo_free_later(m, doc);
	if (m->undoing)
		undo_call(m, doc_untake, doc);
}

/* Whether what is there is what the operation expects; else the tx failed. */
static bool doc_is_expected(struct par_tx *tx, const struct par_op_doc *doc,
			    struct par_op_doc *const *old)
{
	struct par_str value = old == NULL ? none : (*old)->value;

	if (!doc->expects ||
	    ((value.s == NULL) == (doc->expected.s == NULL) && par_str_equal(value, doc->expected)))
		return true;
	return memory_fail(tx, PAR_E_CONFLICT, "the document is not as expected");
}

bool op_doc_put(struct memory *m, struct par_tx *tx, struct par_op *op)
{
	struct par_op_doc **old = doc_find(m, op->u.doc.plugin, op->u.doc.key), *doc;

	if (!doc_is_expected(tx, &op->u.doc, old))
		return false;
	if (old != NULL)
		doc_remove(m, old);
	doc = doc_new(&op->u.doc);
	doc_insert(m, doc);
	undo_call(m, doc_uninsert, doc);
	op->result.applied = true;
	return true;
}

bool op_doc_delete(struct memory *m, struct par_tx *tx, struct par_op *op)
{
	struct par_op_doc **old = doc_find(m, op->u.doc.plugin, op->u.doc.key);

	if (!doc_is_expected(tx, &op->u.doc, old))
		return false;
	if (old != NULL)
		doc_remove(m, old);
	op->result.applied = old != NULL;
	return true;
}

void query_doc_get(struct memory *m, struct par_query *q)
{
	struct par_op_doc **doc = doc_find(m, q->plugin, q->key);

	if (doc == NULL)
		return;
	q->docs = m->api->query_alloc(q, sizeof(*q->docs));
	q->docs[0] = **doc;
	q->n = 1;
}

static bool has_prefix(struct par_str s, struct par_str prefix)
{
	return s.len >= prefix.len && (prefix.len == 0 || memcmp(s.s, prefix.s, prefix.len) == 0);
}

void query_doc_scan(struct memory *m, struct par_query *q)
{
	unsigned i = doc_place(m, q->plugin, q->key);
	size_t bytes = 0;

	if (q->after_key.s != NULL && str_order(q->after_key, q->key) >= 0) {
		i = doc_place(m, q->plugin, q->after_key);
		if (i < m->n_docs && doc_compare(m->docs[i], q->plugin, q->after_key) == 0)
			i++;
	}
	q->docs = m->api->query_alloc(q, q->limit * sizeof(*q->docs) + 1);
	for (; i < m->n_docs && par_str_equal(m->docs[i]->plugin, q->plugin) &&
	       has_prefix(m->docs[i]->key, q->key);
	     i++) {
		if (!page_add(q, &bytes, m->docs[i]->key.len + m->docs[i]->value.len))
			return;
		q->docs[q->n - 1] = *m->docs[i];
	}
}

void query_docs(struct memory *m, struct par_query *q)
{
	size_t bytes = 0;
	unsigned i;

	q->docs = m->api->query_alloc(q, q->n_keys * sizeof(*q->docs) + 1);
	for (i = 0; i < q->n_keys; i++) {
		struct par_op_doc **doc = doc_find(m, q->plugin, q->keys[i]);

		if (!page_add_doc(q, &bytes, doc == NULL ? none : (*doc)->value))
			return;
	}
}
