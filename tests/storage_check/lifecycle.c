/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rules of handing over and coming back. That a completion comes on the core
 * thread, once, and not within submit or query is checked by the host in every
 * rule; here it is demanded of many at a time, and of stop().
 */
#include "check.h"

void rule_completes_once(void)
{
	unsigned i, n = 0;

	for (i = 0; i < 50; i++) {
		struct par_tx *tx = store_tx(&store);
		struct par_query *q = store_query(&store, PAR_QUERY_CHATS, "alice");

		add_append(&store, tx, "alice", "bob", i % 5 == 0 ? "c" : NULL,
			   i % 10 == 0 ? "x" : "xx");
		store_submit(&store, tx);
		store_ask(&store, q);
		n += 2;
		if (i % 20 == 0)
			store.host->storage->flush(store.host->storage_state);
	}
	store_settle(&store);
	EXPECT_EQ(store.n_done, n);
	host_advance(store.host, 60000);
	store_settle(&store);
	store_shut(&store);
	EXPECT_EQ(store.n_done, n);
}

struct chain {
	unsigned left; /* how many more to submit, one by one */
	unsigned done;
	char expect[32];
};

static void chain_add(struct chain *chain);

static bool chain_is_right(const struct chain *chain, const struct par_tx *tx)
{
	const struct par_op_result *r = &tx->ops[0].result;

	return tx->error == PAR_OK && r->applied && r->id == chain->done + 1 &&
	       r->client_id.s != NULL && r->reply.s != NULL && r->reply.len > 10 &&
	       par_str_equal(r->client_id, par_str_of(chain->expect)) &&
	       tx->ops[1].result.applied &&
	       par_str_equal(
		   store.host->api.event_data_payload(tx->ops[1].u.event.data),
		   par_str_of(store_format(&store, "{\"c\":1,\"i\":\"%s\"}", chain->expect)));
}

static void chain_done(void *state, void *arg)
{
	struct chain *chain = state, before = *chain;
	const struct par_tx *tx = arg;

	EXPECT(chain_is_right(chain, tx));
	chain->done++;
	if (chain->left > 0) {
		chain->left--;
		chain_add(chain);
	}
	EXPECT(chain_is_right(&before, tx)); /* submitting more has not touched it */
}

static void chain_add(struct chain *chain)
{
	struct par_tx *tx = store.host->api.tx_new(store.plugin, chain_done, chain);
	const char *id;

	snprintf(chain->expect, sizeof(chain->expect), "c%u", chain->done);
	id = store_format(&store, "%s", chain->expect);
	add_append(&store, tx, "alice", "bob", id, "text")->u.append.reply_to = 1;
	add_event(&store, tx, "bob", "{\"c\":1,\"i\":@10}");
	store.host->api.tx_submit(tx);
}

void rule_completion_may_submit(void)
{
	struct chain chain = { .left = 40, .done = 1 };

	do_append(&store, "alice", "bob", "first", "text");
	chain_add(&chain);
	store_settle(&store);
	EXPECT_EQ(chain.done, 42);
	EXPECT_EQ(ask_messages(&store, "alice", "bob")->n, 42);
}

void rule_well_when_well(void)
{
	const struct par_storage_role *role = store.host->storage;

	NEED(role->submit != NULL && role->query != NULL && role->flush != NULL &&
	     role->down != NULL);
	EXPECT_TEXT(role->down(store.host->storage_state), NULL);
	do_append(&store, "alice", "bob", "c1", "one");
	do_append(&store, "alice", "bob", "c1", "another text");
	EXPECT_TEXT(role->down(store.host->storage_state), NULL);
	role->flush(store.host->storage_state); /* with nothing handed over */
	EXPECT_EQ(ask_messages(&store, "alice", "bob")->n, 1);
}

void rule_stop_completes(void)
{
	struct outcome *out[20];
	struct page *page[20];
	unsigned i;

	for (i = 0; i < 20; i++) {
		struct par_tx *tx = store_tx(&store);
		struct par_query *q = store_query(&store, PAR_QUERY_CHATS, "alice");

		add_append(&store, tx, "alice", "bob", NULL, "text");
		out[i] = store_submit(&store, tx);
		page[i] = store_ask(&store, q);
		if (i == 7)
			store.host->storage->flush(store.host->storage_state);
	}
	store_shut(&store);
	for (i = 0; i < 20; i++) {
		EXPECT(out[i]->done);
		EXPECT(page[i]->done);
	}
}
