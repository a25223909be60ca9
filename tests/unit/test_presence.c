/* SPDX-License-Identifier: BSD-2-Clause */
/* plugins/presence: who is told of whom, and when. */
#include <stdio.h>
#include <stdlib.h>

#include "presence_world.h"

#define TOLD(lines) \
	do { \
		settle(); \
		unit_same(host_told(requests), lines, __LINE__); \
	} while (0)

#define ALICE_ON(to) to " online {\"userId\":\"alice\"}\n"
#define BOB_ON(to) to " online {\"userId\":\"bob\"}\n"
#define CAROL_ON(to) to " online {\"userId\":\"carol\"}\n"

static const char *gone(const char *to, const char *who, uint64_t seen)
{
	return store_format(&store, "%s offline {\"userId\":\"%s\",\"lastSeen\":%llu}\n", to, who,
			    (unsigned long long)seen);
}

static void test_coming_and_going(void)
{
	uint64_t left;

	begin_with_dialogs();
	enter(&bob);
	TOLD("");
	enter(&alice);
	TOLD(ALICE_ON("bob") BOB_ON("session 1"));
	enter(&carol);
	TOLD(CAROL_ON("alice") ALICE_ON("session 4"));
	CU_ASSERT_EQUAL(metric("online"), 3);
	/* A second device tells nobody, and is told; the last that goes counts. */
	enter(&alice_laptop);
	TOLD(BOB_ON("session 2") CAROL_ON("session 2"));
	leave(&alice);
	host_advance(host, 60000);
	TOLD("");
	left = host->now;
	leave(&alice_laptop);
	host_advance(host, 4999);
	TOLD("");
	host_advance(host, 1);
	TOLD(
	    store_format(&store, "%s%s", gone("bob", "alice", left), gone("carol", "alice", left)));
	CU_ASSERT_EQUAL(metric("online"), 2);
	end();
}

/* Who comes back within the grace was never away; and nothing is stored. */
static void test_grace(void)
{
	unsigned i;

	begin_with_dialogs();
	enter(&bob);
	enter(&alice);
	settle();
	host_told(requests);
	for (i = 0; i < 10; i++) {
		leave(&alice);
		host_advance(host, 4000);
		enter(&alice);
		TOLD(BOB_ON("session 1"));
	}
	host_advance(host, 60000);
	TOLD("");
	CU_ASSERT_EQUAL(metric("saved_total"), 0);
	end();
}

/* Both at once: each hears of the other once. */
static void test_at_once(void)
{
	begin_with_dialogs();
	enter(&alice);
	enter(&bob);
	enter(&carol);
	TOLD(ALICE_ON("bob") ALICE_ON("carol") BOB_ON("alice") CAROL_ON("alice"));
	end();
}

/* What waits to be told and is so no longer is told to nobody. */
static void test_taken_back(void)
{
	begin_with_dialogs();
	enter(&bob);
	settle();
	enter(&alice);
	leave(&alice);
	TOLD(ALICE_ON("bob"));
	host_advance(host, 5000); /* the going waits for its turn */
	enter(&alice);
	TOLD(BOB_ON("session 1"));
	CU_ASSERT_EQUAL(metric("coalesced_total"), 1);
	CU_ASSERT_EQUAL(metric("waiting"), 0);
	end();
}

static void test_background(void)
{
	uint64_t left;

	begin_with_dialogs();
	enter(&bob);
	enter(&alice);
	enter(&alice_laptop);
	settle();
	host_told(requests);
	host_client_event(requests, &alice, "offline", NULL);
	host_client_event(requests, &alice, "offline", NULL);
	host_advance(host, 60000);
	TOLD("");
	left = host->now;
	host_client_event(requests, &alice_laptop, "offline", "{}");
	host_advance(host, 4000);
	TOLD("");
	host_advance(host, 1000);
	/* not to carol, who is not here */
	TOLD(gone("bob", "alice", left));
	/* A device that is in the background and goes changes nothing, nor one that comes back
	 * and goes within the grace. */
	leave(&alice);
	host_advance(host, 60000);
	TOLD("");
	host_client_event(requests, &alice_laptop, "online", NULL);
	TOLD(ALICE_ON("bob"));
	host_client_event(requests, &alice_laptop, "online", NULL);
	host_client_event(requests, &carol, "offline", NULL); /* of nobody */
	TOLD("");
	end();
}

