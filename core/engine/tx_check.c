/* SPDX-License-Identifier: BSD-2-Clause */
/* Judging transactions and queries before they go to the storage; see tx_check.h. */
#include "engine/tx_check.h"

/* Whether operation `of` comes before i and is of this kind. */
static bool points_at(const struct par_tx *tx, unsigned i, unsigned of, enum par_op_kind kind)
{
	return of < i && tx->ops[of].kind == kind;
}

/* It must be an object with a member, which `missed` follows with a comma. Holes are
 * values, so the braces are the template's own. */
static bool takes_missed(struct par_str payload)
{
	return payload.len > 2 && payload.s[0] == '{' && payload.s[payload.len - 1] == '}';
}

/* Of an event that is not plainly to one user. */
static const char *reach_fault(const struct par_tx *tx, unsigned i)
{
	const struct par_op_event *event = &tx->ops[i].u.event;

	switch (event->reach) {
	case PAR_REACH_USER:
		if (event->missed)
			return "an event to one user has `missed` as a hole";
		break;
	case PAR_REACH_MEMBERS:
		break;
	case PAR_REACH_CHANGED:
	case PAR_REACH_OTHERS:
		if (!points_at(tx, i, event->of, PAR_OP_ROSTER))
			return "an event tells of a ROSTER operation that is not before it";
		break;
	case PAR_REACH_AUTHORS:
		if (!points_at(tx, i, event->of, PAR_OP_MARK))
			return "an event tells of a MARK operation that is not before it";
		break;
	default:
		return "an event has an unknown reach";
	}
	if (!par_chat_is_group(&event->chat))
		return "an event to members names no group";
	if (event->missed && !takes_missed(event->payload))
		return "an event with `missed` is no object with a member";
	return NULL;
}

const char *tx_fault(const struct par_tx *tx)
{
	const char *fault = NULL;
	unsigned i;

	for (i = 0; i < tx->n_ops && fault == NULL; i++) {
		const struct par_op *op = &tx->ops[i];

		if (op->kind == PAR_OP_EVENT &&
		    (op->u.event.reach != PAR_REACH_USER || op->u.event.missed ||
		     op->u.event.chat.key.s != NULL))
			fault = reach_fault(tx, i);
		else if (op->kind == PAR_OP_ROSTER && !par_chat_is_group(&op->u.roster.chat))
			fault = "a ROSTER operation names no group";
	}
	return fault;
}

const char *query_fault(const struct par_query *query)
{
	unsigned i;

	if (query->kind != PAR_QUERY_DOCS)
		return NULL;
	if (query->n_keys > PAR_DOCS_MAX)
		return "there are more than PAR_DOCS_MAX keys";
	for (i = 0; i < query->n_keys; i++) {
		if (query->keys[i].s == NULL)
			return "a key is missing";
	}
	return NULL;
}
