/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Typing in groups. Who is in a group is the storage's to say, and may change at any time, so it
 * is asked each time and nothing is remembered: who was removed hears nothing more.
 *
 * A `room` is a group in which somebody types. It has one query under way, of one page. What comes
 * in meanwhile waits and is told with the next one, each pair once, as it is by then. At most
 * max_typists are told of at a time: who types besides them is not, until one of them has
 * stopped and he says so again. When a round has sent enough the rest of it waits too; and after each
 * the room rests, the longer the more members it was about. So what it asks of the storage and sends
 * is bounded, however many type. A group that does not fit on the page is told nothing.
 */
#include <stdlib.h>
#include <uthash.h>

#include "typing.h"

#define ROUND_EVENTS 1000 /* a round ends behind who makes it so many */
#define ROUND_PER_MS 10 /* of events, and of members asked for, when it rests */

struct queue {
	struct pair *first, *last;
};

struct room {
	UT_hash_handle hh;
	struct queue waiting;
	struct queue asked; /* looked at when the query is done */
	unsigned n_pairs;
	unsigned n_told; /* pairs that are told of */
	bool asking;
	unsigned sent; /* events of this round */
	par_timer_id rest; /* 0: it does not rest */
	size_t group_len;
	char group[];
};

static struct par_str room_group(const struct room *room)
{
	struct par_str group = { room->group, room->group_len };
	return group;
}

static struct room *room_find(struct typing *t, struct par_str group)
{
	struct room *room;

	HASH_FIND(hh, t->rooms, group.s, group.len, room);
	return room;
}

static struct room *room_add(struct typing *t, struct par_str group)
{
	struct room *room = calloc(1, sizeof(*room) + group.len);

	if (room == NULL)
		return NULL;
	room->group_len = group.len;
	memcpy(room->group, group.s, group.len);
	HASH_ADD_KEYPTR(hh, t->rooms, room->group, room->group_len, room);
	return room;
}

static void room_free(struct typing *t, struct room *room)
{
	HASH_DEL(t->rooms, room);
	if (room->rest != 0)
		t->api->timer_stop(t->self, room->rest);
	free(room);
}

static void room_free_idle(struct typing *t, struct room *room)
{
	if (room->n_pairs == 0 && !room->asking && room->rest == 0)
		room_free(t, room);
}

static void queue_add(struct queue *queue, struct pair *pair)
{
	if (queue->first == NULL)
		queue->first = pair;
	else
		queue->last->next_waiting = pair;
	queue->last = pair;
	pair->next_waiting = NULL;
}

static struct pair *queue_take(struct queue *queue)
{
	struct pair *pair = queue->first;

	if (pair != NULL)
		queue->first = pair->next_waiting;
	return pair;
}

/* What is left of the queue goes before the other. */
static void queue_put_before(struct queue *left, struct queue *other)
{
	if (left->first == NULL)
		return;
	left->last->next_waiting = other->first;
	if (other->first == NULL)
		other->last = left->last;
	other->first = left->first;
	left->first = NULL;
}

static void pair_forget_asker(struct pair *pair)
{
	free((char *)pair->asked_id.s);
	pair->asked_id = (struct par_str){ NULL, 0 };
	pair->asked_by = 0;
}

/* An event whose id memory does not suffice for is not answered. */
static void pair_note_asker(struct pair *pair, const struct par_client_event *event)
{
	char *id;

	pair_forget_asker(pair);
	if (event == NULL || event->id.s == NULL) {
		pair->asked_by = event == NULL ? 0 : event->session;
		return;
	}
	id = malloc(event->id.len + 1);
	if (id == NULL)
		return;
	memcpy(id, event->id.s, event->id.len);
	pair->asked_id = (struct par_str){ id, event->id.len };
	pair->asked_by = event->session;
}

bool room_enter(struct typing *t, struct pair *pair, struct par_str group)
{
	struct room *room = room_find(t, group);

	if (room == NULL)
		room = room_add(t, group);
	if (room == NULL)
		return false;
	room->n_pairs++;
	pair->room = room;
	return true;
}

static void room_tell_of(struct room *room, struct pair *pair, bool told)
{
	room->n_told += told;
	room->n_told -= pair->told;
	pair->told = told;
}

void room_leave(struct typing *t, struct pair *pair)
{
	struct room *room = pair->room;

	room_tell_of(room, pair, false);
	pair_forget_asker(pair);
	pair->room = NULL;
	room->n_pairs--;
	room_free_idle(t, room);
}

static int member_order(const void *key, const void *element)
{
	const struct par_str *user = key;
	const struct par_member *member = element;

	if (par_str_equal(*user, member->user))
		return 0;
	return par_chat_comes_first(*user, member->user) ? -1 : 1;
}

