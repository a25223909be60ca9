/* SPDX-License-Identifier: BSD-2-Clause */
/* What a step means for a call, and the document of a call: decide.c and record.c of the
 * calls plugin, which are pure but for who is connected. */
#include <string.h>

#include "plugins/calls/record.h"
#include "plugins/calls/step.h"
#include "unit.h"

#define BEGUN UINT64_C(1000000)

static const char *connected; /* the one user who is */

static unsigned user_sessions(struct par_plugin *self, struct par_str user)
{
	(void)self;
	return connected != NULL && par_str_equal(user, par_str_of(connected)) ? 1 : 0;
}

static const struct par_api api = { .user_sessions = user_sessions };
static struct calls calls = { .api = &api, .max_participants = 3 };
static struct person caller = { .called = 1 };

/* Decides for the document, which becomes the one that the step would store. */
static struct step try(enum step_kind kind, const char *user, struct json_object **doc,
		       uint64_t now, uint64_t since)
{
	struct step step = { .calls = &calls, .kind = kind, .since = since, .caller = &caller };

	step.chat.user = par_str_of(user);
	step.chat.key = step.chat.peer = par_str_of("grp_1");
	step.call_id = par_str_of("c1");
	step.type = par_str_of("audio");
	step_decide(&step, *doc, now);
	if (step.way == WAY_WRITE) {
		json_object_put(*doc);
		*doc = json_object_get(step.doc);
	}
	json_object_put(step.doc);
	step.doc = NULL;
	return step;
}

static struct json_object *begun(void)
{
	struct json_object *doc = NULL;

	CU_ASSERT_EQUAL(try(STEP_NEW, "alice", &doc, BEGUN, 0).way, WAY_WRITE);
	CU_ASSERT_PTR_NOT_NULL_FATAL(doc);
	return doc;
}

static void one_call_a_chat(void)
{
	struct json_object *doc = begun(), *none = NULL;
	struct step step = try(STEP_NEW, "bob", &doc, BEGUN + 1, 0);

	CU_ASSERT_EQUAL(step.way, WAY_REFUSE);
	CU_ASSERT_EQUAL(step.error, PAR_E_CONFLICT);
	CU_ASSERT_EQUAL(try(STEP_NEW, "alice", &doc, BEGUN + 1, 0).way, WAY_NOTHING);
	/* who has as many as he may is answered again, and no more */
	caller.called = CALLS_OF_ONE + 1;
	CU_ASSERT_EQUAL(try(STEP_NEW, "alice", &doc, BEGUN + 1, 0).way, WAY_NOTHING);
	CU_ASSERT_EQUAL(try(STEP_NEW, "alice", &none, BEGUN + 1, 0).error, PAR_E_FORBIDDEN);
	caller.called = 1;
	json_object_put(doc);
}

static void the_duration_counts_from_the_first_who_joins(void)
{
	struct json_object *doc = begun();
	struct step step;

	CU_ASSERT_EQUAL(try(STEP_JOIN, "bob", &doc, BEGUN + 3000, 0).way, WAY_WRITE);
	CU_ASSERT_EQUAL(try(STEP_JOIN, "bob", &doc, BEGUN + 4000, 0).way, WAY_NOTHING);
	CU_ASSERT_EQUAL(try(STEP_JOIN, "carol", &doc, BEGUN + 5000, 0).way, WAY_WRITE);
	CU_ASSERT_EQUAL(record_number(doc, "joinedAt"), BEGUN + 3000);
	step = try(STEP_JOIN, "dave", &doc, BEGUN + 6000, 0);
	CU_ASSERT_EQUAL(step.error, PAR_E_TOO_LARGE);
	CU_ASSERT_EQUAL(try(STEP_LEAVE, "bob", &doc, BEGUN + 7000, 0).way, WAY_WRITE);
	CU_ASSERT_EQUAL(try(STEP_LEAVE, "bob", &doc, BEGUN + 7000, 0).way, WAY_NOTHING);
	CU_ASSERT_EQUAL(try(STEP_LEAVE, "dave", &doc, BEGUN + 7000, 0).error, PAR_E_NOT_FOUND);
	CU_ASSERT_EQUAL(try(STEP_CLOSE, "bob", &doc, BEGUN + 7000, 0).error, PAR_E_FORBIDDEN);
	CU_ASSERT_EQUAL(try(STEP_LEAVE, "alice", &doc, BEGUN + 8000, 0).way, WAY_WRITE);
	step = try(STEP_LEAVE, "carol", &doc, BEGUN + 12999, 0);
	CU_ASSERT_EQUAL(step.way, WAY_CLOSE);
	CU_ASSERT_EQUAL(step.duration, 9);
	json_object_put(doc);
}

