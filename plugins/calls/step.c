/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One change of one call, from the document to the transaction and back; see step.h.
 *
 *   ask ──▶ decide ──▶ submit ──▶ done: known here, told, answered
 *    ▲        │          │
 *    └────────┴──────────┘ nothing to do, or somebody else was faster: is it as we think?
 *
 * Where the group is not as thought, who is in it is asked before it is decided.
 *
 * The steps of one chat wait for each other, so only other servers can be faster.
 */
#include "step.h"

#include <stdlib.h>
#include <string.h>

#include "record.h"

#define TRIES 8
#define WAITING 1000 /* for one chat */

struct step *step_new(struct calls *calls, enum step_kind kind, struct par_str user,
		      struct par_str chat_id, struct par_str device, struct par_str call_id)
{
	size_t chat = par_chat_memory(user, chat_id);
	struct step *step = calloc(1, sizeof(*step) + chat + device.len + call_id.len);
	char *at;

	if (step == NULL)
		abort();
	at = step->bytes + chat;
	step->calls = calls;
	step->kind = kind;
	step->chat = par_chat_resolve(step->bytes, user, chat_id);
	step->device = calls_copy(&at, device);
	step->call_id = calls_copy(&at, call_id);
	step->who = step->chat.user;
	return step;
}

/* --- one at a time --- */

static void step_free(struct step *step)
{
	if (step->caller != NULL)
		person_ends(step->calls, step->caller);
	json_object_put(step->doc);
	json_object_put(step->roster);
	free((char *)step->lost.s);
	free(step);
}

static void step_give_up(struct step *step, const char *message)
{
	step->way = WAY_REFUSE;
	step->error = PAR_E_UNAVAILABLE;
	step->message = message;
	step_answer(step, NULL);
	step_free(step);
}

static void step_begin(struct step *step)
{
	struct calls *calls = step->calls;

	HASH_ADD_KEYPTR(hh, calls->steps, step->chat.key.s, step->chat.key.len, step);
	step_try(step);
}

/* Who waited longest is next. None ends before it has asked the storage, so this does not go
 * deep. */
void step_end(struct step *step, const struct par_tx *tx)
{
	struct calls *calls = step->calls;
	struct step *next = step->next, *after;

	step_answer(step, tx);
	if (step->way != WAY_REFUSE && (step->kind == STEP_NEW || step->kind == STEP_JOIN))
		watch_entered(calls, step->chat.key, step->chat.user);
	HASH_DEL(calls->steps, step);
	for (; next != NULL && calls->stopping; next = after) {
		after = next->next;
		step_give_up(next, "the server stops");
	}
	if (next != NULL) {
		next->last = step->last;
		next->waiting = step->waiting - 1;
		step_begin(next);
	}
	step_free(step);
}

void step_run(struct step *step)
{
	struct calls *calls = step->calls;
	struct step *first;

	HASH_FIND(hh, calls->steps, step->chat.key.s, step->chat.key.len, first);
	if (first == NULL) {
		step->last = step;
		step_begin(step);
	} else if (first->waiting == WAITING) {
		step_give_up(step, "too much is asked of this call at once; try again");
	} else {
		first->waiting++;
		first->last->next = step;
		first->last = step;
	}
}

void step_fail(struct step *step, enum par_error error, const char *message,
	       const struct par_tx *tx)
{
	step->way = WAY_REFUSE;
	step->error = error;
	step->message = message;
	step_end(step, tx);
}

/* --- what is to be stored --- */

/* Whether it may go on when he who acts, or the caller, is no longer in the group: who goes must be
 * able to, and the others are told. */
static bool step_ends(const struct step *step)
{
	return step->kind == STEP_LEAVE || step->kind == STEP_CLOSE || step->kind == STEP_RING ||
	       step->kind == STEP_GONE || step->kind == STEP_ROSTER;
}

/* Whether a refused tx is worth another try, and prepares it. */
static bool step_again(struct step *step, const struct par_tx *tx)
{
	const struct par_str expected = tx->ops[0].u.doc.expected;

	if (step->tries++ == TRIES)
		return false;
	if (tx->error == PAR_E_NOT_FOUND && par_chat_is_group(&step->chat) && step_ends(step))
		step->looks = true;
	else if (tx->error != PAR_E_CONFLICT)
		return false;
	if (tx->error == PAR_E_CONFLICT && step->way == WAY_CLOSE) {
		step->lost.s = strndup(expected.s, expected.len);
		step->lost.len = expected.len;
		if (step->lost.s == NULL)
			abort();
	}
	return true;
}

