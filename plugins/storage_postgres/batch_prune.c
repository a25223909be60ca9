/* SPDX-License-Identifier: BSD-2-Clause */
/* Batches of WORK_PRUNE: refused as yet. */
#include "batch.h"

static void prune_begin(struct batch *batch)
{
	struct work *work;

	for (work = batch->works; work != NULL; work = work->next) {
		if (work->tx != NULL)
			work->tx->error = PAR_E_INTERNAL;
		else
			work->query->error = PAR_E_INTERNAL;
	}
}

static void prune_step(struct batch *batch)
{
	(void)batch;
}

const struct batch_kind batch_prune = { prune_begin, prune_step, prune_step };
