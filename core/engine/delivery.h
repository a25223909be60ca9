/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From a transaction that is done to the sessions that must hear of it: each
 * event of it goes to every session of its user, or of each of its users: the
 * bytes are shared, and what differs goes along as a number. And to the plugins that are
 * told what was done to groups.
 */
#ifndef PARLANCE_DELIVERY_H
#define PARLANCE_DELIVERY_H

#include <stdbool.h>
#include <stdint.h>

struct core;
struct par_tx;
struct session;

void delivery_tx(struct core *core, const struct par_tx *tx);
/* A client acked the event with this id. */
void delivery_ack(struct core *core, struct session *session, uint64_t event_id);

#endif
