/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Device cursors: how far each device has acked its user's stream. An ack costs
 * no write of its own; sessions whose cursor moved are noted, and written back
 * together after cursor_interval or when CURSOR_BATCH of them wait. After a
 * crash an acked event may so come again, never the other way round.
 */
#ifndef PARLANCE_CURSOR_H
#define PARLANCE_CURSOR_H

#include <stdbool.h>

#include <parlance/json.h>

struct core;
struct par_device_state;
struct session;

/* The session's cursor moved: by an ack, or an event that it need not get. */
void cursor_moved(struct core *core, struct session *session);
/* The session ends: its last word is written at once. */
void cursor_session_gone(struct core *core, struct session *session);
/* The session of this device ended while the storage was asked where the device stands,
 * and here is the answer. */
void cursor_device_gone(struct core *core, struct par_str user, struct par_str device,
			const struct par_device_state *at);
/* Before the storage is asked where this session's device stands: what its other
 * sessions have acked, those that are gone too, is written first. */
void cursor_session_asks(struct core *core, const struct session *session);
/* Writes all that is noted; a few when the storage does not take any. */
void cursors_write(struct core *core);
/* Nothing waits to be written, and nothing is on its way. */
bool cursors_settled(const struct core *core);
void cursors_free(struct core *core);

#endif
