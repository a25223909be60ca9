/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The frame codec: every opcode with every form of the length, one byte at a
 * time and at once, from both ends; all first bytes that are no frame; the
 * rules about fragments, sizes, texts and close frames with their close codes.
 */
#include <stdlib.h>
#include <string.h>

#include "unit.h"
#include "ws/frame.h"
#include "ws/utf8.h"

#define MAX_MESSAGE 70000

static const uint8_t mask[4] = { 0x37, 0xFA, 0x21, 0x3D };

struct wire {
	char buf[4 * WS_HEADER_MAX + 2 * MAX_MESSAGE];
	size_t len;
};

/* Appends a frame as the other end would send it. */
static void put(struct wire *w, enum ws_role to, uint8_t first, const char *payload, size_t len)
{
	char *head = w->buf + w->len;
	size_t n = to == WS_SERVER ? ws_header_masked(first & 0x0F, len, mask, head)
				   : ws_header(first & 0x0F, len, head);

	head[0] = (char)first;
	if (len > 0)
		memcpy(head + n, payload, len);
	if (to == WS_SERVER)
		ws_mask(head + n, len, mask, 0);
	w->len += n + len;
}

static struct ws_decoder server(void)
{
	struct ws_decoder d;

	ws_decoder_init(&d, WS_SERVER, MAX_MESSAGE);
	return d;
}

static enum ws_result decode(struct ws_decoder *d, char *buf, size_t len, struct ws_frame *frame,
			     size_t *used, uint16_t *code)
{
	size_t need = 0;
	enum ws_result r = ws_decode(d, buf, len, frame, used, &need, code);

	if (r == WS_NEED_MORE)
		CU_ASSERT_TRUE(need > len && *used == 0);
	return r;
}

/* Expects frames to be refused with `code`, at the last of the frames in `w`. */
static void expect_error(struct wire *w, uint16_t code)
{
	struct ws_decoder d = server();
	struct ws_frame frame;
	size_t at = 0, used;
	uint16_t got = 0;
	enum ws_result r;

	while ((r = decode(&d, w->buf + at, w->len - at, &frame, &used, &got)) == WS_FRAME)
		at += used;
	CU_ASSERT_EQUAL(r, WS_ERROR);
	CU_ASSERT_EQUAL(got, code);
	w->len = 0;
}

static void expect_refused(uint8_t first, const char *payload, size_t len, uint16_t code)
{
	static struct wire w;

	put(&w, WS_SERVER, first, payload, len);
	expect_error(&w, code);
}

/* One whole frame, offered only as much at a time as was asked for. */
static void check_one(enum ws_role role, uint8_t opcode, size_t len)
{
	static struct wire w;
	static char payload[MAX_MESSAGE];
	struct ws_decoder d;
	struct ws_frame frame;
	size_t used, need, have;
	uint16_t code;

	memset(payload, 'a', len);
	if (opcode == WS_CLOSE && len >= 2)
		memcpy(payload, "\x03\xE8", 2);
	w.len = 0;
	put(&w, role, (uint8_t)(0x80 | opcode), payload, len);
	ws_decoder_init(&d, role, MAX_MESSAGE);
	for (have = 0; have < w.len; have = need) {
		CU_ASSERT_EQUAL(ws_decode(&d, w.buf, have, &frame, &used, &need, &code),
				WS_NEED_MORE);
		CU_ASSERT_TRUE_FATAL(need > have && need <= w.len);
		if (have < 2)
			CU_ASSERT_EQUAL(need, 2);
	}
	CU_ASSERT_EQUAL(ws_decode(&d, w.buf, w.len, &frame, &used, &need, &code), WS_FRAME);
	CU_ASSERT_EQUAL(used, w.len);
	CU_ASSERT_EQUAL(frame.opcode, opcode);
	CU_ASSERT_TRUE(frame.fin);
	CU_ASSERT_EQUAL(frame.len, len);
	CU_ASSERT_EQUAL(memcmp(frame.payload, payload, len), 0);
}

