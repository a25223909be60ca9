/* SPDX-License-Identifier: BSD-2-Clause */
/* Rules of one EVENT to many. */
#include <string.h>

#include "words.h"

#define GROUP "grp_g"

/* An APPEND and its event to all, as messaging does it. */
static struct par_tx *message_tx(const char *user, const char *client_id)
{
	struct par_tx *tx = store_tx(&store);
	struct par_op *op;

	add_append(&store, tx, user, GROUP, client_id, "text");
	op = add_reach(&store, tx, PAR_REACH_MEMBERS, user, GROUP, "{\"id\":@00,\"c\":@10}");
	op->when = 0;
	op->u.event.missed = true;
	return tx;
}

void rule_reach_members(void)
{
	struct outcome *out;
	struct page *page;

	group_new("ann", GROUP, "bob cid");
	do_event(&store, "cid", "{\"n\":1}");
	out = store_run(&store, message_tx("ann", "c1"));
	NEED(out->error == PAR_OK);
	EXPECT(out->op[1].applied);
	/* ann has no other device: she is not told */
	EXPECT_TEXT(reached_missed_text(&out->op[1]), "bob:1/1 cid:2/1");
	EXPECT_TEXT(out->op[1].payload, "{\"id\":1,\"c\":\"c1\"}");
	EXPECT_TEXT(stream_text("bob", 0), "{\"id\":1,\"c\":\"c1\",\"missed\":1}");
	EXPECT_TEXT(stream_text("cid", 1), "{\"id\":1,\"c\":\"c1\",\"missed\":1}");
	EXPECT_TEXT(stream_text("ann", 0), "");
	page = ask_events(&store, "bob", "phone", 0);
	EXPECT_TEXT(page->events[0].type, "new");
	EXPECT(!page->events[0].origin);
	do_mark(&store, PAR_MARK_READ, "cid", GROUP, 0);
	out = store_run(&store, message_tx("bob", NULL));
	EXPECT_TEXT(reached_missed_text(&out->op[1]), "ann:1/1 cid:3/1");
	EXPECT_TEXT(out->op[1].payload, "{\"id\":2}");
	EXPECT_TEXT(stream_text("cid", 2), "{\"id\":2,\"missed\":1}");
	/* the same again is not applied, and nobody is told */
	out = store_run(&store, message_tx("ann", "c1"));
	EXPECT_EQ(out->op[0].id, 1);
	EXPECT(!out->op[1].applied);
	EXPECT_EQ(out->op[1].n_receivers, 0);
	EXPECT_TEXT(out->op[1].payload, NULL);
	EXPECT_TEXT(stream_text("bob", 1), "");
}

void rule_reach_without_missed(void)
{
	struct par_tx *tx;
	struct outcome *out;

	group_new("ann", GROUP, "bob cid");
	group_say("bob", GROUP, NULL);
	tx = store_tx(&store);
	add_reach(&store, tx, PAR_REACH_MEMBERS, "ann", GROUP, "{}")->u.event.but =
	    par_str_of("cid");
	add_reach(&store, tx, PAR_REACH_MEMBERS, "ann", GROUP, "[1]")->u.event.always = true;
	add_event(&store, tx, "cid", "{\"n\":3}");
	out = store_run(&store, tx);
	NEED(out->error == PAR_OK);
	EXPECT_TEXT(reached_text(&out->op[0]), "bob:1");
	EXPECT_TEXT(reached_text(&out->op[1]), "ann:1 bob:2 cid:1");
	EXPECT_TEXT(stream_text("bob", 0), "{} [1]");
	EXPECT_TEXT(stream_text("cid", 0), "[1] {\"n\":3}");
	EXPECT_TEXT(stream_text("ann", 0), "[1]");
	EXPECT_EQ(out->op[2].seq, 2);
	/* who is left out may be whoever; an event that reaches nobody is not applied */
	tx = store_tx(&store);
	add_reach(&store, tx, PAR_REACH_MEMBERS, "ann", GROUP, "{}")->u.event.but =
	    par_str_of("eve");
	group_new("dan", "grp_h", "eve");
	add_reach(&store, tx, PAR_REACH_MEMBERS, "dan", "grp_h", "{}")->u.event.but =
	    par_str_of("eve");
	out = store_run(&store, tx);
	EXPECT_TEXT(reached_text(&out->op[0]), "bob:3 cid:3");
	EXPECT(!out->op[1].applied);
	EXPECT_TEXT(out->op[1].payload, NULL);
}

