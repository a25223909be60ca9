/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Decoding and encoding of frames: RFC 6455 sections 5 to 8. Called on I/O
 * threads and by parlance-cli; each decoder belongs to one connection, and
 * nothing here is shared.
 *
 * A frame is judged in the order in which its bytes arrive (first byte, length,
 * mask, state of the message, size), so that what is wrong is refused with the
 * earliest byte that shows it and nothing is buffered for it.
 */
#include <string.h>

#include "frame.h"
#include "utf8.h"

#define FIN 0x80
#define MASKED 0x80
#define LENGTH 0x7F
#define LENGTH_16 126
#define LENGTH_64 127
#define REASON_MAX (WS_CONTROL_MAX - 2)

struct header {
	uint8_t opcode;
	bool fin;
	bool control;
	bool masked;
	size_t size; /* of the header itself */
	uint64_t len; /* of the payload */
};

void ws_decoder_init(struct ws_decoder *d, enum ws_role role, uint64_t max_message)
{
	memset(d, 0, sizeof(*d));
	d->role = (uint8_t)role;
	d->max_message =
	    max_message < SIZE_MAX - WS_HEADER_MAX ? max_message : SIZE_MAX - WS_HEADER_MAX;
	d->utf8_state = UTF8_ACCEPT;
}

/* All the first bytes there are; any other has a reserved bit or opcode, or is
 * a control frame in fragments. */
static bool first_byte_valid(uint8_t byte)
{
	switch (byte) {
	case WS_CONTINUATION:
	case WS_TEXT:
	case WS_BINARY:
	case FIN | WS_CONTINUATION:
	case FIN | WS_TEXT:
	case FIN | WS_BINARY:
	case FIN | WS_CLOSE:
	case FIN | WS_PING:
	case FIN | WS_PONG:
		return true;
	default:
		return false;
	}
}

static uint64_t big_endian(const uint8_t *p, size_t n)
{
	uint64_t v = 0;

	while (n-- > 0)
		v = v << 8 | *p++;
	return v;
}

/* The size of the header, known from its first two bytes; 0: refused. The length
 * in *h is still the short one. */
static size_t header_size(const struct ws_decoder *d, const uint8_t *p, struct header *h)
{
	uint8_t len = p[1] & LENGTH;

	h->opcode = p[0] & 0x0F;
	h->fin = (p[0] & FIN) != 0;
	h->control = h->opcode >= WS_CLOSE;
	h->masked = (p[1] & MASKED) != 0;
	if (!first_byte_valid(p[0]) || h->masked != (d->role == WS_SERVER))
		return 0;
	if (h->control && len > WS_CONTROL_MAX)
		return 0;
	h->len = len;
	h->size = 2 + (len == LENGTH_16 ? 2 : len == LENGTH_64 ? 8 : 0) + (h->masked ? 4 : 0);
	return h->size;
}

/* The longer forms of the length. False: not the shortest form, or too long to
 * be one at all. */
static bool read_length(const uint8_t *p, struct header *h)
{
	if (h->len == LENGTH_16) {
		h->len = big_endian(p + 2, 2);
		return h->len >= LENGTH_16;
	}
	if (h->len == LENGTH_64) {
		h->len = big_endian(p + 2, 8);
		return h->len > UINT16_MAX && h->len <= INT64_MAX;
	}
	return true;
}

/* Whether this frame may come now, and its payload be that long: 0, or the
 * close code. */
static uint16_t judge(const struct ws_decoder *d, const struct header *h)
{
	if (h->control)
		return 0;
	if ((h->opcode == WS_CONTINUATION) != (d->message_opcode != 0))
		return WS_CLOSE_PROTOCOL_ERROR;
	if (h->opcode == WS_BINARY && d->role == WS_SERVER)
		return WS_CLOSE_UNSUPPORTED;
	if (h->len > d->max_message - d->message_len)
		return WS_CLOSE_TOO_BIG;
	return 0;
}

/* 0, and *need as ws_decode says; *h is whole once the header is there. Else the
 * close code. */
static uint16_t read_header(const struct ws_decoder *d, const uint8_t *p, size_t len,
			    struct header *h, size_t *need)
{
	*need = 2;
	if (len < 2)
		return len == 1 && !first_byte_valid(p[0]) ? WS_CLOSE_PROTOCOL_ERROR : 0;
	*need = header_size(d, p, h);
	if (*need == 0)
		return WS_CLOSE_PROTOCOL_ERROR;
	if (len < *need)
		return 0;
	if (!read_length(p, h))
		return WS_CLOSE_PROTOCOL_ERROR;
	*need = h->size + (size_t)h->len;
	return judge(d, h);
}

