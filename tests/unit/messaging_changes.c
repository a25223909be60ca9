/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * plugins/messaging: edit and delete, for all and for oneself, who may do which,
 * and call. A message of its own chat is what all of them need.
 */
#include "messaging_world.h"

#include <stdio.h>

static void test_edit(void)
{
	world_begin(NULL);
	ASK(&alice, "new", "{'chatId':'bob','message':'1','clientMessageId':'c1'}",
	    "{'messageId':1,'timestamp':@0,'clientMessageId':'c1'}");
	world_tick();
	ASK(&alice, "edit",
	    "{'chatId':'bob','originalClientMessageId':'c1','message':'2','clientMessageId':'e1'}",
	    "{'messageId':2,'timestamp':@1,'clientMessageId':'e1'}");
	ASK(&alice, "edit",
	    "{'chatId':'bob','originalMessageId':1,'originalClientMessageId':'nobody',"
	    "'attachments':[{'type':'file','id':'1','filename':'f','url':'u'}]}",
	    "{'messageId':3,'timestamp':@1}");
	bob.seq = 1;
	EVENTS(&bob, "edit {'chatId':'alice','sender':'alice','messageId':2,"
		     "'originalMessageId':1,'originalClientMessageId':'c1','message':'2',"
		     "'timestamp':@1}\n"
		     "edit {'chatId':'alice','sender':'alice','messageId':3,"
		     "'originalMessageId':1,'originalClientMessageId':'c1',"
		     "'attachments':[{'type':'file','id':'1','filename':'f','url':'u'}],"
		     "'timestamp':@1}\n");
	/* Again, and again with something else. */
	world_tick();
	ASK(&alice, "edit",
	    "{'chatId':'bob','originalClientMessageId':'c1','message':'2','clientMessageId':'e1'}",
	    "{'messageId':2,'timestamp':@1,'clientMessageId':'e1'}");
	ASK(&alice, "edit",
	    "{'chatId':'bob','originalClientMessageId':'c1','message':'3','clientMessageId':'e1'}",
	    "!conflict");
	ASK(&alice, "edit",
	    "{'chatId':'bob','originalMessageId':1,'message':'2','clientMessageId':'e1'}",
	    "!conflict");
	EVENTS(&bob, "");
	ASK(&bob, "messages", "{'chatId':'alice','endId':2}",
	    "{'messages':[{'messageId':1,'clientMessageId':'c1','sender':'alice','type':'new',"
	    "'message':'2','attachments':[{'type':'file','id':'1','filename':'f','url':'u'}],"
	    "'status':'unread','createdAt':@0,'updatedAt':@1}],'hasMore':false}");
	CU_ASSERT_EQUAL(host_metric(world_host(), "messaging", "edits_total"), 2);
	world_end();
}

/* Only the author changes; a stranger cannot even name the chat. */
static void test_rights(void)
{
	world_begin(NULL);
	ASK(&alice, "new", "{'chatId':'bob','message':'1','clientMessageId':'c1'}",
	    "{'messageId':1,'timestamp':@0,'clientMessageId':'c1'}");
	bob.seq = 1;
	ASK(&bob, "edit", "{'chatId':'alice','originalMessageId':1,'message':'x'}", "!forbidden");
	ASK(&bob, "edit", "{'chatId':'alice','originalClientMessageId':'c1','message':'x'}",
	    "!forbidden");
	ASK(&bob, "delete", "{'chatId':'alice','originalMessageId':1}", "!forbidden");
	ASK(&bob, "delete", "{'chatId':'alice','originalMessageId':1,'for':'all'}", "!forbidden");
	ASK(&carol, "edit", "{'chatId':'alice','originalMessageId':1,'message':'x'}", "!not_found");
	ASK(&carol, "delete", "{'chatId':'bob','originalMessageId':1}", "!not_found");
	ASK(&carol, "messages", "{'chatId':'alice'}", "{'messages':[],'hasMore':false}");
	EVENTS(&alice, "");
	EVENTS(&bob, "");
	world_end();
}

static void test_delete_for_all(void)
{
	world_begin(NULL);
	ASK(&alice, "new", "{'chatId':'bob','message':'1','clientMessageId':'c1'}",
	    "{'messageId':1,'timestamp':@0,'clientMessageId':'c1'}");
	bob.seq = 1;
	world_tick();
	ASK(&alice, "delete", "{'chatId':'bob','originalClientMessageId':'c1','for':'all'}",
	    "{'messageId':2,'timestamp':@1}");
	EVENTS(&bob, "delete {'chatId':'alice','sender':'alice','messageId':2,"
		     "'originalMessageId':1,'originalClientMessageId':'c1','timestamp':@1}\n");
	world_tick();
	ASK(&alice, "delete", "{'chatId':'bob','originalMessageId':1}",
	    "{'messageId':2,'timestamp':@1}");
	ASK(&alice, "edit", "{'chatId':'bob','originalMessageId':1,'message':'2'}", "!not_found");
	EVENTS(&bob, "");
	ASK(&bob, "messages", "{'chatId':'alice'}",
	    "{'messages':[{'messageId':1,'clientMessageId':'c1','sender':'alice','type':'new',"
	    "'status':'deleted','createdAt':@0,'deletedAt':@1},"
	    "{'messageId':2,'sender':'alice','type':'delete','payload':{'originalMessageId':1,"
	    "'originalClientMessageId':'c1'},'status':'unread','createdAt':@1}],"
	    "'hasMore':false}");
	CU_ASSERT_EQUAL(host_metric(world_host(), "messaging", "deletes_total"), 1);
	world_end();
}

