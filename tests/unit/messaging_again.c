/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * plugins/messaging: the same request sent again is answered as the first time,
 * whatever has happened since, and nobody is told twice.
 */
#include "messaging_world.h"

#include <stdio.h>

/* The same clientMessageId again is the same message, and nobody is told twice. */
static void test_sent_again(void)
{
	static const char hi[] = "{'chatId':'bob','message':'hi','clientMessageId':'c1'}";
	static const char first[] = "{'messageId':1,'timestamp':@0,'clientMessageId':'c1'}";

	world_begin(NULL);
	ASK(&alice, "new", hi, first);
	EVENTS(&bob, "new {'chatId':'alice','sender':'alice','messageId':1,"
		     "'clientMessageId':'c1','message':'hi','timestamp':@0,'missed':1}\n");
	ASK(&bob, "new", "{'chatId':'alice','message':'ho','clientMessageId':'c1'}",
	    "{'messageId':2,'timestamp':@0,'clientMessageId':'c1'}");
	EVENTS(&alice, "read {'chatId':'bob','userId':'bob','messageId':1,'clientMessageId':'c1',"
		       "'timestamp':@0}\n"
		       "new {'chatId':'bob','sender':'bob','messageId':2,'clientMessageId':'c1',"
		       "'message':'ho','timestamp':@0,'missed':1}\n");
	world_tick();
	ASK(&alice, "new", hi, first);
	ASK(&alice_laptop, "new", hi, first);
	EVENTS(&alice, "");
	EVENTS(&bob, "");
	/* Sent again it did not mark bob's message as read either. */
	ASK(&alice, "read", "{'chatId':'bob'}",
	    "{'messageId':2,'timestamp':@1,'clientMessageId':'c1','missed':0}");
	ASK(&alice, "new", "{'chatId':'carol','message':'hi','clientMessageId':'c1'}",
	    "{'messageId':1,'timestamp':@1,'clientMessageId':'c1'}");
	CU_ASSERT_EQUAL(host_metric(world_host(), "messaging", "messages_total"), 3);
	CU_ASSERT_EQUAL(host_metric(world_host(), "messaging", "repeated_total"), 2);
	world_end();
}

/* The first answer, whatever became of the message and of what it replied to. */
static void test_new_again_after_changes(void)
{
	static const char hi[] =
	    "{'chatId':'bob','message':'hi','replyTo':1,'clientMessageId':'c1'}";
	static const char first[] = "{'messageId':2,'timestamp':@0,'clientMessageId':'c1'}";

	world_begin(NULL);
	ASK(&bob, "new", "{'chatId':'alice','message':'0'}", "{'messageId':1,'timestamp':@0}");
	ASK(&alice, "new", hi, first);
	world_tick();
	ASK(&bob, "delete", "{'chatId':'alice','messageId':1}", "{'messageId':3,'timestamp':@1}");
	ASK(&alice, "new", hi, first);
	ASK(&alice, "edit", "{'chatId':'bob','originalMessageId':2,'message':'ho'}",
	    "{'messageId':4,'timestamp':@1}");
	ASK(&alice, "new", hi, first);
	ASK(&alice, "new", "{'chatId':'bob','message':'ho','replyTo':1,'clientMessageId':'c1'}",
	    "!conflict");
	ASK(&alice, "delete", "{'chatId':'bob','messageId':2,'for':'me'}",
	    "{'messageId':2,'timestamp':@1}");
	ASK(&alice, "new", hi, first);
	ASK(&alice, "new", "{'chatId':'bob','message':'x','clientMessageId':'c2'}",
	    "{'messageId':5,'timestamp':@1,'clientMessageId':'c2'}");
	ASK(&alice, "delete", "{'chatId':'bob','messageId':5}", "{'messageId':6,'timestamp':@1}");
	bob.seq = 6;
	ASK(&alice, "new", "{'chatId':'bob','message':'x','clientMessageId':'c2'}",
	    "{'messageId':5,'timestamp':@1,'clientMessageId':'c2'}");
	EVENTS(&bob, "");
	ASK(&bob, "messages", "{'chatId':'alice','startId':7}", "{'messages':[],'hasMore':false}");
	world_end();
}

