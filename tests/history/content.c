/* SPDX-License-Identifier: BSD-2-Clause */
/* Fields of messages and hashes of contents; see content.h. */
#include "content.h"

#include <string.h>

struct json_object *field_get(struct json_object *object, const char *key)
{
	struct json_object *value = NULL;

	if (json_object_is_type(object, json_type_object))
		json_object_object_get_ex(object, key, &value);
	return value;
}

const char *field_string(struct json_object *object, const char *key)
{
	struct json_object *value = field_get(object, key);

	return json_object_is_type(value, json_type_string) ? json_object_get_string(value) : NULL;
}

uint64_t field_number(struct json_object *object, const char *key)
{
	struct json_object *value = field_get(object, key);

	if (!json_object_is_type(value, json_type_int) || json_object_get_int64(value) < 0)
		return 0;
	return (uint64_t)json_object_get_int64(value);
}

bool field_is(struct json_object *object, const char *key, const char *value)
{
	const char *s = field_string(object, key);

	return s != NULL && strcmp(s, value) == 0;
}

static uint64_t hash_mix(uint64_t hash, uint64_t v)
{
	hash = (hash ^ v) * UINT64_C(0x9e3779b97f4a7c15);
	return hash ^ (hash >> 29);
}

static uint64_t hash_bytes(uint64_t hash, const char *s, size_t len)
{
	uint64_t word;

	hash = hash_mix(hash, len);
	for (; len >= 8; s += 8, len -= 8) {
		memcpy(&word, s, 8);
		hash = hash_mix(hash, word);
	}
	word = 0;
	memcpy(&word, s, len);
	return hash_mix(hash, word);
}

static uint64_t hash_string(struct json_object *value)
{
	return hash_bytes(json_type_string, json_object_get_string(value),
			  (size_t)json_object_get_string_len(value));
}

/* Members in any order: their hashes are added up. */
static uint64_t hash_object(struct json_object *object)
{
	uint64_t sum = 0;

	json_object_object_foreach(object, key, value)
	{
		sum +=
		    hash_mix(hash_bytes(json_type_object, key, strlen(key)), content_hash(value));
	}
	return hash_mix(json_type_object, sum);
}

static uint64_t hash_array(struct json_object *array)
{
	uint64_t hash = json_type_array;
	size_t i;

	for (i = 0; i < json_object_array_length(array); i++)
		hash = hash_mix(hash, content_hash(json_object_array_get_idx(array, i)));
	return hash;
}

/* -0 and 0 are one number. */
static uint64_t hash_number(double number)
{
	uint64_t bits;

	number += 0.0;
	memcpy(&bits, &number, sizeof(bits));
	return hash_mix(json_type_double, bits);
}

uint64_t content_hash(struct json_object *value)
{
	switch (json_object_get_type(value)) {
	case json_type_string:
		return hash_string(value);
	case json_type_object:
		return hash_object(value);
	case json_type_array:
		return hash_array(value);
	case json_type_int:
	case json_type_double:
		return hash_number(json_object_get_double(value));
	case json_type_boolean:
		return hash_mix(json_type_boolean, (uint64_t)json_object_get_boolean(value));
	case json_type_null:
		break;
	}
	return hash_mix(json_type_null, 0);
}

/* The fields that the server keeps of an attachment, or of forwardedFrom. */
static uint64_t hash_fields(struct json_object *object, const char *const *fields)
{
	uint64_t hash = 1;

	for (; *fields != NULL; fields++) {
		struct json_object *value = field_get(object, *fields);
		hash = hash_mix(hash, value == NULL ? 0 : content_hash(value));
	}
	return hash;
}

static uint64_t hash_attachments(struct json_object *array)
{
	static const char *const fields[] = {
		"type", "id", "filename", "url", "size", "meta", NULL
	};
	uint64_t hash = 0;
	size_t i;

	if (!json_object_is_type(array, json_type_array))
		return 0;
	for (i = 0; i < json_object_array_length(array); i++)
		hash = hash_mix(hash, hash_fields(json_object_array_get_idx(array, i), fields));
	return hash;
}

struct content content_read(struct json_object *object)
{
	static const char *const forwarded_fields[] = { "chatId", "messageId", NULL };
	struct json_object *text = field_get(object, "message");
	struct json_object *attachments = field_get(object, "attachments");
	struct json_object *forwarded = field_get(object, "forwardedFrom");
	struct json_object *reply = field_get(object, "replyTo");
	struct content content = { .has_text = text != NULL,
				   .has_attachments = attachments != NULL };

	if (json_object_is_type(text, json_type_string) && json_object_get_string_len(text) > 0)
		content.text = hash_string(text);
	content.attachments = hash_attachments(attachments);
	if (forwarded != NULL)
		content.forwarded = hash_fields(forwarded, forwarded_fields);
	if (json_object_is_type(reply, json_type_object))
		content.reply = field_number(reply, "messageId");
	else
		content.reply = field_number(object, "replyTo");
	return content;
}

struct content content_read_call(struct json_object *payload)
{
	static const char *const fields[] = { "caller", "participants", "callType", "callDuration",
					      NULL };
	struct content content = { .text = hash_fields(payload, fields), .has_text = true };

	return content;
}

bool content_equal(const struct content *a, const struct content *b)
{
	return a->text == b->text && a->attachments == b->attachments &&
	       a->forwarded == b->forwarded &&
	       (a->reply == b->reply || a->reply == 0 || b->reply == 0);
}
