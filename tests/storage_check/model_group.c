/* SPDX-License-Identifier: BSD-2-Clause */
/* The model's groups: who is in them, and events to many; see model.h. */
#include <inttypes.h>
#include <string.h>

#include "model.h"

#define BIT(error) (1u << (error))

/* --- who is in it --- */

bool model_is_in(const struct model_chat *chat, unsigned user)
{
	if (chat->is_group)
		return chat->group.in[user];
	return chat->users[0] == user || (chat->n_users == 2 && chat->users[1] == user);
}

uint64_t model_since(const struct model_chat *chat, unsigned user)
{
	return chat->is_group ? chat->group.since[user] : 0;
}

bool model_sees(const struct model_chat *chat, unsigned member, uint64_t id)
{
	return chat->messages[id].hidden[member] == 0 &&
	       id > model_since(chat, chat->users[member]);
}

uint64_t model_order(const struct model_chat *chat, unsigned user)
{
	if (!model_is_in(chat, user))
		return 0;
	if (chat->is_group && chat->group.order[user] > chat->order)
		return chat->group.order[user];
	return chat->order;
}

const char *model_name(unsigned name)
{
	return store_format(&store, "name %u", name);
}

/* --- ROSTER --- */

static unsigned members_of(const struct model_group *group)
{
	unsigned i, set = 0;

	for (i = 0; i < M_USERS; i++)
		set |= group->in[i] ? 1u << i : 0;
	return set;
}

static unsigned count_of(unsigned set)
{
	return (unsigned)__builtin_popcount(set);
}

static void joins(struct model *m, struct model_chat *chat, unsigned set, bool history,
		  uint64_t now)
{
	struct model_group *group = &chat->group;
	unsigned i;

	for (i = 0; i < M_USERS; i++) {
		if ((set & 1u << i) == 0)
			continue;
		group->in[i] = true;
		group->role[i] = PAR_ROLE_MEMBER;
		group->joined[i] = now;
		group->base[i] = chat->n;
		group->since[i] = history ? 0 : chat->n;
		group->order[i] = ++m->order;
		chat->read[i] = chat->delivered[i] = (struct model_mark){ chat->n, 0 };
	}
}

static void goes(struct model_chat *chat, unsigned set)
{
	uint64_t id;
	unsigned i;

	for (i = 0; i < M_USERS; i++) {
		if ((set & 1u << i) == 0)
			continue;
		chat->group.in[i] = false;
		for (id = 1; id <= chat->n; id++)
			chat->messages[id].hidden[i] = 0;
	}
}

/* M_USERS: nobody is left. */
static unsigned heir(struct model_group *group)
{
	int best = -1;
	unsigned i;

	for (i = 0; i < M_USERS; i++) {
		if (group->in[i] && (best < 0 || group->role[i] > group->role[best] ||
				     (group->role[i] == group->role[best] &&
				      group->joined[i] < group->joined[best])))
			best = (int)i;
	}
	if (best < 0)
		return M_USERS;
	group->role[best] = PAR_ROLE_OWNER;
	return (unsigned)best;
}

/* Whether the user asks for another as owner who is it already. */
static bool is_owned_so(const struct model_group *group, const struct plan_op *op)
{
	unsigned i;

	if (op->roster != PAR_ROSTER_ROLE || op->role != PAR_ROLE_OWNER || count_of(op->users) != 1)
		return false;
	i = (unsigned)__builtin_ctz(op->users);
	return i != op->user && group->in[i] && group->role[i] == PAR_ROLE_OWNER;
}

/* What the user's role does not allow, of those who are in it. */
static bool is_forbidden(const struct model_group *group, const struct plan_op *op)
{
	enum par_role role = group->role[op->user];
	unsigned i;

	if (op->roster == PAR_ROSTER_ROLE || op->roster == PAR_ROSTER_DELETE)
		return role != PAR_ROLE_OWNER;
	if (op->roster == PAR_ROSTER_LEAVE)
		return false;
	if (role == PAR_ROLE_MEMBER)
		return true;
	for (i = 0; i < M_USERS && op->roster == PAR_ROSTER_REMOVE; i++) {
		if ((op->users & 1u << i) != 0 && group->in[i] &&
		    (i == op->user || group->role[i] >= role))
			return true;
	}
	return false;
}

