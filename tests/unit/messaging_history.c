/* SPDX-License-Identifier: BSD-2-Clause */
/* plugins/messaging: the requests messages, chats and chat. */
#include "messaging_world.h"

#include <stdio.h>
#include <stdlib.h>

/* alice writes n messages to bob. */
static void write_messages(unsigned n)
{
	char payload[80], answer[80];
	unsigned i;

	for (i = 1; i <= n; i++) {
		snprintf(payload, sizeof(payload), "{'chatId':'bob','message':'%u'}", i);
		snprintf(answer, sizeof(answer), "{'messageId':%u,'timestamp':@0}", i);
		ASK(&alice, "new", payload, answer);
	}
}

/* The ids of a page from..to of those, as bob sees them. */
static void ask_page(const char *payload, unsigned from, unsigned to, bool has_more, unsigned line)
{
	struct par_json w;
	char item[160];
	unsigned i;

	par_json_init(&w);
	par_json_bytes(&w, "{'messages':[", 13);
	for (i = from; i <= to; i++) {
		int n = snprintf(item, sizeof(item),
				 "%s{'messageId':%u,'sender':'alice','type':'new','message':'%u',"
				 "'status':'unread','createdAt':@0}",
				 i > from ? "," : "", i, i);
		par_json_bytes(&w, item, (size_t)n);
	}
	snprintf(item, sizeof(item), "],'hasMore':%s}", has_more ? "true" : "false");
	par_json_bytes(&w, item, strlen(item) + 1);
	world_ask(&bob, "messages", payload, w.block, __FILE__, line);
	par_json_free(&w);
}

#define PAGE(payload, from, to, more) ask_page(payload, from, to, more, __LINE__)

static void test_pages(void)
{
	world_begin(NULL);
	write_messages(60);
	PAGE("{'chatId':'alice'}", 11, 60, true);
	PAGE("{'chatId':'alice','count':60}", 1, 60, false);
	PAGE("{'chatId':'alice','count':500}", 1, 60, false);
	PAGE("{'chatId':'alice','count':1}", 60, 60, true);
	PAGE("{'chatId':'alice','endId':11}", 1, 10, false);
	PAGE("{'chatId':'alice','endId':11,'count':9}", 2, 10, true);
	PAGE("{'chatId':'alice','endId':1}", 1, 0, false);
	PAGE("{'chatId':'alice','startId':1,'count':2}", 1, 2, true);
	PAGE("{'chatId':'alice','startId':59,'count':2}", 59, 60, false);
	PAGE("{'chatId':'alice','startId':61}", 1, 0, false);
	PAGE("{'chatId':'alice','endId':9007199254740992,'count':2}", 59, 60, true);
	world_end();
}

/* A page of long messages ends before count, and says that there is more. */
static void test_page_bytes(void)
{
	char text[30001], payload[30100], answer[64];
	const struct host_answer *got;
	par_request_id id;
	unsigned i;

	world_begin(NULL);
	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	for (i = 1; i <= 20; i++) {
		snprintf(payload, sizeof(payload), "{'chatId':'bob','message':'%s'}", text);
		snprintf(answer, sizeof(answer), "{'messageId':%u,'timestamp':@0}", i);
		ASK(&alice, "new", payload, answer);
	}
	id = host_request(world_requests(), &bob.client, "messages",
			  "{\"chatId\":\"alice\",\"startId\":1}");
	host_settle(world_host());
	got = host_answer(world_requests(), id);
	CU_ASSERT_FATAL(got->payload != NULL);
	CU_ASSERT(strlen(got->payload) > 200 * 1024 && strlen(got->payload) < 300 * 1024);
	CU_ASSERT(strstr(got->payload, "{\"messageId\":1,") != NULL);
	CU_ASSERT(strstr(got->payload, "{\"messageId\":20,") == NULL);
	CU_ASSERT(strstr(got->payload, "],\"hasMore\":true}") != NULL);
	host_requests_forget(world_requests());
	world_end();
}

/* A group of alice and 49 others; its id is 36 bytes. */
static void make_group(char id[40])
{
	struct par_plugin *groups = host_load(world_host(), PLUGIN_BUILD_DIR "/groups.so", NULL);
	const struct host_answer *got;
	char payload[1000];
	par_request_id request;
	int n = snprintf(payload, sizeof(payload), "{\"name\":\"G\",\"participants\":[\"bob\"");
	unsigned i;

	for (i = 1; i < 49; i++)
		n += snprintf(payload + n, sizeof(payload) - (size_t)n, ",\"u%u\"", i);
	snprintf(payload + n, sizeof(payload) - (size_t)n, "]}");
	CU_ASSERT_FATAL(groups != NULL && host_start(groups));
	request = host_request(world_requests(), &alice.client, "newChat", payload);
	host_settle(world_host());
	got = host_answer(world_requests(), request);
	CU_ASSERT_FATAL(got->payload != NULL && strstr(got->payload, "grp_") != NULL);
	snprintf(id, 40, "%.36s", strstr(got->payload, "grp_"));
}

/* Each message may name all the members: there are fewer of them on a page. */
static void test_page_members(void)
{
	char group[40], payload[80];
	const struct host_answer *got;
	par_request_id id;
	unsigned i;

	world_begin(NULL);
	make_group(group);
	snprintf(payload, sizeof(payload), "{\"chatId\":\"%s\",\"message\":\"x\"}", group);
	for (i = 1; i <= 60; i++)
		host_request(world_requests(), &alice.client, "new", payload);
	snprintf(payload, sizeof(payload), "{\"chatId\":\"%s\",\"count\":500}", group);
	id = host_request(world_requests(), &alice.client, "messages", payload);
	host_settle(world_host());
	got = host_answer(world_requests(), id);
	CU_ASSERT_FATAL(got->payload != NULL);
	CU_ASSERT(strstr(got->payload, "{\"messageId\":10,") == NULL);
	CU_ASSERT(strstr(got->payload, "{\"messageId\":11,") != NULL);
	CU_ASSERT(strstr(got->payload, "],\"hasMore\":true}") != NULL);
	host_requests_forget(world_requests());
	world_end();
}

