/* SPDX-License-Identifier: BSD-2-Clause */
/* Rules of ROSTER and MEMBERS: groups, and who is in them. */
#include <string.h>

#include "words.h"

#define GROUP "grp_g"

void rule_roster_creates(void)
{
	struct outcome *out = do_roster(&store, PAR_ROSTER_CREATE, "bob", GROUP, "cid ann");
	struct page *page;

	NEED(out->error == PAR_OK);
	EXPECT(out->op[0].applied);
	EXPECT_EQ(out->op[0].timestamp, store.host->now);
	EXPECT_EQ(out->op[0].members, 3);
	EXPECT_TEXT(out->op[0].name, "name of " GROUP);
	EXPECT_TEXT(changed_text(&out->op[0]), "ann bob cid");
	EXPECT_TEXT(group_members("cid", GROUP), "ann=m bob=o cid=m");
	EXPECT_TEXT(group_chats("ann"), GROUP ":0");
	page = ask_chat(&store, "ann", GROUP);
	NEED_EQ(page->n, 1);
	EXPECT_STR(page->chats[0].name, "name of " GROUP);
	EXPECT_EQ(page->chats[0].members, 3);
	EXPECT_EQ(page->chats[0].role, PAR_ROLE_MEMBER);
	EXPECT_EQ(page->chats[0].last_id, 0);
	EXPECT_EQ(page->chats[0].last_time, out->op[0].timestamp);
	EXPECT_EQ(ask_chat(&store, "bob", GROUP)->chats[0].role, PAR_ROLE_OWNER);
	EXPECT_ERROR(do_roster(&store, PAR_ROSTER_CREATE, "dan", GROUP, NULL)->error,
		     PAR_E_CONFLICT);
	/* alone, and with a name that another group has */
	group_new("dan", "grp_h", NULL);
	EXPECT_TEXT(group_members("dan", "grp_h"), "dan=o");
	EXPECT_TEXT(group_members("dan", GROUP), "PAR_E_NOT_FOUND");
}

void rule_roster_names(void)
{
	struct par_tx *tx;
	struct outcome *out;

	group_new("ann", GROUP, "bob cid");
	tx = store_tx(&store);
	add_roster(&store, tx, PAR_ROSTER_ROLE, "ann", GROUP, "bob")->u.roster.role =
	    PAR_ROLE_ADMIN;
	add_roster(&store, tx, PAR_ROSTER_NAME, "bob", GROUP, NULL)->u.roster.name =
	    par_str_of("\"\xc3\xa9\" \\ ");
	out = store_run(&store, tx);
	NEED(out->error == PAR_OK);
	EXPECT(out->op[1].applied);
	EXPECT_TEXT(out->op[1].name, "\"\xc3\xa9\" \\ ");
	EXPECT_TEXT(changed_text(&out->op[1]), "");
	EXPECT_EQ(out->op[1].members, 3);
	EXPECT_STR(ask_chat(&store, "cid", GROUP)->chats[0].name, "\"\xc3\xa9\" \\ ");
	tx = store_tx(&store);
	add_roster(&store, tx, PAR_ROSTER_NAME, "ann", GROUP, NULL)->u.roster.name =
	    par_str_of("\"\xc3\xa9\" \\ ");
	out = store_run(&store, tx);
	EXPECT_ERROR(out->error, PAR_OK);
	EXPECT(!out->op[0].applied);
}

void rule_roster_adds(void)
{
	struct outcome *out;

	group_new("ann", GROUP, "bob");
	out = do_roster(&store, PAR_ROSTER_ADD, "ann", GROUP, "dan bob cid");
	EXPECT(out->op[0].applied);
	EXPECT_TEXT(changed_text(&out->op[0]), "cid dan");
	EXPECT_EQ(out->op[0].members, 4);
	EXPECT_TEXT(out->op[0].name, "name of " GROUP);
	EXPECT_TEXT(group_members("dan", GROUP), "ann=o bob=m cid=m dan=m");
	out = do_roster(&store, PAR_ROSTER_ADD, "ann", GROUP, "cid dan");
	EXPECT_ERROR(out->error, PAR_OK);
	EXPECT(!out->op[0].applied);
	EXPECT_TEXT(changed_text(&out->op[0]), "");
	EXPECT_TEXT(group_members("bob", GROUP), "ann=o bob=m cid=m dan=m");
}

