/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Requests updateChat, addParticipants, removeParticipants, leaveChat and deleteChat. Who is
 * added gets newChat, who is out of it gets deleteChat as the last he hears of the group, and the
 * others get updateChat. What is so already is answered like what was done, and told to nobody:
 * so all but leaveChat and deleteChat may be sent again at will, and these are then not_found.
 */
#include "groups.h"

/* Of several operations the last one has what is true by now. */
static void change_answer(struct groups *g, const struct par_tx *tx, unsigned op)
{
	const struct par_op_roster *roster = &tx->ops[op].u.roster;

	groups_answer(g, tx->request, roster->chat.key, tx->ops[op].result.timestamp,
		      roster->members);
}

/* False: it failed, which is answered. */
static bool change_succeeded(struct groups *g, const struct par_tx *tx)
{
	if (tx->error == PAR_OK)
		return true;
	g->api->fail(g->self, tx->request, tx->error, NULL, tx->message);
	return false;
}

static void update_done(void *state, void *arg)
{
	struct groups *g = state;
	const struct par_tx *tx = arg;
	unsigned n = tx->n_ops > 1 && tx->ops[1].kind == PAR_OP_ROSTER ? 2 : 1, i;

	if (!change_succeeded(g, tx))
		return;
	for (i = 0; i < n; i++)
		g->api->metric_add(tx->ops[i].result.applied ? g->changed : g->repeated, 1);
	change_answer(g, tx, n - 1);
}

/* The words are those of par_role_name. */
static enum par_role role_of(struct par_str word)
{
	unsigned role = PAR_ROLE_MEMBER;

	while (role < PAR_ROLE_OWNER && !par_str_equal(word, par_str_of(par_role_name(role))))
		role++;
	return (enum par_role)role;
}

static void update_events(struct groups *g, struct par_tx *tx, const struct par_request *request,
			  unsigned n)
{
	unsigned i;

	for (i = 0; i < n; i++) {
		const struct par_op_roster *roster = &tx->ops[i].u.roster;
		struct par_json *w = event_begin(g, &roster->chat);

		if (roster->kind == PAR_ROSTER_NAME) {
			par_json_member_string(w, "name", roster->name);
		} else {
			par_json_member_string(w, "role", par_str_of(par_role_name(roster->role)));
			event_hole(g, "users", PAR_HOLE_CHANGED, i);
			event_hole(g, "owner", PAR_HOLE_OWNER, i);
		}
		event_hole(g, "members", PAR_HOLE_COUNT, i);
		event_end(g, tx, request, "updateChat", PAR_REACH_MEMBERS, i);
	}
}

void groups_update_chat(void *state, const struct par_request *request)
{
	static const char *const roles[] = { "member", "admin", "owner", NULL };
	struct groups *g = state;
	struct par_tx *tx = groups_begin(g, request, update_done);
	struct par_str chat_id, name, role;
	struct users users = { NULL, 0 };
	struct par_op_roster *roster;
	struct par_payload p;

	par_payload_begin(&p, request->payload);
	chat_id = groups_chat_id(&p);
	name = par_payload_name(&p, "name", NAME_MAX_BYTES, PAR_OPTIONAL);
	role = par_payload_word(&p, "role", roles, PAR_OPTIONAL);
	if (name.s == NULL && role.s == NULL)
		par_payload_refuse(&p, PAR_E_BAD_PAYLOAD, "name", "or role is missing");
	if (role.s == NULL &&
	    par_payload_field(&p, "participants", json_type_array, PAR_OPTIONAL) != NULL)
		par_payload_refuse(&p, PAR_E_BAD_PAYLOAD, "role", "is missing");
	if (role.s != NULL) {
		users = users_read(g, &p, tx);
		if (users.n == 0 || (role_of(role) == PAR_ROLE_OWNER && users.n > 1))
			par_payload_refuse(&p, PAR_E_BAD_PAYLOAD, "participants", "must name %s",
					   users.n == 0 ? "somebody" : "the one new owner");
	}
	if (p.error == PAR_OK && name.s != NULL) {
		roster = groups_roster(g, tx, request, chat_id, PAR_ROSTER_NAME);
		roster->name = par_tx_copy(g->api, tx, name);
	}
	if (p.error == PAR_OK && role.s != NULL) {
		roster = groups_roster(g, tx, request, chat_id, PAR_ROSTER_ROLE);
		roster->role = role_of(role);
		roster->users = users.list;
		roster->n_users = users.n;
	}
	if (p.error == PAR_OK)
		update_events(g, tx, request, tx->n_ops);
	groups_submit(g, request, &p, tx);
}

