/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The frame codec of RFC 6455: bytes in, frames out. It decodes in place,
 * allocates nothing, knows no socket, and is used from both ends: by the
 * server (which demands masked frames) and by parlance-cli (which demands
 * unmasked ones).
 *
 * A decoder holds what must be remembered between two frames of a connection:
 * whether a fragmented message is under way, and its UTF-8 state.
 */
#ifndef PARLANCE_FRAME_H
#define PARLANCE_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ws/close_code.h"

enum ws_opcode { /* RFC 6455 section 5.2 */
		 WS_CONTINUATION = 0x0,
		 WS_TEXT = 0x1,
		 WS_BINARY = 0x2,
		 WS_CLOSE = 0x8,
		 WS_PING = 0x9,
		 WS_PONG = 0xA
};

enum ws_role { WS_SERVER, WS_CLIENT };

#define WS_HEADER_MAX 14
#define WS_CONTROL_MAX 125

struct ws_decoder {
	uint64_t max_message; /* payload bytes of a whole message */
	uint64_t message_len; /* of the fragments so far */
	uint8_t role; /* enum ws_role: who decodes */
	uint8_t message_opcode; /* of the message under way; 0: none */
	uint8_t utf8_state;
};

struct ws_frame {
	uint8_t opcode; /* as on the wire: WS_CONTINUATION for later fragments */
	bool fin;
	char *payload; /* unmasked, within the buffer that was decoded */
	size_t len;
};

enum ws_result {
	WS_FRAME, /* *frame is set, *consumed bytes are used up */
	WS_NEED_MORE, /* *consumed is 0, *need is the least number of bytes that must be there
	               * (all together) before it is worth another call */
	WS_ERROR /* close with *close_code; the decoder is of no use any more */
};

void ws_decoder_init(struct ws_decoder *d, enum ws_role role, uint64_t max_message);

/*
 * Decodes the first frame of buf[0..len). The payload is unmasked in place, and
 * validated: text as UTF-8 across fragments (1007), message size (1009, judged
 * from the header before the payload is there), binary (1003 for a server, which
 * takes text only), reserved bits and opcodes, unmasked or masked against the
 * role, fragmented or long control frames, continuation without a start and
 * the reverse, non-minimal lengths, 64-bit lengths with the top bit (1002);
 * a close frame's code and reason (1002, 1007).
 */
enum ws_result ws_decode(struct ws_decoder *d, char *buf, size_t len, struct ws_frame *frame,
			 size_t *consumed, size_t *need, uint16_t *close_code);

/* The header of an unfragmented frame from a server into `to`; returns its
 * length (2, 4 or 10). */
size_t ws_header(enum ws_opcode opcode, uint64_t len, char to[WS_HEADER_MAX]);
/* The same from a client, with the mask in it. */
size_t ws_header_masked(enum ws_opcode opcode, uint64_t len, const uint8_t mask[4],
			char to[WS_HEADER_MAX]);
/* XORs in place; `offset` is the position of buf[0] in its payload. */
void ws_mask(char *buf, size_t len, const uint8_t mask[4], size_t offset);

/* The payload of a close frame into `to` (WS_CONTROL_MAX bytes); the reason is
 * cut to fit, between characters. Returns its length. */
size_t ws_close_payload(uint16_t code, const char *reason, char to[WS_CONTROL_MAX]);
/* The code of a received close payload that ws_decode accepted;
 * WS_CLOSE_NO_STATUS when it is empty. */
uint16_t ws_close_code_of(const struct ws_frame *frame);
/* Whether a code may stand in a close frame: RFC 6455 section 7.4. */
bool ws_close_code_valid(uint16_t code);

#endif