/* Gone for the one, there for the other. */
static void test_delete_for_me(void)
{
	world_begin(NULL);
	world_connect(&bob_laptop);
	ASK(&alice, "new", "{'chatId':'bob','message':'1','clientMessageId':'c1'}",
	    "{'messageId':1,'timestamp':@0,'clientMessageId':'c1'}");
	bob_laptop.seq = 1;
	world_tick();
	ASK(&bob, "delete", "{'chatId':'alice','messageId':1,'for':'me'}",
	    "{'messageId':1,'timestamp':@1}");
	ASK(&bob, "delete", "{'chatId':'alice','messageId':1,'for':'me'}",
	    "{'messageId':1,'timestamp':@1}");
	EVENTS(&bob_laptop,
	       "delete {'chatId':'alice','sender':'bob','messageId':1,'originalMessageId':1,"
	       "'originalClientMessageId':'c1','timestamp':@1}\n");
	EVENTS(&alice, "");
	ASK(&bob, "messages", "{'chatId':'alice'}", "{'messages':[],'hasMore':false}");
	ASK(&alice, "messages", "{'chatId':'bob'}",
	    "{'messages':[{'messageId':1,'clientMessageId':'c1','sender':'alice','type':'new',"
	    "'message':'1','status':'undelivered','createdAt':@0}],'hasMore':false}");
	world_end();
}

static const char received_call[] = "{'chatId':'bob','callId':'k1','caller':'bob',"
				    "'participants':['bob','alice'],'callType':'video',"
				    "'callDuration':61}";

/* A record is shown to each from his own side, and nothing is marked as read by it. */
static void test_call(void)
{
	world_begin(NULL);
	world_connect(&alice_laptop);
	ASK(&alice, "call", received_call, "{'messageId':1,'timestamp':@0}");
	ASK(&alice, "call", received_call, "{'messageId':1,'timestamp':@0}");
	EVENTS(&bob, "call {'chatId':'alice','messageId':1,'direction':'outgoing',"
		     "'status':'received','callType':'video','timestamp':@0}\n");
	EVENTS(&alice_laptop, "call {'chatId':'bob','messageId':1,'direction':'incoming',"
			      "'status':'received','callType':'video','timestamp':@0}\n");
	ASK(&alice, "messages", "{'chatId':'bob'}",
	    "{'messages':[{'messageId':1,'clientMessageId':'k1','sender':'alice','type':'call',"
	    "'payload':{'direction':'incoming','status':'received','callType':'video'},"
	    "'status':'undelivered','createdAt':@0}],'hasMore':false}");
	ASK(&bob, "messages", "{'chatId':'alice'}",
	    "{'messages':[{'messageId':1,'clientMessageId':'k1','sender':'alice','type':'call',"
	    "'payload':{'direction':'outgoing','status':'received','callType':'video'},"
	    "'status':'unread','createdAt':@0}],'hasMore':false}");
	ASK(&alice, "edit", "{'chatId':'bob','originalMessageId':1,'message':'x'}", "!forbidden");
	CU_ASSERT_EQUAL(host_metric(world_host(), "messaging", "calls_total"), 1);
	world_end();
}

/* Missed: nobody but the caller took part. */
static void test_call_status(void)
{
	static const struct {
		const char *fields;
		const char *status;
	} rows[] = {
		{ "'callDuration':0", "missed" },
		{ "'callDuration':5", "received" },
		{ "'callDuration':5,'participants':[]", "missed" },
		{ "'callDuration':5,'participants':['alice']", "missed" },
		{ "'callDuration':0,'participants':['bob']", "received" },
	};
	char payload[200], event[200];
	size_t i;

	world_begin(NULL);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		snprintf(payload, sizeof(payload),
			 "{'chatId':'bob','caller':'alice','callType':'audio','callId':'k%d',%s}",
			 (int)i, rows[i].fields);
		snprintf(event, sizeof(event), "{'messageId':%d,'timestamp':@0}", (int)i + 1);
		ASK(&alice, "call", payload, event);
		snprintf(event, sizeof(event),
			 "call {'chatId':'alice','messageId':%d,'direction':'incoming',"
			 "'status':'%s','callType':'audio','timestamp':@0}\n",
			 (int)i + 1, rows[i].status);
		EVENTS(&bob, event);
	}
	world_end();
}

const struct unit_test change_tests[] = {
	{ "edit", test_edit },
	{ "rights", test_rights },
	{ "delete for all", test_delete_for_all },
	{ "delete for me", test_delete_for_me },
	{ "call", test_call },
	{ "status of calls", test_call_status },
	{ NULL, NULL },
};
