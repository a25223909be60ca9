/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a client thinks of doing: mostly what people do, now and then what a
 * client with a fault would. At the end of the run it reads all chats of its user.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "conn.h"
#include "sim.h"

#define PAGE 50

static char *format(const char *text, ...) __attribute__((format(printf, 1, 2)));

static char *format(const char *text, ...)
{
	char *made;
	va_list args;

	va_start(args, text);
	if (vasprintf(&made, text, args) < 0)
		abort();
	va_end(args);
	return made;
}

/* Any user, oneself too. */
static unsigned some_peer(struct client *client)
{
	return (unsigned)random_below(&client->sim->random, client->sim->plan.users);
}

/* A message of the chat that may be there. */
static uint64_t some_message(struct client *client, unsigned peer)
{
	uint64_t last = client->user->chats[peer].last_id;

	return random_between(&client->sim->random, 1, last + (last == 0 ? 1 : 0));
}

static const char *peer_name(struct client *client, unsigned peer)
{
	return client->sim->users[peer].name;
}

static void fresh_client_id(struct client *client, char id[CLIENT_NAME_MAX])
{
	snprintf(id, CLIENT_NAME_MAX, "m%u.%u", client->user->number,
		 ++client->user->last_client_id);
}

/* --- requests that change something --- */

static char *some_text(struct client *client)
{
	static const char *const words[] = {
		"hello",          "yes",  "\\u00e4ther", "no \\\"way\\\"", "gr\xc3\xbc\xc3\x9f",
		"\\ud83d\\ude00", "ok\\n"
	};
	struct random *r = &client->sim->random;
	size_t n = random_chance(r, 100) ? random_below(r, 600) : random_below(r, 20);
	uint64_t word = random_below(r, 7), number = random_below(r, 1000);
	char *filler = mem_zalloc(n + 1), *text;

	memset(filler, 'x', n);
	text = format("%s %s %" PRIu64, words[word], filler, number);
	free(filler);
	return text;
}

static void act_new(struct client *client)
{
	struct random *r = &client->sim->random;
	struct person *user = client->user;
	unsigned peer = some_peer(client);
	char id[CLIENT_NAME_MAX], extra[160] = "", *text = some_text(client), *payload;

	fresh_client_id(client, id);
	if (random_chance(r, 150))
		snprintf(extra, sizeof(extra), ",\"replyTo\":%" PRIu64, some_message(client, peer));
	else if (random_chance(r, 50))
		snprintf(extra, sizeof(extra),
			 ",\"attachments\":[{\"type\":\"file\",\"id\":\"a%s\",\"filename\":\"f\","
			 "\"url\":\"https://example.org/f\"}]",
			 id);
	payload = format("{\"chatId\":\"%s\",\"message\":\"%s\",\"clientMessageId\":\"%s\"%s}",
			 peer_name(client, peer), text, id, extra);
	snprintf(user->last_new, sizeof(user->last_new), "%s",
		 strlen(payload) < sizeof(user->last_new) ? payload : "");
	user->last_new_to = peer;
	ask_new(client, "new", peer, id, true, payload);
	free(text);
}

void client_greets(struct sim *sim, struct person *user, unsigned peer)
{
	struct client *client = sim->clients;
	char id[CLIENT_NAME_MAX];

	while (client->user != user)
		client = client->next;
	fresh_client_id(client, id);
	ask_new(client, "new", peer, id, true,
		format("{\"chatId\":\"%s\",\"message\":\"good day\",\"clientMessageId\":\"%s\"}",
		       peer_name(client, peer), id));
}

/* Without an id of its own nobody can tell it from another like it, so it is never sent again. */
static void act_new_nameless(struct client *client)
{
	unsigned peer = some_peer(client);
	char *text = some_text(client);

	ask_new(client, "new", peer, "", false,
		format("{\"chatId\":\"%s\",\"message\":\"%s\"}", peer_name(client, peer), text));
	free(text);
}

static void act_call(struct client *client)
{
	unsigned peer = some_peer(client);
	char id[CLIENT_NAME_MAX];

	fresh_client_id(client, id);
	ask_new(
	    client, "call", peer, id, true,
	    format("{\"chatId\":\"%s\",\"callId\":\"%s\",\"caller\":\"%s\",\"callType\":\"audio\","
		   "\"callDuration\":7}",
		   peer_name(client, peer), id, client->user->name));
}

/* What another program of the user has just said, or this one. */
static void act_new_again(struct client *client)
{
	struct person *user = client->user;

	if (user->last_new[0] != '\0')
		ask_new(client, "new", user->last_new_to, "", true, mem_strdup(user->last_new));
}

