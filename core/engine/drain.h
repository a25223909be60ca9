/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Draining: the orderly end (SIGTERM). Handshakes and new requests are turned
 * away, requests in flight are completed or given up after drain_timeout, then
 * every session is closed with 1001 and its cursor written.
 */
#ifndef PARLANCE_DRAIN_H
#define PARLANCE_DRAIN_H

struct core;

/* Once a turn while draining. */
void drain_step(struct core *core);

#endif