static void test_lengths(void)
{
	static const size_t len[] = { 0, 2, 7, 8, 9, 15, 16, 17, 124, 125, 126, 127, 65535, 65536 };
	static const uint8_t control[] = { WS_CLOSE, WS_PING, WS_PONG };

	for (unsigned i = 0; i < sizeof(len) / sizeof(len[0]); i++) {
		check_one(WS_SERVER, WS_TEXT, len[i]);
		check_one(WS_CLIENT, WS_TEXT, len[i]);
		check_one(WS_CLIENT, WS_BINARY, len[i]);
		for (unsigned k = 0; k < 3; k++) {
			if (len[i] <= WS_CONTROL_MAX) {
				check_one(WS_SERVER, control[k], len[i]);
				check_one(WS_CLIENT, control[k], len[i]);
			} else {
				static char zeros[65536];
				expect_refused(0x80 | control[k], zeros, len[i],
					       WS_CLOSE_PROTOCOL_ERROR);
			}
		}
	}
}

static void test_byte_by_byte(void)
{
	static struct wire w;
	struct ws_decoder d = server();
	struct ws_frame frame;
	char text[300];
	uint16_t code;
	size_t used;

	memset(text, 'b', sizeof(text));
	w.len = 0;
	put(&w, WS_SERVER, 0x81, text, sizeof(text));
	for (size_t have = 0; have < w.len; have++)
		CU_ASSERT_EQUAL(decode(&d, w.buf, have, &frame, &used, &code), WS_NEED_MORE);
	CU_ASSERT_EQUAL(decode(&d, w.buf, w.len, &frame, &used, &code), WS_FRAME);
	CU_ASSERT_EQUAL(memcmp(frame.payload, text, sizeof(text)), 0);
}

static void test_first_bytes(void)
{
	for (unsigned first = 0; first < 256; first++) {
		char buf[8] = { (char)first, (char)0x80 };
		struct ws_decoder d = server();
		struct ws_frame frame;
		uint16_t code = 0;
		size_t used;
		enum ws_result r = decode(&d, buf, 6, &frame, &used, &code);

		switch (first) {
		case 0x01:
		case 0x81:
		case 0x88:
		case 0x89:
		case 0x8A:
			CU_ASSERT_EQUAL(r, WS_FRAME);
			break;
		case 0x02:
		case 0x82:
			CU_ASSERT_EQUAL(r, WS_ERROR);
			CU_ASSERT_EQUAL(code, WS_CLOSE_UNSUPPORTED);
			break;
		default:
			CU_ASSERT_EQUAL(r, WS_ERROR);
			CU_ASSERT_EQUAL(code, WS_CLOSE_PROTOCOL_ERROR);
			break;
		}
		d = server();
		r = decode(&d, buf, 1, &frame, &used, &code);
		if (first > 0x02 && (first < 0x80 || (first & 0x0F) > 0x0A))
			CU_ASSERT_EQUAL(r, WS_ERROR);
	}
}

static void test_mask_demanded(void)
{
	struct ws_decoder d = server();
	char unmasked[] = { (char)0x81, 1, 'a' };
	char masked[] = { (char)0x81, (char)0x81, 0, 0, 0, 0, 'a' };
	struct ws_frame frame;
	uint16_t code = 0;
	size_t used;

	CU_ASSERT_EQUAL(decode(&d, unmasked, 2, &frame, &used, &code), WS_ERROR);
	CU_ASSERT_EQUAL(code, WS_CLOSE_PROTOCOL_ERROR);
	ws_decoder_init(&d, WS_CLIENT, 100);
	CU_ASSERT_EQUAL(decode(&d, masked, sizeof(masked), &frame, &used, &code), WS_ERROR);
	CU_ASSERT_EQUAL(code, WS_CLOSE_PROTOCOL_ERROR);
}

static void expect_header(const char *header, size_t len, uint16_t expected)
{
	struct ws_decoder d = server();
	struct ws_frame frame;
	char buf[WS_HEADER_MAX];
	uint16_t code = 0;
	size_t used;

	memcpy(buf, header, len);
	CU_ASSERT_EQUAL(decode(&d, buf, len, &frame, &used, &code), WS_ERROR);
	CU_ASSERT_EQUAL(code, expected);
}