/* A user with many dialogs: few questions, few events a turn, all told in the end. */
static void test_many_dialogs(void)
{
	enum { DIALOGS = 2000 };
	struct host_client peer = { NULL, "phone", 0 };
	unsigned i, n = 0;
	int64_t pages;
	const char *told;

	begin();
	for (i = 0; i < DIALOGS; i++)
		dialog("alice", name_of(i));
	store_settle(&store);
	for (i = 0; i < DIALOGS; i++) {
		peer.user = name_of(i);
		peer.session = 100 + i;
		enter(&peer);
	}
	/* 256 rows a turn, and the first page is of 32 */
	turn();
	CU_ASSERT_EQUAL(metric("pages_total"), 8);
	while (metric("waiting") > 0)
		turn();
	unit_same(host_told(requests), "", __LINE__);
	pages = metric("pages_total");
	enter(&alice);
	do {
		turn();
		told = host_told(requests);
		for (i = 0; *told != '\0'; told++)
			i += *told == '\n';
		CU_ASSERT(i <= 2 * 256);
		n += i;
	} while (metric("waiting") > 0);
	CU_ASSERT_EQUAL(n, 2 * DIALOGS);
	CU_ASSERT(metric("pages_total") - pages <= 17);
	CU_ASSERT_EQUAL(metric("told_total"), DIALOGS);
	CU_ASSERT_EQUAL(metric("greeted_total"), DIALOGS);
	CU_ASSERT(metric("turn_events_max") <= 2 * 256);
	end();
}

/* A session that takes no more is left alone, and told the rest when it has room again. */
static void test_congested(void)
{
	begin_with_dialogs();
	enter(&bob);
	enter(&carol);
	settle();
	host_told(requests);
	requests->congested = 1;
	enter(&alice);
	enter(&alice_laptop);
	TOLD(ALICE_ON("bob") ALICE_ON("carol") BOB_ON("session 2") CAROL_ON("session 2"));
	host_advance(host, 250);
	TOLD("");
	requests->congested = 0;
	host_advance(host, 499);
	TOLD("");
	host_advance(host, 1);
	TOLD(BOB_ON("session 1") CAROL_ON("session 1"));
	CU_ASSERT_EQUAL(metric("held_total"), 2);
	leave(&alice);
	requests->congested = 1;
	enter(&alice);
	settle();
	CU_ASSERT_EQUAL(metric("waiting"), 1);
	leave(&alice);
	host_advance(host, 250);
	TOLD("");
	CU_ASSERT_EQUAL(metric("waiting"), 0);
	end();
}

/* However a client comes and goes, what is kept of him is bounded. */
static void test_limits(void)
{
	struct host_client client = alice;
	unsigned i;

	begin_with_dialogs();
	settle();
	for (i = 0; i < 1000; i++) {
		client.session = 100 + i;
		enter(&client);
		leave(&client);
	}
	CU_ASSERT_EQUAL(metric("waiting"), 1);
	for (i = 0; i < 1000; i++) {
		client.session = 10000 + i;
		enter(&client);
	}
	CU_ASSERT_EQUAL(metric("waiting"), 64);
	CU_ASSERT(metric("dropped_total") >= 1000 - 4 * 64);
	while (metric("waiting") > 0)
		turn();
	CU_ASSERT(metric("turn_events_max") <= 2 * 256);
	end();
}

/* A storage that is down: it keeps what it is asked until fail_all. */
static struct par_query *asked[64];
static unsigned n_asked;

static void keep_query(void *state, struct par_query *query)
{
	(void)state;
	asked[n_asked++] = query;
}

static void fail_all(void)
{
	unsigned i;

	for (i = 0; i < n_asked; i++) {
		asked[i]->error = PAR_E_UNAVAILABLE;
		asked[i]->message = "it is down";
		host->api.query_done(asked[i]);
	}
	n_asked = 0;
}

/* Then one finds out, now and then, and in the end all are told. */
static void test_storage_down(void)
{
	const struct par_storage_role *well;
	struct par_storage_role down;
	unsigned i;

	begin_with_dialogs();
	settle();
	well = host->storage;
	down = *well;
	down.query = keep_query;
	host->storage = &down;
	enter(&bob);
	enter(&alice);
	host_advance(host, 0);
	CU_ASSERT_EQUAL(n_asked, 2);
	fail_all();
	for (i = 0; i < 3; i++) {
		host_advance(host, 499);
		CU_ASSERT_EQUAL(n_asked, 0);
		host_advance(host, 1);
		CU_ASSERT_EQUAL(n_asked, 1);
		fail_all();
	}
	host->storage = well;
	host_advance(host, 500);
	store_settle(&store);
	TOLD(ALICE_ON("bob") BOB_ON("alice"));
	CU_ASSERT_EQUAL(metric("waiting"), 0);
	end();
}

int main(void)
{
	static const struct unit_test tests[] = {
		{ "coming and going", test_coming_and_going },
		{ "grace", test_grace },
		{ "at once", test_at_once },
		{ "taken back", test_taken_back },
		{ "background", test_background },
		{ "many dialogs", test_many_dialogs },
		{ "congested", test_congested },
		{ "limits", test_limits },
		{ "storage down", test_storage_down },
		{ NULL, NULL },
	};

	return unit_main("presence", tests);
}
