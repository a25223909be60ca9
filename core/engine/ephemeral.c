/* SPDX-License-Identifier: BSD-2-Clause */
/* Ephemeral events; see ephemeral.h. Core thread. */
#include "engine/ephemeral.h"

#include "engine/core_internal.h"
#include "engine/outbox.h"
#include "engine/session.h"

struct par_json *ephemeral_open(struct core *core, const char *event_type)
{
	struct ephemeral *e = &core->ephemeral;

	ephemeral_close(core);
	e->open = true;
	out_frame_begin(&e->text);
	e->text.comma = true;
	par_json_member_string(&e->text, "eventType", par_str_of(event_type));
	par_json_key(&e->text, "payload");
	return &e->text;
}

/* The text ends with the brace of the envelope that the transport begins. */
static struct out_frame *ephemeral_frame(struct ephemeral *e)
{
	if (e->frame == NULL && e->open) {
		par_json_object_end(&e->text);
		e->frame = out_frame_end(&e->text);
		e->open = false;
	}
	return e->frame;
}

/* To an open session. False: nothing more is added to what waits for it. */
static bool ephemeral_tell(struct core *core, struct session *session, struct out_frame *frame)
{
	struct out_msg msg = { .kind = OUT_EVENT, .conn = session->conn, .timestamp = core->now };

	if (session->congested) {
		metric_add(core->count.ephemeral_dropped, 1);
		return false;
	}
	msg.frame = out_frame_ref(frame);
	msg.u.id = session->next_event_id++;
	metric_add(core->count.events_ephemeral, 1);
	outbox_send(core, session->io, &msg);
	return true;
}

void ephemeral_send(struct core *core, struct par_str user_name, par_session_id skip)
{
	struct out_frame *frame = ephemeral_frame(&core->ephemeral);
	struct user *user = user_find(core, user_name);
	struct session *session;

	if (frame == NULL || user == NULL)
		return;
	LIST_FOREACH(session, &user->sessions, of_user) {
		if (session->id != skip && session->state == SESSION_OPEN)
			ephemeral_tell(core, session, frame);
	}
}

bool ephemeral_send_session(struct core *core, par_session_id id)
{
	struct out_frame *frame = ephemeral_frame(&core->ephemeral);
	struct session *session = session_find(core, id);

	return frame != NULL && session != NULL && ephemeral_tell(core, session, frame);
}

void ephemeral_close(struct core *core)
{
	struct ephemeral *e = &core->ephemeral;

	par_json_free(&e->text);
	if (e->frame != NULL)
		out_frame_unref(e->frame);
	e->frame = NULL;
	e->open = false;
}
