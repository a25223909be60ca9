/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The core's outgoing slots when a mailbox is full. mailbox_want_room is
 * wrapped by the linker, so that a test can let the other thread read at the
 * one moment that counts.
 */
#include <stdlib.h>

#include "engine/core_internal.h"
#include "engine/outbox.h"
#include "unit.h"

bool __real_mailbox_want_room(struct mailbox *box);
bool __wrap_mailbox_want_room(struct mailbox *box);

static unsigned reader_is_quick; /* so often it reads just before we ask */
static unsigned n_read;
static bool promised; /* a wake-up */

static void read_all(struct mailbox *box)
{
	uint32_t n;

	while (mailbox_peek(box, &n) != NULL) {
		mailbox_consume(box, n);
		n_read += n;
	}
}

bool __wrap_mailbox_want_room(struct mailbox *box)
{
	if (reader_is_quick > 0) {
		reader_is_quick--;
		mailbox_publish(box);
		read_all(box);
	}
	promised = __real_mailbox_want_room(box);
	return promised;
}

/* A core with one outbox of four slots. */
static void core_open(struct core *core, unsigned quick)
{
	memset(core, 0, sizeof(*core));
	core->outboxes = calloc(1, sizeof(*core->outboxes));
	core->n_outboxes = 1;
	core->outboxes[0].box = mailbox_new(sizeof(struct out_msg), 4, -1, -1);
	reader_is_quick = quick;
	n_read = 0;
	promised = false;
}

static void core_close(struct core *core)
{
	mailbox_free(&core->outboxes[0].box);
	outboxes_free(core);
}

static void send_some(struct core *core, unsigned n)
{
	struct out_msg msg = { .kind = OUT_RELEASE };

	while (n-- > 0)
		outbox_send(core, 0, &msg);
}

static void what_waits_has_a_wake_up(void)
{
	struct core core;

	core_open(&core, 0);
	send_some(&core, 10);
	outboxes_flush(&core);
	CU_ASSERT_EQUAL(core.overflowing, 1);
	CU_ASSERT(promised);
	read_all(core.outboxes[0].box);
	outboxes_flush(&core);
	read_all(core.outboxes[0].box);
	outboxes_flush(&core);
	read_all(core.outboxes[0].box);
	CU_ASSERT_EQUAL(n_read, 10);
	CU_ASSERT_EQUAL(core.overflowing, 0);
	core_close(&core);
}

/* Room that was made while we asked for a wake-up: nobody wakes us then. */
static void room_made_meanwhile_is_used(void)
{
	struct core core;

	core_open(&core, 2);
	send_some(&core, 10);
	outboxes_flush(&core);
	CU_ASSERT(core.overflowing == 0 || promised);
	read_all(core.outboxes[0].box);
	CU_ASSERT_EQUAL(n_read, 10);
	core_close(&core);
}

int main(void)
{
	static const struct unit_test tests[] = {
		{ "what waits has a wake-up", what_waits_has_a_wake_up },
		{ "room made meanwhile is used", room_made_meanwhile_is_used },
		{ NULL, NULL },
	};

	return unit_main("outbox", tests);
}
