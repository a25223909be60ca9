/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ephemeral events (typing, presence): told to whoever is connected here and
 * has room, never stored, never sent again. One is written at a time
 * (par_api.event_open) and its bytes are shared by all receivers.
 */
#ifndef PARLANCE_EPHEMERAL_H
#define PARLANCE_EPHEMERAL_H

#include <stdbool.h>

#include <parlance/plugin.h>

struct core;
struct out_frame;

struct ephemeral {
	bool open;
	struct par_json text; /* the shared part, while it is written */
	struct out_frame *frame; /* ... once it was sent to somebody */
};

struct par_json *ephemeral_open(struct core *core, const char *event_type);
void ephemeral_send(struct core *core, struct par_str user, par_session_id skip);
/* False: it is gone, or congested. */
bool ephemeral_send_session(struct core *core, par_session_id id);
void ephemeral_close(struct core *core);

#endif
