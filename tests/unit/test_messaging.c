/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * plugins/messaging: sending, marks, who is told what. What is compared is
 * the whole text of answers and events. The other files of this program test sending
 * again, refusals, changes, and history.
 */
#include "messaging_world.h"

#include <stdio.h>

/* The conversation of the protocol's seed, but for typing. */
static void test_conversation(void)
{
	world_begin(NULL);
	ASK(&alice, "new", "{'chatId':'bob','message':'Hi from User1!'}",
	    "{'messageId':1,'timestamp':@0}");
	EVENTS(&bob, "new {'chatId':'alice','sender':'alice','messageId':1,"
		     "'message':'Hi from User1!','timestamp':@0,'missed':1}\n");
	world_tick();
	ASK(&bob, "dlvrd", "{'chatId':'alice','messageId':1}", "{'messageId':1,'timestamp':@1}");
	EVENTS(&alice, "dlvrd {'chatId':'bob','userId':'bob','messageId':1,'timestamp':@1}\n");
	world_tick();
	ASK(&bob, "read", "{'chatId':'alice','messageId':1}",
	    "{'messageId':1,'timestamp':@2,'missed':0}");
	EVENTS(&alice, "read {'chatId':'bob','userId':'bob','messageId':1,'timestamp':@2}\n");
	world_tick();
	ASK(&alice, "edit", "{'chatId':'bob','originalMessageId':1,'message':'Hello'}",
	    "{'messageId':2,'timestamp':@3}");
	EVENTS(&bob, "edit {'chatId':'alice','sender':'alice','messageId':2,'originalMessageId':1,"
		     "'message':'Hello','timestamp':@3}\n");
	world_tick();
	ASK(&alice, "delete", "{'chatId':'bob','originalMessageId':1}",
	    "{'messageId':3,'timestamp':@4}");
	EVENTS(&bob, "delete {'chatId':'alice','sender':'alice','messageId':3,"
		     "'originalMessageId':1,'timestamp':@4}\n");
	EVENTS(&alice, "");
	EVENTS(&carol, "");
	world_end();
}

static void test_everything_in_a_message(void)
{
	static const char attachments[] =
	    "[{'type':'image','id':'a1','filename':'cat.jpg','url':'https://x.example/cat.jpg',"
	    "'size':0,'meta':{'w':1,'tags':['a/b',null]}},"
	    "{'type':'voice','id':'a2','filename':'v.ogg','url':'https://x.example/v.ogg'}]";
	char payload[1024], event[1024];

	world_begin(NULL);
	world_write(&alice, "carol", 7);
	ASK(&bob, "new", "{'chatId':'alice','message':'first','clientMessageId':'b1'}",
	    "{'messageId':1,'timestamp':@0,'clientMessageId':'b1'}");
	EVENTS(&alice, "new {'chatId':'bob','sender':'bob','messageId':1,'clientMessageId':'b1',"
		       "'message':'first','timestamp':@0,'missed':1}\n");
	snprintf(payload, sizeof(payload),
		 "{'chatId':'bob','clientMessageId':'c1','message':'a \\'b\\' \\\\ \\n',"
		 "'attachments':%s,'replyTo':1,'forwardedFrom':{'chatId':'carol','messageId':7,"
		 "'x':1},'unknown':[]}",
		 attachments);
	snprintf(event, sizeof(event),
		 "read {'chatId':'alice','userId':'alice','messageId':1,'clientMessageId':'b1',"
		 "'timestamp':@1}\n"
		 "new {'chatId':'alice','sender':'alice','messageId':2,'clientMessageId':'c1',"
		 "'message':'a \\'b\\' \\\\ \\n','attachments':%s,"
		 "'replyTo':{'messageId':1,'clientMessageId':'b1','sender':'bob','createdAt':@0,"
		 "'message':'first'},'forwardedFrom':{'chatId':'carol','messageId':7},"
		 "'timestamp':@1,'missed':1}\n",
		 attachments);
	world_tick();
	ASK(&alice, "new", payload, "{'messageId':2,'timestamp':@1,'clientMessageId':'c1'}");
	EVENTS(&bob, event);
	ASK(&alice, "new",
	    "{'chatId':'bob','attachments':[{'type':'file','id':'1','filename':'f',"
	    "'url':'u'}],'message':''}",
	    "{'messageId':3,'timestamp':@1}");
	EVENTS(&bob, "new {'chatId':'alice','sender':'alice','messageId':3,'message':'',"
		     "'attachments':[{'type':'file','id':'1','filename':'f','url':'u'}],"
		     "'timestamp':@1,'missed':2}\n");
	world_end();
}

