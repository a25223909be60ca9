/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Strict reading of a request's payload. A struct payload walks one JSON object;
 * the first field that is not as it must be is remembered with its path
 * ("attachments[2].url") and from then on every reader returns nothing, so a
 * handler reads all it wants and looks at `error` once.
 *
 * What is returned is borrowed from the json_object. A field that is JSON null
 * is not absent: it has the wrong type. Unknown fields are ignored.
 */
#ifndef MESSAGING_PAYLOAD_H
#define MESSAGING_PAYLOAD_H

#include <json-c/json.h>

#include <parlance/plugin.h>

/* Integers of the protocol, which a double can hold. */
#define PAYLOAD_NUMBER_MAX (UINT64_C(1) << 53)

enum payload_need { PAYLOAD_OPTIONAL, PAYLOAD_REQUIRED };

struct payload {
	struct json_object *object;
	char inside[24]; /* the path of `object`: "attachments[2]", or "" */
	enum par_error error;
	char path[48];
	char message[192];
};

/* `object` may be NULL: an empty one. */
void payload_begin(struct payload *p, struct json_object *object);

/* From here on the fields are those of `inner`, at that path; returns what
 * payload_leave needs to come back. */
struct json_object *payload_enter(struct payload *p, struct json_object *inner, const char *inside);
void payload_leave(struct payload *p, struct json_object *outer);

/* Refuses the field with a sentence that goes on after its path. The first refusal
 * stays. The path is told apart only with PAR_E_BAD_PAYLOAD. */
void payload_refuse(struct payload *p, enum par_error error, const char *key, const char *format,
		    ...) __attribute__((format(printf, 4, 5)));

/* The member, if it is there and of that type; else NULL. */
struct json_object *payload_field(struct payload *p, const char *key, enum json_type type,
				  enum payload_need need);
/* A string that par_id_valid takes. s NULL: absent. */
struct par_str payload_id(struct payload *p, const char *key, enum payload_need need);
/* A string of 1 to `max` bytes without U+0000. */
struct par_str payload_line(struct payload *p, const char *key, size_t max, enum payload_need need);
/* One of the words of a list that ends with NULL. */
struct par_str payload_word(struct payload *p, const char *key, const char *const *words,
			    enum payload_need need);
/* An integer from `min` to `max`. False: absent, or refused. */
bool payload_number(struct payload *p, const char *key, uint64_t min, uint64_t max,
		    enum payload_need need, uint64_t *value);
/* The same from 1 on; 0 when absent. */
uint64_t payload_message_id(struct payload *p, const char *key, enum payload_need need);

/* The string value of a json_object of that type. */
struct par_str payload_string_of(struct json_object *string);

#endif
