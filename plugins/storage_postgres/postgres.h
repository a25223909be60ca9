/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The plugin as its parts see it. All of it runs on the core thread, woken by
 * the connections' sockets, but for making a connection (connect.c), which may block and
 * runs on a helper thread with its own data.
 *
 *   plugin.c     options, metrics, the role
 *   queue.c      what waits, and what may go together: order by chat and user; queue_key.c
 *   pool.c       the lanes: who takes the next batch, patience, the end
 *   dial.c       connecting the lanes, and again after a while; what became of commits in doubt
 *   health.c     whether the database is well; refusing while it is not, finding out when it is
 *   lane.c       one connection: a batch's steps in pipeline mode
 *   outcome.c    what becomes of a batch: done, tried again, refused, in doubt
 *   connect.c    making and preparing a connection; schema.c, server.c belong to it
 *   batch_*.c    the three kinds of batches (batch.h)
 *
 * A batch of transactions has two steps. It LOADS: locks the rows of all its
 * chats, users and devices in one order that is the same for every server, and
 * reads them into memory (world.h). It DECIDES there, transaction by
 * transaction, with no look at the database. And it WRITES what became of it, and
 * commits. So a lone message costs two round trips, and five hundred no more.
 */
#ifndef STORAGE_POSTGRES_POSTGRES_H
#define STORAGE_POSTGRES_POSTGRES_H

#include <stdbool.h>
#include <stdint.h>

#include <parlance/storage.h>

#include "queue.h"

struct lane;

/* device.sent where the server of the device died: it may have been sent all there is. */
#define SENT_ALL (UINT64_C(1) << 62)

struct postgres_options {
	const char *conninfo;
	unsigned connections;
	unsigned batch; /* the most works in one batch */
	uint64_t connect_timeout; /* ms */
	uint64_t timeout; /* ms: how long a step may take, and something may wait */
};

struct postgres_metrics {
	struct par_metric *transactions, *queries, *failures, *retries, *batches;
	struct par_metric *batch_last, *batch_max, *commit_us, *queue;
	struct par_metric *connections, *connects, *losses, *in_doubt, *refused;
};

struct postgres {
	const struct par_api *api;
	struct par_plugin *self;
	struct postgres_options options;
	char *conninfo; /* of the options */
	struct postgres_metrics metrics;
	struct queue queue;
	struct lane *lanes; /* options.connections of them */
	int64_t server; /* this server's number in the database; 0: it has none yet */
	unsigned largest; /* batch so far */
	par_timer_id tick; /* runs while something waits or is under way */
	par_timer_id hold; /* runs while something waits for a batch that is worth a lane */
	bool held_enough;
	uint64_t ticks; /* counts them: PATIENCE of them are options.timeout */
	bool stopping; /* what waits for a timer waits no longer */
	bool ended; /* nothing is begun any more */

	/* dial.c */
	unsigned connected, dialing; /* lanes */
	bool proven; /* the last attempt to connect succeeded, and nothing was lost since */
	bool dialed; /* one succeeded since the start */
	bool complained; /* the log was told that one failed, since the last that succeeded */
	par_timer_id redial;
	uint64_t backoff; /* ms */
	unsigned seed; /* of jitter */
	uint64_t alone_since; /* tick when the last connection was lost */

	/* health.c */
	const char *down; /* static, or in down_text; NULL: all is well */
	char down_text[256];
	bool unreachable;
	const char *ill; /* why nothing can be written, static; NULL: it can */
	bool refusing; /* what would write is not tried */
	uint64_t ill_at, well_at, calm; /* ms */
	par_timer_id probe;
	uint64_t logged_at; /* ms: the last line about a failure */
	unsigned unlogged; /* how many were left out since */
};

/* How many ticks are `timeout`. */
#define PATIENCE 8

#endif
