/* SPDX-License-Identifier: BSD-2-Clause */
/* Details of chats: what two plugins add to the answers of messaging, and to a query of their own. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <parlance/chat.h>

#include "engine/core_internal.h"
#include "seam/json_scan.h"
#include "stream_world.h"
#include "unit.h"

#define CHAT(peer) \
	"{\"type\":\"request\",\"id\":\"c\",\"payloadType\":\"chat\",\"payload\":{\"chatId\":" \
	"\"" peer "\"}}"
#define MANY 520 /* more chats than keys in one query */
#define LONG 70000 /* bytes, more than a detail may have */

/* A plugin that adds its document as a member of its own name, or nonsense. */
struct adder {
	struct par_plugin plugin;
	const char *names; /* peers whose documents it wants, in one string; NULL: of all */
	const char *nonsense;
	unsigned n_keys, n_writes;
	struct par_str
	    text; /* of the last chat that it was asked about, where the storage has it */
};

static struct adder first, second;
static struct conn *alice;

static struct par_str adder_key(void *state, struct par_str user,
				const struct par_chat_entry *entry)
{
	struct adder *adder = state;
	const char *at = adder->names;

	CU_ASSERT(par_str_equal(user, par_str_of("alice")));
	adder->n_keys++;
	adder->text = entry->last_text;
	if (at == NULL || memmem(at, strlen(at), entry->peer.s, entry->peer.len) != NULL)
		return entry->peer;
	return (struct par_str){ NULL, 0 };
}

static void adder_write(void *state, struct par_json *out, struct par_str user,
			const struct par_chat_entry *entry, struct par_str value)
{
	struct adder *adder = state;

	CU_ASSERT(par_str_equal(user, par_str_of("alice")));
	CU_ASSERT(entry->peer.len > 0);
	adder->n_writes++;
	if (adder->nonsense != NULL)
		par_json_bytes(out, adder->nonsense, strlen(adder->nonsense));
	else if (value.s != NULL)
		par_json_member_string(out, adder->plugin.descriptor.name, value);
}

static void adder_load(struct adder *adder, const char *name)
{
	static const struct par_chat_detail detail = { sizeof(detail), adder_key, adder_write };

	memset(adder, 0, sizeof(*adder));
	adder->plugin.core = w.core;
	adder->plugin.descriptor.name = name;
	adder->plugin.phase = PLUGIN_LOADING;
	CU_ASSERT(api_table.add_chat_detail(&adder->plugin, &detail, adder));
	adder->plugin.phase = PLUGIN_RUNNING;
}

static void ignore(void *state, void *arg)
{
	(void)state;
	(void)arg;
}

static void keep(const char *plugin, const char *key, const char *value)
{
	struct par_tx *tx = api_table.tx_new(&w.plugin, ignore, NULL);
	struct par_op_doc *doc = &par_tx_add(tx, PAR_OP_DOC_PUT)->u.doc;

	doc->plugin = par_str_of(plugin);
	doc->key = par_str_of(key);
	doc->value = par_str_of(value);
	api_table.tx_submit(tx);
	world_run(&w);
}

/* alice has a dialog with carol, and a later one with bob. */
static void begin(void)
{
	open_world("{}");
	adder_load(&first, "first");
	adder_load(&second, "second");
	alice = connect_user("alice", NULL);
	say(alice, NEW("carol", "one"));
	say(alice, NEW("bob", "two"));
	while (world_next(alice) != NULL)
		;
}

static void end(void)
{
	world_hang_up(&w, alice);
	world_close(&w);
}

/* The answer to this; how often the storage was asked for it is in gate.asked. */
static const char *answer(const char *question)
{
	struct json_scan scan;
	const struct said *said;

	gate.asked = 0;
	say(alice, question);
	said = world_next(alice);
	CU_ASSERT_FATAL(said != NULL);
	scan = (struct json_scan){ .at = said->text, .end = said->text + strlen(said->text) };
	CU_ASSERT(json_scan_value(&scan, JSON_DEPTH_MAX) && scan.at == scan.end);
	return said->text;
}

#define HAS(text, part) CU_ASSERT_PTR_NOT_NULL(strstr(text, part))
#define LACKS(text, part) CU_ASSERT_PTR_NULL(strstr(text, part))

