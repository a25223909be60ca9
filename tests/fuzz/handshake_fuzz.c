/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bytes through the parser of opening requests, and through that of answers. A
 * request that is not taken must be left as it was; one that is must be
 * answerable, its strings within it and clean; and what is refused or not whole
 * at one length may not be judged otherwise when more bytes come.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ws/handshake.h"
#include "ws/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool good)
{
	if (!good)
		abort();
}

static void check_string(struct par_str s, const char *buf, size_t size, bool clean)
{
	if (s.s == NULL)
		return;
	demand(s.s >= buf && s.s + s.len <= buf + size);
	demand(!clean || utf8_valid(s.s, s.len));
	for (size_t i = 0; clean && i < s.len; i++)
		demand((unsigned char)s.s[i] >= 0x20 && s.s[i] != 0x7F);
}

static void check_accepted(const struct handshake *h, const char *buf, size_t consumed)
{
	char answer[HANDSHAKE_ANSWER_MAX], key[25];
	size_t n, head;
	int status;

	check_string(h->user, buf, consumed, true);
	check_string(h->device, buf, consumed, true);
	check_string(h->token, buf, consumed, true);
	check_string(h->path, buf, consumed, true);
	check_string(h->origin, buf, consumed, false);
	demand(h->key.len == 24);
	memcpy(key, h->key.s, 24);
	key[24] = '\0';
	n = handshake_accept(h->key, h->subprotocol, answer);
	demand(n < sizeof(answer));
	demand(handshake_check_answer(answer, n, key, &head, &status) == HANDSHAKE_OK && head == n);
}

static enum handshake_result parse(const uint8_t *data, size_t size)
{
	char *copy = malloc(size > 0 ? size : 1);
	enum handshake_result r;
	struct handshake h;
	const char *reason = NULL;
	size_t consumed;
	int status = 0;

	demand(copy != NULL);
	if (size > 0)
		memcpy(copy, data, size);
	r = handshake_parse(copy, size, &h, &consumed, &status, &reason);
	demand(consumed <= size && (r == HANDSHAKE_OK) == (consumed > 0));
	if (r != HANDSHAKE_OK && size > 0)
		demand(memcmp(copy, data, size) == 0);
	if (r == HANDSHAKE_OK)
		check_accepted(&h, copy, consumed);
	if (r == HANDSHAKE_BAD)
		demand(status >= 400 && status <= 505 && reason != NULL);
	free(copy);
	return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum handshake_result whole = parse(data, size);
	size_t consumed;
	int status;

	for (size_t part = 1; part <= 3; part++) {
		enum handshake_result r = parse(data, size * part / 4);
		demand(r == HANDSHAKE_NEED_MORE || r == whole);
		demand(whole != HANDSHAKE_NEED_MORE || r == HANDSHAKE_NEED_MORE);
	}
	handshake_check_answer((const char *)data, size, "dGhlIHNhbXBsZSBub25jZQ==", &consumed,
			       &status);
	demand(consumed <= size);
	return 0;
}
