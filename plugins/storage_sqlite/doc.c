/* SPDX-License-Identifier: BSD-2-Clause */
/* Plugins' own documents. Keys are compared as bytes. */
#include <string.h>

#include "../storage_common/page.h"
#include "ops.h"

/* Refuses the tx when something else is there than the operation expects. */
static bool doc_expected(struct db *db, struct par_tx *tx, const struct par_op_doc *doc)
{
	sqlite3_stmt *statement;
	struct par_str value = { NULL, 0 };
	bool same;

	if (!doc->expects)
		return true;
	statement = db_bind(db, ST_DOC_GET, "tt", doc->plugin, doc->key);
	if (db_row(db, statement))
		value = db_str(statement, 1);
	same =
	    (value.s == NULL) == (doc->expected.s == NULL) && par_str_equal(value, doc->expected);
	db_done(statement);
	return same || tx_refuse(tx, PAR_E_CONFLICT, "the document is not what was expected");
}

bool op_doc_put(struct db *db, struct par_tx *tx, struct par_op *op)
{
	const struct par_op_doc *doc = &op->u.doc;

	if (!doc_expected(db, tx, doc))
		return false;
	op->result.applied = true;
	return db_run(db, db_bind(db, ST_DOC_PUT, "ttt", doc->plugin, doc->key, doc->value));
}

bool op_doc_delete(struct db *db, struct par_tx *tx, struct par_op *op)
{
	const struct par_op_doc *doc = &op->u.doc;

	if (!doc_expected(db, tx, doc) ||
	    !db_run(db, db_bind(db, ST_DOC_DELETE, "tt", doc->plugin, doc->key)))
		return false;
	op->result.applied = sqlite3_changes(db->handle) > 0;
	return true;
}

/* True when the row belongs to the page. */
static bool doc_row(struct db *db, struct par_query *q, sqlite3_stmt *statement, size_t *bytes)
{
	struct par_str key = db_str(statement, 0), value = db_str(statement, 1);
	struct par_op_doc *row = &q->docs[q->n];

	if (!page_add(q, bytes, key.len + value.len))
		return false;
	row->plugin = q->plugin;
	row->key = db_query_copy(db, q, key);
	row->value = db_query_copy(db, q, value);
	return true;
}

void query_doc_get(struct db *db, struct par_query *q)
{
	sqlite3_stmt *statement = db_bind(db, ST_DOC_GET, "tt", q->plugin, q->key);
	size_t bytes = 0;

	q->limit = 1;
	q->docs = db->api->query_alloc(q, sizeof(*q->docs));
	if (db_row(db, statement))
		doc_row(db, q, statement, &bytes);
	db_done(statement);
}

static bool has_prefix(struct par_str s, struct par_str prefix)
{
	return s.len >= prefix.len && (prefix.len == 0 || memcmp(s.s, prefix.s, prefix.len) == 0);
}

/* Whether going on after `after` begins behind the first key with the prefix. */
static bool goes_on(struct par_str after, struct par_str prefix)
{
	size_t len = after.len < prefix.len ? after.len : prefix.len;
	int order;

	if (after.s == NULL)
		return false;
	order = len == 0 ? 0 : memcmp(after.s, prefix.s, len);
	return order > 0 || (order == 0 && after.len >= prefix.len);
}

void query_doc_scan(struct db *db, struct par_query *q)
{
	const struct par_str start = { "", 0 };
	struct par_str prefix = q->key.s == NULL ? start : q->key;
	sqlite3_stmt *statement;
	size_t bytes = 0;

	if (goes_on(q->after_key, prefix))
		statement = db_bind(db, ST_DOC_SCAN_AFTER, "tt", q->plugin, q->after_key);
	else
		statement = db_bind(db, ST_DOC_SCAN, "tt", q->plugin, prefix);
	q->docs = db->api->query_alloc(q, q->limit * sizeof(*q->docs) + 1);
	while (db_row(db, statement) && has_prefix(db_str(statement, 0), prefix) &&
	       doc_row(db, q, statement, &bytes))
		;
	db_done(statement);
}

/* False when the document, or that there is none, does not belong to the page; or it could not
 * be read, and the others need not be tried. */
static bool docs_row(struct db *db, struct par_query *q, struct par_str key, size_t *bytes)
{
	sqlite3_stmt *statement = db_bind(db, ST_DOC_GET, "tt", q->plugin, key);
	struct par_str value = { NULL, 0 };
	bool fits;

	if (db_row(db, statement))
		value = db_str(statement, 1);
	fits = db->error == SQLITE_OK && page_add_doc(q, bytes, value);
	if (fits)
		q->docs[q->n - 1].value = db_query_copy(db, q, value);
	db_done(statement);
	return fits;
}

void query_docs(struct db *db, struct par_query *q)
{
	size_t bytes = 0;
	unsigned i;

	q->docs = db->api->query_alloc(q, q->n_keys * sizeof(*q->docs) + 1);
	for (i = 0; i < q->n_keys && docs_row(db, q, q->keys[i], &bytes); i++)
		;
}
