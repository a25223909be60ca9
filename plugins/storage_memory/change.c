/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * CHANGE: edit, delete and hide. What can refuse it is looked at before the
 * first thing is changed. An edit puts the new strings into a block of their
 * own, so that the old ones can come back.
 */
#include <stdlib.h>
#include <string.h>

#include "memory.h"

/* The user's own message of this client id, or else the earliest of another's; NULL: there is
 * none since he joined. */
static struct message *target_by_client(const struct chat *chat, struct member *member,
					struct par_str client_id)
{
	struct message *target = member_sent(member, client_id);
	unsigned i;

	if (target != NULL && target->id > member->since)
		return target;
	target = NULL;
	for (i = 0; i < chat->n_members; i++) {
		struct message *other = member_sent(chat->members[i], client_id);
		if (other != NULL && other->id > member->since &&
		    (target == NULL || other->id < target->id))
			target = other;
	}
	return target;
}

/* What the change is about, or NULL with the tx failed. */
static struct message *change_target(struct par_tx *tx, const struct par_op_change *change,
				     struct chat *chat, struct member *member)
{
	struct message *target;

	if (change->target_id != 0)
		target = chat_message(chat, change->target_id);
	else
		target = target_by_client(chat, member, change->target_client_id);
	if (target == NULL || target->id <= member->since || kind_is_service(target->kind)) {
		memory_fail(tx, PAR_E_NOT_FOUND, "there is no such message");
		return NULL;
	}
	return target;
}

static void block_unmake(struct memory *m, void *arg)
{
	(void)m;
	free(arg);
}

/* Replaces text and attachments; NULL stays as it is. */
static void message_rewrite(struct memory *m, struct message *message, struct par_str text,
			    struct par_str attachments)
{
	char *block, *at;

	if (text.s == NULL)
		text = message->text;
	if (attachments.s == NULL)
		attachments = message->attachments;
	block = at = memory_alloc(text.len + attachments.len + 1);
	undo_call(m, block_unmake, block);
	undo_bytes(m, message, offsetof(struct message, bytes));
	text = memory_copy(&at, text);
	attachments = memory_copy(&at, attachments);
	undo_free_later(m, message->edited);
	message->text = text;
	message->attachments = attachments;
	message->edited = block;
}

static void message_erase(struct memory *m, struct message *message)
{
	const struct par_str none = { NULL, 0 };

	undo_bytes(m, message, offsetof(struct message, bytes));
	undo_free_later(m, message->edited);
	message->edited = NULL;
	message->text = message->attachments = message->forwarded = message->payload = none;
}

/* A message that is read by nobody any more is missed by nobody. */
static void message_unmiss(struct memory *m, const struct message *message, struct member *member)
{
	if (member == message->sender || !member->in || member->read >= message->id ||
	    message->deleted != 0 || member_hides(member, message->id, NULL))
		return;
	undo_bytes(m, &member->missed, sizeof(member->missed));
	member->missed--;
}

static bool change_edit(struct memory *m, struct par_tx *tx, struct par_op *op,
			struct message *target)
{
	const struct par_op_change *change = &op->u.change;
	struct message from = { .kind = KIND_EDIT,
				.client_id = change->client_id,
				.fingerprint = change->fingerprint,
				.ref = target->id };
	struct message *service;

	if (target->deleted != 0)
		return memory_fail(tx, PAR_E_NOT_FOUND, "the message was deleted");
	if (target->kind != KIND_NEW)
		return memory_fail(tx, PAR_E_FORBIDDEN, "only a text message can be edited");
	message_rewrite(m, target, change->message, change->attachments);
	service = message_append(m, target->sender->chat, target->sender, tx->now, &from);
	target->updated = service->created;
	message_result(service, &op->result);
	op->result.applied = true;
	return true;
}

static bool change_delete(struct memory *m, struct par_tx *tx, struct par_op *op,
			  struct message *target)
{
	const struct par_op_change *change = &op->u.change;
	struct chat *chat = target->sender->chat;
	struct message from = { .kind = KIND_DELETE,
				.client_id = change->client_id,
				.fingerprint = change->fingerprint,
				.ref = target->id };
	struct message *service;
	unsigned i;

	for (i = 0; i < chat->n_members; i++)
		message_unmiss(m, target, chat->members[i]);
	message_erase(m, target);
	service = message_append(m, chat, target->sender, tx->now, &from);
	target->deleted = service->created;
	target->deletion = service->id;
	message_result(service, &op->result);
	op->result.applied = true;
	return true;
}

/* Puts the id into a new, longer list, so that the old one can come back. */
static void member_hide(struct memory *m, struct member *member, uint64_t id, uint64_t at)
{
	struct hidden *list = memory_alloc((member->n_hidden + 1) * sizeof(*list));
	unsigned i = 0, n = member->n_hidden;

	undo_call(m, block_unmake, list);
	while (i < n && member->hidden[i].id < id)
		i++;
	if (n > 0) {
		memcpy(list, member->hidden, i * sizeof(*list));
		memcpy(list + i + 1, member->hidden + i, (n - i) * sizeof(*list));
	}
	list[i].id = id;
	list[i].at = at;
	undo_bytes(m, &member->hidden, sizeof(member->hidden));
	undo_bytes(m, &member->n_hidden, sizeof(member->n_hidden));
	undo_free_later(m, member->hidden);
	member->hidden = list;
	member->n_hidden = n + 1;
}

static bool change_hide(struct memory *m, struct par_tx *tx, struct par_op *op,
			struct message *target, struct member *member)
{
	struct par_op_result *result = &op->result;
	struct chat *chat = target->sender->chat;

	result->id = result->original_id = target->id;
	result->client_id = result->original_client_id = target->client_id;
	if (member_hides(member, target->id, &result->timestamp))
		return true;
	result->timestamp = cursor_max(tx->now, chat->last_time);
	message_unmiss(m, target, member);
	member_hide(m, member, target->id, result->timestamp);
	result->applied = true;
	return true;
}

bool op_change(struct memory *m, struct par_tx *tx, struct par_op *op)
{
	const struct par_op_change *change = &op->u.change;
	struct chat *chat = chat_find(m, change->chat.key);
	struct member *member = chat_author(chat, change->chat.user);
	struct message *target;
	bool good;

	if (change->kind != PAR_CHANGE_HIDE &&
	    message_resent(tx, op, member, change->client_id, change->fingerprint, &good))
		return good;
	if (member == NULL || !member->in)
		return memory_fail(tx, PAR_E_NOT_FOUND, "there is no such chat");
	if (change->refused != NULL)
		return memory_fail(tx, PAR_E_FORBIDDEN, change->refused);
	target = change_target(tx, change, chat, member);
	if (target == NULL)
		return false;
	if (change->kind == PAR_CHANGE_HIDE)
		return change_hide(m, tx, op, target, member);
	if (change->kind == PAR_CHANGE_DELETE && target->deleted != 0 && target->sender == member) {
		message_result(chat_message(chat, target->deletion), &op->result);
		return true;
	}
	if (member_hides(member, target->id, NULL))
		return memory_fail(tx, PAR_E_NOT_FOUND, "there is no such message");
	if (target->sender != member)
		return memory_fail(tx, PAR_E_FORBIDDEN, "only the author can do this");
	if (change->kind == PAR_CHANGE_EDIT)
		return change_edit(m, tx, op, target);
	return change_delete(m, tx, op, target);
}
