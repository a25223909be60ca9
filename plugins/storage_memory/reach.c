/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One EVENT to many: to the members of a group, or to some of them. Its template is filled once;
 * what can refuse it is looked at before the first stream gets one.
 */
#include <stdlib.h>
#include <string.h>

#include <parlance/storage_fill.h>

#include "../storage_common/order.h"
#include "memory.h"

/* Of a count of missed messages with its key, as par_event_fill_missed() writes it. */
#define MISSED_LEN 32

struct reach {
	struct memory *m;
	struct par_tx *tx;
	struct par_op *op;
	struct chat *chat; /* NULL: there is none */
	char *shared; /* the payload, with room for what each gets more */
	size_t len;
};

/* The payload that a receiver gets. */
static struct par_str reach_payload(struct reach *reach, uint64_t missed)
{
	struct par_str payload = { reach->shared, reach->len };
	struct par_json *out = &reach->m->writer;

	if (!reach->op->u.event.missed)
		return payload;
	par_json_reset(out);
	par_event_fill_missed(payload, missed, out);
	return par_json_text(out);
}

static void reach_user(struct reach *reach, struct user *user, const struct member *member)
{
	struct par_op_event *event = &reach->op->u.event;
	bool own = par_str_equal(user->name, event->chat.user);
	struct par_receiver *receiver = &event->receivers[event->n_receivers];

	if (event->but.s != NULL && par_str_equal(user->name, event->but))
		return;
	if (own && !event->always && !user_has_other_device(user, event->origin_device))
		return;
	receiver->user = user->name;
	receiver->missed = event->missed && member != NULL ? member->missed : 0;
	event_push(reach->m, user, event, own, reach_payload(reach, receiver->missed),
		   reach->tx->now);
	receiver->seq = user->last_seq;
	event->n_receivers++;
}

static const struct par_op_roster *reach_roster(const struct reach *reach)
{
	return &reach->tx->ops[reach->op->u.event.of].u.roster;
}

static int order_of_names(const void *a, const void *b)
{
	return str_order(*(const struct par_str *)a, *(const struct par_str *)b);
}

static bool roster_changed(const struct par_op_roster *roster, struct par_str user)
{
	return roster->n_changed > 0 && bsearch(&user, roster->changed, roster->n_changed,
						sizeof(user), order_of_names) != NULL;
}

static void reach_members(struct reach *reach)
{
	const struct par_op_roster *but = NULL;
	unsigned i;

	if (reach->op->u.event.reach == PAR_REACH_OTHERS)
		but = reach_roster(reach);
	for (i = 0; i < reach->chat->n_members; i++) {
		struct member *member = reach->chat->members[i];
		if (member->in && (but == NULL || !roster_changed(but, member->user->name)))
			reach_user(reach, member->user, member);
	}
}

/* Who was removed is no member any more. */
static void reach_changed(struct reach *reach)
{
	const struct par_op_roster *roster = reach_roster(reach);
	unsigned i;

	for (i = 0; i < roster->n_changed; i++)
		reach_user(reach, user_get(reach->m, roster->changed[i]),
			   chat_member(reach->chat, roster->changed[i]));
}

static int order_of_authors(const void *a, const void *b)
{
	const struct member *x = *(struct member *const *)a, *y = *(struct member *const *)b;

	return str_order(x->user->name, y->user->name);
}

/* Those who wrote what the mark covers for the first time. */
static void reach_authors(struct reach *reach)
{
	const struct par_op_event *event = &reach->op->u.event;
	const struct par_op *mark = &reach->tx->ops[event->of];
	const struct member *reader = chat_member(reach->chat, mark->u.mark.chat.user);
	uint64_t id = mark->result.id, first = reach->m->covered[event->of] + 1;
	struct member *authors[PAR_AUTHORS_LOOK];
	unsigned i, n = 0;

	if (id >= PAR_AUTHORS_LOOK)
		first = cursor_max(first, id - PAR_AUTHORS_LOOK + 1);
	for (; mark->result.applied && id >= first; id--)
		authors[n++] = chat_message(reach->chat, id)->sender;
	if (n > 1)
		qsort(authors, n, sizeof(struct member *), order_of_authors);
	for (i = 0; i < n; i++) {
		if ((i == 0 || authors[i] != authors[i - 1]) && authors[i]->in &&
		    authors[i] != reader)
			reach_user(reach, authors[i]->user, authors[i]);
	}
}

/* Fills the template, once for all; false: the tx failed. */
static bool reach_fill(struct reach *reach)
{
	struct par_str filled;

	if (!event_fill(reach->m, reach->tx, reach->op, 0, &filled))
		return false;
	if (reach->op->u.event.missed && filled.len + MISSED_LEN > PAR_JSON_LIMIT)
		return memory_fail(reach->tx, PAR_E_TOO_LARGE, "an event became too large");
	reach->shared = memory_alloc(filled.len + 1);
	reach->len = filled.len;
	memcpy(reach->shared, filled.s, filled.len);
	return true;
}

/* How many it can reach at most. */
static size_t reach_room(const struct reach *reach)
{
	if (reach->op->u.event.reach == PAR_REACH_CHANGED)
		return reach_roster(reach)->n_changed;
	return reach->chat->n_in;
}

bool event_reach(struct memory *m, struct par_tx *tx, struct par_op *op)
{
	struct par_op_event *event = &op->u.event;
	struct reach reach = { .m = m, .tx = tx, .op = op };

	reach.chat = chat_find(m, event->chat.key);
	if (event->reach == PAR_REACH_MEMBERS && chat_member(reach.chat, event->chat.user) == NULL)
		return memory_fail(tx, PAR_E_NOT_FOUND, "there is no such chat");
	if (reach.chat == NULL)
		return true;
	if (!reach_fill(&reach))
		return false;
	event->receivers = m->api->tx_alloc(tx, reach_room(&reach) * sizeof(*event->receivers) + 1);
	if (event->reach == PAR_REACH_CHANGED)
		reach_changed(&reach);
	else if (event->reach == PAR_REACH_AUTHORS)
		reach_authors(&reach);
	else
		reach_members(&reach);
	op->result.applied = event->n_receivers > 0;
	if (op->result.applied) {
		struct par_str payload = { reach.shared, reach.len };
		event->data = m->api->event_data_new(event->type, payload);
	}
	free(reach.shared);
	return true;
}
