/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What happens to streams with time: every prune_interval the storage is asked
 * to forget devices after device_ttl and to drop events after event_ttl
 * (PAR_OP_PRUNE in <parlance/storage.h>), in small transactions, one after the
 * other while there is more to do.
 */
#ifndef PARLANCE_PRUNE_H
#define PARLANCE_PRUNE_H

struct core;

/* The plugins run: the first time is an interval from now. */
void prune_start(struct core *core);

#endif
