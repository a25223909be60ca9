/* SPDX-License-Identifier: BSD-2-Clause */
/* Writing cursors back; see cursor.h. Core thread. */
#include "engine/cursor.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <parlance/storage.h>

#include "base/log.h"
#include "base/mem.h"
#include "engine/core_internal.h"
#include "engine/session.h"
#include "engine/storage.h"
#include "engine/stream.h"

#define CURSOR_BATCH 256
#define CURSOR_INFLIGHT_MAX 64 /* transactions; what moved meanwhile waits where it is */
#define CURSOR_KEPT_FEW 64 /* so many are looked through for one device */
#define CURSOR_RETRY_MAX 65536 /* of sessions that are gone, while the storage is down */

/* The last word of a session that is gone, to be written when the storage is back. */
struct cursor_note {
	TAILQ_ENTRY(cursor_note) next;
	uint64_t acked;
	uint64_t sent;
	bool closed;
	unsigned n_above;
	size_t user_len;
	size_t device_len;
	uint64_t above[]; /* behind them user and device, as text */
};

static char *note_text(struct cursor_note *note)
{
	return (char *)(note->above + note->n_above);
}

static struct par_str note_user(struct cursor_note *note)
{
	return (struct par_str){ note_text(note), note->user_len };
}

static struct par_str note_device(struct cursor_note *note)
{
	return (struct par_str){ note_text(note) + note->user_len, note->device_len };
}

static void cursors_due(void *state, void *arg)
{
	struct core *core = state;

	(void)arg;
	core->cursor_timer = 0;
	cursors_write(core);
}

static void cursors_set_timer(struct core *core)
{
	if (core->cursor_timer == 0)
		core->cursor_timer = timers_start(
		    &core->timers, core->mono_us + core->settings->cursor_interval * 1000, NULL,
		    cursors_due, core, NULL);
}

/* The storage says that it is down, and did not take the last ones. A damaged one says
 * so for ever, and takes them all the same. */
static bool cursors_are_stuck(const struct core *core)
{
	return core->cursors_failing && storage_down(core) != NULL && !core->draining;
}

static void cursor_note_session(struct core *core, struct session *session)
{
	if (session->is_acked)
		return;
	session->is_acked = true;
	TAILQ_INSERT_TAIL(&core->acked, session, of_acked);
	core->n_acked++;
	cursors_set_timer(core);
}

static void cursor_unnote(struct core *core, struct session *session)
{
	TAILQ_REMOVE(&core->acked, session, of_acked);
	session->is_acked = false;
	core->n_acked--;
}

void cursor_moved(struct core *core, struct session *session)
{
	cursor_note_session(core, session);
	if (core->n_acked >= CURSOR_BATCH && !cursors_are_stuck(core))
		cursors_write(core);
}

static void cursor_keep(struct core *core, const struct par_op_cursor *cursor)
{
	size_t above_len = cursor->n_above * sizeof(cursor->above[0]);
	struct cursor_note *note;

	if (core->cursors_kept >= CURSOR_RETRY_MAX)
		return; /* an acked event may come again, and does */
	note = mem_alloc(sizeof(*note) + above_len + cursor->user.len + cursor->device.len);
	note->acked = cursor->acked;
	note->sent = cursor->sent;
	note->closed = cursor->closed;
	note->n_above = cursor->n_above;
	note->user_len = cursor->user.len;
	note->device_len = cursor->device.len;
	if (above_len > 0)
		memcpy(note->above, cursor->above, above_len);
	memcpy(note_text(note), cursor->user.s, cursor->user.len);
	memcpy(note_text(note) + cursor->user.len, cursor->device.s, cursor->device.len);
	TAILQ_INSERT_TAIL(&core->cursor_retry, note, next);
	core->cursors_kept++;
	cursors_set_timer(core);
}

/* A session that is still there says it anew, with what it has acked by then. */
static void cursor_failed(struct core *core, const struct par_op_cursor *cursor)
{
	struct session *session = session_find(core, cursor->session);

	if (session != NULL)
		cursor_note_session(core, session);
	else
		cursor_keep(core, cursor);
}

static void cursors_written(void *state, void *arg)
{
	struct core *core = state;
	struct par_tx *tx = arg;
	unsigned i;

	core->cursors_inflight--;
	core->cursors_failing = tx->error == PAR_E_UNAVAILABLE;
	/* one of them may be what the storage cannot digest: it shall not take the others along */
	if (tx->error != PAR_OK && tx->error != PAR_E_UNAVAILABLE && tx->n_ops > 1)
		core->cursors_alone = true;
	for (i = 0; tx->error != PAR_OK && i < tx->n_ops; i++)
		cursor_failed(core, &tx->ops[i].u.cursor);
}

/* The transaction being filled: several cursors share one. */
struct cursor_batch {
	struct core *core;
	struct par_tx *tx;
};

static void batch_submit(struct cursor_batch *batch)
{
	if (batch->tx == NULL)
		return;
	batch->core->cursors_inflight++;
	storage_tx_submit(batch->tx);
	batch->tx = NULL;
}

static struct par_op_cursor *batch_add(struct cursor_batch *batch, struct par_str user,
				       struct par_str device)
{
	struct par_op *op;

	if (batch->tx != NULL && (batch->tx->n_ops == PAR_TX_OPS || batch->core->cursors_alone))
		batch_submit(batch);
	if (batch->tx == NULL)
		batch->tx = storage_tx_new(batch->core, NULL, cursors_written, batch->core);
	op = par_tx_add(batch->tx, PAR_OP_CURSOR);
	op->u.cursor.user = storage_tx_copy(batch->tx, user);
	op->u.cursor.device = storage_tx_copy(batch->tx, device);
	return &op->u.cursor;
}

