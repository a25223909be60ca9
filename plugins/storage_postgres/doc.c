/* SPDX-License-Identifier: BSD-2-Clause */
/* Plugins' own documents. Keys are compared as bytes. */
#include "ops.h"

/* Whether what is there is what is expected. */
static bool doc_good(struct par_tx *tx, const struct par_op_doc *op, const struct doc *doc)
{
	bool same = op->expected.s == NULL ? !doc->there
					   : doc->there && par_str_equal(doc->value, op->expected);

	return !op->expects || same ||
	       tx_refuse(tx, PAR_E_CONFLICT, "the document is not as expected");
}

bool op_doc_put(struct par_tx *tx, struct par_op *op, const struct need *need)
{
	struct doc *doc = need->doc;

	if (!doc_good(tx, &op->u.doc, doc))
		return false;
	doc->value = op->u.doc.value;
	doc->there = doc->changed = true;
	op->result.applied = true;
	return true;
}

bool op_doc_delete(struct par_tx *tx, struct par_op *op, const struct need *need)
{
	struct doc *doc = need->doc;

	if (!doc_good(tx, &op->u.doc, doc))
		return false;
	op->result.applied = doc->there;
	doc->there = false;
	doc->changed = true;
	return true;
}
