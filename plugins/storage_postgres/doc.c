/* SPDX-License-Identifier: BSD-2-Clause */
/* Plugins' own documents. Keys are compared as bytes. */
#include "ops.h"

bool op_doc_put(struct par_op *op, const struct need *need)
{
	struct doc *doc = need->doc;

	doc->value = op->u.doc.value;
	doc->there = doc->changed = true;
	op->result.applied = true;
	return true;
}

bool op_doc_delete(struct par_op *op, const struct need *need)
{
	struct doc *doc = need->doc;

	op->result.applied = doc->there;
	doc->there = false;
	doc->changed = true;
	return true;
}
