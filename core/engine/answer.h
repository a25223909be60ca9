/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Responses as text: the envelope of docs/protocol.md, Messages, around a payload or
 * an error. Pure but for the writer.
 */
#ifndef PARLANCE_ANSWER_H
#define PARLANCE_ANSWER_H

#include <stdint.h>

#include <parlance/plugin.h>

#include "seam/out_frame.h"

/* `{"type":"response","timestamp":T,"id":"..."`, without its end. id.s NULL
 * writes null. The writer is fresh from out_frame_begin. */
void answer_begin(struct par_json *w, uint64_t now, struct par_str id);

/* A whole error response, never NULL. `path`, `message` may be NULL, and are left
 * out when they are beyond measure. An error that is none is internal. */
struct out_frame *answer_error(uint64_t now, struct par_str id, enum par_error error,
			       const char *path, const char *message);
/* The same with an object, as text, in place of a path. */
struct out_frame *answer_error_details(uint64_t now, struct par_str id, enum par_error error,
				       struct par_str details, const char *message);

/* The body of a refused handshake: {"error":{"code":...,"message":...}}. */
struct out_frame *answer_http_error(const char *code, const char *message);

#endif
