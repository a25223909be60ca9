/* SPDX-License-Identifier: BSD-2-Clause */
/* The host API in hands that are careless, unlucky or late: what a plugin may do
 * to itself, and never to the server or to its neighbours. */
#include <dlfcn.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <parlance/storage.h>

#include "base/log.h"
#include "core_world.h"
#include "engine/core_internal.h"
#include "unit.h"

#define ASK(type) "{\"type\":\"request\",\"id\":\"a\",\"payloadType\":\"" type "\"}"
#define SLOW_US 200000

static struct world w;
static struct conn *alice;
static unsigned calls;

/* A request of this type, handled by `fn`, is on its way when it returns. */
static void ask(const char *server, par_request_fn fn)
{
	world_open(&w, server);
	calls = 0;
	api_table.handle_request(&w.plugin, "test", fn, NULL);
	alice = world_hello(&w, "alice", NULL);
	CU_ASSERT_EQUAL(world_next(alice)->kind, OUT_ACCEPT);
	world_say(&w, alice, ASK("test"));
	world_run(&w);
}

static void done(void)
{
	world_hang_up(&w, alice);
	world_close(&w);
}

static void answer(void *state, const struct par_request *request)
{
	(void)state;
	api_table.reply(&w.plugin, request->id, NULL);
}

static void ignore(void *state, void *arg)
{
	(void)state;
	(void)arg;
}

/* What is logged from here on, until log_text. */
static char log_name[64];

static void log_begin(void)
{
	struct log_config config = { .level = PAR_LOG_WARNING, .file = log_name };
	char error[256];

	snprintf(log_name, sizeof(log_name), "/tmp/test_api.%d.log", (int)getpid());
	unlink(log_name);
	CU_ASSERT_FATAL(log_open(&config, error, sizeof(error)));
}

static const char *log_end(void)
{
	static char text[4096];
	FILE *file = fopen(log_name, "r");

	CU_ASSERT_FATAL(file != NULL);
	text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
	fclose(file);
	unlink(log_name);
	return text;
}

static void reply_with_too_much(void *state, const struct par_request *request)
{
	size_t len = PAR_JSON_LIMIT + 1;
	char *text = calloc(1, len);
	struct json_object *payload;

	(void)state;
	memset(text, 'x', len);
	payload = json_object_new_string_len(text, (int)len);
	CU_ASSERT(api_table.reply(&w.plugin, request->id, payload));
	json_object_put(payload);
	free(text);
}

static void an_answer_that_is_too_large_is_an_error(void)
{
	ask("{}", reply_with_too_much);
	CU_ASSERT(world_next_has(alice, "\"id\":\"a\",\"error\":{\"code\":\"too_large\""));
	done();
}

static void fail_with_too_many_words(void *state, const struct par_request *request)
{
	size_t len = PAR_JSON_LIMIT + 1;
	char *text = calloc(1, len + 1);

	(void)state;
	memset(text, 'x', len);
	CU_ASSERT(api_table.fail(&w.plugin, request->id, PAR_E_CONFLICT, NULL, text));
	free(text);
}

static void an_error_that_is_too_long_loses_its_words(void)
{
	ask("{}", fail_with_too_many_words);
	CU_ASSERT(world_next_has(alice, "\"id\":\"a\",\"error\":{\"code\":\"conflict\""));
	done();
}

static void fail_with_details(void *state, const struct par_request *request)
{
	struct par_str details = par_str_of("{\"callId\":\"c1\"}");

	(void)state;
	CU_ASSERT(api_table.fail_details(&w.plugin, request->id, PAR_E_CONFLICT, details, "busy"));
	CU_ASSERT_FALSE(
	    api_table.fail_details(&w.plugin, request->id, PAR_E_CONFLICT, details, "busy"));
}

