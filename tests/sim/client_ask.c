/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Requests on their way to a final answer. One that changes something is sent
 * again on the next connection, or after an answer that leaves its outcome open,
 * under a new request id and otherwise unchanged; the others are forgotten
 * with their connection.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "conn.h"
#include "sim.h"

#define ASKS_MAX 40

static void ask_forget(struct client *client, struct ask *ask)
{
	TAILQ_REMOVE(&client->asks, ask, next);
	client->n_asks--;
	free(ask->payload);
	free(ask);
}

void asks_free(struct client *client)
{
	while (!TAILQ_EMPTY(&client->asks))
		ask_forget(client, TAILQ_FIRST(&client->asks));
}

void ask_send(struct client *client, struct ask *ask)
{
	size_t size = strlen(ask->payload) + 256;
	char *text;

	if (!client->open)
		return;
	text = mem_alloc(size);
	snprintf(ask->id, sizeof(ask->id), "r%u", ++client->last_request);
	snprintf(text, size,
		 "{\"type\":\"request\",\"id\":\"%s\",\"payloadType\":\"%s\","
		 "\"payload\":%s}",
		 ask->id, ask->type, ask->payload);
	ask->waiting = true;
	client_say(client, text);
	free(text);
}

struct ask *ask_new(struct client *client, const char *type, unsigned peer, const char *client_id,
		    bool again, char *payload)
{
	struct ask *ask;

	if (client->n_asks >= ASKS_MAX && !client->sim->calm) {
		free(payload);
		return NULL;
	}
	ask = mem_zalloc(sizeof(*ask));
	snprintf(ask->type, sizeof(ask->type), "%s", type);
	snprintf(ask->client_id, sizeof(ask->client_id), "%s", client_id);
	ask->peer = peer;
	ask->again = again;
	ask->payload = payload;
	TAILQ_INSERT_TAIL(&client->asks, ask, next);
	client->n_asks++;
	ask_send(client, ask);
	return ask;
}

void asks_connected(struct client *client)
{
	struct ask *ask;

	TAILQ_FOREACH(ask, &client->asks, next) {
		if (!ask->waiting)
			ask_send(client, ask);
	}
}

void asks_disconnected(struct client *client)
{
	struct ask *ask, *after;

	for (ask = TAILQ_FIRST(&client->asks); ask != NULL; ask = after) {
		after = TAILQ_NEXT(ask, next);
		ask->waiting = false;
		if (!ask->again)
			ask_forget(client, ask);
	}
	client->pages = 0;
}

static void asks_retry(void *arg, uint64_t connection)
{
	struct client *client = arg;
	struct ask *ask;

	if (client->connections != connection)
		return;
	TAILQ_FOREACH(ask, &client->asks, next) {
		if (!ask->waiting && ask->retry_at <= client->sim->world.us)
			ask_send(client, ask);
	}
}

static bool leaves_open(const char *code)
{
	return strcmp(code, "timeout") == 0 || strcmp(code, "unavailable") == 0 ||
	       strcmp(code, "internal") == 0;
}

static void ask_failed(struct client *client, struct ask *ask, const char *code)
{
	struct sim *sim = client->sim;
	uint64_t pause = random_between(&sim->random, 50 * MS, 2 * SECONDS);

	if (strcmp(code, "duplicate_request") == 0)
		return; /* the other one of this id will be answered */
	if (!leaves_open(code) || (!ask->again && !sim->calm)) {
		ask_forget(client, ask);
		return;
	}
	ask->waiting = false;
	ask->retry_at = sim->world.us + pause;
	world_after(&sim->world, pause, asks_retry, client, client->connections);
}

static void ask_done(struct client *client, struct ask *ask, struct json_object *payload)
{
	struct known_chat *chat = &client->user->chats[ask->peer];
	uint64_t id = json_object_get_uint64(json_object_object_get(payload, "messageId"));

	if (strcmp(ask->type, "new") == 0 || strcmp(ask->type, "edit") == 0) {
		if (chat->last_id < id)
			chat->last_id = id;
	}
	if (strcmp(ask->type, "new") == 0) {
		struct own *own = &chat->own[chat->n_own++ % OWN_MAX];

		own->id = id;
		snprintf(own->client_id, sizeof(own->client_id), "%s", ask->client_id);
	}
	if (client->pages > 0 && strcmp(ask->type, "messages") == 0)
		client_had_page(client, ask->peer, payload);
	ask_forget(client, ask);
}

void asks_answered(struct client *client, struct json_object *response)
{
	const char *id = json_object_get_string(json_object_object_get(response, "id"));
	struct json_object *error = json_object_object_get(response, "error");
	struct ask *ask;

	TAILQ_FOREACH(ask, &client->asks, next) {
		if (id == NULL || !ask->waiting || strcmp(ask->id, id) != 0)
			continue;
		if (error != NULL)
			ask_failed(client, ask,
				   json_object_get_string(json_object_object_get(error, "code")));
		else
			ask_done(client, ask, json_object_object_get(response, "payload"));
		return;
	}
}
