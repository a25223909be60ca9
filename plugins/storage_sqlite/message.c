/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * APPEND, and what CHANGE shares with it. On the usual path a message costs one
 * statement: the INSERT finds a repeated client id by itself, through the
 * unique index, and then does nothing.
 */
#include <parlance/storage_fill.h>

#include "ops.h"

/* After so many messages a member's counts are written again. */
#define COUNTED_STEP 64

enum slot { SLOT_FREE, SLOT_SAME, SLOT_OTHER };

/* Whose message stands under the key. */
static enum slot slot_read(struct db *db, struct par_tx *tx, uint64_t key, int64_t sender,
			   struct par_str client_id, struct head *head)
{
	sqlite3_stmt *statement = db_bind(db, ST_MESSAGE_SENT, "i", key);
	enum slot slot = SLOT_FREE;

	if (db_row(db, statement)) {
		slot = SLOT_OTHER;
		if (sqlite3_column_int64(statement, 5) == sender &&
		    par_str_equal(db_str(statement, 6), client_id)) {
			slot = SLOT_SAME;
			head->id = row_number(db_u64(statement, 0));
			head->kind = (enum kind)db_u64(statement, 1);
			head->created = db_u64(statement, 2);
			head->fingerprint = db_u64(statement, 3);
			head->ref = db_u64(statement, 4);
			head->sender = sender;
			head->client_id = db_tx_copy(db, tx, client_id);
		}
	}
	db_done(statement);
	return slot;
}

bool message_sent(struct db *db, struct par_tx *tx, const struct chat *chat, int64_t sender,
		  struct par_str client_id, struct head *head)
{
	uint64_t key;
	enum slot slot;

	if (client_id.s == NULL)
		return false;
	key = dedupe_key(db, chat, sender, client_id);
	while ((slot = slot_read(db, tx, key, sender, client_id, head)) == SLOT_OTHER)
		key = dedupe_next(key);
	return slot == SLOT_SAME;
}

bool message_head(struct db *db, struct par_tx *tx, const struct chat *chat, uint64_t id,
		  struct head *head)
{
	sqlite3_stmt *statement;
	bool found;

	if (id == 0 || id > chat->last_id)
		return false;
	statement = db_bind(db, ST_MESSAGE_HEAD, "i", chat_row_id(chat, id));
	found = db_row(db, statement);
	if (found) {
		head->id = id;
		head->sender = sqlite3_column_int64(statement, 0);
		head->kind = (enum kind)db_u64(statement, 1);
		head->created = db_u64(statement, 2);
		head->ref = db_u64(statement, 3);
		head->deleted = db_u64(statement, 4);
		head->deletion = db_u64(statement, 5);
		head->client_id = db_tx_copy(db, tx, db_str(statement, 6));
	}
	db_done(statement);
	return found;
}

bool message_hidden(struct db *db, const struct chat *chat, const struct member *member,
		    uint64_t id, uint64_t *at)
{
	sqlite3_stmt *statement =
	    db_bind(db, ST_HIDDEN_FIND, "ii", member->user->id, chat_row_id(chat, id));
	bool found = db_row(db, statement);

	if (found && at != NULL)
		*at = db_u64(statement, 0);
	db_done(statement);
	return found;
}

/* What a new message changes for each member. */
static void members_note(struct db *db, struct chat *chat, const struct member *sender,
			 enum kind kind)
{
	unsigned i;

	for (i = 0; i < chat->n_members; i++) {
		struct member *member = &chat->members[i];
		if (member != sender) {
			member->theirs = chat->last_id;
			member->missed += !kind_is_service(kind);
		}
		if (!kind_is_service(kind) &&
		    (member->rank == 0 || member->rank != member->user->rank)) {
			member->rank = ++member->user->rank;
			db_run(db, db_bind(db, ST_MEMBER_RANK, "iii", chat->id, member->user->id,
					   member->rank));
		}
		if (chat->last_id - member->counted >= COUNTED_STEP)
			member_save(db, chat, member);
	}
}