static void each_adds_its_own(void)
{
	const char *text;

	begin();
	keep("first", "bob", "of \"bob\"");
	keep("first", "carol", "of carol");
	keep("second", "carol", "carol's");
	keep("second", "bob", "not wanted");
	second.names = "carol dave";
	text = answer(ASK("a"));
	HAS(text, "\"isMine\":true,\"first\":\"of \\\"bob\\\"\"},{");
	HAS(text, "\"isMine\":true,\"first\":\"of carol\",\"second\":\"carol's\"}]");
	CU_ASSERT_EQUAL(gate.asked, 3);
	text = answer(CHAT("bob"));
	HAS(text, "\"isMine\":true,\"first\":\"of \\\"bob\\\"\"}");
	CU_ASSERT_EQUAL(gate.asked, 2);
	CU_ASSERT_EQUAL(second.n_keys, 3);
	CU_ASSERT_EQUAL(second.n_writes, 3);
	end();
}

/* No key, no question; no chat, nothing at all; and a plugin that has stopped is left alone. */
static void what_is_not_wanted_is_not_asked_for(void)
{
	begin();
	first.names = "nobody";
	second.plugin.phase = PLUGIN_STOPPED;
	answer(ASK("a"));
	CU_ASSERT_EQUAL(gate.asked, 1);
	CU_ASSERT_EQUAL(first.n_writes, 2);
	CU_ASSERT_EQUAL(second.n_keys + second.n_writes, 0);
	HAS(answer(CHAT("dave")), "\"not_found\"");
	CU_ASSERT_EQUAL(first.n_keys, 2);
	end();
}

/* The answer is JSON, and has what the others add, whatever one of them writes. */
static void nonsense_harms_its_own_alone(void)
{
	static const char *const nonsense[] = {
		"1",        "\"a\":",       "\"a\":1,",  "}", "\"a\":1},{",
		"\"a\":1}", "\"a\":\"\n\"", "{\"a\":1}", "]", "\"a\":00"
	};
	char *too_long = calloc(1, LONG + 1);
	const char *text;
	unsigned i;

	begin();
	keep("second", "bob", "good");
	for (i = 0; i < sizeof(nonsense) / sizeof(nonsense[0]); i++) {
		first.nonsense = nonsense[i];
		HAS(answer(ASK("a")), "\"isMine\":true,\"second\":\"good\"}");
	}
	memset(too_long, ' ', LONG);
	first.nonsense = too_long;
	HAS(answer(ASK("a")), "\"isMine\":true,\"second\":\"good\"}");
	first.nonsense = "  ";
	HAS(answer(ASK("a")), "\"isMine\":true,\"second\":\"good\"}");
	first.nonsense = "\"a\":1,\"b\":[{}]";
	text = answer(CHAT("bob"));
	HAS(text, "\"isMine\":true,\"a\":1,\"b\":[{}],\"second\":\"good\"}");
	free(too_long);
	end();
}

/* What stands between the core and the gate: documents fail, and all queries wait. */
static void (*gate_query)(void *state, struct par_query *query);
static bool docs_fail, wait;
static struct par_query *waiting, **waiting_end;
static unsigned n_waiting, most_waiting, n_docs;

static void between(void *state, struct par_query *query)
{
	n_docs += query->kind == PAR_QUERY_DOCS;
	if (docs_fail && query->kind == PAR_QUERY_DOCS) {
		query->error = PAR_E_UNAVAILABLE;
		query->message = "not just now";
		query->next = gate.unanswered;
		gate.unanswered = query;
	} else if (wait) {
		query->next = NULL;
		*waiting_end = query;
		waiting_end = &query->next;
		if (++n_waiting > most_waiting)
			most_waiting = n_waiting;
	} else {
		gate_query(state, query);
	}
}

static void begin_between(void)
{
	begin();
	gate_query = w.core->registry.storage.query;
	w.core->registry.storage.query = between;
	docs_fail = wait = false;
	waiting = NULL;
	waiting_end = &waiting;
	n_waiting = most_waiting = n_docs = 0;
}

