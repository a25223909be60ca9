/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What time does to calls, and groups. Nobody joins: the call ends after ring_timeout. A
 * participant's last device goes, and none is back after reconnect_grace: he has left. Each call
 * has a beat, twice in a grace, for as long as somebody in it is connected to this server, which
 * writes down who is; so when a server dies, another one (or the same, started again) knows since
 * when its users are gone. Somebody goes from a group: he leaves its call. That is looked at
 * when the group changes here, and at each beat, since another server may have changed it.
 *
 * What a timer could not do, since the storage was down, sweep.c does.
 */
#include "record.h"
#include "step.h"

static uint64_t clock_of(const struct calls *calls)
{
	return calls->api->now(calls->self);
}

uint64_t watch_beat(const struct calls *calls)
{
	return calls->reconnect_grace / 2;
}

struct step *watch_step(const struct live *live, enum step_kind kind, struct par_str user)
{
	struct par_str nothing = { "", 0 };

	return step_new(live->calls, kind, user, record_chat_id(live->doc, user), nothing,
			record_word(live->doc, "callId"));
}

/* --- nobody joins --- */

static bool rings_on(const struct live *live)
{
	return record_number(live->doc, "joinedAt") == 0;
}

static uint64_t rings_until(const struct live *live)
{
	return record_number(live->doc, "createdAt") + live->calls->ring_timeout;
}

bool watch_is_over(const struct live *live, uint64_t now)
{
	return rings_on(live) && live->ring == 0 && now >= rings_until(live);
}

static void ring_over(void *state, void *arg)
{
	struct live *live = arg;

	(void)state;
	live->ring = 0;
	step_run(watch_step(live, STEP_RING, live->caller->user));
}

static void ring_set(struct live *live)
{
	const struct par_api *api = live->calls->api;
	uint64_t now = clock_of(live->calls), until = rings_until(live);

	if (live->ring != 0 && !rings_on(live)) {
		api->timer_stop(live->calls->self, live->ring);
		live->ring = 0;
	} else if (live->ring == 0 && rings_on(live) && until > now) {
		live->ring =
		    api->timer_start(live->calls->self, until - now, ring_over, live->calls, live);
	}
}

/* --- a participant goes --- */

static void part_gone(void *state, void *arg)
{
	struct part *part = arg;
	struct step *step = watch_step(part->live, STEP_GONE, part->person->user);

	(void)state;
	part->gone = 0;
	step->since = part->since;
	step_run(step);
}

void watch_part_forget(struct part *part)
{
	struct calls *calls = part->live->calls;

	if (part->gone != 0)
		calls->api->timer_stop(calls->self, part->gone);
	part->gone = 0;
}

void watch_part_due(struct part *part, uint64_t since, uint64_t due)
{
	struct calls *calls = part->live->calls;
	uint64_t now = clock_of(calls);

	watch_part_forget(part);
	part->since = since;
	if (!calls->stopping)
		part->gone = calls->api->timer_start(calls->self, due > now ? due - now : 0,
						     part_gone, calls, part);
}

static void part_went(struct part *part, uint64_t now)
{
	watch_part_due(part, now, now + part->live->calls->reconnect_grace);
}

void watch_entered(struct calls *calls, struct par_str key, struct par_str user)
{
	struct live *live = live_find(calls, key);
	struct part *part = live == NULL ? NULL : live_part(live, user);

	if (part != NULL && part->gone == 0 && calls->api->user_sessions(calls->self, user) == 0)
		part_went(part, clock_of(calls));
}

enum par_verdict watch_user_offline(void *state, const struct par_hook_call *call)
{
	struct calls *calls = state;
	struct person *person = person_find(calls, call->user);
	struct part *part;

	for (part = person == NULL ? NULL : person->parts; part != NULL;
	     part = part->next_of_person)
		part_went(part, call->now);
	return PAR_ALLOW;
}

/* --- who is no longer in the group --- */

/* It waits for what is under way in the chat, so who was just about to join is found too. */
enum par_verdict watch_roster_changed(void *state, const struct par_hook_call *call)
{
	struct calls *calls = state;
	const struct par_op *op = call->subject;
	const struct par_op_roster *roster = &op->u.roster;
	struct par_str nothing = { "", 0 };
	struct step *step;

	if (calls->stopping ||
	    (roster->kind != PAR_ROSTER_REMOVE && roster->kind != PAR_ROSTER_LEAVE &&
	     roster->kind != PAR_ROSTER_DELETE))
		return PAR_ALLOW;
	step = step_new(calls, STEP_ROSTER, call->user, roster->chat.key, nothing, nothing);
	step->asks = step->looks = true;
	step_run(step);
	return PAR_ALLOW;
}

/* --- the beat --- */

/* The longest since one who is connected here was written down. */
static uint64_t beat_is_due(const struct live *live, uint64_t now)
{
	const struct calls *calls = live->calls;
	uint64_t due = now + watch_beat(calls), seen = 0;
	const struct part *part;

	for (part = live->parts; part != NULL; part = part->next) {
		if (calls->api->user_sessions(calls->self, part->person->user) > 0 &&
		    record_is_here(live->doc, part->person->user, &seen) &&
		    seen + watch_beat(calls) < due)
			due = seen + watch_beat(calls);
	}
	return due > now ? due - now : 0;
}

static void beat(void *state, void *arg)
{
	struct calls *calls = state;
	struct live *live = arg;
	struct step *roster = NULL;

	live->beat = 0;
	if (!live_is_here(live))
		return;
	live->beat = calls->api->timer_start(calls->self, watch_beat(calls), beat, calls, live);
	if (par_id_is_group(live->key)) {
		roster = watch_step(live, STEP_ROSTER, live->caller->user);
		roster->looks = true;
	}
	step_run(watch_step(live, STEP_BEAT, live->caller->user));
	/* from here on the call may be gone */
	if (roster != NULL)
		step_run(roster);
}

static void beat_forget(struct live *live)
{
	struct calls *calls = live->calls;

	if (live->beat != 0)
		calls->api->timer_stop(calls->self, live->beat);
	live->beat = 0;
}

static void beat_set(struct live *live)
{
	struct calls *calls = live->calls;

	if (live->beat == 0 && live_is_here(live))
		live->beat = calls->api->timer_start(
		    calls->self, beat_is_due(live, clock_of(calls)), beat, calls, live);
}

/* Who comes from another server is written down before that one takes him to be gone. */
enum par_verdict watch_user_online(void *state, const struct par_hook_call *call)
{
	struct calls *calls = state;
	struct person *person = person_find(calls, call->user);
	struct part *part;

	for (part = person == NULL ? NULL : person->parts; part != NULL;
	     part = part->next_of_person) {
		watch_part_forget(part);
		part->since = 0;
		beat_forget(part->live);
		beat_set(part->live);
	}
	return PAR_ALLOW;
}

void watch_live(struct live *live)
{
	ring_set(live);
	beat_set(live);
}

void watch_forget(struct live *live)
{
	struct calls *calls = live->calls;

	if (live->ring != 0)
		calls->api->timer_stop(calls->self, live->ring);
	live->ring = 0;
	beat_forget(live);
}