void rule_reach_own_devices(void)
{
	struct page *page;
	struct par_tx *tx;
	struct outcome *out;

	group_new("ann", GROUP, "bob");
	ask_device(&store, "ann", "phone");
	ask_device(&store, "bob", "phone");
	tx = message_tx("ann", NULL);
	tx->ops[1].u.event.origin_device = par_str_of("phone");
	tx->ops[1].u.event.origin_session = 7;
	out = store_run(&store, tx);
	EXPECT_TEXT(reached_text(&out->op[1]), "bob:1");
	ask_device(&store, "ann", "laptop");
	tx = message_tx("ann", NULL);
	tx->ops[1].u.event.origin_device = par_str_of("phone");
	tx->ops[1].u.event.origin_session = 7;
	out = store_run(&store, tx);
	EXPECT_TEXT(reached_missed_text(&out->op[1]), "ann:1/0 bob:2/2");
	page = ask_events(&store, "ann", "phone", 0);
	NEED_EQ(page->n, 1);
	EXPECT(page->events[0].origin);
	EXPECT_EQ(page->events[0].origin_session, 7);
	EXPECT(!ask_events(&store, "ann", "laptop", 0)->events[0].origin);
	EXPECT(!ask_events(&store, "bob", "phone", 0)->events[1].origin);
	EXPECT_TEXT(stream_text("ann", 0), "{\"id\":2,\"missed\":0}");
}

void rule_reach_changed_and_others(void)
{
	static const char text[] = "{\"n\":@70,\"m\":@80,\"who\":@90,\"t\":@40}";
	struct par_tx *tx = store_tx(&store);
	struct outcome *out;
	const char *payload;

	add_roster(&store, tx, PAR_ROSTER_CREATE, "ann", GROUP, "cid bob");
	add_reach(&store, tx, PAR_REACH_CHANGED, "ann", GROUP, text);
	out = store_run(&store, tx);
	NEED(out->error == PAR_OK);
	payload = store_format(&store,
			       "{\"n\":\"name of " GROUP "\",\"m\":3,\"who\":[\"ann\",\"bob\","
			       "\"cid\"],\"t\":%llu}",
			       (unsigned long long)out->op[0].timestamp);
	EXPECT_TEXT(reached_text(&out->op[1]), "bob:1 cid:1");
	EXPECT_TEXT(out->op[1].payload, payload);
	EXPECT_TEXT(stream_text("cid", 0), payload);

	tx = store_tx(&store);
	add_roster(&store, tx, PAR_ROSTER_ADD, "ann", GROUP, "eve dan bob");
	add_reach(&store, tx, PAR_REACH_CHANGED, "ann", GROUP, "{\"who\":@90}");
	add_reach(&store, tx, PAR_REACH_OTHERS, "ann", GROUP, "{\"m\":@80}")->u.event.always = true;
	out = store_run(&store, tx);
	EXPECT_TEXT(reached_text(&out->op[1]), "dan:1 eve:1");
	EXPECT_TEXT(reached_text(&out->op[2]), "ann:1 bob:2 cid:2");
	EXPECT_TEXT(stream_text("eve", 0), "{\"who\":[\"dan\",\"eve\"]}");
	EXPECT_TEXT(stream_text("cid", 1), "{\"m\":5}");

	tx = store_tx(&store);
	add_roster(&store, tx, PAR_ROSTER_REMOVE, "ann", GROUP, "bob zed");
	add_reach(&store, tx, PAR_REACH_CHANGED, "ann", GROUP, "{\"gone\":@80}");
	add_reach(&store, tx, PAR_REACH_OTHERS, "ann", GROUP, "{\"gone\":@90}");
	add_reach(&store, tx, PAR_REACH_MEMBERS, "ann", GROUP, "{\"left\":@80}");
	out = store_run(&store, tx);
	EXPECT_TEXT(reached_text(&out->op[1]), "bob:3");
	EXPECT_TEXT(reached_text(&out->op[2]), "cid:3 dan:2 eve:2");
	EXPECT_TEXT(reached_text(&out->op[3]), "cid:4 dan:3 eve:3");
	EXPECT_TEXT(stream_text("bob", 2), "{\"gone\":4}");
	EXPECT_TEXT(stream_text("zed", 0), "");

	tx = store_tx(&store);
	add_roster(&store, tx, PAR_ROSTER_DELETE, "ann", GROUP, NULL);
	add_reach(&store, tx, PAR_REACH_CHANGED, "ann", GROUP, "{\"deleted\":@80}");
	add_reach(&store, tx, PAR_REACH_OTHERS, "ann", GROUP, "{}");
	out = store_run(&store, tx);
	EXPECT_TEXT(reached_text(&out->op[1]), "cid:5 dan:4 eve:4");
	EXPECT(!out->op[2].applied);
	EXPECT_TEXT(stream_text("dan", 3), "{\"deleted\":0}");
}

