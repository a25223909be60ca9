/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * MARK. A mark always stands on a message that another member wrote, so the
 * same state is never reached under two numbers. A mark that only goes along
 * with a message (`when`) and has nothing to mark costs no statement.
 */
#include "ops.h"

struct target {
	uint64_t id; /* 0: there is none */
	struct par_str client_id;
};

static void mark_target(struct db *db, struct par_tx *tx, const struct chat *chat,
			const struct member *member, uint64_t upto, struct target *target)
{
	sqlite3_stmt *statement;

	if (upto > chat->last_id)
		return;
	if (upto == 0 || upto > member->theirs)
		upto = member->theirs;
	statement = db_bind(db, ST_MESSAGE_BEFORE, "iii", chat_row_id(chat, member->since),
			    chat_row_id(chat, upto), member->user->id);
	if (db_row(db, statement)) {
		target->id = row_number(db_u64(statement, 0));
		target->client_id = db_tx_copy(db, tx, db_str(statement, 1));
	}
	db_done(statement);
}

static uint64_t missed_between(struct db *db, const struct chat *chat, const struct member *member,
			       uint64_t after, uint64_t upto)
{
	sqlite3_stmt *statement = db_bind(db, ST_MISSED_COUNT, "iii", member->user->id,
					  chat_row_id(chat, after), chat_row_id(chat, upto));
	uint64_t n = db_row(db, statement) ? db_u64(statement, 0) : 0;

	db_done(statement);
	return n;
}

/* What is left unread behind `id`, counted from the nearer end. */
static uint64_t missed_after(struct db *db, const struct chat *chat, const struct member *member,
			     uint64_t id)
{
	if (id >= member->theirs)
		return 0;
	if (id - member->read < member->theirs - id)
		return member->missed - missed_between(db, chat, member, member->read, id);
	return missed_between(db, chat, member, id, member->theirs);
}

static bool mark_apply(struct db *db, const struct chat *chat, struct member *member,
		       enum par_mark_kind kind, uint64_t id, uint64_t timestamp)
{
	if (kind == PAR_MARK_READ) {
		member->missed = missed_after(db, chat, member, id);
		member->read = id;
		member->read_at = timestamp;
	}
	if (id > member->delivered) {
		member->delivered = id;
		member->delivered_at = timestamp;
	}
	return member_save(db, chat, member);
}

bool op_mark(struct db *db, struct par_tx *tx, struct par_op *op)
{
	const struct par_op_mark *mark = &op->u.mark;
	struct chat *chat = chat_find(db, mark->chat.key);
	struct member *member = chat == NULL ? NULL : chat_member(chat, mark->chat.user);
	bool read = mark->kind == PAR_MARK_READ, along = op->when != PAR_WHEN_ALWAYS;
	struct par_op_result *result = &op->result;
	struct target target = { 0, { NULL, 0 } };
	uint64_t in_force;

	if (member == NULL && par_chat_is_group(&mark->chat))
		return tx_refuse(tx, PAR_E_NOT_FOUND, "there is no such chat");
	in_force = member == NULL ? 0 : read ? member->read : member->delivered;
	if (along && member != NULL && mark->upto == 0 && member->theirs <= in_force)
		target.id = member->theirs;
	else if (member != NULL)
		mark_target(db, tx, chat, member, mark->upto, &target);
	if (target.id == 0)
		return along ? true : tx_refuse(tx, PAR_E_NOT_FOUND, "there is no message to mark");
	result->id = target.id;
	result->applied = target.id > in_force;
	db->marked_before[op - tx->ops] = in_force;
	if (result->applied && !mark_apply(db, chat, member, mark->kind, target.id,
					   cursor_max(tx->now, chat->last_time)))
		return false;
	result->timestamp = read ? member->read_at : member->delivered_at;
	if (result->applied || !along)
		result->client_id = target.client_id;
	result->missed = member->missed;
	return true;
}
