/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The stream of a session; see stream.h. Core thread. Invariants:
 *   1. sent_seq only grows, but for stream_go_back, and every event up to it was sent, was
 *      acked before, was caused by the session itself, or is gone and a resync was sent.
 *   2. At most one query is on its way for a session (STREAM_OPENING, _FETCHING).
 *   3. The bytes on the wire stay below half of max_backlog, but for one
 *      event alone, so a slow reader cannot overflow its backlog by this.
 */
#include "engine/stream.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <parlance/storage.h>

#include "base/mem.h"
#include "engine/core_internal.h"
#include "engine/cursor.h"
#include "engine/fetch.h"
#include "engine/outbox.h"
#include "engine/request.h"
#include "engine/session.h"
#include "engine/storage.h"
#include "ws/close_code.h"

#define PAGE_EVENTS 128

static struct window_limits stream_limits(const struct core *core)
{
	struct window_limits limits = { core->settings->ack_window,
					core->settings->max_backlog / 2 };

	return limits;
}

static void stream_send(struct core *core, struct session *session, const struct stream_item *item)
{
	struct out_msg msg = { .kind = OUT_EVENT,
			       .conn = session->conn,
			       .frame = out_frame_ref(item->frame),
			       .u.id = session->next_event_id++,
			       .seq = item->seq,
			       .timestamp = core->now,
			       .redelivered = item->seq <= session->redelivered_upto,
			       .has_missed = item->has_missed,
			       .missed = item->missed };

	metric_add(msg.redelivered ? core->count.events_redelivered : core->count.events_durable,
		   1);
	if (session->window.n == 0)
		session->oldest_since = core->mono_us;
	window_push(&session->window, msg.u.id, item->seq, out_event_len(&msg));
	session->sent_seq = item->seq;
	outbox_send(core, session->io, &msg);
}

/* The event needs no sending to this session. */
static void stream_skip(struct core *core, struct session *session, uint64_t seq)
{
	session->sent_seq = seq;
	cursor_moved(core, session);
}

/* What lies before `from` and was not acked is gone. */
static void stream_resync(struct core *core, struct session *session, uint64_t from)
{
	char text[64];
	struct par_str payload = { text, 0 };
	struct stream_item item = { .seq = from - 1 };

	if (from <= session->sent_seq + 1)
		return;
	payload.len = (size_t)snprintf(text, sizeof(text), "{\"fromSeq\":%" PRIu64 "}", from);
	item.frame = out_frame_event(par_str_of("resync"), payload);
	stream_send(core, session, &item);
	out_frame_unref(item.frame);
	metric_add(core->count.resyncs, 1);
}

void stream_event(struct core *core, struct session *session, const struct stream_item *item,
		  bool own)
{
	struct window_limits limits = stream_limits(core);

	if (session->state != SESSION_OPEN || session->stream != STREAM_FLOWING)
		return; /* it will be fetched: user->last_seq says that it is there */
	if (item->seq == session->sent_seq + 1 && own)
		stream_skip(core, session, item->seq);
	else if (item->seq == session->sent_seq + 1 && !session->congested &&
		 window_free_slots(&session->window, &limits) > 0)
		stream_send(core, session, item);
	else
		stream_continue(core, session);
}

/* Asked of ascending seqs, so it goes through the list once. */
static bool stream_acked_before(const struct session *session, uint64_t seq)
{
	struct resume *resume = session->resume;

	if (resume == NULL)
		return false;
	while (resume->above_at < resume->n_above && resume->above[resume->above_at] < seq)
		resume->above_at++;
	return resume->above_at < resume->n_above && resume->above[resume->above_at] == seq;
}

/* Whether the session need not be told, since its client did it itself. Another
 * session of its device may have: then it is told, unless it came later, for it may
 * be the same client once more. */
static bool stream_is_own(const struct session *session, const struct par_stored_event *event)
{
	return event->origin &&
	       (event->origin_session == session->id || event->seq <= session->opened_at);
}

