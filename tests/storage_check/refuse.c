/* SPDX-License-Identifier: BSD-2-Clause */
/* The rule of refusals: each that there is, alone and behind operations that
 * had succeeded, with everything compared before and after. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"

static struct par_op *append_reused(struct par_tx *tx)
{
	return add_append(&store, tx, "alice", "bob", "c1", "another text");
}

static struct par_op *append_reply(struct par_tx *tx)
{
	struct par_op *op = add_append(&store, tx, "alice", "bob", "r", "reply");

	op->u.append.reply_to = 99;
	return op;
}

static struct par_op *append_nowhere(struct par_tx *tx)
{
	struct par_op *op = add_append(&store, tx, "alice", "grp_none", "c9", "text");

	op->u.append.chat.key = par_str_of("grp_none");
	return op;
}

static struct par_op *edit_reused(struct par_tx *tx)
{
	struct par_op *op = add_change(&store, tx, PAR_CHANGE_EDIT, "alice", "bob", 1);

	op->u.change.client_id = par_str_of("c2");
	op->u.change.fingerprint = 4711;
	return op;
}

static struct par_op *edit_of_another(struct par_tx *tx)
{
	return add_change(&store, tx, PAR_CHANGE_EDIT, "bob", "alice", 1);
}

static struct par_op *edit_of_deleted(struct par_tx *tx)
{
	return add_change(&store, tx, PAR_CHANGE_EDIT, "alice", "bob", 3);
}

static struct par_op *edit_of_call(struct par_tx *tx)
{
	return add_change(&store, tx, PAR_CHANGE_EDIT, "alice", "bob", 5);
}

static struct par_op *delete_of_none(struct par_tx *tx)
{
	return add_change(&store, tx, PAR_CHANGE_DELETE, "alice", "bob", 99);
}

static struct par_op *delete_of_another(struct par_tx *tx)
{
	return add_change(&store, tx, PAR_CHANGE_DELETE, "bob", "alice", 2);
}

static struct par_op *hide_of_service(struct par_tx *tx)
{
	return add_change(&store, tx, PAR_CHANGE_HIDE, "bob", "alice", 4);
}

static struct par_op *mark_past_the_end(struct par_tx *tx)
{
	return add_mark(&store, tx, PAR_MARK_READ, "bob", "alice", 99);
}

static struct par_op *mark_of_none(struct par_tx *tx)
{
	return add_mark(&store, tx, PAR_MARK_READ, "alice", "bob", 0);
}

static struct par_op *mark_nowhere(struct par_tx *tx)
{
	return add_mark(&store, tx, PAR_MARK_READ, "alice", "nobody", 0);
}

static const struct refusal {
	const char *name;
	struct par_op *(*add)(struct par_tx *tx);
	enum par_error error;
} refusals[] = {
	{ "append, reused", append_reused, PAR_E_CONFLICT },
	{ "append, reply to none", append_reply, PAR_E_NOT_FOUND },
	{ "append, no such group", append_nowhere, PAR_E_NOT_FOUND },
	{ "edit, reused", edit_reused, PAR_E_CONFLICT },
	{ "edit, another's", edit_of_another, PAR_E_FORBIDDEN },
	{ "edit, deleted", edit_of_deleted, PAR_E_NOT_FOUND },
	{ "edit, a call", edit_of_call, PAR_E_FORBIDDEN },
	{ "delete, none", delete_of_none, PAR_E_NOT_FOUND },
	{ "delete, another's", delete_of_another, PAR_E_FORBIDDEN },
	{ "hide, a service message", hide_of_service, PAR_E_NOT_FOUND },
	{ "mark, past the end", mark_past_the_end, PAR_E_NOT_FOUND },
	{ "mark, none of another", mark_of_none, PAR_E_NOT_FOUND },
	{ "mark, no such chat", mark_nowhere, PAR_E_NOT_FOUND },
};

/* 1 and 2 are messages, 3 one that 4 deleted, 5 a call; all of them alice's. */
static void prepare(void)
{
	struct par_tx *tx;

	ask_device(&store, "bob", "phone");
	do_append(&store, "alice", "bob", "c1", "one");
	do_append(&store, "alice", "bob", "c2", "two");
	do_append(&store, "alice", "bob", "c3", "three");
	do_change(&store, PAR_CHANGE_DELETE, "alice", "bob", 3);
	tx = store_tx(&store);
	add_append(&store, tx, "alice", "bob", "k", NULL)->u.append.type = par_str_of("call");
	store_run(&store, tx);
	do_mark(&store, PAR_MARK_READ, "bob", "alice", 1);
	do_event(&store, "bob", "{\"a\":1}");
	do_put(&store, "p", "old", "v");
}

