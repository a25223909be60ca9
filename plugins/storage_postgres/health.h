/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whether the database can be reached, and written: what the core is told by down(),
 * and what is refused at once for it. Core thread.
 */
#ifndef STORAGE_POSTGRES_HEALTH_H
#define STORAGE_POSTGRES_HEALTH_H

#include "postgres.h"

/* There is no connection, and the reason is no passing one. */
void health_unreachable(struct postgres *pg, const char *why);
/* There is one again. */
void health_reached(struct postgres *pg);
/* Something could not be written, for a reason that holds for everything. */
void health_ill(struct postgres *pg, const char *sqlstate);
/* Something was written. */
void health_wrote(struct postgres *pg);

/* A connection was given up that did not answer: those that are idle must show that they do, or are
 * given up as well. A network that drops everything ends none of them. */
void health_silence(struct postgres *pg);

/* One connection leads to a server that can only be read from, and so may all that are there. A new
 * one may find another server: it takes their place, since what they read may be old by then. */
void health_suspect(struct postgres *pg);
/* Gives up those that are idle and still suspect, but for the last connection there is. */
void health_leave_suspects(struct postgres *pg);

/* Refuses what waits and has no prospect now. */
void health_refuse(struct postgres *pg);
void health_stop(struct postgres *pg);

/* A warning; not more than one a second, however many there are. */
void health_log(struct postgres *pg, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