/* Judged from the header alone: no byte of the payload is there. */
static void test_headers_refused(void)
{
	expect_header("\x81\xFE\x00\x7D....", 8, WS_CLOSE_PROTOCOL_ERROR);
	expect_header("\x81\xFE\x00\x00....", 8, WS_CLOSE_PROTOCOL_ERROR);
	expect_header("\x81\xFF\0\0\0\0\0\0\xFF\xFF....", 14, WS_CLOSE_PROTOCOL_ERROR);
	expect_header("\x81\xFF\x80\0\0\0\0\x01\0\0....", 14, WS_CLOSE_PROTOCOL_ERROR);
	expect_header("\x81\xFF\0\0\0\0\0\x01\x11\x71....", 14, WS_CLOSE_TOO_BIG);
	expect_header("\x81\xFF\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFF....", 14, WS_CLOSE_TOO_BIG);
	expect_header("\x89\xFE\x00\x7E....", 2, WS_CLOSE_PROTOCOL_ERROR);
	expect_header("\x88\xFF\0\0\0\0\0\x01\0\0....", 2, WS_CLOSE_PROTOCOL_ERROR);
}

static void test_size_limit(void)
{
	static struct wire w;
	static char text[MAX_MESSAGE + 1];
	struct ws_decoder d = server();
	struct ws_frame frame;
	uint16_t code;
	size_t used;

	memset(text, 'a', sizeof(text));
	check_one(WS_SERVER, WS_TEXT, MAX_MESSAGE);
	expect_refused(0x81, text, MAX_MESSAGE + 1, WS_CLOSE_TOO_BIG);

	put(&w, WS_SERVER, 0x01, text, MAX_MESSAGE - 10);
	put(&w, WS_SERVER, 0x89, text, 100); /* does not count */
	put(&w, WS_SERVER, 0x00, text, 5);
	put(&w, WS_SERVER, 0x80, text, 6);
	expect_error(&w, WS_CLOSE_TOO_BIG);

	put(&w, WS_SERVER, 0x01, text, MAX_MESSAGE - 5);
	put(&w, WS_SERVER, 0x80, text, 5);
	put(&w, WS_SERVER, 0x81, text, 10); /* counts from zero again */
	for (size_t at = 0; at < w.len; at += used)
		CU_ASSERT_EQUAL_FATAL(decode(&d, w.buf + at, w.len - at, &frame, &used, &code),
				      WS_FRAME);
}

static void test_fragments(void)
{
	static struct wire w;
	static const struct {
		uint8_t first;
		const char *text;
	} sent[] = {
		{ 0x01, "ab\xE2" }, { 0x89, "ping" },  { 0x00, "" },     { 0x00, "\x82" },
		{ 0x8A, "" },       { 0x80, "\xAC." }, { 0x81, "next" },
	};
	struct ws_decoder d = server();
	struct ws_frame frame;
	uint16_t code;
	size_t at = 0, used;

	w.len = 0;
	for (unsigned i = 0; i < sizeof(sent) / sizeof(sent[0]); i++)
		put(&w, WS_SERVER, sent[i].first, sent[i].text, strlen(sent[i].text));
	for (unsigned i = 0; i < sizeof(sent) / sizeof(sent[0]); i++, at += used) {
		CU_ASSERT_EQUAL_FATAL(decode(&d, w.buf + at, w.len - at, &frame, &used, &code),
				      WS_FRAME);
		CU_ASSERT_EQUAL(frame.opcode, sent[i].first & 0x0F);
		CU_ASSERT_EQUAL(frame.fin, sent[i].first >= 0x80);
		CU_ASSERT_EQUAL(frame.len, strlen(sent[i].text));
		CU_ASSERT_EQUAL(memcmp(frame.payload, sent[i].text, frame.len), 0);
	}
	CU_ASSERT_EQUAL(at, w.len);
}

