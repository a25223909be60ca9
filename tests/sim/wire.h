/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the transport can see on one connection of what docs/protocol.md promises,
 * whatever the clients note down: each request that reached the core is answered once
 * and in time, event ids count up by one, and no more than the window is unacked on
 * the wire, by number and by bytes.
 */
#ifndef PARLANCE_SIM_WIRE_H
#define PARLANCE_SIM_WIRE_H

#include "conn.h"

/* Something is about to reach the core. */
void wire_in(struct conn *conn, const struct in_msg *in);
/* The core said something (OUT_SEND, OUT_EVENT): its whole text, the caller's to free. */
char *wire_out(struct conn *conn, const struct out_msg *out);
/* The connection is over: nothing is owed any more. */
void wire_forget(struct conn *conn);

#endif