/* The row; ADD_PRESENT when the key is taken. */
static enum added row_add(struct db *db, const struct chat *chat, const struct member *sender,
			  const struct draft *draft, uint64_t created, uint64_t key)
{
	sqlite3_stmt *statement = db_bind(
	    db, ST_MESSAGE_ADD, "iiiitinntttt", chat_row_id(chat, chat->last_id + 1),
	    sender->user->id, (int64_t)draft->kind, created, draft->client_id, draft->fingerprint,
	    key, draft->ref, draft->text, draft->attachments, draft->forwarded, draft->payload);

	if (!db_run(db, statement))
		return ADD_FAILED;
	return sqlite3_changes(db->handle) == 1 ? ADD_DONE : ADD_PRESENT;
}

enum added message_add(struct db *db, struct par_tx *tx, struct chat *chat, struct member *sender,
		       const struct draft *draft, struct head *head)
{
	uint64_t created = cursor_max(tx->now, chat->last_time), key = 0;
	enum added added;
	enum slot slot;

	if (draft->client_id.s != NULL)
		key = dedupe_key(db, chat, sender->user->id, draft->client_id);
	while ((added = row_add(db, chat, sender, draft, created, key)) == ADD_PRESENT) {
		slot = slot_read(db, tx, key, sender->user->id, draft->client_id, head);
		if (slot == SLOT_SAME)
			return ADD_PRESENT;
		/* Not the client id stood in the way but the row's own number. */
		if (slot == SLOT_FREE && db->error == SQLITE_OK)
			db->error = SQLITE_CORRUPT;
		if (db->error != SQLITE_OK)
			return ADD_FAILED;
		key = dedupe_next(key);
	}
	if (added == ADD_FAILED)
		return added;
	head->id = ++chat->last_id;
	head->sender = sender->user->id;
	head->kind = draft->kind;
	head->created = chat->last_time = created;
	head->ref = draft->ref;
	head->client_id = draft->client_id;
	if (!kind_is_service(draft->kind))
		chat->content = chat->last_id;
	else
		db_run(db, db_bind(db, ST_CHAT_CONTENT, "ii", chat->id, chat->content));
	members_note(db, chat, sender, draft->kind);
	return db->error == SQLITE_OK ? ADD_DONE : ADD_FAILED;
}

bool message_result(struct db *db, struct par_tx *tx, const struct chat *chat,
		    const struct head *head, struct par_op_result *result)
{
	struct head original = { .id = 0 };

	result->id = head->id;
	result->timestamp = head->created;
	result->client_id = head->client_id;
	if (!kind_is_service(head->kind))
		return true;
	if (!message_head(db, tx, chat, head->ref, &original))
		return false;
	result->original_id = original.id;
	result->original_client_id = original.client_id;
	return true;
}

bool message_resent(struct db *db, struct par_tx *tx, const struct chat *chat,
		    const struct head *first, uint64_t fingerprint, struct par_op_result *result)
{
	if (first->fingerprint != fingerprint)
		return tx_refuse(tx, PAR_E_CONFLICT,
				 "this clientMessageId was used for another message");
	return message_result(db, tx, chat, first, result);
}

struct par_str message_reply(struct db *db, const struct chat *chat, uint64_t id)
{
	sqlite3_stmt *statement = db_bind(db, ST_MESSAGE_ONE, "i", chat_row_id(chat, id));
	struct par_stored_message to = { .id = id };
	struct par_json *out = db_writer(db);

	if (db_row(db, statement)) {
		to.client_id = db_str(statement, 1);
		to.sender = db_str(statement, 2);
		to.message = db_str(statement, 4);
		to.created = db_u64(statement, 9);
		to.deleted = db_u64(statement, 11);
		par_reply_fill(&to, out);
	}
	db_done(statement);
	return par_json_text(out);
}