static void test_fragments_refused(void)
{
	static struct wire w;

	expect_refused(0x80, "x", 1, WS_CLOSE_PROTOCOL_ERROR);
	expect_refused(0x00, "x", 1, WS_CLOSE_PROTOCOL_ERROR);

	put(&w, WS_SERVER, 0x01, "a", 1);
	put(&w, WS_SERVER, 0x81, "b", 1);
	expect_error(&w, WS_CLOSE_PROTOCOL_ERROR);

	put(&w, WS_SERVER, 0x01, "a", 1);
	put(&w, WS_SERVER, 0x82, "b", 1);
	expect_error(&w, WS_CLOSE_PROTOCOL_ERROR);

	put(&w, WS_SERVER, 0x01, "a", 1);
	put(&w, WS_SERVER, 0x80, "b", 1);
	put(&w, WS_SERVER, 0x80, "c", 1);
	expect_error(&w, WS_CLOSE_PROTOCOL_ERROR);
}

static void test_utf8(void)
{
	static struct wire w;

	expect_refused(0x81, "\xC3", 1, WS_CLOSE_BAD_TEXT);
	expect_refused(0x81, "0123456789abcdef\xFF", 17, WS_CLOSE_BAD_TEXT);
	expect_refused(0x01, "\xC0\x80", 2, WS_CLOSE_BAD_TEXT);

	put(&w, WS_SERVER, 0x01, "\xE2\x82", 2);
	put(&w, WS_SERVER, 0x80, "x", 1);
	expect_error(&w, WS_CLOSE_BAD_TEXT);

	put(&w, WS_SERVER, 0x01, "\xE2\x82", 2);
	put(&w, WS_SERVER, 0x80, "", 0);
	expect_error(&w, WS_CLOSE_BAD_TEXT);
}

static void test_client_takes_binary(void)
{
	static struct wire w;
	struct ws_decoder d;
	struct ws_frame frame;
	uint16_t code;
	size_t used, at;

	ws_decoder_init(&d, WS_CLIENT, UINT64_MAX);
	w.len = 0;
	put(&w, WS_CLIENT, 0x02, "\xFF", 1);
	put(&w, WS_CLIENT, 0x80, "\xFE", 1);
	CU_ASSERT_EQUAL(decode(&d, w.buf, w.len, &frame, &used, &code), WS_FRAME);
	at = used;
	CU_ASSERT_EQUAL(decode(&d, w.buf + at, w.len - at, &frame, &used, &code), WS_FRAME);
	CU_ASSERT_EQUAL(frame.payload[0], '\xFE');
}

static void test_close_received(void)
{
	static const uint16_t good[] = { 1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010,
					 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999 };
	static const uint16_t bad[] = { 0,    1,    999,  1004, 1005, 1006, 1015,
					1016, 1100, 2000, 2999, 5000, 65535 };
	char payload[2];

	for (unsigned i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		CU_ASSERT_TRUE(ws_close_code_valid(good[i]));
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		CU_ASSERT_FALSE(ws_close_code_valid(bad[i]));
		payload[0] = (char)(bad[i] >> 8);
		payload[1] = (char)bad[i];
		expect_refused(0x88, payload, 2, WS_CLOSE_PROTOCOL_ERROR);
	}
	expect_refused(0x88, "\x03", 1, WS_CLOSE_PROTOCOL_ERROR);
	expect_refused(0x88, "\x03\xE8\xFF", 3, WS_CLOSE_BAD_TEXT);
	expect_refused(0x88, "\x03\xE8\xC3", 3, WS_CLOSE_BAD_TEXT);
}

