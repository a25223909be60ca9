/* SPDX-License-Identifier: BSD-2-Clause */
/* The storage between the core and the truth; see storage.h. */
#include "storage.h"

#include <stdlib.h>

#include "base/mem.h"
#include "engine/core_internal.h"
#include "plugin/plugin.h"
#include "sim.h"

/* What happens to a piece of work. */
enum fate {
	FATE_WELL,
	FATE_LOST, /* not carried out */
	FATE_UNSURE /* carried out, and said to have failed */
};

struct work {
	STAILQ_ENTRY(work) next;
	struct par_tx *tx; /* or ... */
	struct par_query *query;
	bool done;
};

static void storage_go_on(struct storage *s);

static uint64_t storage_pause(struct storage *s)
{
	struct sim *sim = s->sim;

	if (sim->calm)
		return random_between(&sim->random, 50, 2 * MS);
	if (random_chance(&sim->random, sim->plan.hiccups))
		return random_between(&sim->random, 1 * SECONDS, 15 * SECONDS);
	return random_between(&sim->random, 20, sim->plan.storage_us);
}

/* --- carrying out --- */

static enum fate draw_fate(struct storage *s, unsigned lost, unsigned unsure)
{
	if (s->sim->calm)
		return FATE_WELL;
	if (random_chance(&s->sim->random, lost))
		return FATE_LOST;
	return random_chance(&s->sim->random, unsure) ? FATE_UNSURE : FATE_WELL;
}

static void work_trace(struct storage *s, const char *what, const struct work *work)
{
	if (work->tx != NULL)
		trace_tx(&s->sim->trace, s->sim->world.us, what, work->tx);
	else
		trace_query(&s->sim->trace, s->sim->world.us, what, work->query);
}

static void work_refuse(struct work *work, enum par_error error)
{
	static const char why[] = "the simulated storage is not well";

	if (work->tx != NULL) {
		work->tx->error = error;
		work->tx->message = why;
	} else {
		work->query->error = error;
		work->query->message = why;
	}
	work->done = true;
}

static void work_run(struct storage *s, struct work *work, enum fate fate)
{
	static const char *const words[] = { "commits", "loses", "commits, unsure," };
	bool told = fate == FATE_WELL;

	if (fate == FATE_LOST)
		s->sim->counts.lost++;
	else if (work->tx != NULL)
		truth_run_tx(s->sim->truth, work->tx, &api_table, told);
	else
		truth_run_query(s->sim->truth, work->query, &api_table, told);
	if (fate == FATE_UNSURE)
		s->sim->counts.unsure++;
	work->done = true;
	if (!told)
		work_refuse(work, fate == FATE_LOST && random_chance(&s->sim->random, 100)
				      ? PAR_E_INTERNAL
				      : PAR_E_UNAVAILABLE);
	work_trace(s, words[fate], work);
}

/* --- handing back --- */

static void works_complete(struct storage *s, struct works *works)
{
	struct work *work;

	while ((work = STAILQ_FIRST(works)) != NULL) {
		STAILQ_REMOVE_HEAD(works, next);
		s->n--;
		if (work->tx != NULL)
			api_table.tx_done(work->tx);
		else
			api_table.query_done(work->query);
		free(work);
	}
}

/* On the core's thread, in its turn. */
static void storage_returned(void *state, void *arg)
{
	struct storage *s = state;

	(void)arg;
	s->posted = false;
	works_complete(s, &s->returning);
}

static void storage_post(struct storage *s)
{
	if (!s->posted)
		api_table.post(s->plugin, storage_returned, s, NULL);
	s->posted = true;
}

/* Moves the first n. */
static void works_move(struct works *to, struct works *from, uint64_t n)
{
	struct work *work;

	while (n-- > 0 && (work = STAILQ_FIRST(from)) != NULL) {
		STAILQ_REMOVE_HEAD(from, next);
		STAILQ_INSERT_TAIL(to, work, next);
	}
}

/* How many of a list go now: mostly all. */
static uint64_t draw_some(struct storage *s)
{
	return random_chance(&s->sim->random, 700) ? UINT64_MAX
						   : random_between(&s->sim->random, 1, 4);
}

static void storage_hand_back(void *arg, uint64_t life)
{
	struct storage *s = arg;

	if (life != s->life)
		return;
	s->handing_back = false;
	works_move(&s->returning, &s->results, draw_some(s));
	storage_post(s);
	storage_go_on(s);
}

/* --- committing --- */

static void storage_answer_late(void *arg, uint64_t life)
{
	struct storage *s = arg;
	struct work *work = STAILQ_FIRST(&s->late);

	if (life != s->life || work == NULL)
		return;
	if (!work->done)
		work_run(s, work, FATE_WELL);
	works_move(&s->returning, &s->late, 1);
	storage_post(s);
}

/* A query sees what was submitted before it, and perhaps more; nothing says
 * when its answer comes. Not so DEVICE, which also changes something. */
static bool storage_delay_query(struct storage *s, struct work *work)
{
	struct sim *sim = s->sim;

	if (work->query == NULL || work->query->kind == PAR_QUERY_DEVICE ||
	    !random_chance(&sim->random, sim->plan.late_queries))
		return false;
	if (random_chance(&sim->random, 500))
		work_run(s, work, FATE_WELL);
	STAILQ_REMOVE_HEAD(&s->waiting, next);
	STAILQ_INSERT_TAIL(&s->late, work, next);
	world_after(&sim->world, storage_pause(s), storage_answer_late, s, s->life);
	return true;
}

