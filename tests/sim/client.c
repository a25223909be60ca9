/* SPDX-License-Identifier: BSD-2-Clause */
/* A client's life; see client.h. */
#include "client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "conn.h"
#include "sim.h"
#include "taken.h"
#include "ws/close_code.h"

static uint64_t sim_ms(const struct sim *sim)
{
	return sim->world.us / 1000;
}

static void client_wakes(void *arg, uint64_t connection);

/* It does something in about so long. */
static void client_sleeps(struct client *client, uint64_t us)
{
	struct sim *sim = client->sim;

	world_after(&sim->world, random_between(&sim->random, us / 4, us * 2), client_wakes, client,
		    client->connections);
}

struct client *client_new(struct sim *sim, struct person *user, const char *device)
{
	struct client *client = mem_zalloc(sizeof(*client));

	client->sim = sim;
	client->user = user;
	client->number = ++sim->n_clients;
	snprintf(client->device, sizeof(client->device), "%s", device);
	TAILQ_INIT(&client->asks);
	client->next = sim->clients;
	sim->clients = client;
	client_sleeps(client, sim->plan.pace_us);
	return client;
}

void clients_free(struct sim *sim)
{
	struct client *client;

	while ((client = sim->clients) != NULL) {
		sim->clients = client->next;
		asks_free(client);
		free(client->unacked);
		free(client);
	}
}

/* --- connecting and going away --- */

/* A device that is set up anew, time and again. */
static void client_renames(struct client *client)
{
	struct sim *sim = client->sim;

	if (sim->calm || !random_chance(&sim->random, sim->plan.new_names))
		return;
	memcpy(client->user->left_behind, client->device, sizeof(client->device));
	snprintf(client->device, sizeof(client->device), "d%u.%u", client->number,
		 client->connections);
}

void client_dial(struct client *client)
{
	struct sim *sim = client->sim;

	client_renames(client);
	client->connections++;
	client->n_unacked = 0;
	client->acking = false;
	client->habit = (enum ack_habit)random_below(&sim->random, ACK_NEVER);
	if (random_chance(&sim->random, sim->plan.lazy))
		client->habit = ACK_NEVER;
	if (sim->calm)
		client->habit = ACK_AT_ONCE;
	client->taken = taken_get(sim, client->user, client->device);
	client->conn = conn_dial(client);
	/* from here on the server may send: on a connection of its own besides others of the device */
	history_open(sim->history, sim_ms(sim), client->conn->name, client->user->name,
		     client->device);
	SIM_TRACE(sim, "%s dials as %s/%s #%u", client->conn->name, client->user->name,
		  client->device, ++sim->lines);
}

static void client_gone(struct client *client)
{
	struct sim *sim = client->sim;

	history_close(sim->history, sim_ms(sim), client->conn->name);
	SIM_TRACE(sim, "%s closes for %s/%s #%u", client->conn->name, client->user->name,
		  client->device, ++sim->lines);
	client->open = false;
	client->conn = NULL;
	client->connections++;
	client->n_unacked = 0;
	client->acking = false;
	asks_disconnected(client);
	client_sleeps(client, sim->calm ? 200 * MS : sim->plan.pace_us);
}

void client_lost(struct client *client, unsigned code)
{
	struct sim *sim = client->sim;

	/* the newer connection of the device may be anybody's: docs/protocol.md says to stay away */
	if (code == WS_CLOSE_REPLACED &&
	    (sim->ending || (!sim->calm && random_chance(&sim->random, 500))))
		client->retired = true;
	client_gone(client);
}

void client_leave(struct client *client)
{
	struct sim *sim = client->sim;
	struct conn *conn = client->conn;

	if (conn == NULL)
		return;
	if (random_chance(&sim->random, sim->plan.rude)) {
		conn_cut(conn, random_chance(&sim->random, sim->plan.half_open));
		return;
	}
	client_gone(client);
	conn_hang_up(conn);
}

static void client_time_is_up(void *arg, uint64_t connection)
{
	struct client *client = arg;

	if (client->connections == connection && !client->sim->calm)
		client_leave(client);
}

void client_opened(struct client *client)
{
	struct sim *sim = client->sim;
	bool hasty = random_chance(&sim->random, sim->plan.hasty);
	uint64_t life = hasty ? 100 * MS : sim->plan.life_us;

	SIM_TRACE(sim, "%s is accepted", client->conn->name);
	sim->moved_at = sim->world.us;
	client->open = true;
	world_after(&sim->world, random_between(&sim->random, life / 10, life * 2),
		    client_time_is_up, client, client->connections);
	asks_connected(client);
	client_sleeps(client, sim->plan.pace_us);
}

static void client_wakes(void *arg, uint64_t connection)
{
	struct client *client = arg;
	struct sim *sim = client->sim;

	if (connection != client->connections || client->retired)
		return;
	if (client->conn == NULL) {
		client_dial(client);
	} else if (client->open && !sim->calm) {
		client_act(client);
		client_sleeps(client, sim->plan.pace_us);
	}
}

/* --- talking --- */

void client_say(struct client *client, const char *text)
{
	struct sim *sim = client->sim;
	struct json_object *message;

	if (!client->open)
		return;
	message = json_tokener_parse(text);
	SIM_TRACE(sim, "%s < %s #%u", client->conn->name, text, sim->lines += message != NULL);
	sim->moved_at = sim->world.us;
	sim->counts.messages++;
	if (message != NULL)
		history_out(sim->history, sim_ms(sim), client->conn->name, message);
	json_object_put(message);
	conn_say(client->conn, text);
}

