/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The core's end of one I/O thread's outgoing mailbox. When the mailbox is
 * full, slots wait here, in order, and the core takes no more mail until they
 * are gone (core_run): so what waits is bounded by what was in flight.
 */
#ifndef PARLANCE_OUTBOX_H
#define PARLANCE_OUTBOX_H

#include "seam/seam.h"

struct core;

struct outbox {
	struct mailbox *box;
	struct out_msg *waiting;
	unsigned head;
	unsigned n;
	unsigned size;
};

/* Takes the reference of msg->frame. */
void outbox_send(struct core *core, unsigned io, const struct out_msg *msg);
/* Moves what waits into the mailboxes and makes all of it visible. */
void outboxes_flush(struct core *core);
void outboxes_free(struct core *core);

#endif