static uint32_t roster_errors(const struct model_group *group, const struct plan_op *op)
{
	unsigned in = members_of(group), self = 1u << op->user;
	bool create = op->roster == PAR_ROSTER_CREATE;

	if (create && (group->there || group->deleted))
		return BIT(PAR_E_CONFLICT);
	if (!create && !group->in[op->user])
		return BIT(PAR_E_NOT_FOUND);
	if (is_owned_so(group, op))
		return 0;
	if (!create && is_forbidden(group, op))
		return BIT(PAR_E_FORBIDDEN);
	if (create && count_of(op->users | self) > op->max_members)
		return BIT(PAR_E_TOO_LARGE);
	if (op->roster == PAR_ROSTER_ADD && (op->users & ~in) != 0 &&
	    count_of(op->users | in) > op->max_members)
		return BIT(PAR_E_TOO_LARGE);
	if (op->roster != PAR_ROSTER_ROLE)
		return 0;
	return ((op->users & ~in) != 0 ? BIT(PAR_E_NOT_FOUND) : 0) |
	       ((op->users & self) != 0 || (op->role == PAR_ROLE_OWNER && count_of(op->users) != 1)
		    ? BIT(PAR_E_FORBIDDEN)
		    : 0);
}

static unsigned give_role(struct model_group *group, const struct plan_op *op)
{
	unsigned i, changed = 0;

	if (is_owned_so(group, op))
		return 0;
	for (i = 0; i < M_USERS; i++) {
		if ((op->users & 1u << i) == 0 || group->role[i] == op->role)
			continue;
		group->role[i] = op->role;
		changed |= 1u << i;
	}
	if (op->role == PAR_ROLE_OWNER)
		group->role[op->user] = PAR_ROLE_ADMIN;
	return changed;
}

/* Carries it out; whom it changed. `owner`: who became it, or M_USERS. */
static unsigned roster_run(struct model *m, struct model_chat *chat, const struct plan_op *op,
			   uint64_t now, unsigned *owner)
{
	struct model_group *group = &chat->group;
	unsigned in = members_of(group), self = 1u << op->user, set = 0;
	bool owned = group->role[op->user] == PAR_ROLE_OWNER;

	*owner = M_USERS;
	switch (op->roster) {
	case PAR_ROSTER_CREATE:
		set = op->users | self;
		group->there = true;
		joins(m, chat, set, op->history, now);
		group->role[op->user] = PAR_ROLE_OWNER;
		break;
	case PAR_ROSTER_ADD:
		set = op->users & ~in;
		joins(m, chat, set, op->history, now);
		break;
	case PAR_ROSTER_REMOVE:
		goes(chat, set = op->users & in);
		break;
	case PAR_ROSTER_LEAVE:
		goes(chat, set = self);
		if (owned)
			*owner = heir(group);
		break;
	case PAR_ROSTER_DELETE:
		goes(chat, set = in);
		break;
	case PAR_ROSTER_ROLE:
		set = give_role(group, op);
		if (op->role == PAR_ROLE_OWNER && set != 0)
			*owner = (unsigned)__builtin_ctz(set);
		break;
	case PAR_ROSTER_NAME:
		break;
	}
	return set;
}

void model_roster(struct model *m, const struct plan *plan, const struct plan_op *op,
		  const struct result *came, struct wanted *w)
{
	struct model_chat *chat = model_chat(m, op->user, op->peer);
	struct model_group *group = &chat->group;
	bool named = op->roster == PAR_ROSTER_CREATE || op->roster == PAR_ROSTER_NAME;
	unsigned owner;

	w->errors = roster_errors(group, op);
	if (w->errors != 0)
		return;
	w->timestamp = model_time(plan, chat, came);
	w->changed = roster_run(m, chat, op, w->timestamp, &owner);
	w->owner = owner == M_USERS ? NULL : model_user(m, owner);
	w->applied = w->changed != 0 || (named && group->name != op->name);
	if (named)
		group->name = op->name;
	w->members = count_of(members_of(group));
	w->name = group->name;
	if (w->members == 0) {
		group->there = false;
		group->deleted = true;
	}
}

