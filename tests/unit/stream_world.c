/* SPDX-License-Identifier: BSD-2-Clause */
/* The gate in front of the storage; see stream_world.h. */
#include "stream_world.h"

#include <string.h>

#include "engine/core_internal.h"
#include "unit.h"

struct world w;
struct gate gate;

static void gate_submit(void *state, struct par_tx *tx)
{
	gate.submitted++;
	if (gate.down == NULL) {
		gate.role.submit(state, tx);
		return;
	}
	tx->error = PAR_E_UNAVAILABLE;
	tx->next = gate.failed;
	gate.failed = tx;
}

static void gate_query(void *state, struct par_query *q)
{
	gate.asked++;
	if (gate.hold) {
		q->next = gate.held;
		gate.held = q;
		gate.n_held++;
	} else if (gate.down != NULL) {
		q->error = PAR_E_UNAVAILABLE;
		q->next = gate.unanswered;
		gate.unanswered = q;
	} else if (gate.broken != NULL && par_str_equal(q->user, par_str_of(gate.broken))) {
		q->error = PAR_E_INTERNAL;
		q->next = gate.unanswered;
		gate.unanswered = q;
	} else {
		gate.role.query(state, q);
	}
}

static void gate_flush(void *state)
{
	struct par_query *q;
	struct par_tx *tx;

	gate.role.flush(state);
	while ((tx = gate.failed) != NULL) {
		gate.failed = tx->next;
		api_table.tx_done(tx);
	}
	while ((q = gate.unanswered) != NULL) {
		gate.unanswered = q->next;
		api_table.query_done(q);
	}
}

static const char *gate_down(void *state)
{
	(void)state;
	return gate.down != NULL ? gate.down : gate.unwell;
}

void open_world(const char *server)
{
	struct par_storage_role *role;

	world_open(&w, server);
	role = &w.core->registry.storage;
	memset(&gate, 0, sizeof(gate));
	gate.role = *role;
	role->submit = gate_submit;
	role->query = gate_query;
	role->flush = gate_flush;
	role->down = gate_down;
}

struct conn *connect_user(const char *user, const char *device)
{
	return world_connect(&w, user, device);
}

void say(struct conn *conn, const char *text)
{
	world_say(&w, conn, text);
	world_run(&w);
}

void ack(struct conn *conn, uint64_t id)
{
	world_ack(&w, conn, id);
	world_run(&w);
}

uint64_t next_event(struct conn *conn, uint64_t seq, bool redelivered)
{
	const struct said *said = world_next(conn);

	CU_ASSERT_FATAL(said != NULL && said->kind == OUT_EVENT);
	CU_ASSERT_EQUAL(said->seq, seq);
	CU_ASSERT_EQUAL(said->redelivered, redelivered);
	return said->id;
}

uint64_t next_resync(struct conn *conn, uint64_t seq, bool redelivered, const char *payload)
{
	uint64_t id = next_event(conn, seq, redelivered);

	CU_ASSERT_PTR_NOT_NULL(
	    strstr(conn->said[conn->n_read - 1].text, "\"eventType\":\"resync\""));
	CU_ASSERT_PTR_NOT_NULL(strstr(conn->said[conn->n_read - 1].text, payload));
	return id;
}

void let_held_through(void)
{
	struct par_query *q;

	gate.hold = false;
	while ((q = gate.held) != NULL) {
		gate.held = q->next;
		gate_query(w.core->registry.storage_state, q);
	}
	gate_flush(w.core->registry.storage_state);
	world_run(&w);
}

void nothing_more(struct conn *conn)
{
	CU_ASSERT_PTR_NULL(world_next(conn));
}
