/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The core without a transport: a test plays the other side of the mailboxes and
 * turns the clock by hand. Plugins are the real ones, with storage_memory.
 */
#ifndef PARLANCE_CORE_WORLD_H
#define PARLANCE_CORE_WORLD_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/core.h"
#include "plugin/plugin.h"
#include "seam/seam.h"

#define WORLD_SAID_MAX 512

/* What the core said to a connection. Texts are whole messages, as they would
 * be on the wire. */
struct said {
	enum out_kind kind;
	unsigned code;
	uint64_t id;
	uint64_t seq;
	bool redelivered;
	char *text;
};

struct conn {
	struct conn_link link; /* the core's */
	struct said said[WORLD_SAID_MAX];
	unsigned n_said;
	unsigned n_read; /* what the test has looked at */
	bool released;
};

struct world {
	struct settings settings;
	struct metrics metrics;
	struct core *core;
	struct config *config;
	struct seam seam;
	struct par_plugin plugin; /* the test's own, for handlers of its own */
	uint64_t wall_ms;
	uint64_t monotonic_us;
};

/* `server` is YAML for the server section, one line: "{ack_window: 4}". The
 * plugins auth_insecure, storage_memory, messaging and typing are loaded. */
void world_open(struct world *w, const char *server);
void world_close(struct world *w);

/* Runs the core until it has nothing left to do. */
void world_run(struct world *w);
void world_advance(struct world *w, uint64_t ms);

/* A handshake; what came of it is the first thing said. */
struct conn *world_hello(struct world *w, const char *user, const char *device);
/* One that is accepted, which the test need not look at. */
struct conn *world_connect(struct world *w, const char *user, const char *device);
/* One message of the client, as text. Not run yet. */
void world_say(struct world *w, struct conn *conn, const char *text);
void world_ack(struct world *w, struct conn *conn, uint64_t id);
/* IN_CONGESTED, IN_DRAINED or IN_CLOSED. */
void world_signal(struct world *w, struct conn *conn, enum in_kind kind);
/* The connection is gone; the conn is freed once it is released. */
void world_hang_up(struct world *w, struct conn *conn);

/* The next thing said to it that the test has not looked at, or NULL. */
const struct said *world_next(struct conn *conn);
/* The next one, which must be a message with this in it. */
bool world_next_has(struct conn *conn, const char *part);

#endif
