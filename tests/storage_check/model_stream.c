/* SPDX-License-Identifier: BSD-2-Clause */
/* The model's streams and devices; see model.h. */
#include <inttypes.h>
#include <string.h>

#include "model.h"

static uint64_t max(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static uint64_t min(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* --- operations --- */

static bool has_other_device(const struct model_user *user, unsigned device)
{
	unsigned i;

	for (i = 0; i < M_DEVICES; i++) {
		if (i != device && user->devices[i].on_record)
			return true;
	}
	return false;
}

/* The count of the receiver, who may be no member of the chat. */
static uint64_t missed_in(struct model *m, const struct plan_op *about, unsigned user)
{
	struct model_chat *chat = model_chat(m, about->user, about->peer);

	if (!model_is_in(chat, user))
		return 0;
	return model_missed(chat, model_member(chat, user));
}

bool model_push(struct model *m, const struct plan *plan, const struct plan_op *op, unsigned to,
		bool own, const char *payload)
{
	struct model_user *user = &m->users[to];
	struct model_event *event = &user->events[user->last_seq + 1];

	if (own && !op->always && !has_other_device(user, op->device))
		return false;
	event->stored = plan->now;
	event->after_all = m->clock;
	event->own = own;
	event->device = op->device;
	event->session = op->session;
	snprintf(event->payload, M_PAYLOAD, "%s", payload);
	user->last_seq++;
	return true;
}

void model_event(struct model *m, const struct plan *plan, const struct plan_op *op,
		 const struct wanted *all, struct wanted *w)
{
	const struct wanted *about = op->about < 0 ? NULL : &all[op->about];
	const char *client;

	w->bare = true;
	if (about == NULL) {
		snprintf(w->payload, M_PAYLOAD, "{\"n\":%u}", op->number);
	} else {
		client = model_client(about->client);
		snprintf(w->payload, M_PAYLOAD,
			 "{\"id\":%" PRIu64 "%s%s%s,\"t\":%" PRIu64 ",\"m\":%" PRIu64 "}",
			 about->id, client == NULL ? "" : ",\"c\":\"", client == NULL ? "" : client,
			 client == NULL ? "" : "\"", about->timestamp,
			 missed_in(m, &plan->op[op->about], op->user));
	}
	w->applied = model_push(m, plan, op, op->user, op->own, w->payload);
	w->seq = w->applied ? m->users[op->user].last_seq : 0;
}

/* The least that a device on record has acked; false: there is none. */
static bool least_acked(const struct model_user *user, uint64_t *acked)
{
	bool any = false;
	unsigned i;

	*acked = user->last_seq;
	for (i = 0; i < M_DEVICES; i++) {
		if (!user->devices[i].on_record)
			continue;
		*acked = min(*acked, user->devices[i].acked);
		any = true;
	}
	return any;
}

/* What all have acked may be dropped from here on. */
static void may_drop_acked(struct model_user *user)
{
	uint64_t acked;

	if (least_acked(user, &acked))
		user->first_max = max(user->first_max, acked + 1);
}

static void device_seen(struct model_device *device, uint64_t now)
{
	device->seen = now;
	device->seen_late = max(device->seen_late, now);
}

void model_cursor(struct model *m, const struct plan *plan, const struct plan_op *op,
		  struct wanted *w)
{
	struct model_user *user = &m->users[op->user];
	struct model_device *device = &user->devices[op->device];
	uint64_t upto = min(op->acked, user->last_seq);
	unsigned i;

	w->bare = true;
	w->applied = device->on_record;
	if (!device->on_record)
		return;
	for (i = 0; i < op->n_above; i++) {
		if (op->above[i] <= user->last_seq)
			device->got[op->above[i]] = true;
	}
	device->acked = max(device->acked, upto);
	while (device->got[device->acked + 1])
		device->acked++;
	device->sent = max(device->sent, max(min(op->sent, user->last_seq), device->acked));
	device_seen(device, plan->now);
	if (op->closed)
		device->connected = false;
	if (upto >= device->lost)
		device->lost = 0;
	device->lost_unsure = device->lost != 0 && device->acked >= device->lost;
	may_drop_acked(user);
}

void model_restart(struct model *m, uint64_t now)
{
	unsigned i, j;

	for (i = 0; i < M_USERS; i++) {
		for (j = 0; j < M_DEVICES; j++) {
			struct model_device *device = &m->users[i].devices[j];
			if (!device->connected)
				continue;
			device->connected = false;
			device->orphan = true;
			device_seen(device, now);
		}
	}
}

/* --- PRUNE --- */

static unsigned forget_unseen(struct model_user *user, uint64_t before)
{
	unsigned i, n = 0;

	for (i = 0; i < M_DEVICES; i++) {
		struct model_device *device = &user->devices[i];
		if (!device->on_record || device->connected || device->seen >= before)
			continue;
		memset(device, 0, sizeof(*device));
		user->forgot = true;
		n++;
	}
	return n;
}

/* The first event that is neither acked by all nor too old. A storage may keep
 * the last that was acked, and take an event for no older than anything before it. */
static void drop(struct model_user *user, uint64_t acked, uint64_t before)
{
	uint64_t *first = &user->first_min;

	while (*first < acked ||
	       (*first <= user->last_seq && user->events[*first].after_all < before))
		(*first)++;
	first = &user->first_max;
	while (*first <= acked ||
	       (*first <= user->last_seq && user->events[*first].stored < before))
		(*first)++;
}

static unsigned prune_user(struct model_user *user, uint64_t events_before, uint64_t devices_before)
{
	unsigned forgotten = forget_unseen(user, devices_before);
	uint64_t acked;

	if (!least_acked(user, &acked) && forgotten == 0)
		acked = 0; /* they wait for the first device */
	drop(user, acked, events_before);
	return forgotten;
}

void model_prune(struct model *m, uint64_t events_before, uint64_t devices_before, uint64_t devices)
{
	unsigned i, forgotten = 0;

	for (i = 0; i < M_USERS; i++)
		forgotten += prune_user(&m->users[i], events_before, devices_before);
	EXPECT(devices >= forgotten); /* those of earlier rounds come on top */
}

/* --- DEVICE --- */

/* The device that must make room: with no other was it seen at the same time. */
static struct model_device *unseen_longest(struct model_user *user)
{
	struct model_device *oldest = NULL;
	unsigned i;

	for (i = 0; i < M_DEVICES; i++) {
		struct model_device *device = &user->devices[i];
		if (device->on_record && !device->connected &&
		    (oldest == NULL || device->seen < oldest->seen))
			oldest = device;
	}
	return oldest;
}

/* False when all that may be are connected. */
static bool make_room(struct model_user *user, unsigned limit)
{
	unsigned i, n = 0, connected = 0;

	for (i = 0; i < M_DEVICES; i++) {
		n += user->devices[i].on_record;
		connected += user->devices[i].connected;
	}
	if (limit == 0 || n < limit)
		return true;
	if (connected >= limit)
		return false;
	for (; n >= limit; n--) {
		memset(unseen_longest(user), 0, sizeof(struct model_device));
		user->forgot = true;
	}
	return true;
}

static void want_between(const struct plan *plan, const char *what, uint64_t came, uint64_t least,
			 uint64_t most)
{
	if (came < least || came > most)
		model_differs(plan, "%s: expected %" PRIu64 " to %" PRIu64 ", came %" PRIu64, what,
			      least, most, came);
}

/* The model takes over where the storage lets the device begin. */
static void device_begins(const struct plan *plan, struct model_user *user,
			  struct model_device *device, bool forgot_before)
{
	const struct par_device_state *came = &plan->page->device;
	bool first = !has_other_device(user, plan->device);
	uint64_t last = user->last_seq;
	uint64_t behind = user->forgot && last > 0; /* the place of the resync event */

	if (first) {
		want_between(plan, "acked of a first device", came->acked, 0, user->first_max - 1);
		want_between(plan, "sent to a first device", came->sent, 0, user->first_max - 1);
		if (user->first_min > 1 || came->resync_from != 0)
			want_between(plan, "resync_from", came->resync_from, user->first_min,
				     user->first_max);
	} else {
		want_between(plan, "acked of a new device", came->acked, last - behind, last);
		want_between(plan, "sent to a new device", came->sent, last - behind, last);
		if ((forgot_before && last > 0) || (user->forgot && came->resync_from != 0))
			want_between(plan, "resync_from", came->resync_from, last + 1, last + 1);
		else
			want_between(plan, "resync_from", came->resync_from, 0, 0);
	}
	memset(device, 0, sizeof(*device));
	device->on_record = true;
	device->acked = came->acked;
	device->sent = came->sent;
	device->lost = came->resync_from == 0 ? 0 : came->resync_from - 1;
}

static void device_is(const struct plan *plan, const struct model_user *user,
		      const struct model_device *device)
{
	const struct par_device_state *came = &plan->page->device;
	uint64_t sent = device->connected || device->orphan ? user->last_seq : device->sent;
	uint64_t seq;
	unsigned n = 0;

	want_between(plan, "acked", came->acked, device->acked, device->acked);
	want_between(plan, "sent", came->sent, sent, sent);
	for (seq = device->acked + 1; seq <= user->last_seq; seq++) {
		if (!device->got[seq])
			continue;
		if (n < came->n_above)
			want_between(plan, "above", came->above[n], seq, seq);
		n++;
	}
	want_between(plan, "n_above", came->n_above, n, n);
	if (device->lost_unsure)
		return;
	if (device->lost != 0)
		want_between(plan, "resync_from", came->resync_from,
			     max(user->first_min, device->lost + 1),
			     max(user->first_max, device->lost + 1));
	else if (device->acked + 1 < user->first_min ||
		 (came->resync_from != 0 && device->acked + 1 < user->first_max))
		want_between(plan, "resync_from", came->resync_from, user->first_min,
			     user->first_max);
	else
		want_between(plan, "resync_from", came->resync_from, 0, 0);
}

void model_check_device(struct model *m, const struct plan *plan)
{
	struct model_user *user = &m->users[plan->user];
	struct model_device *device = &user->devices[plan->device];
	bool forgot_before = user->forgot;

	if (!device->on_record && !make_room(user, plan->limit)) {
		if (plan->page->error != PAR_E_TOO_LARGE)
			model_differs(plan, "expected PAR_E_TOO_LARGE, came %s",
				      check_error_name(plan->page->error));
		return;
	}
	if (plan->page->error != PAR_OK)
		model_differs(plan, "expected success, came %s",
			      check_error_name(plan->page->error));
	want_between(plan, "last_seq", plan->page->device.last_seq, user->last_seq, user->last_seq);
	if (!device->on_record)
		device_begins(plan, user, device, forgot_before);
	else
		device_is(plan, user, device);
	device->sent = plan->page->device.sent;
	device->connected = true;
	device->orphan = false;
	device_seen(device, plan->now);
	may_drop_acked(user);
}

/* --- EVENTS --- */

static void same_event(const struct plan *plan, const struct model_event *event,
		       const struct stored_event *came)
{
	bool origin = event->own && event->device == plan->device;

	if (!text_is(came->payload, event->payload))
		model_differs(plan, "event %" PRIu64 ": expected %s, came %s", came->seq,
			      event->payload, came->payload);
	if (came->origin != origin)
		model_differs(plan, "event %" PRIu64 ": origin is wrong", came->seq);
	if (origin)
		want_between(plan, "origin_session", came->origin_session, event->session,
			     event->session);
}

/* How many events from `seq` on a page holds. */
static unsigned page_holds(const struct plan *plan, const struct model_user *user, uint64_t seq)
{
	size_t bytes = 0;
	unsigned n = 0;

	for (; seq <= user->last_seq && n < plan->limit; seq++, n++) {
		bytes += strlen(user->events[seq].payload);
		if (n > 0 && bytes > plan->max_bytes)
			break;
	}
	return n;
}

void model_check_events(struct model *m, const struct plan *plan)
{
	struct model_user *user = &m->users[plan->user];
	const struct model_device *device = &user->devices[plan->device];
	const struct page *page = plan->page;
	uint64_t first = page->n > 0 ? page->events[0].seq : user->last_seq + 1;
	bool gap = first > plan->after + 1 && device->acked + 1 < first;
	unsigned i, n;

	want_between(plan, "last_seq", page->device.last_seq, user->last_seq, user->last_seq);
	if (plan->after >= user->last_seq) {
		want_between(plan, "events behind the end", page->n, 0, 0);
		return;
	}
	want_between(plan, "first event of the page", first, max(plan->after + 1, user->first_min),
		     max(plan->after + 1, user->first_max));
	user->first_min = first > plan->after + 1 ? first : user->first_min;
	n = page_holds(plan, user, first);
	want_between(plan, "number of events", page->n, n, n);
	want_between(plan, "has_more", page->has_more, first + n <= user->last_seq,
		     first + n <= user->last_seq);
	want_between(plan, "resync_from", page->device.resync_from, gap ? first : 0,
		     gap ? first : 0);
	for (i = 0; i < n; i++) {
		want_between(plan, "seq", page->events[i].seq, first + i, first + i);
		same_event(plan, &user->events[first + i], &page->events[i]);
	}
}
