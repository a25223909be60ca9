/* SPDX-License-Identifier: BSD-2-Clause */
/* The wire and the transport's end of connections; see conn.h. */
#include "conn.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "seam/envelope.h"
#include "sim.h"
#include "wire.h"
#include "ws/close_code.h"

#define CLOSE_TIMEOUT (5 * SECONDS)

static void up_arrives(void *arg, uint64_t tag);
static void down_arrives(void *arg, uint64_t tag);

/* --- the wire --- */

static void flow_expect(struct conn *conn, struct flow *flow)
{
	struct world *world = &conn->sim->world;
	const struct parcel *first = STAILQ_FIRST(&flow->parcels);

	if (first == NULL || flow->expected)
		return;
	flow->expected = true;
	world_after(world, first->at > world->us ? first->at - world->us : 0,
		    flow == &conn->up ? up_arrives : down_arrives, conn, 0);
}

static void flow_send(struct conn *conn, struct flow *flow, enum parcel_kind kind, unsigned code,
		      const char *text)
{
	struct sim *sim = conn->sim;
	size_t len = strlen(text);
	struct parcel *parcel;

	if (flow->ended)
		return;
	parcel = mem_alloc(sizeof(*parcel) + len + 1);
	memcpy(parcel->text, text, len + 1);
	parcel->len = len;
	parcel->kind = kind;
	parcel->code = code;
	parcel->at = sim->world.us + random_between(&sim->random, 10, sim->plan.delay_us);
	if (parcel->at < flow->last_at)
		parcel->at = flow->last_at;
	flow->last_at = parcel->at;
	flow->bytes += len;
	flow->ended = kind == PARCEL_END;
	STAILQ_INSERT_TAIL(&flow->parcels, parcel, next);
	flow_expect(conn, flow);
}

static struct parcel *flow_take(struct flow *flow)
{
	struct parcel *parcel = STAILQ_FIRST(&flow->parcels);

	STAILQ_REMOVE_HEAD(&flow->parcels, next);
	flow->bytes -= parcel->len;
	return parcel;
}

/* A cut: some of what is on its way arrives, the rest does not. */
static void flow_cut(struct conn *conn, struct flow *flow, bool all)
{
	uint64_t n = 0, keep;
	struct parcel *parcel;
	STAILQ_HEAD(, parcel) kept = STAILQ_HEAD_INITIALIZER(kept);

	STAILQ_FOREACH(parcel, &flow->parcels, next)
		n++;
	keep = all ? 0 : random_below(&conn->sim->random, n + 1);
	while ((parcel = STAILQ_FIRST(&flow->parcels)) != NULL) {
		flow_take(flow);
		if (keep == 0) {
			free(parcel);
			continue;
		}
		keep--;
		STAILQ_INSERT_TAIL(&kept, parcel, next);
	}
	flow->ended = false;
	STAILQ_FOREACH(parcel, &kept, next) {
		flow->bytes += parcel->len;
		flow->ended |= parcel->kind == PARCEL_END;
	}
	STAILQ_CONCAT(&flow->parcels, &kept);
	flow_send(conn, flow, PARCEL_END, 0, "");
}

/* --- the transport --- */

static void conn_tell(struct conn *conn, enum in_kind kind)
{
	struct in_msg in = {
		.kind = kind, .io = conn->io, .conn = conn, .u.doing = "being simulated"
	};

	server_tell(&conn->sim->server, &in);
}

static void conn_closed(struct conn *conn)
{
	if (conn->state == CONN_CLOSED)
		return;
	SIM_TRACE(conn->sim, "%s is closed for the server", conn->name);
	conn->state = CONN_CLOSED;
	if (conn->server_knows)
		conn_tell(conn, IN_CLOSED);
}

static void conn_deliver(struct conn *conn, const char *text, size_t len)
{
	static const enum in_kind kinds[] = {
		[ENVELOPE_REQUEST] = IN_REQUEST,
		[ENVELOPE_CLIENT_EVENT] = IN_CLIENT_EVENT,
		[ENVELOPE_ACK] = IN_ACK,
		[ENVELOPE_REFUSED] = IN_REFUSED,
	};
	struct in_msg in = { .conn = conn, .io = conn->io };
	struct message *message = NULL;
	uint64_t ack_id = 0;
	enum envelope_kind kind = envelope_read(text, len, &message, &ack_id);

	in.kind = kinds[kind];
	if (kind == ENVELOPE_ACK)
		in.u.ack_id = ack_id;
	else
		in.u.message = message;
	wire_in(conn, &in);
	server_tell(&conn->sim->server, &in);
}

/* The server's end of the handshake. */
static void conn_hello(struct conn *conn, const struct parcel *parcel)
{
	struct hello *hello = mem_zalloc(sizeof(*hello) + parcel->len + 1);
	struct in_msg in = { .kind = IN_HELLO, .io = conn->io, .conn = conn, .u.hello = hello };
	const char *slash;

	memcpy(hello->text, parcel->text, parcel->len);
	slash = strchr(hello->text, '/');
	hello->user = (struct par_str){ hello->text, (size_t)(slash - hello->text) };
	hello->device = par_str_of(slash + 1);
	hello->remote = par_str_of("simulation");
	conn->server_knows = true;
	conn->hello_us = conn->sim->world.us;
	server_tell(&conn->sim->server, &in);
}

