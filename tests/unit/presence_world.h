/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A small world for the tests of plugins/presence: the real plugin on the manual clock of the
 * fake host, with storage_memory behind it, and three users.
 */
#ifndef PRESENCE_WORLD_H
#define PRESENCE_WORLD_H

#include "support/host_requests.h"
#include "support/store.h"
#include "unit.h"

extern const struct host_client alice, alice_laptop, bob, carol;

extern struct store store; /* whose host is the plugin's too */
extern struct host *host;
extern struct host_requests *requests;
extern struct par_plugin *presence;

void begin(void);
/* Who is online is stored so often; with begin() not at all. */
void begin_interval(unsigned seconds);
/* begin(), and alice has a dialog with bob and one with carol. */
void begin_with_dialogs(void);
void end(void);
/* A message, in the chat as plugins name it. */
void dialog(const char *user, const char *peer);

/* One turn: what is due, and what the storage answers to it. */
void turn(void);
/* As many as little things need. */
void settle(void);

void enter(const struct host_client *client);
void leave(const struct host_client *client);

int64_t metric(const char *name);
/* One of many users. */
const char *name_of(unsigned i);
void unit_same(const char *came, const char *wanted, unsigned line);

#endif
