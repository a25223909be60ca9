/* SPDX-License-Identifier: BSD-2-Clause */
/* Sessions at their edges: what hooks and slow auth plugins do while one begins
 * or ends, what is written of its device, and draining. */
#include <stdlib.h>
#include <string.h>

#include "core_world.h"
#include "engine/core_internal.h"
#include "engine/session.h"
#include "unit.h"
#include "ws/close_code.h"

#define NEW(id, to, text) \
	"{\"type\":\"request\",\"id\":\"" id "\",\"payloadType\":\"new\",\"payload\":{\"chatId\":" \
	"\"" to "\",\"message\":\"" text "\"}}"
#define KEEP(id) "{\"type\":\"request\",\"id\":\"" id "\",\"payloadType\":\"keep\"}"

static struct world w;
static par_request_id kept; /* the latest request `keep` */
static par_auth_id asked; /* the latest handshake that auth_later was asked about */

static void keep(void *state, const struct par_request *request)
{
	(void)state;
	kept = request->id;
}

static void auth_later(void *state, const struct par_auth_request *request)
{
	(void)state;
	asked = request->id;
}

static void open_world(const char *server)
{
	world_open(&w, server);
	api_table.handle_request(&w.plugin, "keep", keep, NULL);
	kept = 0;
	asked = 0;
}

/* From here on the test is the auth plugin. */
static void answer_handshakes(void)
{
	w.core->registry.auth.authenticate = auth_later;
	w.core->registry.auth_plugin = &w.plugin;
}

static struct conn *connect_user(const char *user, const char *device)
{
	struct conn *conn = world_hello(&w, user, device);
	const struct said *said = world_next(conn);

	CU_ASSERT_FATAL(said != NULL && said->kind == OUT_ACCEPT);
	return conn;
}

/* The conn closes; what it was told after that is left to be looked at. */
static void close_conn(struct conn *conn)
{
	world_signal(&w, conn, IN_CLOSED);
	world_run(&w);
	CU_ASSERT(conn->released);
}

static void drop_conn(struct conn *conn)
{
	unsigned i;

	for (i = 0; i < conn->n_said; i++)
		free(conn->said[i].text);
	free(conn);
}

static enum par_verdict wave(void *state, const struct par_hook_call *call)
{
	struct par_json *out = api_table.event_open(&w.plugin, "wave");

	(void)state;
	par_json_bool(out, true);
	api_table.event_send(&w.plugin, call->user, 0);
	api_table.event_close(&w.plugin);
	return PAR_ALLOW;
}

static void a_conn_that_closed_is_told_nothing_more(void)
{
	struct conn *alice;

	open_world("{max_inflight: 1}");
	api_table.add_hook(&w.plugin, PAR_HOOK_SESSION_CLOSED, wave, NULL);
	alice = connect_user("alice", NULL);
	world_say(&w, alice, KEEP("a"));
	world_say(&w, alice, KEEP("b"));
	world_run(&w);
	CU_ASSERT_EQUAL(world_next(alice)->kind, OUT_PAUSE);
	close_conn(alice);
	CU_ASSERT_EQUAL(world_next(alice)->kind, OUT_RELEASE);
	CU_ASSERT_PTR_NULL(world_next(alice));
	drop_conn(alice);
	world_close(&w);
}

static bool wave_at(par_session_id session)
{
	bool sent;

	par_json_bool(api_table.event_open(&w.plugin, "wave"), true);
	sent = api_table.event_send_session(&w.plugin, session);
	api_table.event_close(&w.plugin);
	world_run(&w);
	return sent;
}

static par_session_id opened;

static enum par_verdict note_opened(void *state, const struct par_hook_call *call)
{
	(void)state;
	opened = call->session;
	return PAR_ALLOW;
}

static void an_event_may_be_for_one_session(void)
{
	struct conn *phone, *laptop;

	open_world("{}");
	api_table.add_hook(&w.plugin, PAR_HOOK_SESSION_OPENED, note_opened, NULL);
	phone = connect_user("alice", "phone");
	laptop = connect_user("alice", "laptop");
	CU_ASSERT(wave_at(opened));
	CU_ASSERT(world_next_has(laptop, "wave"));
	CU_ASSERT_PTR_NULL(world_next(phone));
	world_signal(&w, laptop, IN_CONGESTED);
	world_run(&w);
	CU_ASSERT_FALSE(wave_at(opened));
	world_signal(&w, laptop, IN_DRAINED);
	world_run(&w);
	CU_ASSERT(wave_at(opened));
	CU_ASSERT(world_next_has(laptop, "wave"));
	world_hang_up(&w, laptop);
	CU_ASSERT_FALSE(wave_at(opened));
	CU_ASSERT_FALSE(wave_at(0));
	CU_ASSERT_PTR_NULL(world_next(phone));
	world_hang_up(&w, phone);
	world_close(&w);
}

