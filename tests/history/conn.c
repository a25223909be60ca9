/* SPDX-License-Identifier: BSD-2-Clause */
/* One connection as the client saw it; see conn.h. */
#include "conn.h"

#include <stdlib.h>
#include <string.h>

#include "content.h"
#include "fault.h"
#include "take.h"

#define SEARCHES 100 /* faults after which no proof is searched for any more */

static const struct spot nowhere;

void conn_free(struct conn *c)
{
	struct unacked *unacked, *next;

	HASH_CLEAR(hh, c->asked);
	HASH_CLEAR(hh, c->ahead);
	HASH_CLEAR(hh_seq, c->by_seq);
	HASH_ITER(hh, c->by_id, unacked, next) {
		HASH_DEL(c->by_id, unacked);
		free(unacked);
	}
}

/* The order of two opens tells who was the first only when that one was heard of in
 * between. */
static void conn_first_device(struct history *h, struct device *device)
{
	struct user *user = device->user;

	if (user->first == NULL)
		user->first = device;
	else if (user->first != device &&
		 (user->first->settled.line == 0 || !spot_before(user->first->settled, h->at)))
		user->first_unsure = true;
}

void conn_open(struct history *h, const char *name, struct device *device)
{
	size_t len = strlen(name);
	struct conn *c = arena_alloc(&h->arena, sizeof(*c)), *old;
	char *copy = arena_alloc(&h->arena, len + 1);

	memset(c, 0, sizeof(*c));
	c->name = memcpy(copy, name, len + 1);
	c->device = device;
	c->opened = h->at;
	c->closed_high = device->closed_high;
	c->got_from = device->n_got;
	conn_first_device(h, device);
	HASH_FIND(hh, h->conns, name, len, old);
	if (old != NULL) {
		if (old->closed.line == 0)
			conn_close(h, old);
		HASH_DEL(h->conns, old);
	}
	HASH_ADD_KEYPTR(hh, h->conns, c->name, len, c);
	c->next = h->all_conns;
	h->all_conns = c;
	h->n_conns++;
}

void conn_close(struct history *h, struct conn *c)
{
	c->closed = h->at;
	if (c->device->closed_high < c->max_seq)
		c->device->closed_high = c->max_seq;
}

/* The `asked` of a message's id; NULL: it has none that can be told apart. */
static struct asked *conn_asked(struct history *h, struct conn *c, struct json_object *message,
				bool make)
{
	struct json_object *id = field_get(message, "id");
	enum json_type type = json_object_get_type(id);
	struct asked *asked;
	const char *text;
	size_t len;
	char *key;

	if ((type != json_type_string || json_object_get_string_len(id) == 0) &&
	    type != json_type_int)
		return NULL;
	text = json_object_to_json_string_length(id, JSON_C_TO_STRING_PLAIN, &len);
	HASH_FIND(hh, c->asked, text, len, asked);
	if (asked == NULL && make) {
		asked = arena_alloc(&h->arena, sizeof(*asked));
		memset(asked, 0, sizeof(*asked));
		asked->first = h->at;
		asked->waiting_end = &asked->waiting;
		key = memcpy(arena_alloc(&h->arena, len), text, len);
		HASH_ADD_KEYPTR(hh, c->asked, key, len, asked);
	}
	return asked;
}

static void conn_wire_remove(struct conn *c, struct unacked *unacked)
{
	HASH_DELETE(hh, c->by_id, unacked);
	HASH_DELETE(hh_seq, c->by_seq, unacked);
	free(unacked);
}

/* The server may have sent the event already. */
static void conn_ack_ahead(struct history *h, struct conn *c, uint64_t id)
{
	struct ahead *ahead;

	HASH_FIND(hh, c->ahead, &id, sizeof(id), ahead);
	if (ahead != NULL)
		return;
	ahead = arena_alloc(&h->arena, sizeof(*ahead));
	ahead->id = id;
	HASH_ADD(hh, c->ahead, id, sizeof(ahead->id), ahead);
}

