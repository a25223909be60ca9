/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who may do what in a group, and what comes of it. A group is written as
 * "ann=o bob=a7 cid=m3": the first letter of each role, and when he joined. A verdict is written
 * as its steps, "+dan=m" for who joins, "-cid=m" for who goes, "bob=o" for a new role, with `*`
 * behind those who are among the changed; then "named" and "deleted".
 */
#include <string.h>

#include "plugins/storage_common/roster.h"
#include "unit.h"

#define MAX 32

struct world {
	struct roster before;
	struct roster_member members[MAX];
	struct par_op_roster op;
	struct par_str users[MAX];
	struct roster_step room[MAX];
	char text[4][256]; /* what the strings above point into */
};

static enum par_role role_of(char letter)
{
	return letter == 'o' ? PAR_ROLE_OWNER : letter == 'a' ? PAR_ROLE_ADMIN : PAR_ROLE_MEMBER;
}

static void world_group(struct world *w, const char *group)
{
	char *at, *next = NULL;

	strcpy(w->text[0], group);
	w->before.exists = strcmp(group, "none") != 0;
	w->before.members = w->members;
	w->before.name = par_str_of("old");
	for (at = strtok_r(w->text[0], " ", &next); at != NULL && w->before.exists;
	     at = strtok_r(NULL, " ", &next)) {
		struct roster_member *member = &w->members[w->before.n++];
		char *role = strchr(at, '=');
		*role = '\0';
		member->user = par_str_of(at);
		member->role = role_of(role[1]);
		member->joined = strtoull(role + 2, NULL, 10);
	}
}

static void world_begin(struct world *w, const char *group, enum par_roster_kind kind,
			const char *actor, const char *users)
{
	char *at, *next = NULL;

	memset(w, 0, sizeof(*w));
	world_group(w, group);
	w->op.kind = kind;
	w->op.chat.user = par_str_of(strcpy(w->text[1], actor));
	w->op.name = par_str_of("new");
	w->op.max_members = 5;
	w->op.users = w->users;
	for (at = strtok_r(strcpy(w->text[2], users), " ", &next); at != NULL;
	     at = strtok_r(NULL, " ", &next))
		w->users[w->op.n_users++] = par_str_of(at);
}

static const char *world_verdict(struct world *w)
{
	static const char *const moves[] = { "+", "-", "" };
	static char text[512];
	struct roster_verdict v;
	unsigned i;

	memset(&v, 0x5a, sizeof(v));
	roster_decide(&w->op, &w->before, w->room, &v);
	if (v.error != PAR_OK) {
		CU_ASSERT_PTR_NOT_NULL(v.message);
		return v.error == PAR_E_NOT_FOUND   ? "NOT_FOUND"
		       : v.error == PAR_E_FORBIDDEN ? "FORBIDDEN"
		       : v.error == PAR_E_CONFLICT  ? "CONFLICT"
						    : "TOO_LARGE";
	}
	text[0] = '\0';
	for (i = 0; i < v.n_steps; i++)
		sprintf(text + strlen(text), " %s%.*s=%c%s", moves[v.steps[i].move],
			(int)v.steps[i].user.len, v.steps[i].user.s, "mao"[v.steps[i].role],
			v.steps[i].changed ? "*" : "");
	strcat(text, v.renamed ? " named" : "");
	strcat(text, v.deleted ? " deleted" : "");
	CU_ASSERT_EQUAL(v.applied, text[0] != '\0');
	return text[0] == '\0' ? "nothing" : text + 1;
}

static void check(const char *group, enum par_roster_kind kind, const char *actor,
		  const char *users, const char *wanted)
{
	struct world w;
	const char *came;

	world_begin(&w, group, kind, actor, users);
	came = world_verdict(&w);
	if (strcmp(came, wanted) != 0)
		printf("%s %d by %s (%s): expected %s, came %s\n", group, (int)kind, actor, users,
		       wanted, came);
	CU_ASSERT_STRING_EQUAL(came, wanted);
}

