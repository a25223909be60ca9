/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The storage as the core sees it in a simulated run: in place of the role of the
 * storage plugin that the core has loaded. It decides when a transaction or
 * query is carried out (truth.h), when its result comes back, and whether either
 * fails; the rules of <parlance/storage.h> about order and about being down
 * are kept. Its lists are where a crash finds what it interrupts:
 *
 *   submit ─▶ handed ─flush─▶ waiting ─commit─▶ results ─hand back─▶ the core
 *                                └─ a late query ─▶ late ─────────────▶ the core
 */
#ifndef PARLANCE_SIM_STORAGE_H
#define PARLANCE_SIM_STORAGE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include <parlance/storage.h>

struct core;
struct sim;
struct work;

STAILQ_HEAD(works, work);

struct storage {
	struct sim *sim;
	struct par_plugin *plugin; /* of the core that lives */
	uint64_t life; /* counts cores: what happens for an earlier one is void */
	struct works handed, waiting, results, late;
	struct works returning; /* posted to the core */
	unsigned n; /* in all of these */
	bool committing, handing_back, posted; /* a happening is set */
	const char *down; /* why, or NULL */
	bool dead; /* the server died: nothing is carried out any more */
	bool ending; /* the core stops: everything is completed at once */
};

void storage_init(struct storage *s, struct sim *sim);
/* Takes the place of the storage plugin that the core has loaded and not started. */
void storage_attach(struct storage *s, struct core *core);
/* The core is about to be stopped; with `dead` what is not committed never will be. */
void storage_end(struct storage *s, bool dead);
void storage_set_down(struct storage *s, const char *reason);

#endif
