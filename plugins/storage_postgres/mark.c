/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * MARK. A mark always stands on a message that another member wrote, so the
 * same state is never reached under two numbers. What was counted when it was asked
 * for is put right by what the batch did since.
 */
#include "ops.h"

struct target {
	uint64_t id; /* 0: there is none */
	struct par_str client_id;
	uint64_t missed; /* behind it, as loaded */
};

/* The last message up to `upto`, all of them new, that another wrote, and that is there for the
 * member. */
static const struct message *added_before(const struct chat *chat, const struct member *member,
					  uint64_t upto)
{
	for (; upto > cursor_max(chat->loaded_id, member->since); upto--) {
		const struct message *message = chat->added[upto - chat->loaded_id - 1];
		if (message->sender != member->user_id)
			return message;
	}
	return NULL;
}

static void mark_target(const struct chat *chat, const struct member *member,
			const struct mark *asked, uint64_t upto, struct target *target)
{
	const struct message *message;

	if (upto > chat->last_id)
		return;
	if (upto == 0 || upto > member->theirs)
		upto = member->theirs;
	if (upto == 0)
		return;
	message = added_before(chat, member, upto);
	if (message != NULL) {
		target->id = message->id;
		target->client_id = message->client_id;
	} else if (asked != NULL && asked->id <= member->since) {
		return;
	} else if (asked != NULL) {
		target->id = asked->id;
		target->client_id = asked->client_id;
		target->missed = asked->missed;
	} else {
		target->id = member->theirs;
		target->client_id = member->theirs_client_id;
	}
}

static bool is_missed(const struct message *message, const struct member *member)
{
	return message->sender != member->user_id && message->deleted == 0 &&
	       !kind_is_service(message->kind) && hidden_find(message, member) == NULL;
}

/* What is left unread behind the target. */
static uint64_t missed_after(const struct chat *chat, const struct member *member,
			     const struct target *target)
{
	uint64_t missed = target->missed, id;
	const struct unmissed *unmissed;

	if (target->id >= member->theirs)
		return 0;
	for (unmissed = member->unmissed; unmissed != NULL; unmissed = unmissed->next)
		missed -= unmissed->id > target->id;
	for (id = cursor_max(target->id, chat->loaded_id) + 1; id <= chat->last_id; id++)
		missed += is_missed(chat->added[id - chat->loaded_id - 1], member);
	return missed;
}

static void mark_apply(const struct chat *chat, struct member *member, enum par_mark_kind kind,
		       const struct target *target, uint64_t timestamp)
{
	if (kind == PAR_MARK_READ) {
		member->missed = missed_after(chat, member, target);
		member->read = target->id;
		member->read_at = timestamp;
	}
	if (target->id > member->delivered) {
		member->delivered = target->id;
		member->delivered_at = timestamp;
	}
	member->changed = true;
}

bool op_mark(struct world *w, struct par_tx *tx, struct par_op *op, const struct need *need)
{
	const struct par_op_mark *mark = &op->u.mark;
	const struct chat *chat = need->chat;
	struct member *member = chat_member(need->chat, need->user);
	bool read = mark->kind == PAR_MARK_READ, along = op->when != PAR_WHEN_ALWAYS;
	struct par_op_result *result = &op->result;
	struct target target = { .id = 0 };
	uint64_t in_force;

	if (member == NULL && chat->group)
		return tx_refuse(tx, PAR_E_NOT_FOUND, "there is no such chat");
	in_force = member == NULL ? 0 : read ? member->read : member->delivered;
	if (member != NULL)
		mark_target(chat, member, need->mark, mark->upto, &target);
	if (target.id == 0)
		return along ? true : tx_refuse(tx, PAR_E_NOT_FOUND, "there is no message to mark");
	result->id = target.id;
	result->applied = target.id > in_force;
	if (result->applied && need->mark != NULL) {
		need->mark->from = in_force;
		need->mark->to = target.id;
	}
	if (result->applied)
		mark_apply(chat, member, mark->kind, &target, cursor_max(tx->now, chat->last_time));
	result->timestamp = read ? member->read_at : member->delivered_at;
	if (result->applied || !along)
		result->client_id = world_tx_copy(w, tx, target.client_id);
	result->missed = member->missed;
	return true;
}
