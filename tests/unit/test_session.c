/* SPDX-License-Identifier: BSD-2-Clause */
/* Sessions at their edges: what hooks and slow auth plugins do while one begins
 * or ends, and draining. */
#include <stdlib.h>

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
	alice = world_connect(&w, "alice", NULL);
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
	phone = world_connect(&w, "alice", "phone");
	laptop = world_connect(&w, "alice", "laptop");
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
	alice = world_connect(&w, "alice", NULL);
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
	first = world_connect(&w, "alice", "phone");
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
	alice = world_connect(&w, "alice", NULL);
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
	alice = world_connect(&w, "alice", NULL);
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
	alice = world_connect(&w, "alice", NULL);
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

/* Ids are stored with events, and another server on the same database must not have them. */
static void two_servers_have_no_session_id_in_common(void)
{
	par_session_id ids[2];
	struct conn *alice;
	unsigned i;

	for (i = 0; i < 2; i++) {
		open_world("{}");
		alice = world_connect(&w, "alice", "phone");
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
		{ "two servers have no session id in common",
		  two_servers_have_no_session_id_in_common },
		{ NULL, NULL },
	};

	return unit_main("session", tests);
}
