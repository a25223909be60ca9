/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What plugins/messaging refuses: for each row of the protocol that a client can
 * get wrong the code and the path; and that after all of them nothing was stored
 * and nobody told.
 */
#include "messaging_world.h"

#include <stdlib.h>

struct refusal {
	const char *type;
	const char *payload;
	const char *answer;
};

#define ATTACHED(x) "{'chatId':'bob','attachments':[" x "]}"
#define GOOD_ATTACHMENT "{'type':'file','id':'1','filename':'f','url':'u'}"
#define A_CALL(fields) "{'chatId':'bob'," fields "}"

static const struct refusal refusals[] = {
	/* chatId */
	{ "new", NULL, "!bad_payload chatId" },
	{ "new", "{'message':'x'}", "!bad_payload chatId" },
	{ "new", "{'chatId':5,'message':'x'}", "!bad_payload chatId" },
	{ "new", "{'chatId':null,'message':'x'}", "!bad_payload chatId" },
	{ "new", "{'chatId':'','message':'x'}", "!bad_payload chatId" },
	{ "new", "{'chatId':'bob\\u0000','message':'x'}", "!bad_payload chatId" },
	{ "new", "{'chatId':'bob','message':'x\\u0000y'}", "!bad_payload message" },
	{ "new", "{'chatId':'a\\u001fb','message':'x'}", "!bad_payload chatId" },
	{ "new", "{'chatId':'a\\u0085b','message':'x'}", "!bad_payload chatId" },
	{ "new", "{'chatId':'grp_1','message':'x'}", "!not_found" },
	{ "edit", "{}", "!bad_payload chatId" },
	{ "delete", "{'chatId':[],'messageId':1}", "!bad_payload chatId" },
	{ "dlvrd", "{'chatId':{}}", "!bad_payload chatId" },
	{ "read", "{'chatId':true}", "!bad_payload chatId" },
	{ "call", "{}", "!bad_payload chatId" },
	{ "messages", "{}", "!bad_payload chatId" },
	{ "messages", "{'chatId':'grp_1'}", "!not_found" },
	{ "chat", "{}", "!bad_payload chatId" },
	/* text */
	{ "new", "{'chatId':'bob'}", "!bad_payload message" },
	{ "new", "{'chatId':'bob','message':''}", "!bad_payload message" },
	{ "new", "{'chatId':'bob','message':'','attachments':[]}", "!bad_payload message" },
	{ "new", "{'chatId':'bob','message':5}", "!bad_payload message" },
	{ "new", "{'chatId':'bob','message':null}", "!bad_payload message" },
	{ "edit", "{'chatId':'bob','originalMessageId':1}", "!bad_payload message" },
	{ "edit", "{'chatId':'bob','originalMessageId':1,'message':''}", "!bad_payload message" },
	/* ids */
	{ "new", "{'chatId':'bob','message':'x','clientMessageId':''}",
	  "!bad_payload clientMessageId" },
	{ "new", "{'chatId':'bob','message':'x','clientMessageId':1}",
	  "!bad_payload clientMessageId" },
	{ "new", "{'chatId':'bob','message':'x','clientMessageId':'a\\u0000b'}",
	  "!bad_payload clientMessageId" },
	{ "new", "{'chatId':'bob','message':'x','replyTo':'1'}", "!bad_payload replyTo" },
	{ "new", "{'chatId':'bob','message':'x','replyTo':0}", "!bad_payload replyTo" },
	{ "new", "{'chatId':'bob','message':'x','replyTo':-1}", "!bad_payload replyTo" },
	{ "new", "{'chatId':'bob','message':'x','replyTo':1.0}", "!bad_payload replyTo" },
	{ "new", "{'chatId':'bob','message':'x','replyTo':1e0}", "!bad_payload replyTo" },
	{ "new", "{'chatId':'bob','message':'x','replyTo':9007199254740993}",
	  "!bad_payload replyTo" },
	{ "new", "{'chatId':'bob','message':'x','replyTo':18446744073709551617}",
	  "!bad_payload replyTo" },
	{ "new", "{'chatId':'bob','message':'x','replyTo':9007199254740992}", "!not_found" },
	{ "edit", "{'chatId':'bob','message':'x'}", "!bad_payload originalMessageId" },
	{ "edit", "{'chatId':'bob','message':'x','messageId':1}",
	  "!bad_payload originalMessageId" },
	{ "edit", "{'chatId':'bob','message':'x','originalMessageId':'1'}",
	  "!bad_payload originalMessageId" },
	{ "edit", "{'chatId':'bob','message':'x','originalClientMessageId':7}",
	  "!bad_payload originalClientMessageId" },
	{ "edit",
	  "{'chatId':'bob','message':'x','originalMessageId':1,'originalClientMessageId':''}",
	  "!bad_payload originalClientMessageId" },
	{ "delete", "{'chatId':'bob'}", "!bad_payload originalMessageId" },
	{ "delete", "{'chatId':'bob','messageId':1.5}", "!bad_payload messageId" },
	{ "delete", "{'chatId':'bob','messageId':1,'for':'you'}", "!bad_payload for" },
	{ "delete", "{'chatId':'bob','messageId':1,'for':true}", "!bad_payload for" },
	{ "dlvrd", "{'chatId':'bob','messageId':'1'}", "!bad_payload messageId" },
	{ "read", "{'chatId':'bob','messageId':0}", "!bad_payload messageId" },
	/* forwardedFrom */
	{ "new", "{'chatId':'bob','message':'x','forwardedFrom':'carol'}",
	  "!bad_payload forwardedFrom" },
	{ "new", "{'chatId':'bob','message':'x','forwardedFrom':{'messageId':1}}",
	  "!bad_payload forwardedFrom.chatId" },
	{ "new", "{'chatId':'bob','message':'x','forwardedFrom':{'chatId':'carol'}}",
	  "!bad_payload forwardedFrom.messageId" },
	{ "new", "{'chatId':'bob','message':'x','forwardedFrom':{'chatId':'carol','messageId':1}}",
	  "!not_found" },
	{ "new", "{'chatId':'bob','message':'x','forwardedFrom':{'chatId':'grp_1','messageId':1}}",
	  "!not_found" },
	/* attachments */
	{ "new", "{'chatId':'bob','attachments':{}}", "!bad_payload attachments" },
	{ "new", ATTACHED(GOOD_ATTACHMENT "," GOOD_ATTACHMENT "," GOOD_ATTACHMENT),
	  "!bad_payload attachments" },
	{ "new", ATTACHED("5"), "!bad_payload attachments[0]" },
	{ "new", ATTACHED(GOOD_ATTACHMENT ",null"), "!bad_payload attachments[1]" },
	{ "new", ATTACHED("{'id':'1','filename':'f','url':'u'}"),
	  "!bad_payload attachments[0].type" },
	{ "new", ATTACHED("{'type':'gif','id':'1','filename':'f','url':'u'}"),
	  "!bad_payload attachments[0].type" },
	{ "new", ATTACHED(GOOD_ATTACHMENT ",{'type':'file','id':1,'filename':'f','url':'u'}"),
	  "!bad_payload attachments[1].id" },
	{ "new", ATTACHED("{'type':'file','id':'1','filename':'','url':'u'}"),
	  "!bad_payload attachments[0].filename" },
	{ "new", ATTACHED("{'type':'file','id':'1','filename':'f'}"),
	  "!bad_payload attachments[0].url" },
	{ "new", ATTACHED("{'type':'file','id':'1','filename':'f','url':'u\\u0000'}"),
	  "!bad_payload attachments[0].url" },
	{ "new", ATTACHED("{'type':'file','id':'1','filename':'f','url':'u','size':-1}"),
	  "!bad_payload attachments[0].size" },
	{ "new", ATTACHED("{'type':'file','id':'1','filename':'f','url':'u','size':2.5}"),
	  "!bad_payload attachments[0].size" },
	{ "new", ATTACHED("{'type':'file','id':'1','filename':'f','url':'u','meta':[]}"),
	  "!bad_payload attachments[0].meta" },
	/* call */
	{ "call", A_CALL("'caller':'bob','callType':'audio','callDuration':1"),
	  "!bad_payload callId" },
	{ "call", A_CALL("'callId':'k','callType':'audio','callDuration':1"),
	  "!bad_payload caller" },
	{ "call", A_CALL("'callId':'k','caller':'carol','callType':'audio','callDuration':1"),
	  "!bad_payload caller" },
	{ "call", A_CALL("'callId':'k','caller':'bob','callType':'smell','callDuration':1"),
	  "!bad_payload callType" },
	{ "call", A_CALL("'callId':'k','caller':'bob','callType':'audio'"),
	  "!bad_payload callDuration" },
	{ "call", A_CALL("'callId':'k','caller':'bob','callType':'audio','callDuration':-1"),
	  "!bad_payload callDuration" },
	{ "call",
	  A_CALL("'callId':'k','caller':'bob','callType':'audio','callDuration':1,"
		 "'participants':'bob'"),
	  "!bad_payload participants" },
	{ "call",
	  A_CALL("'callId':'k','caller':'bob','callType':'audio','callDuration':1,"
		 "'participants':['bob','carol']"),
	  "!bad_payload participants[1]" },
	{ "call",
	  A_CALL("'callId':'k','caller':'bob','callType':'audio','callDuration':1,"
		 "'participants':[null]"),
	  "!bad_payload participants[0]" },
	{ "call",
	  A_CALL("'callId':'k','caller':'bob','callType':'audio','callDuration':1,"
		 "'participants':['bob','bob','bob']"),
	  "!bad_payload participants" },
	/* history */
	{ "messages", "{'chatId':'bob','startId':1,'endId':2}", "!bad_payload endId" },
	{ "messages", "{'chatId':'bob','startId':0}", "!bad_payload startId" },
	{ "messages", "{'chatId':'bob','endId':'1'}", "!bad_payload endId" },
	{ "messages", "{'chatId':'bob','count':0}", "!bad_payload count" },
	{ "messages", "{'chatId':'bob','count':501}", "!bad_payload count" },
	{ "chats", "{'after':''}", "!bad_payload after" },
	{ "chats", "{'count':'all'}", "!bad_payload count" },
	{ "chat", "{'chatId':'bob'}", "!not_found" },
	/* what is not there */
	{ "edit", "{'chatId':'bob','originalMessageId':1,'message':'x'}", "!not_found" },
	{ "edit", "{'chatId':'bob','originalClientMessageId':'c','message':'x'}", "!not_found" },
	{ "delete", "{'chatId':'bob','messageId':1}", "!not_found" },
	{ "delete", "{'chatId':'bob','messageId':1,'for':'me'}", "!not_found" },
	{ "dlvrd", "{'chatId':'bob'}", "!not_found" },
	{ "read", "{'chatId':'bob','messageId':1}", "!not_found" },
};