static void print_str(FILE *to, struct par_str s)
{
	fprintf(to, " %s", s.s == NULL ? "-" : s.s);
}

static void print_chat(FILE *to, const char *user, const char *peer)
{
	struct page *page = ask_messages(&store, user, peer);
	unsigned i;

	fprintf(to, "\n%s with %s: %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64, user, peer,
		page->my_read, page->my_delivered, page->peer_read, page->peer_delivered);
	for (i = 0; i < page->n; i++) {
		const struct par_stored_message *m = &page->messages[i];

		fprintf(to, "\n%" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64, m->id, m->created,
			m->updated, m->deleted);
		print_str(to, m->sender);
		print_str(to, m->client_id);
		print_str(to, m->type);
		print_str(to, m->message);
		print_str(to, m->payload);
		print_str(to, m->reply);
	}
	page = ask_chat(&store, user, peer);
	if (page->n > 0)
		fprintf(to, "\nmissed %" PRIu64 " from %" PRIu64, page->chats[0].missed,
			page->chats[0].first_missed);
}

static void print_stream(FILE *to, const char *user)
{
	struct page *page = ask_events(&store, user, "phone", 0);
	unsigned i;

	fprintf(to, "\n%s's events:", user);
	for (i = 0; i < page->n; i++)
		fprintf(to, " %" PRIu64 "=%s", page->events[i].seq, page->events[i].payload);
}

/* All that a storage shows of the users in question. */
static char *everything(void)
{
	static const char *const users[] = { "alice", "bob", "dave" };
	char *text;
	size_t len, i;
	FILE *to = open_memstream(&text, &len);

	if (to == NULL)
		abort();
	for (i = 0; i < 3; i++) {
		fprintf(to, "\n%s has %u chats", users[i], ask_chats(&store, users[i])->n);
		print_stream(to, users[i]);
	}
	print_chat(to, "alice", "bob");
	print_chat(to, "bob", "alice");
	print_chat(to, "bob", "dave");
	fprintf(to, "\ndocuments: %s %s", ask_doc(&store, "p", "old"),
		ask_doc(&store, "p", "new") == NULL ? "-" : "new");
	fclose(to);
	return text;
}

/* Six operations that succeed, which a refusal behind them must undo. */
static void add_effects(struct par_tx *tx)
{
	add_append(&store, tx, "bob", "dave", "d1", "new chat");
	add_append(&store, tx, "bob", "alice", "b9", "nine");
	add_mark(&store, tx, PAR_MARK_READ, "bob", "alice", 2);
	add_event(&store, tx, "bob", "{\"b\":2}");
	add_doc(tx, PAR_OP_DOC_PUT, "p", "new", "w");
	add_doc(tx, PAR_OP_DOC_DELETE, "p", "old", NULL);
}

static void refuse(const struct refusal *refusal, bool with_effects)
{
	struct par_tx *tx = store_tx(&store);
	struct outcome *out;

	if (with_effects && refusal->add != mark_of_none) /* bob's message is one */
		add_effects(tx);
	refusal->add(tx);
	out = store_run(&store, tx);
	if (out->error != refusal->error)
		FAIL("%s: expected %s, came %s", refusal->name, check_error_name(refusal->error),
		     check_error_name(out->error));
}

void rule_tx_refusals_change_nothing(void)
{
	char *before, *after;
	size_t i;

	prepare();
	before = everything();
	for (i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		refuse(&refusals[i], false);
		refuse(&refusals[i], true);
		refuse(&refusals[i], true);
		after = everything();
		if (strcmp(before, after) != 0)
			FAIL("%s has left something behind; before:%s\nafter:%s", refusals[i].name,
			     before, after);
		free(after);
	}
	free(before);
	EXPECT_EQ(do_append(&store, "bob", "alice", "b9", "nine")->op[0].id, 6);
	EXPECT_EQ(do_event(&store, "bob", "{}")->op[0].seq, 2);
}
