/* SPDX-License-Identifier: BSD-2-Clause */
/* Plugins' own documents (DOC_GET, DOC_SCAN, DOCS). Keys are compared as bytes. */
#include "query.h"

/* Without one, every key has it. */
static struct par_str prefix_of(const struct par_query *q)
{
	return q->key.s == NULL ? par_str_of("") : q->key;
}

/* True when the row belongs to the page. */
static bool doc_row(struct par_query *q, const PGresult *r, int i, size_t *bytes)
{
	struct par_str key = row_str(r, i, 0), value = row_str(r, i, 1);
	struct par_op_doc *row = &q->docs[q->n];

	if (!page_add(q, bytes, key.len + value.len))
		return false;
	row->plugin = q->plugin;
	row->key = key;
	row->value = value;
	return true;
}

void query_doc_get_ask(struct lane *lane, const struct par_query *q)
{
	struct params *p = lane_params(lane);

	query_text(p, q->plugin);
	query_text(p, q->key);
	lane_ask(lane, ST_QUERY_DOC_GET);
}

void query_doc_get_take(struct reader *reader, struct par_query *q, const PGresult *r)
{
	q->limit = 1;
	query_doc_scan_take(reader, q, r);
}

void query_doc_scan_ask(struct lane *lane, const struct par_query *q)
{
	struct params *p = query_page(lane, q);

	query_text(p, q->plugin);
	query_text(p, prefix_of(q));
	query_text(p, q->after_key);
	lane_ask(lane, ST_QUERY_DOC_SCAN);
}

void query_doc_scan_take(struct reader *reader, struct par_query *q, const PGresult *r)
{
	size_t bytes = 0;
	int i;

	q->docs = query_rows(reader, q, r, sizeof(*q->docs));
	for (i = 0; i < PQntuples(r) && doc_row(q, r, i, &bytes); i++)
		;
}

void query_docs_ask(struct lane *lane, const struct par_query *q)
{
	struct params *p = query_page(lane, q);
	unsigned i, keys;

	query_text(p, q->plugin);
	keys = params_array(p, PARAM_TEXT);
	for (i = 0; i < q->n_keys; i++)
		params_text(p, keys, q->keys[i]);
	lane_ask(lane, ST_QUERY_DOCS);
}

/* The rows come in the order of the keys; those behind the page do not come. */
void query_docs_take(struct reader *reader, struct par_query *q, const PGresult *r)
{
	size_t bytes = 0;
	int i;

	q->docs = query_rows(reader, q, r, sizeof(*q->docs));
	for (i = 0; i < PQntuples(r) && page_add_doc(q, &bytes, row_str(r, i, 0)); i++)
		;
}