static void ringing_ends_a_call_that_nobody_joined(void)
{
	struct json_object *doc = begun();
	struct step step = try(STEP_RING, "alice", &doc, BEGUN + 45000, 0);

	CU_ASSERT_EQUAL(step.way, WAY_CLOSE);
	CU_ASSERT_EQUAL(step.duration, 0);
	try(STEP_JOIN, "bob", &doc, BEGUN + 3000, 0);
	CU_ASSERT_EQUAL(try(STEP_RING, "alice", &doc, BEGUN + 45000, 0).way, WAY_NOTHING);
	json_object_put(doc);
}

static void who_does_not_come_back_left_when_he_went(void)
{
	struct json_object *doc = begun();
	struct step step;

	try(STEP_JOIN, "bob", &doc, BEGUN + 1000, 0);
	connected = "bob"; /* came back here */
	CU_ASSERT_EQUAL(try(STEP_GONE, "bob", &doc, BEGUN + 9000, BEGUN + 5000).way, WAY_NOTHING);
	CU_ASSERT_EQUAL(try(STEP_BEAT, "alice", &doc, BEGUN + 7000, 0).way, WAY_WRITE);
	connected = NULL; /* came back at another server, which wrote it down */
	CU_ASSERT_EQUAL(try(STEP_GONE, "bob", &doc, BEGUN + 9000, BEGUN + 5000).way, WAY_NOTHING);
	CU_ASSERT_EQUAL(try(STEP_BEAT, "alice", &doc, BEGUN + 7000, 0).way, WAY_NOTHING);
	CU_ASSERT_EQUAL(try(STEP_GONE, "bob", &doc, BEGUN + 9000, BEGUN + 7000).way, WAY_WRITE);
	step = try(STEP_GONE, "alice", &doc, BEGUN + 60000, BEGUN + 8000);
	CU_ASSERT_EQUAL(step.way, WAY_CLOSE);
	CU_ASSERT_EQUAL(step.duration, 7);
	json_object_put(doc);
}

#define TELLER(name) CU_ASSERT(par_str_equal(roster_teller(&step), par_str_of(name)))

static void who_is_in_the_group_stands_for_who_is_not(void)
{
	struct step step = { .calls = &calls, .kind = STEP_ROSTER };
	struct json_object *doc = begun();

	try(STEP_JOIN, "carol", &doc, BEGUN + 1000, 0);
	try(STEP_JOIN, "bob", &doc, BEGUN + 1000, 0);
	try(STEP_LEAVE, "carol", &doc, BEGUN + 2000, 0);
	step.doc = doc;
	step.chat.user = par_str_of("dave");
	TELLER("dave"); /* nothing else was heard */
	roster_begin(&step, doc);
	CU_ASSERT_FALSE(roster_has(&step, par_str_of("alice")));
	CU_ASSERT(roster_has(&step, par_str_of("erin"))); /* who joined since is one */
	roster_note(&step, par_str_of("zoe"));
	TELLER("zoe");
	roster_note(&step, par_str_of("carol"));
	TELLER("carol");
	roster_note(&step, par_str_of("bob"));
	TELLER("bob");
	CU_ASSERT(par_str_equal(roster_out(&step), par_str_of("alice")));
	roster_note(&step, par_str_of("alice"));
	TELLER("alice");
	CU_ASSERT_PTR_NULL(roster_out(&step).s);
	roster_note(&step, par_str_of("dave"));
	TELLER("dave");
	roster_forget(&step);
	json_object_put(doc);
}

static void another_call_is_not_this_one(void)
{
	struct json_object *doc = begun(), *none = NULL;

	json_object_object_add(doc, "callId", json_object_new_string("c2"));
	CU_ASSERT_EQUAL(try(STEP_JOIN, "bob", &doc, BEGUN, 0).error, PAR_E_NOT_FOUND);
	CU_ASSERT_EQUAL(try(STEP_CLOSE, "alice", &none, BEGUN, 0).error, PAR_E_NOT_FOUND);
	json_object_put(doc);
}

static void a_document_that_is_none_is_not_read(void)
{
	static const char *const texts[] = { "", "{", "[]", "7", "{\"callId\":\"c1\"}" };
	struct json_object *doc = begun(), *again;
	size_t i;

	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		CU_ASSERT_PTR_NULL(record_parse(par_str_of(texts[i])));
	again = record_parse(record_text(doc));
	CU_ASSERT_PTR_NOT_NULL_FATAL(again);
	CU_ASSERT(par_str_equal(record_text(again), record_text(doc)));
	json_object_put(again);
	json_object_put(doc);
}

int main(void)
{
	static const struct unit_test tests[] = {
		{ "one call a chat", one_call_a_chat },
		{ "the duration counts from the first who joins",
		  the_duration_counts_from_the_first_who_joins },
		{ "ringing ends a call that nobody joined",
		  ringing_ends_a_call_that_nobody_joined },
		{ "who does not come back left when he went",
		  who_does_not_come_back_left_when_he_went },
		{ "who is in the group stands for who is not",
		  who_is_in_the_group_stands_for_who_is_not },
		{ "another call is not this one", another_call_is_not_this_one },
		{ "a document that is none is not read", a_document_that_is_none_is_not_read },
		{ NULL, NULL },
	};

	return unit_main("calls", tests);
}
