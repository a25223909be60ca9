/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The rule of crashes. A child opens the storage and writes; what it submits
 * and what is done it notes in a pipe; at some moment it is killed. Another
 * child opens the storage again and compares it with the notes. The next round
 * begins with sending again what is in doubt, as a client would.
 *
 * Transaction i stores message m<i> from alice to bob, an event that tells bob
 * of it, and document d<i>; some carry a cursor of bob's phone too, and some add
 * user u<i> to a group and tell him so. Bob's laptop acks nothing, so that no event is dropped.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "runner.h"

#define ROUNDS 10
#define PER_ROUND 1000
#define TXS (ROUNDS * PER_ROUND)
#define DOC_VALUE "v"
#define GROUP "grp_g"
#define ADDS(i) ((i) % 16 == 0)

enum fate { UNKNOWN, SUBMITTED, DONE };

struct note {
	uint32_t i;
	uint32_t fate;
	uint64_t id, seq; /* seq 0: it was there already */
	uint64_t acked; /* of its cursor; 0: none */
};

static struct {
	enum fate fate;
	uint64_t id, seq;
} txs[TXS];

static unsigned n_txs; /* the first that was never submitted */
static uint64_t acked_min, acked_max; /* of the cursors done, submitted */
static int notes; /* the child's end */

/* --- the child that writes --- */

static uint64_t child_seq; /* the last one done */

static void note_write(const struct note *note)
{
	if (write(notes, note, sizeof(*note)) != (ssize_t)sizeof(*note))
		_exit(RUNNER_BROKEN);
}

static void tx_done(void *state, void *arg)
{
	const struct par_tx *tx = arg;
	struct note note = { .i = (uint32_t)(uintptr_t)state, .fate = DONE };

	if (tx->error != PAR_OK) {
		FAIL("a plain transaction failed: %s", check_error_name(tx->error));
		_exit(RUNNER_BROKEN);
	}
	note.id = tx->ops[0].result.id;
	note.seq = tx->ops[1].result.seq;
	if (tx->n_ops > 3 && tx->ops[3].kind == PAR_OP_CURSOR)
		note.acked = tx->ops[3].u.cursor.acked;
	child_seq = note.seq > child_seq ? note.seq : child_seq;
	note_write(&note);
}

static void add_member(struct par_tx *tx, unsigned i)
{
	struct par_op *op;

	add_roster(&store, tx, PAR_ROSTER_ADD, "alice", GROUP, store_format(&store, "u%u", i))
	    ->when = 0;
	op = add_reach(&store, tx, PAR_REACH_CHANGED, "alice", GROUP, "{\"id\":@00}");
	op->when = 0;
	op->u.event.of = tx->n_ops - 2;
}

static void submit(unsigned i)
{
	struct par_tx *tx = store.host->api.tx_new(store.plugin, tx_done, (void *)(uintptr_t)i);
	struct note note = { .i = i, .fate = SUBMITTED };

	add_append(&store, tx, "alice", "bob", store_format(&store, "m%u", i),
		   store_format(&store, "text %u", i));
	add_event(&store, tx, "bob", store_format(&store, "{\"i\":%u,\"id\":@00}", i))->when = 0;
	add_doc(tx, PAR_OP_DOC_PUT, "p", store_format(&store, "d%u", i), DOC_VALUE)->when = 0;
	if (i % 5 == 0 && child_seq > 0) {
		add_cursor(tx, "bob", "phone", child_seq, child_seq);
		note.acked = child_seq;
	}
	if (ADDS(i))
		add_member(tx, i);
	note_write(&note);
	store.host->api.tx_submit(tx);
}

static void submit_upto(unsigned end)
{
	unsigned i = 0;

	while (i < end) {
		unsigned batch = 1 + (unsigned)check_random(40);

		for (; i < end && batch > 0; i++) {
			if (txs[i].fate == DONE)
				continue;
			submit(i);
			batch--;
		}
		store.host->storage->flush(store.host->storage_state);
		host_drain(store.host);
		if (store.host->in_flight > 100)
			store_settle(&store);
	}
	store_settle(&store);
}

static void write_all(unsigned end)
{
	store_reopen(&store);
	ask_device(&store, "bob", "phone");
	ask_device(&store, "bob", "laptop");
	do_roster(&store, PAR_ROSTER_CREATE, "alice", GROUP, NULL); /* or there is one */
	submit_upto(end);
	store_shut(&store);
}

/* --- the child that looks --- */

static bool there[TXS];

static void look_at_message(const struct par_stored_message *m, uint64_t id)
{
	unsigned i = 0;

	EXPECT_EQ(m->id, id);
	NEED(m->client_id.s != NULL && sscanf(m->client_id.s, "m%u", &i) == 1 && i < TXS);
	EXPECT_STR(m->message, store_format(&store, "text %u", i));
	if (there[i])
		FAIL("message m%u is there twice", i);
	there[i] = true;
	if (txs[i].fate == UNKNOWN)
		FAIL("message m%u is there, and was never submitted", i);
	if (txs[i].fate == DONE)
		EXPECT_EQ(id, txs[i].id);
}

static unsigned look_at_messages(void)
{
	struct par_query *q;
	struct page *page;
	unsigned n = 0, i;

	do {
		q = store_query(&store, PAR_QUERY_MESSAGES, "bob");
		q->chat = store_chat(&store, "bob", "alice");
		q->start_id = n + 1;
		page = store_run_query(&store, q);
		for (i = 0; i < page->n; i++)
			look_at_message(&page->messages[i], ++n);
	} while (page->has_more);
	return n;
}

