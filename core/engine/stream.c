/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The stream of a session; see stream.h. Core thread. Invariants:
 *   1. sent_seq only grows, and every event up to it was sent, was acked
 *      before, or was caused by the device itself.
 *   2. At most one query is on its way for a session (STREAM_OPENING, _FETCHING).
 *   3. The bytes on the wire stay below half of max_backlog, but for one
 *      event alone, so a slow reader cannot overflow its backlog by this.
 */
#include "engine/stream.h"

#include <stdlib.h>
#include <string.h>

#include <parlance/storage.h>

#include "base/log.h"
#include "base/mem.h"
#include "engine/core_internal.h"
#include "engine/cursor.h"
#include "engine/outbox.h"
#include "engine/session.h"
#include "engine/storage.h"

#define RETRY_US 500000
#define PAGE_EVENTS 128

static struct window_limits stream_limits(const struct core *core)
{
	struct window_limits limits = { core->settings->ack_window,
					core->settings->max_backlog / 2 };

	return limits;
}

static void stream_send(struct core *core, struct session *session, uint64_t seq,
			struct out_frame *frame)
{
	struct out_msg msg = { .kind = OUT_EVENT,
			       .conn = session->conn,
			       .frame = out_frame_ref(frame),
			       .u.id = session->next_event_id++,
			       .seq = seq,
			       .timestamp = core->now,
			       .redelivered = seq <= session->redelivered_upto };

	metric_add(msg.redelivered ? core->count.events_redelivered : core->count.events_durable,
		   1);
	window_push(&session->window, msg.u.id, seq, frame->len);
	session->sent_seq = seq;
	outbox_send(core, session->io, &msg);
}

/* The event needs no sending to this session. */
static void stream_skip(struct core *core, struct session *session, uint64_t seq)
{
	session->sent_seq = seq;
	cursor_moved(core, session);
}

void stream_event(struct core *core, struct session *session, uint64_t seq, struct out_frame *frame,
		  bool own)
{
	struct window_limits limits = stream_limits(core);

	if (session->state != SESSION_OPEN || session->stream != STREAM_FLOWING)
		return; /* it will be fetched: user->last_seq says that it is there */
	if (seq == session->sent_seq + 1 && own)
		stream_skip(core, session, seq);
	else if (seq == session->sent_seq + 1 && !session->congested &&
		 window_free_slots(&session->window, &limits) > 0)
		stream_send(core, session, seq, frame);
	else
		stream_continue(core, session);
}

/* Asked of ascending seqs, so it goes through the list once. */
static bool stream_acked_before(struct session *session, uint64_t seq)
{
	while (session->above_at < session->n_above && session->above[session->above_at] < seq)
		session->above_at++;
	return session->above_at < session->n_above && session->above[session->above_at] == seq;
}

/* One event of a page. False when the window is full: the rest is left for a
 * later page. */
static bool stream_take(struct core *core, struct session *session,
			const struct par_stored_event *event)
{
	struct window_limits limits = stream_limits(core);

	if (event->seq <= session->sent_seq)
		return true;
	if (event->origin) {
		stream_skip(core, session, event->seq);
	} else if (stream_acked_before(session, event->seq)) {
		window_push_acked(&session->window, event->seq);
		stream_skip(core, session, event->seq);
	} else if (window_free_slots(&session->window, &limits) > 0) {
		stream_send(core, session, event->seq, (struct out_frame *)event->data);
	} else {
		return false;
	}
	return true;
}

static void streams_retry(void *state, void *arg)
{
	struct core *core = state;
	struct session_list stalled = TAILQ_HEAD_INITIALIZER(stalled);
	struct session *session;

	(void)arg;
	core->stalled_timer = 0;
	TAILQ_CONCAT(&stalled, &core->stalled, of_stalled);
	while ((session = TAILQ_FIRST(&stalled)) != NULL) {
		TAILQ_REMOVE(&stalled, session, of_stalled);
		session->is_stalled = false;
		if (session->stream == STREAM_NEW)
			stream_open(core, session);
		else
			stream_continue(core, session);
	}
}

