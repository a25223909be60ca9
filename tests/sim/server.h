/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The server of a simulated run: the life of the core in it, from start to drain or crash
 * and to the next start, and its turns. What the I/O threads and the loop do for
 * the real core is done here and in conn.c.
 */
#ifndef PARLANCE_SIM_SERVER_H
#define PARLANCE_SIM_SERVER_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/core.h"

#define SERVER_IO_MAX 4
#define SERVER_INBOX 8192

struct sim;

struct server {
	struct sim *sim;
	struct config *config;
	struct settings settings;
	struct metrics metrics;
	struct core *core; /* NULL: there is none now */
	struct seam seams[SERVER_IO_MAX];
	uint64_t due_at; /* a turn is wanted then; UINT64_MAX: none is */
	unsigned turns; /* since the clock moved */
	uint64_t n_turns; /* in all */
	uint64_t full_turn; /* the last one with a full outbox */
	bool forgetful; /* a crash or a drain cut short: acks may have been lost */
	uint64_t lives;
	bool draining;
	bool deaf; /* what the core says is heard by nobody */
};

void server_init(struct server *s, struct sim *sim);
void server_start(struct server *s);
/* As with kill -9. It starts again after a while. */
void server_crash(struct server *s);
/* As with SIGTERM. Likewise. */
void server_drain(struct server *s);
void server_free(struct server *s);

/* From the transport: copies the slot into an inbox. */
void server_tell(struct server *s, const struct in_msg *in);
/* When the core wants to run; UINT64_MAX: never. */
uint64_t server_next(const struct server *s);
/* One turn of it, and what it said goes on its way. */
void server_turn(struct server *s);
/* The wall clock was set; a turn shows it to the core. */
void server_clock_jumped(struct server *s);
/* Fetches a counter of the core that lives. */
int64_t server_metric(const struct server *s, const char *name);

#endif
