/* SPDX-License-Identifier: BSD-2-Clause */
/* The world of the tests of presence; see presence_world.h. */
#include "presence_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <parlance/chat.h>

const struct host_client alice = { "alice", "phone", 1 };
const struct host_client alice_laptop = { "alice", "laptop", 2 };
const struct host_client bob = { "bob", "phone", 3 };
const struct host_client carol = { "carol", "phone", 4 };

struct store store;
struct host *host;
struct host_requests *requests;
struct par_plugin *presence;

static void load(const char *config)
{
	presence = host_load(host, PLUGIN_BUILD_DIR "/presence.so", config);
	if (presence == NULL || !host_start(presence)) {
		fprintf(stderr, "%s\n", host->error);
		exit(2);
	}
}

void begin_interval(unsigned seconds)
{
	memset(&store, 0, sizeof(store));
	store_open(&store, PLUGIN_BUILD_DIR "/storage_memory.so", "{}");
	host = store.host;
	requests = host_requests_new(host);
	load(store_format(&store, "{\"seen_interval\":%u}", seconds * 1000));
}

void begin(void)
{
	begin_interval(0);
}

void end(void)
{
	store_close(&store);
	host_requests_free(&requests);
}

void dialog(const char *user, const char *peer)
{
	struct par_tx *tx = store_tx(&store);
	struct par_op *op = add_append(&store, tx, user, peer, NULL, "x");

	op->u.append.chat = par_chat_in_tx(&host->api, tx, par_str_of(user), par_str_of(peer));
	store_submit(&store, tx);
}

void begin_with_dialogs(void)
{
	begin();
	dialog("alice", "bob");
	dialog("carol", "alice");
}

void turn(void)
{
	host_advance(host, 0);
	store_settle(&store);
}

void settle(void)
{
	unsigned i;

	for (i = 0; i < 4; i++)
		turn();
}

void enter(const struct host_client *client)
{
	host_call_hook(requests, PAR_HOOK_SESSION_OPENED, client);
}

void leave(const struct host_client *client)
{
	host_call_hook(requests, PAR_HOOK_SESSION_CLOSED, client);
}

int64_t metric(const char *name)
{
	return host_metric(host, "presence", name);
}

const char *name_of(unsigned i)
{
	return store_format(&store, "p%05u", i);
}

void unit_same(const char *came, const char *wanted, unsigned line)
{
	bool same = came != NULL && strcmp(came, wanted) == 0;

	if (!same)
		fprintf(stderr, "line %u: expected\n%scame\n%s", line, wanted,
			came == NULL ? "nothing" : came);
	CU_assertImplementation(same, line, "as expected", __FILE__, "", CU_FALSE);
}
