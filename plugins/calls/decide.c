/* SPDX-License-Identifier: BSD-2-Clause */
/* What a step means for a call, from its document alone; see step.h. */
#include "step.h"

#include "record.h"

static void refuse(struct step *step, enum par_error error, const char *message)
{
	step->way = WAY_REFUSE;
	step->error = error;
	step->message = message;
}

/* The call ends, at `at`; the step's document is what it was. */
static void close_at(struct step *step, uint64_t at)
{
	uint64_t joined = record_number(step->doc, "joinedAt");

	step->way = WAY_CLOSE;
	step->duration = joined != 0 && at > joined ? (at - joined) / 1000 : 0;
}

static void decide_new(struct step *step, struct json_object *doc, uint64_t now)
{
	if (step->over != 0) { /* asked a second time, and it has ended */
		step->doc = record_new(step->call_id, step->chat.user, step->chat.peer, step->type,
				       step->over);
		return;
	}
	if (doc == NULL && step->caller->called > CALLS_OF_ONE) {
		refuse(step, PAR_E_FORBIDDEN,
		       "you have as many calls going on as one user may have");
		return;
	}
	if (doc == NULL) {
		step->doc =
		    record_new(step->call_id, step->chat.user, step->chat.peer, step->type, now);
		step->way = WAY_WRITE;
		return;
	}
	step->doc = json_object_get(doc);
	if (record_is(doc, step->call_id, step->chat.user))
		step->way = WAY_NOTHING; /* asked a second time */
	else
		refuse(step, PAR_E_CONFLICT, "there is a call in this chat already");
}

static void decide_join(struct step *step, uint64_t now)
{
	const struct calls *calls = step->calls;
	struct json_object *took = json_object_object_get(step->doc, "took");

	if (record_is_here(step->doc, step->chat.user, NULL)) {
		step->way = WAY_NOTHING;
	} else if (!record_took(step->doc, step->chat.user) &&
		   json_object_array_length(took) >= calls->max_participants) {
		refuse(step, PAR_E_TOO_LARGE, "this call has as many participants as it may have");
	} else {
		record_enter(step->doc, step->chat.user, now);
		step->way = WAY_WRITE;
	}
}

/* The last one who goes closes the call. */
static void decide_leave(struct step *step, uint64_t at)
{
	if (!record_took(step->doc, step->chat.user)) {
		refuse(step, PAR_E_NOT_FOUND, "you take no part in this call");
	} else if (!record_is_here(step->doc, step->chat.user, NULL)) {
		step->way = WAY_NOTHING;
	} else if (record_count(step->doc) == 1) {
		close_at(step, at);
	} else {
		record_leave(step->doc, step->chat.user);
		step->way = WAY_WRITE;
	}
}

/* In a dialog both may end or decline it; in a group those who take part, and the caller. */
static void decide_close(struct step *step, uint64_t now)
{
	struct par_str user = step->chat.user;

	if (!roster_has(step, user))
		refuse(step, PAR_E_NOT_FOUND, "there is no such chat");
	else if (par_id_is_group(step->chat.key) && !record_is_here(step->doc, user, NULL) &&
		 !par_str_equal(record_word(step->doc, "caller"), user))
		refuse(step, PAR_E_FORBIDDEN,
		       "who takes no part leaves the call to those who do; the last one closes it");
	else
		close_at(step, now);
}

/* Whether he came back meanwhile, here or at another server. */
static void decide_gone(struct step *step)
{
	uint64_t seen;

	if (record_is_here(step->doc, step->chat.user, &seen) && seen <= step->since &&
	    step->calls->api->user_sessions(step->calls->self, step->chat.user) == 0)
		decide_leave(step, step->since);
}

/* One of those who are no longer in the group; the step is tried again for the next. */
static void decide_roster(struct step *step, uint64_t now)
{
	step->who = roster_out(step);
	if (step->who.s == NULL) {
		step->way = WAY_NOTHING;
	} else if (record_count(step->doc) == 1) {
		close_at(step, now);
	} else {
		record_leave(step->doc, step->who);
		step->way = WAY_WRITE;
	}
}

static void decide_beat(struct step *step, uint64_t now)
{
	const struct calls *calls = step->calls;

	json_object_object_foreach(record_here(step->doc), name, seen)
	{
		struct par_str user = par_str_of(name);

		(void)seen;
		if (calls->api->user_sessions(calls->self, user) > 0) {
			record_seen(step->doc, user, now);
			step->way = WAY_WRITE;
		}
	}
}

void step_decide(struct step *step, struct json_object *now_doc, uint64_t now)
{
	step->way = WAY_NOTHING;
	json_object_put(step->doc);
	step->doc = NULL;
	if (step->kind == STEP_NEW) {
		decide_new(step, now_doc, now);
		return;
	}
	if (now_doc == NULL || (step->kind != STEP_ROSTER &&
				!par_str_equal(record_word(now_doc, "callId"), step->call_id))) {
		refuse(step, PAR_E_NOT_FOUND, "no such call is going on in this chat");
		return;
	}
	step->doc = record_copy(now_doc);
	if (step->gone) {
		close_at(step, now);
		return;
	}
	switch (step->kind) {
	case STEP_NEW:
		return;
	case STEP_JOIN:
		decide_join(step, now);
		return;
	case STEP_LEAVE:
		decide_leave(step, now);
		return;
	case STEP_CLOSE:
		decide_close(step, now);
		return;
	case STEP_RING:
		if (record_number(step->doc, "joinedAt") == 0)
			close_at(step, now);
		return;
	case STEP_GONE:
		decide_gone(step);
		return;
	case STEP_ROSTER:
		decide_roster(step, now);
		return;
	case STEP_BEAT:
		decide_beat(step, now);
		return;
	}
}
