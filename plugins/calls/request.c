/* SPDX-License-Identifier: BSD-2-Clause */
/* The requests of docs/protocol.md, Calls: from the payload to a step, and the answers. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#include <parlance/payload.h>

#include "record.h"
#include "step.h"

#define CALL_ID_BYTES 12

static const char *const call_types[] = { "audio", "video", NULL };

/* Two calls that nobody named must not be the same. */
static struct par_str call_id_make(char text[2 * CALL_ID_BYTES + 1])
{
	unsigned char bytes[CALL_ID_BYTES];
	struct par_str id = { text, 2 * (size_t)CALL_ID_BYTES };
	unsigned i;

	if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
		abort();
	for (i = 0; i < CALL_ID_BYTES; i++)
		snprintf(text + 2 * (size_t)i, 3, "%02x", bytes[i]);
	return id;
}

static struct par_str chat_id_read(struct par_payload *p, const struct par_request *request)
{
	struct par_str chat_id = par_payload_id(p, "chatId", PAR_REQUIRED);

	if (p->error == PAR_OK && par_str_equal(chat_id, request->user))
		par_payload_refuse(p, PAR_E_BAD_PAYLOAD, "chatId", "must be somebody else");
	return chat_id;
}

static struct step *step_of(struct calls *calls, enum step_kind kind,
			    const struct par_request *request, struct par_str chat_id,
			    struct par_str call_id)
{
	struct step *step = step_new(calls, kind, request->user, chat_id, request->device, call_id);

	step->request = request->id;
	step->session = request->session;
	return step;
}

void calls_new(void *state, const struct par_request *request)
{
	struct calls *calls = state;
	char made[2 * CALL_ID_BYTES + 1];
	struct par_payload p;
	struct par_str chat_id, call_id, type;
	struct step *step;
	bool named;

	par_payload_begin(&p, request->payload);
	chat_id = chat_id_read(&p, request);
	type = par_payload_word(&p, "callType", call_types, PAR_REQUIRED);
	call_id = par_payload_id(&p, "callId", PAR_OPTIONAL);
	if (p.error != PAR_OK) {
		par_payload_fail(calls->api, calls->self, request, &p);
		return;
	}
	named = call_id.s != NULL;
	if (!named)
		call_id = call_id_make(made);
	step = step_of(calls, STEP_NEW, request, chat_id, call_id);
	step->named = named;
	step->type = type;
	step->caller = person_calls(calls, request->user);
	step_run(step);
}

/* The others: {chatId, callId}. */
static void change(struct calls *calls, const struct par_request *request, enum step_kind kind)
{
	struct par_payload p;
	struct par_str chat_id, call_id;

	par_payload_begin(&p, request->payload);
	chat_id = chat_id_read(&p, request);
	call_id = par_payload_id(&p, "callId", PAR_REQUIRED);
	if (p.error != PAR_OK)
		par_payload_fail(calls->api, calls->self, request, &p);
	else
		step_run(step_of(calls, kind, request, chat_id, call_id));
}

void calls_join(void *state, const struct par_request *request)
{
	change(state, request, STEP_JOIN);
}

void calls_leave(void *state, const struct par_request *request)
{
	change(state, request, STEP_LEAVE);
}

void calls_close(void *state, const struct par_request *request)
{
	change(state, request, STEP_CLOSE);
}

/* --- answers --- */

/* Of two calls in one chat the second is told which the first is. */
static void refuse(const struct step *step)
{
	struct calls *calls = step->calls;
	struct par_json *w = &calls->scratch;

	if (step->kind != STEP_NEW || step->error != PAR_E_CONFLICT || step->doc == NULL) {
		calls->api->fail(calls->self, step->request, step->error, NULL, step->message);
		return;
	}
	par_json_object_begin(w);
	par_json_member_string(w, "callId", record_word(step->doc, "callId"));
	par_json_object_end(w);
	calls->api->fail_details(calls->self, step->request, PAR_E_CONFLICT, par_json_text(w),
				 step->message);
	w->len = 0;
	w->comma = false;
}

static void write_participants(struct par_json *w, struct json_object *doc)
{
	par_json_key(w, "participants");
	par_json_array_begin(w);
	json_object_object_foreach(record_here(doc), name, seen)
	{
		(void)seen;
		par_json_string(w, par_str_of(name));
	}
	par_json_array_end(w);
}

static void write_answer(struct par_json *w, const struct step *step, const struct par_tx *tx)
{
	par_json_object_begin(w);
	par_json_member_string(w, "callId", record_word(step->doc, "callId"));
	if (step->kind == STEP_NEW)
		par_json_member_u64(w, "timestamp", record_number(step->doc, "createdAt"));
	if (step->kind == STEP_JOIN)
		write_participants(w, step->doc);
	if (step->kind == STEP_CLOSE) {
		par_json_member_u64(w, "callDuration", step->duration);
		if (!step->gone)
			par_json_member_u64(w, "messageId", tx->ops[TELL_MESSAGE].result.id);
	}
	par_json_object_end(w);
}

void step_answer(struct step *step, const struct par_tx *tx)
{
	struct calls *calls = step->calls;
	struct par_json *w;

	if (step->request == 0)
		return;
	if (step->way == WAY_REFUSE) {
		refuse(step);
	} else if (step->kind == STEP_LEAVE) {
		calls->api->reply(calls->self, step->request, NULL);
	} else {
		w = calls->api->reply_open(calls->self, step->request);
		if (w == NULL)
			return;
		write_answer(w, step, tx);
		calls->api->reply_close(calls->self, step->request);
	}
}