static void look_at_event(const struct stored_event *event, uint64_t seq)
{
	unsigned i = 0;
	uint64_t id = 0;

	EXPECT_EQ(event->seq, seq);
	NEED(sscanf(event->payload, "{\"i\":%u,\"id\":%" SCNu64 "}", &i, &id) == 2 && i < TXS);
	if (!there[i])
		FAIL("event %" PRIu64 " tells of message m%u, which is not there", seq, i);
	if (txs[i].fate == DONE)
		EXPECT_EQ(id, txs[i].id);
	if (txs[i].fate == DONE && txs[i].seq != 0)
		EXPECT_EQ(seq, txs[i].seq);
}

static unsigned look_at_events(void)
{
	struct page *page;
	unsigned n = 0, i;

	do {
		page = ask_events(&store, "bob", "laptop", n);
		EXPECT_EQ(page->device.resync_from, 0);
		for (i = 0; i < page->n; i++)
			look_at_event(&page->events[i], ++n);
	} while (page->has_more);
	return n;
}

static unsigned look_at_documents(void)
{
	const char *after = NULL;
	struct par_query *q;
	struct page *page;
	unsigned n = 0, j, i = 0;

	do {
		q = store_query(&store, PAR_QUERY_DOC_SCAN, "");
		q->plugin = par_str_of("p");
		q->after_key = par_str_of(after);
		page = store_run_query(&store, q);
		for (j = 0; j < page->n; j++, n++) {
			after = page->docs[j].key.s;
			NEED(sscanf(after, "d%u", &i) == 1 && i < TXS);
			if (!there[i])
				FAIL("document d%u is there without its message", i);
		}
	} while (page->has_more);
	return n;
}

/* Who was added is a member and knows it, or neither. */
static unsigned look_at_members(void)
{
	struct par_query *q;
	struct page *page;
	const char *after = "alice";
	unsigned n = 0, j, i = 0;

	do {
		q = store_query(&store, PAR_QUERY_MEMBERS, "alice");
		q->chat = store_chat(&store, "alice", GROUP);
		q->after_key = par_str_of(after);
		page = store_run_query(&store, q);
		for (j = 0; j < page->n; j++, n++) {
			after = page->members[j].user.s;
			NEED(sscanf(after, "u%u", &i) == 1 && i < TXS);
			if (!there[i])
				FAIL("member u%u is there without his transaction", i);
			if (check_random(10) == 0)
				EXPECT_EQ(ask_events(&store, after, "", 0)->n, 1);
		}
	} while (page->has_more);
	return n;
}

static void look(void *arg)
{
	const struct par_device_state *phone;
	unsigned n, i, members = 0;

	(void)arg;
	store_reopen(&store);
	n = look_at_messages();
	for (i = 0; i < TXS; i++) {
		if (txs[i].fate == DONE && !there[i])
			FAIL("message m%u was done, and is not there", i);
		members += ADDS(i) && there[i];
	}
	EXPECT_EQ(look_at_events(), n);
	EXPECT_EQ(look_at_documents(), n);
	EXPECT_EQ(look_at_members(), members);
	if (n > 0)
		EXPECT_EQ(ask_chat(&store, "bob", "alice")->chats[0].missed, n);
	phone = &ask_device(&store, "bob", "phone")->device;
	EXPECT_EQ(phone->last_seq, n);
	EXPECT_EQ(phone->sent, n);
	if (phone->acked < acked_min || phone->acked > acked_max)
		FAIL("the cursor is at %" PRIu64 ", and must be from %" PRIu64 " to %" PRIu64,
		     phone->acked, acked_min, acked_max);
	store_shut(&store);
}

/* --- the rounds --- */

static void note_take(const struct note *note)
{
	if (note->i >= n_txs)
		n_txs = note->i + 1;
	txs[note->i].fate = note->fate;
	if (note->acked > acked_max)
		acked_max = note->acked;
	if (note->fate != DONE)
		return;
	txs[note->i].id = note->id;
	txs[note->i].seq = note->seq;
	if (note->acked > acked_min)
		acked_min = note->acked;
}

/* Reads the child's notes to their end; kills it after so many were done. */
static void watch(int from, pid_t child, unsigned kill_after)
{
	struct note note;
	unsigned done = 0;

	while (read(from, &note, sizeof(note)) == (ssize_t)sizeof(note)) {
		note_take(&note);
		if (note.fate == DONE && ++done == kill_after)
			kill(child, SIGKILL);
	}
}

static void write_and_die(unsigned end, unsigned kill_after)
{
	int ends[2], status;
	pid_t child;

	NEED(pipe(ends) == 0);
	child = runner_fork();
	if (child == 0) {
		close(ends[0]);
		notes = ends[1];
		write_all(end);
		exit(check_failed() ? RUNNER_BROKEN : RUNNER_KEPT);
	}
	close(ends[1]);
	watch(ends[0], child, kill_after);
	close(ends[0]);
	NEED(waitpid(child, &status, 0) == child);
	NEED((WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) ||
	     (WIFEXITED(status) && WEXITSTATUS(status) == RUNNER_KEPT));
}

void rule_crash_keeps_what_was_done(void)
{
	unsigned round, i;

	check_set_up(&store);
	store_folder(&store);
	for (round = 0; round < ROUNDS && !check_failed(); round++) {
		write_and_die(n_txs + PER_ROUND, 1 + (unsigned)check_random(400));
		check_fork(look, NULL);
	}
	write_and_die(n_txs, 0);
	check_fork(look, NULL);
	for (i = 0; i < n_txs; i++)
		EXPECT_EQ(txs[i].fate, DONE);
	store_close(&store);
}