/* One event of a page. False when the window is full: the rest is left for a
 * later page. */
static bool stream_take(struct core *core, struct session *session,
			const struct par_stored_event *event)
{
	struct window_limits limits = stream_limits(core);
	struct stream_item item = { .frame = (struct out_frame *)event->data, .seq = event->seq };

	if (event->seq <= session->sent_seq)
		return true;
	if (stream_is_own(session, event)) {
		stream_skip(core, session, event->seq);
	} else if (stream_acked_before(session, event->seq)) {
		window_push_acked(&session->window, event->seq);
		stream_skip(core, session, event->seq);
	} else if (window_free_slots(&session->window, &limits) > 0) {
		stream_send(core, session, &item);
	} else {
		return false;
	}
	return true;
}

static void stream_take_page(struct core *core, struct session *session, const struct par_query *q)
{
	const struct par_device_state *at = &q->device_state;
	unsigned i;

	if (session->user->last_seq < at->last_seq)
		session->user->last_seq = at->last_seq;
	stream_resync(core, session, at->resync_from);
	for (i = 0; i < q->n && stream_take(core, session, &q->events[i]); i++)
		;
	/* nothing there: it was acked through another session of the device, and dropped */
	if (q->n == 0 && session->sent_seq < at->last_seq)
		stream_skip(core, session, at->last_seq);
}