static void an_error_may_have_details_of_its_own(void)
{
	log_begin();
	ask("{}", fail_with_details);
	CU_ASSERT(world_next_has(alice, "\"error\":{\"code\":\"conflict\",\"message\":\"busy\","
					"\"details\":{\"callId\":\"c1\"}}"));
	log_begin(); /* the second completion was complained about, rightly */
	done();
}

static void fail_unheard_of(void *state, const struct par_request *request)
{
	(void)state;
	CU_ASSERT(api_table.fail(&w.plugin, request->id, (enum par_error)1000, NULL, NULL));
}

static void an_unknown_error_is_internal(void)
{
	ask("{}", fail_unheard_of);
	CU_ASSERT(world_next_has(alice, "\"code\":\"internal\""));
	done();
}

static void open_then_fail(void *state, const struct par_request *request)
{
	(void)state;
	CU_ASSERT_PTR_NOT_NULL(api_table.reply_open(&w.plugin, request->id));
	CU_ASSERT(api_table.fail(&w.plugin, request->id, PAR_E_NOT_FOUND, NULL, NULL));
	CU_ASSERT_FALSE(api_table.reply_close(&w.plugin, request->id));
}

static void an_open_reply_may_end_as_an_error(void)
{
	log_begin();
	ask("{}", open_then_fail);
	CU_ASSERT(world_next_has(alice, "not_found"));
	log_begin(); /* the second completion was complained about, rightly */
	world_say(&w, alice, ASK("chats"));
	world_run(&w);
	CU_ASSERT(world_next_has(alice, "\"type\":\"response\""));
	CU_ASSERT_STRING_EQUAL(log_end(), "");
	done();
}

static void complete_nothing(void *state, const struct par_request *request)
{
	(void)state;
	CU_ASSERT_FALSE(api_table.reply(&w.plugin, 0, NULL));
	CU_ASSERT(api_table.reply(&w.plugin, request->id, NULL));
}

static void no_request_is_not_one_completed_twice(void)
{
	ask("{}", complete_nothing);
	CU_ASSERT_EQUAL(w.core->count.double_completions->value, 0);
	done();
}

static void again_at_once(void *state, void *arg)
{
	if (++calls < 100000)
		api_table.timer_start(&w.plugin, 0, again_at_once, state, arg);
}

static void never(void *state, void *arg)
{
	(void)state;
	(void)arg;
	CU_FAIL("a timer ran before its time");
}

static void start_timers(void *state, const struct par_request *request)
{
	(void)state;
	api_table.timer_start(&w.plugin, 0, again_at_once, NULL, NULL);
	api_table.timer_start(&w.plugin, UINT64_MAX, never, NULL, NULL);
	api_table.timer_start(&w.plugin, UINT64_MAX / 1000 + 1, never, NULL, NULL);
	api_table.reply(&w.plugin, request->id, NULL);
}

static void a_timer_set_by_a_timer_waits_for_the_next_turn(void)
{
	ask("{}", answer);
	api_table.handle_request(&w.plugin, "timers", start_timers, NULL);
	world_say(&w, alice, "{\"type\":\"request\",\"id\":\"b\",\"payloadType\":\"timers\"}");
	mailbox_publish(w.seam.in);
	core_run(w.core);
	w.monotonic_us++;
	core_run(w.core);
	CU_ASSERT_EQUAL(calls, 1);
	world_advance(&w, 1000);
	done();
}

static void submit_slowly(void *state, const struct par_request *request)
{
	struct par_tx *tx = api_table.tx_new(&w.plugin, ignore, NULL);
	struct par_op_append *append = &par_tx_add(tx, PAR_OP_APPEND)->u.append;

	(void)state;
	append->chat.user = append->chat.peer = append->chat.key = par_str_of("x");
	append->type = par_str_of("new");
	append->message = par_str_of("hi");
	w.monotonic_us += SLOW_US;
	api_table.tx_submit(tx);
	api_table.reply(&w.plugin, request->id, NULL);
}

static enum par_verdict allow(void *state, const struct par_hook_call *call)
{
	(void)state;
	(void)call;
	calls++;
	return PAR_ALLOW;
}