static void after_its_close_frame_a_session_is_told_nothing(void)
{
	struct conn *alice;

	open_world("{max_bad_messages: 1}");
	alice = connect_user("alice", NULL);
	world_say(&w, alice, KEEP("a"));
	world_say(&w, alice, "{");
	world_run(&w);
	CU_ASSERT(world_next_has(alice, "bad_json"));
	CU_ASSERT_EQUAL(world_next(alice)->kind, OUT_CLOSE);
	CU_ASSERT(api_table.reply(&w.plugin, kept, NULL));
	world_run(&w);
	CU_ASSERT_PTR_NULL(world_next(alice));
	world_hang_up(&w, alice);
	world_close(&w);
}

static enum par_verdict accept_next(void *state, const struct par_hook_call *call)
{
	(void)state;
	api_table.auth_accept(&w.plugin, asked, call->user);
	return PAR_ALLOW;
}

/* An auth plugin that lets the next device in when the last one is gone. */
static void a_session_may_open_while_the_last_one_ends(void)
{
	struct conn *first, *second;

	open_world("{}");
	first = connect_user("alice", "phone");
	answer_handshakes();
	api_table.add_hook(&w.plugin, PAR_HOOK_USER_OFFLINE, accept_next, NULL);
	second = world_hello(&w, "alice", "desk");
	CU_ASSERT_PTR_NULL(world_next(second));
	world_hang_up(&w, first);
	CU_ASSERT_EQUAL(world_next(second)->kind, OUT_ACCEPT);
	CU_ASSERT_EQUAL(api_table.user_sessions(&w.plugin, par_str_of("alice")), 1);
	world_say(&w, second, NEW("r", "alice", "a note"));
	world_run(&w);
	CU_ASSERT(world_next_has(second, "\"id\":\"r\""));
	registry_remove(&w.core->registry, &w.plugin);
	world_hang_up(&w, second);
	world_close(&w);
}

static void a_user_id_is_checked_whoever_gives_it(void)
{
	static const char *const bad[] = { "", "grp_x", "a\nb", "\xff\xfe", "a\xc3" };
	struct par_plugin stranger;
	struct conn *conn;
	unsigned i;

	open_world("{}");
	answer_handshakes();
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		conn = world_hello(&w, "alice", NULL);
		CU_ASSERT(api_table.auth_accept(&w.plugin, asked, par_str_of(bad[i])));
		world_run(&w);
		CU_ASSERT_EQUAL(world_next(conn)->code, 401);
		world_hang_up(&w, conn);
	}
	conn = world_hello(&w, "alice", NULL);
	stranger = w.plugin;
	CU_ASSERT_FALSE(api_table.auth_accept(&stranger, asked, par_str_of("alice")));
	CU_ASSERT_FALSE(api_table.auth_refuse(&stranger, asked, NULL));
	CU_ASSERT(api_table.auth_accept(&w.plugin, asked, par_str_of("alice")));
	CU_ASSERT_FALSE(api_table.auth_accept(&w.plugin, asked, par_str_of("alice")));
	world_hang_up(&w, conn);
	world_close(&w);
}

static void draining_turns_handshakes_under_way_away(void)
{
	struct conn *conn;

	open_world("{}");
	answer_handshakes();
	conn = world_hello(&w, "alice", NULL);
	CU_ASSERT_PTR_NULL(world_next(conn));
	core_drain(w.core);
	world_run(&w);
	CU_ASSERT_FATAL(conn->n_said == 1);
	CU_ASSERT_EQUAL(world_next(conn)->code, 503);
	CU_ASSERT_FALSE(api_table.auth_accept(&w.plugin, asked, par_str_of("alice")));
	world_hang_up(&w, conn);
	world_run(&w);
	CU_ASSERT(core_drained(w.core));
	world_close(&w);
}

/* The drain waits for a request; the handshake is accepted before it is over. */
static void nobody_comes_in_while_draining(void)
{
	struct conn *alice, *bob;

	open_world("{}");
	alice = connect_user("alice", NULL);
	world_say(&w, alice, KEEP("a"));
	answer_handshakes();
	bob = world_hello(&w, "bob", NULL);
	core_drain(w.core);
	world_run(&w);
	api_table.auth_accept(&w.plugin, asked, par_str_of("bob"));
	world_run(&w);
	CU_ASSERT_FATAL(bob->n_said == 1);
	CU_ASSERT_EQUAL(world_next(bob)->code, 503);
	world_hang_up(&w, alice);
	world_hang_up(&w, bob);
	world_close(&w);
}

