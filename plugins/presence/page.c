/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is told of one page of peers; see presence.h. Core thread. The notice is
 * written once for all of the page; each peer that a new session is told of is an event of
 * its own.
 *
 * A session hears of each peer once, though both may come in the same moment: what
 * the notice of a peer tells it, or has told it, the greeting leaves out.
 */
#include <string.h>

#include "presence.h"

/* Those of the page who are here. */
struct found {
	struct person *persons[ROWS_PAGE];
	unsigned n;
};

static void write_event(struct presence *p, const struct person *person, bool online)
{
	struct par_json *w = p->api->event_open(p->self, online ? "online" : "offline");

	par_json_object_begin(w);
	par_json_member_string(w, "userId", person_id(person));
	if (!online)
		par_json_member_u64(w, "lastSeen", person->seen);
	par_json_object_end(w);
}

static void count_event(struct presence *p, struct par_metric *metric)
{
	p->turn_events++;
	p->api->metric_add(metric, 1);
}

static void tell_notice(struct presence *p, const struct person *person, const struct found *found)
{
	unsigned i;

	write_event(p, person, person->online);
	for (i = 0; i < found->n; i++) {
		if (found->persons[i]->seats == NULL)
			continue;
		p->api->event_send(p->self, person_id(found->persons[i]), 0);
		count_event(p, p->count.told);
	}
	p->api->event_close(p->self);
}

static bool comes_behind(const struct person *person, const struct errand *errand)
{
	size_t len = person->id_len < errand->after_len ? person->id_len : errand->after_len;
	int order = memcmp(person->id, errand->after, len);

	return order > 0 || (order == 0 && person->id_len > errand->after_len);
}

/* Whether the seat of `me` is to be told that `peer` is online: as others were told, where
 * his notice has yet to begin; as it is, where that has passed `me` by. */
static bool is_news(const struct person *me, const struct seat *seat, const struct person *peer)
{
	if (peer->notice != NULL && peer->notice->begun)
		return peer->online && !comes_behind(me, peer->notice) &&
		       peer->noticed < seat->opened;
	return peer->told && peer->noticed < seat->opened;
}

/* False: the seat is congested, and was told of those up to *last only. */
static bool greet(struct presence *p, const struct errand *errand, const struct seat *seat,
		  const struct found *found, struct par_str *last)
{
	unsigned i;

	for (i = 0; i < found->n; i++) {
		const struct person *peer = found->persons[i];
		bool sent;

		if (!is_news(errand->person, seat, peer))
			continue;
		write_event(p, peer, true);
		sent = p->api->event_send_session(p->self, seat->session);
		p->api->event_close(p->self);
		if (!sent)
			return false;
		count_event(p, p->count.greeted);
		*last = person_id(peer);
	}
	return true;
}

static void find_all(const struct presence *p, const struct par_query *page, struct found *found)
{
	unsigned i;

	found->n = 0;
	for (i = 0; i < page->n && i < ROWS_PAGE; i++) {
		struct person *person = person_find(p, page->peers[i]);
		if (person != NULL)
			found->persons[found->n++] = person;
	}
}

static void greet_all(struct presence *p, struct errand *errand, const struct found *found)
{
	unsigned i;

	for (i = errand->n_seats; i-- > 0;) {
		const struct seat *seat = person_seat(errand->person, errand->seats[i]);
		struct par_str last = { errand->after, errand->after_len };

		if (seat != NULL && greet(p, errand, seat, found, &last))
			continue;
		if (seat != NULL)
			errand_hold(p, errand, seat->session, last);
		errand->seats[i] = errand->seats[--errand->n_seats];
	}
}

void page_tell(struct presence *p, struct errand *errand, const struct par_query *page)
{
	struct found found;

	find_all(p, page, &found);
	if (errand->notice && found.n > 0)
		tell_notice(p, errand->person, &found);
	greet_all(p, errand, &found);
}
