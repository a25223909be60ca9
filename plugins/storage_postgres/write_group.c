/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a batch has changed of groups: who is in them, under which name, and the events to many.
 * Who goes goes before those who come, for he may be one of them.
 */
#include "write.h"

static void write_dropped(struct world *w, enum statement statement)
{
	struct params *p = world_params(w);
	unsigned i = write_arrays(p, 2, PARAM_INT8);
	const struct dropped *dropped;

	for (dropped = w->dropped; dropped != NULL; dropped = dropped->next) {
		params_int8(p, i, dropped->chat_id);
		params_int8(p, i + 1, dropped->user_id);
	}
	world_ask_some(w, p, statement);
}

static void write_joined(struct world *w)
{
	struct params *p = world_params(w);
	unsigned i = write_arrays(p, 12, PARAM_INT8), t = params_array(p, PARAM_TEXT), m;
	size_t n;

	for (n = 0; n < w->group_list.n; n++) {
		const struct chat *chat = w->group_list.of[n];
		for (m = 0; m < chat->n_members; m++) {
			const struct member *member = &chat->members[m];
			if (!member->is_new)
				continue;
			write_member(p, i, chat, member);
			params_int8(p, i + 9, (int64_t)member->role);
			params_int8(p, i + 10, (int64_t)member->joined);
			params_int8(p, i + 11, (int64_t)member->since);
			params_text(p, t, chat->key);
		}
	}
	world_ask_some(w, p, ST_MEMBERS_ADD);
}

static void write_roles(struct world *w)
{
	struct params *p = world_params(w);
	unsigned i = write_arrays(p, 3, PARAM_INT8), m;
	size_t n;

	for (n = 0; n < w->group_list.n; n++) {
		const struct chat *chat = w->group_list.of[n];
		for (m = 0; chat->remade && m < chat->n_members; m++) {
			const struct member *member = &chat->members[m];
			if (!member->promoted || member->is_new)
				continue;
			params_int8(p, i, chat->id);
			params_int8(p, i + 1, member->user_id);
			params_int8(p, i + 2, (int64_t)member->role);
		}
	}
	world_ask_some(w, p, ST_ROLES_SAVE);
}

static void write_groups(struct world *w)
{
	struct params *p = world_params(w);
	unsigned id = params_array(p, PARAM_INT8), name = params_array(p, PARAM_TEXT),
		 members = params_array(p, PARAM_INT8), gone = params_array(p, PARAM_BOOL);
	size_t n;

	for (n = 0; n < w->group_list.n; n++) {
		const struct chat *chat = w->group_list.of[n];
		if (!chat->remade)
			continue;
		params_int8(p, id, chat->id);
		params_text(p, name, chat->name);
		params_int8(p, members, (int64_t)chat->n_members);
		params_bool(p, gone, chat->gone);
	}
	world_ask_some(w, p, ST_GROUPS_SAVE);
}

/* What all of them get; where each gets a number besides, PostgreSQL writes the end of it. */
static struct par_str shared_text(const struct shared *shared)
{
	struct par_str text = shared->payload;

	text.len -= shared->op->missed;
	return text;
}

/* One element for each event, in the arrays from the first on. */
static void write_events(const struct world *w, struct params *p)
{
	const struct par_str none = { NULL, 0 };
	unsigned i = write_arrays(p, 4, PARAM_INT8), t = write_arrays(p, 3, PARAM_TEXT),
		 counts = params_array(p, PARAM_BOOL), at = 0;
	const struct shared *shared;

	for (shared = w->shared; shared != NULL; shared = shared->next) {
		const struct user *own = shared->own;
		params_int8(p, i, at + 1);
		params_int8(p, i + 1, at + shared->n);
		params_int8(p, i + 2, own == NULL ? 0 : own->id);
		write_some(p, i + 3, shared->op->origin_session);
		params_text(p, t, shared->op->type);
		params_text(p, t + 1, shared_text(shared));
		params_text(p, t + 2, own == NULL ? none : shared->op->origin_device);
		params_bool(p, counts, shared->op->missed);
		at += shared->n;
	}
}

static void write_shared(struct world *w)
{
	struct params *p = world_params(w);
	const struct shared *shared;
	unsigned i, n;

	if (w->shared == NULL)
		return;
	write_events(w, p);
	i = write_arrays(p, 4, PARAM_INT8);
	for (shared = w->shared; shared != NULL; shared = shared->next) {
		for (n = 0; n < shared->n; n++) {
			const struct share *share = &shared->shares[n];
			params_int8(p, i, share->user->id);
			params_int8(p, i + 1, (int64_t)share->seq);
			params_int8(p, i + 2, (int64_t)share->at);
			params_int8(p, i + 3, (int64_t)share->missed);
		}
	}
	world_ask(w, ST_EVENTS_SHARE);
}

void write_group(struct world *w)
{
	write_dropped(w, ST_MEMBERS_DROP);
	write_dropped(w, ST_HIDDEN_DROP);
	write_joined(w);
	write_roles(w);
	write_groups(w);
	write_shared(w);
}