/* False: its id is none that an event can have. */
static bool conn_ack(struct history *h, struct conn *c, struct json_object *message)
{
	struct json_object *id = field_get(message, "id");
	struct unacked *unacked;
	uint64_t number;

	h->n_acks++;
	if (json_object_is_type(id, json_type_string))
		number = strtoull(json_object_get_string(id), NULL, 10);
	else
		number = field_number(message, "id");
	HASH_FIND(hh, c->by_id, &number, sizeof(number), unacked);
	if (unacked != NULL)
		conn_wire_remove(c, unacked);
	else if (number > c->last_event_id && h->window > 0)
		conn_ack_ahead(h, c, number);
	return number != 0;
}

void conn_out(struct history *h, struct conn *c, struct json_object *message)
{
	struct request *request;
	struct asked *asked;

	if (message == NULL) {
		c->unread = true;
		return;
	}
	if (field_is(message, "type", "ack") && conn_ack(h, c, message))
		return;
	asked = conn_asked(h, c, message, true);
	if (asked != NULL)
		asked->sent++;
	if (!field_is(message, "type", "request"))
		return;
	h->n_requests++;
	request = take_request(h, c, message);
	if (asked == NULL)
		return;
	*asked->waiting_end = request;
	asked->waiting_end = &request->next_waiting;
	asked->n_waiting++;
}

/* The request that is answered; NULL: not to be told which one. */
static struct request *conn_take_waiting(struct asked *asked)
{
	struct request *request = asked->waiting, *each;

	if (asked->n_waiting > 1) {
		for (each = asked->waiting; each != NULL; each = each->next_waiting)
			each->unclear = true;
	}
	if (request == NULL)
		return NULL;
	asked->waiting = request->next_waiting;
	if (--asked->n_waiting == 0)
		asked->waiting_end = &asked->waiting;
	return request->unclear ? NULL : request;
}

static void conn_response(struct history *h, struct conn *c, struct json_object *message)
{
	struct asked *asked = conn_asked(h, c, message, false);
	struct json_object *id = field_get(message, "id");
	struct request *request;

	h->n_answers++;
	if (asked == NULL) {
		if (json_object_is_type(id, json_type_string) && !c->unread)
			fault(h, FAULT_ANSWERED_TWICE, h->at, nowhere, nowhere,
			      "%s: an answer to %.128s, which was never asked here",
			      fault_device(c->device), json_object_get_string(id));
		return;
	}
	if (++asked->answered > asked->sent) {
		fault(h, FAULT_ANSWERED_TWICE, asked->first, h->at, nowhere,
		      "%s: %.128s is answered more often than it was asked",
		      fault_device(c->device), json_object_get_string(id));
		return;
	}
	request = conn_take_waiting(asked);
	if (request != NULL)
		take_answer(h, request, message);
}

/* At most so many are on the wire without an ack. What the client received and did not ack
 * the server cannot take for acked. */
static void conn_window(struct history *h, struct conn *c, uint64_t id, uint64_t seq)
{
	struct unacked *unacked;
	struct ahead *ahead;

	HASH_FIND(hh, c->ahead, &id, sizeof(id), ahead);
	if (ahead != NULL)
		return;
	HASH_FIND(hh_seq, c->by_seq, &seq, sizeof(seq), unacked);
	if (unacked != NULL)
		conn_wire_remove(c, unacked);
	HASH_FIND(hh, c->by_id, &id, sizeof(id), unacked);
	if (unacked != NULL)
		conn_wire_remove(c, unacked);
	unacked = mem_zalloc(sizeof(*unacked));
	unacked->id = id;
	unacked->seq = seq;
	HASH_ADD(hh, c->by_id, id, sizeof(unacked->id), unacked);
	HASH_ADD(hh_seq, c->by_seq, seq, sizeof(unacked->seq), unacked);
	if (HASH_COUNT(c->by_id) <= h->window || c->window_told)
		return;
	c->window_told = true;
	fault(h, FAULT_WINDOW, c->opened, h->at, nowhere,
	      "%s has received %u durable events that it has not acked, more than %u",
	      fault_device(c->device), HASH_COUNT(c->by_id), h->window);
}

/* Where a device got this seq last: not long ago, unless it is a fault. */
static struct spot conn_got_before(const struct device *device, size_t from, uint64_t seq)
{
	size_t i;

	for (i = device->n_got; i-- > from;) {
		if (device->got[i].event->seq == seq)
			return device->got[i].spot;
	}
	return nowhere;
}

/* Seqs ascend on a connection, and over the connections of a device, but for what
 * is marked as sent again. On a living connection only what it had is sent again. */
