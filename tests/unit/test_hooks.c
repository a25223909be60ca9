/* SPDX-License-Identifier: BSD-2-Clause */
/* The hook roster_changed, with storage_memory: of what it is told, and when, and that a
 * transaction may be submitted within it. */
#include <stdio.h>
#include <string.h>

#include <parlance/storage.h>

#include "core_world.h"
#include "unit.h"

static struct world w;
static char roster[256]; /* what the hook and the submitter were told */

static void roster_say(const char *word, struct par_str name)
{
	size_t len = strlen(roster);

	snprintf(roster + len, sizeof(roster) - len, "%s%.*s", word, (int)name.len, name.s);
}

static void noted(void *state, void *arg)
{
	const struct par_tx *tx = arg;

	(void)state;
	CU_ASSERT_EQUAL(tx->error, PAR_OK);
	roster_say("noted; ", par_str_of(""));
}

static void note(struct par_str text)
{
	struct par_tx *tx = api_table.tx_new(&w.plugin, noted, NULL);
	struct par_op_doc *doc = &par_tx_add(tx, PAR_OP_DOC_PUT)->u.doc;

	doc->plugin = doc->key = par_str_of("notes");
	doc->value = par_tx_copy(&api_table, tx, text);
	api_table.tx_submit(tx);
}

static enum par_verdict roster_changed(void *state, const struct par_hook_call *call)
{
	const struct par_op *op = call->subject;

	(void)state;
	CU_ASSERT_EQUAL(op->kind, PAR_OP_ROSTER);
	CU_ASSERT(par_str_equal(call->user, op->u.roster.chat.user));
	roster_say(op->u.roster.kind == PAR_ROSTER_CREATE ? "created " : "added ",
		   op->u.roster.changed[0]);
	note(op->u.roster.changed[0]);
	return PAR_DENY; /* an observer's, so nobody cares */
}

static void roster_done(void *state, void *arg)
{
	const struct par_tx *tx = arg;

	(void)state;
	roster_say(tx->error == PAR_OK ? ", done; " : "refused; ", par_str_of(""));
}

static void roster_submit(enum par_roster_kind kind, const struct par_str *user)
{
	struct par_tx *tx = api_table.tx_new(&w.plugin, roster_done, NULL);
	struct par_op_roster *op = &par_tx_add(tx, PAR_OP_ROSTER)->u.roster;

	op->chat.key = op->chat.peer = par_str_of("grp_1");
	op->chat.user = par_str_of("alice");
	op->kind = kind;
	op->name = par_str_of("us");
	op->users = user;
	op->n_users = 1;
	op->max_members = 9;
	api_table.tx_submit(tx);
	world_run(&w);
}

/* Only what changed something, and before who did it goes on. */
static void a_hook_is_told_of_groups(void)
{
	static const struct par_str bob = { "bob", 3 }, carol = { "carol", 5 };

	world_open(&w, "{}");
	api_table.add_hook(&w.plugin, PAR_HOOK_ROSTER_CHANGED, roster_changed, NULL);
	roster[0] = '\0';
	roster_submit(PAR_ROSTER_CREATE, &bob);
	roster_submit(PAR_ROSTER_CREATE, &bob); /* there is one */
	roster_submit(PAR_ROSTER_ADD, &bob); /* is in it already */
	roster_submit(PAR_ROSTER_ADD, &carol);
	CU_ASSERT_STRING_EQUAL(roster, "created alice, done; noted; refused; , done; "
				       "added carol, done; noted; ");
	world_close(&w);
}

int main(void)
{
	static const struct unit_test tests[] = {
		{ "a hook is told of groups", a_hook_is_told_of_groups },
		{ NULL, NULL },
	};

	return unit_main("hooks", tests);
}
