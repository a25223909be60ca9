/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From text to struct message, in three steps: scan_envelope checks the whole
 * text and notes where the fields of the envelope stand; read_request and its
 * like judge them by type; build_payload has the json_object made. Whatever is
 * wrong ends in refuse(), which makes the message that becomes the answer.
 *
 * Nothing is allocated but the message and its payload: strings are taken
 * from the text, or unescaped into the buffers of struct reading.
 */
#include <string.h>

#include "envelope.h"
#include "json_build.h"
#include "json_scan.h"

#define KEY_MAX 16 /* longer than the longest key of the envelope */
#define INTEGER_MAX (UINT64_C(1) << 53)

enum field_name { TYPE, ID, PAYLOAD_TYPE, EVENT_TYPE, PAYLOAD, TIMESTAMP, N_FIELDS };

static const struct par_str field_names[N_FIELDS] = {
	[TYPE] = { "type", 4 },
	[ID] = { "id", 2 },
	[PAYLOAD_TYPE] = { "payloadType", 11 },
	[EVENT_TYPE] = { "eventType", 9 },
	[PAYLOAD] = { "payload", 7 },
	[TIMESTAMP] = { "timestamp", 9 },
};

/* A field's value as it stands in the text. */
struct field {
	char kind; /* its first byte: one of " { [ t f n, 0 for a number; '\0': no such field */
	bool nul_key;
	struct json_string value; /* of a string without its quotes */
};

struct reading {
	struct field fields[N_FIELDS];
	struct message *message;
	uint64_t ack_id;
	bool has_id;
	struct par_str id;
	struct par_str type;
	char id_text[MESSAGE_ID_MAX];
	char type_text[MESSAGE_TYPE_MAX];
};

/* The field that a key names, or NULL. Of the same key twice the last counts. */
static struct field *find_field(struct reading *r, const struct json_string *key)
{
	struct par_str name = key->raw;
	char text[KEY_MAX];

	if (key->escaped) {
		if (!json_unescape(key->raw, text, sizeof(text), &name.len))
			return NULL;
		name.s = text;
	}
	for (int i = 0; i < N_FIELDS; i++) {
		if (par_str_equal(name, field_names[i]))
			return &r->fields[i];
	}
	return NULL;
}

static bool scan_field_value(struct json_scan *s, struct field *field)
{
	char first = *s->at;

	s->nul_key = false;
	field->kind = '\0';
	if (first == '"') {
		if (!json_scan_string(s, &field->value))
			return false;
	} else {
		field->value.raw.s = s->at;
		field->value.escaped = false;
		if (!json_scan_value(s, JSON_DEPTH_MAX - 1))
			return false;
		field->value.raw.len = (size_t)(s->at - field->value.raw.s);
	}
	field->nul_key = s->nul_key;
	field->kind = first == '-' || (first >= '0' && first <= '9') ? '0' : first;
	return true;
}

static bool scan_member(struct json_scan *s, struct reading *r)
{
	struct field other, *field;
	struct json_string key;

	if (!json_scan_space(s) || *s->at != '"' || !json_scan_string(s, &key) ||
	    !json_scan_space(s) || *s->at != ':')
		return false;
	s->at++;
	if (!json_scan_space(s))
		return false;
	field = find_field(r, &key);
	return scan_field_value(s, field != NULL ? field : &other) && json_scan_space(s);
}

/* Up to the brace behind the last one. */
static bool scan_members(struct json_scan *s, struct reading *r)
{
	while (scan_member(s, r)) {
		if (*s->at == '}')
			return true;
		if (*s->at != ',')
			return false;
		s->at++;
	}
	return false;
}

/* The whole text: one object, and white space around it. */
static bool scan_envelope(struct json_scan *s, struct reading *r)
{
	if (!json_scan_space(s) || *s->at != '{')
		return false;
	s->at++;
	if (!json_scan_space(s))
		return false;
	if (*s->at != '}' && !scan_members(s, r))
		return false;
	s->at++;
	return !json_scan_space(s);
}

static enum envelope_kind refuse(struct reading *r, enum par_error error, const char *path,
				 const char *detail)
{
	r->message = message_new(r->id, r->has_id, r->type, NULL);
	r->message->error = error;
	r->message->path = path;
	r->message->detail = detail;
	return ENVELOPE_REFUSED;
}

/* The text of a string field of 1 to `max` bytes without control characters. */
static bool read_string(const struct field *field, char *text, size_t max, struct par_str *to)
{
	struct par_str s = field->value.raw;

	if (field->kind != '"')
		return false;
	if (field->value.escaped) {
		s.s = text;
		if (!json_unescape(field->value.raw, text, max, &s.len))
			return false;
	}
	if (s.len == 0 || s.len > max)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.s[i];
		if (c < 0x20 || c == 0x7F)
			return false;
	}
	*to = s;
	return true;
}

static bool read_payload_type(struct reading *r, enum field_name name)
{
	return read_string(&r->fields[name], r->type_text, MESSAGE_TYPE_MAX, &r->type);
}

static enum envelope_kind build_payload(struct reading *r, enum envelope_kind kind)
{
	const struct field *field = &r->fields[PAYLOAD];
	struct json_object *payload = NULL;