static void a_storage_that_fails_is_told_of(void)
{
	const char *text;

	begin_between();
	keep("second", "bob", "good");
	docs_fail = true;
	text = answer(ASK("a"));
	HAS(text, "\"error\":{\"code\":\"unavailable\",\"message\":\"not just now\"");
	CU_ASSERT_EQUAL(n_docs, 1); /* the other plugin's are not asked for any more */
	docs_fail = false;
	HAS(answer(ASK("a")), "\"second\":\"good\"");
	CU_ASSERT_EQUAL(n_docs, 3);
	end();
}

/* Lets the one through that has waited longest. */
static bool let_one_through(void)
{
	void *state = w.core->registry.storage_state;
	struct par_query *query = waiting;

	if (query == NULL)
		return false;
	waiting = query->next;
	if (waiting == NULL)
		waiting_end = &waiting;
	n_waiting--;
	gate_query(state, query);
	w.core->registry.storage.flush(state);
	world_run(&w);
	return true;
}

/* Who has details asked for keeps his turn, and takes no other's. */
static void turns_are_kept(void)
{
	enum { PAGES = 150 };
	unsigned i;

	begin_between();
	keep("second", "bob", "good");
	wait = true;
	for (i = 0; i < PAGES; i++) {
		char text[128];

		snprintf(text, sizeof(text),
			 "{\"type\":\"request\",\"id\":\"%u\",\"payloadType\":\"chats\"}", i);
		say(alice, text);
	}
	CU_ASSERT_EQUAL(n_waiting, 64);
	while (let_one_through())
		;
	CU_ASSERT_EQUAL(most_waiting, 64);
	CU_ASSERT_EQUAL(n_docs, 2 * PAGES);
	for (i = 0; i < PAGES; i++)
		CU_ASSERT(world_next_has(alice, "\"second\":\"good\""));
	CU_ASSERT_EQUAL(w.core->queries, 0);
	wait = false;
	end();
}

/* What the storage has answered is its own again while the documents are asked for. */
static void the_storage_may_take_back_its_strings(void)
{
	begin_between();
	keep("second", "bob", "good");
	wait = true;
	say(alice, CHAT("bob"));
	let_one_through();
	CU_ASSERT_EQUAL(n_docs, 1);
	CU_ASSERT(par_str_equal(first.text, par_str_of("two")));
	memcpy((char *)first.text.s, "???", 3);
	while (let_one_through())
		;
	CU_ASSERT(world_next_has(alice, "\"lastMessageText\":\"two\""));
	wait = false;
	end();
}

/* A query of a plugin's own, and what came of it. */
static struct {
	unsigned done, n;
	bool has_more;
	enum par_error error;
	struct par_str last;
	char text[PAR_ID_MAX + 1];
} page;

static void page_done(void *state, void *arg)
{
	const struct par_query *query = arg;

	(void)state;
	page.done++;
	page.error = query->error;
	page.n = query->n;
	page.has_more = query->has_more;
	if (query->error != PAR_OK || query->n == 0)
		return;
	page.last = query->chats[query->n - 1].peer;
	memcpy(page.text, page.last.s, page.last.len);
	page.last.s = page.text;
}

/* It is not run yet. */
static void ask_page(struct par_plugin *plugin, unsigned limit, size_t max_bytes)
{
	struct par_query *query = api_table.query_new(plugin, page_done, NULL);

	page.done = 0;
	query->kind = PAR_QUERY_CHATS;
	query->user = par_str_of("alice");
	query->limit = limit;
	query->max_bytes = max_bytes;
	query->details = true;
	api_table.query_submit(query);
}