void rule_roster_removes(void)
{
	struct outcome *out;

	group_new("ann", GROUP, "bob cid dan");
	group_say("cid", GROUP, "c1");
	out = do_roster(&store, PAR_ROSTER_REMOVE, "ann", GROUP, "dan eve cid");
	EXPECT(out->op[0].applied);
	EXPECT_TEXT(changed_text(&out->op[0]), "cid dan");
	EXPECT_EQ(out->op[0].members, 2);
	EXPECT_TEXT(group_members("bob", GROUP), "ann=o bob=m");
	EXPECT_TEXT(group_members("cid", GROUP), "PAR_E_NOT_FOUND");
	EXPECT_TEXT(group_chats("cid"), "");
	/* what he wrote stays, and is his */
	EXPECT_TEXT(group_messages("bob", GROUP), "1");
	EXPECT_STR(ask_messages(&store, "bob", GROUP)->messages[0].sender, "cid");
	EXPECT_STR(ask_chat(&store, "bob", GROUP)->chats[0].last_author, "cid");
	EXPECT_TEXT(group_chats("bob"), GROUP ":1");
	EXPECT(!do_roster(&store, PAR_ROSTER_REMOVE, "ann", GROUP, "cid")->op[0].applied);
}

static struct outcome *give_role(const char *user, const char *users, enum par_role role)
{
	struct par_tx *tx = store_tx(&store);

	add_roster(&store, tx, PAR_ROSTER_ROLE, user, GROUP, users)->u.roster.role = role;
	return store_run(&store, tx);
}

void rule_roster_roles(void)
{
	struct outcome *out;

	group_new("ann", GROUP, "bob cid dan");
	out = give_role("ann", "dan bob", PAR_ROLE_ADMIN);
	EXPECT_TEXT(changed_text(&out->op[0]), "bob dan");
	out = give_role("ann", "cid bob", PAR_ROLE_ADMIN);
	EXPECT_TEXT(changed_text(&out->op[0]), "cid");
	EXPECT(!give_role("ann", "cid bob", PAR_ROLE_ADMIN)->op[0].applied);
	give_role("ann", "dan", PAR_ROLE_MEMBER);
	EXPECT_TEXT(group_members("ann", GROUP), "ann=o bob=a cid=a dan=m");
	EXPECT_TEXT(out->op[0].owner, NULL);
	out = give_role("ann", "cid", PAR_ROLE_OWNER);
	EXPECT_TEXT(changed_text(&out->op[0]), "cid");
	EXPECT_TEXT(out->op[0].owner, "cid");
	EXPECT_EQ(out->op[0].members, 4);
	EXPECT_TEXT(group_members("ann", GROUP), "ann=a bob=a cid=o dan=m");
	EXPECT_EQ(ask_chat(&store, "ann", GROUP)->chats[0].role, PAR_ROLE_ADMIN);
	out = give_role("ann", "cid", PAR_ROLE_OWNER); /* sent again */
	EXPECT(out->error == PAR_OK && !out->op[0].applied);
	EXPECT_TEXT(group_members("ann", GROUP), "ann=a bob=a cid=o dan=m");
	/* who is added again is a member */
	do_roster(&store, PAR_ROSTER_REMOVE, "cid", GROUP, "bob");
	do_roster(&store, PAR_ROSTER_ADD, "cid", GROUP, "bob");
	EXPECT_TEXT(group_members("ann", GROUP), "ann=a bob=m cid=o dan=m");
}