/* A refusal leaves nothing: the same id is free for the next try, with any content. */
static void test_again_after_a_refusal(void)
{
	static const char edit[] =
	    "{'chatId':'bob','originalClientMessageId':'c1','message':'2','clientMessageId':'e1'}";

	world_begin(NULL);
	ASK(&alice, "edit", edit, "!not_found");
	ASK(&alice, "new", "{'chatId':'bob','message':'1','replyTo':9,'clientMessageId':'c1'}",
	    "!not_found");
	ASK(&alice, "new", "{'chatId':'bob','message':'1','clientMessageId':'c1'}",
	    "{'messageId':1,'timestamp':@0,'clientMessageId':'c1'}");
	ASK(&alice, "edit", edit, "{'messageId':2,'timestamp':@0,'clientMessageId':'e1'}");
	ASK(&alice, "edit", edit, "{'messageId':2,'timestamp':@0,'clientMessageId':'e1'}");
	world_end();
}

/* An edit that comes again late does not bring its text back. */
static void test_edit_again(void)
{
	static const char one[] =
	    "{'chatId':'bob','originalMessageId':1,'message':'2','clientMessageId':'e1'}";

	world_begin(NULL);
	ASK(&alice, "new", "{'chatId':'bob','message':'1','clientMessageId':'c1'}",
	    "{'messageId':1,'timestamp':@0,'clientMessageId':'c1'}");
	ASK(&alice, "edit", one, "{'messageId':2,'timestamp':@0,'clientMessageId':'e1'}");
	ASK(&alice, "edit",
	    "{'chatId':'bob','originalMessageId':1,'message':'3','clientMessageId':'e2'}",
	    "{'messageId':3,'timestamp':@0,'clientMessageId':'e2'}");
	world_tick();
	bob.seq = 3;
	ASK(&alice_laptop, "edit", one, "{'messageId':2,'timestamp':@0,'clientMessageId':'e1'}");
	EVENTS(&bob, "");
	ASK(&bob, "messages", "{'chatId':'alice','endId':2}",
	    "{'messages':[{'messageId':1,'clientMessageId':'c1','sender':'alice','type':'new',"
	    "'message':'3','status':'unread','createdAt':@0,'updatedAt':@0}],'hasMore':false}");
	ASK(&alice, "new", "{'chatId':'bob','message':'2','clientMessageId':'e1'}", "!conflict");
	ASK(&alice, "edit",
	    "{'chatId':'bob','originalMessageId':1,'message':'1','clientMessageId':'c1'}",
	    "!conflict");
	ASK(&alice, "delete", "{'chatId':'bob','messageId':1}", "{'messageId':4,'timestamp':@1}");
	ASK(&alice, "edit", one, "{'messageId':2,'timestamp':@0,'clientMessageId':'e1'}");
	world_end();
}

/* With an id of its own or without: deleted once, answered the same. */
static void test_delete_again(void)
{
	static const char del[] = "{'chatId':'bob','originalMessageId':1,'clientMessageId':'d1'}";
	static const char first[] = "{'messageId':3,'timestamp':@0,'clientMessageId':'d1'}";

	world_begin(NULL);
	ASK(&alice, "new", "{'chatId':'bob','message':'1','clientMessageId':'c1'}",
	    "{'messageId':1,'timestamp':@0,'clientMessageId':'c1'}");
	ASK(&alice, "new", "{'chatId':'bob','message':'2'}", "{'messageId':2,'timestamp':@0}");
	bob.seq = 2;
	ASK(&alice, "delete", del, first);
	EVENTS(&bob, "delete {'chatId':'alice','sender':'alice','messageId':3,"
		     "'originalMessageId':1,'originalClientMessageId':'c1','timestamp':@0}\n");
	world_tick();
	ASK(&alice, "delete", del, first);
	ASK(&alice_laptop, "delete",
	    "{'for':'all','clientMessageId':'d1','originalMessageId':1,'chatId':'bob'}", first);
	/* the deletion is the first one's, whoever asks for it again */
	ASK(&alice, "delete", "{'chatId':'bob','messageId':1}", first);
	ASK(&alice, "delete", "{'chatId':'bob','messageId':1,'clientMessageId':'d9'}", first);
	ASK(&alice, "delete", "{'chatId':'bob','originalMessageId':2,'clientMessageId':'d1'}",
	    "!conflict");
	ASK(&alice, "delete", "{'chatId':'bob','originalMessageId':2,'clientMessageId':'c1'}",
	    "!conflict");
	ASK(&alice, "new", "{'chatId':'bob','message':'3','clientMessageId':'d1'}", "!conflict");
	ASK(&alice, "delete", "{'chatId':'bob','messageId':2,'clientMessageId':''}",
	    "!bad_payload clientMessageId");
	/* out of alice's own sight too: deleted for all it was all the same */
	ASK(&alice, "delete", "{'chatId':'bob','messageId':1,'for':'me'}",
	    "{'messageId':1,'timestamp':@1}");
	ASK(&alice, "delete", "{'chatId':'bob','messageId':1}", first);
	EVENTS(&bob, "");
	ASK(&bob, "messages", "{'chatId':'alice','startId':3}",
	    "{'messages':[{'messageId':3,'clientMessageId':'d1','sender':'alice','type':'delete',"
	    "'payload':{'originalMessageId':1,'originalClientMessageId':'c1'},'status':'unread',"
	    "'createdAt':@0}],'hasMore':false}");
	world_end();
}

