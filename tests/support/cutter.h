/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What lies between storage_postgres and PostgreSQL, for tests: a thread that hands the
 * bytes on and knows a COMMIT when it comes by. So a connection is lost exactly before it,
 * or exactly after it and before its answer, which no other means brings about for sure.
 */
#ifndef PARLANCE_TESTS_CUTTER_H
#define PARLANCE_TESTS_CUTTER_H

#include <pthread.h>
#include <stdatomic.h>

enum cut {
	CUT_NOTHING,
	CUT_BEFORE, /* the next COMMIT does not arrive; its connection ends */
	CUT_AFTER /* it arrives, and its answer does not */
};

#define CUTTER_PAIRS 16

struct cutter {
	char dir[64]; /* the `host` to connect to */
	_Atomic enum cut cut; /* back to CUT_NOTHING when it is done */
	atomic_bool away; /* new connections end at once */

	/* private */
	pthread_t thread;
	atomic_bool ending;
	int listener;
	struct cutter_pair {
		int client, server;
		bool answer_is_cut;
	} pairs[CUTTER_PAIRS];
};

/* In front of the PostgreSQL that PGHOST and PGPORT name, which is a folder. */
void cutter_start(struct cutter *cutter);
void cutter_end(struct cutter *cutter);

#endif