void rule_roster_leaves(void)
{
	struct outcome *out;
	struct par_tx *tx;

	group_new("zoe", GROUP, NULL);
	store.host->now += 10;
	do_roster(&store, PAR_ROSTER_ADD, "zoe", GROUP, "cid");
	store.host->now += 10;
	do_roster(&store, PAR_ROSTER_ADD, "zoe", GROUP, "ann bob");
	give_role("zoe", "ann bob", PAR_ROLE_ADMIN);
	tx = store_tx(&store);
	add_roster(&store, tx, PAR_ROSTER_LEAVE, "zoe", GROUP, NULL);
	add_reach(&store, tx, PAR_REACH_OTHERS, "zoe", GROUP, "{\"n\":@80,\"owner\":@:0}");
	out = store_run(&store, tx);
	EXPECT(out->op[0].applied);
	EXPECT_TEXT(changed_text(&out->op[0]), "zoe");
	EXPECT_EQ(out->op[0].members, 3);
	EXPECT_TEXT(out->op[0].owner, "ann");
	EXPECT_TEXT(reached_text(&out->op[1]), "ann:1 bob:1 cid:1");
	EXPECT_TEXT(stream_text("ann", 0), "{\"n\":3,\"owner\":\"ann\"}");
	/* of two admins who joined in one moment the first by bytes */
	EXPECT_TEXT(group_members("ann", GROUP), "ann=o bob=a cid=m");
	tx = store_tx(&store);
	add_roster(&store, tx, PAR_ROSTER_LEAVE, "bob", GROUP, NULL);
	add_reach(&store, tx, PAR_REACH_OTHERS, "bob", GROUP, "{\"n\":@80,\"owner\":@:0}");
	out = store_run(&store, tx);
	EXPECT_TEXT(out->op[0].owner, NULL);
	EXPECT_TEXT(stream_text("ann", 1), "{\"n\":2}");
	store.host->now += 10;
	do_roster(&store, PAR_ROSTER_ADD, "ann", GROUP, "amy");
	/* without admins the member who joined first */
	out = do_roster(&store, PAR_ROSTER_LEAVE, "ann", GROUP, NULL);
	EXPECT_TEXT(out->op[0].owner, "cid");
	EXPECT_TEXT(group_members("cid", GROUP), "amy=m cid=o");
	do_roster(&store, PAR_ROSTER_LEAVE, "amy", GROUP, NULL);
	out = do_roster(&store, PAR_ROSTER_LEAVE, "cid", GROUP, NULL);
	EXPECT(out->op[0].applied);
	EXPECT_TEXT(changed_text(&out->op[0]), "cid");
	EXPECT_EQ(out->op[0].members, 0);
	EXPECT_TEXT(out->op[0].owner, NULL);
	EXPECT_TEXT(group_members("cid", GROUP), "PAR_E_NOT_FOUND");
	EXPECT_ERROR(do_roster(&store, PAR_ROSTER_LEAVE, "cid", GROUP, NULL)->error,
		     PAR_E_NOT_FOUND);
}

void rule_roster_deletes(void)
{
	struct outcome *out;
	unsigned i, steps = 0;

	group_new("ann", GROUP, "bob cid");
	for (i = 0; i < 7; i++)
		group_say("bob", GROUP, store_format(&store, "c%u", i));
	do_change(&store, PAR_CHANGE_HIDE, "ann", GROUP, 3);
	do_mark(&store, PAR_MARK_READ, "cid", GROUP, 4);
	out = do_roster(&store, PAR_ROSTER_DELETE, "ann", GROUP, NULL);
	EXPECT(out->op[0].applied);
	EXPECT_TEXT(changed_text(&out->op[0]), "ann bob cid");
	EXPECT_EQ(out->op[0].members, 0);
	EXPECT_TEXT(group_members("ann", GROUP), "PAR_E_NOT_FOUND");
	EXPECT_TEXT(group_messages("bob", GROUP), "PAR_E_NOT_FOUND");
	EXPECT_EQ(ask_chat(&store, "bob", GROUP)->n, 0);
	EXPECT_TEXT(group_chats("cid"), "");
	EXPECT_ERROR(do_append(&store, "bob", GROUP, "c9", "text")->error, PAR_E_NOT_FOUND);
	EXPECT_ERROR(do_append(&store, "bob", GROUP, "c1", "text")->error, PAR_E_NOT_FOUND);
	EXPECT_ERROR(do_roster(&store, PAR_ROSTER_ADD, "ann", GROUP, "dan")->error,
		     PAR_E_NOT_FOUND);
	EXPECT_ERROR(do_roster(&store, PAR_ROSTER_CREATE, "ann", GROUP, NULL)->error,
		     PAR_E_CONFLICT);
	while (do_prune(&store, 0, 0, 2)->op[0].applied)
		NEED(++steps < 20);
	EXPECT(steps >= 3);
	/* of what it held nothing is left */
	group_new("cid", GROUP, "bob");
	EXPECT_TEXT(group_members("bob", GROUP), "bob=m cid=o");
	EXPECT_TEXT(group_messages("bob", GROUP), "");
	EXPECT_EQ(group_say("bob", GROUP, "c1"), 1);
	EXPECT_TEXT(group_chats("cid"), GROUP ":1");
	EXPECT_TEXT(group_marks("cid", GROUP, "cid"), "0/0");
}

struct refusal {
	enum par_roster_kind kind;
	const char *user, *users;
	enum par_role role;
	enum par_error error;
};

