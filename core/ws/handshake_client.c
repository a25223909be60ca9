/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The client's side of the opening handshake, for parlance-cli: RFC 6455
 * section 4.1.
 */
#include <stdio.h>
#include <string.h>

#include <openssl/evp.h>

#include "handshake.h"
#include "http_head.h"

size_t handshake_request(const char *host, const char *target, const char *token,
			 const unsigned char random[16], char key[25], char *to, size_t size)
{
	bool authorized = token != NULL;
	int n;

	EVP_EncodeBlock((unsigned char *)key, random, 16);
	n = snprintf(to, size,
		     "GET %s HTTP/1.1\r\n"
		     "Host: %s\r\n"
		     "Upgrade: websocket\r\n"
		     "Connection: Upgrade\r\n"
		     "Sec-WebSocket-Key: %s\r\n"
		     "Sec-WebSocket-Version: 13\r\n"
		     "Sec-WebSocket-Protocol: parlance.v1\r\n"
		     "%s%s%s\r\n",
		     target, host, key, authorized ? "Authorization: Bearer " : "",
		     authorized ? token : "", authorized ? "\r\n" : "");
	return n < 0 || (size_t)n >= size ? 0 : (size_t)n;
}

/* The status of "HTTP/1.1 101 Switching Protocols"; 0 when the line is none. */
static int read_status(struct par_str line)
{
	static const char version[] = "HTTP/1.1 ";
	int status = 0;

	if (line.len < 12 || memcmp(line.s, version, sizeof(version) - 1) != 0 ||
	    (line.len > 12 && line.s[12] != ' '))
		return 0;
	for (size_t i = 9; i < 12; i++) {
		if (line.s[i] < '0' || line.s[i] > '9')
			return 0;
		status = status * 10 + (line.s[i] - '0');
	}
	return status;
}

/* Whether a 101 agrees to what handshake_request asked for, and to no more. */
static bool agrees(const struct http_head *head, const char *key)
{
	char accept_key[HANDSHAKE_ACCEPT_KEY_SIZE];
	bool upgrade = false, connection = false, accepted = false;

	handshake_accept_key(par_str_of(key), accept_key);
	for (unsigned i = 0; i < head->n_fields; i++) {
		const struct http_field *f = &head->fields[i];

		if (http_equal(f->name, "Upgrade"))
			upgrade = http_equal(f->value, "websocket");
		else if (http_equal(f->name, "Connection"))
			connection = http_list_has(f->value, "upgrade");
		else if (http_equal(f->name, "Sec-WebSocket-Accept"))
			accepted = par_str_equal(f->value, par_str_of(accept_key));
		else if (http_equal(f->name, "Sec-WebSocket-Extensions"))
			return false;
		else if (http_equal(f->name, "Sec-WebSocket-Protocol") &&
			 !par_str_equal(f->value, par_str_of("parlance.v1")))
			return false;
	}
	return upgrade && connection && accepted;
}

enum handshake_result handshake_check_answer(const char *buf, size_t len, const char *key,
					     size_t *consumed, int *status)
{
	struct http_head head;
	enum http_head_result r = http_head_read(buf, len, &head);

	*consumed = 0;
	*status = 0;
	if (r == HTTP_HEAD_NEED_MORE)
		return HANDSHAKE_NEED_MORE;
	if (r != HTTP_HEAD_OK)
		return HANDSHAKE_BAD;
	*consumed = head.size;
	*status = read_status(head.line);
	if (*status == 101 && agrees(&head, key))
		return HANDSHAKE_OK;
	if (*status == 101)
		*status = 0;
	return HANDSHAKE_BAD;
}
