/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * struct core, for the files of core/engine and core/plugin and for nobody
 * else. Its parts are owned by the file named beside each.
 */
#ifndef PARLANCE_CORE_INTERNAL_H
#define PARLANCE_CORE_INTERNAL_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include <parlance/plugin.h>
#include <parlance/storage.h>

#include "engine/core.h"
#include "engine/ephemeral.h"
#include "engine/handle.h"
#include "engine/post.h"
#include "engine/sweep.h"
#include "engine/timer.h"
#include "engine/watch.h"
#include "engine/window.h"
#include "plugin/registry.h"

struct outbox;
struct request;
struct session;
struct tx_box;
struct user;
struct cursor_note;

/* How many completed requests are remembered, to name who completes one twice. */
#define COMPLETED_MEMORY 64

TAILQ_HEAD(request_list, request);
TAILQ_HEAD(session_list, session);
TAILQ_HEAD(cursor_list, cursor_note);

/* Counted by the core itself. */
struct core_metrics {
	struct par_metric *sessions;
	struct par_metric *users;
	struct par_metric *requests;
	struct par_metric *errors;
	struct par_metric *client_events;
	struct par_metric *acks;
	struct par_metric *acks_ignored;
	struct par_metric *events_durable;
	struct par_metric *events_ephemeral;
	struct par_metric *events_redelivered;
	struct par_metric *events_pruned;
	struct par_metric *devices_forgotten;
	struct par_metric *resyncs;
	struct par_metric *pages;
	struct par_metric *sweeps;
	struct par_metric *ephemeral_dropped;
	struct par_metric *bad_messages;
	struct par_metric *timeouts;
	struct par_metric *slow_callbacks;
	struct par_metric *double_completions;
};

struct core {
	const struct settings *settings;
	struct core_env env;
	pthread_t thread; /* the core's: who made it */
	uint64_t now; /* ms since the epoch, never goes backwards; set by core_run */
	uint64_t mono_us;
	uint64_t started; /* both clocks as they were then */
	uint64_t started_us;

	struct seam *seams;
	struct outbox *outboxes; /* outbox.c; one a seam */
	unsigned n_outboxes;
	unsigned overflowing; /* outboxes whose mailbox was full */

	struct handles sessions; /* session.c */
	struct user *users; /* user.c, by id */
	unsigned n_sessions;
	struct session_list fetch_queue; /* fetch.c: sessions that have to ask the storage */
	unsigned fetches; /* questions on their way */
	uint64_t fetch_timer; /* it did not answer: the queue waits */
	bool fetch_failing; /* the last question was not answered */
	struct session_list fetch_aside; /* those whose streams cannot be read */
	uint64_t fetch_aside_timer;
	struct sweep sweep;
	struct session_list acked; /* cursor.c: sessions whose cursor moved */
	unsigned n_acked;
	struct cursor_list cursor_retry; /* cursor.c: of sessions that are gone */
	unsigned cursors_kept;
	unsigned cursors_inflight;
	bool cursors_failing; /* the last transaction of them was answered `unavailable` */
	bool cursors_alone; /* each is written in a transaction of its own next time */
	uint64_t cursor_timer;

	struct handles requests; /* request.c */
	struct request_list inflight; /* by deadline */
	uint64_t request_timer;
	struct message *handled; /* of the request whose handler runs */
	par_request_id completed[COMPLETED_MEMORY]; /* the latest */
	unsigned n_completed;

	struct par_json reply; /* the open reply (reply_open), by request.c */
	par_request_id reply_to;
	size_t reply_at; /* where its payload begins */
	struct ephemeral ephemeral; /* the open ephemeral event */
	struct par_json detail; /* details.c: what a plugin writes, before it is judged */

	struct timers timers;
	struct posts posts;
	struct watches watches;
	struct registry registry; /* plugin/registry.c */
	struct par_plugin *calling; /* whose callback runs, for the watchdog: call.c */
	uint64_t call_end_us; /* up to here somebody has answered for the time */
	bool in_turn; /* within core_run: who is slow holds everybody up */
	bool handed_over; /* storage.c: the storage was given something since its last flush */
	struct tx_box *tx_pool; /* storage.c: boxes to be used again */
	unsigned tx_pooled;
	struct par_tx *refused; /* storage.c: not for the storage; done at the next flush */
	struct par_tx *refused_last;
	struct par_query *refused_queries;
	unsigned storage_inflight;
	unsigned queries; /* of plugins, that were not refused ... */
	struct par_query *queries_waiting; /* ... and those of them that wait for their turn */
	struct par_query **queries_waiting_end;

	bool draining; /* drain.c */
	bool drain_closing; /* the sessions were told to go */
	uint64_t drain_deadline;
	struct par_server_info info;
	struct metrics *metrics;
	struct core_metrics count;
};

/* Runs what was posted, and waits for what was offloaded to come back. */
void core_settle(struct core *core);

#endif
