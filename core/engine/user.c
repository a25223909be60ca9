/* SPDX-License-Identifier: BSD-2-Clause */
/* Users and the router; see user.h. Core thread. */
#include "engine/user.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "engine/core_internal.h"
#include "engine/session.h"
#include "plugin/plugin.h"

struct user *user_find(struct core *core, struct par_str id)
{
	struct user *user;

	HASH_FIND(hh, core->users, id.s, id.len, user);
	return user;
}

static struct user *user_new(struct core *core, struct par_str id)
{
	struct user *user = mem_zalloc(sizeof(*user) + id.len + 1);

	LIST_INIT(&user->sessions);
	user->id_len = (uint16_t)id.len;
	memcpy(user->id, id.s, id.len);
	HASH_ADD_KEYPTR(hh, core->users, user->id, user->id_len, user);
	metric_add(core->count.users, 1);
	return user;
}

static void user_tell(struct core *core, enum par_hook_kind kind, const struct session *session)
{
	struct par_hook_call call = { .session = session->id,
				      .user = user_id(session->user),
				      .device = session_device(session) };

	hooks_tell(core, kind, &call);
}

void user_join(struct core *core, struct par_str id, struct session *session)
{
	struct user *user = user_find(core, id);

	if (user == NULL)
		user = user_new(core, id);
	session->user = user;
	LIST_INSERT_HEAD(&user->sessions, session, of_user);
	if (user->n_sessions++ == 0)
		user_tell(core, PAR_HOOK_USER_ONLINE, session);
}

void user_leave(struct core *core, struct session *session)
{
	struct user *user = session->user;

	LIST_REMOVE(session, of_user);
	if (--user->n_sessions > 0)
		return;
	/* out of the table first: a hook may let the user's next session in */
	HASH_DEL(core->users, user);
	user_tell(core, PAR_HOOK_USER_OFFLINE, session);
	free(user);
	metric_add(core->count.users, -1);
}
