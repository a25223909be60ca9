/* SPDX-License-Identifier: BSD-2-Clause */
/* Responses as text; see answer.h. */
#include "engine/answer.h"

static const char *const error_codes[] = { "ok",
#define X(symbol, code) code,
					   PAR_ERRORS(X)
#undef X
};

/* What the client's developer is told when the one who failed gave no words. */
static const char *const error_messages[] = {
	[PAR_OK] = "",
	[PAR_E_BAD_JSON] = "the message is not one JSON object",
	[PAR_E_BAD_ENVELOPE] = "a field of the envelope is missing or wrong",
	[PAR_E_BAD_PAYLOAD] = "a field of the payload is missing or wrong",
	[PAR_E_UNKNOWN_TYPE] = "type is one of request, ack, event",
	[PAR_E_UNKNOWN_PAYLOAD_TYPE] = "no feature of this server knows the payloadType",
	[PAR_E_DUPLICATE_REQUEST] = "a request with this id is in flight on this connection",
	[PAR_E_FORBIDDEN] = "not allowed",
	[PAR_E_NOT_FOUND] = "there is no such thing",
	[PAR_E_CONFLICT] = "it contradicts what is there already",
	[PAR_E_TOO_LARGE] = "too large",
	[PAR_E_RATE_LIMITED] = "too many requests",
	[PAR_E_TIMEOUT] = "no answer in time; the outcome is open, send it again",
	[PAR_E_UNAVAILABLE] = "the storage or a plugin is down; send it again later",
	[PAR_E_INTERNAL] = "the server failed; the outcome is open",
};

void answer_begin(struct par_json *w, uint64_t now, struct par_str id)
{
	static const char head[] = "{\"type\":\"response\",\"timestamp\":";
	static const char id_key[] = ",\"id\":";
	char digits[20];

	par_json_bytes(w, head, sizeof(head) - 1);
	par_json_bytes(w, digits, par_json_digits(now, digits));
	par_json_bytes(w, id_key, sizeof(id_key) - 1);
	if (id.s == NULL)
		par_json_bytes(w, "null", 4);
	else
		par_json_quoted(w, id.s, id.len);
	w->comma = true;
}

/* `details` is an object as text; s NULL: there is none but the path. */
static void answer_write_error(struct par_json *w, const char *code, const char *path,
			       struct par_str details, const char *message)
{
	par_json_key(w, "error");
	par_json_object_begin(w);
	par_json_member_string(w, "code", par_str_of(code));
	par_json_member_string(w, "message", par_str_of(message));
	if (path != NULL) {
		par_json_key(w, "details");
		par_json_object_begin(w);
		par_json_member_string(w, "path", par_str_of(path));
		par_json_object_end(w);
	} else if (details.s != NULL) {
		par_json_member_raw(w, "details", details);
	}
	par_json_object_end(w);
}

static struct out_frame *answer_try_error(uint64_t now, struct par_str id, enum par_error error,
					  const char *path, struct par_str details,
					  const char *message)
{
	struct par_json w;

	out_frame_begin(&w);
	answer_begin(&w, now, id);
	answer_write_error(&w, error_codes[error], path, details, message);
	par_json_object_end(&w);
	return out_frame_end(&w);
}

static struct out_frame *answer_any_error(uint64_t now, struct par_str id, enum par_error error,
					  const char *path, struct par_str details,
					  const char *message)
{
	struct par_str none = { NULL, 0 };
	struct out_frame *frame;

	if (error <= PAR_OK || error > PAR_E_INTERNAL)
		error = PAR_E_INTERNAL;
	if (message == NULL)
		message = error_messages[error];
	frame = answer_try_error(now, id, error, path, details, message);
	return frame != NULL ? frame
			     : answer_try_error(now, id, error, NULL, none, error_messages[error]);
}

struct out_frame *answer_error(uint64_t now, struct par_str id, enum par_error error,
			       const char *path, const char *message)
{
	return answer_any_error(now, id, error, path, (struct par_str){ NULL, 0 }, message);
}

struct out_frame *answer_error_details(uint64_t now, struct par_str id, enum par_error error,
				       struct par_str details, const char *message)
{
	return answer_any_error(now, id, error, NULL, details, message);
}

struct out_frame *answer_http_error(const char *code, const char *message)
{
	struct par_json w;

	out_frame_begin(&w);
	par_json_object_begin(&w);
	answer_write_error(&w, code, NULL, (struct par_str){ NULL, 0 }, message);
	par_json_object_end(&w);
	return out_frame_end(&w);
}