static void members_done(void *state, void *arg)
{
	struct groups *g = state;
	const struct par_tx *tx = arg;
	const struct par_op *op = &tx->ops[0];

	if (!change_succeeded(g, tx))
		return;
	if (!op->result.applied)
		g->api->metric_add(g->repeated, 1);
	g->api->metric_add(op->u.roster.kind == PAR_ROSTER_ADD ? g->added : g->removed,
			   op->u.roster.n_changed);
	change_answer(g, tx, 0);
}

/* What the others are told: who is in it by now, or no more, and who is owner by that. */
static void others_event(struct groups *g, struct par_tx *tx, const struct par_request *request,
			 const char *key)
{
	event_begin(g, &tx->ops[0].u.roster.chat);
	event_hole(g, key, PAR_HOLE_CHANGED, 0);
	event_hole(g, "owner", PAR_HOLE_OWNER, 0);
	event_hole(g, "members", PAR_HOLE_COUNT, 0);
	event_end(g, tx, request, "updateChat", PAR_REACH_OTHERS, 0);
}

void groups_add_participants(void *state, const struct par_request *request)
{
	static const char *const histories[] = { "from_join", "all", NULL };
	struct groups *g = state;
	struct par_tx *tx = groups_begin(g, request, members_done);
	struct par_str chat_id, history;
	struct par_op_roster *roster;
	struct users users;
	struct par_payload p;

	par_payload_begin(&p, request->payload);
	chat_id = groups_chat_id(&p);
	users = users_read(g, &p, tx);
	history = par_payload_word(&p, "history", histories, PAR_OPTIONAL);
	if (p.error == PAR_OK) {
		roster = groups_roster(g, tx, request, chat_id, PAR_ROSTER_ADD);
		roster->users = users.list;
		roster->n_users = users.n;
		roster->history =
		    history.s == NULL ? g->history : par_str_equal(history, par_str_of("all"));
		event_begin(g, &roster->chat);
		event_hole(g, "name", PAR_HOLE_NAME, 0);
		event_hole(g, "members", PAR_HOLE_COUNT, 0);
		event_end(g, tx, request, "newChat", PAR_REACH_CHANGED, 0);
		others_event(g, tx, request, "added");
	}
	groups_submit(g, request, &p, tx);
}

/* Those who are out of it. */
static void out_event(struct groups *g, struct par_tx *tx, const struct par_request *request)
{
	event_begin(g, &tx->ops[0].u.roster.chat);
	event_end(g, tx, request, "deleteChat", PAR_REACH_CHANGED, 0);
}

void groups_remove_participants(void *state, const struct par_request *request)
{
	struct groups *g = state;
	struct par_tx *tx = groups_begin(g, request, members_done);
	struct par_op_roster *roster;
	struct par_str chat_id;
	struct users users;
	struct par_payload p;

	par_payload_begin(&p, request->payload);
	chat_id = groups_chat_id(&p);
	users = users_read(g, &p, tx);
	if (p.error == PAR_OK) {
		roster = groups_roster(g, tx, request, chat_id, PAR_ROSTER_REMOVE);
		roster->users = users.list;
		roster->n_users = users.n;
		out_event(g, tx, request);
		others_event(g, tx, request, "removed");
	}
	groups_submit(g, request, &p, tx);
}

static void gone_done(void *state, void *arg)
{
	struct groups *g = state;
	const struct par_tx *tx = arg;
	const struct par_op_roster *roster = &tx->ops[0].u.roster;

	if (!change_succeeded(g, tx))
		return;
	if (roster->kind == PAR_ROSTER_LEAVE)
		g->api->metric_add(g->removed, 1);
	if (roster->members == 0)
		g->api->metric_add(g->deleted, 1);
	change_answer(g, tx, 0);
}

static void gone_handle(struct groups *g, const struct par_request *request,
			enum par_roster_kind kind)
{
	struct par_tx *tx = groups_begin(g, request, gone_done);
	struct par_str chat_id;
	struct par_payload p;

	par_payload_begin(&p, request->payload);
	chat_id = groups_chat_id(&p);
	if (p.error == PAR_OK) {
		groups_roster(g, tx, request, chat_id, kind);
		out_event(g, tx, request);
		if (kind == PAR_ROSTER_LEAVE)
			others_event(g, tx, request, "removed");
	}
	groups_submit(g, request, &p, tx);
}

void groups_leave_chat(void *state, const struct par_request *request)
{
	gone_handle(state, request, PAR_ROSTER_LEAVE);
}

void groups_delete_chat(void *state, const struct par_request *request)
{
	gone_handle(state, request, PAR_ROSTER_DELETE);
}
