/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calls that nobody looks after. At the start, and twice in a reconnect_grace, all calls there are
 * are read, in pages. So a server knows of those whose participants come to it, and does what
 * a server that is gone, or a storage that was down, has left undone. What is known here of a
 * call with nobody connected here is no better than what is read, and follows it.
 */
#include "record.h"
#include "step.h"

#define SWEEP_PAGE 256
#define SWEEP_BYTES ((size_t)1 << 20)

/* Of who is not connected here another server may know; its last beat may be a beat old, so he may
 * have gone a beat after it. Who was connected when the server died, or while the storage was
 * down, can be back, and written down, no sooner than both are well: he has a grace from there. */
static uint64_t part_due(const struct part *part, uint64_t since)
{
	const struct calls *calls = part->live->calls;
	uint64_t from = since + watch_beat(calls);

	return (from > calls->blind_until ? from : calls->blind_until) + calls->reconnect_grace;
}

/* What should have happened to it by now, or should before the next sweep. */
static void overdue(struct live *live)
{
	struct calls *calls = live->calls;
	uint64_t now = calls->api->now(calls->self);
	struct part *part;

	if (watch_is_over(live, now)) {
		step_run(watch_step(live, STEP_RING, live->caller->user));
		return;
	}
	for (part = live->parts; part != NULL; part = part->next) {
		uint64_t since = part->since, seen = 0, due;

		if (part->gone != 0 ||
		    calls->api->user_sessions(calls->self, part->person->user) > 0)
			continue;
		record_is_here(live->doc, part->person->user, &seen);
		since = since > seen ? since : seen;
		due = part_due(part, since);
		if (due <= now + watch_beat(calls))
			watch_part_due(part, since, due);
	}
}

static void swept(struct calls *calls, struct par_str key, struct par_str text)
{
	struct live *live = live_find(calls, key);

	if (live == NULL || (!live_is_here(live) && !par_str_equal(live->text, text)))
		live_put(calls, key, text);
	live = live_find(calls, key);
	if (live == NULL)
		return;
	live->swept = calls->sweeps;
	overdue(live);
}

/* Those that were not come by are no more. */
static void swept_all(struct calls *calls)
{
	struct live *live, *next;

	HASH_ITER(hh, calls->lives, live, next) {
		if (live->swept != calls->sweeps && !live_is_here(live))
			live_drop(calls, live->key);
	}
}

static void sweep_ask(struct calls *calls, struct par_str after);

static void sweep(void *state, void *arg)
{
	struct par_str start = { NULL, 0 };
	struct calls *calls = state;

	(void)arg;
	calls->sweep = 0;
	calls->sweeps++;
	sweep_ask(calls, start);
}

static void sweep_taken(void *state, void *arg)
{
	struct calls *calls = state;
	const struct par_query *query = arg;
	unsigned i;

	if (calls->stopping)
		return;
	for (i = 0; i < query->n; i++)
		swept(calls, query->docs[i].key, query->docs[i].value);
	if (query->error == PAR_OK && query->has_more && query->n > 0) {
		sweep_ask(calls, query->docs[query->n - 1].key);
		return;
	}
	if (query->error == PAR_OK)
		swept_all(calls);
	else
		calls->blind_until = calls->api->now(calls->self);
	calls->sweep = calls->api->timer_start(calls->self, watch_beat(calls), sweep, calls, NULL);
}

static void sweep_ask(struct calls *calls, struct par_str after)
{
	const struct par_api *api = calls->api;
	struct par_query *query = api->query_new(calls->self, sweep_taken, calls);

	query->kind = PAR_QUERY_DOC_SCAN;
	query->plugin = par_str_of("calls");
	query->key = par_str_of("");
	query->after_key = par_query_copy(api, query, after);
	query->limit = SWEEP_PAGE;
	query->max_bytes = SWEEP_BYTES;
	api->query_submit(query);
}

void sweep_begin(struct calls *calls)
{
	calls->blind_until = calls->api->now(calls->self);
	sweep(calls, NULL);
}
