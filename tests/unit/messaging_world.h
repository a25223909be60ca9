/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A small world for the tests of plugins/messaging: the real plugin and the
 * real storage_memory in the fake host, and a few users with their devices.
 *
 * Texts are written with ' for ", and @N for the timestamp N seconds after the
 * clock's start. An answer that failed reads "!code path" or "!code".
 */
#ifndef MESSAGING_WORLD_H
#define MESSAGING_WORLD_H

#include "support/host_requests.h"
#include "unit.h"

struct person {
	struct host_client client;
	uint64_t seq; /* of the last event looked at */
};

extern struct person alice, alice_laptop, bob, bob_laptop, carol;

/* A new world, in which the devices of alice, bob and carol, not the laptops, are
 * connected. `config` of messaging, or NULL. */
void world_begin(const char *config);
void world_end(void);
struct host *world_host(void);
struct host_requests *world_requests(void);

void world_tick(void); /* a second */
void world_connect(struct person *person);

/* Sends, lets all happen, and compares the answer's payload. */
void world_ask(struct person *person, const char *type, const char *payload, const char *answer,
	       const char *file, unsigned line);
/* Writes so many messages to the other. */
void world_write(struct person *person, const char *chat, unsigned n);
/* Compares the events that came for the person's device since the last look: a
 * line "type payload\n" each. */
void world_events(struct person *person, const char *lines, const char *file, unsigned line);
void world_compare(const char *got, const char *expected, const char *file, unsigned line);

#define ASK(person, type, payload, answer) \
	world_ask(person, type, payload, answer, __FILE__, __LINE__)
#define EVENTS(person, lines) world_events(person, lines, __FILE__, __LINE__)

/* The other files of this program. */
extern const struct unit_test again_tests[], same_tests[], refusal_tests[], change_tests[],
    history_tests[];

#endif