static void conn_seq(struct history *h, struct conn *c, uint64_t seq, bool again)
{
	struct device *d = c->device;
	struct spot before = nowhere;

	if (!again && (seq <= c->max_seq || seq <= c->closed_high)) {
		if (faults_count(h->faults) < SEARCHES)
			before = conn_got_before(d, 0, seq);
		fault(h, before.line > 0 ? FAULT_DOUBLED : FAULT_OUT_OF_ORDER, before, h->at,
		      nowhere, "%s received seq %llu after %llu, and it is not marked redelivered",
		      fault_device(d), (unsigned long long)seq,
		      (unsigned long long)(seq <= c->max_seq ? c->max_seq : c->closed_high));
	} else if (again && seq <= c->last_seq && conn_got_before(d, c->got_from, seq).line == 0) {
		fault(h, FAULT_OUT_OF_ORDER, h->at, nowhere, nowhere,
		      "%s received seq %llu after %llu on one connection, for the first time there",
		      fault_device(d), (unsigned long long)seq, (unsigned long long)c->last_seq);
	}
}

static void conn_got(struct device *d, struct event *event, struct spot at)
{
	if (d->n_got == d->got_room) {
		d->got_room = d->got_room == 0 ? 16 : d->got_room * 2;
		d->got = mem_realloc(d->got, d->got_room * sizeof(*d->got));
	}
	d->got[d->n_got++] = (struct got){ event, at };
}

static void conn_durable(struct history *h, struct conn *c, struct json_object *message,
			 uint64_t seq)
{
	bool again = json_object_get_boolean(field_get(message, "redelivered"));

	if (field_is(message, "eventType", "resync")) {
		take_resync(h, c->device, message);
	} else {
		conn_seq(h, c, seq, again);
		conn_got(c->device, take_event(h, c->device, message, seq), h->at);
	}
	c->last_seq = seq;
	if (c->max_seq < seq)
		c->max_seq = seq;
	if (h->window > 0)
		conn_window(h, c, field_number(message, "id"), seq);
}

static void conn_event(struct history *h, struct conn *c, struct json_object *message)
{
	uint64_t id = field_number(message, "id"), seq = field_number(message, "seq");

	h->n_events++;
	if (id != c->last_event_id + 1)
		fault(h, FAULT_OUT_OF_ORDER, h->at, nowhere, nowhere,
		      "%s received the event %llu after %llu: ids count up by one",
		      fault_device(c->device), (unsigned long long)id,
		      (unsigned long long)c->last_event_id);
	c->last_event_id = id;
	if (seq != 0)
		conn_durable(h, c, message, seq);
}

/* Nobody is granted anything, or told, before his device is on record. An error may
 * come from before. */
static bool proves_record(struct json_object *message)
{
	if (field_is(message, "type", "response"))
		return field_get(message, "error") == NULL;
	return field_number(message, "seq") != 0;
}

void conn_in(struct history *h, struct conn *c, struct json_object *message)
{
	uint64_t timestamp = field_number(message, "timestamp");

	if (c->device->settled.line == 0 && proves_record(message))
		c->device->settled = h->at;

	if (timestamp != 0 && timestamp < c->last_timestamp)
		fault(h, FAULT_OUT_OF_ORDER, c->last_stamped, h->at, nowhere,
		      "%s: the server's clock went back from %llu to %llu", fault_device(c->device),
		      (unsigned long long)c->last_timestamp, (unsigned long long)timestamp);
	if (timestamp != 0) {
		c->last_timestamp = timestamp;
		c->last_stamped = h->at;
	}
	if (field_is(message, "type", "response"))
		conn_response(h, c, message);
	else if (field_is(message, "type", "event"))
		conn_event(h, c, message);
}

void conn_judge(struct history *h, struct conn *c)
{
	struct spot by = c->device->caught_up;
	struct asked *asked, *next;

	if (by.line == 0 || !spot_before(c->opened, by) ||
	    (c->closed.line > 0 && !spot_before(by, c->closed)))
		return;
	HASH_ITER(hh, c->asked, asked, next) {
		struct request *request = asked->waiting;
		if (request != NULL && !request->unclear && spot_before(request->sent, by))
			fault(h, FAULT_NOT_ANSWERED, request->sent, by, nowhere,
			      "%s never had an answer to a request on a connection that lived on",
			      fault_device(c->device));
	}
}
