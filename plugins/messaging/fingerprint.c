/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fingerprints; see fingerprint.h. Two different requests have the same one by
 * chance once in 2^64. A client could make such a pair, and would deceive
 * himself alone: a fingerprint is only ever compared with another of the same
 * sender, chat and clientMessageId. So the hash need be fast and nothing else.
 */
#include "fingerprint.h"

#include <endian.h>
#include <string.h>

#include <parlance/json.h>

#define START UINT64_C(0xcbf29ce484222325)

/* What stands before a value, so that no value looks like one of another type. */
enum {
	PRINT_NULL,
	PRINT_FALSE,
	PRINT_TRUE,
	PRINT_INTEGER,
	PRINT_NUMBER,
	PRINT_STRING,
	PRINT_ARRAY,
	PRINT_OBJECT
};

/* FNV-1a's steps on eight bytes at a time, with its high bits folded back. */
static uint64_t mix(uint64_t print, uint64_t v)
{
	print = (print ^ v) * UINT64_C(0x9e3779b97f4a7c15);
	return print ^ (print >> 32);
}

/* The bytes count from the least significant one up, on every machine. */
static uint64_t mix_string(uint64_t print, struct par_str s)
{
	size_t i;
	uint64_t word;

	print = mix(print, s.len);
	for (i = 0; s.len - i >= 8; i += 8) {
		memcpy(&word, s.s + i, 8);
		print = mix(print, le64toh(word));
	}
	if (i < s.len) {
		word = 0;
		memcpy(&word, s.s + i, s.len - i);
		print = mix(print, le64toh(word));
	}
	return print;
}

static uint64_t mix_value(uint64_t print, struct json_object *value,
			  const struct print_field *fields);

static const struct print_field *find_field(const struct print_field *fields, const char *name)
{
	for (; fields->name != NULL; fields++) {
		if (strcmp(fields->name, name) == 0)
			return fields;
	}
	return NULL;
}

/* The members have no order: each has a print of its own, and their sum counts. It is
 * mixed once more before, or values that change places could cancel out. */
static uint64_t mix_object(uint64_t print, struct json_object *object,
			   const struct print_field *fields)
{
	uint64_t sum = 0;

	json_object_object_foreach(object, name, value)
	{
		const struct print_field *field = fields == NULL ? NULL : find_field(fields, name);

		if (fields == NULL || field != NULL)
			sum += mix(mix_value(mix_string(START, par_str_of(name)), value,
					     field == NULL ? NULL : field->inside),
				   PRINT_OBJECT);
	}
	return mix(mix(print, PRINT_OBJECT), sum);
}

static uint64_t mix_array(uint64_t print, struct json_object *array,
			  const struct print_field *fields)
{
	size_t n = json_object_array_length(array), i;

	print = mix(mix(print, PRINT_ARRAY), n);
	for (i = 0; i < n; i++)
		print = mix_value(print, json_object_array_get_idx(array, i), fields);
	return print;
}

static uint64_t mix_value(uint64_t print, struct json_object *value,
			  const struct print_field *fields)
{
	struct par_str text;

	switch (json_object_get_type(value)) {
	case json_type_null:
		break;
	case json_type_boolean:
		return mix(print, json_object_get_boolean(value) ? PRINT_TRUE : PRINT_FALSE);
	case json_type_int:
		return mix(mix(print, PRINT_INTEGER), (uint64_t)json_object_get_int64(value));
	case json_type_double:
		/* the client's own text: the core keeps it (core/seam/json_build.c) */
		return mix_string(mix(print, PRINT_NUMBER),
				  par_str_of(json_object_to_json_string(value)));
	case json_type_string:
		text.s = json_object_get_string(value);
		text.len = (size_t)json_object_get_string_len(value);
		return mix_string(mix(print, PRINT_STRING), text);
	case json_type_array:
		return mix_array(print, value, fields);
	case json_type_object:
		return mix_object(print, value, fields);
	}
	return mix(print, PRINT_NULL);
}

uint64_t fingerprint(const char *what, struct json_object *payload,
		     const struct print_field *fields)
{
	return mix_value(mix_string(START, par_str_of(what)), payload, fields);
}
