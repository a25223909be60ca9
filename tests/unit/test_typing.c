/* SPDX-License-Identifier: BSD-2-Clause */
/* plugins/typing in dialogs; in groups it is test_typing_group.c. */
#include "typing_world.h"

static const struct host_client alice = { "alice", "phone", 1 };
static const struct host_client alice_laptop = { "alice", "laptop", 2 };
static const struct host_client carol = { "carol", "phone", 3 };

static void type(const struct host_client *client, const char *payload)
{
	host_client_event(requests, client, "typing", payload);
	host_settle(host);
}

#define TO_BOB "{\"chatId\":\"bob\"}"
#define STOP_TO_BOB "{\"chatId\":\"bob\",\"stop\":true}"
#define TYPES "bob typing {\"chatId\":\"alice\",\"userId\":\"alice\"}\n"
#define STOPS "bob typing {\"chatId\":\"alice\",\"userId\":\"alice\",\"stop\":true}\n"

static void test_repeats(void)
{
	begin(NULL);
	type(&alice, TO_BOB);
	TOLD(TYPES);
	host_advance(host, 999);
	type(&alice, TO_BOB);
	TOLD("");
	host_advance(host, 1);
	type(&alice, TO_BOB);
	TOLD(TYPES);
	type(&alice, "{\"chatId\":\"bob\",\"stop\":false}");
	TOLD("");
	CU_ASSERT_EQUAL(host_metric(host, "typing", "relayed_total"), 2);
	CU_ASSERT_EQUAL(host_metric(host, "typing", "dropped_total"), 2);
	CU_ASSERT_EQUAL(host_metric(host, "typing", "active"), 1);
	end();
}

/* Six seconds after the last repeat, one that was dropped too, and not before. */
static void test_timeout(void)
{
	begin(NULL);
	type(&alice, TO_BOB);
	host_advance(host, 500);
	type(&alice, TO_BOB);
	TOLD(TYPES);
	host_advance(host, 5999);
	TOLD("");
	host_advance(host, 1);
	TOLD(STOPS);
	host_advance(host, 60000);
	TOLD("");
	CU_ASSERT_EQUAL(host_metric(host, "typing", "active"), 0);
	type(&alice, TO_BOB);
	TOLD(TYPES);
	end();
}

static void test_stop(void)
{
	begin(NULL);
	type(&alice, STOP_TO_BOB);
	TOLD("");
	type(&alice, TO_BOB);
	type(&alice, STOP_TO_BOB);
	TOLD(TYPES STOPS);
	type(&alice, STOP_TO_BOB);
	TOLD("");
	type(&alice, TO_BOB);
	TOLD(TYPES);
	type(&alice, STOP_TO_BOB);
	TOLD(STOPS);
	host_advance(host, 60000);
	TOLD("");
	end();
}

/* Each dialog for itself, from each side. */
static void test_pairs(void)
{
	begin(NULL);
	type(&alice, TO_BOB);
	type(&carol, TO_BOB);
	type(&alice, "{\"chatId\":\"carol\"}");
	type(&carol, "{\"chatId\":\"alice\"}");
	TOLD(TYPES "bob typing {\"chatId\":\"carol\",\"userId\":\"carol\"}\n"
		   "carol typing {\"chatId\":\"alice\",\"userId\":\"alice\"}\n"
		   "alice typing {\"chatId\":\"carol\",\"userId\":\"carol\"}\n");
	host_advance(host, 3000);
	type(&alice, TO_BOB);
	TOLD(TYPES);
	type(&alice, "{\"chatId\":\"carol\",\"stop\":true}");
	TOLD("carol typing {\"chatId\":\"alice\",\"userId\":\"alice\",\"stop\":true}\n");
	host_advance(host, 3000);
	TOLD("bob typing {\"chatId\":\"carol\",\"userId\":\"carol\",\"stop\":true}\n"
	     "alice typing {\"chatId\":\"carol\",\"userId\":\"carol\",\"stop\":true}\n");
	host_advance(host, 3000);
	TOLD(STOPS);
	end();
}

