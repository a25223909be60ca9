/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Taking back what a refused transaction did. Most transactions can only be
 * refused before they changed anything and keep no record here; the others
 * note the old bytes of each field they change, and a call for each thing
 * they make. Rolling back goes from the latest to the first.
 */
#include <stdlib.h>
#include <string.h>

#include "memory.h"

struct undo {
	struct undo *next;
	void (*fn)(struct memory *m, void *arg);
	void *arg; /* of fn; or freed when the tx stands */
	void *at; /* where the old bytes go back to; NULL: none */
	size_t len;
	char old[];
};

static struct undo *undo_push(struct memory *m, size_t len)
{
	struct undo *undo = memory_alloc(sizeof(*undo) + len);

	undo->next = m->undos;
	m->undos = undo;
	return undo;
}

void undo_bytes(struct memory *m, void *at, size_t len)
{
	struct undo *undo;

	if (!m->undoing)
		return;
	undo = undo_push(m, len);
	undo->at = at;
	undo->len = len;
	memcpy(undo->old, at, len);
}

void undo_call(struct memory *m, void (*fn)(struct memory *m, void *arg), void *arg)
{
	struct undo *undo;

	if (!m->undoing)
		return;
	undo = undo_push(m, 0);
	undo->fn = fn;
	undo->arg = arg;
}

void undo_free_later(struct memory *m, void *p)
{
	if (m->undoing)
		undo_push(m, 0)->arg = p;
	else
		free(p);
}

void undo_commit(struct memory *m)
{
	struct undo *undo;

	while ((undo = m->undos) != NULL) {
		m->undos = undo->next;
		if (undo->fn == NULL)
			free(undo->arg);
		free(undo);
	}
}

void undo_rollback(struct memory *m)
{
	struct undo *undo;

	while ((undo = m->undos) != NULL) {
		m->undos = undo->next;
		if (undo->fn != NULL)
			undo->fn(m, undo->arg);
		if (undo->at != NULL)
			memcpy(undo->at, undo->old, undo->len);
		free(undo);
	}
}
