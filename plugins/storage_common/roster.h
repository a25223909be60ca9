/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who may do what in a group, and what comes of it: ROSTER as one pure function, so that all
 * storages of this tree decide alike. A storage reads the group, asks roster_decide(), carries
 * out its steps, and hands the results back with roster_result().
 *
 * The strings of a verdict are those of the operation and of `before`, not copies.
 */
#ifndef STORAGE_COMMON_ROSTER_H
#define STORAGE_COMMON_ROSTER_H

#include <stdlib.h>
#include <string.h>

#include <parlance/storage.h>

#include "order.h"

struct roster_member {
	struct par_str user;
	enum par_role role;
	uint64_t joined;
};

/* The group as it is. One that was deleted and is not dropped yet exists, without members. */
struct roster {
	bool exists;
	struct par_str name;
	const struct roster_member *members; /* ascending by the bytes of their users */
	unsigned n;
};

enum roster_move { ROSTER_JOINS, ROSTER_GOES, ROSTER_ROLE };

struct roster_step {
	struct par_str user;
	enum roster_move move;
	enum par_role role; /* from here on; of who goes: the one he had */
	bool changed; /* he is among the `changed` of the result */
};

struct roster_verdict {
	enum par_error error; /* with `message`; then the rest says nothing */
	const char *message;
	bool applied;
	bool renamed; /* to the operation's name */
	bool deleted; /* the group is no more; there is a step for each member all the same */
	struct roster_step *steps; /* ascending by the bytes of their users, each user once */
	unsigned n_steps;
};

/* How many steps a verdict can have. */
static inline size_t roster_room(const struct par_op_roster *op, unsigned n_members)
{
	return (size_t)n_members + op->n_users + 2;
}

static inline void roster_refuse(struct roster_verdict *v, enum par_error error,
				 const char *message)
{
	v->error = error;
	v->message = message;
}

