/* SPDX-License-Identifier: BSD-2-Clause */
/* plugins/presence: lastSeen, stored, asked for, and in the list of chats. */
#include <stdio.h>
#include <stdlib.h>

#include "presence_world.h"

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
		{ "last seen", test_last_seen },
		{ "kept", test_kept },
		{ "kept when he goes", test_kept_when_he_goes },
		{ "list of chats", test_list_of_chats },
		{ NULL, NULL },
	};

	return unit_main("presence_seen", tests);
}