/* A connection that is not read; its end is seen all the same, and what came before it is
 * lost. True when there is something to go on with. */
static bool up_is_read(struct conn *conn)
{
	struct flow *flow = &conn->up;
	struct world *world = &conn->sim->world;

	if (!conn->paused && !conn->congested)
		return true;
	if (!flow->ended)
		return false;
	if (flow->last_at > world->us) {
		flow->expected = true;
		world_after(world, flow->last_at - world->us, up_arrives, conn, 0);
		return false;
	}
	while (STAILQ_FIRST(&flow->parcels)->kind != PARCEL_END)
		free(flow_take(flow));
	return true;
}

static void up_arrives(void *arg, uint64_t tag)
{
	struct conn *conn = arg;
	struct flow *flow = &conn->up;
	struct parcel *parcel;

	(void)tag;
	flow->expected = false;
	if (STAILQ_EMPTY(&flow->parcels) || !up_is_read(conn))
		return;
	parcel = STAILQ_FIRST(&flow->parcels);
	if (parcel->at > conn->sim->world.us) {
		flow_expect(conn, flow);
		return;
	}
	flow_take(flow);
	if (conn->state == CONN_CLOSED)
		; /* nobody there */
	else if (parcel->kind == PARCEL_END)
		conn_closed(conn);
	else if (parcel->kind == PARCEL_ACCEPT)
		conn_hello(conn, parcel);
	else if (conn->state == CONN_OPEN || conn->state == CONN_CLOSING)
		conn_deliver(conn, parcel->text, parcel->len);
	free(parcel);
	flow_expect(conn, flow);
}

static void conn_congest(struct conn *conn)
{
	conn->congested = true;
	conn->congested_turn = conn->sim->server.n_turns;
	conn_tell(conn, IN_CONGESTED);
}

/* The backlog is what a client that reads nothing leaves unsent. */
static void conn_look_at_backlog(struct conn *conn)
{
	struct sim *sim = conn->sim;
	bool stuck = conn->stuck_until > sim->world.us;

	if (conn->state != CONN_OPEN)
		return;
	if (stuck && conn->down.bytes > sim->plan.max_backlog) {
		SIM_TRACE(sim, "%s overflows", conn->name);
		flow_cut(conn, &conn->down, false);
		conn_closed(conn);
	} else if (stuck && !conn->congested && conn->down.bytes > sim->plan.max_backlog / 2) {
		conn_congest(conn);
	} else if (conn->congested && !stuck && STAILQ_EMPTY(&conn->down.parcels)) {
		conn->congested = false;
		conn_tell(conn, IN_DRAINED);
		flow_expect(conn, &conn->up);
	}
}

static void conn_close_late(void *arg, uint64_t life)
{
	struct conn *conn = arg;

	if (conn->sim->server.lives == life)
		conn_closed(conn);
}

void conn_hear(const struct out_msg *out)
{
	struct conn *conn = out->conn;
	struct sim *sim = conn->sim;
	char *text;

	if (!conn->server_knows)
		sim_fail(sim, "%s was spoken to after its release", conn->name);
	switch ((enum out_kind)out->kind) {
	case OUT_ACCEPT:
		if (conn->state == CONN_HELLO)
			conn->state = CONN_OPEN;
		flow_send(conn, &conn->down, PARCEL_ACCEPT, 0, "");
		break;
	case OUT_REFUSE:
		flow_send(conn, &conn->down, PARCEL_END, out->code, "");
		world_after(&sim->world, sim->plan.delay_us, conn_close_late, conn,
			    sim->server.lives);
		break;
	case OUT_SEND:
	case OUT_EVENT:
		text = wire_out(conn, out);
		if (conn->state == CONN_OPEN)
			flow_send(conn, &conn->down, PARCEL_TEXT, 0, text);
		free(text);
		conn_look_at_backlog(conn);
		break;
	case OUT_CLOSE:
		conn->state = conn->state == CONN_OPEN ? CONN_CLOSING : conn->state;
		wire_forget(conn);
		flow_send(conn, &conn->down, PARCEL_END, out->code, "");
		world_after(&sim->world, CLOSE_TIMEOUT, conn_close_late, conn, sim->server.lives);
		break;
	case OUT_PAUSE:
		conn->paused = true;
		break;
	case OUT_RESUME:
		conn->paused = false;
		flow_expect(conn, &conn->up);
		break;
	case OUT_RELEASE:
		if (conn->state != CONN_CLOSED)
			sim_fail(sim, "%s was released before it was closed", conn->name);
		conn->server_knows = false;
		wire_forget(conn);
		break;
	}
}

/* --- the client's end --- */

