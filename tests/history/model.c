/* SPDX-License-Identifier: BSD-2-Clause */
/* Users, devices, chats, messages and intents, and that what is said of them agrees; see model.h. */
#include "model.h"

#include <stdlib.h>
#include <string.h>

#include "content.h"
#include "fault.h"

bool spot_before(struct spot a, struct spot b)
{
	return a.file == b.file ? a.line < b.line : a.t < b.t;
}

static void *model_alloc(struct history *h, size_t size)
{
	return memset(arena_alloc(&h->arena, size), 0, size);
}

static const char *model_keep(struct history *h, const char *s)
{
	size_t size = strlen(s) + 1;

	return memcpy(arena_alloc(&h->arena, size), s, size);
}

struct name *model_name(struct history *h, const char *s)
{
	struct name *name;

	if (s == NULL)
		return NULL;
	HASH_FIND_STR(h->names, s, name);
	if (name == NULL) {
		name = model_alloc(h, sizeof(*name));
		name->s = model_keep(h, s);
		HASH_ADD_KEYPTR(hh, h->names, name->s, strlen(s), name);
	}
	return name;
}

struct user *model_user(struct history *h, const char *id)
{
	struct user *user;

	HASH_FIND_STR(h->users, id, user);
	if (user == NULL) {
		user = model_alloc(h, sizeof(*user));
		user->id = model_keep(h, id);
		HASH_ADD_KEYPTR(hh, h->users, user->id, strlen(id), user);
	}
	return user;
}

struct device *model_device(struct history *h, struct user *user, const char *id)
{
	struct device *device = user->devices;

	while (device != NULL && strcmp(device->id, id) != 0)
		device = device->next;
	if (device == NULL) {
		device = model_alloc(h, sizeof(*device));
		device->user = user;
		device->id = model_keep(h, id);
		device->next = user->devices;
		user->devices = device;
	}
	return device;
}

struct chat *model_chat(struct history *h, struct user *user, const char *id)
{
	struct user *members[2] = { user, NULL };
	struct chat *chat;

	if (id == NULL || strncmp(id, "grp_", 4) == 0)
		return NULL;
	members[1] = model_user(h, id);
	if (strcmp(members[0]->id, members[1]->id) > 0) {
		members[0] = members[1];
		members[1] = user;
	}
	HASH_FIND(hh, h->chats, members, sizeof(members), chat);
	if (chat == NULL) {
		chat = model_alloc(h, sizeof(*chat));
		memcpy(chat->members, members, sizeof(members));
		HASH_ADD_KEYPTR(hh, h->chats, chat->members, sizeof(chat->members), chat);
	}
	return chat;
}

unsigned chat_member(const struct chat *chat, const struct user *user)
{
	return chat->members[0] == user ? 0 : 1;
}

struct message *model_message(struct history *h, struct chat *chat, uint64_t id)
{
	struct message *message;

	HASH_FIND(hh, chat->messages, &id, sizeof(id), message);
	if (message == NULL) {
		message = model_alloc(h, sizeof(*message));
		message->id = id;
		message->chat = chat;
		HASH_ADD(hh, chat->messages, id, sizeof(message->id), message);
	}
	return message;
}

struct seat *model_seat(struct history *h, struct device *device, struct chat *chat)
{
	struct seat_key key = { device, chat };
	struct seat *seat;

	HASH_FIND(hh, h->seats, &key, sizeof(key), seat);
	if (seat == NULL) {
		seat = model_alloc(h, sizeof(*seat));
		seat->key = key;
		HASH_ADD(hh, h->seats, key, sizeof(seat->key), seat);
	}
	return seat;
}

struct intent *model_find_intent(struct history *h, struct chat *chat, struct user *sender,
				 struct name *client_id)
{
	struct intent_key key = { chat, sender, client_id };
	struct intent *intent;

	HASH_FIND(hh, h->intents, &key, sizeof(key), intent);
	return intent;
}

struct intent *model_intent(struct history *h, struct chat *chat, struct user *sender,
			    struct name *client_id)
{
	struct intent *intent = NULL;

	if (client_id != NULL)
		intent = model_find_intent(h, chat, sender, client_id);
	if (intent == NULL) {
		intent = model_alloc(h, sizeof(*intent));
		intent->key.chat = chat;
		intent->key.sender = sender;
		intent->key.client_id = client_id;
		if (client_id != NULL)
			HASH_ADD(hh, h->intents, key, sizeof(intent->key), intent);
	}
	return intent;
}