/* NULL: he is not in it. */
static inline const struct roster_member *roster_find(const struct roster *r, struct par_str user)
{
	unsigned low = 0, high = r->n;

	while (low < high) {
		unsigned middle = low + (high - low) / 2;
		int order = str_order(r->members[middle].user, user);
		if (order == 0)
			return &r->members[middle];
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

static inline void roster_step(struct roster_verdict *v, struct par_str user, enum roster_move move,
			       enum par_role role, bool changed)
{
	struct roster_step *step = &v->steps[v->n_steps++];

	step->user = user;
	step->move = move;
	step->role = role;
	step->changed = changed;
}

static inline int roster_order(const void *a, const void *b)
{
	return str_order(((const struct roster_step *)a)->user,
			 ((const struct roster_step *)b)->user);
}

/* Puts the steps in order; of a user who was named twice one stays. */
static inline void roster_sort(struct roster_verdict *v)
{
	unsigned i, n = 0;

	if (v->n_steps > 1)
		qsort(v->steps, v->n_steps, sizeof(*v->steps), roster_order);
	for (i = 0; i < v->n_steps; i++) {
		if (n == 0 || str_order(v->steps[n - 1].user, v->steps[i].user) != 0)
			v->steps[n++] = v->steps[i];
	}
	v->n_steps = n;
}

/* CREATE and ADD: those who are not in it yet join. */
static inline void roster_join(const struct par_op_roster *op, const struct roster *before,
			       struct roster_verdict *v)
{
	bool create = op->kind == PAR_ROSTER_CREATE;
	unsigned i;

	if (create)
		roster_step(v, op->chat.user, ROSTER_JOINS, PAR_ROLE_OWNER, true);
	for (i = 0; i < op->n_users; i++) {
		if (roster_find(before, op->users[i]) == NULL &&
		    !(create && par_str_equal(op->users[i], op->chat.user)))
			roster_step(v, op->users[i], ROSTER_JOINS, PAR_ROLE_MEMBER, true);
	}
	roster_sort(v);
	v->applied = v->n_steps > 0;
	if (v->applied && (size_t)before->n + v->n_steps > op->max_members)
		roster_refuse(v, PAR_E_TOO_LARGE, "the group would have too many members");
}

static inline void roster_remove(const struct par_op_roster *op, const struct roster *before,
				 const struct roster_member *actor, struct roster_verdict *v)
{
	unsigned i;

	for (i = 0; i < op->n_users; i++) {
		const struct roster_member *member = roster_find(before, op->users[i]);
		if (member == NULL)
			continue;
		if (member == actor) {
			roster_refuse(v, PAR_E_FORBIDDEN,
				      "nobody removes himself from a group; he leaves it");
			return;
		}
		if (member->role >= actor->role) {
			roster_refuse(v, PAR_E_FORBIDDEN,
				      member->role == PAR_ROLE_OWNER
					  ? "nobody removes the owner"
					  : "admins are removed by the owner alone");
			return;
		}
		roster_step(v, member->user, ROSTER_GOES, member->role, true);
	}
	roster_sort(v);
	v->applied = v->n_steps > 0;
}

static inline void roster_role(const struct par_op_roster *op, const struct roster *before,
			       const struct roster_member *actor, struct roster_verdict *v)
{
	unsigned i;

	if (op->role == PAR_ROLE_OWNER && op->n_users != 1) {
		roster_refuse(v, PAR_E_FORBIDDEN, "a group has one owner");
		return;
	}
	for (i = 0; i < op->n_users; i++) {
		const struct roster_member *member = roster_find(before, op->users[i]);
		if (member == NULL) {
			roster_refuse(v, PAR_E_NOT_FOUND, "there is no such member");
			return;
		}
		if (member == actor) {
			roster_refuse(v, PAR_E_FORBIDDEN,
				      "an owner stays it until he makes another one");
			return;
		}
		if (member->role != op->role)
			roster_step(v, member->user, ROSTER_ROLE, op->role, true);
	}
	if (op->role == PAR_ROLE_OWNER)
		roster_step(v, actor->user, ROSTER_ROLE, PAR_ROLE_ADMIN, false);
	roster_sort(v);
	v->applied = v->n_steps > 0;
}

/* Who becomes owner when the owner leaves; NULL: nobody is left. */
static inline const struct roster_member *roster_heir(const struct roster *before,
						      const struct roster_member *owner)
{
	const struct roster_member *heir = NULL;
	unsigned i;

	for (i = 0; i < before->n; i++) {
		const struct roster_member *member = &before->members[i];
		if (member == owner)
			continue;
		if (heir == NULL || member->role > heir->role ||
		    (member->role == heir->role && member->joined < heir->joined))
			heir = member;
	}
	return heir;
}

static inline void roster_leave(const struct roster *before, const struct roster_member *actor,
				struct roster_verdict *v)
{
	const struct roster_member *heir = NULL;

	if (actor->role == PAR_ROLE_OWNER)
		heir = roster_heir(before, actor);
	roster_step(v, actor->user, ROSTER_GOES, actor->role, true);
	if (heir != NULL)
		roster_step(v, heir->user, ROSTER_ROLE, PAR_ROLE_OWNER, false);
	roster_sort(v);
	v->applied = true;
	v->deleted = before->n == 1;
}

static inline void roster_delete(const struct roster *before, struct roster_verdict *v)
{
	unsigned i;

	for (i = 0; i < before->n; i++)
		roster_step(v, before->members[i].user, ROSTER_GOES, before->members[i].role, true);
	v->applied = v->deleted = true;
}

/* NULL, or why not. */
static inline const char *roster_forbids(enum par_roster_kind kind, enum par_role role)
{
	switch (kind) {
	case PAR_ROSTER_NAME:
	case PAR_ROSTER_ADD:
	case PAR_ROSTER_REMOVE:
		return role >= PAR_ROLE_ADMIN ? NULL : "only the owner and admins can do this";
	case PAR_ROSTER_ROLE:
	case PAR_ROSTER_DELETE:
		return role == PAR_ROLE_OWNER ? NULL : "only the owner can do this";
	case PAR_ROSTER_CREATE:
	case PAR_ROSTER_LEAVE:
		break;
	}
	return NULL;
}

/* Whether a member asks for the owner that there is already: who gave it up sends it again. */
static inline bool roster_is_owner(const struct par_op_roster *op, const struct roster *before,
				   const struct roster_member *actor)
{
	const struct roster_member *owner;

	if (op->kind != PAR_ROSTER_ROLE || op->role != PAR_ROLE_OWNER || op->n_users != 1)
		return false;
	owner = roster_find(before, op->users[0]);
	return owner != NULL && owner != actor && owner->role == PAR_ROLE_OWNER;
}

static inline void roster_create(const struct par_op_roster *op, const struct roster *before,
				 struct roster_verdict *v)
{
	if (before->exists)
		roster_refuse(v, PAR_E_CONFLICT, "there is such a group");
	else
		roster_join(op, before, v);
}

/* What comes of the operation. `room` is for roster_room() steps, and must live as long as
 * the verdict; so must `before`. */
static inline void roster_decide(const struct par_op_roster *op, const struct roster *before,
				 struct roster_step *room, struct roster_verdict *v)
{
	const struct roster_member *actor = roster_find(before, op->chat.user);
	const char *why;

	memset(v, 0, sizeof(*v));
	v->steps = room;
	if (op->kind != PAR_ROSTER_CREATE && actor == NULL) {
		roster_refuse(v, PAR_E_NOT_FOUND, "there is no such chat");
		return;
	}
	if (roster_is_owner(op, before, actor))
		return;
	why = actor == NULL ? NULL : roster_forbids(op->kind, actor->role);
	if (why != NULL) {
		roster_refuse(v, PAR_E_FORBIDDEN, why);
		return;
	}
	switch (op->kind) {
	case PAR_ROSTER_CREATE:
		roster_create(op, before, v);
		break;
	case PAR_ROSTER_NAME:
		v->renamed = v->applied = !par_str_equal(op->name, before->name);
		break;
	case PAR_ROSTER_ADD:
		roster_join(op, before, v);
		break;
	case PAR_ROSTER_REMOVE:
		roster_remove(op, before, actor, v);
		break;
	case PAR_ROSTER_ROLE:
		roster_role(op, before, actor, v);
		break;
	case PAR_ROSTER_LEAVE:
		roster_leave(before, actor, v);
		break;
	case PAR_ROSTER_DELETE:
		roster_delete(before, v);
		break;
	}
}

static inline struct par_str roster_copy(char **at, struct par_str s)
{
	struct par_str copy = { *at, s.len };

	if (s.len > 0)
		memcpy(*at, s.s, s.len);
	*at += s.len;
	return copy;
}

/* Whether a member becomes owner by it. */
static inline bool roster_crowns(const struct roster_step *step)
{
	return step->move == ROSTER_ROLE && step->role == PAR_ROLE_OWNER;
}

/* Puts what came of it into the operation, as copies in the tx's memory: all but the timestamp. */
static inline void roster_result(const struct par_api *api, struct par_tx *tx, struct par_op *op,
				 const struct roster *before, const struct roster_verdict *v)
{
	struct par_op_roster *roster = &op->u.roster;
	bool named = v->renamed || roster->kind == PAR_ROSTER_CREATE;
	struct par_str name = named ? roster->name : before->name;
	size_t bytes = name.len + 1;
	unsigned i, n = 0, members = before->n;
	char *at;

	for (i = 0; i < v->n_steps; i++) {
		n += v->steps[i].changed;
		bytes += v->steps[i].user.len;
		members += v->steps[i].move == ROSTER_JOINS;
		members -= v->steps[i].move == ROSTER_GOES;
	}
	roster->changed = api->tx_alloc(tx, n * sizeof(*roster->changed) + bytes);
	at = (char *)(roster->changed + n);
	roster->new_name = roster_copy(&at, name);
	roster->owner = (struct par_str){ NULL, 0 };
	roster->n_changed = 0;
	for (i = 0; i < v->n_steps; i++) {
		const struct roster_step *step = &v->steps[i];
		struct par_str user = { NULL, 0 };

		if (step->changed || roster_crowns(step))
			user = roster_copy(&at, step->user);
		if (step->changed)
			roster->changed[roster->n_changed++] = user;
		if (roster_crowns(step))
			roster->owner = user;
	}
	roster->members = members;
	op->result.applied = v->applied;
}

#endif
