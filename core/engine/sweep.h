/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Having every session look into the storage, for when something may have been stored for
 * users of whom nobody knows who they are: an event to a whole group, in a transaction
 * whose outcome is unknown. Who is in the group only the storage knows, and it did not say; asking
 * it would not tell who was removed in that very transaction. But a session that looks without
 * need costs one empty page, and the case is rare, so all look.
 *
 * What this costs is bounded, however often it is wanted: one sweep goes through the sessions at a
 * time, SWEEP_STEP of them every SWEEP_STEP_US, and waits for as long as others wait
 * for the storage, as they do while it is down. What is wanted meanwhile is one
 * sweep more. So a session looks some seconds later at the latest, or earlier, when its
 * user's next event shows a gap.
 */
#ifndef PARLANCE_SWEEP_H
#define PARLANCE_SWEEP_H

#include <stdbool.h>
#include <stdint.h>

struct core;

#define SWEEP_STEP 64
#define SWEEP_STEP_US 10000

struct sweep {
	uint64_t timer; /* 0: none is under way */
	uint32_t at; /* the next slot of the core's sessions */
	bool again;
};

void sweep_want(struct core *core);

#endif
