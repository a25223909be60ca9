/* SPDX-License-Identifier: BSD-2-Clause */
/* Rules of PEERS: with whom a user shares a dialog. */
#include <string.h>

#include "check.h"

static struct page *peers_after(const char *user, const char *after, unsigned limit,
				size_t max_bytes)
{
	struct par_query *q = store_query(&store, PAR_QUERY_PEERS, user);

	q->after_key = par_str_of(after);
	q->limit = limit;
	q->max_bytes = max_bytes;
	return store_run_query(&store, q);
}

/* Whether the page is these, each with a space behind it. */
static bool peers_are(const struct page *page, const char *peers, bool has_more)
{
	char text[1024] = "";
	unsigned i;

	if (page->error != PAR_OK)
		return false;
	for (i = 0; i < page->n; i++) {
		strcat(text, page->peers[i].s);
		strcat(text, " ");
	}
	return strcmp(text, peers) == 0 && page->has_more == has_more;
}

static bool all_are(const char *user, const char *peers)
{
	return peers_are(peers_after(user, NULL, 100, 1 << 20), peers, false);
}

void rule_peers_of_dialogs(void)
{
	struct par_tx *tx;

	EXPECT(all_are("alice", ""));
	do_append(&store, "alice", "bob", NULL, "to bob");
	do_append(&store, "carol", "alice", NULL, "to alice");
	do_append(&store, "alice", "alice", NULL, "a note");
	do_append(&store, "alice", "bob", NULL, "again");
	do_change(&store, PAR_CHANGE_DELETE, "alice", "bob", 1);
	do_change(&store, PAR_CHANGE_HIDE, "alice", "carol", 1);
	EXPECT(all_are("alice", "bob carol "));
	EXPECT(all_are("bob", "alice "));
	EXPECT(all_are("carol", "alice "));
	/* A dialog in which nothing was stored is none. */
	tx = store_tx(&store);
	add_append(&store, tx, "alice", "dave", NULL, "refused")->u.append.reply_to = 7;
	EXPECT_ERROR(store_run(&store, tx)->error, PAR_E_NOT_FOUND);
	EXPECT(all_are("alice", "bob carol "));
	EXPECT(all_are("dave", ""));
	do_append(&store, "dave", "alice", NULL, "now");
	EXPECT(all_are("alice", "bob carol dave "));
}

void rule_peers_are_of_no_group(void)
{
	do_roster(&store, PAR_ROSTER_CREATE, "alice", "grp_1", "bob carol");
	do_append(&store, "bob", "grp_1", NULL, "to all");
	EXPECT(all_are("alice", ""));
	do_append(&store, "alice", "zoe", NULL, "x");
	do_append(&store, "alice", "bob", NULL, "x");
	EXPECT(all_are("alice", "bob zoe "));
	EXPECT(peers_are(peers_after("alice", "bob", 1, 999), "zoe ", false));
	EXPECT(all_are("bob", "alice "));
	EXPECT(all_are("carol", ""));
}

void rule_peers_pages(void)
{
	static const char *const peers[] = { "b", "a\xc3\xa9", "B", "ab", "a", "az", "gr" };
	unsigned i;

	for (i = 0; i < sizeof(peers) / sizeof(peers[0]); i++)
		do_append(&store, i % 2 == 0 ? "me" : peers[i], i % 2 == 0 ? peers[i] : "me", NULL,
			  "x");
	EXPECT(all_are("me", "B a ab az a\xc3\xa9 b gr "));
	EXPECT(peers_are(peers_after("me", NULL, 2, 999), "B a ", true));
	EXPECT(peers_are(peers_after("me", "a", 2, 999), "ab az ", true));
	EXPECT(peers_are(peers_after("me", "az", 3, 999), "a\xc3\xa9 b gr ", false));
	EXPECT(peers_are(peers_after("me", "nobody", 3, 999), "", false));
	EXPECT(peers_are(peers_after("me", "aa", 1, 999), "ab ", true));
	EXPECT(peers_are(peers_after("me", "gr", 1, 999), "", false));
	EXPECT(peers_are(peers_after("me", "a", 9, 4), "ab az ", true));
	EXPECT(peers_are(peers_after("me", "a", 9, 1), "ab ", true));
	EXPECT(peers_are(peers_after("nobody", NULL, 9, 999), "", false));
}

#define MANY 300

void rule_peers_of_many(void)
{
	const char *after = NULL;
	unsigned i, k, n = 0;
	char name[8];

	for (i = 0; i < MANY; i++) {
		struct par_tx *tx = store_tx(&store);
		/* 7 and 300 have no divisor in common */
		snprintf(name, sizeof(name), "u%03u", i * 7 % MANY);
		add_append(&store, tx, "me", store_format(&store, "%s", name), NULL, "x");
		store_submit(&store, tx);
	}
	store_settle(&store);
	for (;;) {
		struct page *page = peers_after("me", after, 64, 1 << 20);
		NEED(page->error == PAR_OK && page->n > 0);
		for (k = 0; k < page->n; k++, n++) {
			snprintf(name, sizeof(name), "u%03u", n);
			EXPECT_STR(page->peers[k], name);
		}
		EXPECT_EQ(page->has_more, n < MANY);
		if (!page->has_more)
			break;
		after = page->peers[page->n - 1].s;
	}
	EXPECT_EQ(n, MANY);
}

void rule_peers_after_a_restart(void)
{
	do_append(&store, "alice", "bob", NULL, "x");
	do_append(&store, "carol", "alice", NULL, "x");
	store_restart(&store);
	EXPECT(all_are("alice", "bob carol "));
	EXPECT(peers_are(peers_after("alice", "bob", 9, 999), "carol ", false));
}