/* Whether the user stored it before, as a member of by now, or of once upon a time. */
static bool append_sent(struct db *db, struct par_tx *tx, const struct par_op_append *append,
			const struct chat *chat, struct head *head)
{
	const struct user *user = chat == NULL ? NULL : user_find(db, append->chat.user);

	return user != NULL && message_sent(db, tx, chat, user->id, append->client_id, head);
}

/* Whether the user sees what he forwards. */
static bool append_forward_good(struct db *db, struct par_tx *tx,
				const struct par_op_append *append)
{
	struct chat *from = chat_look(db, append->forward.key);
	const struct member *member;
	struct member room;
	struct head head;

	member = from == NULL ? NULL : chat_self(db, from, append->chat.user, &room);
	return member != NULL && message_head(db, tx, from, append->forward_id, &head) &&
	       head.id > member->since && !kind_is_service(head.kind) && head.deleted == 0 &&
	       !message_hidden(db, from, member, head.id, NULL);
}

/* Whether a message that was not sent before may be stored. `member` is NULL in a dialog
 * that is not there yet, and in a group that he is not in. */
static bool append_good(struct db *db, struct par_tx *tx, const struct par_op_append *append,
			const struct chat *chat, const struct member *member)
{
	struct head to;

	if (append->refused != NULL)
		return tx_refuse(tx, PAR_E_FORBIDDEN, append->refused);
	if (member == NULL && par_chat_is_group(&append->chat))
		return tx_refuse(tx, PAR_E_NOT_FOUND, "there is no such chat");
	if (append->reply_to != 0 &&
	    (member == NULL || append->reply_to <= member->since ||
	     !message_head(db, tx, chat, append->reply_to, &to) || kind_is_service(to.kind)))
		return tx_refuse(tx, PAR_E_NOT_FOUND, "replyTo is no message of this chat");
	if (append->forward_id != 0 && !append_forward_good(db, tx, append))
		return tx_refuse(tx, PAR_E_NOT_FOUND, "there is no such message to forward");
	return true;
}

bool op_append(struct db *db, struct par_tx *tx, struct par_op *op)
{
	const struct par_op_append *append = &op->u.append;
	struct draft draft = { kind_of_append(append->type),
			       append->client_id,
			       append->fingerprint,
			       append->reply_to,
			       append->message,
			       append->attachments,
			       append->forwarded,
			       append->payload };
	struct chat *chat = chat_find(db, append->chat.key);
	struct member *member = chat == NULL ? NULL : chat_member(chat, append->chat.user);
	struct head head;
	enum added added;

	/* A resend is answered though it would be refused now. Looking for it first
	 * costs a statement, and only these need it. */
	if (append->reply_to != 0 || append->forward_id != 0 || append->refused != NULL ||
	    (member == NULL && par_chat_is_group(&append->chat))) {
		if (append_sent(db, tx, append, chat, &head))
			return message_resent(db, tx, chat, &head, append->fingerprint,
					      &op->result);
		if (!append_good(db, tx, append, chat, member))
			return false;
	}
	if (chat == NULL && db->error == SQLITE_OK) {
		chat = chat_get(db, &append->chat);
		member = chat == NULL ? NULL : chat_member(chat, append->chat.user);
	}
	if (member == NULL || chat->last_id == ROW_NUMBER_MAX)
		return tx_refuse(tx, PAR_E_NOT_FOUND, "there is no such chat, or it is full");
	added = message_add(db, tx, chat, member, &draft, &head);
	if (added == ADD_PRESENT)
		return message_resent(db, tx, chat, &head, append->fingerprint, &op->result);
	if (added == ADD_FAILED || !message_result(db, tx, chat, &head, &op->result))
		return false;
	if (append->reply_to != 0)
		op->result.reply = db_tx_copy(db, tx, message_reply(db, chat, append->reply_to));
	op->result.applied = true;
	return true;
}
