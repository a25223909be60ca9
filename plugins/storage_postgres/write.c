/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a batch has changed, as one statement for each table that it touches: here
 * chats, messages and documents. The rows are locked already, or are new under a lock, so
 * the order says nothing, but for a message that is new and changed.
 */
#include "write.h"

static void write_messages(struct world *w)
{
	struct params *p = world_params(w);
	unsigned i = write_arrays(p, 7, PARAM_INT8), t = write_arrays(p, 5, PARAM_TEXT);
	const struct message *message;

	for (message = w->added; message != NULL; message = message->next_added) {
		params_int8(p, i, message->chat->id);
		params_int8(p, i + 1, (int64_t)message->id);
		params_int8(p, i + 2, message->sender);
		params_int8(p, i + 3, (int64_t)message->created);
		params_int8(p, i + 4, (int64_t)message->kind);
		write_some(p, i + 5, message->ref);
		if (message->client_id.s == NULL)
			params_null(p, i + 6);
		else
			params_int8(p, i + 6, (int64_t)message->fingerprint);
		params_text(p, t, message->client_id);
		params_text(p, t + 1, message->text);
		params_text(p, t + 2, message->attachments);
		params_text(p, t + 3, message->forwarded);
		params_text(p, t + 4, message->payload);
	}
	world_ask_some(w, p, ST_MESSAGES_ADD);
}

static void write_changed(struct world *w)
{
	struct params *p = world_params(w);
	unsigned i = write_arrays(p, 5, PARAM_INT8), t = write_arrays(p, 2, PARAM_TEXT);
	const struct message *message;

	for (message = w->changed; message != NULL; message = message->next_changed) {
		params_int8(p, i, message->chat->id);
		params_int8(p, i + 1, (int64_t)message->id);
		write_some(p, i + 2, message->updated);
		write_some(p, i + 3, message->deleted);
		write_some(p, i + 4, message->deletion);
		params_text(p, t, message->text);
		params_text(p, t + 1, message->attachments);
	}
	world_ask_some(w, p, ST_MESSAGES_CHANGE);
}

static void write_hidden(struct world *w)
{
	struct params *p = world_params(w);
	unsigned i = write_arrays(p, 4, PARAM_INT8);
	const struct hidden *hidden;

	for (hidden = w->hides; hidden != NULL; hidden = hidden->next_new) {
		params_int8(p, i, hidden->message->chat->id);
		params_int8(p, i + 1, (int64_t)hidden->message->id);
		params_int8(p, i + 2, hidden->user_id);
		params_int8(p, i + 3, (int64_t)hidden->at);
	}
	world_ask_some(w, p, ST_HIDDEN_ADD);
}

static void write_chats(struct world *w)
{
	struct params *p = world_params(w);
	unsigned i = write_arrays(p, 4, PARAM_INT8);
	size_t n;

	for (n = 0; n < w->chat_list.n; n++) {
		const struct chat *chat = w->chat_list.of[n];
		if (!chat->changed)
			continue;
		params_int8(p, i, chat->id);
		params_int8(p, i + 1, (int64_t)chat->last_id);
		params_int8(p, i + 2, (int64_t)chat->last_time);
		params_int8(p, i + 3, (int64_t)chat->content);
	}
	world_ask_some(w, p, ST_CHATS_SAVE);
}

void write_member(struct params *p, unsigned i, const struct chat *chat,
		  const struct member *member)
{
	params_int8(p, i, chat->id);
	params_int8(p, i + 1, member->user_id);
	params_int8(p, i + 2, (int64_t)member->read);
	params_int8(p, i + 3, (int64_t)member->read_at);
	params_int8(p, i + 4, (int64_t)member->delivered);
	params_int8(p, i + 5, (int64_t)member->delivered_at);
	params_int8(p, i + 6, (int64_t)member->missed);
	params_int8(p, i + 7, (int64_t)member->theirs);
	params_int8(p, i + 8, (int64_t)member->rank);
}

static void write_members(struct world *w)
{
	struct params *p = world_params(w);
	unsigned i = write_arrays(p, 9, PARAM_INT8), m;
	size_t n;

	for (n = 0; n < w->chat_list.n; n++) {
		const struct chat *chat = w->chat_list.of[n];
		for (m = 0; m < chat->n_members; m++) {
			if (!chat->members[m].changed || chat->members[m].is_new)
				continue;
			write_member(p, i, chat, &chat->members[m]);
		}
	}
	world_ask_some(w, p, ST_MEMBERS_SAVE);
}

/* One that somebody expects not to be there must not take the place of another server's: then
 * the batch fails, and is tried again. */
static bool must_be_new(const struct doc *doc)
{
	return doc->expects && !doc->stored;
}

static void write_docs_put(struct world *w, bool new, enum statement statement)
{
	struct params *p = world_params(w);
	unsigned t = write_arrays(p, 3, PARAM_TEXT);
	size_t n;

	for (n = 0; n < w->doc_list.n; n++) {
		const struct doc *doc = w->doc_list.of[n];
		if (!doc->changed || !doc->there || must_be_new(doc) != new)
			continue;
		params_text(p, t, doc->plugin);
		params_text(p, t + 1, doc->key);
		params_text(p, t + 2, doc->value);
	}
	world_ask_some(w, p, statement);
}

static void write_docs_delete(struct world *w)
{
	struct params *p = world_params(w);
	unsigned t = write_arrays(p, 2, PARAM_TEXT);
	size_t n;

	for (n = 0; n < w->doc_list.n; n++) {
		const struct doc *doc = w->doc_list.of[n];
		if (!doc->changed || doc->there || !doc->stored)
			continue;
		params_text(p, t, doc->plugin);
		params_text(p, t + 1, doc->key);
	}
	world_ask_some(w, p, ST_DOCS_DELETE);
}

bool write_ask(struct world *w)
{
	w->n_asked = 0;
	write_messages(w);
	write_changed(w);
	if (w->group_list.n > 0)
		write_group(w);
	write_hidden(w);
	write_chats(w);
	write_members(w);
	write_stream(w);
	write_docs_put(w, false, ST_DOCS_PUT);
	write_docs_put(w, true, ST_DOCS_NEW);
	write_docs_delete(w);
	return w->n_asked > 0;
}
