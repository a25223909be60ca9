/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A lane is one connection and the batch that it carries. Core thread.
 *
 *   AWAY ──dial──▶ CONNECTING ──▶ IDLE ──lane_start──▶ BUSY ──done──▶ IDLE
 *    ▲                 │            │                   │ ▲
 *    │                 │            │        a deadlock ▼ │ after a while
 *    └──── failed ─────┴─── lost ───┴──────────────── PAUSED
 *
 * A lane whose connection was lost after COMMIT had been sent is in doubt: it keeps the
 * works until the next connection tells what became of them, and the keys of the works
 * also when these were answered for want of patience.
 */
#ifndef STORAGE_POSTGRES_LANE_H
#define STORAGE_POSTGRES_LANE_H

#include "batch.h"
#include "connect.h"
#include "sqlstate.h"

enum lane_state { LANE_AWAY, LANE_CONNECTING, LANE_IDLE, LANE_BUSY, LANE_PAUSED };

/* What was asked in this step, and is not answered yet. */
struct asked {
	enum statement statement;
	bool own; /* the lane's: its result is for nobody else */
};

struct results {
	PGresult **list;
	unsigned n, cap;
};

struct lane {
	struct postgres *pg;
	enum lane_state state;
	struct connection connection;
	struct connect connect; /* while CONNECTING: the helper thread's */
	uint64_t connected_at; /* ms */
	par_watch_id watch;
	par_timer_id pause;

	const struct batch_kind *kind; /* NULL: there is no batch */
	struct batch batch;
	unsigned attempts; /* of this batch, in vain */
	uint64_t began; /* tick: of the batch, its first attempt */
	uint64_t since; /* tick: of the step under way; of the loss when in doubt */
	struct params params;
	struct asked *asked;
	unsigned n_asked, cap_asked, n_answered;
	struct results results; /* of the batch */
	unsigned first_result; /* of the step that is over */
	struct results spare;

	bool committing; /* COMMIT was asked */
	bool committed; /* and is done */
	bool rolling; /* this step is the ROLLBACK after a failure */
	bool in_doubt;
	bool suspect; /* of leading to a server that can only be read from */
	uint64_t commit_began; /* us */
	bool failed; /* something in this batch was refused, with */
	char sqlstate[6];
	char words[160]; /* PostgreSQL's, for the log */
};

void lane_init(struct lane *lane, struct postgres *pg);
void lane_free(struct lane *lane);

/* The lane has its connection, and is idle. False when it cannot be watched: then it is AWAY. */
bool lane_attach(struct lane *lane, const struct connection *connection);
/* Carries out the works; `kind` is that of the first. */
void lane_start(struct lane *lane, const struct batch_kind *kind, struct work *works, unsigned n);
/* Begins the batch of a PAUSED lane again. */
void lane_resume(struct lane *lane);
/* The socket is ready; for the loop, and for whoever polls in its place. */
void lane_ready(void *state, void *arg, unsigned ready);
/* Gives the connection up, whatever it is doing: AWAY from here on. */
void lane_lose(struct lane *lane, const char *sqlstate, const char *words);

/* --- outcome.c, for lane.c --- */

/* The batch is done: the lane is idle again. */
void outcome_done(struct lane *lane);
/* It was refused, and rolled back. */
void outcome_failed(struct lane *lane);
/* The connection broke under it. */
void outcome_lost(struct lane *lane);
/* What became of a lane in doubt. */
void outcome_settled(struct lane *lane, enum doubt doubt);
/* Answers the works of a lane in doubt that waited long enough. */
void outcome_impatient(struct lane *lane);

/* --- outcome.c: works in general --- */

/* Hands them back, with what is in them, and frees them. */
void works_done(struct postgres *pg, struct work *works);
/* The same with this in the place of their results. */
void works_refuse(struct postgres *pg, struct work *works, enum par_error error, const char *words);

#endif