	if (field->kind != '\0') {
		if (field->kind != '{')
			return refuse(r, PAR_E_BAD_PAYLOAD, "payload", "it must be an object");
		if (field->nul_key)
			return refuse(r, PAR_E_BAD_PAYLOAD, "payload", "a key contains NUL");
		payload = json_build(field->value.raw);
	}
	r->message = message_new(r->id, r->has_id, r->type, payload);
	return kind;
}

static bool timestamp_good(const struct reading *r)
{
	char kind = r->fields[TIMESTAMP].kind;

	return kind == '\0' || kind == '0' || kind == 'n';
}

static enum envelope_kind read_request(struct reading *r)
{
	bool typed = read_payload_type(r, PAYLOAD_TYPE);

	if (!r->has_id)
		return refuse(r, PAR_E_BAD_ENVELOPE, "id",
			      "it must be a string of 1 to 128 bytes without control characters");
	if (!typed)
		return refuse(r, PAR_E_BAD_ENVELOPE, "payloadType",
			      "it must be a string of 1 to 64 bytes");
	if (!timestamp_good(r))
		return refuse(r, PAR_E_BAD_ENVELOPE, "timestamp", "it must be a number");
	return build_payload(r, ENVELOPE_REQUEST);
}

static enum envelope_kind read_event(struct reading *r)
{
	enum field_name name = r->fields[PAYLOAD_TYPE].kind != '\0' ? PAYLOAD_TYPE : EVENT_TYPE;
	char id_kind = r->fields[ID].kind;

	if (id_kind != '\0' && id_kind != '"' && id_kind != '0')
		return refuse(r, PAR_E_BAD_ENVELOPE, "id", "it must be a string or a number");
	if (!read_payload_type(r, name))
		return refuse(r, PAR_E_BAD_ENVELOPE, "payloadType",
			      "it must be a string of 1 to 64 bytes");
	if (!timestamp_good(r))
		return refuse(r, PAR_E_BAD_ENVELOPE, "timestamp", "it must be a number");
	return build_payload(r, ENVELOPE_CLIENT_EVENT);
}

/* Plain decimal digits without leading zeros up to 2^53; else *to stays. */
static bool read_integer(struct par_str s, uint64_t *to)
{
	uint64_t v = 0;

	if (s.len == 0 || s.len > 16 || (s.s[0] == '0' && s.len > 1))
		return false;
	for (size_t i = 0; i < s.len; i++) {
		if (s.s[i] < '0' || s.s[i] > '9')
			return false;
		v = v * 10 + (uint64_t)(s.s[i] - '0');
	}
	if (v > INTEGER_MAX)
		return false;
	*to = v;
	return true;
}

/* A string that is no event's id is the client's way to name none. */
static enum envelope_kind read_ack(struct reading *r)
{
	const struct field *field = &r->fields[ID];

	if (field->kind == '"') {
		if (r->has_id)
			read_integer(r->id, &r->ack_id);
		return ENVELOPE_ACK;
	}
	if (field->kind == '0' && read_integer(field->value.raw, &r->ack_id))
		return ENVELOPE_ACK;
	return refuse(r, PAR_E_BAD_ENVELOPE, "id", "it must be the id of an event");
}

static const struct {
	struct par_str type;
	enum envelope_kind (*read)(struct reading *r);
} readers[] = {
	{ { "request", 7 }, read_request },
	{ { "ack", 3 }, read_ack },
	{ { "event", 5 }, read_event },
};

static enum envelope_kind read_by_type(struct reading *r)
{
	const struct field *field = &r->fields[TYPE];
	struct par_str type = field->value.raw;
	char text[KEY_MAX];

	if (field->kind != '"')
		return refuse(r, PAR_E_BAD_ENVELOPE, "type", "it must be a string");
	if (field->value.escaped) {
		type.s = text;
		if (!json_unescape(field->value.raw, text, sizeof(text), &type.len))
			type.len = 0;
	}
	for (size_t i = 0; i < sizeof(readers) / sizeof(readers[0]); i++) {
		if (par_str_equal(type, readers[i].type))
			return readers[i].read(r);
	}
	return refuse(r, PAR_E_UNKNOWN_TYPE, "type", "it must be request, event or ack");
}

enum envelope_kind envelope_read(const char *text, size_t len, struct message **message,
				 uint64_t *ack_id)
{
	struct json_scan s = { .at = text, .end = text + len };
	struct reading r;
	enum envelope_kind kind;
	bool scanned;

	r.message = NULL;
	r.ack_id = 0;
	r.type = par_str_of(NULL);
	r.id = par_str_of(NULL);
	for (int i = 0; i < N_FIELDS; i++)
		r.fields[i].kind = '\0';
	scanned = len <= INT32_MAX && scan_envelope(&s, &r);
	r.has_id = read_string(&r.fields[ID], r.id_text, MESSAGE_ID_MAX, &r.id);
	if (scanned)
		kind = read_by_type(&r);
	else
		kind = refuse(&r, PAR_E_BAD_JSON, NULL,
			      s.too_deep ? "nested deeper than 32" : "not one JSON object");
	*message = r.message;
	*ack_id = r.ack_id;
	return kind;
}