static void stream_fetched(void *state, void *arg)
{
	struct core *core = state;
	struct par_query *q = arg;
	struct session *session = session_find(core, q->request);

	if (q->error != PAR_OK) {
		if (session != NULL) {
			session->stream = STREAM_WAITING;
			session->unsure = true;
		}
		fetch_failed(core, session, q->error);
		return;
	}
	if (session != NULL) {
		session->stream = STREAM_FLOWING;
		stream_take_page(core, session, q);
		stream_continue(core, session);
	}
	fetch_answered(core);
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

/* Whether a page is worth asking for now. */
static bool stream_wants(const struct core *core, const struct session *session)
{
	struct window_limits limits = stream_limits(core);
	uint32_t room = window_free_slots(&session->window, &limits);
	uint64_t last_seq = session->user->last_seq;

	if (room == 0 || session->congested || session->state != SESSION_OPEN)
		return false;
	if (session->unsure)
		return true;
	if (session->sent_seq >= last_seq)
		return false;
	/* a page for each freed slot would be a query an event: wait for some
	 * room, unless there is enough for all that waits */
	return room >= limits.events / 4 || room >= last_seq - session->sent_seq;
}

void stream_continue(struct core *core, struct session *session)
{
	if (session->stream != STREAM_FLOWING || !stream_wants(core, session))
		return;
	session->stream = STREAM_WAITING;
	fetch_want(core, session);
}

void stream_nudge(struct core *core, struct session *session)
{
	if (session->sent_seq < session->user->last_seq)
		stream_doubt(core, session);
}

void stream_doubt(struct core *core, struct session *session)
{
	session->unsure = true;
	stream_continue(core, session);
}

static void stream_ask_page(struct core *core, struct session *session)
{
	struct window_limits limits = stream_limits(core);
	uint32_t room = window_free_slots(&session->window, &limits);
	struct par_query *q = stream_query(core, session, PAR_QUERY_EVENTS, stream_fetched);

	session->stream = STREAM_FETCHING;
	session->unsure = false;
	q->after = session->sent_seq;
	q->limit = room < PAGE_EVENTS ? room : PAGE_EVENTS;
	q->max_bytes = limits.bytes < FETCH_BYTES ? limits.bytes : FETCH_BYTES;
	metric_add(core->count.pages, 1);
	storage_query_submit(q);
}

/* Room for `n` acked seqs; they are to be filled in. */
static struct resume *resume_new(uint64_t resync_from, size_t n)
{
	struct resume *resume = mem_zalloc(sizeof(*resume) + n * sizeof(resume->above[0]));

	resume->resync_from = resync_from;
	return resume;
}

static void stream_begin(struct core *core, struct session *session,
			 const struct par_device_state *at)
{
	session->stream = STREAM_FLOWING;
	session->sent_seq = at->acked;
	session->redelivered_upto = at->sent;
	session->opened_at = at->last_seq;
	if (session->user->last_seq < at->last_seq)
		session->user->last_seq = at->last_seq;
	if (at->n_above > 0 || at->resync_from > 0) {
		session->resume = resume_new(at->resync_from, at->n_above);
		session->resume->n_above = at->n_above;
		if (at->n_above > 0)
			memcpy(session->resume->above, at->above,
			       at->n_above * sizeof(at->above[0]));
	}
	if (session->state != SESSION_OPEN)
		return;
	stream_resync(core, session, at->resync_from);
	session->on_record = true;
	requests_run(core, session);
	stream_continue(core, session);
}

/* The storage did not put the device on record, or may not have. */
static void stream_not_opened(struct core *core, struct session *session, enum par_error error)
{
	if (session != NULL) {
		session->unanswered = true;
		requests_refuse(core, session);
	}
	fetch_failed(core, session, error);
}

/* Its session may be closing by now, or gone. */
static void stream_opened(void *state, void *arg)
{
	struct core *core = state;
	struct par_query *q = arg;
	struct session *session = handles_get(&core->sessions, q->request);

	if (session != NULL)
		session->stream = STREAM_NEW;
	if (q->error == PAR_OK && session != NULL)
		stream_begin(core, session, &q->device_state);
	else if (q->error == PAR_OK)
		cursor_device_gone(core, q->user, q->device, &q->device_state);
	else if (q->error == PAR_E_TOO_LARGE && session != NULL)
		session_close(core, session, WS_CLOSE_POLICY,
			      "too many devices of this user are connected");
	if (q->error == PAR_OK || q->error == PAR_E_TOO_LARGE)
		fetch_answered(core);
	else
		stream_not_opened(core, session, q->error);
}

static void stream_ask_device(struct core *core, struct session *session)
{
	struct par_query *q = stream_query(core, session, PAR_QUERY_DEVICE, stream_opened);

	cursor_session_asks(core, session);
	session->stream = STREAM_OPENING;
	q->limit = core->settings->max_devices;
	storage_query_submit(q);
}

bool stream_ask(struct core *core, struct session *session)
{
	if (session->stream == STREAM_NEW) {
		if (session->state != SESSION_OPEN)
			return false;
		stream_ask_device(core, session);
		return true;
	}
	session->stream = STREAM_FLOWING;
	if (!stream_wants(core, session))
		return false;
	stream_ask_page(core, session);
	return true;
}

void stream_open(struct core *core, struct session *session)
{
	if (core->registry.storage_plugin != NULL)
		fetch_want(core, session);
	else
		session->on_record = true; /* nobody keeps any */
}

bool stream_is_refused(const struct core *core, const struct session *session)
{
	return !session->on_record && (session->unanswered || fetch_is_stuck(core));
}

void stream_go_back(struct core *core, struct session *session)
{
	struct window *window = &session->window;
	unsigned n_acked = window->n - window->unacked, i;
	struct resume *old = session->resume;
	struct resume *resume = resume_new(old == NULL ? 0 : old->resync_from,
					   n_acked + (old == NULL ? 0 : old->n_above));

	resume->n_above = window_acked_above(window, resume->above, n_acked);
	for (i = 0; old != NULL && i < old->n_above; i++) {
		if (old->above[i] > session->sent_seq)
			resume->above[resume->n_above++] = old->above[i];
	}
	free(old);
	session->resume = resume;
	if (session->redelivered_upto < session->sent_seq)
		session->redelivered_upto = session->sent_seq;
	session->sent_seq = window_acked_below(window, session->sent_seq);
	window_free(window);
	stream_resync(core, session, resume->resync_from);
	stream_continue(core, session);
}