static void test_close_made(void)
{
	char to[WS_CONTROL_MAX], reason[200];
	struct ws_frame frame = { .opcode = WS_CLOSE, .fin = true, .payload = to };

	CU_ASSERT_EQUAL(ws_close_code_of(&frame), WS_CLOSE_NO_STATUS);
	frame.len = ws_close_payload(WS_CLOSE_POLICY, NULL, to);
	CU_ASSERT_EQUAL(frame.len, 2);
	CU_ASSERT_EQUAL(ws_close_code_of(&frame), 1008);
	frame.len = ws_close_payload(WS_CLOSE_REPLACED, "bye", to);
	CU_ASSERT_EQUAL(frame.len, 5);
	CU_ASSERT_EQUAL(memcmp(to,
			       "\x0F\xA0"
			       "bye",
			       5),
			0);

	memset(reason, 'r', sizeof(reason));
	reason[123] = '\0';
	CU_ASSERT_EQUAL(ws_close_payload(1000, reason, to), 125);
	reason[123] = 'r';
	reason[199] = '\0';
	CU_ASSERT_EQUAL(ws_close_payload(1000, reason, to), 125);
	memcpy(reason + 121, "\xE2\x82\xAC", 3); /* would be cut in the middle */
	CU_ASSERT_EQUAL(ws_close_payload(1000, reason, to), 123);
	memcpy(reason + 120, "\xE2\x82\xACr", 4); /* ends just there */
	CU_ASSERT_EQUAL(ws_close_payload(1000, reason, to), 125);
	CU_ASSERT_TRUE(utf8_valid(to + 2, 123));
}

static void test_headers_made(void)
{
	char to[WS_HEADER_MAX];

	CU_ASSERT_EQUAL(ws_header(WS_TEXT, 125, to), 2);
	CU_ASSERT_EQUAL(memcmp(to, "\x81\x7D", 2), 0);
	CU_ASSERT_EQUAL(ws_header(WS_TEXT, 126, to), 4);
	CU_ASSERT_EQUAL(memcmp(to, "\x81\x7E\x00\x7E", 4), 0);
	CU_ASSERT_EQUAL(ws_header(WS_PONG, 65535, to), 4);
	CU_ASSERT_EQUAL(memcmp(to, "\x8A\x7E\xFF\xFF", 4), 0);
	CU_ASSERT_EQUAL(ws_header(WS_TEXT, 65536, to), 10);
	CU_ASSERT_EQUAL(memcmp(to, "\x81\x7F\0\0\0\0\0\x01\0\0", 10), 0);
	CU_ASSERT_EQUAL(ws_header_masked(WS_TEXT, 5, mask, to), 6);
	CU_ASSERT_EQUAL(memcmp(to, "\x81\x85\x37\xFA\x21\x3D", 6), 0);
}

/* RFC 6455 section 5.7, and a long text masked piece by piece. */
static void test_masking(void)
{
	char hello[] = "\x7F\x9F\x4D\x51\x58", a[100], b[100];

	ws_mask(hello, 5, mask, 0);
	CU_ASSERT_EQUAL(memcmp(hello, "Hello", 5), 0);
	for (size_t cut = 0; cut <= sizeof(a); cut++) {
		for (size_t i = 0; i < sizeof(a); i++) {
			a[i] = (char)(i * 7);
			b[i] = (char)(a[i] ^ mask[i % 4]);
		}
		ws_mask(a, cut, mask, 0);
		ws_mask(a + cut, sizeof(a) - cut, mask, cut);
		CU_ASSERT_EQUAL(memcmp(a, b, sizeof(a)), 0);
	}
}

int main(void)
{
	static const struct unit_test tests[] = {
		{ "all lengths of all opcodes", test_lengths },
		{ "byte by byte", test_byte_by_byte },
		{ "first bytes", test_first_bytes },
		{ "the mask is demanded, or forbidden", test_mask_demanded },
		{ "headers refused", test_headers_refused },
		{ "size of a message", test_size_limit },
		{ "fragments", test_fragments },
		{ "fragments refused", test_fragments_refused },
		{ "UTF-8", test_utf8 },
		{ "a client takes binary", test_client_takes_binary },
		{ "close frames received", test_close_received },
		{ "close frames made", test_close_made },
		{ "headers made", test_headers_made },
		{ "masking", test_masking },
		{ NULL, NULL },
	};

	return unit_main("frame", tests);
}