void model_prune_groups(struct model *m)
{
	unsigned i, j;

	for (i = M_DIALOGS; i < M_CHATS; i++) {
		struct model_chat *chat = &m->chats[i];
		if (!chat->group.deleted)
			continue;
		memset(chat, 0, sizeof(*chat));
		chat->is_group = true;
		chat->n_users = M_USERS;
		for (j = 0; j < M_USERS; j++)
			chat->users[j] = j;
	}
}

/* --- events to many --- */

/* Those who wrote what the mark is the first to cover. */
static unsigned authors_of(const struct model_chat *chat, const struct plan_op *mark,
			   const struct wanted *w)
{
	uint64_t id;
	unsigned set = 0;

	for (id = w->covered + 1; w->applied && id <= w->id; id++)
		set |= 1u << chat->messages[id].sender;
	return set & ~(1u << mark->user) & members_of(&chat->group);
}

static unsigned reach_set(const struct model_chat *chat, const struct plan *plan,
			  const struct plan_op *op, const struct wanted *all)
{
	unsigned in = members_of(&chat->group), set = in;

	if (op->reach == PAR_REACH_CHANGED)
		set = all[op->of].changed;
	else if (op->reach == PAR_REACH_OTHERS)
		set = in & ~all[op->of].changed;
	else if (op->reach == PAR_REACH_AUTHORS)
		set = authors_of(chat, &plan->op[op->of], &all[op->of]);
	return op->but < 0 ? set : set & ~(1u << (unsigned)op->but);
}

static const char *reach_payload(const struct model *m, const struct plan *plan,
				 const struct plan_op *op, const struct wanted *all)
{
	const struct wanted *about = op->about < 0 ? NULL : &all[op->about];
	const char *client, *who = "", *owner = "";
	unsigned i;

	if (about == NULL)
		return store_format(&store, "{\"n\":%u}", op->number);
	if (plan->op[op->about].kind == PAR_OP_ROSTER) {
		for (i = 0; i < M_USERS; i++) {
			if ((about->changed & 1u << i) != 0)
				who = store_format(&store, "%s%s\"%s\"", who,
						   who[0] == '\0' ? "" : ",", model_user(m, i));
		}
		if (about->owner != NULL)
			owner = store_format(&store, ",\"owner\":\"%s\"", about->owner);
		return store_format(&store, "{\"name\":\"%s\",\"n\":%u%s,\"who\":[%s]}",
				    model_name(about->name), about->members, owner, who);
	}
	client = model_client(about->client);
	return store_format(&store, "{\"id\":%" PRIu64 "%s%s%s,\"t\":%" PRIu64 "}", about->id,
			    client == NULL ? "" : ",\"c\":\"", client == NULL ? "" : client,
			    client == NULL ? "" : "\"", about->timestamp);
}

void model_reach(struct model *m, const struct plan *plan, const struct plan_op *op,
		 const struct wanted *all, struct wanted *w)
{
	struct model_chat *chat = model_chat(m, op->user, op->peer);
	const char *shared = reach_payload(m, plan, op, all), *text = shared;
	unsigned i, set = reach_set(chat, plan, op, all);

	w->bare = true;
	if (op->reach == PAR_REACH_MEMBERS && !model_is_in(chat, op->user)) {
		w->errors = BIT(PAR_E_NOT_FOUND);
		return;
	}
	snprintf(w->payload, M_PAYLOAD, "%s", shared);
	for (i = 0; i < M_USERS; i++) {
		if ((set & 1u << i) == 0)
			continue;
		if (op->missed) {
			w->counts[i] = model_is_in(chat, i) ? model_missed(chat, i) : 0;
			text = store_format(&store, "%.*s,\"missed\":%" PRIu64 "}",
					    (int)strlen(shared) - 1, shared, w->counts[i]);
		}
		if (!model_push(m, plan, op, i, i == op->user, text))
			continue;
		w->seqs[i] = m->users[i].last_seq;
		w->applied = true;
	}
}