/* The other devices of who acts are told; the device that acted is not. */
static void test_own_devices(void)
{
	world_begin(NULL);
	world_connect(&alice_laptop);
	world_connect(&bob_laptop);
	ASK(&bob, "new", "{'chatId':'alice','message':'1'}", "{'messageId':1,'timestamp':@0}");
	EVENTS(&bob_laptop, "new {'chatId':'alice','sender':'bob','messageId':1,'message':'1',"
			    "'timestamp':@0,'missed':0}\n");
	EVENTS(&alice, "new {'chatId':'bob','sender':'bob','messageId':1,'message':'1',"
		       "'timestamp':@0,'missed':1}\n");
	EVENTS(&alice_laptop, "new {'chatId':'bob','sender':'bob','messageId':1,'message':'1',"
			      "'timestamp':@0,'missed':1}\n");
	ASK(&alice, "dlvrd", "{'chatId':'bob'}", "{'messageId':1,'timestamp':@0}");
	EVENTS(&alice_laptop, "");
	ASK(&alice, "read", "{'chatId':'bob'}", "{'messageId':1,'timestamp':@0,'missed':0}");
	EVENTS(&alice_laptop, "read {'chatId':'bob','userId':'alice','messageId':1,"
			      "'timestamp':@0}\n");
	ASK(&alice, "new", "{'chatId':'bob','message':'2'}", "{'messageId':2,'timestamp':@0}");
	ASK(&alice, "edit", "{'chatId':'bob','originalMessageId':2,'message':'3'}",
	    "{'messageId':3,'timestamp':@0}");
	ASK(&alice, "delete", "{'chatId':'bob','messageId':2}", "{'messageId':4,'timestamp':@0}");
	EVENTS(&alice_laptop, "new {'chatId':'bob','sender':'alice','messageId':2,'message':'2',"
			      "'timestamp':@0,'missed':0}\n"
			      "edit {'chatId':'bob','sender':'alice','messageId':3,"
			      "'originalMessageId':2,'message':'3','timestamp':@0}\n"
			      "delete {'chatId':'bob','sender':'alice','messageId':4,"
			      "'originalMessageId':2,'timestamp':@0}\n");
	EVENTS(&alice, "");
	EVENTS(&bob_laptop, "dlvrd {'chatId':'alice','userId':'alice','messageId':1,"
			    "'timestamp':@0}\n"
			    "read {'chatId':'alice','userId':'alice','messageId':1,"
			    "'timestamp':@0}\n"
			    "new {'chatId':'alice','sender':'alice','messageId':2,'message':'2',"
			    "'timestamp':@0,'missed':1}\n"
			    "edit {'chatId':'alice','sender':'alice','messageId':3,"
			    "'originalMessageId':2,'message':'3','timestamp':@0}\n"
			    "delete {'chatId':'alice','sender':'alice','messageId':4,"
			    "'originalMessageId':2,'timestamp':@0}\n");
	world_end();
}

/* One stream, so one event; and nobody else to have read or not read it. */
static void test_chat_with_oneself(void)
{
	world_begin(NULL);
	world_connect(&alice_laptop);
	ASK(&alice, "new", "{'chatId':'alice','message':'note'}", "{'messageId':1,'timestamp':@0}");
	EVENTS(&alice_laptop, "new {'chatId':'alice','sender':'alice','messageId':1,"
			      "'message':'note','timestamp':@0,'missed':0}\n");
	ASK(&alice, "delete", "{'chatId':'alice','messageId':1}", "{'messageId':2,'timestamp':@0}");
	EVENTS(&alice_laptop, "delete {'chatId':'alice','sender':'alice','messageId':2,"
			      "'originalMessageId':1,'timestamp':@0}\n");
	ASK(&alice, "read", "{'chatId':'alice'}", "!not_found");
	EVENTS(&alice, "");
	world_end();
}

