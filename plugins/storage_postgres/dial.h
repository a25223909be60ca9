/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Connecting the lanes. When the database is away one lane tries, less and less
 * often, and the others follow when it succeeds. Core thread; the connecting
 * itself runs on a helper thread (connect.h).
 */
#ifndef STORAGE_POSTGRES_DIAL_H
#define STORAGE_POSTGRES_DIAL_H

#include "lane.h"

/* The first connection, at once. False when it needs a person: with the reason. */
bool dial_first(struct postgres *pg, char *error, size_t error_size);
/* Has lanes that are away connected, as many as may be now. */
void dial_more(struct postgres *pg);
/* The lane has lost its connection. */
void dial_lost(struct lane *lane);
/* When the server stops: settles what is in doubt, waiting for it. False when it could not. */
bool dial_settle(struct lane *lane);
void dial_stop(struct postgres *pg);

#endif
