/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The content of a message: its text and its attachments, as `new` and `edit`
 * bring them. Attachments are checked and written anew, with the fields of the
 * protocol in a fixed order and no others, so that what is stored and passed on
 * is well-formed.
 */
#include "messaging.h"

#include <stdio.h>
#include <string.h>

#define ATTACHMENT_NAME_MAX 1024
#define ATTACHMENT_URL_MAX 4096
#define ATTACHMENT_META_MAX 8192

const struct print_field attachment_fields[] = {
	{ "type", NULL }, { "id", NULL },   { "filename", NULL }, { "url", NULL },
	{ "size", NULL }, { "meta", NULL }, { NULL, NULL },
};

static void attachment_meta(struct par_payload *p, struct par_json *w)
{
	struct json_object *meta = par_payload_field(p, "meta", json_type_object, PAR_OPTIONAL);
	struct par_str text;

	if (meta == NULL)
		return;
	text.s = json_object_to_json_string_length(
	    meta, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &text.len);
	if (text.s == NULL || text.len > ATTACHMENT_META_MAX)
		par_payload_refuse(p, PAR_E_BAD_PAYLOAD, "meta", "must be at most %d bytes of JSON",
				   ATTACHMENT_META_MAX);
	else
		par_json_member_raw(w, "meta", text);
}

static void attachment(struct par_payload *p, struct par_json *w)
{
	static const char *const types[] = { "file", "image", "video", "audio", "voice", NULL };
	struct par_str type = par_payload_word(p, "type", types, PAR_REQUIRED);
	struct par_str id = par_payload_id(p, "id", PAR_REQUIRED);
	struct par_str filename =
	    par_payload_name(p, "filename", ATTACHMENT_NAME_MAX, PAR_REQUIRED);
	struct par_str url = par_payload_line(p, "url", ATTACHMENT_URL_MAX, PAR_REQUIRED);
	uint64_t size;

	if (p->error != PAR_OK)
		return;
	par_json_object_begin(w);
	par_json_member_string(w, "type", type);
	par_json_member_string(w, "id", id);
	par_json_member_string(w, "filename", filename);
	par_json_member_string(w, "url", url);
	if (par_payload_number(p, "size", 0, PAR_NUMBER_MAX, PAR_OPTIONAL, &size))
		par_json_member_u64(w, "size", size);
	attachment_meta(p, w);
	par_json_object_end(w);
}

static void attachments(struct messaging *m, struct par_payload *p, struct json_object *array)
{
	size_t n = json_object_array_length(array), i;

	if (n > m->max_attachments) {
		par_payload_refuse(p, PAR_E_BAD_PAYLOAD, "attachments", "must be at most %u",
				   (unsigned)m->max_attachments);
		return;
	}
	par_json_array_begin(&m->scratch);
	for (i = 0; i < n && p->error == PAR_OK; i++) {
		struct json_object *element = json_object_array_get_idx(array, i);
		struct json_object *outer;
		char inside[sizeof(p->inside)];

		snprintf(inside, sizeof(inside), "attachments[%u]", (unsigned)i);
		outer = par_payload_enter(p, element, inside);
		if (json_object_is_type(element, json_type_object))
			attachment(p, &m->scratch);
		else
			par_payload_refuse(p, PAR_E_BAD_PAYLOAD, "", "must be an object");
		par_payload_leave(p, outer);
	}
	par_json_array_end(&m->scratch);
}

void content_read(struct messaging *m, struct par_payload *p, struct content *content)
{
	struct json_object *text = par_payload_field(p, "message", json_type_string, PAR_OPTIONAL);
	struct json_object *array =
	    par_payload_field(p, "attachments", json_type_array, PAR_OPTIONAL);

	memset(content, 0, sizeof(*content));
	if (text != NULL)
		content->message = par_payload_string_of(text);
	if (content->message.len > m->max_text)
		par_payload_refuse(p, PAR_E_TOO_LARGE, "message", "must be at most %u bytes",
				   (unsigned)m->max_text);
	if (content->message.len > 0 &&
	    memchr(content->message.s, '\0', content->message.len) != NULL)
		par_payload_refuse(p, PAR_E_BAD_PAYLOAD, "message", "must not hold U+0000");
	if (content->message.len == 0 && (array == NULL || json_object_array_length(array) == 0))
		par_payload_refuse(p, PAR_E_BAD_PAYLOAD, "message",
				   "or attachments must be there and not be empty");
	if (array != NULL) {
		content->has_attachments = true;
		attachments(m, p, array);
	}
}
