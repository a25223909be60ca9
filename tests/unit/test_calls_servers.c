/* SPDX-License-Identifier: BSD-2-Clause */
/* plugins/calls on the manual clock of the fake host, twice: as on two servers that share one
 * storage, each with its own clients. What one of them does the other is not told. */
#include <parlance/chat.h>

#include "support/host_requests.h"
#include "support/store.h"
#include "unit.h"

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>

#define GRACE 30000 /* by default */
#define SERVERS 2
#define DIALOG \
	"alice\x1f" \
	"bob"
#define IN_DIALOG(chat) "{\"chatId\":\"" chat "\",\"callId\":\"c1\"}"
#define IN_GROUP "{\"chatId\":\"grp_1\",\"callId\":\"c1\"}"
#define NEW(chat) "{\"chatId\":\"" chat "\",\"callId\":\"c1\",\"callType\":\"audio\"}"

static const struct host_client alice = { "alice", "phone", 1 };
static const struct host_client bob = { "bob", "phone", 2 };
static const struct host_client carol = { "carol", "phone", 3 };

static struct store store; /* whose host is the plugins' too */
static struct host *host;
static struct host_requests *requests;
static struct par_plugin *servers[SERVERS];
static struct host_handler handlers[SERVERS][HOST_HANDLERS];
static unsigned n_handlers;

static struct online {
	const struct par_plugin *server;
	const char *user;
} online[8];

static void (*query_submit)(struct par_query *query);
static unsigned asked[PAR_QUERY_DOC_SCAN + 1]; /* by kind */

static unsigned user_sessions(struct par_plugin *self, struct par_str user)
{
	unsigned i, n = 0;

	for (i = 0; i < sizeof(online) / sizeof(online[0]); i++) {
		if (online[i].server == self && str_is(user, online[i].user))
			n++;
	}
	return n;
}

/* A storage that is down; what it was handed waits for its flush. */
static struct par_tx *down_txs;
static struct par_query *down_queries;

static void down_submit(void *state, struct par_tx *tx)
{
	(void)state;
	tx->error = PAR_E_UNAVAILABLE;
	tx->next = down_txs;
	down_txs = tx;
}

static void down_query(void *state, struct par_query *query)
{
	(void)state;
	query->error = PAR_E_UNAVAILABLE;
	query->next = down_queries;
	down_queries = query;
}

static void down_flush(void *state)
{
	struct par_tx *tx;
	struct par_query *query;

	(void)state;
	while ((tx = down_txs) != NULL) {
		down_txs = tx->next;
		host->api.tx_done(tx);
	}
	while ((query = down_queries) != NULL) {
		down_queries = query->next;
		host->api.query_done(query);
	}
}

static void count_query(struct par_query *query)
{
	if (query->kind <= PAR_QUERY_DOC_SCAN)
		asked[query->kind]++;
	query_submit(query);
}

/* Each registers as if it were the only one. */
static void load(unsigned server)
{
	host->n_handlers = 0;
	servers[server] = host_load(host, PLUGIN_BUILD_DIR "/calls.so", "{}");
	if (servers[server] == NULL || !host_start(servers[server])) {
		fprintf(stderr, "%s\n", host->error);
		exit(2);
	}
	n_handlers = host->n_handlers;
	memcpy(handlers[server], host->handlers, sizeof(handlers[0]));
}

/* Requests, events and hooks go to this one from here on. */
static void use(unsigned server)
{
	memcpy(host->handlers, handlers[server], sizeof(handlers[0]));
	host->n_handlers = n_handlers;
}

static void settle(void)
{
	unsigned i;

	for (i = 0; i < 8; i++) {
		host_advance(host, 0);
		store_settle(&store);
	}
}

static void pass(uint64_t ms)
{
	for (; ms > 0; ms -= ms < 1000 ? ms : 1000) {
		host_advance(host, ms < 1000 ? ms : 1000);
		settle();
	}
}

static void begin(void)
{
	memset(&store, 0, sizeof(store));
	memset(online, 0, sizeof(online));
	store_open(&store, PLUGIN_BUILD_DIR "/storage_memory.so", "{}");
	host = store.host;
	requests = host_requests_new(host);
	host->api.user_sessions = user_sessions;
	query_submit = host->api.query_submit;
	host->api.query_submit = count_query;
	load(0);
	load(1);
	settle();
	memset(asked, 0, sizeof(asked));
}

static void end(void)
{
	store_close(&store);
	host_requests_free(&requests);
}

static void comes(unsigned server, const struct host_client *client)
{
	unsigned i = 0;

	while (online[i].user != NULL)
		i++;
	online[i].server = servers[server];
	online[i].user = client->user;
	use(server);
	host_call_hook(requests, PAR_HOOK_USER_ONLINE, client);
}

static void goes(unsigned server, const struct host_client *client)
{
	unsigned i = 0;

	while (online[i].server != servers[server] || !text_is(online[i].user, client->user))
		i++;
	online[i].user = NULL;
	use(server);
	host_call_hook(requests, PAR_HOOK_USER_OFFLINE, client);
}

