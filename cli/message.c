/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Thin, typed access to json-c objects.
 */
#include <limits.h>

#include "message.h"

#define DEPTH_MAX 64

struct json_object *message_parse(const char *text, size_t len)
{
	struct json_tokener *tokener;
	struct json_object *object;
	bool whole;

	if (len > INT_MAX)
		return NULL;
	tokener = json_tokener_new_ex(DEPTH_MAX);
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT);
	object = json_tokener_parse_ex(tokener, text, (int)len);
	whole = json_tokener_get_error(tokener) == json_tokener_success &&
		json_tokener_get_parse_end(tokener) == len;
	json_tokener_free(tokener);
	if (whole && json_object_is_type(object, json_type_object))
		return object;
	json_object_put(object);
	return NULL;
}

static struct json_object *message_member(struct json_object *from, const char *key,
					  enum json_type type)
{
	struct json_object *member;

	if (!json_object_is_type(from, json_type_object) ||
	    !json_object_object_get_ex(from, key, &member) || !json_object_is_type(member, type))
		return NULL;
	return member;
}

struct json_object *message_object(struct json_object *from, const char *key)
{
	return message_member(from, key, json_type_object);
}

struct json_object *message_array(struct json_object *from, const char *key)
{
	return message_member(from, key, json_type_array);
}

struct par_str message_string(struct json_object *from, const char *key)
{
	struct json_object *member = message_member(from, key, json_type_string);
	struct par_str value = { NULL, 0 };

	if (member != NULL) {
		value.s = json_object_get_string(member);
		value.len = (size_t)json_object_get_string_len(member);
	}
	return value;
}

bool message_u64(struct json_object *from, const char *key, uint64_t *value)
{
	struct json_object *member = message_member(from, key, json_type_int);

	if (member == NULL || json_object_get_int64(member) < 0)
		return false;
	*value = json_object_get_uint64(member);
	return true;
}

bool message_true(struct json_object *from, const char *key)
{
	struct json_object *member = message_member(from, key, json_type_boolean);

	return member != NULL && json_object_get_boolean(member);
}

bool message_is(struct json_object *from, const char *key, const char *value)
{
	return par_str_equal(message_string(from, key), par_str_of(value)) &&
	       message_string(from, key).s != NULL;
}

struct par_str message_error(struct json_object *from)
{
	struct json_object *error = message_object(from, "error");
	struct par_str text = message_string(error, "message");

	return text.s != NULL ? text : message_string(error, "code");
}
