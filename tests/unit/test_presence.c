/* SPDX-License-Identifier: BSD-2-Clause */
/* plugins/presence on the manual clock of the fake host, with storage_memory behind it. */
#include <parlance/chat.h>

#include "support/host_requests.h"
#include "support/store.h"
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>

static const struct host_client alice = { "alice", "phone", 1 };
static const struct host_client alice_laptop = { "alice", "laptop", 2 };
static const struct host_client bob = { "bob", "phone", 3 };
static const struct host_client carol = { "carol", "phone", 4 };

static struct store store; /* whose host is the plugin's too */
static struct host *host;
static struct host_requests *requests;
static struct par_plugin *presence;

static void load(const char *config)
{
	presence = host_load(host, PLUGIN_BUILD_DIR "/presence.so", config);
	if (presence == NULL || !host_start(presence)) {
		fprintf(stderr, "%s\n", host->error);
		exit(2);
	}
}

/* Who is online is stored so often; 0: not at all. */
static void begin_interval(unsigned seconds)
{
	memset(&store, 0, sizeof(store));
	store_open(&store, PLUGIN_BUILD_DIR "/storage_memory.so", "{}");
	host = store.host;
	requests = host_requests_new(host);
	load(store_format(&store, "{\"seen_interval\":%u}", seconds * 1000));
}

static void begin(void)
{
	begin_interval(0);
}

static void end(void)
{
	store_close(&store);
	host_requests_free(&requests);
}

/* A message, in the chat as plugins name it. */
static void dialog(const char *user, const char *peer)
{
	struct par_tx *tx = store_tx(&store);
	struct par_op *op = add_append(&store, tx, user, peer, NULL, "x");

	op->u.append.chat = par_chat_in_tx(&host->api, tx, par_str_of(user), par_str_of(peer));
	store_submit(&store, tx);
}

/* alice has a dialog with bob and one with carol. */
static void begin_with_dialogs(void)
{
	begin();
	dialog("alice", "bob");
	dialog("carol", "alice");
}

/* One turn: what is due, and what the storage answers to it. */
static void turn(void)
{
	host_advance(host, 0);
	store_settle(&store);
}

/* As many as little things need. */
static void settle(void)
{
	unsigned i;

	for (i = 0; i < 4; i++)
		turn();
}

static void enter(const struct host_client *client)
{
	host_call_hook(requests, PAR_HOOK_SESSION_OPENED, client);
}

static void leave(const struct host_client *client)
{
	host_call_hook(requests, PAR_HOOK_SESSION_CLOSED, client);
}

static int64_t metric(const char *name)
{
	return host_metric(host, "presence", name);
}

#define TOLD(lines) \
	do { \
		settle(); \
		unit_same(host_told(requests), lines, __LINE__); \
	} while (0)

static void unit_same(const char *came, const char *wanted, unsigned line)
{
	bool same = came != NULL && strcmp(came, wanted) == 0;

	if (!same)
		fprintf(stderr, "line %u: expected\n%scame\n%s", line, wanted,
			came == NULL ? "nothing" : came);
	CU_assertImplementation(same, line, "as expected", __FILE__, "", CU_FALSE);
}

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