static par_request_id ask(unsigned server, const struct host_client *client, const char *type,
			  const char *payload)
{
	use(server);
	return host_request(requests, client, type, payload);
}

static void does(unsigned server, const struct host_client *client, const char *type,
		 const char *payload)
{
	par_request_id id = ask(server, client, type, payload);

	settle();
	CU_ASSERT_EQUAL(host_answer(requests, id)->error, PAR_OK);
}

/* Who is in the call, as it is stored; NULL: there is none. */
static const char *here(const char *key)
{
	const char *doc = ask_doc(&store, "calls", key), *names = "";
	struct json_object *parsed = doc == NULL ? NULL : json_tokener_parse(doc);

	if (parsed == NULL)
		return NULL;
	json_object_object_foreach(json_object_object_get(parsed, "here"), name, seen)
	{
		(void)seen;
		names = store_format(&store, "%s%s ", names, name);
	}
	json_object_put(parsed);
	return names;
}

/* The message that the call has become. */
static const struct par_stored_message *message(const char *user, const char *chat_id)
{
	static const struct par_stored_message none;
	struct par_query *q = store_query(&store, PAR_QUERY_MESSAGES, user);
	struct page *page;

	q->chat = par_chat_in_query(&host->api, q, par_str_of(user), par_str_of(chat_id));
	page = store_run_query(&store, q);
	CU_ASSERT_EQUAL(page->n, 1);
	return page->n == 0 ? &none : page->messages;
}

/* A call between the two at the second server. */
static void begin_with_call(void)
{
	begin();
	comes(1, &alice);
	comes(1, &bob);
	does(1, &alice, "newCall", NEW("bob"));
}

static void a_close_that_lost_a_race_keeps_its_name(void)
{
	par_request_id closes, joins;

	begin_with_call();
	comes(0, &alice);
	closes = ask(0, &alice, "closeCall", IN_DIALOG("bob")); /* which has to read it first */
	joins = ask(1, &bob, "joinCall", IN_DIALOG("alice"));
	settle();
	CU_ASSERT_EQUAL(host_answer(requests, joins)->error, PAR_OK);
	CU_ASSERT_EQUAL(host_answer(requests, closes)->error, PAR_OK);
	CU_ASSERT_PTR_NULL(here(DIALOG));
	CU_ASSERT(str_is(message("alice", "bob")->client_id, "c1"));
	end();
}

static void who_goes_before_his_call_is_stored_has_one_grace(void)
{
	begin();
	comes(0, &alice);
	ask(0, &alice, "newCall", NEW("bob"));
	goes(0, &alice);
	settle();
	pass(GRACE - 1);
	CU_ASSERT_STRING_EQUAL(here(DIALOG), "alice ");
	pass(1);
	CU_ASSERT_PTR_NULL(here(DIALOG));
	end();
	/* and who joins */
	begin_with_call();
	ask(1, &bob, "joinCall", IN_DIALOG("alice"));
	goes(1, &bob);
	settle();
	pass(GRACE - 1);
	CU_ASSERT_STRING_EQUAL(here(DIALOG), "alice bob ");
	pass(1);
	CU_ASSERT_STRING_EQUAL(here(DIALOG), "alice ");
	end();
}

#define SIGNAL "{\"chatId\":\"grp_1\",\"callId\":\"c1\",\"to\":\"alice\",\"data\":1}"

/* Nobody tells the server, as when another one did it. */
static void the_beat_finds_who_is_no_longer_in_the_group(void)
{
	begin();
	comes(0, &alice);
	comes(0, &bob);
	comes(0, &carol);
	do_roster(&store, PAR_ROSTER_CREATE, "alice", "grp_1", "bob carol");
	does(0, &alice, "newCall", NEW("grp_1"));
	does(0, &bob, "joinCall", IN_GROUP);
	does(0, &carol, "joinCall", IN_GROUP);
	do_roster(&store, PAR_ROSTER_REMOVE, "alice", "grp_1", "bob");
	host_told(requests);
	host_client_event(requests, &bob, "callSignal", SIGNAL);
	settle();
	CU_ASSERT_STRING_NOT_EQUAL(host_told(requests), "");
	pass(GRACE / 2);
	CU_ASSERT_STRING_EQUAL(here("grp_1"), "alice carol ");
	host_client_event(requests, &bob, "callSignal", SIGNAL);
	settle();
	CU_ASSERT_STRING_EQUAL(host_told(requests), "");
	/* with the group its call is gone */
	do_roster(&store, PAR_ROSTER_DELETE, "alice", "grp_1", NULL);
	pass(GRACE / 2);
	CU_ASSERT_PTR_NULL(here("grp_1"));
	end();
}

static void a_call_of_others_is_not_asked_for(void)
{
	begin_with_call();
	does(1, &bob, "joinCall", IN_DIALOG("alice"));
	memset(asked, 0, sizeof(asked));
	pass(4 * GRACE);
	CU_ASSERT_EQUAL(asked[PAR_QUERY_DOC_GET], 0);
	CU_ASSERT(asked[PAR_QUERY_DOC_SCAN] <= 8 * SERVERS);
	CU_ASSERT_STRING_EQUAL(here(DIALOG), "alice bob ");
	end();
}

