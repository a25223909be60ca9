/* SPDX-License-Identifier: BSD-2-Clause */
/* CHANGE: edit, delete and hide. */
#include "ops.h"

/* The earliest message with this client id that another wrote, in a group: also one who has
 * left. They lie under one key and those that follow it (dedupe.c). 0: there is none. */
static uint64_t sent_in_group(struct db *db, const struct chat *chat, const struct member *member,
			      struct par_str client_id)
{
	uint64_t key = dedupe_key(db, chat, member->user->id, client_id), found = 0;
	bool more = true;

	for (; more; key = dedupe_next(key)) {
		sqlite3_stmt *statement = db_bind(db, ST_MESSAGE_SENT, "i", key);

		more = db_row(db, statement);
		if (more && sqlite3_column_int64(statement, 5) != member->user->id &&
		    par_str_equal(db_str(statement, 6), client_id)) {
			uint64_t id = row_number(db_u64(statement, 0));
			if (id > member->since && (found == 0 || id < found))
				found = id;
		}
		db_done(statement);
	}
	return found;
}

/* The message with this client id: the member's own, or else another's. 0: there is none. */
static uint64_t sent_with(struct db *db, struct par_tx *tx, struct chat *chat,
			  const struct member *member, struct par_str client_id)
{
	const struct member *other = chat_other(chat, member);
	struct head head;

	if (client_id.s == NULL)
		return 0;
	if (message_sent(db, tx, chat, member->user->id, client_id, &head) &&
	    head.id > member->since)
		return head.id;
	if (chat_is_group(chat))
		return sent_in_group(db, chat, member, client_id);
	if (other != NULL && message_sent(db, tx, chat, other->user->id, client_id, &head))
		return head.id;
	return 0;
}

/* What the change is about. */
static bool change_target(struct db *db, struct par_tx *tx, const struct par_op_change *change,
			  struct chat *chat, const struct member *member, struct head *target)
{
	uint64_t id = change->target_id;

	if (id == 0)
		id = sent_with(db, tx, chat, member, change->target_client_id);
	if (id <= member->since || !message_head(db, tx, chat, id, target) ||
	    kind_is_service(target->kind))
		return tx_refuse(tx, PAR_E_NOT_FOUND, "there is no such message");
	return true;
}

/* The message is about to go from the member's sight: it counts as missed no more. */
static void unmiss(struct db *db, const struct chat *chat, struct member *member,
		   const struct head *target)
{
	if (member->user->id == target->sender || member->read >= target->id ||
	    target->deleted != 0 || message_hidden(db, chat, member, target->id, NULL))
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
	if (message_hidden(db, chat, member, target->id, &result->timestamp))
		return true;
	result->timestamp = cursor_max(tx->now, chat->last_time);
	unmiss(db, chat, member, target);
	result->applied = true;
	return db_run(db, db_bind(db, ST_HIDDEN_ADD, "iii", member->user->id,
				  chat_row_id(chat, target->id), result->timestamp));
}

/* Whether he stored the change before, as a member of by now, or of once upon a time. */
static bool change_sent(struct db *db, struct par_tx *tx, const struct par_op_change *change,
			const struct chat *chat, const struct member *member, struct head *head)
{
	const struct user *user = member == NULL ? NULL : member->user;

	if (change->kind == PAR_CHANGE_HIDE)
		return false;
	if (user == NULL && chat_is_group(chat))
		user = user_find(db, change->chat.user);
	return user != NULL && message_sent(db, tx, chat, user->id, change->client_id, head);
}

bool op_change(struct db *db, struct par_tx *tx, struct par_op *op)
{
	const struct par_op_change *change = &op->u.change;
	struct chat *chat = chat_find(db, change->chat.key);
	struct member *member = chat == NULL ? NULL : chat_member(chat, change->chat.user);
	struct head target = { .id = 0 };

	if (chat == NULL || chat->last_id == ROW_NUMBER_MAX)
		return tx_refuse(tx, PAR_E_NOT_FOUND, "there is no such chat, or it is full");
	if (change_sent(db, tx, change, chat, member, &target))
		return message_resent(db, tx, chat, &target, change->fingerprint, &op->result);
	if (member == NULL)
		return tx_refuse(tx, PAR_E_NOT_FOUND, "there is no such chat");
	if (change->refused != NULL)
		return tx_refuse(tx, PAR_E_FORBIDDEN, change->refused);
	if (!change_target(db, tx, change, chat, member, &target))
		return false;
	if (change->kind == PAR_CHANGE_HIDE)
		return change_hide(db, tx, op, chat, member, &target);
	if (change->kind == PAR_CHANGE_DELETE && target.deleted != 0 &&
	    target.sender == member->user->id)
		return change_deleted(db, tx, op, chat, &target);
	if (message_hidden(db, chat, member, target.id, NULL))
		return tx_refuse(tx, PAR_E_NOT_FOUND, "there is no such message");
	if (target.sender != member->user->id)
		return tx_refuse(tx, PAR_E_FORBIDDEN, "only the author can do this");
	if (change->kind == PAR_CHANGE_EDIT)
		return change_edit(db, tx, op, chat, member, &target);
	return change_delete(db, tx, op, chat, member, &target);
}
