/* SPDX-License-Identifier: BSD-2-Clause */
/* plugins/typing in groups: who is told of whom, when, and how much at a time. */
#include "typing_world.h"

static const struct host_client alice = { "alice", "phone", 1 };
static const struct host_client alice_laptop = { "alice", "laptop", 2 };
static const struct host_client carol = { "carol", "phone", 3 };
static const struct host_client bob = { "bob", "phone", 4 };
static const struct host_client dave = { "dave", "phone", 5 };
static const struct host_client eve = { "eve", "phone", 6 };

static char group[64];

/* alice makes it, with bob and carol in it. */
static void group_begin(const char *config)
{
	const struct host_answer *answer;
	par_request_id id;

	begin(config);
	id = host_request(requests, &alice, "newChat",
			  "{\"name\":\"g\",\"participants\":[\"bob\",\"carol\"]}");
	host_settle(host);
	answer = host_answer(requests, id);
	CU_ASSERT_EQUAL_FATAL(answer->error, PAR_OK);
	CU_ASSERT_EQUAL_FATAL(sscanf(answer->payload, "{\"chatId\":\"%63[^\"]", group), 1);
}

static void group_says(const struct host_client *client, bool stop)
{
	char payload[128];

	snprintf(payload, sizeof(payload), "{\"chatId\":\"%s\"%s}", group,
		 stop ? ",\"stop\":true" : "");
	host_client_event(requests, client, "typing", payload);
}

/* `whom` has one letter for each who is told, in their order: b, c. */
static char *group_told(char *to, const char *whom, const char *typist, bool stop)
{
	for (; *whom != '\0'; whom++)
		to += sprintf(to, "%s typing {\"chatId\":\"%s\",\"userId\":\"%s\"%s}\n",
			      *whom == 'a'   ? "alice"
			      : *whom == 'b' ? "bob"
					     : "carol",
			      group, typist, stop ? ",\"stop\":true" : "");
	return to;
}

#define REST 1 /* of a small group */

/* What is told at once; then the group has rested. */
static void group_expect(const char *whom, const char *typist, bool stop)
{
	char expected[1024] = "";

	host_settle(host);
	group_told(expected, whom, typist, stop);
	TOLD(expected);
	host_advance(host, REST);
	TOLD("");
}

/* Typing and stopping in turns is passed on as often as typing is. */
static void test_group(void)
{
	group_begin(NULL);
	group_says(&alice, false);
	group_says(&alice_laptop, false);
	group_expect("bc", "alice", false);
	group_says(&alice, true);
	group_expect("bc", "alice", true);
	group_says(&alice, false);
	group_says(&alice, true);
	group_expect("", "alice", true);
	CU_ASSERT_EQUAL(host_metric(host, "typing", "dropped_total"), 3);
	CU_ASSERT_EQUAL(host_metric(host, "typing", "active"), 1);
	host_advance(host, 1000);
	CU_ASSERT_EQUAL(host_metric(host, "typing", "active"), 0);
	group_says(&alice, false);
	group_expect("bc", "alice", false);
	host_advance(host, 1000);
	group_says(&alice, false);
	group_expect("bc", "alice", false);
	host_advance(host, 5999 - REST);
	TOLD("");
	host_advance(host, 1);
	group_expect("bc", "alice", true);
	host_call_hook(requests, PAR_HOOK_SESSION_CLOSED, &alice);
	group_expect("", "alice", true);
	CU_ASSERT_EQUAL(host_metric(host, "typing", "active"), 0);
	CU_ASSERT_EQUAL(host_metric(host, "typing", "relayed_total"), 5);
	end();
}

/* Who says something while the storage is at it, or the group rests, waits, and is judged for
 * himself; who has stopped by then was never told of. */
static void test_group_several(void)
{
	char expected[1024], *to;

	group_begin(NULL);
	group_says(&dave, false);
	group_says(&eve, false);
	group_says(&alice, false);
	group_says(&dave, false);
	group_says(&bob, false);
	group_says(&bob, true);
	host_settle(host);
	TOLD("error not_found\n");
	host_advance(host, REST);
	host_settle(host);
	to = expected + sprintf(expected, "error not_found\n");
	group_told(to, "bc", "alice", false);
	TOLD(expected);
	CU_ASSERT_EQUAL(host_metric(host, "typing", "bad_total"), 2);
	CU_ASSERT_EQUAL(host_metric(host, "typing", "active"), 2);
	group_says(&alice, true);
	group_says(&carol, false);
	group_says(&dave, false);
	host_advance(host, REST);
	host_settle(host);
	to = group_told(expected, "bc", "alice", true);
	to = group_told(to, "ab", "carol", false);
	sprintf(to, "error not_found\n");
	TOLD(expected);
	host_advance(host, 6000);
	host_settle(host);
	host_advance(host, 6000);
	CU_ASSERT_EQUAL(host_metric(host, "typing", "active"), 0);
	end();
}

/* However often he changes his mind, he waits once, and what is true then is told. */
static void test_group_waits_once(void)
{
	unsigned i;

	group_begin("{\"typing_interval\":0}");
	group_says(&alice, false);
	host_settle(host);
	host_told(requests);
	for (i = 0; i < 100; i++) {
		group_says(&alice, i % 2 == 0);
		group_says(&bob, i % 2 == 1);
		host_settle(host);
	}
	TOLD("");
	CU_ASSERT_EQUAL(host_metric(host, "typing", "active"), 2);
	host_advance(host, REST);
	group_expect("bc", "alice", false);
	group_says(&alice, true);
	group_expect("bc", "alice", true);
	CU_ASSERT_EQUAL(host_metric(host, "typing", "active"), 0);
	CU_ASSERT_EQUAL(host_metric(host, "typing", "relayed_total"), 3);
	end();
}

