/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Strict reading of the payload of a request or of a client's event. A struct
 * par_payload walks one JSON object; the first field that is not as it must be is
 * remembered with its path ("attachments[2].url"), and from then on every reader
 * returns nothing. So a handler reads all that it wants, looks at `error` once, and
 * answers with par_payload_fail:
 *
 *	par_payload_begin(&p, request->payload);
 *	chat_id = par_payload_id(&p, "chatId", PAR_REQUIRED);
 *	par_payload_number(&p, "count", 1, 500, PAR_OPTIONAL, &count);
 *	if (p.error != PAR_OK) {
 *		par_payload_fail(api, self, request, &p);
 *		return;
 *	}
 *
 * What is returned is borrowed from the json_object. A field that is JSON null is
 * not absent: it has the wrong type. Unknown fields are ignored. Numbers must be
 * written as integers: json-c's type tells 1 from 1.0, from 1e0, and from an
 * integer that does not fit in 64 bits.
 *
 * Everything is header-only, so a plugin carries its own copy and no ABI is
 * involved. Pure but for par_payload_fail and par_payload_fail_event, which are for
 * the core thread.
 */
#ifndef PARLANCE_PAYLOAD_H
#define PARLANCE_PAYLOAD_H

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include <json-c/json.h>

#include <parlance/plugin.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Integers of the protocol, which a double can hold. */
#define PAR_NUMBER_MAX (UINT64_C(1) << 53)

enum par_need { PAR_OPTIONAL, PAR_REQUIRED };

struct par_payload {
	struct json_object *object;
	char inside[48]; /* the path of `object`: "attachments[2]", or "" */
	enum par_error error;
	char path[112];
	char message[288];
};

/* `object` may be NULL: an empty one. */
static inline void par_payload_begin(struct par_payload *p, struct json_object *object)
{
	p->object = object;
	p->inside[0] = '\0';
	p->error = PAR_OK;
	p->path[0] = '\0';
	p->message[0] = '\0';
}

/* From here on the fields are those of `inner`, at that path; returns what
 * par_payload_leave needs to come back. One level: paths do not nest. */
static inline struct json_object *par_payload_enter(struct par_payload *p,
						    struct json_object *inner, const char *inside)
{
	struct json_object *outer = p->object;

	p->object = inner;
	snprintf(p->inside, sizeof(p->inside), "%s", inside);
	return outer;
}

static inline void par_payload_leave(struct par_payload *p, struct json_object *outer)
{
	p->object = outer;
	p->inside[0] = '\0';
}

/* Refuses the field with a sentence that goes on after its path; `key` "" is the
 * object itself. The first refusal stays. The client is told the path apart with
 * PAR_E_BAD_PAYLOAD only. */
static inline void par_payload_refuse(struct par_payload *p, enum par_error error, const char *key,
				      const char *format, ...)
    __attribute__((format(printf, 4, 5)));
static inline void par_payload_refuse(struct par_payload *p, enum par_error error, const char *key,
				      const char *format, ...)
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

static inline const char *par_payload_type_name(enum json_type type)
{
	switch (type) {
	case json_type_string:
		return "a string";
	case json_type_int:
		return "an integer";
	case json_type_boolean:
		return "true or false";
	case json_type_array:
		return "an array";
	case json_type_object:
		return "an object";
	default:
		return json_type_to_name(type);
	}
}

/* The string value of a json_object of that type. */
static inline struct par_str par_payload_string_of(struct json_object *string)
{
	struct par_str s = { json_object_get_string(string),
			     (size_t)json_object_get_string_len(string) };
	return s;
}

/* The member, if it is there and of that type; else NULL. */
static inline struct json_object *par_payload_field(struct par_payload *p, const char *key,
						    enum json_type type, enum par_need need)
{
	struct json_object *value;

	if (p->error != PAR_OK)
		return NULL;
	if (!json_object_object_get_ex(p->object, key, &value)) {
		if (need == PAR_REQUIRED)
			par_payload_refuse(p, PAR_E_BAD_PAYLOAD, key, "is missing");
		return NULL;
	}
	if (!json_object_is_type(value, type)) {
		par_payload_refuse(p, PAR_E_BAD_PAYLOAD, key, "must be %s",
				   par_payload_type_name(type));
		return NULL;
	}
	return value;
}

