/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How far the durable events are taken, and those that wait meanwhile. An
 * event that was seen is known by its seq, across connections.
 */
#ifndef PARLANCE_CLI_INBOX_H
#define PARLANCE_CLI_INBOX_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include <parlance/json.h>

struct json_object;

struct held_event {
	TAILQ_ENTRY(held_event) entry;
	struct json_object *event;
	struct par_str text; /* behind this struct */
};

struct inbox {
	uint64_t last_seq; /* of the last event taken */
	TAILQ_HEAD(held_list, held_event) held;
};

void inbox_init(struct inbox *inbox);
/* Whether it was taken before: a redelivery. An ephemeral event never was. */
bool inbox_seen(const struct inbox *inbox, struct json_object *event);
/* True: it is durable, so there is progress. */
bool inbox_taken(struct inbox *inbox, struct json_object *event);

/* Keeps a copy of a durable event; others are dropped, late as they would be. How many
 * there can be is bounded by the server's ack_window. */
void inbox_hold(struct inbox *inbox, struct json_object *event, struct par_str text);
/* The oldest, or NULL; the caller frees it. */
struct held_event *inbox_release(struct inbox *inbox);
void held_event_free(struct held_event *held);
/* Forgets those held: they come again on the next connection. */
void inbox_drop_held(struct inbox *inbox);

#endif