/* Of so many at a time the others are told; who comes to it is with his next repeat. */
static void test_group_typists(void)
{
	group_begin("{\"max_typists\":2}");
	group_says(&dave, false); /* takes nobody's place */
	host_settle(host);
	TOLD("error not_found\n");
	host_advance(host, REST);
	group_says(&alice, false);
	group_expect("bc", "alice", false);
	group_says(&bob, false);
	group_expect("ac", "bob", false);
	group_says(&carol, false);
	group_expect("", "carol", false);
	CU_ASSERT_EQUAL(host_metric(host, "typing", "held_total"), 1);
	host_advance(host, 1000);
	group_says(&alice, false);
	group_expect("bc", "alice", false);
	group_says(&carol, false);
	group_expect("", "carol", false);
	CU_ASSERT_EQUAL(host_metric(host, "typing", "held_total"), 2);
	group_says(&bob, true);
	group_expect("ac", "bob", true);
	host_advance(host, 1000);
	group_says(&carol, false);
	group_expect("ab", "carol", false);
	/* of who was not told of there is no stop to tell: by himself, or in time */
	group_says(&bob, false);
	group_expect("", "bob", false);
	group_says(&bob, true);
	group_expect("", "bob", true);
	host_advance(host, 1000);
	group_says(&bob, false);
	group_expect("", "bob", false);
	host_call_hook(requests, PAR_HOOK_SESSION_CLOSED, &bob);
	group_expect("", "bob", true);
	host_call_hook(requests, PAR_HOOK_SESSION_CLOSED, &carol);
	group_expect("ab", "carol", true);
	host_advance(host, 6000);
	group_expect("bc", "alice", true);
	CU_ASSERT_EQUAL(host_metric(host, "typing", "active"), 0);
	CU_ASSERT_EQUAL(host_metric(host, "typing", "held_total"), 4);
	end();
}

/* What would be too much at once is told in rounds, between which the group rests. */
static void test_group_rounds(void)
{
	static const struct host_client many[] = { { "m1", "phone", 11 },
						   { "m2", "phone", 12 },
						   { "m3", "phone", 13 },
						   { "m4", "phone", 14 } };
	char payload[8192], *to = payload;
	unsigned i;

	group_begin(NULL);
	to += sprintf(to, "{\"chatId\":\"%s\",\"participants\":[\"m0\"", group);
	for (i = 1; i < 397; i++)
		to += sprintf(to, ",\"m%u\"", i);
	sprintf(to, "]}");
	host_request(requests, &alice, "addParticipants", payload);
	host_settle(host);
	group_says(&alice, false);
	for (i = 0; i < 4; i++)
		group_says(&many[i], false);
	host_settle(host);
	/* a tenth of a millisecond for each of 400 members */
	host_advance(host, 40);
	host_settle(host);
	CU_ASSERT_EQUAL(host_metric(host, "typing", "relayed_total"), 1);
	host_advance(host, 1);
	host_settle(host);
	CU_ASSERT_EQUAL(host_metric(host, "typing", "relayed_total"), 4);
	group_says(&alice, true);
	/* and for each event */
	host_advance(host, 120);
	host_settle(host);
	CU_ASSERT_EQUAL(host_metric(host, "typing", "relayed_total"), 4);
	host_advance(host, 1);
	host_settle(host);
	CU_ASSERT_EQUAL(host_metric(host, "typing", "relayed_total"), 6);
	end();
}

static void test_group_removed(void)
{
	char payload[128], told[512];

	group_begin(NULL);
	group_says(&carol, false);
	group_expect("ab", "carol", false);
	snprintf(payload, sizeof(payload), "{\"chatId\":\"%s\",\"participants\":[\"carol\"]}",
		 group);
	host_request(requests, &alice, "removeParticipants", payload);
	group_says(&alice, false);
	group_expect("b", "alice", false);
	host_advance(host, 1000);
	group_says(&carol, false);
	host_settle(host);
	/* who was told of, and is gone, has stopped */
	group_told(told, "ab", "carol", true);
	strcat(told, "error not_found\n");
	TOLD(told);
	host_advance(host, 5000 - REST);
	group_expect("b", "alice", true);
	CU_ASSERT_EQUAL(host_metric(host, "typing", "active"), 0);
	end();
}

static void test_group_too_large(void)
{
	group_begin("{\"max_members\":2}");
	group_says(&alice, false);
	group_expect("", "alice", false);
	CU_ASSERT_EQUAL(host_metric(host, "typing", "dropped_total"), 1);
	end();
}

int main(void)
{
	static const struct unit_test tests[] = {
		{ "group", test_group },
		{ "several", test_group_several },
		{ "waits once", test_group_waits_once },
		{ "many type", test_group_typists },
		{ "told in rounds", test_group_rounds },
		{ "removed", test_group_removed },
		{ "too large a group", test_group_too_large },
		{ NULL, NULL },
	};

	return unit_main("typing in groups", tests);
}