/* The string `value`, which stands at `key`, as an id. s NULL: refused. */
static inline struct par_str par_payload_id_of(struct par_payload *p, const char *key,
					       struct json_object *value)
{
	struct par_str id = par_payload_string_of(value), none = { NULL, 0 };

	if (par_id_valid(id))
		return id;
	par_payload_refuse(p, PAR_E_BAD_PAYLOAD, key,
			   "must be 1 to %d bytes without control characters", PAR_ID_MAX);
	return none;
}

/* A string that par_id_valid takes. s NULL: absent, or refused. */
static inline struct par_str par_payload_id(struct par_payload *p, const char *key,
					    enum par_need need)
{
	struct json_object *value = par_payload_field(p, key, json_type_string, need);
	struct par_str none = { NULL, 0 };

	return value == NULL ? none : par_payload_id_of(p, key, value);
}

/* Element i of the array `array`, which is member `key`, as an id. s NULL: refused. */
static inline struct par_str par_payload_id_at(struct par_payload *p, const char *key,
					       struct json_object *array, size_t i)
{
	struct json_object *value = json_object_array_get_idx(array, i);
	struct par_str none = { NULL, 0 };
	char at[64];

	snprintf(at, sizeof(at), "%s[%zu]", key, i);
	if (json_object_is_type(value, json_type_string))
		return par_payload_id_of(p, at, value);
	par_payload_refuse(p, PAR_E_BAD_PAYLOAD, at, "must be a string");
	return none;
}

/* A string of 1 to `max` bytes without U+0000. */
static inline struct par_str par_payload_line(struct par_payload *p, const char *key, size_t max,
					      enum par_need need)
{
	struct json_object *value = par_payload_field(p, key, json_type_string, need);
	struct par_str line = { NULL, 0 };

	if (value == NULL)
		return line;
	line = par_payload_string_of(value);
	if (line.len == 0 || line.len > max || memchr(line.s, '\0', line.len) != NULL)
		par_payload_refuse(p, PAR_E_BAD_PAYLOAD, key,
				   "must be 1 to %zu bytes without U+0000", max);
	return line;
}

struct par_char_range {
	uint32_t first, last;
};

/* Whether the character is in one of `n` ranges, which are in ascending order. */
static inline bool par_char_in(uint32_t c, const struct par_char_range *ranges, size_t n)
{
	size_t i;

	for (i = 0; i < n && c >= ranges[i].first; i++) {
		if (c <= ranges[i].last)
			return true;
	}
	return false;
}

/* The character at `*at`, which moves behind it. What a payload holds is UTF-8. */
static inline uint32_t par_char_next(struct par_str s, size_t *at)
{
	unsigned char lead = (unsigned char)s.s[(*at)++];
	uint32_t c = lead < 0xc0   ? lead
		     : lead < 0xe0 ? lead & 0x1f
		     : lead < 0xf0 ? lead & 0xf
				   : lead & 7;

	for (; lead >= 0xc0 && *at < s.len && ((unsigned char)s.s[*at] & 0xc0) == 0x80; (*at)++)
		c = c << 6 | ((unsigned char)s.s[*at] & 0x3f);
	return c;
}

/* Ends a line, or is none of its characters, or turns the direction of what is
 * shown beside it. The marks that Arabic and Hebrew need within a line are not among these. */
static inline bool par_char_breaks_line(uint32_t c)
{
	static const struct par_char_range ranges[] = {
		{ 0, 0x1f }, { 0x7f, 0x9f }, { 0x2028, 0x202e }, { 0x2066, 0x2069 }
	};

	return par_char_in(c, ranges, sizeof(ranges) / sizeof(ranges[0]));
}

/* White space, or nothing to be seen at all. */
static inline bool par_char_is_blank(uint32_t c)
{
	static const struct par_char_range ranges[] = {
		{ 0, 0x20 },        { 0x7f, 0xa0 },     { 0xad, 0xad },      { 0x34f, 0x34f },
		{ 0x61c, 0x61c },   { 0x115f, 0x1160 }, { 0x1680, 0x1680 },  { 0x17b4, 0x17b5 },
		{ 0x180b, 0x180f }, { 0x2000, 0x200f }, { 0x2028, 0x202f },  { 0x205f, 0x206f },
		{ 0x2800, 0x2800 }, { 0x3000, 0x3000 }, { 0x3164, 0x3164 },  { 0xfe00, 0xfe0f },
		{ 0xfeff, 0xfeff }, { 0xffa0, 0xffa0 }, { 0xe0000, 0xe0fff }
	};

	return par_char_in(c, ranges, sizeof(ranges) / sizeof(ranges[0]));
}

