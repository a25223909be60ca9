/* SPDX-License-Identifier: BSD-2-Clause */
/* Asking the storage to prune; see prune.h. Core thread. */
#include "engine/prune.h"

#include <parlance/storage.h>

#include "engine/core_internal.h"
#include "engine/storage.h"

/* Events in one transaction: a few milliseconds of a storage's time. */
#define PRUNE_STEP 1000

static void prune_done(void *state, void *arg);

/* The time that things are old by. A wall clock that jumps ahead must not make everything
 * old at once, so it goes no faster than the server runs. */
static uint64_t prune_now(const struct core *core)
{
	uint64_t ran = (core->mono_us - core->started_us) / 1000;

	return core->now < core->started + ran ? core->now : core->started + ran;
}

static void prune_submit(struct core *core)
{
	const struct settings *settings = core->settings;
	uint64_t now = prune_now(core);
	struct par_tx *tx = storage_tx_new(core, NULL, prune_done, core);
	struct par_op_prune *prune = &par_tx_add(tx, PAR_OP_PRUNE)->u.prune;

	prune->limit = PRUNE_STEP;
	if (settings->event_ttl > 0 && now > settings->event_ttl)
		prune->events_before = now - settings->event_ttl;
	if (now > settings->device_ttl)
		prune->devices_before = now - settings->device_ttl;
	storage_tx_submit(tx);
}

static void prune_due(void *state, void *arg)
{
	(void)arg;
	prune_submit(state);
}

static void prune_done(void *state, void *arg)
{
	struct core *core = state;
	const struct par_tx *tx = arg;
	const struct par_op_prune *prune = &tx->ops[0].u.prune;

	if (tx->error == PAR_OK) {
		metric_add(core->count.events_pruned, (int64_t)prune->events);
		metric_add(core->count.devices_forgotten, (int64_t)prune->devices);
	}
	if (tx->error == PAR_OK && tx->ops[0].result.applied && !core->draining)
		prune_submit(core);
	else
		prune_start(core);
}

void prune_start(struct core *core)
{
	timers_start(&core->timers, core->mono_us + core->settings->prune_interval * 1000, NULL,
		     prune_due, core, NULL);
}