/* The same clientMessageId with another text. */
static void act_new_otherwise(struct client *client)
{
	unsigned n = client->user->last_client_id;
	char id[CLIENT_NAME_MAX];

	if (n == 0)
		return;
	snprintf(id, sizeof(id), "m%u.%" PRIu64, client->user->number,
		 random_between(&client->sim->random, 1, n));
	ask_new(client, "new", client->user->last_new_to, id, true,
		format("{\"chatId\":\"%s\",\"message\":\"different\",\"clientMessageId\":\"%s\"}",
		       peer_name(client, client->user->last_new_to), id));
}

/* "originalMessageId":.. or "originalClientMessageId":".." of one's own message, if any, or of
 * somebody's. */
static char *some_target(struct client *client, unsigned peer)
{
	struct random *r = &client->sim->random;
	const struct known_chat *chat = &client->user->chats[peer];
	unsigned n = chat->n_own < OWN_MAX ? chat->n_own : OWN_MAX;
	const struct own *own = n == 0 ? NULL : &chat->own[random_below(r, n)];

	if (own == NULL || random_chance(r, 200))
		return format("\"originalMessageId\":%" PRIu64, some_message(client, peer));
	if (own->client_id[0] != '\0' && random_chance(r, 500))
		return format("\"originalClientMessageId\":\"%s\"", own->client_id);
	return format("\"originalMessageId\":%" PRIu64, own->id);
}

static void act_edit(struct client *client)
{
	unsigned peer = some_peer(client);
	char id[CLIENT_NAME_MAX], *target = some_target(client, peer), *text = some_text(client);

	fresh_client_id(client, id);
	ask_new(client, "edit", peer, id, true,
		format("{\"chatId\":\"%s\",%s,\"message\":\"%s\",\"clientMessageId\":\"%s\"}",
		       peer_name(client, peer), target, text, id));
	free(target);
	free(text);
}

static void act_delete(struct client *client)
{
	static const char *const whom[] = { "", ",\"for\":\"all\"", ",\"for\":\"me\"" };
	unsigned peer = some_peer(client);
	char *target = some_target(client, peer), name[48] = "", id[CLIENT_NAME_MAX];

	if (random_chance(&client->sim->random, 500)) {
		fresh_client_id(client, id);
		snprintf(name, sizeof(name), ",\"clientMessageId\":\"%s\"", id);
	}
	ask_new(client, "delete", peer, "", true,
		format("{\"chatId\":\"%s\",%s%s%s}", peer_name(client, peer), target,
		       whom[random_below(&client->sim->random, 3)], name));
	free(target);
}

static void act_mark(struct client *client)
{
	struct random *r = &client->sim->random;
	unsigned peer = some_peer(client);
	char upto[48] = "";

	if (random_chance(r, 600))
		snprintf(upto, sizeof(upto), ",\"messageId\":%" PRIu64, some_message(client, peer));
	ask_new(client, random_chance(r, 500) ? "read" : "dlvrd", peer, "", true,
		format("{\"chatId\":\"%s\"%s}", peer_name(client, peer), upto));
}

/* --- requests that change nothing, and other talk --- */

static void act_history(struct client *client)
{
	struct random *r = &client->sim->random;
	unsigned peer = some_peer(client);
	uint64_t count = random_scale(r, 1, 30), id = some_message(client, peer);
	const char *end = random_chance(r, 500) ? "startId" : "endId";

	if (random_chance(r, 300))
		ask_new(client, "chats", peer, "", false, format("{\"count\":%" PRIu64 "}", count));
	else if (random_chance(r, 300))
		ask_new(client, "chat", peer, "", false,
			format("{\"chatId\":\"%s\"}", peer_name(client, peer)));
	else
		ask_new(client, "messages", peer, "", false,
			format("{\"chatId\":\"%s\",\"%s\":%" PRIu64 ",\"count\":%" PRIu64 "}",
			       peer_name(client, peer), end, id, count));
}

static void act_typing(struct client *client)
{
	const char *peer = peer_name(client, some_peer(client));
	const char *stop = random_chance(&client->sim->random, 300) ? ",\"stop\":true" : "";
	char *text = format("{\"type\":\"event\",\"payloadType\":\"typing\",\"id\":\"%c%u\","
			    "\"payload\":{\"chatId\":\"%s\"%s}}",
			    CLIENT_EVENT_ID, ++client->last_request, peer, stop);

	client_say(client, text);
	free(text);
}

/* Acks of what never came. */
static void act_wrong_ack(struct client *client)
{
	uint64_t far = random_chance(&client->sim->random, 500) ? 1000000 : UINT64_C(1) << 40;
	char *text = format("{\"type\":\"ack\",\"id\":%" PRIu64 "}", far);

	client_say(client, text);
	free(text);
}