/* The storage did not answer: the session is asked about again in a while. */
static void stream_stall(struct core *core, struct session *session)
{
	if (!session->is_stalled) {
		session->is_stalled = true;
		TAILQ_INSERT_TAIL(&core->stalled, session, of_stalled);
	}
	if (core->stalled_timer == 0)
		core->stalled_timer = timers_start(&core->timers, core->mono_us + RETRY_US, NULL,
						   streams_retry, core, NULL);
}

static struct par_query *stream_query(struct core *core, const struct session *session,
				      enum par_query_kind kind, par_callback_fn done)
{
	struct par_query *q = storage_query_new(core, NULL, done, core);

	q->kind = kind;
	q->user = storage_query_copy(q, user_id(session->user));
	q->device = storage_query_copy(q, session_device(session));
	q->request = session->id;
	return q;
}

static void stream_fetched(void *state, void *arg)
{
	struct core *core = state;
	struct par_query *q = arg;
	struct session *session = session_find(core, q->request);
	unsigned i;

	if (session == NULL)
		return;
	session->stream = STREAM_FLOWING;
	if (q->error != PAR_OK) {
		stream_stall(core, session);
		return;
	}
	for (i = 0; i < q->n && stream_take(core, session, &q->events[i]); i++)
		;
	/* nothing there: what last_seq promised has been pruned */
	if (q->n == 0 && session->sent_seq < session->fetch_upto)
		stream_skip(core, session, session->fetch_upto);
	stream_continue(core, session);
}

void stream_continue(struct core *core, struct session *session)
{
	struct window_limits limits = stream_limits(core);
	uint32_t room = window_free_slots(&session->window, &limits);
	uint64_t behind;
	struct par_query *q;

	if (session->state != SESSION_OPEN || session->stream != STREAM_FLOWING ||
	    session->congested || session->is_stalled)
		return;
	if (session->sent_seq >= session->user->last_seq)
		return;
	/* a page for each freed slot would be a query an event: wait for some
	 * room, unless there is enough for all that waits */
	behind = session->user->last_seq - session->sent_seq;
	if (room == 0 || (room < limits.events / 4 && room < behind))
		return;
	session->stream = STREAM_FETCHING;
	q = stream_query(core, session, PAR_QUERY_EVENTS, stream_fetched);
	q->after = session->sent_seq;
	q->limit = room < PAGE_EVENTS ? room : PAGE_EVENTS;
	q->max_bytes = limits.bytes;
	session->fetch_upto = session->user->last_seq;
	storage_query_submit(q);
}

static void stream_opened(void *state, void *arg)
{
	struct core *core = state;
	struct par_query *q = arg;
	struct session *session = session_find(core, q->request);
	const struct par_device_state *at = &q->device_state;

	if (session == NULL)
		return;
	if (q->error != PAR_OK) {
		session->stream = STREAM_NEW;
		stream_stall(core, session);
		return;
	}
	session->stream = STREAM_FLOWING;
	session->sent_seq = at->acked;
	session->redelivered_upto = at->sent;
	if (at->n_above > 0) {
		session->n_above = at->n_above;
		session->above = mem_alloc(at->n_above * sizeof(*at->above));
		memcpy(session->above, at->above, at->n_above * sizeof(*at->above));
	}
	if (session->user->last_seq < at->last_seq)
		session->user->last_seq = at->last_seq;
	stream_continue(core, session);
}

void stream_open(struct core *core, struct session *session)
{
	struct par_query *q;

	if (core->registry.storage_plugin == NULL)
		return;
	session->stream = STREAM_OPENING;
	q = stream_query(core, session, PAR_QUERY_DEVICE, stream_opened);
	q->limit = core->settings->max_devices;
	storage_query_submit(q);
}

void stream_close(struct core *core, struct session *session)
{
	if (session->is_stalled)
		TAILQ_REMOVE(&core->stalled, session, of_stalled);
	session->is_stalled = false;
}
