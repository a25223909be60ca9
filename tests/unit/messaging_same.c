/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * plugins/messaging: what counts as the same request, when it is sent again under
 * the same clientMessageId, and what is a conflict. Fingerprints decide it.
 */
#include "messaging_world.h"

#include <stdio.h>

#define FULL \
	"'chatId':'bob','clientMessageId':'c1','message':'a/\\u00e9','replyTo':1," \
	"'forwardedFrom':{'chatId':'carol','messageId':7}"
#define PICTURE(meta) \
	"'attachments':[{'type':'image','id':'i','filename':'f','url':'u','size':5," \
	"'meta':" meta "}]"
#define META "{'w':800,'h':600,'tags':['x',{'p':1.50,'q':null}],'ok':true}"

/* bob wrote 1, alice answered with all that a message can have. */
static void full_message(void)
{
	world_begin(NULL);
	world_write(&alice, "carol", 7);
	ASK(&bob, "new", "{'chatId':'alice','message':'0'}", "{'messageId':1,'timestamp':@0}");
	ASK(&alice, "new", "{" FULL "," PICTURE(META) "}",
	    "{'messageId':2,'timestamp':@0,'clientMessageId':'c1'}");
	bob.seq = 2;
	alice.seq = 1;
	world_tick();
}

/* How it is written down is not what it says. */
static void test_same_content(void)
{
	static const char *const same[] = {
		"{" FULL "," PICTURE(META) "}",
		/* members in another order, at every depth */
		"{" PICTURE(META) "," FULL "}",
		"{" FULL
		"," PICTURE("{'tags':['x',{'q':null,'p':1.50}],'ok':true,'h':600,'w':800}") "}",
		"{'attachments':[{'meta':" META ",'size':5,'url':'u','filename':'f','id':'i',"
		"'type':'image'}],'forwardedFrom':{'messageId':7,'chatId':'carol'},'replyTo':1,"
		"'message':'a/\\u00e9','clientMessageId':'c1','chatId':'bob'}",
		/* white space and escapes */
		" {\n\t" FULL " ,\r\n" PICTURE(" { 'w' : 800 , 'h':600,'tags':[ 'x',{'p':1.50,"
					       "'q':null}],'ok':true } ") " }",
		"{'chatId':'\\u0062ob','clientMessageId':'c\\u0031','message':'\\u0061\\/\xc3\xa9',"
		"'replyTo':1,'forwardedFrom':{'chatId':'carol','messageId':7}," PICTURE(META) "}",
		/* what the protocol does not name, everywhere but in meta */
		"{'later':{'x':[1]}," FULL "," PICTURE(META) "}",
		"{'chatId':'bob','clientMessageId':'c1','message':'a/\\u00e9','replyTo':1,"
		"'forwardedFrom':{'chatId':'carol','messageId':7,'name':'Carol'}," PICTURE(
		    META) "}",
		"{" FULL ",'attachments':[{'x':1,'type':'image','id':'i','filename':'f','url':'u',"
		"'size':5,'meta':" META "}]}",
	};
	size_t i;

	full_message();
	for (i = 0; i < sizeof(same) / sizeof(same[0]); i++)
		ASK(i % 2 == 0 ? &alice : &alice_laptop, "new", same[i],
		    "{'messageId':2,'timestamp':@0,'clientMessageId':'c1'}");
	EVENTS(&alice, "");
	EVENTS(&bob, "");
	CU_ASSERT_EQUAL(host_metric(world_host(), "messaging", "repeated_total"), (int64_t)i);
	world_end();
}