/* What the mark of `user` up to `upto` tells its authors. */
static const char *told_authors(const char *user, enum par_mark_kind kind, uint64_t upto)
{
	struct par_tx *tx = store_tx(&store);

	add_mark(&store, tx, kind, user, GROUP, upto);
	add_reach(&store, tx, PAR_REACH_AUTHORS, user, GROUP, "{\"id\":@00}")->when = 0;
	return reached_text(&store_run(&store, tx)->op[1]);
}

void rule_reach_authors(void)
{
	unsigned i;

	group_new("ann", GROUP, "bob cid dan");
	group_say("bob", GROUP, NULL);
	group_say("cid", GROUP, NULL);
	group_say("bob", GROUP, NULL);
	group_say("ann", GROUP, NULL);
	group_say("dan", GROUP, NULL);
	EXPECT_TEXT(told_authors("ann", PAR_MARK_DELIVERED, 3), "bob:1 cid:1");
	EXPECT_TEXT(told_authors("ann", PAR_MARK_DELIVERED, 2), "");
	EXPECT_TEXT(told_authors("ann", PAR_MARK_DELIVERED, 0), "dan:1");
	EXPECT_TEXT(stream_text("dan", 0), "{\"id\":5}");
	/* what was delivered is read for the first time */
	EXPECT_TEXT(told_authors("ann", PAR_MARK_READ, 1), "bob:2");
	EXPECT_TEXT(told_authors("ann", PAR_MARK_READ, 5), "bob:3 cid:2 dan:2");
	/* who has left is not told */
	do_roster(&store, PAR_ROSTER_LEAVE, "cid", GROUP, NULL);
	EXPECT_TEXT(told_authors("dan", PAR_MARK_READ, 0), "ann:1 bob:4");
	/* of many messages only the latest count */
	group_say("bob", GROUP, NULL);
	for (i = 0; i < PAR_AUTHORS_LOOK; i++)
		group_say("dan", GROUP, NULL);
	EXPECT_TEXT(told_authors("ann", PAR_MARK_READ, 0), "dan:3");
	group_say("bob", GROUP, NULL);
	for (i = 2; i < PAR_AUTHORS_LOOK; i++)
		group_say("ann", GROUP, NULL);
	group_say("dan", GROUP, NULL);
	EXPECT_TEXT(told_authors("ann", PAR_MARK_DELIVERED, 0), "bob:5 dan:4");
	group_say("ann", GROUP, NULL);
	group_say("dan", GROUP, NULL);
	EXPECT_TEXT(told_authors("ann", PAR_MARK_READ, 0), "dan:5");
}

/* Members of a group of 600, told in one event. */
void rule_reach_many(void)
{
	char users[8 * 600] = "";
	struct outcome *out;
	unsigned i;

	for (i = 1; i < 600; i++)
		sprintf(users + strlen(users), "%su%u", i == 1 ? "" : " ", 1000 + i);
	group_new("u1000", GROUP, users);
	group_say("u1005", GROUP, NULL);
	out = store_run(&store, message_tx("u1000", "c1"));
	NEED(out->error == PAR_OK);
	NEED_EQ(out->op[1].n_receivers, 599);
	for (i = 0; i < 599; i++) {
		const struct received *r = &out->op[1].receivers[i];
		EXPECT_EQ(r->seq, 1);
		EXPECT_EQ(r->missed, strcmp(r->user, "u1005") == 0 ? 1 : 2);
	}
	EXPECT_TEXT(stream_text("u1005", 0), "{\"id\":2,\"c\":\"c1\",\"missed\":1}");
	EXPECT_TEXT(stream_text("u1599", 0), "{\"id\":2,\"c\":\"c1\",\"missed\":2}");
}