static void check_role(const char *group, enum par_role role, const char *actor, const char *users,
		       const char *wanted)
{
	struct world w;

	world_begin(&w, group, PAR_ROSTER_ROLE, actor, users);
	w.op.role = role;
	CU_ASSERT_STRING_EQUAL(world_verdict(&w), wanted);
}

#define GROUP "ann=o bob=a3 cid=m2 dan=a3"

static void test_create(void)
{
	check("none", PAR_ROSTER_CREATE, "bob", "cid ann", "+ann=m* +bob=o* +cid=m*");
	check("none", PAR_ROSTER_CREATE, "bob", "", "+bob=o*");
	check("none", PAR_ROSTER_CREATE, "bob", "bob cid cid", "+bob=o* +cid=m*");
	check("none", PAR_ROSTER_CREATE, "z", "a b c d", "+a=m* +b=m* +c=m* +d=m* +z=o*");
	check("none", PAR_ROSTER_CREATE, "z", "a b c d e", "TOO_LARGE");
	check(GROUP, PAR_ROSTER_CREATE, "ann", "eve", "CONFLICT");
	check(GROUP, PAR_ROSTER_CREATE, "eve", "", "CONFLICT");
	check("", PAR_ROSTER_CREATE, "ann", "", "CONFLICT");
}

static void test_who_is_in_it(void)
{
	int kind;

	for (kind = PAR_ROSTER_NAME; kind <= PAR_ROSTER_DELETE; kind++) {
		check("none", kind, "ann", "ann", "NOT_FOUND");
		check("", kind, "ann", "ann", "NOT_FOUND");
		check(GROUP, kind, "an", "cid", "NOT_FOUND");
		check(GROUP, kind, "anna", "cid", "NOT_FOUND");
		check(GROUP, kind, "zoe", "cid", "NOT_FOUND");
	}
}

static void test_name(void)
{
	struct world w;

	check(GROUP, PAR_ROSTER_NAME, "ann", "", "named");
	check(GROUP, PAR_ROSTER_NAME, "dan", "", "named");
	check(GROUP, PAR_ROSTER_NAME, "cid", "", "FORBIDDEN");
	world_begin(&w, GROUP, PAR_ROSTER_NAME, "ann", "");
	w.op.name = par_str_of("old");
	CU_ASSERT_STRING_EQUAL(world_verdict(&w), "nothing");
}

static void test_add(void)
{
	check(GROUP, PAR_ROSTER_ADD, "bob", "eve", "+eve=m*");
	check(GROUP, PAR_ROSTER_ADD, "ann", "dan eve bob", "+eve=m*");
	check(GROUP, PAR_ROSTER_ADD, "ann", "dan bob", "nothing");
	check(GROUP, PAR_ROSTER_ADD, "ann", "", "nothing");
	check(GROUP, PAR_ROSTER_ADD, "ann", "eve eve", "+eve=m*");
	check(GROUP, PAR_ROSTER_ADD, "ann", "eve fay", "TOO_LARGE");
	check(GROUP, PAR_ROSTER_ADD, "cid", "eve", "FORBIDDEN");
	/* there are more than there may be by now: nobody joins, and that is no error */
	check("a=o b=m c=m d=m e=m f=m", PAR_ROSTER_ADD, "a", "b", "nothing");
	check("a=o b=m c=m d=m e=m f=m", PAR_ROSTER_ADD, "a", "g", "TOO_LARGE");
}