/* Whatever differs makes it another message. */
static void test_other_content(void)
{
	static const char *const others[] = {
		"{" FULL "}",
		"{" FULL ",'attachments':[]}",
		"{" FULL "," PICTURE("{}") "}",
		/* in meta everything counts: another value, another type, another place */
		"{" FULL
		"," PICTURE("{'w':600,'h':800,'tags':['x',{'p':1.50,'q':null}],'ok':true}") "}",
		"{" FULL
		"," PICTURE("{'w':800,'h':600,'tags':['x',{'p':1.5,'q':null}],'ok':true}") "}",
		"{" FULL "," PICTURE("{'w':800,'h':600,'tags':['x',{'p':1.50}],'ok':true}") "}",
		"{" FULL
		"," PICTURE("{'w':800,'h':600,'tags':['x',{'p':1.50,'q':0}],'ok':true}") "}",
		"{" FULL
		"," PICTURE("{'w':800,'h':600,'tags':[{'p':1.50,'q':null},'x'],'ok':true}") "}",
		"{" FULL
		"," PICTURE("{'w':800,'h':600,'tags':['x',{'p':1.50,'q':null}],'ok':false}") "}",
		"{" FULL "," PICTURE("{'w':'800','h':600,'tags':['x',{'p':1.50,'q':null}],"
				     "'ok':true}") "}",
		"{" FULL
		"," PICTURE("{'W':800,'h':600,'tags':['x',{'p':1.50,'q':null}],'ok':true}") "}",
		"{" FULL
		",'attachments':[{'type':'file','id':'i','filename':'f','url':'u','size':5,"
		"'meta':" META "}]}",
		"{" FULL ",'attachments':[{'type':'image','id':'i','filename':'f','url':'u',"
		"'meta':" META "}]}",
		"{" FULL
		",'attachments':[{'type':'image','id':'f','filename':'i','url':'u','size':5,"
		"'meta':" META "}]}",
		/* the other fields */
		"{'chatId':'bob','clientMessageId':'c1'," PICTURE(META) "}",
		"{'chatId':'bob','clientMessageId':'c1','message':''," PICTURE(META) "}",
		"{'chatId':'bob','clientMessageId':'c1','message':'A/\\u00e9','replyTo':1,"
		"'forwardedFrom':{'chatId':'carol','messageId':7}," PICTURE(META) "}",
		/* the same letter in two characters */
		"{'chatId':'bob','clientMessageId':'c1','message':'a/e\\u0301','replyTo':1,"
		"'forwardedFrom':{'chatId':'carol','messageId':7}," PICTURE(META) "}",
		"{'chatId':'bob','clientMessageId':'c1','message':'a/\\u00e9 ','replyTo':1,"
		"'forwardedFrom':{'chatId':'carol','messageId':7}," PICTURE(META) "}",
		"{'chatId':'bob','clientMessageId':'c1','message':'a/\\u00e9','replyTo':7,"
		"'forwardedFrom':{'chatId':'carol','messageId':1}," PICTURE(META) "}",
		"{'chatId':'bob','clientMessageId':'c1','message':'a/\\u00e9','replyTo':1,"
		"'forwardedFrom':{'chatId':'bob','messageId':7}," PICTURE(META) "}",
		"{'chatId':'bob','clientMessageId':'c1','message':'a/\\u00e9','replyTo':1," PICTURE(
		    META) "}",
	};
	size_t i;

	full_message();
	for (i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		ASK(&alice, "new", others[i], "!conflict");
	/* null is no value, sent again or not */
	ASK(&alice, "new",
	    "{'chatId':'bob','clientMessageId':'c1','message':'a/\\u00e9','replyTo':null}",
	    "!bad_payload replyTo");
	EVENTS(&alice, "");
	EVENTS(&bob, "");
	ASK(&alice, "messages", "{'chatId':'bob','startId':3}", "{'messages':[],'hasMore':false}");
	ASK(&alice, "new", "{" FULL "," PICTURE(META) "}",
	    "{'messageId':2,'timestamp':@0,'clientMessageId':'c1'}");
	world_end();
}

static struct par_storage_role spied, spy;
static uint64_t seen;

/* That what is forwarded is not there does not matter here. */
static void spy_submit(void *state, struct par_tx *tx)
{
	struct par_op *op = &tx->ops[0];

	if (op->kind == PAR_OP_APPEND)
		op->u.append.forward_id = 0;
	seen = op->kind == PAR_OP_APPEND ? op->u.append.fingerprint : op->u.change.fingerprint;
	spied.submit(state, tx);
}

/* Fingerprints are stored: a server that makes others of the same request takes
 * one that is sent again after an upgrade for a conflict. So never change a value
 * here. A request that got more fields gets more rows. */
static void test_fingerprints_never_change(void)
{
	static const struct {
		const char *type;
		const char *payload;
		const char *answer;
		uint64_t print;
	} rows[] = {
		{ "new", "{'chatId':'bob','clientMessageId':'1','message':'longer than a word'}",
		  "{'messageId':1,'timestamp':@0,'clientMessageId':'1'}",
		  UINT64_C(0x82a7649e5fb6cff3) },
		{ "new",
		  "{'chatId':'bob','clientMessageId':'2','message':'','replyTo':1,'forwardedFrom':"
		  "{'chatId':'carol','messageId':9007199254740992}," PICTURE("{}") "}",
		  "{'messageId':2,'timestamp':@0,'clientMessageId':'2'}",
		  UINT64_C(0xe3e6003a66809973) },
		{ "new",
		  "{'chatId':'bob','clientMessageId':'3'," PICTURE(
		      "{'a':null,'b':[true,false,[]],'c':{'':-1},'d':1e2,'e':'\\u0000',"
		      "'g':-9223372036854775808}") "}",
		  "{'messageId':3,'timestamp':@0,'clientMessageId':'3'}",
		  UINT64_C(0x79e19985c7bd626b) },
		{ "edit",
		  "{'chatId':'bob','clientMessageId':'4','originalMessageId':1,"
		  "'originalClientMessageId':'1','message':'shorter','attachments':[]}",
		  "{'messageId':4,'timestamp':@0,'clientMessageId':'4'}",
		  UINT64_C(0x467496e2506deb04) },
		{ "delete", "{'chatId':'bob','clientMessageId':'5','originalMessageId':1}",
		  "{'messageId':5,'timestamp':@0,'clientMessageId':'5'}",
		  UINT64_C(0x1473dc244b955fd4) },
		{ "delete", "{'chatId':'bob','clientMessageId':'6','messageId':2}",
		  "{'messageId':6,'timestamp':@0,'clientMessageId':'6'}",
		  UINT64_C(0xd52b2a2d597b4a2e) },
		{ "delete", "{'chatId':'bob','clientMessageId':'7','originalClientMessageId':'3'}",
		  "{'messageId':7,'timestamp':@0,'clientMessageId':'7'}",
		  UINT64_C(0x25ba8ec1e2d8e114) },
		{ "call",
		  "{'chatId':'bob','callId':'k1','caller':'alice','callType':'audio','callDuration'"
		  ":5,"
		  "'participants':['bob','alice']}",
		  "{'messageId':8,'timestamp':@0}", UINT64_C(0x35fe5011ac1aa73f) },
	};
	size_t i;

	world_begin(NULL);
	spied = spy = *world_host()->storage;
	spy.submit = spy_submit;
	world_host()->storage = &spy;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ASK(&alice, rows[i].type, rows[i].payload, rows[i].answer);
		CU_ASSERT_EQUAL(seen, rows[i].print);
		if (seen != rows[i].print)
			fprintf(stderr, "row %d: UINT64_C(0x%016llx)\n", (int)i,
				(unsigned long long)seen);
	}
	world_end();
}

const struct unit_test same_tests[] = {
	{ "same content", test_same_content },
	{ "other content", test_other_content },
	{ "fingerprints never change", test_fingerprints_never_change },
	{ NULL, NULL },
};