void rule_reach_refused(void)
{
	const size_t large = PAR_JSON_LIMIT - 20;
	char *text = arena_alloc(&store.arena, large + 1);
	struct par_tx *tx;
	struct par_op *op;

	group_new("ann", GROUP, "bob");
	/* of who is not in it nobody gets anything, and what came before is undone */
	tx = store_tx(&store);
	add_doc(tx, PAR_OP_DOC_PUT, "p", "k", "v");
	add_event(&store, tx, "bob", "{}");
	add_reach(&store, tx, PAR_REACH_MEMBERS, "eve", GROUP, "{}");
	EXPECT_ERROR(store_run(&store, tx)->error, PAR_E_NOT_FOUND);
	tx = store_tx(&store);
	add_doc(tx, PAR_OP_DOC_PUT, "p", "k", "v");
	add_reach(&store, tx, PAR_REACH_MEMBERS, "ann", "grp_none", "{}");
	EXPECT_ERROR(store_run(&store, tx)->error, PAR_E_NOT_FOUND);
	tx = store_tx(&store);
	add_roster(&store, tx, PAR_ROSTER_LEAVE, "bob", GROUP, NULL);
	add_reach(&store, tx, PAR_REACH_MEMBERS, "bob", GROUP, "{}")->when = 0;
	EXPECT_ERROR(store_run(&store, tx)->error, PAR_E_NOT_FOUND);
	EXPECT_TEXT(ask_doc(&store, "p", "k"), NULL);
	EXPECT_TEXT(stream_text("bob", 0), "");
	EXPECT_TEXT(group_members("ann", GROUP), "ann=o bob=m");
	/* one that its count makes too large */
	memset(text, 'x', large);
	memcpy(text, "{\"t\":\"", 6);
	memcpy(text + large - 2, "\"}", 3);
	tx = store_tx(&store);
	add_append(&store, tx, "ann", GROUP, "c1", "text");
	op = add_reach(&store, tx, PAR_REACH_MEMBERS, "ann", GROUP, text);
	op->u.event.missed = true;
	add_event(&store, tx, "bob", "{}");
	if (store_run(&store, tx)->error == PAR_OK) {
		EXPECT_EQ(strlen(ask_events(&store, "bob", "", 0)->events[0].payload),
			  large + strlen(",\"missed\":1"));
		EXPECT_TEXT(stream_text("bob", 1), "{}");
	} else {
		EXPECT_TEXT(group_messages("ann", GROUP), "");
		EXPECT_TEXT(stream_text("bob", 0), "");
	}
}

/* An APPEND by ann, and its event to one member alone. */
static struct par_tx *tx_to_one(const char *client_id, const char *user, const char *group)
{
	struct par_tx *tx = store_tx(&store);
	struct par_op *op;

	add_append(&store, tx, "ann", GROUP, client_id, "text");
	op = add_event(&store, tx, user, "{\"id\":@00}");
	op->when = 0;
	op->u.event.chat = store_chat(&store, user, group);
	return tx;
}

void rule_reach_one_member(void)
{
	struct outcome *out;
	struct par_tx *tx;

	group_new("ann", GROUP, "bob cid");
	group_new("eve", "grp_h", "dan");
	out = store_run(&store, tx_to_one("c1", "bob", GROUP));
	NEED(out->error == PAR_OK);
	EXPECT(out->op[1].applied);
	EXPECT_EQ(out->op[1].seq, 1);
	EXPECT_TEXT(stream_text("bob", 0), "{\"id\":1}");
	EXPECT_TEXT(stream_text("cid", 0), "");
	EXPECT_ERROR(store_run(&store, tx_to_one("c2", "eve", GROUP))->error, PAR_E_NOT_FOUND);
	EXPECT_ERROR(store_run(&store, tx_to_one("c2", "fay", GROUP))->error, PAR_E_NOT_FOUND);
	EXPECT_ERROR(store_run(&store, tx_to_one("c2", "bob", "grp_h"))->error, PAR_E_NOT_FOUND);
	EXPECT_ERROR(store_run(&store, tx_to_one("c2", "bob", "grp_none"))->error, PAR_E_NOT_FOUND);
	EXPECT_TEXT(group_messages("ann", GROUP), "1");
	EXPECT_ERROR(store_run(&store, tx_to_one("c2", "dan", "grp_h"))->error, PAR_OK);
	EXPECT_TEXT(stream_text("dan", 0), "{\"id\":2}");
	/* what is his own is judged too where there is nothing to store */
	tx = tx_to_one("c3", "eve", GROUP);
	tx->ops[1].u.event.own = true;
	EXPECT_ERROR(store_run(&store, tx)->error, PAR_E_NOT_FOUND);
	tx = tx_to_one("c3", "cid", GROUP);
	tx->ops[1].u.event.own = true;
	out = store_run(&store, tx);
	EXPECT_ERROR(out->error, PAR_OK);
	EXPECT(out->op[0].applied && !out->op[1].applied);
	/* removed by the transaction itself */
	tx = store_tx(&store);
	add_roster(&store, tx, PAR_ROSTER_REMOVE, "ann", GROUP, "bob");
	add_event(&store, tx, "bob", "{}")->u.event.chat = store_chat(&store, "bob", GROUP);
	EXPECT_ERROR(store_run(&store, tx)->error, PAR_E_NOT_FOUND);
	EXPECT_TEXT(group_members("ann", GROUP), "ann=o bob=m cid=m");
	/* what was stored before is not judged again */
	do_roster(&store, PAR_ROSTER_REMOVE, "ann", GROUP, "bob");
	out = store_run(&store, tx_to_one("c1", "bob", GROUP));
	EXPECT_ERROR(out->error, PAR_OK);
	EXPECT_EQ(out->op[0].id, 1);
}

