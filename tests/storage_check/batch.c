/* SPDX-License-Identifier: BSD-2-Clause */
/* Rules of batches: many transactions and queries in one flush. */
#include "check.h"

void rule_batch_isolates(void)
{
	struct outcome *out[60];
	struct par_tx *tx;
	unsigned i;

	do_append(&store, "alice", "bob", "c0", "other text");
	for (i = 0; i < 60; i++) {
		tx = store_tx(&store);
		add_append(&store, tx, "alice", "bob",
			   i % 3 == 1 ? "c0" : store_format(&store, "d%u", i), "text");
		add_event(&store, tx, "bob", "{}")->when = 0;
		out[i] = store_submit(&store, tx);
	}
	EXPECT(!out[0]->done);
	store_settle(&store);
	for (i = 0; i < 60; i++) {
		EXPECT(out[i]->done);
		EXPECT_ERROR(out[i]->error, i % 3 == 1 ? PAR_E_CONFLICT : PAR_OK);
		if (i % 3 != 1)
			EXPECT_EQ(out[i]->op[0].id, 2 + i - (i + 1) / 3);
	}
	EXPECT_EQ(ask_messages(&store, "alice", "bob")->n, 41);
	EXPECT_EQ(ask_events(&store, "bob", "phone", 0)->n, 40);
}

void rule_batch_keeps_order(void)
{
	struct outcome *before, *after;
	struct page *page, *device, *later;
	struct par_query *q;
	struct par_tx *tx;

	q = store_query(&store, PAR_QUERY_DEVICE, "bob");
	q->device = par_str_of("phone");
	store_ask(&store, q);
	tx = store_tx(&store);
	add_append(&store, tx, "alice", "bob", "c1", "one");
	add_event(&store, tx, "bob", "{}");
	before = store_submit(&store, tx);
	q = store_query(&store, PAR_QUERY_MESSAGES, "bob");
	q->chat = store_chat(&store, "bob", "alice");
	page = store_ask(&store, q);
	q = store_query(&store, PAR_QUERY_DEVICE, "bob");
	q->device = par_str_of("laptop");
	device = store_ask(&store, q);
	tx = store_tx(&store);
	add_append(&store, tx, "alice", "bob", "c2", "two");
	add_event(&store, tx, "bob", "{}");
	after = store_submit(&store, tx);
	q = store_query(&store, PAR_QUERY_EVENTS, "bob");
	later = store_ask(&store, q);
	store_settle(&store);
	EXPECT_EQ(before->op[0].id, 1);
	EXPECT_EQ(after->op[0].id, 2);
	EXPECT_EQ(page->n, 1);
	EXPECT_EQ(device->device.acked, 1);
	EXPECT_EQ(later->n, 2);
}

static struct outcome *submit_append(const char *client_id, const char *text)
{
	struct par_tx *tx = store_tx(&store);

	add_append(&store, tx, "alice", "bob", client_id, text);
	add_event(&store, tx, "bob", "{}")->when = 0;
	return store_submit(&store, tx);
}

void rule_batch_of_duplicates(void)
{
	struct outcome *first, *again, *other, *last, *gone[2];
	struct par_tx *tx;
	unsigned i;

	first = submit_append("c1", "one");
	again = submit_append("c1", "one");
	other = submit_append("c1", "another text");
	last = submit_append("c1", "one");
	for (i = 0; i < 2; i++) {
		tx = store_tx(&store);
		add_change(&store, tx, PAR_CHANGE_DELETE, "alice", "bob", 1);
		gone[i] = store_submit(&store, tx);
	}
	store_settle(&store);
	EXPECT(first->op[0].applied);
	EXPECT_ERROR(again->error, PAR_OK);
	EXPECT(!again->op[0].applied);
	EXPECT_EQ(again->op[0].id, first->op[0].id);
	EXPECT_EQ(again->op[0].timestamp, first->op[0].timestamp);
	EXPECT_TEXT(again->op[0].client_id, "c1");
	EXPECT_ERROR(other->error, PAR_E_CONFLICT);
	EXPECT_ERROR(last->error, PAR_OK);
	EXPECT(!last->op[0].applied);
	EXPECT(gone[0]->op[0].applied);
	EXPECT_ERROR(gone[1]->error, PAR_OK);
	EXPECT(!gone[1]->op[0].applied);
	EXPECT_EQ(gone[1]->op[0].id, 2);
	EXPECT_EQ(ask_messages(&store, "alice", "bob")->n, 2);
	EXPECT_EQ(ask_events(&store, "bob", "phone", 0)->n, 1);
}

#define TXS 400
#define CLIENT_IDS 60

void rule_batch_of_conflicts(void)
{
	static const char *const texts[] = { "one", "the other" };
	struct outcome *out[TXS];
	unsigned client_id[TXS], text[TXS], i, stored = 0;
	struct {
		uint64_t id;
		unsigned text;
	} first[CLIENT_IDS] = { { 0 } }, *f;

	for (i = 0; i < TXS; i++) {
		client_id[i] = (unsigned)check_random(CLIENT_IDS);
		text[i] = (unsigned)check_random(2);
		out[i] = submit_append(store_format(&store, "c%u", client_id[i]), texts[text[i]]);
	}
	store_settle(&store);
	for (i = 0; i < TXS; i++) {
		f = &first[client_id[i]];
		if (f->id != 0 && f->text != text[i]) {
			EXPECT_ERROR(out[i]->error, PAR_E_CONFLICT);
			continue;
		}
		EXPECT_ERROR(out[i]->error, PAR_OK);
		EXPECT_EQ(out[i]->op[0].applied, f->id == 0);
		EXPECT_EQ(out[i]->op[1].applied, f->id == 0);
		if (f->id == 0) {
			f->id = ++stored;
			f->text = text[i];
			EXPECT_EQ(out[i]->op[1].seq, stored);
		}
		EXPECT_EQ(out[i]->op[0].id, f->id);
	}
	EXPECT_EQ(ask_messages(&store, "alice", "bob")->n, stored);
	EXPECT_EQ(ask_events(&store, "bob", "phone", 0)->n, stored);
}

void rule_batch_completes_in_order(void)
{
	struct outcome *out[100];
	unsigned i;

	for (i = 0; i < 100; i++) {
		out[i] = submit_append(i % 7 == 3 ? "c0" : store_format(&store, "c%u", i),
				       i % 7 == 3 ? "reused" : "text");
		if (i % 10 == 9)
			store.host->storage->flush(store.host->storage_state);
	}
	store_settle(&store);
	for (i = 1; i < 100; i++)
		EXPECT(out[i - 1]->order < out[i]->order);
}
