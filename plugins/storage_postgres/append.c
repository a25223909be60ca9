/* SPDX-License-Identifier: BSD-2-Clause */
/* APPEND, and what CHANGE shares with it. */
#include <string.h>

#include <parlance/storage_fill.h>

#include "ops.h"

struct member *chat_member(struct chat *chat, const struct user *user)
{
	unsigned i;

	for (i = 0; i < chat->n_members; i++) {
		if (chat->members[i].user == user)
			return &chat->members[i];
	}
	return NULL;
}

struct message *sent_by(const struct sent *sent, int64_t sender)
{
	struct message *message = sent == NULL ? NULL : sent->messages;

	while (message != NULL && message->sender != sender)
		message = message->next_sent;
	return message;
}

struct message *sent_before(const struct need *need, const struct member *member)
{
	if (need->chat->group)
		return need->chat->name.s == NULL ? NULL : sent_by(need->sent, need->user->id);
	return member == NULL ? NULL : sent_by(need->sent, member->user_id);
}

struct message *message_find(const struct chat *chat, struct message *known, uint64_t id)
{
	if (id == 0 || id > chat->last_id)
		return NULL;
	if (id > chat->loaded_id)
		return chat->added[id - chat->loaded_id - 1];
	return known != NULL && known->found ? known : NULL;
}

/* What a new message changes for each member. */
static void members_note(struct chat *chat, const struct member *sender, enum kind kind)
{
	unsigned i;

	for (i = 0; i < chat->n_members; i++) {
		struct member *member = &chat->members[i];
		struct user *user = member->user;

		if (member != sender) {
			member->theirs = chat->last_id;
			member->missed += !kind_is_service(kind);
			member->changed = true;
		}
		if (!kind_is_service(kind) && user != NULL && user->id != 0 &&
		    (member->rank == 0 || member->rank != user->rank)) {
			member->rank = ++user->rank;
			member->changed = user->changed = true;
		}
	}
}

static void chat_push(struct world *w, struct chat *chat, struct message *message)
{
	size_t n = chat->last_id - chat->loaded_id;

	if (n == chat->cap_added) {
		struct message **added;

		chat->cap_added = n == 0 ? 4 : n * 2;
		added = world_alloc(w, chat->cap_added * sizeof(struct message *));
		if (n > 0)
			memcpy(added, chat->added, n * sizeof(struct message *));
		chat->added = added;
	}
	chat->added[n] = message;
	message->id = ++chat->last_id;
	*w->added_end = message;
	w->added_end = &message->next_added;
}

struct message *message_add(struct world *w, const struct par_tx *tx, struct chat *chat,
			    struct member *member, struct sent *sent, const struct message *draft)
{
	struct message *message = world_alloc(w, sizeof(*message));

	*message = *draft;
	message->chat = chat;
	message->found = message->is_new = true;
	message->sender = member->user_id;
	message->created = chat->last_time = cursor_max(tx->now, chat->last_time);
	chat_push(w, chat, message);
	if (sent != NULL) {
		message->next_sent = sent->messages;
		sent->messages = message;
	}
	if (!kind_is_service(message->kind))
		chat->content = chat->last_id;
	chat->changed = true;
	members_note(chat, member, message->kind);
	return message;
}

void message_result(struct world *w, struct par_tx *tx, const struct message *message,
		    struct par_op_result *result)
{
	result->id = message->id;
	result->timestamp = message->created;
	result->client_id = world_tx_copy(w, tx, message->client_id);
	if (!kind_is_service(message->kind))
		return;
	result->original_id = message->ref;
	result->original_client_id = world_tx_copy(w, tx, message->original_client_id);
}

bool message_resent(struct world *w, struct par_tx *tx, const struct message *first,
		    uint64_t fingerprint, struct par_op_result *result)
{
	if (first->fingerprint != fingerprint)
		return tx_refuse(tx, PAR_E_CONFLICT,
				 "this clientMessageId was used for another message");
	message_result(w, tx, first, result);
	return true;
}

static struct par_str sender_name(const struct message *message)
{
	const struct chat *chat = message->chat;
	unsigned i;

	for (i = 0; i < chat->n_members; i++) {
		const struct member *member = &chat->members[i];
		if (member->user_id == message->sender && member->user != NULL)
			return member->user->name;
	}
	return message->sender_name.s == NULL ? par_str_of("") : message->sender_name;
}

/* The object of PAR_HOLE_REPLY. */
static struct par_str message_reply(struct world *w, struct par_tx *tx,
				    const struct message *message)
{
	struct par_stored_message to = { .id = message->id,
					 .client_id = message->client_id,
					 .sender = sender_name(message),
					 .message = message->text,
					 .created = message->created,
					 .deleted = message->deleted };
	struct par_json *out = world_writer(w);

	par_reply_fill(&to, out);
	return world_tx_copy(w, tx, par_json_text(out));
}

/* Whether there is a message to forward that the user can see. */
static bool forward_good(const struct par_op_append *append, const struct need *need)
{
	struct member *member = chat_member(need->forward_chat, need->user);
	struct message *message;

	if (member == NULL)
		return false;
	message = message_find(need->forward_chat, need->forward, append->forward_id);
	return message != NULL && message->id > member->since && message->deleted == 0 &&
	       !kind_is_service(message->kind) && hidden_find(message, member) == NULL;
}

/* Whether a message that was not sent before may be stored, and what it replies to. */
static bool append_good(struct par_tx *tx, const struct par_op_append *append,
			const struct need *need, const struct member *member, struct message **to)
{
	*to = message_find(need->chat, need->message, append->reply_to);
	if (append->refused != NULL)
		return tx_refuse(tx, PAR_E_FORBIDDEN, append->refused);
	if (member == NULL && need->chat->group)
		return tx_refuse(tx, PAR_E_NOT_FOUND, "there is no such chat");
	if (append->reply_to != 0 && (*to == NULL || kind_is_service((*to)->kind) ||
				      (member != NULL && (*to)->id <= member->since)))
		return tx_refuse(tx, PAR_E_NOT_FOUND, "replyTo is no message of this chat");
	if (append->forward_id != 0 && !forward_good(append, need))
		return tx_refuse(tx, PAR_E_NOT_FOUND, "there is no such message to forward");
	if (member == NULL)
		return tx_refuse(tx, PAR_E_NOT_FOUND, "there is no such chat");
	return true;
}

bool op_append(struct world *w, struct par_tx *tx, struct par_op *op, const struct need *need)
{
	const struct par_op_append *append = &op->u.append;
	const struct message draft = { .kind = kind_of_append(append->type),
				       .fingerprint = append->fingerprint,
				       .ref = append->reply_to,
				       .client_id = append->client_id,
				       .text = append->message,
				       .attachments = append->attachments,
				       .forwarded = append->forwarded,
				       .payload = append->payload };
	struct member *member = chat_member(need->chat, need->user);
	struct message *message, *to;

	message = sent_before(need, member);
	if (message != NULL)
		return message_resent(w, tx, message, append->fingerprint, &op->result);
	if (!append_good(tx, append, need, member, &to))
		return false;
	message = message_add(w, tx, need->chat, member, need->sent, &draft);
	op->result.id = message->id;
	op->result.timestamp = message->created;
	op->result.client_id = append->client_id;
	if (to != NULL)
		op->result.reply = message_reply(w, tx, to);
	op->result.applied = true;
	return true;
}
