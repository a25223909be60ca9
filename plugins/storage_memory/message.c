/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * APPEND, and what CHANGE shares with it. What can refuse the operation is
 * looked at before the first thing is changed. A message lies in one block
 * with its strings.
 */
#include <stdlib.h>
#include <string.h>

#include <parlance/storage_fill.h>

#include "memory.h"

struct message *member_sent(struct member *member, struct par_str client_id)
{
	if (member == NULL || client_id.s == NULL)
		return NULL;
	return chat_message(member->chat, sent_find(&member->sent, member->chat, client_id));
}

static void message_unappend(struct memory *m, void *arg)
{
	struct message *message = arg;
	struct member *sender = message->sender;

	(void)m;
	if (message->client_id.s != NULL)
		sent_remove(&sender->sent, message->client_id, (uint32_t)message->id);
	sender->chat->n--;
	free(message);
}

static void chat_push(struct chat *chat, struct message *message)
{
	if (chat->n == chat->cap) {
		chat->cap = chat->cap == 0 ? 8 : chat->cap * 2;
		chat->messages = realloc(chat->messages, chat->cap * sizeof(*chat->messages));
		if (chat->messages == NULL)
			abort();
	}
	chat->messages[chat->n++] = message;
	message->id = chat->n;
}

/* What a new message changes for each member. */
static void members_note(struct memory *m, struct chat *chat, const struct message *message)
{
	unsigned i;

	for (i = 0; i < chat->n_members; i++) {
		struct member *member = chat->members[i];
		if (member == message->sender || !member->in)
			continue;
		undo_bytes(m, member, offsetof(struct member, hidden));
		member->theirs = message->id;
		member->missed += !kind_is_service(message->kind);
	}
}

/* Appends a copy of what `from` says. */
struct message *message_append(struct memory *m, struct chat *chat, struct member *sender,
			       uint64_t now, const struct message *from)
{
	struct message *message =
	    memory_alloc(sizeof(*message) + from->client_id.len + from->text.len +
			 from->attachments.len + from->forwarded.len + from->payload.len);
	char *at = message->bytes;

	undo_bytes(m, &chat->last_time, sizeof(chat->last_time));
	undo_bytes(m, &chat->content, sizeof(chat->content));
	undo_bytes(m, &chat->order, sizeof(chat->order));
	chat_push(chat, message);
	if (now > chat->last_time)
		chat->last_time = now;
	message->created = chat->last_time;
	message->fingerprint = from->fingerprint;
	message->ref = from->ref;
	message->sender = sender;
	message->kind = from->kind;
	message->client_id = memory_copy(&at, from->client_id);
	message->text = memory_copy(&at, from->text);
	message->attachments = memory_copy(&at, from->attachments);
	message->forwarded = memory_copy(&at, from->forwarded);
	message->payload = memory_copy(&at, from->payload);
	if (message->client_id.s != NULL)
		sent_add(&sender->sent, message->client_id, (uint32_t)message->id);
	undo_call(m, message_unappend, message);
	if (!kind_is_service(message->kind)) {
		chat->content = message->id;
		chat->order = ++m->order;
	}
	members_note(m, chat, message);
	return message;
}

void message_result(const struct message *message, struct par_op_result *result)
{
	const struct message *original;

	result->id = message->id;
	result->timestamp = message->created;
	result->client_id = message->client_id;
	if (!kind_is_service(message->kind))
		return;
	original = chat_message(message->sender->chat, message->ref);
	result->original_id = original->id;
	result->original_client_id = original->client_id;
}

/* The answer to the same client_id again. False when there is none yet. */
bool message_resent(struct par_tx *tx, struct par_op *op, struct member *member,
		    struct par_str client_id, uint64_t fingerprint, bool *good)
{
	struct message *first = member_sent(member, client_id);

	if (first == NULL)
		return false;
	*good =
	    first->fingerprint == fingerprint ||
	    memory_fail(tx, PAR_E_CONFLICT, "this clientMessageId was used for another message");
	if (*good)
		message_result(first, &op->result);
	return true;
}

/* The object of PAR_HOLE_REPLY, in the writer: to be copied at once. */
struct par_str message_reply(struct memory *m, const struct message *message)
{
	struct par_stored_message to = { .id = message->id,
					 .client_id = message->client_id,
					 .sender = message->sender->user->name,
					 .created = message->created,
					 .deleted = message->deleted,
					 .message = message->text };

	par_json_reset(&m->writer);
	par_reply_fill(&to, &m->writer);
	return par_json_text(&m->writer);
}

static struct par_str tx_copy(struct memory *m, struct par_tx *tx, struct par_str s)
{
	char *at = m->api->tx_alloc(tx, s.len);

	return memory_copy(&at, s);
}

/* The message that is answered; NULL: there is none. */
static struct message *append_answers(const struct par_op_append *append, struct chat *chat)
{
	const struct member *member = chat_member(chat, append->chat.user);
	struct message *to = member == NULL ? NULL : chat_message(chat, append->reply_to);

	return to == NULL || kind_is_service(to->kind) || to->id <= member->since ? NULL : to;
}

/* Whether what is forwarded is there for the user. */
static bool append_forwards(struct memory *m, const struct par_op_append *append)
{
	struct chat *chat = chat_find(m, append->forward.key);
	const struct member *member = chat_member(chat, append->forward.user);
	const struct message *from = member == NULL ? NULL : chat_message(chat, append->forward_id);

	return from != NULL && from->deleted == 0 && !kind_is_service(from->kind) &&
	       !member_lacks(member, from->id);
}

/* What can refuse one that was not stored before; *to becomes what it answers. */
static bool append_is_good(struct memory *m, struct par_tx *tx, const struct par_op_append *append,
			   struct chat *chat, struct message **to)
{
	if (append->refused != NULL)
		return memory_fail(tx, PAR_E_FORBIDDEN, append->refused);
	if (par_chat_is_group(&append->chat) && chat_member(chat, append->chat.user) == NULL)
		return memory_fail(tx, PAR_E_NOT_FOUND, "there is no such chat");
	if (append->reply_to != 0 && (*to = append_answers(append, chat)) == NULL)
		return memory_fail(tx, PAR_E_NOT_FOUND, "replyTo is no message of this chat");
	if (append->forward_id != 0 && !append_forwards(m, append))
		return memory_fail(tx, PAR_E_NOT_FOUND,
				   "forwardedFrom is no message that you can see");
	return true;
}

bool op_append(struct memory *m, struct par_tx *tx, struct par_op *op)
{
	const struct par_op_append *append = &op->u.append;
	struct chat *chat = chat_find(m, append->chat.key);
	struct member *member = chat_author(chat, append->chat.user);
	struct message from = { .kind = kind_of_append(append->type),
				.fingerprint = append->fingerprint,
				.ref = append->reply_to,
				.client_id = append->client_id,
				.text = append->message,
				.attachments = append->attachments,
				.forwarded = append->forwarded,
				.payload = append->payload };
	struct message *message, *to = NULL;
	bool good;

	if (message_resent(tx, op, member, append->client_id, append->fingerprint, &good))
		return good;
	if (!append_is_good(m, tx, append, chat, &to))
		return false;
	if (chat == NULL) {
		chat = chat_get(m, &append->chat);
		member = chat_member(chat, append->chat.user);
	}
	message = message_append(m, chat, member, tx->now, &from);
	message_result(message, &op->result);
	if (to != NULL)
		op->result.reply = tx_copy(m, tx, message_reply(m, to));
	op->result.applied = true;
	return true;
}
