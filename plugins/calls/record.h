/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The document of a call that is going on:
 *
 *	{"callId": "c1", "caller": "alice", "chatId": "bob", "callType": "audio",
 *	 "createdAt": 1700000000000, "joinedAt": 1700000004000,
 *	 "here": {"alice": 1700000031000, "bob": 1700000030000}, "took": ["alice", "bob"]}
 *
 * `chatId` is the chat as the caller names it. `joinedAt` is when somebody joined first; 0:
 * nobody did. `here` are the participants, with the time at which a server last knew each
 * to be connected; `took` all who ever took part, the caller first. Pure functions.
 */
#ifndef CALLS_RECORD_H
#define CALLS_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include <json-c/json.h>

#include <parlance/json.h>

/* NULL: it is not such a document. The caller's. */
struct json_object *record_parse(struct par_str text);
struct json_object *record_new(struct par_str call_id, struct par_str caller,
			       struct par_str chat_id, struct par_str type, uint64_t now);
struct json_object *record_copy(struct json_object *doc);
/* Borrowed from the document. */
struct par_str record_text(struct json_object *doc);

/* Whether it is this call, of this caller. */
bool record_is(struct json_object *doc, struct par_str call_id, struct par_str caller);
struct par_str record_word(struct json_object *doc, const char *key);
uint64_t record_number(struct json_object *doc, const char *key);
/* The chatId as `user` names it: of a dialog, the other one. */
struct par_str record_chat_id(struct json_object *doc, struct par_str user);

struct json_object *record_here(struct json_object *doc); /* user -> time */
unsigned record_count(struct json_object *doc); /* of those who are here */
bool record_is_here(struct json_object *doc, struct par_str user, uint64_t *seen);
bool record_took(struct json_object *doc, struct par_str user);

void record_enter(struct json_object *doc, struct par_str user, uint64_t now);
void record_leave(struct json_object *doc, struct par_str user);
void record_seen(struct json_object *doc, struct par_str user, uint64_t now);

#endif