static void who_comes_to_another_server_is_still_in_the_call(void)
{
	begin_with_call();
	does(1, &bob, "joinCall", IN_DIALOG("alice"));
	pass(GRACE); /* the first server has read of it, and knows no better */
	goes(1, &bob);
	pass(GRACE - 1000);
	comes(0, &bob);
	pass(2 * GRACE);
	CU_ASSERT_STRING_EQUAL(here(DIALOG), "alice bob ");
	end();
}

static void the_calls_of_a_server_that_is_gone_are_ended(void)
{
	begin_with_call();
	does(1, &bob, "joinCall", IN_DIALOG("alice"));
	pass(GRACE);
	memset(online, 0, sizeof(online));
	host_unload(servers[1]);
	pass(GRACE + GRACE / 2 - 1); /* its last beat was now, and it might have had another */
	CU_ASSERT_STRING_EQUAL(here(DIALOG), "alice bob ");
	pass(1);
	CU_ASSERT_PTR_NULL(here(DIALOG));
	CU_ASSERT(str_is(message("bob", "alice")->client_id, "c1"));
	CU_ASSERT_EQUAL(host_metric(host, "calls", "active"), 0);
	end();
}

static void who_was_connected_has_a_grace_from_the_start(void)
{
	begin_with_call();
	does(1, &bob, "joinCall", IN_DIALOG("alice"));
	memset(online, 0, sizeof(online));
	host_unload(servers[0]);
	host_unload(servers[1]);
	pass(10 * GRACE);
	load(0);
	settle();
	pass(GRACE - 1);
	CU_ASSERT_STRING_EQUAL(here(DIALOG), "alice bob ");
	pass(1);
	CU_ASSERT_PTR_NULL(here(DIALOG));
	end();
}

/* The other server could not write down whom it has. */
static void while_the_storage_is_down_nobody_is_lost(void)
{
	struct par_storage_role down;
	const struct par_storage_role *well;

	begin();
	pass(1000); /* so the first server looks before the second one writes */
	comes(1, &alice);
	comes(1, &bob);
	does(1, &alice, "newCall", NEW("bob"));
	does(1, &bob, "joinCall", IN_DIALOG("alice"));
	pass(GRACE);
	well = host->storage;
	down = *well;
	down.submit = down_submit;
	down.query = down_query;
	down.flush = down_flush;
	host->storage = &down;
	pass(4 * GRACE);
	host->storage = well;
	pass(4 * GRACE);
	CU_ASSERT_STRING_EQUAL(here(DIALOG), "alice bob ");
	end();
}

/* Nor is he called again when he had no answer, and the other declined meanwhile. */
static void a_call_that_is_over_does_not_ring_again(void)
{
	const char *first;
	par_request_id id;

	begin();
	comes(0, &alice);
	comes(1, &bob);
	id = ask(0, &alice, "newCall", NEW("bob"));
	settle();
	first = store_format(&store, "%s", host_answer(requests, id)->payload);
	pass(2000);
	does(1, &bob, "closeCall", IN_DIALOG("alice"));
	id = ask(0, &alice, "newCall", NEW("bob"));
	settle();
	CU_ASSERT_STRING_EQUAL(host_answer(requests, id)->payload, first);
	CU_ASSERT_PTR_NULL(here(DIALOG));
	/* also while another call goes on; and one of this id from the other is his own */
	does(1, &bob, "newCall", NEW("alice"));
	id = ask(0, &alice, "newCall", NEW("bob"));
	settle();
	CU_ASSERT_STRING_EQUAL(host_answer(requests, id)->payload, first);
	CU_ASSERT_STRING_EQUAL(here(DIALOG), "bob ");
	end();
}

int main(void)
{
	static const struct unit_test tests[] = {
		{ "a close that lost a race keeps its name",
		  a_close_that_lost_a_race_keeps_its_name },
		{ "who goes before his call is stored has one grace",
		  who_goes_before_his_call_is_stored_has_one_grace },
		{ "the beat finds who is no longer in the group",
		  the_beat_finds_who_is_no_longer_in_the_group },
		{ "a call of others is not asked for", a_call_of_others_is_not_asked_for },
		{ "who comes to another server is still in the call",
		  who_comes_to_another_server_is_still_in_the_call },
		{ "the calls of a server that is gone are ended",
		  the_calls_of_a_server_that_is_gone_are_ended },
		{ "who was connected has a grace from the start",
		  who_was_connected_has_a_grace_from_the_start },
		{ "while the storage is down nobody is lost",
		  while_the_storage_is_down_nobody_is_lost },
		{ "a call that is over does not ring again",
		  a_call_that_is_over_does_not_ring_again },
		{ NULL, NULL },
	};

	return unit_main("calls on two servers", tests);
}
