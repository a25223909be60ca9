/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What each device has taken of its user's stream, by seq: what it was sent, what
 * it acked, and which acks reached the server. The history checker knows what a
 * device received; here is that what it did not ack comes again, whatever it received, and that
 * what it did ack does not.
 */
#ifndef PARLANCE_SIM_TAKEN_H
#define PARLANCE_SIM_TAKEN_H

#include <stdbool.h>
#include <stdint.h>

#include "client.h"

struct sim;

struct taken_event {
	bool received, acked;
	uint64_t reached_us; /* when an ack of it reached the server; 0: none did */
};

struct taken {
	struct taken *next;
	const struct person *user;
	char device[CLIENT_NAME_MAX];
	struct taken_event *events; /* by seq */
	uint64_t size;
	uint64_t resync_from; /* what lies before it may be missing */
};

struct taken *taken_get(struct sim *sim, const struct person *user, const char *device);
void taken_received(struct taken *t, uint64_t seq);
void taken_acked(struct taken *t, uint64_t seq);
void taken_reached(struct taken *t, uint64_t seq, uint64_t us);
/* The server sends it on a connection whose handshake reached it then. False: it had an
 * ack of it before. */
bool taken_may_be_sent(const struct taken *t, uint64_t seq, uint64_t hello_us);
/* A seq that the device received, never acked, and was not sent again; 0: none. */
uint64_t taken_left(const struct taken *t);
void taken_free(struct sim *sim);

#endif