/* A page whose details are too many or too large gets shorter, and says that there is more. */
static void a_page_is_cut_where_its_details_end(void)
{
	char text[1001];
	struct par_op_append *append;
	struct par_tx *tx;
	unsigned i;

	begin();
	say(alice, NEW("dave", "three"));
	memset(text, 'x', 1000);
	text[1000] = '\0';
	keep("first", "bob", text);
	keep("first", "carol", text);
	ask_page(&w.plugin, 3, 1999);
	world_run(&w);
	CU_ASSERT_EQUAL(page.done, 1);
	CU_ASSERT_EQUAL(page.n, 2);
	CU_ASSERT(page.has_more);
	CU_ASSERT(par_str_equal(page.last, par_str_of("bob")));
	ask_page(&w.plugin, 3, 2000);
	world_run(&w);
	CU_ASSERT_EQUAL(page.n, 3);
	CU_ASSERT_FALSE(page.has_more);
	for (i = 0; i < MANY; i++) {
		snprintf(text, sizeof(text), "user %u", i);
		tx = api_table.tx_new(&w.plugin, ignore, NULL);
		append = &par_tx_add(tx, PAR_OP_APPEND)->u.append;
		append->type = par_str_of("new");
		append->message = par_str_of("x");
		append->chat =
		    par_chat_in_tx(&api_table, tx, par_str_of("alice"), par_str_of(text));
		api_table.tx_submit(tx);
	}
	ask_page(&w.plugin, MANY, SIZE_MAX);
	world_run(&w);
	CU_ASSERT_EQUAL(page.n, PAR_DOCS_MAX);
	CU_ASSERT(page.has_more);
	first.names = "bob";
	second.names = "carol";
	ask_page(&w.plugin, 2 * MANY, SIZE_MAX);
	world_run(&w);
	CU_ASSERT_EQUAL(page.n, MANY + 3);
	CU_ASSERT_FALSE(page.has_more);
	end();
}

/* A plugin that stops before the storage, and asks in its stop(). */
static struct par_plugin *late;

static void ask_late(void *state)
{
	(void)state;
	ask_page(late, 10, SIZE_MAX);
}

static void do_nothing(void *state)
{
	(void)state;
}

static void late_load(void)
{
	struct par_plugin **last = &w.core->registry.plugins;

	while (*last != NULL)
		last = &(*last)->next;
	*last = late = calloc(1, sizeof(*late));
	late->core = w.core;
	late->object = dlopen(NULL, RTLD_NOW);
	late->phase = PLUGIN_RUNNING;
	late->state = late;
	late->descriptor.name = "late";
	late->descriptor.stop = ask_late;
	late->descriptor.unload = do_nothing;
}

/* The storage answers in its stop(), and then there is nobody to ask for the documents. */
static void the_storage_may_stop_meanwhile(void)
{
	begin();
	late_load();
	end();
	CU_ASSERT_EQUAL(page.done, 1);
	CU_ASSERT_EQUAL(page.error, PAR_E_UNAVAILABLE);
	/* or it has been handed the documents by then */
	begin();
	ask_page(&w.plugin, 10, SIZE_MAX);
	end();
	CU_ASSERT_EQUAL(page.done, 1);
}

static void only_so_many_add_something(void)
{
	static const struct par_chat_detail detail = { sizeof(detail), adder_key, adder_write };
	struct par_chat_detail lacking = detail;
	unsigned i;

	open_world("{}");
	adder_load(&first, "first");
	CU_ASSERT_FALSE(api_table.add_chat_detail(&first.plugin, &detail, &first));
	adder_load(&second, "second");
	second.plugin.phase = PLUGIN_LOADING;
	lacking.size = offsetof(struct par_chat_detail, write);
	CU_ASSERT_FALSE(api_table.add_chat_detail(&second.plugin, &lacking, &second));
	for (i = 2; i < PAR_CHAT_DETAILS_MAX; i++)
		CU_ASSERT(api_table.add_chat_detail(&second.plugin, &detail, &second));
	CU_ASSERT_FALSE(api_table.add_chat_detail(&second.plugin, &detail, &second));
	registry_remove(&w.core->registry, &second.plugin);
	CU_ASSERT_EQUAL(w.core->registry.n_details, 1);
	registry_remove(&w.core->registry, &first.plugin);
	CU_ASSERT_EQUAL(w.core->registry.n_details, 0);
	world_close(&w);
}

int main(void)
{
	static const struct unit_test tests[] = {
		{ "each adds its own", each_adds_its_own },
		{ "what is not wanted is not asked for", what_is_not_wanted_is_not_asked_for },
		{ "nonsense harms its own alone", nonsense_harms_its_own_alone },
		{ "a storage that fails is told of", a_storage_that_fails_is_told_of },
		{ "turns are kept", turns_are_kept },
		{ "the storage may take back its strings", the_storage_may_take_back_its_strings },
		{ "a page is cut where its details end", a_page_is_cut_where_its_details_end },
		{ "the storage may stop meanwhile", the_storage_may_stop_meanwhile },
		{ "only so many add something", only_so_many_add_something },
		{ NULL, NULL },
	};

	return unit_main("details", tests);
}