static void batch_add_session(struct cursor_batch *batch, const struct session *session,
			      bool closed)
{
	struct par_op_cursor *cursor =
	    batch_add(batch, user_id(session->user), session_device(session));
	unsigned max = session->window.n - session->window.unacked;
	uint64_t *above = NULL;

	if (max > 0)
		above = storage_tx_alloc(batch->tx, max * sizeof(*above));
	cursor->acked = window_acked_below(&session->window, session->sent_seq);
	cursor->sent = session->sent_seq > session->redelivered_upto ? session->sent_seq
								     : session->redelivered_upto;
	cursor->session = session->id;
	cursor->above = above;
	cursor->n_above = window_acked_above(&session->window, above, max);
	cursor->closed = closed;
}

/* Whether a session here, but for `gone`, is the device's: then it has not left. One for
 * which the storage was not asked yet is not here: nothing will tell when it goes. */
static bool device_is_here(struct core *core, struct par_str user_name, struct par_str device,
			   const struct session *gone)
{
	const struct user *user = user_find(core, user_name);
	const struct session *session;

	if (user == NULL)
		return false;
	LIST_FOREACH(session, &user->sessions, of_user) {
		if (session != gone && session->stream != STREAM_NEW &&
		    par_str_equal(session_device(session), device))
			return true;
	}
	return false;
}

/* Takes the note off its list. */
static void batch_add_kept(struct cursor_batch *batch, struct cursor_note *note)
{
	struct core *core = batch->core;
	struct par_op_cursor *cursor = batch_add(batch, note_user(note), note_device(note));
	size_t above_len = note->n_above * sizeof(note->above[0]);

	cursor->acked = note->acked;
	cursor->sent = note->sent;
	if (above_len > 0)
		cursor->above =
		    memcpy(storage_tx_alloc(batch->tx, above_len), note->above, above_len);
	cursor->n_above = note->n_above;
	/* it may have come back meanwhile */
	cursor->closed =
	    note->closed && !device_is_here(core, note_user(note), note_device(note), NULL);
	TAILQ_REMOVE(&core->cursor_retry, note, next);
	core->cursors_kept--;
	free(note);
}

void cursor_session_asks(struct core *core, const struct session *session)
{
	struct par_str user = user_id(session->user), device = session_device(session);
	struct cursor_batch batch = { core, NULL };
	struct cursor_note *note, *next;
	struct session *other;

	if (core->cursors_kept > CURSOR_KEPT_FEW && !cursors_are_stuck(core))
		cursors_write(core);
	for (note = TAILQ_FIRST(&core->cursor_retry); note != NULL; note = next) {
		next = TAILQ_NEXT(note, next);
		if (par_str_equal(note_device(note), device) &&
		    par_str_equal(note_user(note), user))
			batch_add_kept(&batch, note);
	}
	LIST_FOREACH(other, &session->user->sessions, of_user) {
		/* it stays noted: cursors_write has more to do for it than to write */
		if (other->is_acked && par_str_equal(session_device(other), device))
			batch_add_session(&batch, other, false);
	}
	batch_submit(&batch);
}

void cursors_write(struct core *core)
{
	struct cursor_batch batch = { core, NULL };
	unsigned most = cursors_are_stuck(core) ? PAR_TX_OPS : UINT_MAX; /* one finds out */
	struct cursor_note *note;
	struct session *session;

	if (core->cursors_inflight > CURSOR_INFLIGHT_MAX) {
		cursors_set_timer(core);
		return;
	}
	for (; most > 0 && (note = TAILQ_FIRST(&core->cursor_retry)) != NULL; most--)
		batch_add_kept(&batch, note);
	for (; most > 0 && (session = TAILQ_FIRST(&core->acked)) != NULL; most--) {
		cursor_unnote(core, session);
		batch_add_session(&batch, session, false);
		stream_nudge(core, session);
	}
	batch_submit(&batch);
	core->cursors_alone = false;
	if (most == 0)
		cursors_set_timer(core);
}

void cursor_session_gone(struct core *core, struct session *session)
{
	struct cursor_batch batch = { core, NULL };

	if (session->is_acked)
		cursor_unnote(core, session);
	if (session->stream == STREAM_NEW || session->stream == STREAM_OPENING)
		return; /* the storage knows nothing of it, or its answer will say so */
	batch_add_session(
	    &batch, session,
	    !device_is_here(core, user_id(session->user), session_device(session), session));
	batch_submit(&batch);
}

void cursor_device_gone(struct core *core, struct par_str user, struct par_str device,
			const struct par_device_state *at)
{
	struct cursor_batch batch = { core, NULL };
	struct par_op_cursor *cursor;

	if (device_is_here(core, user, device, NULL))
		return;
	cursor = batch_add(&batch, user, device);
	cursor->acked = at->acked;
	cursor->sent = at->sent;
	cursor->closed = true;
	batch_submit(&batch);
}

bool cursors_settled(const struct core *core)
{
	return TAILQ_EMPTY(&core->acked) && TAILQ_EMPTY(&core->cursor_retry) &&
	       core->cursors_inflight == 0;
}

void cursors_free(struct core *core)
{
	struct cursor_note *note;

	while ((note = TAILQ_FIRST(&core->cursor_retry)) != NULL) {
		TAILQ_REMOVE(&core->cursor_retry, note, next);
		free(note);
	}
}