/* What two statements about one message that do not agree are called. */
static enum fault_name fact_fault(const struct message *m, enum source source)
{
	bool answered = m->seen[BY_ANSWER].line > 0, told = m->seen[BY_EVENT].line > 0;

	if (source == BY_PAGE || (!answered && !told))
		return answered || source == BY_ANSWER ? FAULT_NOT_STORED : FAULT_TOLD_NOT_STORED;
	return source == BY_ANSWER && answered ? FAULT_WRONG_ANSWER : FAULT_TOLD_OTHERWISE;
}

static void fact_differs(struct history *h, struct message *m, enum source source, const char *what)
{
	static const char *const verbs[] = { "is answered", "is told", "is in the history" };
	struct spot other = m->seen[BY_ANSWER];
	int i;

	if (m->doubted)
		return;
	m->doubted = true;
	for (i = BY_ANSWER; other.line == 0 && i < SOURCES; i++)
		other = m->seen[i];
	fault(h, fact_fault(m, source), m->known,
	      other.line == m->known.line ? (struct spot){ 0 } : other, h->at,
	      "%s %s with another %s than before", fault_message(m->chat, m->id), verbs[source],
	      what);
}

static void fact_sender(struct history *h, struct message *m, const struct fact *fact)
{
	if (fact->sender == NULL)
		return;
	if (m->sender == NULL)
		m->sender = fact->sender;
	else if (m->sender != fact->sender)
		fact_differs(h, m, fact->source, "sender");
}

static void fact_client_id(struct history *h, struct message *m, const struct fact *fact)
{
	if (!fact->client_id_known)
		return;
	if (!m->client_id_known) {
		m->client_id_known = true;
		m->client_id = fact->client_id;
	} else if (m->client_id != fact->client_id) {
		fact_differs(h, m, fact->source, "clientMessageId");
	}
}

static void fact_number(struct history *h, struct message *m, enum source source, uint64_t *known,
			uint64_t said, const char *what)
{
	if (said == 0)
		return;
	if (*known == 0)
		*known = said;
	else if (*known != said)
		fact_differs(h, m, source, what);
}

static void fact_content(struct history *h, struct message *m, const struct fact *fact)
{
	if (fact->content == NULL)
		return;
	if (!m->content_known) {
		m->content_known = true;
		m->content = *fact->content;
	} else if (!content_equal(&m->content, fact->content)) {
		fact_differs(h, m, fact->source, "content");
	}
}

/* One intent, one message. */
static void fact_intent(struct history *h, struct message *m, const struct fact *fact)
{
	struct intent *intent = fact->intent;
	struct message *other;

	if (intent == NULL && m->client_id_known && m->client_id != NULL && m->sender != NULL)
		intent = model_intent(h, m->chat, m->sender, m->client_id);
	if (intent == NULL || m->doubted)
		return;
	other = intent->message;
	if (other == NULL)
		intent->message = m;
	m->doubted = other != NULL && other != m;
	if (m->doubted)
		fault(h,
		      fact->source == BY_ANSWER && other->seen[BY_ANSWER].line > 0
			  ? FAULT_WRONG_ANSWER
			  : FAULT_DOUBLED,
		      other->known, h->at, (struct spot){ 0 },
		      "clientMessageId %.128s of %.128s is %s, and is %llu as well",
		      intent->key.client_id == NULL ? "(none)" : intent->key.client_id->s,
		      intent->key.sender->id, fault_message(m->chat, other->id),
		      (unsigned long long)m->id);
	if (m->intent == NULL)
		m->intent = intent;
}

struct message *model_fact(struct history *h, struct chat *chat, uint64_t id,
			   const struct fact *fact)
{
	struct message *m = model_message(h, chat, id);

	if (m->kind == KIND_OTHER)
		m->kind = fact->kind;
	else if (m->kind != fact->kind)
		fact_differs(h, m, fact->source, "type");
	fact_sender(h, m, fact);
	fact_client_id(h, m, fact);
	fact_number(h, m, fact->source, &m->created, fact->created, "timestamp");
	fact_number(h, m, fact->source, &m->original, fact->original, "original");
	fact_content(h, m, fact);
	fact_intent(h, m, fact);
	if (m->seen[fact->source].line == 0)
		m->seen[fact->source] = h->at;
	if (m->known.line == 0)
		m->known = h->at;
	return m;
}