static void the_watchdog_names_who_was_slow(void)
{
	struct par_plugin gate;
	const char *text;

	ask("{}", answer);
	gate = w.plugin;
	gate.descriptor.name = "the_gate";
	api_table.add_hook(&gate, PAR_HOOK_MESSAGE_STORING, allow, NULL);
	api_table.handle_request(&w.plugin, "slow", submit_slowly, NULL);
	log_begin();
	world_say(&w, alice, "{\"type\":\"request\",\"id\":\"b\",\"payloadType\":\"slow\"}");
	world_run(&w);
	text = log_end();
	CU_ASSERT_EQUAL(calls, 1);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "plugin=test"));
	CU_ASSERT_PTR_NULL(strstr(text, "the_gate"));
	registry_remove(&w.core->registry, &gate);
	done();
}

static enum par_verdict deny(void *state, const struct par_hook_call *call)
{
	(void)state;
	(void)call;
	return PAR_DENY;
}

#define MESSAGE(type, more) \
	"{\"type\":\"request\",\"id\":\"m\",\"payloadType\":\"" type "\",\"payload\":" \
	"{\"chatId\":\"bob\",\"message\":\"x\"," more "}}"
#define NEW_1 MESSAGE("new", "\"clientMessageId\":\"c1\"")
#define EDIT_1 MESSAGE("edit", "\"originalMessageId\":1,\"clientMessageId\":\"e1\"")

static void says(const char *text, const char *answer_has)
{
	world_say(&w, alice, text);
	world_run(&w);
	CU_ASSERT(world_next_has(alice, answer_has));
}

/* What was stored before the gate closed is answered as it was the first time. */
static void a_gate_does_not_unsay_what_is_stored(void)
{
	ask("{}", answer);
	CU_ASSERT(world_next_has(alice, "response"));
	says(NEW_1, "\"messageId\":1,");
	says(EDIT_1, "\"messageId\":2,");
	api_table.add_hook(&w.plugin, PAR_HOOK_MESSAGE_STORING, deny, NULL);
	says(NEW_1, "\"messageId\":1,");
	says(EDIT_1, "\"messageId\":2,");
	says(MESSAGE("new", "\"clientMessageId\":\"c2\""), "\"forbidden\"");
	says(MESSAGE("new", "\"clientMessageId\":\"c2\",\"replyTo\":1"), "\"forbidden\"");
	says(MESSAGE("new", "\"clientMessageId\":\"c1\",\"replyTo\":1"), "\"conflict\"");
	says(MESSAGE("edit", "\"originalMessageId\":1,\"clientMessageId\":\"e2\""),
	     "\"forbidden\"");
	says(MESSAGE("edit", "\"originalMessageId\":1"), "\"forbidden\"");
	says("{\"type\":\"request\",\"id\":\"m\",\"payloadType\":\"messages\",\"payload\":"
	     "{\"chatId\":\"bob\",\"startId\":3}}",
	     "\"messages\":[]");
	done();
}

static void submit_stubbornly(void *state, void *arg)
{
	struct par_tx *tx, *before = arg;
	struct par_op_append *append;

	if (before != NULL)
		CU_ASSERT_EQUAL(before->error, PAR_E_FORBIDDEN);
	if (++calls > 10000)
		return;
	tx = api_table.tx_new(&w.plugin, submit_stubbornly, state);
	append = &par_tx_add(tx, PAR_OP_APPEND)->u.append;
	append->chat.user = append->chat.peer = append->chat.key = par_str_of("x");
	append->type = par_str_of("new");
	api_table.tx_submit(tx);
}

static void stubborn(void *state, const struct par_request *request)
{
	submit_stubbornly(state, NULL);
	api_table.reply(&w.plugin, request->id, NULL);
}

