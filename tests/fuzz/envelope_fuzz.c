/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A text through the envelope reader, beside json-c's parser in strict mode on the
 * whole of it. What the scanner takes json-c must take too, and find the same fields;
 * the payload must be the same tree, and the same again when it is written and
 * read once more. (The reverse does not hold: json-c is the more lenient of the two.)
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "seam/envelope.h"
#include "seam/json_scan.h"
#include "ws/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool good)
{
	if (!good)
		abort();
}

static bool is_text(struct json_object *value, struct par_str expected)
{
	struct par_str s = { NULL, 0 };

	if (json_object_is_type(value, json_type_string)) {
		s.s = json_object_get_string(value);
		s.len = (size_t)json_object_get_string_len(value);
	}
	return s.s != NULL && par_str_equal(s, expected);
}

static struct json_object *get(struct json_object *tree, const char *key)
{
	struct json_object *value = NULL;

	json_object_object_get_ex(tree, key, &value);
	return value;
}

static void check_message(struct json_object *tree, enum envelope_kind kind,
			  const struct message *m)
{
	struct json_object *type = get(tree, "payloadType");

	if (kind == ENVELOPE_CLIENT_EVENT && !json_object_object_get_ex(tree, "payloadType", NULL))
		type = get(tree, "eventType");
	demand(
	    is_text(get(tree, "type"), par_str_of(kind == ENVELOPE_REQUEST ? "request" : "event")));
	demand(m->error == PAR_OK && is_text(type, message_type(m)));
	demand(m->has_id || kind == ENVELOPE_CLIENT_EVENT);
	if (m->has_id)
		demand(is_text(get(tree, "id"), message_id(m)));
	demand(json_object_equal(get(tree, "payload"), m->payload));
}

static void check_refused(struct json_object *tree, const struct message *m)
{
	demand(m->error != PAR_OK && m->detail != NULL && m->payload == NULL);
	demand(m->has_id == (m->id_len > 0));
	if (m->error != PAR_E_BAD_JSON)
		demand(tree != NULL);
	if (m->has_id && tree != NULL && m->error != PAR_E_BAD_JSON)
		demand(is_text(get(tree, "id"), message_id(m)));
}

/* json-c on the whole text; NULL when it is not one object and nothing else. */
static struct json_object *parse(const char *text, size_t size)
{
	struct json_tokener *tokener = json_tokener_new_ex(JSON_DEPTH_MAX + 1);
	struct json_object *tree = NULL;

	if (tokener != NULL && size > 0) {
		json_tokener_set_flags(tokener, JSON_TOKENER_STRICT);
		tree = json_tokener_parse_ex(tokener, text, (int)size);
	}
	if (tree != NULL && !json_object_is_type(tree, json_type_object)) {
		json_object_put(tree);
		tree = NULL;
	}
	json_tokener_free(tokener);
	return tree;
}

/* A surrogate pair whose code point has the low 16 bits of a surrogate, U+1D800 and
 * the like: json-c takes it for half a pair. `p` is on a \u escape. */
static bool mistaken_pair(const char *p)
{
	return (p[2] == 'd' || p[2] == 'D') && strchr("37bBfF", p[4]) != NULL &&
	       strchr("67", p[5]) != NULL;
}

/* Whether both readers can be held to the same: json-c's keys end at a NUL, and it
 * cuts or refuses integers that no 64 bits hold. */
static bool comparable(const char *text, size_t size)
{
	size_t digits = 0;

	for (size_t i = 0; i < size; i++) {
		digits = text[i] >= '0' && text[i] <= '9' ? digits + 1 : 0;
		if (digits == 19)
			return false;
		if (size - i < 6 || memcmp(text + i, "\\u", 2) != 0)
			continue;
		if (memcmp(text + i + 2, "0000", 4) == 0 || mistaken_pair(text + i))
			return false;
	}
	return true;
}

static void compare(const char *text, size_t size, enum envelope_kind kind,
		    const struct message *message)
{
	struct json_object *tree = parse(text, size);

	if (kind == ENVELOPE_REFUSED) {
		check_refused(tree, message);
	} else {
		demand(tree != NULL);
		if (kind == ENVELOPE_ACK)
			demand(is_text(get(tree, "type"), par_str_of("ack")));
		else
			check_message(tree, kind, message);
	}
	json_object_put(tree);
}

/* What a plugin would pass on is JSON, and means what the client wrote. */
static void write_and_read(struct json_object *payload)
{
	static const char head[] = "{\"type\":\"event\",\"payloadType\":\"x\",\"payload\":";
	struct message *again = NULL;
	struct par_json w;
	struct par_str text;
	uint64_t ack_id;

	text.s = json_object_to_json_string_length(payload, JSON_C_TO_STRING_PLAIN, &text.len);
	par_json_init(&w);
	par_json_bytes(&w, head, sizeof(head) - 1);
	par_json_bytes(&w, text.s, text.len);
	par_json_bytes(&w, "}", 1);
	text = par_json_text(&w);
	demand(envelope_read(text.s, text.len, &again, &ack_id) == ENVELOPE_CLIENT_EVENT);
	demand(json_object_equal(again->payload, payload));
	message_free(&again);
	par_json_free(&w);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	struct message *message = NULL;
	enum envelope_kind kind;
	uint64_t ack_id = 0;

	if (size > 65536 || !utf8_valid(data, size))
		return 0;
	kind = envelope_read(text, size, &message, &ack_id);
	demand((message == NULL) == (kind == ENVELOPE_ACK));
	demand(ack_id <= UINT64_C(1) << 53);
	if (comparable(text, size))
		compare(text, size, kind, message);
	if (message != NULL && message->payload != NULL)
		write_and_read(message->payload);
	message_free(&message);
	return 0;
}