static void step_count(const struct step *step)
{
	struct calls *calls = step->calls;
	bool missed = record_number(step->doc, "joinedAt") == 0;

	if (step->kind == STEP_NEW)
		calls->api->metric_add(calls->begun, 1);
	if (step->kind == STEP_GONE)
		calls->api->metric_add(calls->vanished, 1);
	if (step->kind == STEP_ROSTER && !step->gone)
		calls->api->metric_add(calls->removed, 1);
	if (step->way == WAY_CLOSE)
		calls->api->metric_add(missed ? calls->missed : calls->received, 1);
}

static void step_done(void *state, void *arg)
{
	struct step *step = state;
	const struct par_tx *tx = arg;
	struct calls *calls = step->calls;

	if (tx->error == PAR_OK) {
		if (step->way == WAY_CLOSE)
			live_drop(calls, step->chat.key);
		else
			live_put(calls, step->chat.key, record_text(step->doc));
		step_count(step);
		if (step->kind == STEP_ROSTER && step->way == WAY_WRITE) {
			step->tries = 0;
			step_try(step); /* there may be others */
			return;
		}
		step_end(step, tx);
		return;
	}
	if (!calls->stopping && step_again(step, tx)) {
		live_drop(calls, step->chat.key);
		step->fresh = step->recalled = false;
		roster_forget(step);
		look_ask(step);
	} else {
		step_fail(step, tx->error, tx->message, tx);
	}
}

static void step_submit(struct step *step)
{
	const struct par_api *api = step->calls->api;
	struct par_tx *tx = api->tx_new(step->calls->self, step_done, step);
	struct par_op *op =
	    par_tx_add(tx, step->way == WAY_CLOSE ? PAR_OP_DOC_DELETE : PAR_OP_DOC_PUT);

	op->u.doc.plugin = par_str_of("calls");
	op->u.doc.key = par_tx_copy(api, tx, step->chat.key);
	op->u.doc.expects = true;
	op->u.doc.expected = par_tx_copy(api, tx, step->expected);
	if (step->way == WAY_WRITE)
		op->u.doc.value = par_tx_copy(api, tx, record_text(step->doc));
	if (!step->gone)
		step_tell(step, tx);
	api->tx_submit(tx);
}

/* Whether its answer says what goes on in the call: who is not in the group is not told. The
 * transaction of one that changes something finds that out by itself. */
static bool step_says(const struct step *step)
{
	if (!par_chat_is_group(&step->chat) || step->request == 0)
		return false;
	return step->way == WAY_REFUSE ? step->error != PAR_E_NOT_FOUND
				       : step->kind == STEP_NEW || step->kind == STEP_JOIN;
}

/* Whether what is known here may be old, and has to be asked for again. */
static bool step_doubts(const struct step *step)
{
	return !step->fresh && step->kind != STEP_ROSTER && step->over == 0;
}

/* Whether it may be a call that is over by now: when it is not the one that goes on. */
static bool step_recalls(const struct step *step, const struct live *live)
{
	return step->named && !step->recalled &&
	       (live == NULL || !record_is(live->doc, step->call_id, step->chat.user));
}

void step_try(struct step *step)
{
	struct calls *calls = step->calls;
	struct live *live = live_find(calls, step->chat.key);
	struct par_str none = { NULL, 0 };

	if (!step->fresh && (step->asks || (live == NULL && step->kind != STEP_NEW))) {
		look_ask(step);
		return;
	}
	if (step->looks && live != NULL && step->roster == NULL) {
		look_roster(step, live->doc);
		return;
	}
	if (step_recalls(step, live)) {
		look_over(step);
		return;
	}
	step->expected = live == NULL ? none : live->text;
	step_decide(step, live == NULL ? NULL : live->doc, calls->api->now(calls->self));
	if (step->way == WAY_WRITE || step->way == WAY_CLOSE)
		step_submit(step);
	else if (step_doubts(step))
		look_ask(step);
	else if (step_says(step))
		look_member(step);
	else
		step_end(step, NULL);
}
