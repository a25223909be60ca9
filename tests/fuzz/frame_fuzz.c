/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bytes through the frame decoder. The first byte chooses the role and how the
 * rest arrives: decoded once with all bytes there, and once with only as many
 * as the decoder asks for, or a few more each time. Both must say the same.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ws/frame.h"
#include "ws/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MAX_MESSAGE 1000

static void demand(bool good)
{
	if (!good)
		abort();
}

/* What must hold of every frame that was decoded out of [buf, buf + consumed). */
static void check_frame(const struct ws_frame *frame, const char *buf, size_t consumed,
			enum ws_role role)
{
	static const uint8_t no_mask[4];
	char header[WS_HEADER_MAX];
	size_t n = role == WS_SERVER ? ws_header_masked(frame->opcode, frame->len, no_mask, header)
				     : ws_header(frame->opcode, frame->len, header);

	demand(frame->payload + frame->len == buf + consumed && frame->payload == buf + n);
	demand((header[0] & 0x7F) == (buf[0] & 0x7F) && header[1] == buf[1]);
	demand(role == WS_CLIENT || frame->opcode != WS_BINARY);
	if (frame->opcode < WS_CLOSE)
		demand(frame->len <= MAX_MESSAGE);
	else
		demand(frame->fin && frame->len <= WS_CONTROL_MAX);
	if (frame->opcode == WS_TEXT && frame->fin)
		demand(utf8_valid(frame->payload, frame->len));
	if (frame->opcode == WS_CLOSE && frame->len > 0)
		demand(ws_close_code_valid(ws_close_code_of(frame)));
}

/* Decodes until the bytes run out; returns a digest of what happened. */
static uint64_t run(const uint8_t *data, size_t size, enum ws_role role, size_t step)
{
	char *copy = malloc(size > 0 ? size : 1);
	size_t at = 0, have = step == 0 ? size : 0, consumed, need;
	uint64_t digest = 14695981039346656037u;
	struct ws_decoder d;
	struct ws_frame frame;
	uint16_t code;

	demand(copy != NULL);
	if (size > 0)
		memcpy(copy, data, size);
	ws_decoder_init(&d, role, MAX_MESSAGE);
	for (;;) {
		enum ws_result r =
		    ws_decode(&d, copy + at, have - at, &frame, &consumed, &need, &code);
		if (r == WS_NEED_MORE) {
			demand(consumed == 0 && need > have - at);
			if (have == size)
				break;
			have = at + need - 1 + step < size ? at + need - 1 + step : size;
			continue;
		}
		digest = (digest ^ (unsigned)r) * 1099511628211u;
		if (r == WS_ERROR) {
			demand(code >= 1002 && code <= 1009);
			digest = (digest ^ code) * 1099511628211u;
			break;
		}
		check_frame(&frame, copy + at, consumed, role);
		for (size_t i = 0; i < frame.len; i++)
			digest = (digest ^ (uint8_t)frame.payload[i]) * 1099511628211u;
		digest = (digest ^ frame.opcode ^ frame.len << 8) * 1099511628211u;
		at += consumed;
		demand(at <= have);
	}
	free(copy);
	return digest;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum ws_role role;

	if (size == 0)
		return 0;
	role = (data[0] & 1) != 0 ? WS_CLIENT : WS_SERVER;
	demand(run(data + 1, size - 1, role, 0) == run(data + 1, size - 1, role, 1));
	demand(run(data + 1, size - 1, role, 0) == run(data + 1, size - 1, role, data[0] / 2 + 1u));
	return 0;
}