/* Who submits again what was refused does not keep the core for himself. */
static void what_is_refused_waits_for_the_next_flush(void)
{
	ask("{}", answer);
	api_table.add_hook(&w.plugin, PAR_HOOK_MESSAGE_STORING, deny, NULL);
	api_table.handle_request(&w.plugin, "stubborn", stubborn, NULL);
	world_say(&w, alice, "{\"type\":\"request\",\"id\":\"b\",\"payloadType\":\"stubborn\"}");
	mailbox_publish(w.seam.in);
	CU_ASSERT(core_run(w.core));
	CU_ASSERT(calls < 100);
	world_run(&w);
	CU_ASSERT_EQUAL(calls, 10001);
	done();
}

/* A plugin that was loaded before the storage, and so stops after it. */
static struct par_plugin *early;

static void count_unavailable(void *state, void *arg)
{
	struct par_tx *tx = arg;

	(void)state;
	CU_ASSERT_EQUAL(tx->error, PAR_E_UNAVAILABLE);
	calls++;
}

static void submit_late(void *state)
{
	struct par_tx *tx = api_table.tx_new(early, count_unavailable, NULL);
	struct par_op_doc *doc = &par_tx_add(tx, PAR_OP_DOC_PUT)->u.doc;

	(void)state;
	doc->plugin = doc->key = doc->value = par_str_of("x");
	api_table.tx_submit(tx);
}

static void call_dead(void *state, void *arg)
{
	(void)state;
	(void)arg;
	CU_FAIL("a plugin was called after it was unloaded");
}

static void post_late(void *state)
{
	(void)state;
	api_table.post(early, call_dead, NULL, NULL);
}

static void do_nothing(void *state)
{
	(void)state;
}

static void early_load(void (*stop)(void *state), void (*unload)(void *state))
{
	early = calloc(1, sizeof(*early));
	early->core = w.core;
	early->object = dlopen(NULL, RTLD_NOW);
	early->phase = PLUGIN_RUNNING;
	early->state = early;
	early->descriptor.name = "early";
	early->descriptor.stop = stop;
	early->descriptor.unload = unload;
	early->next = w.core->registry.plugins;
	w.core->registry.plugins = early;
}

static void the_storage_may_stop_before_those_who_use_it(void)
{
	ask("{}", answer);
	early_load(submit_late, do_nothing);
	world_hang_up(&w, alice);
	world_close(&w);
	CU_ASSERT_EQUAL(calls, 1);
}

static void a_plugin_that_is_gone_is_not_called(void)
{
	ask("{}", answer);
	early_load(NULL, post_late);
	world_hang_up(&w, alice);
	registry_remove(&w.core->registry, &w.plugin);
	core_stop_plugins(w.core);
	world_close(&w); /* stops them again, as a start that failed does */
}

int main(void)
{
	static const struct unit_test tests[] = {
		{ "an answer that is too large is an error",
		  an_answer_that_is_too_large_is_an_error },
		{ "an error that is too long loses its words",
		  an_error_that_is_too_long_loses_its_words },
		{ "an unknown error is internal", an_unknown_error_is_internal },
		{ "an error may have details of its own", an_error_may_have_details_of_its_own },
		{ "an open reply may end as an error", an_open_reply_may_end_as_an_error },
		{ "no request is not one completed twice", no_request_is_not_one_completed_twice },
		{ "a timer set by a timer waits for the next turn",
		  a_timer_set_by_a_timer_waits_for_the_next_turn },
		{ "the watchdog names who was slow", the_watchdog_names_who_was_slow },
		{ "a gate does not unsay what is stored", a_gate_does_not_unsay_what_is_stored },
		{ "what is refused waits for the next flush",
		  what_is_refused_waits_for_the_next_flush },
		{ "the storage may stop before those who use it",
		  the_storage_may_stop_before_those_who_use_it },
		{ "a plugin that is gone is not called", a_plugin_that_is_gone_is_not_called },
		{ NULL, NULL },
	};

	return unit_main("api", tests);
}