static void test_remove(void)
{
	check(GROUP, PAR_ROSTER_REMOVE, "ann", "dan cid bob", "-bob=a* -cid=m* -dan=a*");
	check(GROUP, PAR_ROSTER_REMOVE, "ann", "cid eve cid", "-cid=m*");
	check(GROUP, PAR_ROSTER_REMOVE, "ann", "eve", "nothing");
	check(GROUP, PAR_ROSTER_REMOVE, "ann", "cid ann", "FORBIDDEN");
	check(GROUP, PAR_ROSTER_REMOVE, "bob", "cid", "-cid=m*");
	check(GROUP, PAR_ROSTER_REMOVE, "bob", "cid dan", "FORBIDDEN");
	check(GROUP, PAR_ROSTER_REMOVE, "bob", "ann", "FORBIDDEN");
	check(GROUP, PAR_ROSTER_REMOVE, "bob", "bob", "FORBIDDEN");
	check(GROUP, PAR_ROSTER_REMOVE, "cid", "cid", "FORBIDDEN");
}

static void test_role(void)
{
	check_role(GROUP, PAR_ROLE_ADMIN, "ann", "cid bob", "cid=a*");
	check_role(GROUP, PAR_ROLE_ADMIN, "ann", "dan bob", "nothing");
	check_role(GROUP, PAR_ROLE_ADMIN, "ann", "cid eve", "NOT_FOUND");
	check_role(GROUP, PAR_ROLE_ADMIN, "ann", "ann", "FORBIDDEN");
	check_role(GROUP, PAR_ROLE_ADMIN, "bob", "cid", "FORBIDDEN");
	check_role(GROUP, PAR_ROLE_MEMBER, "ann", "dan cid bob", "bob=m* dan=m*");
	check_role(GROUP, PAR_ROLE_MEMBER, "ann", "ann", "FORBIDDEN");
	check_role(GROUP, PAR_ROLE_OWNER, "ann", "cid", "ann=a cid=o*");
	check_role(GROUP, PAR_ROLE_OWNER, "ann", "cid bob", "FORBIDDEN");
	check_role(GROUP, PAR_ROLE_OWNER, "ann", "ann", "FORBIDDEN");
	check_role(GROUP, PAR_ROLE_OWNER, "ann", "", "FORBIDDEN");
	check_role(GROUP, PAR_ROLE_OWNER, "ann", "eve", "NOT_FOUND");
	check_role(GROUP, PAR_ROLE_OWNER, "dan", "cid", "FORBIDDEN");
	check_role(GROUP, PAR_ROLE_OWNER, "dan", "ann", "nothing");
	check_role(GROUP, PAR_ROLE_OWNER, "dan", "ann cid", "FORBIDDEN");
	check_role(GROUP, PAR_ROLE_OWNER, "eve", "ann", "NOT_FOUND");
}

static void test_leave(void)
{
	check(GROUP, PAR_ROSTER_LEAVE, "cid", "", "-cid=m*");
	check(GROUP, PAR_ROSTER_LEAVE, "dan", "", "-dan=a*");
	/* who joined in one moment: by their bytes; cid was there before them, but is no admin */
	check(GROUP, PAR_ROSTER_LEAVE, "ann", "", "-ann=o* bob=o");
	check("bob=a4 cid=m2 dan=a3 zoe=o", PAR_ROSTER_LEAVE, "zoe", "", "dan=o -zoe=o*");
	check("bob=m4 cid=m2 dan=m2 zoe=o", PAR_ROSTER_LEAVE, "zoe", "", "cid=o -zoe=o*");
	check("zoe=o", PAR_ROSTER_LEAVE, "zoe", "", "-zoe=o* deleted");
}

static void test_delete(void)
{
	check(GROUP, PAR_ROSTER_DELETE, "ann", "", "-ann=o* -bob=a* -cid=m* -dan=a* deleted");
	check(GROUP, PAR_ROSTER_DELETE, "bob", "", "FORBIDDEN");
	check(GROUP, PAR_ROSTER_DELETE, "cid", "", "FORBIDDEN");
}

static char memory[1024];

static void *fake_alloc(struct par_tx *tx, size_t size)
{
	(void)tx;
	CU_ASSERT_FATAL(size <= sizeof(memory));
	return memset(memory, 0x5a, sizeof(memory));
}

