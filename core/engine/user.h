/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A user with at least one session on this server, and the router: from a
 * user's id to his sessions. A user without sessions has no struct; what is
 * known of him is in the storage.
 */
#ifndef PARLANCE_USER_H
#define PARLANCE_USER_H

#include <stdint.h>
#include <sys/queue.h>

#include <uthash.h>

#include <parlance/json.h>

struct core;
struct session;

LIST_HEAD(user_sessions, session);

struct user {
	UT_hash_handle hh;
	struct user_sessions sessions;
	uint64_t last_seq; /* the highest seq of his stream that is known here */
	unsigned n_sessions;
	uint16_t id_len;
	char id[];
};

static inline struct par_str user_id(const struct user *user)
{
	struct par_str id = { user->id, user->id_len };
	return id;
}

/* NULL: he has no session here. */
struct user *user_find(struct core *core, struct par_str id);
/* Puts a session on its user, whose struct is made if need be. */
void user_join(struct core *core, struct par_str id, struct session *session);
/* Takes it off again; the struct goes with the last one. */
void user_leave(struct core *core, struct session *session);

#endif
