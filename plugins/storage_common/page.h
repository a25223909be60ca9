/* SPDX-License-Identifier: BSD-2-Clause */
/* Where a page of a query ends, and whether there is more. Shared by the storages of this tree; pure. */
#ifndef STORAGE_COMMON_PAGE_H
#define STORAGE_COMMON_PAGE_H

#include <string.h>

#include <parlance/storage.h>

/* Counts the next row, which has `len` bytes of text, if it belongs to the page; `bytes` is
 * that of the rows so far. False: it does not, and there is more. */
static inline bool page_add(struct par_query *q, size_t *bytes, size_t len)
{
	*bytes += len;
	q->has_more = q->n == q->limit || (q->n > 0 && *bytes > q->max_bytes);
	q->n += !q->has_more;
	return !q->has_more;
}

/* The same of DOCS: the next key's document, or s NULL. */
static inline bool page_add_doc(struct par_query *q, size_t *bytes, struct par_str value)
{
	struct par_op_doc *row = &q->docs[q->n];

	if (!page_add(q, bytes, value.len))
		return false;
	memset(row, 0, sizeof(*row));
	row->plugin = q->plugin;
	row->key = q->keys[q->n - 1];
	row->value = value;
	return true;
}

/* Messages that were read from the end of the chat. */
static inline void page_reverse(struct par_query *q)
{
	unsigned i;

	for (i = 0; i < q->n / 2; i++) {
		struct par_stored_message row = q->messages[i];
		q->messages[i] = q->messages[q->n - 1 - i];
		q->messages[q->n - 1 - i] = row;
	}
}

#endif
