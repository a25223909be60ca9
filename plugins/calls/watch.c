/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What time does to calls. Nobody joins: the call ends after ring_timeout. A participant's last
 * device goes, and none is back after reconnect_grace: he has left. Each call has a beat, twice
 * in a grace, in which the server writes down who of the participants is connected to it; so
 * when a server dies, another one (or the same, started again) knows since when its users are
 * gone. And whatever a timer could not do, since the storage was down, the next beat does.
 *
 * Calls that nobody here knows, of another server or of one that has ended, are looked for
 * at the start, and from time to time.
 */
#include "record.h"
#include "step.h"

#define SWEEP_PAGE 256
#define SWEEP_BYTES ((size_t)1 << 20)

static uint64_t clock_of(const struct calls *calls)
{
	return calls->api->now(calls->self);
}

static uint64_t beat_of(const struct calls *calls)
{
	return calls->reconnect_grace / 2;
}

static struct step *step_of(const struct live *live, enum step_kind kind, struct par_str user)
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

static void ring_over(void *state, void *arg)
{
	struct live *live = arg;

	(void)state;
	live->ring = 0;
	step_run(step_of(live, STEP_RING, live->caller->user));
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
	struct step *step = step_of(part->live, STEP_GONE, part->person->user);

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

enum par_verdict watch_user_offline(void *state, const struct par_hook_call *call)
{
	struct calls *calls = state;
	struct person *person = person_find(calls, call->user);
	struct part *part;

	for (part = person == NULL ? NULL : person->parts; part != NULL;
	     part = part->next_of_person) {
		watch_part_forget(part);
		part->since = call->now;
		if (!calls->stopping)
			part->gone = calls->api->timer_start(calls->self, calls->reconnect_grace,
							     part_gone, calls, part);
	}
	return PAR_ALLOW;
}

enum par_verdict watch_user_online(void *state, const struct par_hook_call *call)
{
	struct calls *calls = state;
	struct person *person = person_find(calls, call->user);
	struct part *part;

	for (part = person == NULL ? NULL : person->parts; part != NULL;
	     part = part->next_of_person) {
		watch_part_forget(part);
		part->since = 0;
	}
	return PAR_ALLOW;
}

/* --- the beat --- */

/* Of who is not connected here another server may know; its last beat may be a beat old. One
 * who was connected to this server before it started has a grace from there. */
static bool part_is_lost(const struct part *part, uint64_t now)
{
	const struct calls *calls = part->live->calls;
	uint64_t seen = 0, from;

	if (part->gone != 0 || calls->api->user_sessions(calls->self, part->person->user) > 0)
		return false;
	record_is_here(part->live->doc, part->person->user, &seen);
	from = (part->since > seen ? part->since : seen) + 2 * beat_of(calls);
	if (from < calls->started)
		from = calls->started;
	return now >= from + calls->reconnect_grace;
}

static void beat(void *state, void *arg)
{
	struct calls *calls = state;
	struct live *live = arg;
	uint64_t now = clock_of(calls);
	struct step *steps[2] = { NULL, NULL };
	struct part *part;

	live->beat = calls->api->timer_start(calls->self, beat_of(calls), beat, calls, live);
	if (rings_on(live) && live->ring == 0 && now >= rings_until(live)) {
		steps[0] = step_of(live, STEP_RING, live->caller->user);
	} else {
		steps[0] = step_of(live, STEP_BEAT, live->caller->user);
		for (part = live->parts; part != NULL && steps[1] == NULL; part = part->next) {
			if (!part_is_lost(part, now))
				continue;
			steps[1] = step_of(live, STEP_GONE, part->person->user);
			record_is_here(live->doc, part->person->user, &steps[1]->since);
			if (steps[1]->since < part->since)
				steps[1]->since = part->since;
		}
	}
	step_run(steps[0]); /* from here on the call may be gone */
	if (steps[1] != NULL)
		step_run(steps[1]);
}

void watch_live(struct live *live)
{
	struct calls *calls = live->calls;

	ring_set(live);
	if (live->beat == 0)
		live->beat =
		    calls->api->timer_start(calls->self, beat_of(calls), beat, calls, live);
}

void watch_forget(struct live *live)
{
	struct calls *calls = live->calls;

	if (live->ring != 0)
		calls->api->timer_stop(calls->self, live->ring);
	if (live->beat != 0)
		calls->api->timer_stop(calls->self, live->beat);
	live->ring = live->beat = 0;
}

/* --- calls that nobody here knows --- */

static void sweep_ask(struct calls *calls, struct par_str after);

static void sweep(void *state, void *arg)
{
	struct calls *calls = state;
	struct par_str start = { NULL, 0 };

	(void)arg;
	calls->sweep = 0;
	sweep_ask(calls, start);
}

static void sweep_taken(void *state, void *arg)
{
	struct calls *calls = state;
	const struct par_query *query = arg;
	unsigned i;

	if (calls->stopping)
		return;
	for (i = 0; i < query->n; i++) {
		if (live_find(calls, query->docs[i].key) == NULL)
			live_put(calls, query->docs[i].key, query->docs[i].value);
	}
	if (query->error == PAR_OK && query->has_more && query->n > 0)
		sweep_ask(calls, query->docs[query->n - 1].key);
	else
		calls->sweep =
		    calls->api->timer_start(calls->self, calls->ring_timeout, sweep, calls, NULL);
}

static void sweep_ask(struct calls *calls, struct par_str after)
{
	const struct par_api *api = calls->api;
	struct par_query *query = api->query_new(calls->self, sweep_taken, calls);

	query->kind = PAR_QUERY_DOC_SCAN;
	query->plugin = par_str_of("calls");
	query->key = par_str_of("");
	if (after.s != NULL) {
		char *copy = api->query_alloc(query, after.len);
		memcpy(copy, after.s, after.len);
		query->after_key.s = copy;
		query->after_key.len = after.len;
	}
	query->limit = SWEEP_PAGE;
	query->max_bytes = SWEEP_BYTES;
	api->query_submit(query);
}

void watch_begin(struct calls *calls)
{
	struct par_str start = { NULL, 0 };

	calls->started = clock_of(calls);
	sweep_ask(calls, start);
}