/* There is no message that could have the id; what is hidden stays so. */
static void test_delete_for_me_again(void)
{
	static const char hide[] =
	    "{'chatId':'alice','messageId':1,'for':'me','clientMessageId':'d1'}";

	world_begin(NULL);
	world_connect(&bob_laptop);
	ASK(&alice, "new", "{'chatId':'bob','message':'1','clientMessageId':'c1'}",
	    "{'messageId':1,'timestamp':@0,'clientMessageId':'c1'}");
	bob_laptop.seq = 1;
	ASK(&bob, "delete", hide, "{'messageId':1,'timestamp':@0}");
	EVENTS(&bob_laptop,
	       "delete {'chatId':'alice','sender':'bob','messageId':1,'originalMessageId':1,"
	       "'originalClientMessageId':'c1','timestamp':@0}\n");
	world_tick();
	ASK(&bob, "delete", hide, "{'messageId':1,'timestamp':@0}");
	ASK(&alice, "delete", "{'chatId':'bob','messageId':1}", "{'messageId':2,'timestamp':@1}");
	bob_laptop.seq = 3;
	ASK(&bob, "delete", hide, "{'messageId':1,'timestamp':@0}");
	EVENTS(&bob_laptop, "");
	ASK(&bob, "delete", "{'chatId':'alice','messageId':1,'for':'me','clientMessageId':5}",
	    "!bad_payload clientMessageId");
	world_end();
}

#define A_CALL(more) "{'chatId':'bob','callId':'k1','caller':'alice','callType':'audio'," more "}"

static void test_call_again(void)
{
	static const char first[] = "{'messageId':1,'timestamp':@0}";

	world_begin(NULL);
	ASK(&alice, "call", A_CALL("'callDuration':5"), first);
	world_tick();
	bob.seq = 1;
	ASK(&alice, "call",
	    "{'x':1,"
	    "'callDuration':5,'callType':'audio','caller':'alice',"
	    "'callId':'k1','chatId':'bob'}",
	    first);
	ASK(&alice, "call", A_CALL("'callDuration':6"), "!conflict");
	ASK(&alice, "call", A_CALL("'callDuration':5,'participants':['alice','bob']"), "!conflict");
	ASK(&alice, "new", "{'chatId':'bob','message':'x','clientMessageId':'k1'}", "!conflict");
	ASK(&alice, "delete", "{'chatId':'bob','messageId':1}", "{'messageId':2,'timestamp':@1}");
	bob.seq = 2;
	ASK(&alice, "call", A_CALL("'callDuration':5"), first);
	EVENTS(&bob, "");
	/* bob's own record of it is his */
	ASK(&bob, "call",
	    "{'chatId':'alice','callId':'k1','caller':'alice','callType':'audio',"
	    "'callDuration':5}",
	    "{'messageId':3,'timestamp':@1}");
	world_end();
}