static void act_bad(struct client *client)
{
	static const char *const bad[] = {
		"{",
		"[]",
		"{\"type\":\"request\"}",
		"{\"type\":\"request\",\"id\":\"\",\"payloadType\":\"new\"}",
		"{\"type\":\"nonsense\",\"id\":\"x1\"}",
		"{\"type\":\"request\",\"id\":\"x2\",\"payloadType\":\"fly\",\"payload\":{}}",
		"{\"type\":\"request\",\"id\":\"x3\",\"payloadType\":\"new\",\"payload\":{}}",
		"{\"type\":\"request\",\"id\":\"x4\",\"payloadType\":\"new\"}",
		"{\"type\":\"request\",\"id\":\"x5\",\"payloadType\":\"read\",\"payload\":"
		"{\"chatId\":7}}",
		"{\"type\":\"request\",\"id\":\"x6\",\"payloadType\":\"new\",\"payload\":"
		"{\"chatId\":\"grp_1\",\"message\":\"hm\"}}",
		"{\"type\":\"event\",\"id\":\"e0\",\"payloadType\":\"typing\",\"payload\":{}}",
		"{\"type\":\"event\",\"id\":\"e0\",\"payloadType\":\"flying\"}",
	};

	client_say(client, bad[random_below(&client->sim->random, sizeof(bad) / sizeof(bad[0]))]);
}

/* A request under the id of one that is in flight. */
static void act_same_id(struct client *client)
{
	const struct ask *ask = TAILQ_LAST(&client->asks, asks);
	char *text;

	if (ask == NULL || !ask->waiting)
		return;
	text = format("{\"type\":\"request\",\"id\":\"%s\",\"payloadType\":\"chat\","
		      "\"payload\":{\"chatId\":\"%s\"}}",
		      ask->id, client->user->name);
	client_say(client, text);
	free(text);
}

/* Impatience: what is not answered yet is said again. */
static void act_resend(struct client *client)
{
	struct ask *ask = TAILQ_FIRST(&client->asks);

	if (ask != NULL && ask->again)
		ask_send(client, ask);
}

static void act_stick(struct client *client)
{
	struct sim *sim = client->sim;

	if (random_chance(&sim->random, sim->plan.stuck))
		conn_stick(client->conn, random_scale(&sim->random, 10 * MS, 20 * SECONDS));
}

static void act_burst(struct client *client)
{
	uint64_t n = random_between(&client->sim->random, 3, 12);

	while (n-- > 0)
		act_new(client);
}

void client_act(struct client *client)
{
	static const struct {
		unsigned weight;
		void (*act)(struct client *client);
	} acts[] = { { 38, act_new },          { 4, act_burst },        { 4, act_new_again },
		     { 1, act_new_otherwise }, { 2, act_new_nameless }, { 2, act_call },
		     { 10, act_edit },         { 7, act_delete },       { 14, act_mark },
		     { 5, act_history },       { 5, act_typing },       { 2, act_wrong_ack },
		     { 2, act_same_id },       { 4, act_resend } };
	struct sim *sim = client->sim;
	uint64_t drawn = random_below(&sim->random, 100);
	unsigned i = 0;

	act_stick(client);
	if (random_chance(&sim->random, sim->plan.bad)) {
		act_bad(client);
		return;
	}
	while (drawn >= acts[i].weight)
		drawn -= acts[i++].weight;
	acts[i].act(client);
}

void client_learns(struct client *client, struct json_object *event)
{
	struct sim *sim = client->sim;
	struct json_object *payload = json_object_object_get(event, "payload");
	const char *peer = json_object_get_string(json_object_object_get(payload, "chatId"));
	uint64_t id = json_object_get_uint64(json_object_object_get(payload, "messageId"));
	unsigned i;

	for (i = 0; peer != NULL && i < sim->plan.users; i++) {
		struct known_chat *chat = &client->user->chats[i];

		if (strcmp(sim->users[i].name, peer) == 0 && chat->last_id < id)
			chat->last_id = id;
	}
}

/* --- the end --- */

static void ask_page(struct client *client, unsigned peer)
{
	ask_new(client, "messages", peer, "", false,
		format("{\"chatId\":\"%s\",\"startId\":%" PRIu64 ",\"count\":%d}",
		       peer_name(client, peer), client->reading_after[peer] + 1, PAGE));
}

void client_reads_history(struct client *client)
{
	unsigned i;

	client->pages = client->sim->plan.users;
	for (i = 0; i < client->sim->plan.users; i++) {
		client->reading_after[i] = 0;
		ask_page(client, i);
	}
	ask_new(client, "chats", client->user->number, "", false, mem_strdup("{}"));
}

void client_had_page(struct client *client, unsigned peer, struct json_object *payload)
{
	struct json_object *messages = json_object_object_get(payload, "messages");
	size_t n = json_object_array_length(messages);
	struct json_object *last = n == 0 ? NULL : json_object_array_get_idx(messages, n - 1);

	client->reading_after[peer] =
	    json_object_get_uint64(json_object_object_get(last, "messageId"));
	if (n > 0 && json_object_get_boolean(json_object_object_get(payload, "hasMore")))
		ask_page(client, peer);
	else
		client->pages--;
}