/* In a group of ann (owner), bob and cid (admins), dan and eve (members). */
static const struct refusal refusals[] = {
	{ PAR_ROSTER_NAME, "dan", NULL, 0, PAR_E_FORBIDDEN },
	{ PAR_ROSTER_ADD, "dan", "fay", 0, PAR_E_FORBIDDEN },
	{ PAR_ROSTER_REMOVE, "dan", "eve", 0, PAR_E_FORBIDDEN },
	{ PAR_ROSTER_REMOVE, "bob", "eve cid", 0, PAR_E_FORBIDDEN },
	{ PAR_ROSTER_REMOVE, "bob", "ann", 0, PAR_E_FORBIDDEN },
	{ PAR_ROSTER_REMOVE, "ann", "eve ann", 0, PAR_E_FORBIDDEN },
	{ PAR_ROSTER_ROLE, "bob", "eve", PAR_ROLE_ADMIN, PAR_E_FORBIDDEN },
	{ PAR_ROSTER_ROLE, "ann", "eve ann", PAR_ROLE_MEMBER, PAR_E_FORBIDDEN },
	{ PAR_ROSTER_ROLE, "ann", "eve dan", PAR_ROLE_OWNER, PAR_E_FORBIDDEN },
	{ PAR_ROSTER_ROLE, "ann", "eve fay", PAR_ROLE_ADMIN, PAR_E_NOT_FOUND },
	{ PAR_ROSTER_DELETE, "bob", NULL, 0, PAR_E_FORBIDDEN },
	{ PAR_ROSTER_DELETE, "dan", NULL, 0, PAR_E_FORBIDDEN },
	/* who is not in it is told nothing of it */
	{ PAR_ROSTER_NAME, "fay", NULL, 0, PAR_E_NOT_FOUND },
	{ PAR_ROSTER_ADD, "fay", "fay", 0, PAR_E_NOT_FOUND },
	{ PAR_ROSTER_REMOVE, "fay", "eve", 0, PAR_E_NOT_FOUND },
	{ PAR_ROSTER_ROLE, "fay", "eve", PAR_ROLE_ADMIN, PAR_E_NOT_FOUND },
	{ PAR_ROSTER_LEAVE, "fay", NULL, 0, PAR_E_NOT_FOUND },
	{ PAR_ROSTER_DELETE, "fay", NULL, 0, PAR_E_NOT_FOUND },
};

void rule_roster_refuses(void)
{
	const unsigned n = sizeof(refusals) / sizeof(refusals[0]);
	struct outcome *outs[sizeof(refusals) / sizeof(refusals[0])];
	struct par_tx *tx;
	unsigned i;

	group_new("ann", GROUP, "bob cid dan eve");
	give_role("ann", "bob cid", PAR_ROLE_ADMIN);
	for (i = 0; i < n; i++) {
		const struct refusal *r = &refusals[i];
		tx = store_tx(&store);
		add_doc(tx, PAR_OP_DOC_PUT, "p", "k", "v");
		add_append(&store, tx, "eve", GROUP, NULL, "undone");
		add_roster(&store, tx, r->kind, r->user, GROUP, r->users)->u.roster.role = r->role;
		outs[i] = store_submit(&store, tx);
	}
	store_settle(&store);
	for (i = 0; i < n; i++) {
		EXPECT_ERROR(outs[i]->error, refusals[i].error);
		EXPECT(!outs[i]->op[0].applied && !outs[i]->op[2].applied);
		EXPECT_EQ(outs[i]->op[2].n_changed, 0);
	}
	EXPECT_TEXT(ask_doc(&store, "p", "k"), NULL);
	EXPECT_TEXT(group_members("dan", GROUP), "ann=o bob=a cid=a dan=m eve=m");
	EXPECT_STR(ask_chat(&store, "dan", GROUP)->chats[0].name, "name of " GROUP);
	EXPECT_TEXT(group_messages("dan", GROUP), "");
	EXPECT_TEXT(group_chats("fay"), "");
	for (i = PAR_ROSTER_NAME; i <= PAR_ROSTER_DELETE; i++)
		EXPECT_ERROR(do_roster(&store, i, "ann", "grp_none", "bob")->error,
			     PAR_E_NOT_FOUND);
	/* admins may all the rest */
	EXPECT(do_roster(&store, PAR_ROSTER_ADD, "bob", GROUP, "fay")->op[0].applied);
	EXPECT(do_roster(&store, PAR_ROSTER_REMOVE, "bob", GROUP, "fay dan")->op[0].applied);
}