/* A mark is answered with what is marked now: it needs no id to come twice. */
static void test_marks_again(void)
{
	world_begin(NULL);
	world_connect(&bob_laptop);
	ASK(&alice, "new", "{'chatId':'bob','message':'1','clientMessageId':'c1'}",
	    "{'messageId':1,'timestamp':@0,'clientMessageId':'c1'}");
	ASK(&alice, "new", "{'chatId':'bob','message':'2'}", "{'messageId':2,'timestamp':@0}");
	bob_laptop.seq = 2;
	ASK(&bob, "read", "{'chatId':'alice','messageId':1}",
	    "{'messageId':1,'timestamp':@0,'clientMessageId':'c1','missed':1}");
	world_tick();
	ASK(&bob_laptop, "read", "{'chatId':'alice','messageId':1}",
	    "{'messageId':1,'timestamp':@0,'clientMessageId':'c1','missed':1}");
	ASK(&bob, "dlvrd", "{'chatId':'alice','messageId':2}", "{'messageId':2,'timestamp':@1}");
	ASK(&bob, "read", "{'chatId':'alice','messageId':2}",
	    "{'messageId':2,'timestamp':@1,'missed':0}");
	world_tick();
	ASK(&bob, "read", "{'chatId':'alice','messageId':1}",
	    "{'messageId':1,'timestamp':@1,'clientMessageId':'c1','missed':0}");
	ASK(&bob, "dlvrd", "{'chatId':'alice','messageId':2}", "{'messageId':2,'timestamp':@1}");
	EVENTS(&alice, "read {'chatId':'bob','userId':'bob','messageId':1,'clientMessageId':'c1',"
		       "'timestamp':@0}\n"
		       "dlvrd {'chatId':'bob','userId':'bob','messageId':2,'timestamp':@1}\n"
		       "read {'chatId':'bob','userId':'bob','messageId':2,'timestamp':@1}\n");
	EVENTS(&bob_laptop,
	       "read {'chatId':'alice','userId':'bob','messageId':1,"
	       "'clientMessageId':'c1','timestamp':@0}\n"
	       "read {'chatId':'alice','userId':'bob','messageId':2,'timestamp':@1}\n");
	world_end();
}

/* Many of the same at once, from two devices: one batch of the storage. */
static void test_again_at_once(void)
{
	par_request_id ids[20];
	int i;

	world_begin(NULL);
	world_connect(&alice_laptop);
	for (i = 0; i < 20; i++)
		ids[i] = host_request(world_requests(),
				      i % 2 == 0 ? &alice.client : &alice_laptop.client, "new",
				      i == 7 ? "{\"chatId\":\"bob\",\"message\":\"ho\","
					       "\"clientMessageId\":\"c1\"}"
					     : "{\"chatId\":\"bob\",\"message\":\"hi\","
					       "\"clientMessageId\":\"c1\"}");
	host_settle(world_host());
	for (i = 0; i < 20; i++) {
		const struct host_answer *got = host_answer(world_requests(), ids[i]);
		CU_ASSERT_EQUAL(got->error, i == 7 ? PAR_E_CONFLICT : PAR_OK);
		if (got->error == PAR_OK)
			world_compare(got->payload,
				      "{'messageId':1,'timestamp':@0,'clientMessageId':'c1'}",
				      __FILE__, __LINE__);
	}
	host_requests_forget(world_requests());
	EVENTS(&bob, "new {'chatId':'alice','sender':'alice','messageId':1,"
		     "'clientMessageId':'c1','message':'hi','timestamp':@0,'missed':1}\n");
	EVENTS(&alice_laptop, "new {'chatId':'bob','sender':'alice','messageId':1,"
			      "'clientMessageId':'c1','message':'hi','timestamp':@0,'missed':0}\n");
	EVENTS(&alice, "");
	world_end();
}

const struct unit_test again_tests[] = {
	{ "sent again", test_sent_again },
	{ "new again after changes", test_new_again_after_changes },
	{ "again after a refusal", test_again_after_a_refusal },
	{ "edit again", test_edit_again },
	{ "delete again", test_delete_again },
	{ "delete for me again", test_delete_for_me_again },
	{ "call again", test_call_again },
	{ "marks again", test_marks_again },
	{ "again at once", test_again_at_once },
	{ NULL, NULL },
};
