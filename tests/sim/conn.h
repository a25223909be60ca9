/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A connection of a simulated run, both ends of it and the wire between them. One
 * end plays the transport for the core, by the rules of seam.h; the other belongs to
 * a client. What is said takes a while to arrive, in order, in each direction of
 * its own; a cut loses what is on its way, but for a beginning of it.
 *
 *   the server's end:  CONN_HELLO ─OUT_ACCEPT─▶ CONN_OPEN ─OUT_CLOSE─▶ CONN_CLOSING
 *                          └──────────────────────┴──────────────────────┴──▶ CONN_CLOSED
 *
 * Conns stay to the end of the run, so that happenings may point at them.
 */
#ifndef PARLANCE_SIM_CONN_H
#define PARLANCE_SIM_CONN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "seam/seam.h"

struct client;
struct sim;
struct taken;

enum conn_state { CONN_HELLO, CONN_OPEN, CONN_CLOSING, CONN_CLOSED };

enum parcel_kind {
	PARCEL_TEXT,
	PARCEL_ACCEPT,
	PARCEL_END /* nothing comes after it */
};

struct parcel {
	STAILQ_ENTRY(parcel) next;
	enum parcel_kind kind;
	uint64_t at; /* arrives */
	unsigned code; /* of the end: close code, or 0 */
	size_t len;
	char text[];
};

/* One direction. */
struct flow {
	STAILQ_HEAD(, parcel) parcels;
	uint64_t last_at;
	uint64_t bytes;
	bool ended; /* an end was sent */
	bool expected; /* a happening is set for the first parcel */
};

/* A durable event on the wire, as the transport counts them. */
struct wired {
	uint64_t id;
	uint64_t seq;
	uint32_t bytes;
};

/* A request that the core has to answer. */
struct asked {
	char *id; /* NULL: it could not be read */
	uint64_t at;
};

struct conn {
	struct conn_link link; /* the core's; first */
	struct conn *next;
	struct sim *sim;
	struct client *client; /* NULL: he has turned away */
	struct taken *taken; /* by his device */
	uint64_t hello_us; /* when the server got to know of it */
	char name[16];
	unsigned io;
	enum conn_state state;
	bool server_knows; /* it was told of it, and has not released it */
	bool paused; /* by the core */
	bool congested; /* and the core was told ... */
	uint64_t congested_turn; /* ... before this turn of it */
	uint64_t stuck_until; /* the client reads nothing before that */
	struct flow up, down;
	uint64_t last_event_id;
	struct wired *wired;
	unsigned n_wired, size_wired;
	struct asked *asked;
	unsigned n_asked, size_asked;
};

/* A handshake sets out. */
struct conn *conn_dial(struct client *client);
/* The client says something. */
void conn_say(struct conn *conn, const char *text);
/* The client reads nothing for a while. */
void conn_stick(struct conn *conn, uint64_t us);
/* The client closes it in good order, and is told nothing more. */
void conn_hang_up(struct conn *conn);
/* The network breaks it, each end learns of it in its own time; half open: the client's
 * machine is gone, which he knows at once and the server late. */
void conn_cut(struct conn *conn, bool half_open);
/* It moves again, whatever stuck. */
void conn_unstick(struct conn *conn);

/* What the core said. */
void conn_hear(const struct out_msg *out);
/* The server is no more: nothing is said to the core about any of them. */
void conns_server_died(struct sim *sim);
void conns_free(struct sim *sim);

#endif
