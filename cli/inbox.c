/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The numbers of the event stream as a client sees them. Events of one user
 * come in the order of seq, so one number says what was taken; only `resync` moves it back.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "inbox.h"
#include "message.h"

void inbox_init(struct inbox *inbox)
{
	inbox->last_seq = 0;
	TAILQ_INIT(&inbox->held);
}

bool inbox_seen(const struct inbox *inbox, struct json_object *event)
{
	uint64_t seq;

	return message_u64(event, "seq", &seq) && seq <= inbox->last_seq &&
	       !message_is(event, "eventType", "resync");
}

bool inbox_taken(struct inbox *inbox, struct json_object *event)
{
	uint64_t seq;

	if (message_is(event, "eventType", "resync") &&
	    message_u64(message_object(event, "payload"), "fromSeq", &seq))
		inbox->last_seq = seq == 0 ? 0 : seq - 1;
	else if (message_u64(event, "seq", &seq))
		inbox->last_seq = seq;
	else
		return false;
	return true;
}

void inbox_hold(struct inbox *inbox, struct json_object *event, struct par_str text)
{
	struct held_event *held;
	char *copy;
	uint64_t seq;

	if (!message_u64(event, "seq", &seq) && !message_is(event, "eventType", "resync"))
		return;
	held = mem_alloc(sizeof(*held) + text.len);
	copy = (char *)(held + 1);
	memcpy(copy, text.s, text.len);
	held->text = (struct par_str){ copy, text.len };
	held->event = json_object_get(event);
	TAILQ_INSERT_TAIL(&inbox->held, held, entry);
}

struct held_event *inbox_release(struct inbox *inbox)
{
	struct held_event *held = TAILQ_FIRST(&inbox->held);

	if (held != NULL)
		TAILQ_REMOVE(&inbox->held, held, entry);
	return held;
}

void held_event_free(struct held_event *held)
{
	json_object_put(held->event);
	free(held);
}

void inbox_drop_held(struct inbox *inbox)
{
	struct held_event *held;

	while ((held = inbox_release(inbox)) != NULL)
		held_event_free(held);
}
