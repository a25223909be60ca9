/* SPDX-License-Identifier: BSD-2-Clause */
/* The document of a call; see record.h. Ids hold no U+0000, so they can be json-c's keys. */
#include "record.h"

#include <stdio.h>
#include <string.h>

#include <parlance/plugin.h>

static struct json_object *text_of(struct par_str s)
{
	return json_object_new_string_len(s.s, (int)s.len);
}

static void set(struct json_object *doc, const char *key, struct json_object *value)
{
	json_object_object_add(doc, key, value);
}

/* json-c wants keys that end with a NUL. */
static const char *name_of(char *to, struct par_str user)
{
	size_t len = user.len < PAR_ID_MAX ? user.len : PAR_ID_MAX;

	memcpy(to, user.s, len);
	to[len] = '\0';
	return to;
}

static bool is(struct json_object *doc, const char *key, enum json_type type)
{
	struct json_object *value;

	return json_object_object_get_ex(doc, key, &value) && json_object_is_type(value, type);
}

struct json_object *record_parse(struct par_str text)
{
	struct json_tokener *tokener = json_tokener_new();
	struct json_object *doc;

	if (tokener == NULL)
		return NULL;
	doc = json_tokener_parse_ex(tokener, text.s, (int)text.len);
	json_tokener_free(tokener);
	if (is(doc, "callId", json_type_string) && is(doc, "caller", json_type_string) &&
	    is(doc, "chatId", json_type_string) && is(doc, "callType", json_type_string) &&
	    is(doc, "createdAt", json_type_int) && is(doc, "joinedAt", json_type_int) &&
	    is(doc, "here", json_type_object) && is(doc, "took", json_type_array))
		return doc;
	json_object_put(doc);
	return NULL;
}

struct json_object *record_new(struct par_str call_id, struct par_str caller,
			       struct par_str chat_id, struct par_str type, uint64_t now)
{
	struct json_object *doc = json_object_new_object();

	set(doc, "callId", text_of(call_id));
	set(doc, "caller", text_of(caller));
	set(doc, "chatId", text_of(chat_id));
	set(doc, "callType", text_of(type));
	set(doc, "createdAt", json_object_new_int64((int64_t)now));
	set(doc, "joinedAt", json_object_new_int64(0));
	set(doc, "here", json_object_new_object());
	set(doc, "took", json_object_new_array());
	record_enter(doc, caller, now);
	return doc;
}

struct json_object *record_copy(struct json_object *doc)
{
	struct json_object *copy = NULL;

	json_object_deep_copy(doc, &copy, NULL);
	return copy;
}

struct par_str record_text(struct json_object *doc)
{
	struct par_str text;

	text.s = json_object_to_json_string_length(
	    doc, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &text.len);
	return text;
}

static struct par_str string_of(struct json_object *value)
{
	struct par_str s = { json_object_get_string(value),
			     (size_t)json_object_get_string_len(value) };
	return s;
}

struct par_str record_word(struct json_object *doc, const char *key)
{
	return string_of(json_object_object_get(doc, key));
}

uint64_t record_number(struct json_object *doc, const char *key)
{
	return (uint64_t)json_object_get_int64(json_object_object_get(doc, key));
}

bool record_is(struct json_object *doc, struct par_str call_id, struct par_str caller)
{
	return par_str_equal(record_word(doc, "callId"), call_id) &&
	       par_str_equal(record_word(doc, "caller"), caller);
}

struct par_str record_chat_id(struct json_object *doc, struct par_str user)
{
	struct par_str chat_id = record_word(doc, "chatId"), caller = record_word(doc, "caller");

	return par_id_is_group(chat_id) || par_str_equal(caller, user) ? chat_id : caller;
}

struct json_object *record_here(struct json_object *doc)
{
	return json_object_object_get(doc, "here");
}

unsigned record_count(struct json_object *doc)
{
	return (unsigned)json_object_object_length(record_here(doc));
}

bool record_is_here(struct json_object *doc, struct par_str user, uint64_t *seen)
{
	char name[PAR_ID_MAX + 1];
	struct json_object *value;

	if (!json_object_object_get_ex(record_here(doc), name_of(name, user), &value))
		return false;
	if (seen != NULL)
		*seen = (uint64_t)json_object_get_int64(value);
	return true;
}

bool record_took(struct json_object *doc, struct par_str user)
{
	struct json_object *took = json_object_object_get(doc, "took");
	size_t i, n = json_object_array_length(took);

	for (i = 0; i < n; i++) {
		if (par_str_equal(string_of(json_object_array_get_idx(took, i)), user))
			return true;
	}
	return false;
}

void record_enter(struct json_object *doc, struct par_str user, uint64_t now)
{
	bool caller = par_str_equal(user, record_word(doc, "caller"));

	record_seen(doc, user, now);
	if (!record_took(doc, user))
		json_object_array_add(json_object_object_get(doc, "took"), text_of(user));
	if (!caller && record_number(doc, "joinedAt") == 0)
		set(doc, "joinedAt", json_object_new_int64((int64_t)now));
}

void record_leave(struct json_object *doc, struct par_str user)
{
	char name[PAR_ID_MAX + 1];

	json_object_object_del(record_here(doc), name_of(name, user));
}

void record_seen(struct json_object *doc, struct par_str user, uint64_t now)
{
	char name[PAR_ID_MAX + 1];

	json_object_object_add(record_here(doc), name_of(name, user),
			       json_object_new_int64((int64_t)now));
}