static void what_the_drain_does_not_wait_for_is_answered(void)
{
	struct conn *alice;

	open_world("{drain_timeout: 1s}");
	alice = connect_user("alice", NULL);
	world_say(&w, alice, KEEP("a"));
	world_run(&w);
	core_drain(w.core);
	world_advance(&w, 999);
	CU_ASSERT_PTR_NULL(world_next(alice));
	world_advance(&w, 1);
	CU_ASSERT(world_next_has(alice, "\"id\":\"a\",\"error\":{\"code\":\"unavailable\""));
	CU_ASSERT_FATAL(alice->n_read < alice->n_said);
	CU_ASSERT_EQUAL(world_next(alice)->code, WS_CLOSE_GOING_AWAY);
	world_hang_up(&w, alice);
	world_close(&w);
}

/* More than 16 bits of them are counted. */
static void many_bad_messages_are_counted(void)
{
	struct conn *alice;
	unsigned i, n = 0, k;

	open_world("{max_bad_messages: 66000}");
	alice = connect_user("alice", NULL);
	while (n < 66000) {
		for (i = 0; i < 400 && n < 66000; i++, n++)
			world_say(&w, alice, "{");
		world_run(&w);
		if (n == 66000)
			break;
		for (k = 0; k < alice->n_said; k++)
			free(alice->said[k].text);
		alice->n_said = 0;
	}
	CU_ASSERT_EQUAL(alice->said[alice->n_said - 1].kind, OUT_CLOSE);
	world_hang_up(&w, alice);
	world_close(&w);
}

/* Gone before the storage said where its device stands. */
static void a_device_that_left_at_once_has_left(void)
{
	struct conn *alice, *bob;
	struct conn *hasty = calloc(1, sizeof(*hasty));
	struct hello *hello = calloc(1, sizeof(*hello));
	struct in_msg in = { .kind = IN_HELLO, .conn = hasty, .u.hello = hello };

	open_world("{}");
	alice = connect_user("alice", NULL);
	bob = connect_user("bob", NULL);
	world_hang_up(&w, bob);
	hello->user = par_str_of("bob");
	CU_ASSERT(mailbox_push(w.seam.in, &in));
	close_conn(hasty);
	world_say(&w, alice, NEW("1", "bob", "one"));
	world_run(&w);
	bob = connect_user("bob", NULL);
	CU_ASSERT_FATAL(bob->n_said == 2);
	CU_ASSERT_EQUAL(bob->said[1].seq, 1);
	CU_ASSERT_FALSE(bob->said[1].redelivered);
	drop_conn(hasty);
	world_hang_up(&w, alice);
	world_hang_up(&w, bob);
	world_close(&w);
}

/* storage_memory, but for transactions that fail while `failing` is set. */
static struct par_storage_role memory_role;
static bool failing;
static struct par_tx *failed;

static void failing_submit(void *state, struct par_tx *tx)
{
	if (!failing) {
		memory_role.submit(state, tx);
		return;
	}
	tx->error = PAR_E_UNAVAILABLE;
	tx->next = failed;
	failed = tx;
}

static void failing_flush(void *state)
{
	struct par_tx *tx;

	while ((tx = failed) != NULL) {
		failed = tx->next;
		api_table.tx_done(tx);
	}
	memory_role.flush(state);
}

static void make_storage_fail(void)
{
	memory_role = w.core->registry.storage;
	w.core->registry.storage.submit = failing_submit;
	w.core->registry.storage.flush = failing_flush;
	failing = true;
}

/* A late word of the session before must not say that the device has left. */
static void a_device_that_came_back_is_there(void)
{
	struct conn *alice, *bob, *again;

	open_world("{}");
	alice = connect_user("alice", NULL);
	bob = connect_user("bob", "phone");
	make_storage_fail();
	world_hang_up(&w, bob);
	failing = false;
	bob = connect_user("bob", "phone");
	world_advance(&w, 5000); /* the last word is written now */
	world_say(&w, alice, NEW("1", "bob", "one"));
	world_run(&w);
	CU_ASSERT_EQUAL(world_next(bob)->seq, 1);
	again = connect_user("bob", "phone");
	CU_ASSERT_FATAL(again->n_said == 2);
	CU_ASSERT_EQUAL(again->said[1].seq, 1);
	CU_ASSERT(again->said[1].redelivered);
	world_hang_up(&w, alice);
	world_hang_up(&w, bob);
	world_hang_up(&w, again);
	world_close(&w);
}