/* A payload of one byte has no status, which is no valid code. */
static uint16_t check_close(const struct ws_frame *frame)
{
	if (frame->len == 0)
		return 0;
	if (!ws_close_code_valid(ws_close_code_of(frame)))
		return WS_CLOSE_PROTOCOL_ERROR;
	if (!utf8_valid(frame->payload + 2, frame->len - 2))
		return WS_CLOSE_BAD_TEXT;
	return 0;
}

/* A fragment of a message, or all of it: takes the decoder along. */
static uint16_t take_data(struct ws_decoder *d, const struct ws_frame *frame)
{
	uint8_t opcode = frame->opcode == WS_CONTINUATION ? d->message_opcode : frame->opcode;

	if (opcode == WS_TEXT) {
		if (!utf8_continue(&d->utf8_state, frame->payload, frame->len))
			return WS_CLOSE_BAD_TEXT;
		if (frame->fin && d->utf8_state != UTF8_ACCEPT)
			return WS_CLOSE_BAD_TEXT;
	}
	d->message_opcode = frame->fin ? 0 : opcode;
	d->message_len = frame->fin ? 0 : d->message_len + frame->len;
	return 0;
}

enum ws_result ws_decode(struct ws_decoder *d, char *buf, size_t len, struct ws_frame *frame,
			 size_t *consumed, size_t *need, uint16_t *close_code)
{
	struct header h = { 0 };

	*consumed = 0;
	*close_code = read_header(d, (const uint8_t *)buf, len, &h, need);
	if (*close_code != 0)
		return WS_ERROR;
	if (len < *need)
		return WS_NEED_MORE;
	frame->opcode = h.opcode;
	frame->fin = h.fin;
	frame->payload = buf + h.size;
	frame->len = (size_t)h.len;
	if (h.masked)
		ws_mask(frame->payload, frame->len, (const uint8_t *)frame->payload - 4, 0);
	if (!h.control)
		*close_code = take_data(d, frame);
	else if (h.opcode == WS_CLOSE)
		*close_code = check_close(frame);
	if (*close_code != 0)
		return WS_ERROR;
	*consumed = *need;
	return WS_FRAME;
}

size_t ws_header(enum ws_opcode opcode, uint64_t len, char to[WS_HEADER_MAX])
{
	size_t n = len < LENGTH_16 ? 0 : len <= UINT16_MAX ? 2 : 8;

	to[0] = (char)(FIN | opcode);
	to[1] = (char)(n == 0 ? len : n == 2 ? LENGTH_16 : LENGTH_64);
	for (size_t i = 0; i < n; i++)
		to[2 + i] = (char)(len >> 8 * (n - 1 - i));
	return 2 + n;
}

size_t ws_header_masked(enum ws_opcode opcode, uint64_t len, const uint8_t mask[4],
			char to[WS_HEADER_MAX])
{
	size_t n = ws_header(opcode, len, to);

	to[1] = (char)(to[1] | MASKED);
	memcpy(to + n, mask, 4);
	return n + 4;
}

/* Eight bytes at a time; the mask repeats every four, so one rotation for the
 * offset is all there is to align. */
void ws_mask(char *buf, size_t len, const uint8_t mask[4], size_t offset)
{
	uint8_t bytes[8];
	uint64_t key, word[2];
	size_t i = 0;

	for (unsigned k = 0; k < 8; k++)
		bytes[k] = mask[(offset + k) & 3];
	memcpy(&key, bytes, 8);
	for (; len - i >= 16; i += 16) {
		memcpy(word, buf + i, 16);
		word[0] ^= key;
		word[1] ^= key;
		memcpy(buf + i, word, 16);
	}
	for (; i < len; i++)
		buf[i] = (char)(buf[i] ^ bytes[i & 7]);
}

size_t ws_close_payload(uint16_t code, const char *reason, char to[WS_CONTROL_MAX])
{
	size_t len = reason == NULL ? 0 : strnlen(reason, REASON_MAX + 1);

	if (len > REASON_MAX) {
		len = REASON_MAX;
		while (len > 0 && ((uint8_t)reason[len] & 0xC0) == 0x80)
			len--;
	}
	to[0] = (char)(code >> 8);
	to[1] = (char)code;
	if (len > 0)
		memcpy(to + 2, reason, len);
	return 2 + len;
}

uint16_t ws_close_code_of(const struct ws_frame *frame)
{
	if (frame->len < 2)
		return WS_CLOSE_NO_STATUS;
	return (uint16_t)big_endian((const uint8_t *)frame->payload, 2);
}

/* What the RFC defines, what IANA has registered since (1012 to 1014), and the
 * ranges left to libraries and applications. 1004 to 1006 and 1015 are never
 * on the wire. */
bool ws_close_code_valid(uint16_t code)
{
	return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
	       (code >= 3000 && code <= 4999);
}
