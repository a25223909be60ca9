/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Clients of a simulated run. Each is a program on one device of a user that
 * does what docs/protocol.md tells its author to do: it gives what it sends an id of its
 * own, sends again what was not answered, acks what it has taken. How fast and how
 * well it does so, and what it does besides, is drawn anew for each connection.
 *
 * client.c is a client's life: connecting, acking, going away. client_ask.c keeps the
 * requests that are not settled, client_act.c thinks of new ones.
 */
#ifndef PARLANCE_SIM_CLIENT_H
#define PARLANCE_SIM_CLIENT_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#define CLIENT_NAME_MAX 24
#define CLIENT_EVENT_ID 'e' /* ids of client events begin so, those of requests do not */
#define USERS_MAX 5
#define OWN_MAX 16

struct conn;
struct sim;
struct taken;

/* One's own message, as far as it was answered. */
struct own {
	uint64_t id;
	char client_id[CLIENT_NAME_MAX];
};

/* What a user's programs know of a chat; they tell each other. */
struct known_chat {
	uint64_t last_id;
	struct own own[OWN_MAX]; /* the latest, in a ring */
	unsigned n_own;
};

struct person {
	char name[CLIENT_NAME_MAX];
	unsigned number;
	struct known_chat chats[USERS_MAX]; /* by the other's number */
	unsigned last_client_id;
	char last_new[512]; /* payload of the latest `new`, for a device that says the same */
	unsigned last_new_to;
	char left_behind[CLIENT_NAME_MAX]; /* a device that goes by another name now */
};

/* A request that has no final answer yet. */
struct ask {
	TAILQ_ENTRY(ask) next;
	char id[CLIENT_NAME_MAX]; /* of the request on this connection */
	char type[12];
	unsigned peer;
	char client_id[CLIENT_NAME_MAX]; /* "": none */
	bool again; /* is sent again until it is settled */
	bool waiting; /* was sent on this connection, and is not answered */
	uint64_t retry_at;
	char *payload;
};

/* An event, by its id on this connection. */
struct unacked {
	uint64_t id;
	uint64_t seq; /* 0: ephemeral */
};

enum ack_habit { ACK_AT_ONCE, ACK_LATE, ACK_SHUFFLED, ACK_NEVER, ACK_HABITS };

TAILQ_HEAD(asks, ask);

struct client {
	struct client *next;
	struct sim *sim;
	struct person *user;
	char device[CLIENT_NAME_MAX];
	unsigned number;
	struct conn *conn; /* NULL: none */
	bool open; /* accepted */
	bool retired; /* replaced by another: it stays away */
	unsigned connections; /* of it so far: happenings of an earlier one are void */
	enum ack_habit habit;
	struct asks asks;
	unsigned n_asks;
	unsigned last_request;
	struct taken *taken; /* by its device */
	struct unacked *unacked; /* taken, and not acked on this connection */
	unsigned n_unacked, size_unacked;
	bool acking; /* a happening is set */
	uint64_t reading_after[USERS_MAX]; /* at the end: next page of each chat */
	unsigned pages; /* of history, asked for and not had */
};

/* A client under a name; it connects soon. */
struct client *client_new(struct sim *sim, struct person *user, const char *device);
void clients_free(struct sim *sim);
void client_dial(struct client *client);
/* Turns away from its connection: in good order, by a cut, or as its machine goes. */
void client_leave(struct client *client);
/* The end has come: it connects if it is not, settles everything, and acks everything. */
void client_calm_down(struct client *client);
/* It is connected, has acked all that came, and waits for no answer. */
bool client_settled(const struct client *client);
/* Sends one message, as text, when it is connected. */
void client_say(struct client *client, const char *text);

/* From conn.c. */
void client_opened(struct client *client);
void client_hears(struct client *client, const char *text, size_t len);
void client_lost(struct client *client, unsigned code);

/* client_ask.c */

/* Makes a request and sends it, now or when it can. Takes the payload. */
struct ask *ask_new(struct client *client, const char *type, unsigned peer, const char *client_id,
		    bool again, char *payload);
void ask_send(struct client *client, struct ask *ask);
void asks_connected(struct client *client);
void asks_disconnected(struct client *client);
void asks_answered(struct client *client, struct json_object *response);
void asks_free(struct client *client);

/* client_act.c */

void client_act(struct client *client);
/* Some client of the user writes to another user. */
void client_greets(struct sim *sim, struct person *user, unsigned peer);
/* Learns from an event. */
void client_learns(struct client *client, struct json_object *event);
/* At the end: reads all chats of the user, from their beginning. */
void client_reads_history(struct client *client);
void client_had_page(struct client *client, unsigned peer, struct json_object *payload);

#endif
