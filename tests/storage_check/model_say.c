/* SPDX-License-Identifier: BSD-2-Clause */
/* Comparing what operations gave with the model, and saying what differs; see model.h. */
#include <inttypes.h>
#include <stdarg.h>

#include "model.h"

/* --- saying what differs --- */

static void say_op(const struct plan_op *op, unsigned i)
{
	static const char *const kinds[] = { "APPEND",  "CHANGE",     "MARK",  "EVENT", "CURSOR",
					     "DOC_PUT", "DOC_DELETE", "PRUNE", "ROSTER" };

	fprintf(stderr, "  %u: %s when %d user %u peer %u", i, kinds[op->kind], op->when, op->user,
		op->peer);
	if (op->kind == PAR_OP_APPEND || op->kind == PAR_OP_CHANGE)
		fprintf(stderr,
			" client %u text %u reply %" PRIu64 " change %d target %" PRIu64 "/%u",
			op->client, op->text, op->reply_to, (int)op->change, op->target,
			op->target_client);
	if (op->kind == PAR_OP_MARK)
		fprintf(stderr, " %s upto %" PRIu64, op->mark == PAR_MARK_READ ? "read" : "dlvrd",
			op->upto);
	if (op->kind == PAR_OP_EVENT)
		fprintf(stderr, " about %d own %d always %d device %u", op->about, op->own,
			op->always, op->device);
	if (op->kind == PAR_OP_CURSOR)
		fprintf(stderr, " device %u acked %" PRIu64 " sent %" PRIu64 " above %u closed %d",
			op->device, op->acked, op->sent, op->n_above, op->closed);
	if (op->kind == PAR_OP_EVENT && op->reach != PAR_REACH_USER)
		fprintf(stderr, " reach %d of %u but %d", (int)op->reach, op->of, op->but);
	if (op->kind == PAR_OP_ROSTER)
		fprintf(stderr, " roster %d users %x role %d max %u history %d", (int)op->roster,
			op->users, (int)op->role, op->max_members, op->history);
	fputc('\n', stderr);
}

void model_differs(const struct plan *plan, const char *format, ...)
{
	static const char *const queries[] = { "DEVICE",  "EVENTS",   "MESSAGES", "CHATS",  "CHAT",
					       "DOC_GET", "DOC_SCAN", "DOCS",     "MEMBERS" };
	char text[1024];
	va_list args;
	unsigned i;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	FAIL("%s", text);
	if (plan->n_ops == 0)
		fprintf(stderr,
			"in query %s: user %u peer %u device %u after %" PRIu64 " limit %u\n",
			queries[plan->query], plan->user, plan->peer, plan->device, plan->after,
			plan->limit);
	else
		fprintf(stderr, "in a transaction at %" PRIu64 ", which came back with %s:\n",
			plan->now, check_error_name(plan->outcome->error));
	for (i = 0; i < plan->n_ops; i++)
		say_op(&plan->op[i], i);
	fprintf(stderr, "run it again with --seed %" PRIu64 "\n", check_setup.seed);
	check_stop();
}

/* --- comparing results --- */

#define SAME(field) \
	if (came->field != w->field) \
	model_differs(plan, "operation %u: " #field ": expected %" PRIu64 ", came %" PRIu64, i, \
		      (uint64_t)w->field, (uint64_t)came->field)

void model_compare(const struct model *m, const struct plan *plan, unsigned i,
		   const struct wanted *w)
{
	const struct result *came = &plan->outcome->op[i];
	bool of_chat = plan->op[i].kind == PAR_OP_APPEND || plan->op[i].kind == PAR_OP_CHANGE ||
		       plan->op[i].kind == PAR_OP_MARK;

	SAME(applied);
	SAME(seq);
	model_compare_group(m, plan, i, w);
	if (w->applied && plan->op[i].kind == PAR_OP_EVENT && !text_is(came->payload, w->payload))
		model_differs(plan, "operation %u: payload: expected %s, came %s", i, w->payload,
			      came->payload == NULL ? "nothing" : came->payload);
	if (!of_chat || w->bare)
		return;
	SAME(id);
	SAME(timestamp);
	SAME(original_id);
	SAME(missed);
	if (!text_is(came->client_id, model_client(w->client)) ||
	    !text_is(came->original_client_id, model_client(w->original_client)))
		model_differs(plan, "operation %u: expected client ids %u and %u, came %s and %s",
			      i, w->client, w->original_client,
			      came->client_id == NULL ? "none" : came->client_id,
			      came->original_client_id == NULL ? "none" : came->original_client_id);
}