static void down_arrives(void *arg, uint64_t tag)
{
	struct conn *conn = arg;
	struct flow *flow = &conn->down;
	struct parcel *parcel = STAILQ_FIRST(&flow->parcels);
	struct client *client = conn->client;

	(void)tag;
	flow->expected = false;
	if (parcel == NULL || conn->stuck_until > conn->sim->world.us)
		return;
	if (parcel->at > conn->sim->world.us) {
		flow_expect(conn, flow);
		return;
	}
	flow_take(flow);
	conn_look_at_backlog(conn);
	if (client != NULL && parcel->kind == PARCEL_ACCEPT) {
		client_opened(client);
	} else if (client != NULL && parcel->kind == PARCEL_TEXT) {
		client_hears(client, parcel->text, parcel->len);
	} else if (parcel->kind == PARCEL_END) {
		/* the client's own end follows; where there is a server it sees it */
		flow_send(conn, &conn->up, PARCEL_END, 0, "");
		conn->client = NULL;
		if (client != NULL)
			client_lost(client, parcel->code);
	}
	free(parcel);
	flow_expect(conn, flow);
}

struct conn *conn_dial(struct client *client)
{
	struct sim *sim = client->sim;
	struct conn *conn = mem_zalloc(sizeof(*conn));
	char who[CLIENT_NAME_MAX * 2 + 2];

	STAILQ_INIT(&conn->up.parcels);
	STAILQ_INIT(&conn->down.parcels);
	conn->sim = sim;
	conn->client = client;
	conn->taken = client->taken;
	conn->next = sim->conns;
	sim->conns = conn;
	snprintf(conn->name, sizeof(conn->name), "c%u", ++sim->n_conns);
	conn->io = (unsigned)random_below(&sim->random, sim->plan.io_threads);
	snprintf(who, sizeof(who), "%s/%s", client->user->name, client->device);
	if (sim->server.core == NULL) {
		conn->state = CONN_CLOSED;
		flow_send(conn, &conn->down, PARCEL_END, 0, "");
	} else {
		flow_send(conn, &conn->up, PARCEL_ACCEPT, 0, who);
	}
	sim->counts.connections++;
	return conn;
}

void conn_say(struct conn *conn, const char *text)
{
	flow_send(conn, &conn->up, PARCEL_TEXT, 0, text);
}

static void conn_moves(void *arg, uint64_t tag)
{
	struct conn *conn = arg;

	(void)tag;
	if (conn->stuck_until > conn->sim->world.us)
		return;
	flow_expect(conn, &conn->down);
	conn_look_at_backlog(conn);
}

void conn_stick(struct conn *conn, uint64_t us)
{
	struct sim *sim = conn->sim;

	SIM_TRACE(sim, "%s is stuck", conn->name);
	if (conn->stuck_until < sim->world.us + us)
		conn->stuck_until = sim->world.us + us;
	world_after(&sim->world, conn->stuck_until - sim->world.us, conn_moves, conn, 0);
	if (conn->state == CONN_OPEN && !conn->congested && random_chance(&sim->random, 300))
		conn_congest(conn); /* what was in the socket already */
	conn_look_at_backlog(conn);
}

void conn_unstick(struct conn *conn)
{
	conn->stuck_until = 0;
	conn_moves(conn, 0);
}

void conn_hang_up(struct conn *conn)
{
	conn->client = NULL;
	flow_send(conn, &conn->up, PARCEL_END, 0, "");
	flow_cut(conn, &conn->down, true);
}

void conn_cut(struct conn *conn, bool half_open)
{
	struct sim *sim = conn->sim;
	struct client *client = conn->client;

	SIM_TRACE(sim, "%s is cut%s", conn->name, half_open ? ", half open" : "");
	sim->counts.cuts++;
	if (half_open) {
		conn->up.last_at =
		    sim->world.us + random_between(&sim->random, SECONDS, 15 * SECONDS);
		conn->stuck_until = UINT64_MAX;
		conn->client = NULL;
		client_lost(client, 0);
	} else {
		flow_cut(conn, &conn->down, false);
	}
	flow_cut(conn, &conn->up, false);
}

void conns_server_died(struct sim *sim)
{
	struct conn *conn;

	for (conn = sim->conns; conn != NULL; conn = conn->next) {
		if (conn->state == CONN_CLOSED && !conn->server_knows)
			continue;
		conn->state = CONN_CLOSED;
		conn->server_knows = conn->paused = conn->congested = false;
		wire_forget(conn);
		if (!conn->down.ended)
			flow_cut(conn, &conn->down, false);
	}
}

static void flow_free(struct flow *flow)
{
	while (!STAILQ_EMPTY(&flow->parcels))
		free(flow_take(flow));
}

void conns_free(struct sim *sim)
{
	struct conn *conn;

	while ((conn = sim->conns) != NULL) {
		sim->conns = conn->next;
		flow_free(&conn->up);
		flow_free(&conn->down);
		wire_forget(conn);
		free(conn);
	}
}