static bool is(struct par_str s, const char *wanted)
{
	return par_str_equal(s, par_str_of(wanted)) && s.s >= memory &&
	       s.s < memory + sizeof(memory);
}

static struct par_op result_of(const char *group, enum par_roster_kind kind, const char *users)
{
	const struct par_api api = { .tx_alloc = fake_alloc };
	struct par_op op = { .kind = PAR_OP_ROSTER };
	struct roster_verdict v;
	struct world w;

	world_begin(&w, group, kind, "ann", users);
	op.u.roster = w.op;
	op.u.roster.role = PAR_ROLE_OWNER; /* what ROLE gives here */
	roster_decide(&op.u.roster, &w.before, w.room, &v);
	roster_result(&api, NULL, &op, &w.before, &v);
	memset(&w, 0, sizeof(w)); /* nothing points into it any more */
	return op;
}

static void test_results(void)
{
	struct par_op op = result_of("none", PAR_ROSTER_CREATE, "cid bob");

	CU_ASSERT(op.result.applied);
	CU_ASSERT_EQUAL(op.u.roster.members, 3);
	CU_ASSERT_EQUAL_FATAL(op.u.roster.n_changed, 3);
	CU_ASSERT(is(op.u.roster.changed[0], "ann"));
	CU_ASSERT(is(op.u.roster.changed[1], "bob"));
	CU_ASSERT(is(op.u.roster.changed[2], "cid"));
	CU_ASSERT_PTR_NULL(op.u.roster.owner.s); /* he is it, and did not become it */
	CU_ASSERT(is(op.u.roster.new_name, "new"));

	op = result_of("ann=o bob=a cid=m", PAR_ROSTER_NAME, "");
	CU_ASSERT(is(op.u.roster.new_name, "new"));
	CU_ASSERT_EQUAL(op.u.roster.members, 3);

	op = result_of("ann=o bob=a cid=m", PAR_ROSTER_LEAVE, "");
	CU_ASSERT(is(op.u.roster.new_name, "old"));
	CU_ASSERT_EQUAL(op.u.roster.members, 2);
	CU_ASSERT_EQUAL_FATAL(op.u.roster.n_changed, 1);
	CU_ASSERT(is(op.u.roster.changed[0], "ann"));
	CU_ASSERT(is(op.u.roster.owner, "bob"));

	op = result_of("ann=m bob=o cid=m", PAR_ROSTER_LEAVE, "");
	CU_ASSERT_PTR_NULL(op.u.roster.owner.s);
	op = result_of("ann=o", PAR_ROSTER_LEAVE, "");
	CU_ASSERT_PTR_NULL(op.u.roster.owner.s);

	op = result_of("ann=o bob=a cid=m", PAR_ROSTER_ROLE, "cid");
	CU_ASSERT_EQUAL_FATAL(op.u.roster.n_changed, 1);
	CU_ASSERT(is(op.u.roster.changed[0], "cid"));
	CU_ASSERT(is(op.u.roster.owner, "cid"));

	op = result_of("ann=o bob=a cid=m", PAR_ROSTER_ADD, "bob");
	CU_ASSERT(!op.result.applied);
	CU_ASSERT(is(op.u.roster.new_name, "old"));
	CU_ASSERT_EQUAL(op.u.roster.members, 3);
	CU_ASSERT_EQUAL(op.u.roster.n_changed, 0);
}

int main(void)
{
	static const struct unit_test tests[] = {
		{ "a group is created", test_create },
		{ "only members act", test_who_is_in_it },
		{ "a group gets a name", test_name },
		{ "users are added", test_add },
		{ "members are removed", test_remove },
		{ "roles are given", test_role },
		{ "members leave", test_leave },
		{ "a group is deleted", test_delete },
		{ "results", test_results },
		{ NULL, NULL },
	};

	return unit_main("roster", tests);
}
