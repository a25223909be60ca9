/* SPDX-License-Identifier: BSD-2-Clause */
/* What is written of a session's device: where it stands when its last session ends, also
 * when it comes again before that is stored, or the storage fails. */
#include <stdlib.h>

#include "core_world.h"
#include "engine/core_internal.h"
#include "unit.h"

#define NEW(id, to, text) \
	"{\"type\":\"request\",\"id\":\"" id "\",\"payloadType\":\"new\",\"payload\":{\"chatId\":" \
	"\"" to "\",\"message\":\"" text "\"}}"

static struct world w;

/* Gone before the storage said where its device stands. */
static void a_device_that_left_at_once_has_left(void)
{
	struct conn *alice, *bob;
	struct conn *hasty = calloc(1, sizeof(*hasty));
	struct hello *hello = calloc(1, sizeof(*hello));
	struct in_msg in = { .kind = IN_HELLO, .conn = hasty, .u.hello = hello };

	world_open(&w, "{}");
	alice = world_connect(&w, "alice", NULL);
	bob = world_connect(&w, "bob", NULL);
	world_hang_up(&w, bob);
	hello->user = par_str_of("bob");
	CU_ASSERT(mailbox_push(w.seam.in, &in));
	world_hang_up(&w, hasty);
	world_say(&w, alice, NEW("1", "bob", "one"));
	world_run(&w);
	bob = world_connect(&w, "bob", NULL);
	CU_ASSERT_FATAL(bob->n_said == 2);
	CU_ASSERT_EQUAL(bob->said[1].seq, 1);
	CU_ASSERT_FALSE(bob->said[1].redelivered);
	world_hang_up(&w, alice);
	world_hang_up(&w, bob);
	world_close(&w);
}

/* storage_memory, but for transactions that fail while `failing` is set. */
static struct par_storage_role memory_role;
static bool failing;
static struct par_tx *failed;

static void failing_submit(void *state, struct par_tx *tx)
{
	if (!failing) {
		memory_role.submit(state, tx);
		return;
	}
	tx->error = PAR_E_UNAVAILABLE;
	tx->next = failed;
	failed = tx;
}

static void failing_flush(void *state)
{
	struct par_tx *tx;

	while ((tx = failed) != NULL) {
		failed = tx->next;
		api_table.tx_done(tx);
	}
	memory_role.flush(state);
}

static void make_storage_fail(void)
{
	memory_role = w.core->registry.storage;
	w.core->registry.storage.submit = failing_submit;
	w.core->registry.storage.flush = failing_flush;
	failing = true;
}

/* A late word of the session before must not say that the device has left. */
static void a_device_that_came_back_is_there(void)
{
	struct conn *alice, *bob, *again;

	world_open(&w, "{}");
	alice = world_connect(&w, "alice", NULL);
	bob = world_connect(&w, "bob", "phone");
	make_storage_fail();
	world_hang_up(&w, bob);
	failing = false;
	bob = world_connect(&w, "bob", "phone");
	world_advance(&w, 5000); /* the last word is written now */
	world_say(&w, alice, NEW("1", "bob", "one"));
	world_run(&w);
	CU_ASSERT_EQUAL(world_next(bob)->seq, 1);
	again = world_connect(&w, "bob", "phone");
	CU_ASSERT_FATAL(again->n_said == 2);
	CU_ASSERT_EQUAL(again->said[1].seq, 1);
	CU_ASSERT(again->said[1].redelivered);
	world_hang_up(&w, alice);
	world_hang_up(&w, bob);
	world_hang_up(&w, again);
	world_close(&w);
}

static void the_last_word_of_a_session_is_tried_again(void)
{
	struct conn *alice, *bob;

	world_open(&w, "{}");
	alice = world_connect(&w, "alice", NULL);
	bob = world_connect(&w, "bob", "phone");
	world_say(&w, alice, NEW("1", "bob", "one"));
	world_say(&w, alice, NEW("2", "bob", "two"));
	world_run(&w);
	world_ack(&w, bob, 1);
	make_storage_fail();
	world_hang_up(&w, bob);
	world_advance(&w, 5000);
	failing = false;
	world_advance(&w, 5000);
	bob = world_connect(&w, "bob", "phone");
	CU_ASSERT_FATAL(bob->n_said == 2);
	CU_ASSERT_EQUAL(bob->said[1].seq, 2);
	CU_ASSERT(bob->said[1].redelivered);
	world_hang_up(&w, alice);
	world_hang_up(&w, bob);
	world_close(&w);
}

/* Keeps one of each, to fail late. */
static struct par_tx *late_tx;
static struct par_query *late_query;

static void late_submit(void *state, struct par_tx *tx)
{
	(void)state;
	CU_ASSERT_PTR_NULL(late_tx);
	late_tx = tx;
}

static void late_ask(void *state, struct par_query *query)
{
	(void)state;
	CU_ASSERT_PTR_NULL(late_query);
	late_query = query;
}

/* The core does not know yet that the last word of one session failed, nor that the
 * storage does not say where the device of the next one stands. */
static void a_device_leaves_only_where_it_has_come(void)
{
	struct conn *alice, *bob;
	struct par_storage_role role;

	world_open(&w, "{}");
	role = w.core->registry.storage;
	alice = world_connect(&w, "alice", NULL);
	bob = world_connect(&w, "bob", "phone");
	world_say(&w, alice, NEW("1", "bob", "one"));
	world_run(&w);
	CU_ASSERT_EQUAL(world_next(bob)->seq, 1);
	w.core->registry.storage.submit = late_submit;
	world_hang_up(&w, bob);
	w.core->registry.storage.submit = role.submit;
	w.core->registry.storage.query = late_ask;
	bob = world_connect(&w, "bob", "phone");
	w.core->registry.storage.query = role.query;
	world_hang_up(&w, bob);
	bob = world_connect(&w, "bob", "phone");
	CU_ASSERT_FATAL(bob->n_said == 2);
	CU_ASSERT_EQUAL(bob->said[1].seq, 1);
	CU_ASSERT(bob->said[1].redelivered);
	late_query->error = PAR_E_UNAVAILABLE;
	api_table.query_done(late_query);
	late_tx->error = PAR_E_UNAVAILABLE;
	api_table.tx_done(late_tx);
	world_hang_up(&w, alice);
	world_hang_up(&w, bob);
	world_close(&w);
}

int main(void)
{
	static const struct unit_test tests[] = {
		{ "a device that left at once has left", a_device_that_left_at_once_has_left },
		{ "a device leaves only where it has come",
		  a_device_leaves_only_where_it_has_come },
		{ "a device that came back is there", a_device_that_came_back_is_there },
		{ "the last word of a session is tried again",
		  the_last_word_of_a_session_is_tried_again },
		{ NULL, NULL },
	};

	return unit_main("session: device", tests);
}
