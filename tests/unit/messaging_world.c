/* SPDX-License-Identifier: BSD-2-Clause */
/* The world of the tests of plugins/messaging; see messaging_world.h. */
#include "messaging_world.h"

#include <stdio.h>
#include <stdlib.h>

#define CLOCK_START UINT64_C(1700000000000)

struct person alice, alice_laptop, bob, bob_laptop, carol;

static struct host *host;
static struct host_requests *requests;

static void person_set(struct person *person, const char *user, const char *device, uint64_t id)
{
	person->client.user = user;
	person->client.device = device;
	person->client.session = id;
	person->seq = 0;
}

void world_begin(const char *config)
{
	struct par_plugin *storage, *messaging;

	person_set(&alice, "alice", "phone", 1);
	person_set(&alice_laptop, "alice", "laptop", 2);
	person_set(&bob, "bob", "phone", 3);
	person_set(&bob_laptop, "bob", "laptop", 4);
	person_set(&carol, "carol", "phone", 5);
	host = host_new();
	requests = host_requests_new(host);
	storage = host_load(host, PLUGIN_BUILD_DIR "/storage_memory.so", NULL);
	messaging = host_load(host, PLUGIN_BUILD_DIR "/messaging.so", config);
	if (storage == NULL || messaging == NULL || !host_start(storage) ||
	    !host_start(messaging)) {
		fprintf(stderr, "cannot load the plugins: %s\n", host->error);
		exit(2);
	}
	world_connect(&alice);
	world_connect(&bob);
	world_connect(&carol);
}

void world_end(void)
{
	host_free(&host);
	host_requests_free(&requests);
}

struct host *world_host(void)
{
	return host;
}

struct host_requests *world_requests(void)
{
	return requests;
}

void world_tick(void)
{
	host_advance(host, 1000);
}

void world_connect(struct person *person)
{
	host_connect(requests, &person->client);
}

/* ' becomes ", and @N a timestamp. The caller frees it. */
static char *fixed(const char *text)
{
	struct par_json w;
	char number[24];

	par_json_init(&w);
	while (*text != '\0') {
		if (*text == '@') {
			uint64_t seconds = strtoull(text + 1, (char **)&text, 10);
			par_json_bytes(&w, number,
				       par_json_digits(CLOCK_START + seconds * 1000, number));
			continue;
		}
		par_json_bytes(&w, *text == '\'' ? "\"" : text, 1);
		text++;
	}
	par_json_bytes(&w, "", 1);
	return w.block;
}

void world_compare(const char *got, const char *expected, const char *file, unsigned line)
{
	char *wanted = fixed(expected);
	bool same = strcmp(got, wanted) == 0;

	if (!same)
		fprintf(stderr, "%s:%u: expected\n  %s\ngot\n  %s\n", file, line, wanted, got);
	CU_assertImplementation(same, line, "as expected", file, "", CU_FALSE);
	free(wanted);
}

void world_ask(struct person *person, const char *type, const char *payload, const char *answer,
	       const char *file, unsigned line)
{
	static const char *const codes[] = { "ok",
#define X(symbol, code) code,
					     PAR_ERRORS(X)
#undef X
	};
	char *text = payload == NULL ? NULL : fixed(payload), failure[128];
	const struct host_answer *got;
	par_request_id id = host_request(requests, &person->client, type, text);

	free(text);
	host_settle(host);
	got = host_answer(requests, id);
	if (got->error == PAR_OK) {
		world_compare(got->done ? got->payload : "no answer", answer, file, line);
	} else {
		snprintf(failure, sizeof(failure), "!%s%s%s", codes[got->error],
			 got->path[0] == '\0' ? "" : " ", got->path);
		world_compare(failure, answer, file, line);
	}
	host_requests_forget(requests);
}

void world_write(struct person *person, const char *chat, unsigned n)
{
	char payload[64];

	snprintf(payload, sizeof(payload), "{\"chatId\":\"%s\",\"message\":\"x\"}", chat);
	while (n-- > 0)
		host_request(requests, &person->client, "new", payload);
	host_settle(host);
	host_requests_forget(requests);
}

void world_events(struct person *person, const char *lines, const char *file, unsigned line)
{
	struct par_json out;

	par_json_init(&out);
	host_events(requests, &person->client, &person->seq, &out);
	par_json_bytes(&out, "", 1);
	world_compare(out.block, lines, file, line);
	par_json_free(&out);
}
