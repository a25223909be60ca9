/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is special to storage_sqlite with groups: that its two ways to a member's counts agree,
 * what lies in the file, and client ids that share a key. What every storage must do is in
 * tests/storage_check.
 */
#include "sqlite_test.h"

#define CONFIG "{\"path\": \"@DIR@/p.db\"}"
#define GROUP "grp_g"
#define MEMBERS 40

static struct store store;

static const char *member_name(unsigned i)
{
	return store_format(&store, "m%02u", i);
}

/* The first is the owner. */
static void open_group(void)
{
	const char *users = "";
	unsigned i;

	store_open(&store, OBJECT, CONFIG);
	for (i = 1; i < MEMBERS; i++)
		users = store_format(&store, "%s%s%s", users, i > 1 ? " " : "", member_name(i));
	CU_ASSERT_EQUAL(do_roster(&store, PAR_ROSTER_CREATE, "m00", GROUP, users)->op[0].members,
			MEMBERS);
}

static uint64_t say(unsigned i, const char *client_id)
{
	return do_append(&store, member_name(i), GROUP, client_id, "text")->op[0].id;
}

/* As everybody's next event has it, for which all members are in memory. */
static uint64_t missed_by_event(unsigned i)
{
	struct par_tx *tx = store_tx(&store);
	struct outcome *out;

	add_reach(&store, tx, PAR_REACH_MEMBERS, "m00", GROUP, "{\"n\":1}")->u.event.always = true;
	tx->ops[0].u.event.missed = true;
	out = store_run(&store, tx);
	CU_ASSERT_EQUAL_FATAL(out->op[0].n_receivers, MEMBERS);
	CU_ASSERT(text_is(out->op[0].receivers[i].user, member_name(i)));
	return out->op[0].receivers[i].missed;
}

/* A list of chats reads one member's row and what was not counted in it; an event needs
 * all of them. Marks, changes and who wrote make the members' rows differ. */
static void test_counts_agree(void)
{
	static const uint64_t wanted[] = { 18, 10, 79, 80, 79, 98 };
	unsigned i;

	open_group();
	for (i = 0; i < 100; i++)
		say(i % 5, NULL);
	do_mark(&store, PAR_MARK_READ, "m00", GROUP, 77);
	do_mark(&store, PAR_MARK_READ, "m01", GROUP, 85);
	do_change(&store, PAR_CHANGE_HIDE, "m01", GROUP, 90);
	do_change(&store, PAR_CHANGE_HIDE, "m05", GROUP, 90);
	do_change(&store, PAR_CHANGE_DELETE, "m03", GROUP, 99);
	store_restart(&store);
	for (i = 0; i < 6; i++) {
		struct page *page = ask_chats(&store, member_name(i));
		CU_ASSERT_EQUAL_FATAL(page->n, 1);
		CU_ASSERT_EQUAL(page->chats[0].missed, wanted[i]);
		CU_ASSERT_EQUAL(page->chats[0].members, MEMBERS);
	}
	for (i = 0; i < 6; i++) {
		CU_ASSERT_EQUAL(missed_by_event(i), wanted[i]);
		CU_ASSERT_EQUAL(ask_chats(&store, member_name(i))->chats[0].missed, wanted[i]);
	}
	store_close(&store);
}

/* Rows that go sixteen in a statement are whole, each with its own number. */
static void test_rows_of_an_event(void)
{
	open_group();
	say(0, NULL);
	do_mark(&store, PAR_MARK_READ, "m20", GROUP, 0);
	CU_ASSERT_EQUAL(missed_by_event(20), 0);
	CU_ASSERT_EQUAL(ask_file(&store, "SELECT count(DISTINCT id >> 32) FROM event"), MEMBERS);
	CU_ASSERT_EQUAL(ask_file(&store, "SELECT count(*) FROM event WHERE payload ="
					 " '{\"n\":1,\"missed\":1}' AND id & 0xffffffff = 1"),
			MEMBERS - 2);
	CU_ASSERT_EQUAL(ask_file(&store, "SELECT count(*) FROM event WHERE payload ="
					 " '{\"n\":1,\"missed\":0}'"),
			2);
	store_close(&store);
}