/* --- comparing --- */

static void same_receivers(const struct model *m, const struct plan *plan, unsigned i,
			   const struct wanted *w)
{
	const struct result *came = &plan->outcome->op[i];
	unsigned user, j, n = 0;

	for (user = 0; user < M_USERS; user++) {
		if (w->seqs[user] == 0)
			continue;
		n++;
		for (j = 0; j < came->n_receivers &&
			    !text_is(came->receivers[j].user, model_user(m, user));
		     j++)
			;
		if (j == came->n_receivers)
			model_differs(plan, "operation %u: user %u is not reached", i, user);
		if (came->receivers[j].seq != w->seqs[user] ||
		    (plan->op[i].missed && came->receivers[j].missed != w->counts[user]))
			model_differs(plan,
				      "operation %u: user %u: expected seq %" PRIu64
				      " missed %" PRIu64 ", came %" PRIu64 " and %" PRIu64,
				      i, user, w->seqs[user], w->counts[user],
				      came->receivers[j].seq, came->receivers[j].missed);
	}
	if (came->n_receivers != n)
		model_differs(plan, "operation %u: expected %u receivers, came %u", i, n,
			      came->n_receivers);
}

static void same_roster(const struct model *m, const struct plan *plan, unsigned i,
			const struct wanted *w)
{
	const struct result *came = &plan->outcome->op[i];
	unsigned user, n = 0;

	for (user = 0; user < M_USERS; user++) {
		if ((w->changed & 1u << user) == 0)
			continue;
		if (n >= came->n_changed || !text_is(came->changed[n], model_user(m, user)))
			model_differs(plan, "operation %u: user %u is not among the changed", i,
				      user);
		n++;
	}
	if (came->n_changed != n || came->members != w->members ||
	    !text_is(came->name, model_name(w->name)) || !text_is(came->owner, w->owner))
		model_differs(
		    plan, "operation %u: expected %u changed, %u members, name %u; came %u, %u, %s",
		    i, n, w->members, w->name, came->n_changed, came->members,
		    came->name == NULL ? "none" : came->name);
}

void model_compare_group(const struct model *m, const struct plan *plan, unsigned i,
			 const struct wanted *w)
{
	const struct plan_op *op = &plan->op[i];
	bool skipped = op->when >= 0 && !plan->outcome->op[op->when].applied;

	if (op->kind == PAR_OP_EVENT && op->reach != PAR_REACH_USER)
		same_receivers(m, plan, i, w);
	if (op->kind == PAR_OP_ROSTER && !skipped)
		same_roster(m, plan, i, w);
}

void model_check_members(struct model *m, const struct plan *plan)
{
	const struct model_chat *chat = model_chat(m, plan->user, plan->peer);
	const struct page *page = plan->page;
	unsigned user, n = 0, left = 0;

	for (user = 0; user < M_USERS; user++) {
		const struct par_member *came = &page->members[n];
		if (!model_is_in(chat, user))
			continue;
		if (n == plan->limit) {
			left++;
			continue;
		}
		if (n >= page->n || !str_is(came->user, model_user(m, user)) ||
		    came->role != chat->group.role[user] ||
		    came->joined != chat->group.joined[user] ||
		    came->delivered != chat->delivered[user].upto ||
		    came->delivered_at != chat->delivered[user].at ||
		    came->read != chat->read[user].upto || came->read_at != chat->read[user].at)
			model_differs(plan, "member %u, user %u, is not as expected", n, user);
		n++;
	}
	if (page->n != n || page->has_more != (left > 0))
		model_differs(plan, "expected %u members and %u more, came %u", n, left, page->n);
}
