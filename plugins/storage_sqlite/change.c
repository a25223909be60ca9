/* SPDX-License-Identifier: BSD-2-Clause */
/* CHANGE: edit, delete and hide. */
#include "ops.h"

/* What the change is about: by id, or by the user's own client id, or by another's. */
static bool change_target(struct db *db, struct par_tx *tx, const struct par_op_change *change,
			  struct chat *chat, const struct member *member, struct head *target)
{
	bool found;
	unsigned i;

	if (change->target_id != 0) {
		found = message_head(db, tx, chat, change->target_id, target);
	} else {
		found =
		    message_sent(db, tx, chat, member->user->id, change->target_client_id, target);
		for (i = 0; !found && i < chat->n_members; i++)
			found = message_sent(db, tx, chat, chat->members[i].user->id,
					     change->target_client_id, target);
		found = found && message_head(db, tx, chat, target->id, target);
	}
	if (!found || kind_is_service(target->kind))
		return tx_refuse(tx, PAR_E_NOT_FOUND, "there is no such message");
	return true;
}

/* Whether the message is hidden from the user, and since when. */
static bool is_hidden(struct db *db, const struct chat *chat, const struct member *member,
		      uint64_t id, uint64_t *at)
{
	sqlite3_stmt *statement =
	    db_bind(db, ST_HIDDEN_FIND, "ii", member->user->id, chat_row_id(chat, id));
	bool found = db_row(db, statement);

	if (found)
		*at = db_u64(statement, 0);
	db_done(statement);
	return found;
}

/* The message is about to go from the member's sight: it counts as missed no more. */
static void unmiss(struct db *db, const struct chat *chat, struct member *member,
		   const struct head *target)
{
	uint64_t at;

	if (member->user->id == target->sender || member->read >= target->id ||
	    target->deleted != 0 || is_hidden(db, chat, member, target->id, &at))
		return;
	member->missed--;
	member_save(db, chat, member);
}

/* Appends the service message that tells of the change. */
static bool service_add(struct db *db, struct par_tx *tx, struct par_op *op, struct chat *chat,
			struct member *member, const struct head *target, struct head *service)
{
	const struct par_op_change *change = &op->u.change;
	struct draft draft = { .kind = change->kind == PAR_CHANGE_EDIT ? KIND_EDIT : KIND_DELETE,
			       .client_id = change->client_id,
			       .fingerprint = change->fingerprint,
			       .ref = target->id };

	if (message_add(db, tx, chat, member, &draft, service) != ADD_DONE)
		return false;
	op->result.applied = true;
	return message_result(db, tx, chat, service, &op->result);
}

static bool change_edit(struct db *db, struct par_tx *tx, struct par_op *op, struct chat *chat,
			struct member *member, const struct head *target)
{
	const struct par_op_change *change = &op->u.change;
	struct head service;

	if (target->deleted != 0)
		return tx_refuse(tx, PAR_E_NOT_FOUND, "the message was deleted");
	if (target->kind != KIND_NEW)
		return tx_refuse(tx, PAR_E_FORBIDDEN, "only a text message can be edited");
	return service_add(db, tx, op, chat, member, target, &service) &&
	       db_run(db, db_bind(db, ST_MESSAGE_EDIT, "iitt", chat_row_id(chat, target->id),
				  service.created, change->message, change->attachments));
}

/* It was done before: the first result. */
static bool change_deleted(struct db *db, struct par_tx *tx, struct par_op *op,
			   const struct chat *chat, const struct head *target)
{
	struct head service;

	return message_head(db, tx, chat, target->deletion, &service) &&
	       message_result(db, tx, chat, &service, &op->result);
}

static bool change_delete(struct db *db, struct par_tx *tx, struct par_op *op, struct chat *chat,
			  struct member *member, const struct head *target)
{
	struct head service;
	unsigned i;

	for (i = 0; i < chat->n_members; i++)
		unmiss(db, chat, &chat->members[i], target);
	return service_add(db, tx, op, chat, member, target, &service) &&
	       db_run(db, db_bind(db, ST_MESSAGE_ERASE, "iii", chat_row_id(chat, target->id),
				  service.created, service.id));
}

static bool change_hide(struct db *db, struct par_tx *tx, struct par_op *op, struct chat *chat,
			struct member *member, const struct head *target)
{
	struct par_op_result *result = &op->result;

	result->id = result->original_id = target->id;
	result->client_id = result->original_client_id = target->client_id;
	if (is_hidden(db, chat, member, target->id, &result->timestamp))
		return true;
	result->timestamp = cursor_max(tx->now, chat->last_time);
	unmiss(db, chat, member, target);
	result->applied = true;
	return db_run(db, db_bind(db, ST_HIDDEN_ADD, "iii", member->user->id,
				  chat_row_id(chat, target->id), result->timestamp));
}

bool op_change(struct db *db, struct par_tx *tx, struct par_op *op)
{
	const struct par_op_change *change = &op->u.change;
	struct chat *chat = chat_find(db, change->chat.key);
	struct member *member = chat == NULL ? NULL : chat_member(chat, change->chat.user);
	struct head target = { .id = 0 };
	uint64_t at;

	if (member == NULL || chat->last_id == ROW_NUMBER_MAX)
		return tx_refuse(tx, PAR_E_NOT_FOUND, "there is no such chat, or it is full");
	if (change->kind != PAR_CHANGE_HIDE &&
	    message_sent(db, tx, chat, member->user->id, change->client_id, &target))
		return message_resent(db, tx, chat, &target, change->fingerprint, &op->result);
	if (change->refused != NULL)
		return tx_refuse(tx, PAR_E_FORBIDDEN, change->refused);
	if (!change_target(db, tx, change, chat, member, &target))
		return false;
	if (change->kind == PAR_CHANGE_HIDE)
		return change_hide(db, tx, op, chat, member, &target);
	if (change->kind == PAR_CHANGE_DELETE && target.deleted != 0 &&
	    target.sender == member->user->id)
		return change_deleted(db, tx, op, chat, &target);
	if (is_hidden(db, chat, member, target.id, &at))
		return tx_refuse(tx, PAR_E_NOT_FOUND, "there is no such message");
	if (target.sender != member->user->id)
		return tx_refuse(tx, PAR_E_FORBIDDEN, "only the author can do this");
	if (change->kind == PAR_CHANGE_EDIT)
		return change_edit(db, tx, op, chat, member, &target);
	return change_delete(db, tx, op, chat, member, &target);
}