static void test_refusals(void)
{
	size_t i;

	world_begin("{\"max_attachments\":2}");
	world_connect(&alice_laptop);
	for (i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		const struct refusal *r = &refusals[i];
		ASK(&alice, r->type, r->payload, r->answer);
	}
	EVENTS(&alice_laptop, "");
	EVENTS(&bob, "");
	EVENTS(&carol, "");
	ASK(&alice, "chats", NULL, "{'chats':[],'hasMore':false}");
	ASK(&bob, "chats", "{}", "{'chats':[],'hasMore':false}");
	world_end();
}

/* `before`, n times x, `after`. The caller frees it. */
static char *filled(const char *before, size_t n, const char *after)
{
	size_t head = strlen(before), tail = strlen(after) + 1;
	char *text = malloc(head + n + tail);

	memcpy(text, before, head);
	memset(text + head, 'x', n);
	memcpy(text + head + n, after, tail);
	return text;
}

static void ask_filled(const char *before, size_t n, const char *after, const char *answer)
{
	char *payload = filled(before, n, after);

	ASK(&alice, "new", payload, answer);
	free(payload);
}

/* The longest of each passes, one byte more does not. */
static void test_lengths(void)
{
	world_begin("{\"max_text\":1000}");
	ask_filled("{'chatId':'bob','message':'", 1000, "'}", "{'messageId':1,'timestamp':@0}");
	ask_filled("{'chatId':'bob','message':'", 1001, "'}", "!too_large");
	ask_filled("{'message':'m','chatId':'", 128, "'}", "{'messageId':1,'timestamp':@0}");
	ask_filled("{'message':'m','chatId':'", 129, "'}", "!bad_payload chatId");
	ask_filled("{'chatId':'bob','message':'m','clientMessageId':'", 129, "'}",
		   "!bad_payload clientMessageId");
	ask_filled("{'chatId':'bob','attachments':[{'type':'file','id':'1','filename':'f','url':'",
		   4096, "'}]}", "{'messageId':2,'timestamp':@0}");
	ask_filled("{'chatId':'bob','attachments':[{'type':'file','id':'1','filename':'f','url':'",
		   4097, "'}]}", "!bad_payload attachments[0].url");
	ask_filled("{'chatId':'bob','attachments':[{'type':'file','id':'1','url':'u','filename':'",
		   1025, "'}]}", "!bad_payload attachments[0].filename");
	ask_filled("{'chatId':'bob','attachments':[{'type':'file','id':'1','filename':'f',"
		   "'url':'u','meta':{'m':'",
		   8192 - 8, "'}}]}", "{'messageId':3,'timestamp':@0}");
	ask_filled("{'chatId':'bob','attachments':[{'type':'file','id':'1','filename':'f',"
		   "'url':'u','meta':{'m':'",
		   8193 - 8, "'}}]}", "!bad_payload attachments[0].meta");
	world_end();
}

/* A refusal leaves nothing behind for the next message: the attachments that were
 * read before the bad one. */
static void test_nothing_is_left_of_a_refusal(void)
{
	world_begin(NULL);
	ASK(&alice, "new", ATTACHED(GOOD_ATTACHMENT ",5"), "!bad_payload attachments[1]");
	ASK(&alice, "new", ATTACHED(GOOD_ATTACHMENT), "{'messageId':1,'timestamp':@0}");
	EVENTS(&bob, "new {'chatId':'alice','sender':'alice','messageId':1,"
		     "'attachments':[" GOOD_ATTACHMENT "],'timestamp':@0,'missed':1}\n");
	world_end();
}

const struct unit_test refusal_tests[] = {
	{ "refusals", test_refusals },
	{ "lengths", test_lengths },
	{ "nothing is left of a refusal", test_nothing_is_left_of_a_refusal },
	{ NULL, NULL },
};