/* What the session that typed last cannot say any more. */
static void test_session_closed(void)
{
	begin(NULL);
	type(&alice, TO_BOB);
	type(&alice_laptop, "{\"chatId\":\"carol\"}");
	host_told(requests);
	host_call_hook(requests, PAR_HOOK_SESSION_CLOSED, &carol);
	TOLD("");
	host_call_hook(requests, PAR_HOOK_SESSION_CLOSED, &alice);
	TOLD(STOPS);
	host_advance(host, 3000);
	type(&alice, TO_BOB);
	TOLD(TYPES);
	type(&alice_laptop, TO_BOB);
	host_call_hook(requests, PAR_HOOK_SESSION_CLOSED, &alice);
	TOLD("");
	host_call_hook(requests, PAR_HOOK_SESSION_CLOSED, &alice_laptop);
	TOLD(STOPS "carol typing {\"chatId\":\"alice\",\"userId\":\"alice\",\"stop\":true}\n");
	host_call_hook(requests, PAR_HOOK_SESSION_CLOSED, &alice_laptop);
	host_advance(host, 60000);
	TOLD("");
	CU_ASSERT_EQUAL(host_metric(host, "typing", "active"), 0);
	end();
}

static void test_nobody_is_told(void)
{
	static const struct {
		const char *payload;
		const char *told;
	} bad[] = {
		{ NULL, "error bad_payload chatId\n" },
		{ "{}", "error bad_payload chatId\n" },
		{ "{\"chatId\":5}", "error bad_payload chatId\n" },
		{ "{\"chatId\":null}", "error bad_payload chatId\n" },
		{ "{\"chatId\":\"\"}", "error bad_payload chatId\n" },
		{ "{\"chatId\":\"a\\u0000\"}", "error bad_payload chatId\n" },
		{ "{\"chatId\":\"bob\",\"stop\":1}", "error bad_payload stop\n" },
		{ "{\"chatId\":\"bob\",\"stop\":null}", "error bad_payload stop\n" },
		{ "{\"chatId\":\"grp_1\"}", "error not_found\n" },
	};
	size_t i, n = sizeof(bad) / sizeof(bad[0]);

	begin(NULL);
	for (i = 0; i < n; i++) {
		type(&alice, bad[i].payload);
		TOLD(bad[i].told);
	}
	CU_ASSERT_EQUAL(host_metric(host, "typing", "bad_total"), (int64_t)n);
	type(&alice, "{\"chatId\":\"alice\"}");
	CU_ASSERT_EQUAL(host_metric(host, "typing", "dropped_total"), 1);
	host_advance(host, 60000);
	TOLD("");
	end();
}

/* A client cannot make the server remember more than 32 dialogs for it. */
static void test_limit(void)
{
	char payload[40];
	unsigned i;

	begin(NULL);
	for (i = 0; i < 100; i++) {
		snprintf(payload, sizeof(payload), "{\"chatId\":\"u%u\"}", i);
		type(&alice, payload);
	}
	CU_ASSERT_EQUAL(host_metric(host, "typing", "active"), 32);
	CU_ASSERT_EQUAL(host_metric(host, "typing", "dropped_total"), 68);
	host_told(requests);
	type(&carol, TO_BOB);
	TOLD("bob typing {\"chatId\":\"carol\",\"userId\":\"carol\"}\n");
	type(&alice, "{\"chatId\":\"u7\",\"stop\":true}");
	host_told(requests);
	type(&alice, TO_BOB);
	TOLD(TYPES);
	end();
}

static void test_options(void)
{
	begin("{\"typing_interval\":100,\"typing_timeout\":200}");
	type(&alice, TO_BOB);
	host_advance(host, 100);
	type(&alice, TO_BOB);
	TOLD(TYPES TYPES);
	host_advance(host, 200);
	TOLD(STOPS);
	end();
	host = host_new();
	requests = host_requests_new(host);
	CU_ASSERT_PTR_NULL(host_load(host, PLUGIN_BUILD_DIR "/typing.so",
				     "{\"typing_interval\":6000,\"typing_timeout\":6000}"));
	CU_ASSERT_PTR_NOT_NULL(strstr(host->error, "typing_interval must be less"));
	end();
}

int main(void)
{
	static const struct unit_test tests[] = {
		{ "repeats", test_repeats },
		{ "time-out", test_timeout },
		{ "stop", test_stop },
		{ "pairs", test_pairs },
		{ "session closed", test_session_closed },
		{ "nobody is told", test_nobody_is_told },
		{ "limit", test_limit },
		{ "options", test_options },
		{ NULL, NULL },
	};

	return unit_main("typing", tests);
}
