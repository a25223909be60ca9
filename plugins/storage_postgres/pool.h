/* SPDX-License-Identifier: BSD-2-Clause */
/* The lanes together. Core thread. */
#ifndef STORAGE_POSTGRES_POOL_H
#define STORAGE_POSTGRES_POOL_H

#include "lane.h"

/* False when it makes no sense to run: with the reason. */
bool pool_start(struct postgres *pg, char *error, size_t error_size);
/* Completes, or refuses, all that was handed over. */
void pool_stop(struct postgres *pg);
/* Nothing that was offloaded is under way any more. */
void pool_free(struct postgres *pg);

/* Gives what may go to the lanes that are idle. */
void pool_feed(struct postgres *pg);
/* NULL: all are busy, or away. */
struct lane *pool_idle_lane(struct postgres *pg);

#endif