static void client_acks(struct client *client, struct unacked event)
{
	struct sim *sim = client->sim;
	bool as_text = random_chance(&sim->random, 100);
	char text[64];

	snprintf(text, sizeof(text),
		 as_text ? "{\"type\":\"ack\",\"id\":\"%llu\"}" : "{\"type\":\"ack\",\"id\":%llu}",
		 (unsigned long long)event.id);
	client_say(client, text);
	if (event.seq != 0)
		taken_acked(client->taken, event.seq);
	if (!sim->calm && random_chance(&sim->random, 20))
		client_say(client, text);
}

/* One or several of those that wait, from the front or from anywhere. */
static void client_acks_some(struct client *client)
{
	struct sim *sim = client->sim;
	bool any = client->habit == ACK_SHUFFLED && !sim->calm;
	uint64_t n = sim->calm ? UINT64_MAX : random_between(&sim->random, 1, 6);

	while (n-- > 0 && client->n_unacked > 0 && client->open) {
		unsigned i = any ? (unsigned)random_below(&sim->random, client->n_unacked) : 0;
		struct unacked event = client->unacked[i];

		memmove(&client->unacked[i], &client->unacked[i + 1],
			(--client->n_unacked - i) * sizeof(*client->unacked));
		client_acks(client, event);
	}
}

static void client_ack_due(void *arg, uint64_t connection);

static void client_plans_ack(struct client *client)
{
	struct sim *sim = client->sim;

	if (client->acking || client->n_unacked == 0)
		return;
	client->acking = true;
	world_after(&sim->world, random_scale(&sim->random, 100, sim->calm ? MS : 2 * SECONDS),
		    client_ack_due, client, client->connections);
}

static void client_ack_due(void *arg, uint64_t connection)
{
	struct client *client = arg;

	if (client->connections != connection)
		return;
	client->acking = false;
	client_acks_some(client);
	client_plans_ack(client);
}

static void client_takes(struct client *client, struct unacked event)
{
	if (client->habit == ACK_AT_ONCE) {
		client_acks(client, event);
		return;
	}
	if (client->n_unacked == client->size_unacked) {
		client->size_unacked = client->size_unacked == 0 ? 16 : client->size_unacked * 2;
		client->unacked =
		    mem_realloc(client->unacked, client->size_unacked * sizeof(*client->unacked));
	}
	client->unacked[client->n_unacked++] = event;
	if (client->habit != ACK_NEVER)
		client_plans_ack(client);
}

/* What the user did himself need not come again to the device that did it. Of a call nobody
 * says who recorded it. */
static bool is_own(const struct client *client, struct json_object *payload)
{
	const char *by = json_object_get_string(json_object_object_get(payload, "sender"));

	if (by == NULL)
		by = json_object_get_string(json_object_object_get(payload, "userId"));
	return by == NULL || strcmp(by, client->user->name) == 0;
}

static void client_notes_durable(struct client *client, struct json_object *event, uint64_t seq)
{
	struct json_object *payload = json_object_object_get(event, "payload");
	const char *type = json_object_get_string(json_object_object_get(event, "eventType"));
	struct taken *taken = client->taken;
	uint64_t from = json_object_get_uint64(json_object_object_get(payload, "fromSeq"));

	if (json_object_object_get(event, "redelivered") != NULL)
		client->sim->counts.redelivered++;
	if (strcmp(type, "resync") == 0) {
		client->sim->counts.resyncs++;
		taken->resync_from = from > taken->resync_from ? from : taken->resync_from;
	} else if (!is_own(client, payload)) {
		taken_received(taken, seq);
	}
}

static void client_takes_event(struct client *client, struct json_object *event)
{
	struct unacked unacked = {
		.id = json_object_get_uint64(json_object_object_get(event, "id")),
		.seq = json_object_get_uint64(json_object_object_get(event, "seq")),
	};

	client_learns(client, event);
	if (unacked.seq != 0)
		client_notes_durable(client, event, unacked.seq);
	if (unacked.seq != 0 || random_chance(&client->sim->random, 100))
		client_takes(client, unacked);
}

void client_hears(struct client *client, const char *text, size_t len)
{
	struct sim *sim = client->sim;
	struct json_object *message = json_tokener_parse(text);
	const char *type;

	SIM_TRACE(sim, "%s > %s #%u", client->conn->name, text, ++sim->lines);
	sim->moved_at = sim->world.us;
	sim->counts.messages++;
	if (message == NULL) {
		sim_fail(sim, "%s got %zu bytes that are not JSON: %s", client->conn->name, len,
			 text);
		return;
	}
	history_in(sim->history, sim_ms(sim), client->conn->name, message);
	type = json_object_get_string(json_object_object_get(message, "type"));
	if (strcmp(type, "response") == 0)
		asks_answered(client, message);
	else
		client_takes_event(client, message);
	json_object_put(message);
}

/* --- the end --- */

void client_calm_down(struct client *client)
{
	struct sim *sim = client->sim;

	if (client->retired)
		return;
	if (client->conn == NULL) {
		client_sleeps(client, 200 * MS);
		return;
	}
	if (random_chance(&sim->random, 500)) {
		client_leave(client);
		return;
	}
	client->habit = ACK_LATE;
	client_plans_ack(client);
	asks_connected(client);
}

bool client_settled(const struct client *client)
{
	return client->retired || (client->open && client->n_unacked == 0 && client->n_asks == 0 &&
				   client->pages == 0);
}