static enum par_error run_limited(enum par_roster_kind kind, const char *group, const char *users,
				  unsigned max_members)
{
	struct par_tx *tx = store_tx(&store);

	add_roster(&store, tx, kind, "ann", group, users)->u.roster.max_members = max_members;
	return store_run(&store, tx)->error;
}

void rule_roster_has_a_limit(void)
{
	EXPECT_ERROR(run_limited(PAR_ROSTER_CREATE, GROUP, "bob cid dan", 3), PAR_E_TOO_LARGE);
	EXPECT_TEXT(group_members("ann", GROUP), "PAR_E_NOT_FOUND");
	EXPECT_ERROR(run_limited(PAR_ROSTER_CREATE, GROUP, "bob cid", 3), PAR_OK);
	EXPECT_ERROR(run_limited(PAR_ROSTER_ADD, GROUP, "dan", 3), PAR_E_TOO_LARGE);
	EXPECT_ERROR(run_limited(PAR_ROSTER_ADD, GROUP, "bob", 2), PAR_OK);
	EXPECT_ERROR(run_limited(PAR_ROSTER_ADD, GROUP, "dan bob", 4), PAR_OK);
	EXPECT_TEXT(group_members("ann", GROUP), "ann=o bob=m cid=m dan=m");
	EXPECT_TEXT(group_chats("eve"), "");
}

/* After a refused transaction nothing is as it would have been. */
void rule_roster_is_undone(void)
{
	struct par_tx *tx = store_tx(&store);

	add_roster(&store, tx, PAR_ROSTER_CREATE, "ann", GROUP, "bob");
	add_append(&store, tx, "ann", GROUP, "c1", "text");
	add_reach(&store, tx, PAR_REACH_MEMBERS, "ann", GROUP, "{}");
	add_mark(&store, tx, PAR_MARK_READ, "x", "y", 0);
	EXPECT_ERROR(store_run(&store, tx)->error, PAR_E_NOT_FOUND);
	EXPECT_TEXT(group_members("ann", GROUP), "PAR_E_NOT_FOUND");
	EXPECT_TEXT(group_chats("ann"), "");
	EXPECT_TEXT(stream_text("bob", 0), "");
	group_new("bob", GROUP, "cid dan");
	EXPECT_TEXT(group_members("bob", GROUP), "bob=o cid=m dan=m");
	EXPECT_EQ(group_say("cid", GROUP, "c1"), 1);
	do_change(&store, PAR_CHANGE_HIDE, "dan", GROUP, 1);
	tx = store_tx(&store);
	add_roster(&store, tx, PAR_ROSTER_NAME, "bob", GROUP, NULL)->u.roster.name =
	    par_str_of("other");
	add_roster(&store, tx, PAR_ROSTER_REMOVE, "bob", GROUP, "dan");
	add_roster(&store, tx, PAR_ROSTER_ADD, "bob", GROUP, "ann dan");
	add_roster(&store, tx, PAR_ROSTER_LEAVE, "bob", GROUP, NULL);
	add_append(&store, tx, "cid", GROUP, "c2", "text");
	add_roster(&store, tx, PAR_ROSTER_DELETE, "dan", GROUP, NULL);
	EXPECT_ERROR(store_run(&store, tx)->error, PAR_E_FORBIDDEN);
	EXPECT_TEXT(group_members("bob", GROUP), "bob=o cid=m dan=m");
	EXPECT_STR(ask_chat(&store, "dan", GROUP)->chats[0].name, "name of " GROUP);
	EXPECT_TEXT(group_messages("dan", GROUP), "");
	EXPECT_TEXT(group_messages("bob", GROUP), "1");
	EXPECT_TEXT(group_chats("bob"), GROUP ":1");
	EXPECT_TEXT(group_chats("dan"), GROUP ":0");
	EXPECT_TEXT(group_chats("ann"), "");
	/* a group that was deleted, and is back */
	tx = store_tx(&store);
	add_roster(&store, tx, PAR_ROSTER_DELETE, "bob", GROUP, NULL);
	add_mark(&store, tx, PAR_MARK_READ, "x", "y", 0);
	EXPECT_ERROR(store_run(&store, tx)->error, PAR_E_NOT_FOUND);
	do_prune_all(&store, 0, 0, 100);
	EXPECT_TEXT(group_messages("bob", GROUP), "1");
	EXPECT_TEXT(group_members("dan", GROUP), "bob=o cid=m dan=m");
}
