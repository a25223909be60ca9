/* SPDX-License-Identifier: BSD-2-Clause */
/* Outgoing slots and those that wait for room; see outbox.h. Core thread. */
#include "engine/outbox.h"

#include <stdlib.h>

#include "base/mem.h"
#include "engine/core_internal.h"

static void outbox_wait(struct core *core, struct outbox *out, const struct out_msg *msg)
{
	if (out->n == 0) {
		out->head = 0;
		core->overflowing++;
	}
	if (out->head + out->n == out->size) {
		out->size = out->size == 0 ? 256 : out->size * 2;
		out->waiting = mem_realloc(out->waiting, out->size * sizeof(*out->waiting));
	}
	out->waiting[out->head + out->n++] = *msg;
}

void outbox_send(struct core *core, unsigned io, const struct out_msg *msg)
{
	struct outbox *out = &core->outboxes[io];

	if (out->n > 0 || !mailbox_push(out->box, msg))
		outbox_wait(core, out, msg);
}

/* When something is left, a wake-up is promised for when there is room. */
static void outbox_flush(struct core *core, struct outbox *out)
{
	do {
		while (out->n > 0 && mailbox_push(out->box, &out->waiting[out->head])) {
			out->head++;
			if (--out->n == 0)
				core->overflowing--;
		}
		mailbox_publish(out->box);
	} while (out->n > 0 && !mailbox_want_room(out->box));
}

void outboxes_flush(struct core *core)
{
	unsigned i;

	for (i = 0; i < core->n_outboxes; i++)
		outbox_flush(core, &core->outboxes[i]);
}

void outboxes_free(struct core *core)
{
	unsigned i, k;

	for (i = 0; i < core->n_outboxes; i++) {
		struct outbox *out = &core->outboxes[i];

		for (k = 0; k < out->n; k++) {
			if (out->waiting[out->head + k].frame != NULL)
				out_frame_unref(out->waiting[out->head + k].frame);
		}
		free(out->waiting);
	}
	free(core->outboxes);
	core->outboxes = NULL;
	core->n_outboxes = 0;
}