/* Two pairs of users whose names run together the same way are two chats. */
static void test_chats_do_not_mix(void)
{
	struct person ab = { { "ab", "d", 10 }, 0 }, a = { { "a", "d", 11 }, 0 };

	world_begin(NULL);
	ASK(&ab, "new", "{'chatId':'c','message':'1'}", "{'messageId':1,'timestamp':@0}");
	ASK(&a, "new", "{'chatId':'bc','message':'2'}", "{'messageId':1,'timestamp':@0}");
	ASK(&a, "new", "{'chatId':'ab','message':'3'}", "{'messageId':1,'timestamp':@0}");
	ASK(&ab, "new", "{'chatId':'a','message':'4'}", "{'messageId':2,'timestamp':@0}");
	world_end();
}

static void test_marks(void)
{
	world_begin(NULL);
	ASK(&alice, "new", "{'chatId':'bob','message':'1','clientMessageId':'x'}",
	    "{'messageId':1,'timestamp':@0,'clientMessageId':'x'}");
	ASK(&alice, "new", "{'chatId':'bob','message':'2'}", "{'messageId':2,'timestamp':@0}");
	ASK(&alice, "new", "{'chatId':'bob','message':'3'}", "{'messageId':3,'timestamp':@0}");
	world_tick();
	ASK(&bob, "read", "{'chatId':'alice','messageId':1}",
	    "{'messageId':1,'timestamp':@1,'clientMessageId':'x','missed':2}");
	world_tick();
	ASK(&bob, "read", "{'chatId':'alice','messageId':1}",
	    "{'messageId':1,'timestamp':@1,'clientMessageId':'x','missed':2}");
	ASK(&bob, "dlvrd", "{'chatId':'alice','messageId':1}",
	    "{'messageId':1,'timestamp':@1,'clientMessageId':'x'}");
	ASK(&bob, "read", "{'chatId':'alice'}", "{'messageId':3,'timestamp':@2,'missed':0}");
	ASK(&bob, "dlvrd", "{'chatId':'alice','messageId':4}", "!not_found");
	ASK(&bob, "read", "{'chatId':'carol','messageId':1}", "!not_found");
	ASK(&alice, "dlvrd", "{'chatId':'bob'}", "!not_found");
	EVENTS(&alice, "read {'chatId':'bob','userId':'bob','messageId':1,'clientMessageId':'x',"
		       "'timestamp':@1}\n"
		       "read {'chatId':'bob','userId':'bob','messageId':3,'timestamp':@2}\n");
	CU_ASSERT_EQUAL(host_metric(world_host(), "messaging", "marks_total"), 2);
	world_end();
}

/* What one connection sends takes effect in its order, answered or not. */
static void test_order(void)
{
	par_request_id ids[20], i;
	char payload[80], answer[80];

	world_begin(NULL);
	for (i = 0; i < 20; i++) {
		snprintf(payload, sizeof(payload), "{\"chatId\":\"bob\",\"message\":\"%d\"}",
			 (int)i);
		ids[i] = host_request(world_requests(), &alice.client, "new", payload);
	}
	host_request_drop(world_requests(), ids[5]);
	host_settle(world_host());
	for (i = 0; i < 20; i++) {
		const struct host_answer *got = host_answer(world_requests(), ids[i]);
		snprintf(answer, sizeof(answer), "{'messageId':%d,'timestamp':@0}", (int)i + 1);
		CU_ASSERT_EQUAL(got->done, i != 5);
		if (got->done)
			world_compare(got->payload, answer, __FILE__, __LINE__);
	}
	host_requests_forget(world_requests());
	world_end();
}

int main(void)
{
	static const struct unit_test own_tests[] = {
		{ "the seed's conversation", test_conversation },
		{ "everything in a message", test_everything_in_a_message },
		{ "own devices", test_own_devices },
		{ "chat with oneself", test_chat_with_oneself },
		{ "chats do not mix", test_chats_do_not_mix },
		{ "marks", test_marks },
		{ "order", test_order },
		{ NULL, NULL },
	};
	const struct unit_test *lists[] = { own_tests,     again_tests,  same_tests,
					    refusal_tests, change_tests, history_tests };
	struct unit_test all[64] = { { NULL, NULL } };
	size_t i, n = 0;

	for (i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		const struct unit_test *test;
		for (test = lists[i]; test->name != NULL; test++)
			all[n++] = *test;
	}
	return unit_main("messaging", all);
}
