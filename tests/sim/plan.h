/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What kind of run a seed is, drawn before it begins: how many users and
 * devices, the server's settings, and which faults come how often. Each run has
 * a few of them in plenty rather than a little of all, for that is where they meet.
 */
#ifndef PARLANCE_SIM_PLAN_H
#define PARLANCE_SIM_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "random.h"

#define PLAN_TEXT_MAX 1024

struct plan {
	/* the people */
	unsigned users;
	unsigned clients; /* a user, at most */
	unsigned twins; /* permille: a client takes the name of the one before it */
	unsigned new_names; /* permille of connections: under a new device name */
	uint64_t end_us; /* from here on no faults and nothing new */
	uint64_t pace_us; /* between two actions of a client, about */
	unsigned bad; /* permille of actions without sense */
	unsigned lazy; /* permille of connections that never ack */
	unsigned hasty; /* permille of connections that live a moment only */
	uint64_t life_us; /* of the others, about */

	/* the network */
	uint64_t delay_us; /* one way, at most about so long */
	unsigned rude; /* permille of ends by a cut, in place of a close */
	unsigned half_open; /* permille of cuts that the server learns of late */
	unsigned stuck; /* permille of actions: the client stops reading for a while */

	/* the storage */
	uint64_t storage_us; /* a step of it takes at most about so long */
	unsigned hiccups; /* permille of steps that take seconds */
	unsigned lost_one, lost_all; /* permille: fails before the commit */
	unsigned unsure_one, unsure_all; /* permille: stands, but is said to have failed */
	unsigned late_queries; /* permille of queries that are answered out of line */
	unsigned downs; /* times that it is down for a while */

	/* the server */
	unsigned crashes;
	unsigned drains;
	unsigned jumps; /* of the wall clock */
	unsigned io_threads;
	uint32_t outbox; /* slots of the mailbox */
	uint64_t max_backlog; /* below what the config allows, so that it matters */
	bool forgets; /* devices may be forgotten */
	char server[PLAN_TEXT_MAX]; /* section of the config */
};

void plan_draw(struct plan *plan, struct random *random);

#endif