static void the_last_word_of_a_session_is_tried_again(void)
{
	struct conn *alice, *bob;

	open_world("{}");
	alice = connect_user("alice", NULL);
	bob = connect_user("bob", "phone");
	world_say(&w, alice, NEW("1", "bob", "one"));
	world_say(&w, alice, NEW("2", "bob", "two"));
	world_run(&w);
	world_ack(&w, bob, 1);
	make_storage_fail();
	world_hang_up(&w, bob);
	world_advance(&w, 5000);
	failing = false;
	world_advance(&w, 5000);
	bob = connect_user("bob", "phone");
	CU_ASSERT_FATAL(bob->n_said == 2);
	CU_ASSERT_EQUAL(bob->said[1].seq, 2);
	CU_ASSERT(bob->said[1].redelivered);
	world_hang_up(&w, alice);
	world_hang_up(&w, bob);
	world_close(&w);
}

/* Keeps one of each, to fail late. */
static struct par_tx *late_tx;
static struct par_query *late_query;

static void late_submit(void *state, struct par_tx *tx)
{
	(void)state;
	CU_ASSERT_PTR_NULL(late_tx);
	late_tx = tx;
}

static void late_ask(void *state, struct par_query *query)
{
	(void)state;
	CU_ASSERT_PTR_NULL(late_query);
	late_query = query;
}

/* The core does not know yet that the last word of one session failed, nor that the
 * storage does not say where the device of the next one stands. */
static void a_device_leaves_only_where_it_has_come(void)
{
	struct conn *alice, *bob;
	struct par_storage_role role;

	open_world("{}");
	role = w.core->registry.storage;
	alice = connect_user("alice", NULL);
	bob = connect_user("bob", "phone");
	world_say(&w, alice, NEW("1", "bob", "one"));
	world_run(&w);
	CU_ASSERT_EQUAL(world_next(bob)->seq, 1);
	w.core->registry.storage.submit = late_submit;
	world_hang_up(&w, bob);
	w.core->registry.storage.submit = role.submit;
	w.core->registry.storage.query = late_ask;
	bob = connect_user("bob", "phone");
	w.core->registry.storage.query = role.query;
	world_hang_up(&w, bob);
	bob = connect_user("bob", "phone");
	CU_ASSERT_FATAL(bob->n_said == 2);
	CU_ASSERT_EQUAL(bob->said[1].seq, 1);
	CU_ASSERT(bob->said[1].redelivered);
	late_query->error = PAR_E_UNAVAILABLE;
	api_table.query_done(late_query);
	late_tx->error = PAR_E_UNAVAILABLE;
	api_table.tx_done(late_tx);
	world_hang_up(&w, alice);
	world_hang_up(&w, bob);
	world_close(&w);
}

/* Ids are stored with events, and another server on the same database must not have them. */
static void two_servers_have_no_session_id_in_common(void)
{
	par_session_id ids[2];
	struct conn *alice;
	unsigned i;

	for (i = 0; i < 2; i++) {
		open_world("{}");
		alice = connect_user("alice", "phone");
		ids[i] = alice->link.session->id;
		world_hang_up(&w, alice);
		world_close(&w);
	}
	CU_ASSERT_NOT_EQUAL(ids[0], ids[1]);
}

int main(void)
{
	static const struct unit_test tests[] = {
		{ "a conn that closed is told nothing more",
		  a_conn_that_closed_is_told_nothing_more },
		{ "an event may be for one session", an_event_may_be_for_one_session },
		{ "after its close frame a session is told nothing",
		  after_its_close_frame_a_session_is_told_nothing },
		{ "a session may open while the last one ends",
		  a_session_may_open_while_the_last_one_ends },
		{ "a user id is checked, whoever gives it", a_user_id_is_checked_whoever_gives_it },
		{ "draining turns handshakes under way away",
		  draining_turns_handshakes_under_way_away },
		{ "nobody comes in while draining", nobody_comes_in_while_draining },
		{ "what the drain does not wait for is answered",
		  what_the_drain_does_not_wait_for_is_answered },
		{ "many bad messages are counted", many_bad_messages_are_counted },
		{ "a device that left at once has left", a_device_that_left_at_once_has_left },
		{ "a device leaves only where it has come",
		  a_device_leaves_only_where_it_has_come },
		{ "a device that came back is there", a_device_that_came_back_is_there },
		{ "the last word of a session is tried again",
		  the_last_word_of_a_session_is_tried_again },
		{ "two servers have no session id in common",
		  two_servers_have_no_session_id_in_common },
		{ NULL, NULL },
	};

	return unit_main("session", tests);
}
