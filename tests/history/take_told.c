/* SPDX-License-Identifier: BSD-2-Clause */
/* What events and pages of the history say; see take.h. */
#include <string.h>

#include "content.h"
#include "fault.h"
#include "take.h"

static enum kind kind_of(const char *type)
{
	static const char *const names[] = {
		[KIND_NEW] = "new",   [KIND_EDIT] = "edit",   [KIND_DELETE] = "delete",
		[KIND_CALL] = "call", [KIND_DLVRD] = "dlvrd", [KIND_READ] = "read"
	};
	size_t i;

	for (i = 0; type != NULL && i < sizeof(names) / sizeof(*names); i++) {
		if (names[i] != NULL && strcmp(type, names[i]) == 0)
			return (enum kind)i;
	}
	return KIND_OTHER;
}

static struct message *event_message(struct history *h, const struct event *e,
				     struct json_object *payload)
{
	struct content content = content_read(payload);
	struct fact fact = { .source = BY_EVENT,
			     .kind = e->kind,
			     .sender = e->by,
			     .created = field_number(payload, "timestamp"),
			     .original = e->original };

	if (e->kind == KIND_NEW) {
		fact.client_id = model_name(h, field_string(payload, "clientMessageId"));
		fact.client_id_known = true;
	}
	if (e->kind == KIND_NEW || e->kind == KIND_EDIT)
		fact.content = &content;
	return model_fact(h, e->chat, e->id, &fact);
}

/* Nobody is told the same twice. */
static void event_told(struct history *h, struct event *e, struct user *user,
		       struct json_object *payload)
{
	struct message *m = event_message(h, e, payload);
	struct event **told = &m->told[chat_member(e->chat, user)];

	if (*told == NULL)
		*told = e;
	else
		fault(h, FAULT_DOUBLED, (*told)->first, h->at, (struct spot){ 0 },
		      "%s is told to %.128s as seq %llu and as seq %llu",
		      fault_message(e->chat, e->id), user->id, (unsigned long long)(*told)->seq,
		      (unsigned long long)e->seq);
}

static void event_read(struct history *h, struct event *e, struct user *user,
		       struct json_object *message, struct json_object *payload)
{
	const char *by;

	e->kind = kind_of(field_string(message, "eventType"));
	e->chat = model_chat(h, user, field_string(payload, "chatId"));
	e->id = field_number(payload, "messageId");
	e->original = field_number(payload, "originalMessageId");
	if (e->kind == KIND_DELETE && e->original == e->id)
		e->kind = KIND_HIDE;
	if (e->chat == NULL || e->id == 0)
		e->kind = KIND_OTHER;
	if (e->kind == KIND_OTHER)
		return;
	by = field_string(payload,
			  e->kind == KIND_READ || e->kind == KIND_DLVRD ? "userId" : "sender");
	e->by = by == NULL ? NULL : model_user(h, by);
	if (e->kind == KIND_NEW || e->kind == KIND_EDIT || e->kind == KIND_DELETE ||
	    e->kind == KIND_CALL)
		event_told(h, e, user, payload);
}

static void event_marks(struct history *h, struct device *device, const struct event *e)
{
	struct seat *seat;

	if ((e->kind != KIND_READ && e->kind != KIND_DLVRD) || e->by == device->user)
		return;
	seat = model_seat(h, device, e->chat);
	if (e->kind == KIND_READ && seat->read < e->id)
		seat->read = e->id;
	if (seat->dlvrd < e->id)
		seat->dlvrd = e->id;
}

struct event *take_event(struct history *h, struct device *device, struct json_object *message,
			 uint64_t seq)
{
	struct json_object *payload = field_get(message, "payload");
	const char *type = field_string(message, "eventType");
	uint64_t hash = content_hash(payload) + (type == NULL ? 0 : (uint64_t)kind_of(type));
	struct user *user = device->user;
	struct event *e;

	HASH_FIND(hh, user->events, &seq, sizeof(seq), e);
	if (e == NULL) {
		e = arena_alloc(&h->arena, sizeof(*e));
		memset(e, 0, sizeof(*e));
		e->seq = seq;
		e->payload = hash;
		e->first = h->at;
		HASH_ADD(hh, user->events, seq, sizeof(e->seq), e);
		event_read(h, e, user, message, payload);
	} else if (e->payload != hash) {
		fault(h, FAULT_DOUBLED, e->first, h->at, (struct spot){ 0 },
		      "seq %llu of %.128s is two different events", (unsigned long long)seq,
		      user->id);
	}
	event_marks(h, device, e);
	return e;
}

void take_resync(struct history *h, struct device *device, struct json_object *message)
{
	uint64_t from = field_number(field_get(message, "payload"), "fromSeq");
	uint64_t seq = field_number(message, "seq");

	if (from == 0 || seq != from - 1)
		fault(h, FAULT_OUT_OF_ORDER, h->at, (struct spot){ 0 }, (struct spot){ 0 },
		      "%s: resync from seq %llu stands at seq %llu, not before it",
		      fault_device(device), (unsigned long long)from, (unsigned long long)seq);
	if (device->resync_from < from)
		device->resync_from = from;
	if (device->resync_least == 0 || device->resync_least > from)
		device->resync_least = from;
	device->resynced = h->at;
}

static void page_row(struct history *h, struct request *r, struct json_object *object,
		     struct row *row)
{
	struct content content = content_read(object);
	const char *sender = field_string(object, "sender");
	struct fact fact = {
		.source = BY_PAGE,
		.kind = kind_of(field_string(object, "type")),
		.sender = sender == NULL ? NULL : model_user(h, sender),
		.client_id = model_name(h, field_string(object, "clientMessageId")),
		.client_id_known = true,
		.created = field_number(object, "createdAt"),
		.original = field_number(field_get(object, "payload"), "originalMessageId"),
	};

	row->updated = field_number(object, "updatedAt") != 0;
	row->deleted = field_number(object, "deletedAt") != 0;
	row->text = content.text;
	row->attachments = content.attachments;
	if (fact.kind == KIND_NEW && !row->updated && !row->deleted)
		fact.content = &content;
	row->message = model_fact(h, r->chat, field_number(object, "messageId"), &fact);
}

void take_page(struct history *h, struct request *r, struct json_object *payload)
{
	struct json_object *messages = field_get(payload, "messages");
	size_t n = 0, i;
	struct page *page;

	if (json_object_is_type(messages, json_type_array))
		n = json_object_array_length(messages);
	page = arena_alloc(&h->arena, sizeof(*page) + n * sizeof(page->rows[0]));
	memset(page, 0, sizeof(*page));
	page->request = r;
	page->spot = h->at;
	page->more = json_object_get_boolean(field_get(payload, "hasMore"));
	page->n = n;
	for (i = 0; i < n; i++)
		page_row(h, r, json_object_array_get_idx(messages, i), &page->rows[i]);
	*h->pages_end = page;
	h->pages_end = &page->next;
}