static bool is_member(const struct par_query *members, struct par_str user)
{
	return members->n > 0 && bsearch(&user, members->members, members->n,
					 sizeof(*members->members), member_order) != NULL;
}

static void room_send(struct typing *t, struct room *room, const struct pair *pair, bool stop,
		      const struct par_query *members)
{
	struct par_str user = pair_user(pair);
	unsigned i;

	typing_open(t, room_group(room), user, stop);
	for (i = 0; i < members->n; i++) {
		if (!par_str_equal(members->members[i].user, user))
			t->api->event_send(t->self, members->members[i].user, 0);
	}
	t->api->event_close(t->self);
	t->api->metric_add(t->relayed, 1);
	room->sent += members->n;
}

/* Nothing is kept of who may not type there. */
static void pair_refuse(struct typing *t, struct pair *pair, enum par_error error,
			const char *message)
{
	struct par_client_event event = {
		.size = sizeof(event),
		.session = pair->asked_by,
		.id = pair->asked_id,
	};

	if (pair->asked_by != 0) {
		t->api->metric_add(t->bad, 1);
		t->api->refuse_client_event(t->self, &event, error, NULL, message);
	}
	pair_drop(t, pair);
}

/* Who was told of and is no member any more has stopped, for the others. */
static void room_turn_out(struct typing *t, struct room *room, struct pair *pair,
			  const struct par_query *members)
{
	if (pair->told)
		room_send(t, room, pair, true, members);
	pair_refuse(t, pair, PAR_E_NOT_FOUND, "there is no such chat");
}

/* One who stopped before he was told of has nothing to tell. */
static void room_tell(struct typing *t, struct room *room, struct pair *pair,
		      const struct par_query *members)
{
	if (!members->has_more && !is_member(members, pair_user(pair))) {
		room_turn_out(t, room, pair, members);
		return;
	}
	if (members->has_more) {
		room_tell_of(room, pair, false);
		t->api->metric_add(t->dropped, 1);
	} else if (pair->stopped ? pair->told : pair->told || room->n_told < t->max_typists) {
		room_tell_of(room, pair, !pair->stopped);
		room_send(t, room, pair, pair->stopped, members);
	} else {
		t->api->metric_add(pair->stopped ? t->dropped : t->held, 1);
	}
	pair_said(t, pair);
}

static void room_asked(void *state, void *arg);

/* On nobody's behalf: who may type there is looked up in the answer. */
static void room_ask(struct typing *t, struct room *room)
{
	struct par_query *query = t->api->query_new(t->self, room_asked, t);

	room->asked = room->waiting;
	room->waiting = (struct queue){ NULL, NULL };
	room->asking = true;
	query->kind = PAR_QUERY_MEMBERS;
	query->chat.key = par_query_copy(t->api, query, room_group(room));
	query->chat.peer = query->chat.key;
	query->limit = t->max_members;
	query->max_bytes = (size_t)t->max_members * PAR_ID_MAX;
	t->api->query_submit(query);
}

static void room_rested(void *state, void *arg)
{
	struct typing *t = state;
	struct room *room = arg;

	room->rest = 0;
	if (room->waiting.first != NULL)
		room_ask(t, room);
	else
		room_free_idle(t, room);
}

static void room_rest(struct typing *t, struct room *room, unsigned done)
{
	uint64_t rest = 1 + done / ROUND_PER_MS;

	room->rest = t->api->timer_start(t->self, rest, room_rested, t, room);
}

static void room_asked(void *state, void *arg)
{
	struct typing *t = state;
	struct par_query *query = arg;
	struct room *room = room_find(t, query->chat.key);
	struct pair *pair;

	if (room == NULL)
		return; /* the plugin was stopped */
	room->sent = 0;
	while (room->sent < ROUND_EVENTS && (pair = queue_take(&room->asked)) != NULL) {
		pair->waiting = false;
		if (query->error != PAR_OK)
			pair_refuse(t, pair, query->error, query->message);
		else
			room_tell(t, room, pair, query);
	}
	queue_put_before(&room->asked, &room->waiting);
	room->asking = false;
	room_rest(t, room, query->n > room->sent ? query->n : room->sent);
}

void room_say(struct typing *t, struct pair *pair, const struct par_client_event *event)
{
	struct room *room = pair->room;

	pair_note_asker(pair, event);
	if (pair->waiting)
		return;
	pair->waiting = true;
	queue_add(&room->waiting, pair);
	if (!room->asking && room->rest == 0)
		room_ask(t, room);
}

void rooms_drop(struct typing *t)
{
	struct room *room, *tmp;

	HASH_ITER(hh, t->rooms, room, tmp)
		room_free(t, room);
}