static void storage_commit(void *arg, uint64_t life)
{
	struct storage *s = arg;
	const struct plan *plan = &s->sim->plan;
	uint64_t left = draw_some(s);
	enum fate all = draw_fate(s, plan->lost_all, plan->unsure_all);
	struct work *work;

	if (life != s->life)
		return;
	s->committing = false;
	if (s->down != NULL)
		return;
	while (left-- > 0 && (work = STAILQ_FIRST(&s->waiting)) != NULL) {
		enum fate one = draw_fate(s, plan->lost_one, plan->unsure_one);

		if (storage_delay_query(s, work))
			continue;
		work_run(s, work, all != FATE_WELL ? all : one);
		works_move(&s->results, &s->waiting, 1);
	}
	storage_go_on(s);
}

/* Sets what is next going. */
static void storage_go_on(struct storage *s)
{
	struct world *world = &s->sim->world;

	if (!STAILQ_EMPTY(&s->waiting) && !s->committing && s->down == NULL) {
		s->committing = true;
		world_after(world, storage_pause(s), storage_commit, s, s->life);
	}
	if (!STAILQ_EMPTY(&s->results) && !s->handing_back) {
		s->handing_back = true;
		world_after(world, storage_pause(s), storage_hand_back, s, s->life);
	}
}

/* --- the role --- */

static void storage_add(struct storage *s, struct par_tx *tx, struct par_query *query)
{
	struct work *work = mem_zalloc(sizeof(*work));

	work->tx = tx;
	work->query = query;
	STAILQ_INSERT_TAIL(&s->handed, work, next);
	s->n++;
}

static void role_submit(void *state, struct par_tx *tx)
{
	storage_add(state, tx, NULL);
}

static void role_query(void *state, struct par_query *query)
{
	storage_add(state, NULL, query);
}

static void works_refuse(struct storage *s, struct works *works)
{
	struct work *work;

	STAILQ_FOREACH(work, works, next) {
		if (work->done)
			continue;
		work_refuse(work, PAR_E_UNAVAILABLE);
		work_trace(s, "refuses", work);
	}
}

/* The core stops: what it waits for comes now, in order. */
static void storage_finish(struct storage *s)
{
	struct work *work;

	while (s->n > 0) {
		STAILQ_CONCAT(&s->waiting, &s->handed);
		if (s->dead || s->down != NULL) {
			works_refuse(s, &s->waiting);
			works_refuse(s, &s->late);
		}
		STAILQ_CONCAT(&s->returning, &s->results);
		STAILQ_CONCAT(&s->returning, &s->waiting);
		STAILQ_CONCAT(&s->returning, &s->late);
		STAILQ_FOREACH(work, &s->returning, next) {
			if (!work->done)
				work_run(s, work, FATE_WELL);
		}
		works_complete(s, &s->returning);
	}
}

static void role_flush(void *state)
{
	struct storage *s = state;

	if (s->ending) {
		storage_finish(s);
	} else if (s->down != NULL) {
		works_refuse(s, &s->handed);
		STAILQ_CONCAT(&s->returning, &s->handed);
		if (random_chance(&s->sim->random, 500))
			works_complete(s, &s->returning);
		else
			storage_post(s);
	} else {
		STAILQ_CONCAT(&s->waiting, &s->handed);
		storage_go_on(s);
	}
}

static const char *role_down(void *state)
{
	return ((struct storage *)state)->down;
}

static void role_stop(void *state)
{
	storage_finish(state);
}

static void role_unload(void *state)
{
	(void)state; /* it is the run's, and outlives the core */
}

/* --- life --- */

void storage_init(struct storage *s, struct sim *sim)
{
	s->sim = sim;
	STAILQ_INIT(&s->handed);
	STAILQ_INIT(&s->waiting);
	STAILQ_INIT(&s->results);
	STAILQ_INIT(&s->late);
	STAILQ_INIT(&s->returning);
}

/* The plugin that stood there is unloaded at once: the core has its object, and our
 * functions in it. */
void storage_attach(struct storage *s, struct core *core)
{
	static const struct par_storage_role role = { .size = sizeof(role),
						      .submit = role_submit,
						      .query = role_query,
						      .flush = role_flush,
						      .down = role_down };
	struct par_plugin *plugin = core->registry.storage_plugin;

	plugin->descriptor.unload(plugin->state);
	plugin->state = s;
	plugin->descriptor.start = NULL;
	plugin->descriptor.stop = role_stop;
	plugin->descriptor.unload = role_unload;
	core->registry.storage = role;
	core->registry.storage_state = s;
	s->plugin = plugin;
	s->life++;
	s->committing = s->handing_back = s->posted = false;
	s->dead = s->ending = false;
}

void storage_end(struct storage *s, bool dead)
{
	s->dead = dead;
	s->ending = true;
	s->life++;
}

void storage_set_down(struct storage *s, const char *reason)
{
	SIM_TRACE(s->sim, "storage is %s", reason == NULL ? "well" : "down");
	s->down = reason;
	if (s->n == 0 || s->ending)
		return;
	if (reason != NULL && random_chance(&s->sim->random, 500)) {
		works_refuse(s, &s->waiting);
		STAILQ_CONCAT(&s->results, &s->waiting);
	}
	storage_go_on(s);
}
