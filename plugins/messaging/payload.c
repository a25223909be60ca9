/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Strict reading of payloads; see payload.h. Numbers must be written as
 * integers: json-c's type tells 1 from 1.0, from 1e0, and from an integer that
 * does not fit in 64 bits.
 */
#include "payload.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

static const char *type_name(enum json_type type)
{
	switch (type) {
	case json_type_string:
		return "a string";
	case json_type_int:
		return "an integer";
	case json_type_array:
		return "an array";
	case json_type_object:
		return "an object";
	default:
		return json_type_to_name(type);
	}
}

void payload_begin(struct payload *p, struct json_object *object)
{
	p->object = object;
	p->inside[0] = '\0';
	p->error = PAR_OK;
	p->path[0] = '\0';
	p->message[0] = '\0';
}

struct json_object *payload_enter(struct payload *p, struct json_object *inner, const char *inside)
{
	struct json_object *outer = p->object;

	p->object = inner;
	snprintf(p->inside, sizeof(p->inside), "%s", inside);
	return outer;
}

void payload_leave(struct payload *p, struct json_object *outer)
{
	p->object = outer;
	p->inside[0] = '\0';
}

void payload_refuse(struct payload *p, enum par_error error, const char *key, const char *format,
		    ...)
{
	va_list args;
	int n;

	if (p->error != PAR_OK)
		return;
	p->error = error;
	snprintf(p->path, sizeof(p->path), "%s%s%s", p->inside,
		 p->inside[0] != '\0' && key[0] != '\0' ? "." : "", key);
	n = snprintf(p->message, sizeof(p->message), "%s ", p->path);
	va_start(args, format);
	vsnprintf(p->message + n, sizeof(p->message) - (size_t)n, format, args);
	va_end(args);
}

struct json_object *payload_field(struct payload *p, const char *key, enum json_type type,
				  enum payload_need need)
{
	struct json_object *value;

	if (p->error != PAR_OK)
		return NULL;
	if (!json_object_object_get_ex(p->object, key, &value)) {
		if (need == PAYLOAD_REQUIRED)
			payload_refuse(p, PAR_E_BAD_PAYLOAD, key, "is missing");
		return NULL;
	}
	if (!json_object_is_type(value, type)) {
		payload_refuse(p, PAR_E_BAD_PAYLOAD, key, "must be %s", type_name(type));
		return NULL;
	}
	return value;
}

struct par_str payload_string_of(struct json_object *string)
{
	struct par_str s = { json_object_get_string(string),
			     (size_t)json_object_get_string_len(string) };
	return s;
}

struct par_str payload_id(struct payload *p, const char *key, enum payload_need need)
{
	struct json_object *value = payload_field(p, key, json_type_string, need);
	struct par_str id = { NULL, 0 };

	if (value == NULL)
		return id;
	id = payload_string_of(value);
	if (!par_id_valid(id))
		payload_refuse(p, PAR_E_BAD_PAYLOAD, key,
			       "must be 1 to %d bytes without control characters", PAR_ID_MAX);
	return id;
}

struct par_str payload_line(struct payload *p, const char *key, size_t max, enum payload_need need)
{
	struct json_object *value = payload_field(p, key, json_type_string, need);
	struct par_str line = { NULL, 0 };

	if (value == NULL)
		return line;
	line = payload_string_of(value);
	if (line.len == 0 || line.len > max || memchr(line.s, '\0', line.len) != NULL)
		payload_refuse(p, PAR_E_BAD_PAYLOAD, key, "must be 1 to %zu bytes without U+0000",
			       max);
	return line;
}

struct par_str payload_word(struct payload *p, const char *key, const char *const *words,
			    enum payload_need need)
{
	struct json_object *value = payload_field(p, key, json_type_string, need);
	struct par_str none = { NULL, 0 };
	char choices[80];
	size_t n = 0;
	unsigned i;

	if (value == NULL)
		return none;
	for (i = 0; words[i] != NULL; i++) {
		if (par_str_equal(payload_string_of(value), par_str_of(words[i])))
			return par_str_of(words[i]);
		n += (size_t)snprintf(choices + n, sizeof(choices) - n, "%s\"%s\"",
				      i > 0 ? " or " : "", words[i]);
	}
	payload_refuse(p, PAR_E_BAD_PAYLOAD, key, "must be %s", choices);
	return none;
}

bool payload_number(struct payload *p, const char *key, uint64_t min, uint64_t max,
		    enum payload_need need, uint64_t *value)
{
	struct json_object *field = payload_field(p, key, json_type_int, need);
	int64_t number;

	if (field == NULL)
		return false;
	number = json_object_get_int64(field);
	if (number < 0 || (uint64_t)number < min || (uint64_t)number > max) {
		payload_refuse(p, PAR_E_BAD_PAYLOAD, key,
			       "must be an integer from %" PRIu64 " to %" PRIu64, min, max);
		return false;
	}
	*value = (uint64_t)number;
	return true;
}

uint64_t payload_message_id(struct payload *p, const char *key, enum payload_need need)
{
	uint64_t id = 0;

	payload_number(p, key, 1, PAYLOAD_NUMBER_MAX, need, &id);
	return id;
}