static void ask_status(struct person *person, const char *chat_id, const char *status,
		       unsigned line)
{
	char payload[80], answer[200];

	snprintf(payload, sizeof(payload), "{'chatId':'%s'}", chat_id);
	snprintf(answer, sizeof(answer),
		 "{'messages':[{'messageId':1,'sender':'alice','type':'new','message':'1',"
		 "'status':'%s','createdAt':@0}],'hasMore':false}",
		 status);
	world_ask(person, "messages", payload, answer, __FILE__, line);
}

/* As the sender sees it, and as the reader. */
static void test_status(void)
{
	world_begin(NULL);
	write_messages(1);
	ask_status(&alice, "bob", "undelivered", __LINE__);
	ask_status(&bob, "alice", "unread", __LINE__);
	ASK(&bob, "dlvrd", "{'chatId':'alice'}", "{'messageId':1,'timestamp':@0}");
	ask_status(&alice, "bob", "unread", __LINE__);
	ask_status(&bob, "alice", "unread", __LINE__);
	ASK(&bob, "read", "{'chatId':'alice'}", "{'messageId':1,'timestamp':@0,'missed':0}");
	ask_status(&alice, "bob", "read", __LINE__);
	ask_status(&bob, "alice", "read", __LINE__);
	ASK(&alice, "new", "{'chatId':'alice','message':'1'}", "{'messageId':1,'timestamp':@0}");
	ask_status(&alice, "alice", "read", __LINE__);
	world_end();
}

static void test_chats(void)
{
	static const char of_alice[] =
	    "{'type':'dialog','id':'alice','lastMessageId':2,'lastMessageText':'2',"
	    "'lastMessageTime':@0,'lastMessageAuthor':'alice','lastMessageStatus':'unread',"
	    "'missed':2,'firstMissed':1,'isMine':false}";
	static const char of_carol[] =
	    "{'type':'dialog','id':'carol','lastMessageId':1,'lastMessageText':'hi',"
	    "'lastMessageTime':@1,'lastMessageAuthor':'bob',"
	    "'lastMessageStatus':'undelivered','missed':0,'isMine':true}";
	static const char of_bob[] =
	    "{'type':'favorites','id':'bob','lastMessageId':1,'lastMessageText':'note',"
	    "'lastMessageTime':@2,'lastMessageAuthor':'bob','lastMessageStatus':'read',"
	    "'missed':0,'isMine':true}";
	char answer[1024];

	world_begin(NULL);
	write_messages(2);
	world_tick();
	ASK(&bob, "new", "{'chatId':'carol','message':'hi'}", "{'messageId':1,'timestamp':@1}");
	world_tick();
	ASK(&bob, "new", "{'chatId':'bob','message':'note'}", "{'messageId':1,'timestamp':@2}");
	ASK(&bob, "chat", "{'chatId':'alice'}", of_alice);
	ASK(&bob, "chat", "{'chatId':'carol'}", of_carol);
	ASK(&bob, "chat", "{'chatId':'bob'}", of_bob);
	ASK(&bob, "chat", "{'chatId':'dave'}", "!not_found");
	snprintf(answer, sizeof(answer), "{'chats':[%s,%s,%s],'hasMore':false}", of_bob, of_carol,
		 of_alice);
	ASK(&bob, "chats", NULL, answer);
	ASK(&bob, "chats", "{'count':3}", answer);
	snprintf(answer, sizeof(answer), "{'chats':[%s,%s],'hasMore':true}", of_bob, of_carol);
	ASK(&bob, "chats", "{'count':2}", answer);
	snprintf(answer, sizeof(answer), "{'chats':[%s],'hasMore':true}", of_carol);
	ASK(&bob, "chats", "{'after':'bob','count':1}", answer);
	snprintf(answer, sizeof(answer), "{'chats':[%s],'hasMore':false}", of_alice);
	ASK(&bob, "chats", "{'after':'carol'}", answer);
	ASK(&bob, "chats", "{'after':'alice'}", "{'chats':[],'hasMore':false}");
	world_end();
}

/* An attachment alone has no text; a deleted message has no text any more. */
static void test_last_message(void)
{
	world_begin(NULL);
	ASK(&alice, "new",
	    "{'chatId':'bob','attachments':[{'type':'file','id':'1','filename':'f','url':'u'}]}",
	    "{'messageId':1,'timestamp':@0}");
	ASK(&alice, "chat", "{'chatId':'bob'}",
	    "{'type':'dialog','id':'bob','lastMessageId':1,'lastMessageTime':@0,"
	    "'lastMessageAuthor':'alice','lastMessageStatus':'undelivered','missed':0,"
	    "'isMine':true}");
	ASK(&bob, "delete", "{'chatId':'alice','messageId':1,'for':'me'}",
	    "{'messageId':1,'timestamp':@0}");
	ASK(&bob, "chat", "{'chatId':'alice'}",
	    "{'type':'dialog','id':'alice','missed':0,'isMine':false}");
	world_end();
}

const struct unit_test history_tests[] = {
	{ "pages", test_pages },
	{ "bytes of a page", test_page_bytes },
	{ "members of a page", test_page_members },
	{ "status", test_status },
	{ "chats", test_chats },
	{ "last message", test_last_message },
	{ NULL, NULL },
};