/* A name that is shown to others among their own things: a string of 1 to `max` bytes, one
 * line, which shows something, and changes nothing of what is shown beside it. */
static inline struct par_str par_payload_name(struct par_payload *p, const char *key, size_t max,
					      enum par_need need)
{
	struct json_object *value = par_payload_field(p, key, json_type_string, need);
	struct par_str name = { NULL, 0 };
	bool blank = true;
	size_t at = 0;

	if (value == NULL)
		return name;
	name = par_payload_string_of(value);
	if (name.len == 0 || name.len > max)
		par_payload_refuse(p, PAR_E_BAD_PAYLOAD, key, "must be 1 to %zu bytes", max);
	while (at < name.len && p->error == PAR_OK) {
		uint32_t c = par_char_next(name, &at);

		blank = blank && par_char_is_blank(c);
		if (par_char_breaks_line(c))
			par_payload_refuse(p, PAR_E_BAD_PAYLOAD, key,
					   "must be one line, and not hold U+%04" PRIX32, c);
	}
	if (blank)
		par_payload_refuse(p, PAR_E_BAD_PAYLOAD, key, "must not be blank");
	return name;
}

/* One of the words of a list that ends with NULL. */
static inline struct par_str par_payload_word(struct par_payload *p, const char *key,
					      const char *const *words, enum par_need need)
{
	struct json_object *value = par_payload_field(p, key, json_type_string, need);
	struct par_str none = { NULL, 0 };
	char choices[128];
	size_t n = 0;
	unsigned i;

	if (value == NULL)
		return none;
	for (i = 0; words[i] != NULL; i++) {
		if (par_str_equal(par_payload_string_of(value), par_str_of(words[i])))
			return par_str_of(words[i]);
		if (n < sizeof(choices))
			n += (size_t)snprintf(choices + n, sizeof(choices) - n, "%s\"%s\"",
					      i > 0 ? " or " : "", words[i]);
	}
	par_payload_refuse(p, PAR_E_BAD_PAYLOAD, key, "must be %s", choices);
	return none;
}

/* An integer from `min` to `max`. False: absent, or refused. */
static inline bool par_payload_number(struct par_payload *p, const char *key, uint64_t min,
				      uint64_t max, enum par_need need, uint64_t *value)
{
	struct json_object *field = par_payload_field(p, key, json_type_int, need);
	int64_t number;

	if (field == NULL)
		return false;
	number = json_object_get_int64(field);
	if (number < 0 || (uint64_t)number < min || (uint64_t)number > max) {
		par_payload_refuse(p, PAR_E_BAD_PAYLOAD, key,
				   "must be an integer from %" PRIu64 " to %" PRIu64, min, max);
		return false;
	}
	*value = (uint64_t)number;
	return true;
}

/* The same from 1 on; 0 when absent. */
static inline uint64_t par_payload_message_id(struct par_payload *p, const char *key,
					      enum par_need need)
{
	uint64_t id = 0;

	par_payload_number(p, key, 1, PAR_NUMBER_MAX, need, &id);
	return id;
}

/* false when absent or refused. */
static inline bool par_payload_bool(struct par_payload *p, const char *key, enum par_need need)
{
	struct json_object *field = par_payload_field(p, key, json_type_boolean, need);

	return field != NULL && json_object_get_boolean(field);
}

/* Answers a payload that was refused. */
static inline void par_payload_fail(const struct par_api *api, struct par_plugin *self,
				    const struct par_request *request, const struct par_payload *p)
{
	api->fail(self, request->id, p->error, p->error == PAR_E_BAD_PAYLOAD ? p->path : NULL,
		  p->message);
}

/* The same for a client's event, within its handler. */
static inline void par_payload_fail_event(const struct par_api *api, struct par_plugin *self,
					  const struct par_client_event *event,
					  const struct par_payload *p)
{
	api->refuse_client_event(self, event, p->error,
				 p->error == PAR_E_BAD_PAYLOAD ? p->path : NULL, p->message);
}

#ifdef __cplusplus
}
#endif

#endif