/* He who was removed gets that as his last event, whatever is on its way. */
void rule_reach_ends_with_the_removal(void)
{
	struct outcome *outs[3];
	struct par_tx *tx;

	group_new("ann", GROUP, "bob cid");
	outs[0] = store_submit(&store, message_tx("cid", NULL));
	tx = store_tx(&store);
	add_roster(&store, tx, PAR_ROSTER_REMOVE, "ann", GROUP, "bob");
	add_reach(&store, tx, PAR_REACH_CHANGED, "ann", GROUP, "{\"bye\":1}");
	outs[1] = store_submit(&store, tx);
	outs[2] = store_submit(&store, message_tx("cid", NULL));
	store_settle(&store);
	EXPECT_TEXT(reached_text(&outs[0]->op[1]), "ann:1 bob:1");
	EXPECT_TEXT(reached_text(&outs[1]->op[1]), "bob:2");
	EXPECT_TEXT(reached_text(&outs[2]->op[1]), "ann:2");
	EXPECT_TEXT(stream_text("bob", 0), "{\"id\":1,\"missed\":1} {\"bye\":1}");
}

/* The text of the seqs from 1 to the end of the stream must be the messages in their order. */
static void expect_stream_in_order(const char *user, unsigned skip)
{
	struct page *page = ask_events(&store, user, "", 0);
	unsigned i, n = 0, last = 0;

	for (i = 0; i < page->n; i++) {
		unsigned id = 0, missed = 0;
		EXPECT_EQ(page->events[i].seq, i + 1);
		NEED(sscanf(page->events[i].payload, "{\"id\":%u,\"missed\":%u}", &id, &missed) ==
		     2);
		EXPECT(id > last);
		EXPECT_EQ(missed, ++n);
		last = id;
	}
	EXPECT_EQ(page->n, 60 - skip);
}

/* Many transactions in one batch that write the same group, with refused ones in between. */
void rule_reach_in_a_batch(void)
{
	static const char *const users[] = { "ann", "bob", "cid", "dan" };
	struct outcome *outs[60], *refused[60];
	unsigned i, written[4] = { 0 };

	group_new("ann", GROUP, "bob cid dan");
	for (i = 0; i < 60; i++) {
		unsigned user = (unsigned)check_random(4);
		struct par_tx *tx;
		outs[i] = store_submit(&store, message_tx(users[user], NULL));
		written[user]++;
		tx = message_tx(users[check_random(4)], NULL);
		if (check_random(2) == 0)
			add_reach(&store, tx, PAR_REACH_MEMBERS, "eve", GROUP, "{}");
		else
			add_append(&store, tx, "eve", GROUP, NULL, "text");
		refused[i] = store_submit(&store, tx);
	}
	store_settle(&store);
	for (i = 0; i < 60; i++) {
		NEED(outs[i]->error == PAR_OK);
		EXPECT_EQ(outs[i]->op[0].id, i + 1);
		EXPECT_EQ(outs[i]->op[1].n_receivers, 3);
		EXPECT_ERROR(refused[i]->error, PAR_E_NOT_FOUND);
		EXPECT_EQ(refused[i]->op[1].n_receivers, 0);
		EXPECT_TEXT(refused[i]->op[1].payload, NULL);
	}
	for (i = 0; i < 4; i++)
		expect_stream_in_order(users[i], written[i]);
}
