/* SPDX-License-Identifier: BSD-2-Clause */
/* CHANGE: edit, delete and hide. What can refuse it is looked at before the first
 * thing is changed. */
#include "ops.h"

struct hidden *hidden_find(const struct message *message, const struct member *member)
{
	struct hidden *hidden = message->hidden;

	while (hidden != NULL && hidden->user_id != member->user_id)
		hidden = hidden->next;
	return hidden;
}

/* What others sent with the client id: the first that is there for the member. */
static struct message *sent_by_others(const struct sent *sent, const struct member *member)
{
	struct message *message, *first = NULL;

	for (message = sent->messages; message != NULL; message = message->next_sent) {
		if (message->id > member->since && (first == NULL || message->id < first->id))
			first = message;
	}
	return first;
}

/* What the change is about: by id, or by the user's own client id, or by another's. */
static struct message *change_target(const struct par_op_change *change, const struct need *need,
				     const struct member *member)
{
	struct message *target;

	if (change->target_id != 0)
		target = message_find(need->chat, need->message, change->target_id);
	else
		target = sent_by(need->target, member->user_id);
	if (target != NULL && target->id <= member->since)
		target = NULL;
	return target != NULL || need->target == NULL ? target
						      : sent_by_others(need->target, member);
}

/* The message is about to go from the member's sight: it counts as missed no more. */
static void unmiss(struct world *w, struct member *member, const struct message *target)
{
	struct unmissed *unmissed;

	if (member->user_id == target->sender || member->read >= target->id ||
	    target->deleted != 0 || hidden_find(target, member) != NULL)
		return;
	member->missed--;
	member->changed = true;
	if (target->is_new)
		return;
	unmissed = world_alloc(w, sizeof(*unmissed));
	unmissed->id = target->id;
	unmissed->next = member->unmissed;
	member->unmissed = unmissed;
}

static void message_changed(struct world *w, struct message *message)
{
	if (message->changed)
		return;
	message->changed = true;
	*w->changed_end = message;
	w->changed_end = &message->next_changed;
}

/* Appends the service message that tells of the change. */
static struct message *service_add(struct world *w, struct par_tx *tx, struct par_op *op,
				   const struct need *need, struct member *member,
				   struct message *target)
{
	const struct par_op_change *change = &op->u.change;
	const struct message draft = { .kind = change->kind == PAR_CHANGE_EDIT ? KIND_EDIT
									       : KIND_DELETE,
				       .fingerprint = change->fingerprint,
				       .ref = target->id,
				       .client_id = change->client_id,
				       .original_client_id = target->client_id };
	struct message *service = message_add(w, tx, need->chat, member, need->sent, &draft);

	message_changed(w, target);
	message_result(w, tx, service, &op->result);
	op->result.applied = true;
	return service;
}

static bool change_edit(struct world *w, struct par_tx *tx, struct par_op *op,
			const struct need *need, struct member *member, struct message *target)
{
	const struct par_op_change *change = &op->u.change;

	if (target->deleted != 0)
		return tx_refuse(tx, PAR_E_NOT_FOUND, "the message was deleted");
	if (target->kind != KIND_NEW)
		return tx_refuse(tx, PAR_E_FORBIDDEN, "only a text message can be edited");
	target->updated = service_add(w, tx, op, need, member, target)->created;
	if (change->message.s != NULL)
		target->text = change->message;
	if (change->attachments.s != NULL)
		target->attachments = change->attachments;
	return true;
}

/* It was done before: the first result. */
static bool change_deleted(struct world *w, struct par_tx *tx, struct par_op *op,
			   const struct message *target)
{
	struct par_op_result *result = &op->result;

	result->id = target->deletion;
	result->timestamp = target->deletion_created;
	result->client_id = world_tx_copy(w, tx, target->deletion_client_id);
	result->original_id = target->id;
	result->original_client_id = world_tx_copy(w, tx, target->client_id);
	return true;
}

static bool change_delete(struct world *w, struct par_tx *tx, struct par_op *op,
			  const struct need *need, struct member *member, struct message *target)
{
	const struct par_str none = { NULL, 0 };
	const struct message *service;
	unsigned i;

	for (i = 0; i < need->chat->n_members; i++)
		unmiss(w, &need->chat->members[i], target);
	service = service_add(w, tx, op, need, member, target);
	target->deleted = target->deletion_created = service->created;
	target->deletion = service->id;
	target->deletion_client_id = service->client_id;
	target->text = target->attachments = target->forwarded = target->payload = none;
	return true;
}

static bool change_hide(struct world *w, struct par_tx *tx, struct par_op *op,
			struct member *member, struct message *target)
{
	struct par_op_result *result = &op->result;
	struct hidden *hidden = hidden_find(target, member);

	result->id = result->original_id = target->id;
	result->client_id = result->original_client_id = world_tx_copy(w, tx, target->client_id);
	if (hidden == NULL) {
		unmiss(w, member, target);
		hidden = world_alloc(w, sizeof(*hidden));
		hidden->message = target;
		hidden->user_id = member->user_id;
		hidden->at = cursor_max(tx->now, target->chat->last_time);
		hidden->next = target->hidden;
		target->hidden = hidden;
		hidden->next_new = w->hides;
		w->hides = hidden;
		result->applied = true;
	}
	result->timestamp = hidden->at;
	return true;
}

bool op_change(struct world *w, struct par_tx *tx, struct par_op *op, const struct need *need)
{
	const struct par_op_change *change = &op->u.change;
	struct member *member = chat_member(need->chat, need->user);
	struct message *target;

	target = need->chat->last_id == 0 ? NULL : sent_before(need, member);
	if (target == NULL && (member == NULL || need->chat->last_id == 0))
		return tx_refuse(tx, PAR_E_NOT_FOUND, "there is no such chat");
	if (target != NULL)
		return message_resent(w, tx, target, change->fingerprint, &op->result);
	if (change->refused != NULL)
		return tx_refuse(tx, PAR_E_FORBIDDEN, change->refused);
	target = change_target(change, need, member);
	if (target == NULL || kind_is_service(target->kind))
		return tx_refuse(tx, PAR_E_NOT_FOUND, "there is no such message");
	if (change->kind == PAR_CHANGE_HIDE)
		return change_hide(w, tx, op, member, target);
	if (change->kind == PAR_CHANGE_DELETE && target->deleted != 0 &&
	    target->sender == member->user_id)
		return change_deleted(w, tx, op, target);
	if (hidden_find(target, member) != NULL)
		return tx_refuse(tx, PAR_E_NOT_FOUND, "there is no such message");
	if (target->sender != member->user_id)
		return tx_refuse(tx, PAR_E_FORBIDDEN, "only the author can do this");
	if (change->kind == PAR_CHANGE_EDIT)
		return change_edit(w, tx, op, need, member, target);
	return change_delete(w, tx, op, need, member, target);
}
