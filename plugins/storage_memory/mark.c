/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * MARK. A mark always stands on a message that another member wrote, so the
 * same state is never reached under two numbers.
 */
#include "memory.h"

/* The message that `upto` means; NULL: there is none. */
static struct message *mark_target(const struct chat *chat, const struct member *member,
				   uint64_t upto)
{
	struct message *message;

	if (upto > chat->n)
		return NULL;
	if (upto == 0 || upto > member->theirs)
		upto = member->theirs;
	while ((message = chat_message(chat, upto)) != NULL && message->sender == member)
		upto--;
	return message != NULL && message->id > member->since ? message : NULL;
}

/* How many messages behind `id` the user has still to read. */
static uint64_t missed_after(const struct chat *chat, const struct member *member, uint64_t id)
{
	uint64_t n = 0;

	while (++id <= member->theirs) {
		const struct message *message = chat_message(chat, id);
		n += message->sender != member && !kind_is_service(message->kind) &&
		     message->deleted == 0 && !member_hides(member, id, NULL);
	}
	return n;
}

static void mark_apply(struct memory *m, struct member *member, enum par_mark_kind kind,
		       uint64_t id, uint64_t timestamp)
{
	undo_bytes(m, member, offsetof(struct member, hidden));
	if (id > member->delivered) {
		member->delivered = id;
		member->delivered_at = timestamp;
	}
	if (kind == PAR_MARK_READ) {
		member->read = id;
		member->read_at = timestamp;
		member->missed = missed_after(member->chat, member, id);
	}
}

bool op_mark(struct memory *m, struct par_tx *tx, struct par_op *op)
{
	const struct par_op_mark *mark = &op->u.mark;
	struct chat *chat = chat_find(m, mark->chat.key);
	struct member *member = chat_member(chat, mark->chat.user);
	struct message *target = member == NULL ? NULL : mark_target(chat, member, mark->upto);
	bool read = mark->kind == PAR_MARK_READ;
	struct par_op_result *result = &op->result;
	uint64_t *covered = &m->covered[op - tx->ops];

	if (target == NULL) {
		if (op->when != PAR_WHEN_ALWAYS &&
		    (member != NULL || !par_chat_is_group(&mark->chat)))
			return true;
		return memory_fail(tx, PAR_E_NOT_FOUND, "there is no message to mark");
	}
	result->id = target->id;
	*covered = read ? member->read : member->delivered;
	result->applied = target->id > *covered;
	if (result->applied)
		mark_apply(m, member, mark->kind, target->id, cursor_max(tx->now, chat->last_time));
	result->timestamp = read ? member->read_at : member->delivered_at;
	if (result->applied || op->when == PAR_WHEN_ALWAYS)
		result->client_id = target->client_id;
	result->missed = member->missed;
	return true;
}
