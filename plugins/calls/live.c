/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The calls that are known here: copies of their documents, and who takes part in them, found by
 * chat and by user. What a copy says may be out of date; step.c finds out.
 */
#include <stdlib.h>
#include <string.h>

#include "calls.h"
#include "record.h"

static void *must(void *memory)
{
	if (memory == NULL)
		abort();
	return memory;
}

/* --- persons --- */

struct person *person_find(const struct calls *calls, struct par_str user)
{
	struct person *person;

	HASH_FIND(hh, calls->persons, user.s, user.len, person);
	return person;
}

static struct person *person_get(struct calls *calls, struct par_str user)
{
	struct person *person = person_find(calls, user);

	if (person != NULL)
		return person;
	person = must(calloc(1, sizeof(*person) + user.len));
	memcpy(person->bytes, user.s, user.len);
	person->user.s = person->bytes;
	person->user.len = user.len;
	HASH_ADD_KEYPTR(hh, calls->persons, person->user.s, person->user.len, person);
	return person;
}

static void person_let_go(struct calls *calls, struct person *person)
{
	if (person->parts != NULL || person->called > 0)
		return;
	HASH_DEL(calls->persons, person);
	free(person);
}

struct person *person_calls(struct calls *calls, struct par_str user)
{
	struct person *person = person_get(calls, user);

	person->called++;
	return person;
}

void person_ends(struct calls *calls, struct person *person)
{
	person->called--;
	person_let_go(calls, person);
}

/* --- parts --- */

struct part *live_part(const struct live *live, struct par_str user)
{
	struct part *part;

	for (part = live->parts; part != NULL; part = part->next) {
		if (par_str_equal(part->person->user, user))
			return part;
	}
	return NULL;
}

bool live_is_here(const struct live *live)
{
	const struct calls *calls = live->calls;
	const struct part *part;

	for (part = live->parts; part != NULL; part = part->next) {
		if (calls->api->user_sessions(calls->self, part->person->user) > 0)
			return true;
	}
	return false;
}

static void part_add(struct live *live, struct par_str user)
{
	struct part *part = must(calloc(1, sizeof(*part)));

	part->live = live;
	part->person = person_get(live->calls, user);
	part->next = live->parts;
	live->parts = part;
	part->next_of_person = part->person->parts;
	part->person->parts = part;
}

/* Takes it out of the call at `at`. */
static void part_remove(struct part **at)
{
	struct part *part = *at, **of_person = &part->person->parts;
	struct calls *calls = part->live->calls;

	watch_part_forget(part);
	*at = part->next;
	while (*of_person != part)
		of_person = &(*of_person)->next_of_person;
	*of_person = part->next_of_person;
	person_let_go(calls, part->person);
	free(part);
}

/* Parts are those who are `here`. */
static void parts_follow(struct live *live)
{
	struct part **at = &live->parts;

	while (*at != NULL) {
		if (record_is_here(live->doc, (*at)->person->user, NULL))
			at = &(*at)->next;
		else
			part_remove(at);
	}
	json_object_object_foreach(record_here(live->doc), name, seen)
	{
		(void)seen;
		if (live_part(live, par_str_of(name)) == NULL)
			part_add(live, par_str_of(name));
	}
}

/* --- calls --- */

struct live *live_find(const struct calls *calls, struct par_str key)
{
	struct live *live;

	HASH_FIND(hh, calls->lives, key.s, key.len, live);
	return live;
}

static struct live *live_new(struct calls *calls, struct par_str key)
{
	struct live *live = must(calloc(1, sizeof(*live) + key.len));

	live->calls = calls;
	memcpy(live->bytes, key.s, key.len);
	live->key.s = live->bytes;
	live->key.len = key.len;
	live->swept = calls->sweeps;
	HASH_ADD_KEYPTR(hh, calls->lives, live->key.s, live->key.len, live);
	calls->api->metric_add(calls->active, 1);
	return live;
}

static void live_remove(struct live *live)
{
	struct calls *calls = live->calls;

	watch_forget(live);
	while (live->parts != NULL)
		part_remove(&live->parts);
	person_ends(calls, live->caller);
	HASH_DEL(calls->lives, live);
	calls->api->metric_add(calls->active, -1);
	json_object_put(live->doc);
	free((char *)live->text.s);
	free(live);
}

void live_put(struct calls *calls, struct par_str key, struct par_str text)
{
	struct json_object *doc = record_parse(text);
	struct live *live = live_find(calls, key);
	char *copy;

	if (calls->stopping) {
		json_object_put(doc);
		return;
	}
	if (doc != NULL && live != NULL &&
	    !par_str_equal(record_word(doc, "callId"), record_word(live->doc, "callId"))) {
		live_remove(live); /* another call of the same chat */
		live = NULL;
	}
	if (doc == NULL) {
		live_drop(calls, key);
		return;
	}
	if (live == NULL) {
		live = live_new(calls, key);
		live->caller = person_calls(calls, record_word(doc, "caller"));
	}
	copy = must(malloc(text.len + 1));
	memcpy(copy, text.s, text.len);
	free((char *)live->text.s);
	live->text.s = copy;
	live->text.len = text.len;
	json_object_put(live->doc);
	live->doc = doc;
	parts_follow(live);
	watch_live(live);
}

void live_drop(struct calls *calls, struct par_str key)
{
	struct live *live = live_find(calls, key);

	if (live != NULL)
		live_remove(live);
}

void live_drop_all(struct calls *calls)
{
	struct live *live, *next;

	HASH_ITER(hh, calls->lives, live, next) {
		live_remove(live);
	}
}