/* In a group all who used a client id lie behind each other. */
static void test_shared_client_id(void)
{
	struct outcome *out;
	struct par_tx *tx;
	unsigned i;

	open_group();
	for (i = 0; i < MEMBERS; i++)
		CU_ASSERT_EQUAL(say(i, "1"), i + 1);
	do_roster(&store, PAR_ROSTER_LEAVE, "m00", GROUP, NULL);
	store_restart(&store);
	for (i = 0; i < MEMBERS; i++) {
		out = do_append(&store, member_name(i), GROUP, "1", "text");
		CU_ASSERT_FALSE(out->op[0].applied);
		CU_ASSERT_EQUAL(out->op[0].id, i + 1);
	}
	/* of one who wrote none with it, and who has his own */
	do_roster(&store, PAR_ROSTER_ADD, "m01", GROUP, "new");
	say(1, "2");
	say(2, "2");
	for (i = 0; i < 2; i++) {
		tx = store_tx(&store);
		add_change(&store, tx, PAR_CHANGE_HIDE, i == 0 ? "new" : "m02", GROUP, 0)
		    ->u.change.target_client_id = par_str_of("2");
		CU_ASSERT_EQUAL(store_run(&store, tx)->op[0].id, MEMBERS + 1 + i);
	}
	store_close(&store);
}

/* A group that was deleted is gone at once; what it held goes in steps, and the row that keeps
 * its number last. */
static void test_prune_in_steps(void)
{
	static const char count[] = "SELECT count(*) FROM message";
	struct outcome *out;
	unsigned i;

	open_group();
	for (i = 0; i < 25; i++)
		say(i, NULL);
	do_append(&store, "m01", "m02", NULL, "a dialog");
	do_change(&store, PAR_CHANGE_HIDE, "m01", GROUP, 3);
	do_roster(&store, PAR_ROSTER_DELETE, "m00", GROUP, NULL);
	CU_ASSERT_EQUAL(ask_file(&store, "SELECT (SELECT count(*) FROM role) +"
					 " (SELECT count(*) FROM hidden)"),
			0);
	CU_ASSERT_EQUAL(ask_file(&store, "SELECT count(*) FROM member"), 2);
	CU_ASSERT_EQUAL(ask_file(&store, count), 26);
	for (i = 0; i < 2; i++) {
		store_restart(&store);
		CU_ASSERT_EQUAL(do_roster(&store, PAR_ROSTER_CREATE, "m00", GROUP, NULL)->error,
				PAR_E_CONFLICT);
		out = do_prune(&store, 0, 0, 10);
		CU_ASSERT(out->op[0].applied);
		CU_ASSERT_EQUAL(ask_file(&store, count), 16 - 10 * i);
	}
	CU_ASSERT_FALSE(do_prune(&store, 0, 0, 10)->op[0].applied);
	CU_ASSERT_EQUAL(ask_file(&store, count), 1);
	CU_ASSERT_EQUAL(ask_file(&store, "SELECT count(*) FROM chat"), 1);
	CU_ASSERT_EQUAL(do_roster(&store, PAR_ROSTER_CREATE, "m00", GROUP, NULL)->error, PAR_OK);
	CU_ASSERT_EQUAL(say(0, NULL), 1);
	store_close(&store);
}

int main(void)
{
	static const struct unit_test tests[] = {
		{ "counts_agree", test_counts_agree },
		{ "rows_of_an_event", test_rows_of_an_event },
		{ "shared_client_id", test_shared_client_id },
		{ "prune_in_steps", test_prune_in_steps },
		{ NULL, NULL },
	};

	return unit_main("sqlite_group", tests);
}
