/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whose turn it is to ask the storage about a stream. At most FETCH_MAX
 * questions are on their way at a time, each for at most FETCH_BYTES of
 * events, so what a thousand devices that come back at once make the server hold is
 * bounded; the others wait in a queue. When the storage does not answer, the
 * queue stands still for a while; then one asks for as long as the storage says that
 * it is down, else all. (One whose file is damaged says so until its next start, and
 * answers all the same.) A session for which it answers with an error of another kind
 * is set aside for as long: its stream may be damaged, and the others' are not.
 */
#ifndef PARLANCE_FETCH_H
#define PARLANCE_FETCH_H

#include <stdbool.h>

#include <parlance/plugin.h>

struct core;
struct session;

#define FETCH_MAX 128
#define FETCH_BYTES (128 * 1024)

/* The session has something to ask: stream_ask is called when its turn comes,
 * which may be at once. */
void fetch_want(struct core *core, struct session *session);
/* An answer came: the next may ask. The session may be gone. */
void fetch_answered(struct core *core);
/* An error came; the session, if it is still there, asks again later. */
void fetch_failed(struct core *core, struct session *session, enum par_error error);
/* The storage says that it is down, and did not answer the last time. */
bool fetch_is_stuck(const struct core *core);
/* The session ends. */
void fetch_forget(struct core *core, struct session *session);

#endif
