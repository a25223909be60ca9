/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Typing in groups. Who is in a group is the storage's to say, and may change at any time, so it
 * is asked each time and nothing is remembered: who was removed hears nothing more.
 *
 * A `room` is a group with something to tell, and has one query under way, of one page. What comes
 * in meanwhile waits and is then told with one query together: so what the storage is asked is
 * bounded by how fast it answers, however many type. What one user says is told in the
 * order in which he says it. A group that does not fit on the page is told nothing.
 */
#include <stdlib.h>
#include <uthash.h>

#include "typing.h"

struct relay {
	struct relay *next;
	bool stop;
	par_session_id session; /* 0: nobody is to be answered */
	struct par_str id; /* of the client's event; s NULL: it had none */
	struct par_str user;
	char bytes[];
};

struct room {
	UT_hash_handle hh;
	struct relay *asked; /* told when the query is done; the first one's user asks */
	struct relay *waiting;
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

static void relays_free(struct relay *relay)
{
	while (relay != NULL) {
		struct relay *next = relay->next;
		free(relay);
		relay = next;
	}
}

static void room_free(struct typing *t, struct room *room)
{
	HASH_DEL(t->rooms, room);
	relays_free(room->asked);
	relays_free(room->waiting);
	free(room);
}

static struct relay *relay_new(struct par_str user, bool stop, const struct par_client_event *event)
{
	size_t id_len = event == NULL ? 0 : event->id.len;
	struct relay *relay = calloc(1, sizeof(*relay) + user.len + id_len);

	if (relay == NULL)
		return NULL;
	relay->stop = stop;
	relay->user.s = relay->bytes;
	relay->user.len = user.len;
	memcpy(relay->bytes, user.s, user.len);
	if (event == NULL)
		return relay;
	relay->session = event->session;
	if (event->id.s != NULL) {
		relay->id.s = relay->bytes + user.len;
		relay->id.len = id_len;
		memcpy(relay->bytes + user.len, event->id.s, id_len);
	}
	return relay;
}

static void relay_refuse(struct typing *t, const struct room *room, const struct relay *relay,
			 enum par_error error, const char *message)
{
	struct par_client_event event = {
		.size = sizeof(event),
		.session = relay->session,
		.id = relay->id,
	};

	typing_refused(t, relay->user, room_group(room));
	if (relay->session == 0)
		return;
	t->api->metric_add(t->bad, 1);
	t->api->refuse_client_event(t->self, &event, error, NULL, message);
}

static bool is_member(const struct par_query *members, struct par_str user)
{
	unsigned i;

	for (i = 0; i < members->n; i++) {
		if (par_str_equal(members->members[i].user, user))
			return true;
	}
	return false;
}

static void relay_send(struct typing *t, const struct room *room, const struct relay *relay,
		       const struct par_query *members)
{
	unsigned i;

	typing_told(t, relay->user, room_group(room));
	if (members->has_more) {
		t->api->metric_add(t->dropped, 1);
		return;
	}
	typing_open(t, room_group(room), relay->user, relay->stop);
	for (i = 0; i < members->n; i++) {
		if (!par_str_equal(members->members[i].user, relay->user))
			t->api->event_send(t->self, members->members[i].user, 0);
	}
	t->api->event_close(t->self);
	t->api->metric_add(t->relayed, 1);
}

static void room_asked(void *state, void *arg);

/* Asks on behalf of the first of those who wait. */
static void room_ask(struct typing *t, struct room *room)
{
	struct par_query *query = t->api->query_new(t->self, room_asked, t);

	room->asked = room->waiting;
	room->waiting = NULL;
	query->kind = PAR_QUERY_MEMBERS;
	query->chat = par_chat_in_query(t->api, query, room->asked->user, room_group(room));
	query->user = query->chat.user;
	query->limit = t->max_members;
	query->max_bytes = (size_t)t->max_members * PAR_ID_MAX;
	t->api->query_submit(query);
}

/* What is left of `asked` is asked for once more, before what came later. */
static void room_next(struct typing *t, struct room *room)
{
	struct relay **end = &room->asked;

	while (*end != NULL)
		end = &(*end)->next;
	*end = room->waiting;
	room->waiting = room->asked;
	room->asked = NULL;
	if (room->waiting == NULL)
		room_free(t, room);
	else
		room_ask(t, room);
}

/* A group that he who asked is not in: that says nothing about the others. */
static void room_refuse(struct typing *t, struct room *room, const struct par_query *query)
{
	bool all = query->error != PAR_E_NOT_FOUND;
	struct relay **at = &room->asked;

	while (*at != NULL) {
		struct relay *relay = *at;

		if (!all && !par_str_equal(relay->user, query->user)) {
			at = &relay->next;
			continue;
		}
		*at = relay->next;
		relay_refuse(t, room, relay, query->error, query->message);
		free(relay);
	}
}

static void room_asked(void *state, void *arg)
{
	struct typing *t = state;
	struct par_query *query = arg;
	struct room *room = room_find(t, query->chat.peer);
	struct relay *relay;

	if (room == NULL)
		return; /* the plugin was stopped */
	if (query->error != PAR_OK)
		room_refuse(t, room, query);
	while (query->error == PAR_OK && (relay = room->asked) != NULL) {
		room->asked = relay->next;
		if (query->has_more || is_member(query, relay->user))
			relay_send(t, room, relay, query);
		else
			relay_refuse(t, room, relay, PAR_E_NOT_FOUND, "there is no such chat");
		free(relay);
	}
	room_next(t, room);
}

void room_tell(struct typing *t, struct par_str group, struct par_str user, bool stop,
	       const struct par_client_event *event)
{
	struct relay *relay = relay_new(user, stop, event), **end;
	struct room *room = relay == NULL ? NULL : room_find(t, group);

	if (relay != NULL && room == NULL)
		room = room_add(t, group);
	if (room == NULL) {
		free(relay);
		t->api->metric_add(t->dropped, 1);
		typing_told(t, user, group);
		return;
	}
	end = &room->waiting;
	while (*end != NULL)
		end = &(*end)->next;
	*end = relay;
	if (room->asked == NULL)
		room_ask(t, room);
}

void rooms_drop(struct typing *t)
{
	struct room *room, *tmp;

	HASH_ITER(hh, t->rooms, room, tmp)
		room_free(t, room);
}
