/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The order that all see: in a user's stream the messages of a chat come by ascending messageId,
 * and marks go up; in a chat the server's timestamps do not go back.
 */
#include "judge.h"

static const struct spot nowhere;

static void stream_message(struct history *h, const struct event *e, const struct user *user)
{
	uint64_t *last = &e->chat->last_id[chat_member(e->chat, user)];

	if (e->id < *last)
		fault(h, FAULT_OUT_OF_ORDER, e->first, nowhere, nowhere,
		      "%s is told to %.128s as seq %llu, after message %llu",
		      fault_message(e->chat, e->id), user->id, (unsigned long long)e->seq,
		      (unsigned long long)*last);
	else
		*last = e->id;
}

static void stream_mark(struct history *h, const struct event *e, const struct user *user)
{
	uint64_t *last;
	bool read = e->kind == KIND_READ;

	if (e->by != e->chat->members[0] && e->by != e->chat->members[1])
		return;
	last = e->chat->last_mark[chat_member(e->chat, user)][chat_member(e->chat, e->by)];
	if (e->id <= last[read]) {
		fault(h, e->id < last[read] ? FAULT_MARKS : FAULT_DOUBLED, e->first, nowhere,
		      nowhere,
		      "%.128s is told as seq %llu that %.128s %s %s, after the same of %llu",
		      user->id, (unsigned long long)e->seq, e->by->id, read ? "read" : "got",
		      fault_message(e->chat, e->id), (unsigned long long)last[read]);
		return;
	}
	last[read] = e->id;
	if (last[0] < e->id) /* who has read it has got it */
		last[0] = e->id;
}

static void judge_stream(struct history *h, const struct user *user)
{
	size_t i, n = HASH_COUNT(user->events);

	for (i = 0; i < n; i++) {
		const struct event *e = user->by_seq[i];

		switch (e->kind) {
		case KIND_NEW:
		case KIND_EDIT:
		case KIND_DELETE:
		case KIND_CALL:
			stream_message(h, e, user);
			break;
		case KIND_DLVRD:
		case KIND_READ:
			stream_mark(h, e, user);
			break;
		default:
			break;
		}
	}
}

static void judge_chat_clock(struct history *h, const struct chat *chat)
{
	const struct message *last = NULL;
	size_t i;

	for (i = 0; i < chat->n_messages; i++) {
		const struct message *m = chat->by_id[i];
		if (m->created == 0)
			continue;
		if (last != NULL && m->created < last->created)
			fault(h, FAULT_OUT_OF_ORDER, last->known, m->known, nowhere,
			      "%s has an earlier timestamp than message %llu",
			      fault_message(chat, m->id), (unsigned long long)last->id);
		last = m;
	}
}

void judge_streams(struct history *h)
{
	struct chat *chat, *next_chat;
	struct user *user, *next_user;

	HASH_ITER(hh, h->users, user, next_user) {
		judge_stream(h, user);
	}
	HASH_ITER(hh, h->chats, chat, next_chat) {
		judge_chat_clock(h, chat);
	}
}