static const char *name_of(unsigned i)
{
	return store_format(&store, "p%05u", i);
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

static const char *stored(const char *user)
{
	return ask_doc(&store, "presence", user);
}

static const char *digits(uint64_t n)
{
	return store_format(&store, "%llu", (unsigned long long)n);
}

/* lastSeen: stored after the grace, many in one transaction, and at the end. */
static void test_last_seen(void)
{
	static const char ask_bob[] = "{\"chatId\":\"bob\"}";
	uint64_t left, stopped;
	par_request_id id;

	begin_with_dialogs();
	enter(&alice);
	enter(&bob);
	enter(&carol);
	settle();
	left = host->now;
	leave(&bob);
	host_advance(host, 1);
	id = host_request(requests, &alice, "lastSeen", ask_bob);
	store_settle(&store);
	unit_same(host_answer(requests, id)->payload, "{\"userId\":\"bob\",\"online\":true}",
		  __LINE__);
	host_advance(host, 5000);
	store_settle(&store);
	CU_ASSERT_PTR_NULL(stored("bob"));
	host_advance(host, 100);
	store_settle(&store);
	unit_same(stored("bob"), digits(left), __LINE__);
	id = host_request(requests, &alice, "lastSeen", ask_bob);
	store_settle(&store);
	unit_same(host_answer(requests, id)->payload,
		  store_format(&store, "{\"userId\":\"bob\",\"online\":false,\"lastSeen\":%s}",
			       digits(left)),
		  __LINE__);
	id = host_request(requests, &carol, "lastSeen", ask_bob);
	store_settle(&store);
	CU_ASSERT_EQUAL(host_answer(requests, id)->error, PAR_E_NOT_FOUND);
	id = host_request(requests, &carol, "lastSeen", "{\"chatId\":\"grp_1\"}");
	CU_ASSERT_EQUAL(host_answer(requests, id)->error, PAR_E_NOT_FOUND);
	id = host_request(requests, &carol, "lastSeen", "{}");
	CU_ASSERT_EQUAL(host_answer(requests, id)->error, PAR_E_BAD_PAYLOAD);
	/* at the end: one within the grace, one here */
	left = host->now;
	leave(&carol);
	host_advance(host, 1000);
	stopped = host->now;
	host_unload(presence);
	unit_same(stored("carol"), digits(left), __LINE__);
	unit_same(stored("alice"), digits(stopped), __LINE__);
	end();
}

static uint64_t stored_time(const char *user)
{
	const char *text = stored(user);

	return text == NULL ? 0 : strtoull(text, NULL, 10);
}

/* By the second, as the clock goes: what is due, and what the storage makes of it. */
static void pass(unsigned seconds)
{
	unsigned i;

	for (i = 0; i < 10 * seconds; i++) {
		host_advance(host, 100);
		store_settle(&store);
	}
}

/* Who is online is stored when he comes and once an interval, spread over it; who goes is
 * stored with the time of his going. */
static void test_kept(void)
{
	enum { USERS = 600, INTERVAL = 60 };
	struct host_client client = { NULL, "phone", 0 };
	int64_t before;
	unsigned i;

	begin_interval(INTERVAL);
	for (i = 0; i < USERS; i++) {
		client.user = name_of(i);
		client.session = 100 + i;
		enter(&client);
	}
	pass(1);
	for (i = 0; i < USERS; i++)
		CU_ASSERT(stored_time(name_of(i)) + 1000 >= host->now);
	for (i = 0; i < 2 * INTERVAL; i++) {
		before = metric("saved_total");
		pass(1);
		CU_ASSERT_EQUAL(metric("saved_total") - before, USERS / INTERVAL);
	}
	for (i = 0; i < USERS; i++)
		CU_ASSERT(stored_time(name_of(i)) + INTERVAL * 1000 + 1100 >= host->now);
	/* The others keep to theirs when most of those who came later go. */
	for (i = 30; i < USERS; i++) {
		client.user = name_of(i);
		client.session = 100 + i;
		leave(&client);
	}
	before = (int64_t)host->now;
	for (i = 0; i < INTERVAL + 10; i++) {
		pass(1);
		CU_ASSERT(stored_time(name_of(0)) + INTERVAL * 1000 + 1100 >= host->now);
		CU_ASSERT(stored_time(name_of(29)) + INTERVAL * 1000 + 1100 >= host->now);
	}
	for (i = 30; i < USERS; i++)
		CU_ASSERT_EQUAL(stored_time(name_of(i)), (uint64_t)before);
	end();
}

/* In the grace, and while nobody is here, nothing is stored that is not so. */
static void test_kept_when_he_goes(void)
{
	uint64_t left;

	begin_interval(2);
	enter(&alice);
	enter(&alice_laptop);
	pass(3);
	CU_ASSERT(stored_time("alice") + 2000 + 1100 >= host->now);
	leave(&alice_laptop);
	leave(&alice);
	left = host->now;
	pass(4);
	CU_ASSERT_EQUAL(stored_time("alice"), left);
	enter(&alice);
	pass(3);
	CU_ASSERT(stored_time("alice") > left);
	leave(&alice);
	left = host->now;
	pass(6);
	CU_ASSERT_EQUAL(stored_time("alice"), left);
	left = (uint64_t)metric("saved_total");
	pass(10);
	CU_ASSERT_EQUAL((uint64_t)metric("saved_total"), left);
	end();
}

/* What presence adds to the chat with `peer` in alice's list. The core brings the document. */
static const char *detail_of(const char *peer, const char *name)
{
	const struct host_handler *handler = host_detail(host);
	struct par_chat_entry entry = { .peer = par_str_of(peer), .name = par_str_of(name) };
	struct par_str key = handler->detail.key(handler->state, par_str_of("alice"), &entry);
	struct par_str value = { NULL, 0 };
	struct par_json out;
	const char *text;

	if (key.s != NULL) {
		CU_ASSERT(par_str_equal(key, entry.peer));
		value = par_str_of(stored(peer));
	}
	par_json_init(&out);
	handler->detail.write(handler->state, &out, par_str_of("alice"), &entry, value);
	text = store_format(&store, "%.*s", (int)out.len, par_json_text(&out).s);
	par_json_free(&out);
	return text;
}

static void put(const char *user, const char *value)
{
	struct par_tx *tx = store_tx(&store);

	add_doc(tx, PAR_OP_DOC_PUT, "presence", user, value);
	store_submit(&store, tx);
	store_settle(&store);
}

static void test_list_of_chats(void)
{
	static const char *const nonsense[] = {
		"", "x", "-1", "1e3", "12 ", "123456789012345678901"
	};
	struct host_client client = { "dave", "phone", 9 };
	const char *seen;
	unsigned i;

	begin();
	unit_same(detail_of("bob", NULL), "", __LINE__);
	put("bob", "1700000000123");
	put("alice", "1700000000123");
	put("grp_1", "1700000000123");
	unit_same(detail_of("bob", NULL), "\"lastSeen\":1700000000123", __LINE__);
	unit_same(detail_of("alice", NULL), "", __LINE__);
	unit_same(detail_of("grp_1", "friends"), "", __LINE__);
	for (i = 0; i < sizeof(nonsense) / sizeof(nonsense[0]); i++) {
		put("carol", nonsense[i]);
		unit_same(detail_of("carol", NULL), "", __LINE__);
	}
	/* here, and within the grace; gone, in the background, and stored */
	enter(&bob);
	enter(&client);
	unit_same(detail_of("bob", NULL), "", __LINE__);
	seen = store_format(&store, "\"lastSeen\":%s", digits(host->now));
	leave(&bob);
	host_client_event(requests, &client, "offline", NULL);
	host_advance(host, 4999);
	unit_same(detail_of("bob", NULL), "", __LINE__);
	host_advance(host, 1);
	unit_same(detail_of("bob", NULL), seen, __LINE__);
	unit_same(detail_of("dave", NULL), seen, __LINE__);
	pass(1);
	unit_same(detail_of("bob", NULL), seen, __LINE__);
	put("dave", "1"); /* another server's, say: who is known here is known better */
	unit_same(detail_of("dave", NULL), seen, __LINE__);
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
		{ "last seen", test_last_seen },
		{ "kept", test_kept },
		{ "kept when he goes", test_kept_when_he_goes },
		{ "list of chats", test_list_of_chats },
		{ NULL, NULL },
	};

	return unit_main("presence", tests);
}
