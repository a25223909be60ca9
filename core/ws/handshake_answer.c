/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The server's answers to an opening request: 101, or a refusal with a JSON
 * body. Called on I/O threads; the core makes bodies of its own refusals with
 * the same function.
 */
#include <stdio.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/sha.h>

#include "handshake.h"

static const struct {
	int status;
	const char *phrase;
	const char *fields; /* that this answer must have besides */
} answers[] = {
	{ 400, "Bad Request", "" },
	{ 401, "Unauthorized", "WWW-Authenticate: Bearer\r\n" },
	{ 403, "Forbidden", "" },
	{ 404, "Not Found", "" },
	{ 405, "Method Not Allowed", "Allow: GET\r\n" },
	{ 408, "Request Timeout", "" },
	{ 414, "URI Too Long", "" },
	{ 426, "Upgrade Required", "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" },
	{ 429, "Too Many Requests", "" },
	{ 431, "Request Header Fields Too Large", "" },
	{ 500, "Internal Server Error", "" },
	{ 503, "Service Unavailable", "" },
	{ 505, "HTTP Version Not Supported", "" },
};

void handshake_accept_key(struct par_str key, char to[HANDSHAKE_ACCEPT_KEY_SIZE])
{
	static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
	char text[24 + sizeof(guid) - 1];
	unsigned char digest[SHA_DIGEST_LENGTH];

	memcpy(text, key.s, 24);
	memcpy(text + 24, guid, sizeof(guid) - 1);
	SHA1((const unsigned char *)text, sizeof(text), digest);
	EVP_EncodeBlock((unsigned char *)to, digest, sizeof(digest));
}

size_t handshake_accept(struct par_str key, bool subprotocol, char to[HANDSHAKE_ANSWER_MAX])
{
	char accept_key[HANDSHAKE_ACCEPT_KEY_SIZE];
	int n;

	handshake_accept_key(key, accept_key);
	n = snprintf(to, HANDSHAKE_ANSWER_MAX,
		     "HTTP/1.1 101 Switching Protocols\r\n"
		     "Upgrade: websocket\r\n"
		     "Connection: Upgrade\r\n"
		     "Sec-WebSocket-Accept: %s\r\n%s\r\n",
		     accept_key, subprotocol ? "Sec-WebSocket-Protocol: parlance.v1\r\n" : "");
	return (size_t)n;
}

/* Whoever sends Upgrade must name it in Connection too: RFC 9110 section 7.8. */
size_t handshake_refuse(int status, struct par_str body, char *to, size_t size)
{
	const char *phrase = "Error", *fields = "";
	int n;

	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		if (answers[i].status == status) {
			phrase = answers[i].phrase;
			fields = answers[i].fields;
		}
	}
	n = snprintf(to, size,
		     "HTTP/1.1 %d %s\r\n"
		     "Content-Type: application/json\r\n"
		     "Content-Length: %zu\r\n"
		     "Connection: %s\r\n%s\r\n",
		     status, phrase, body.len, status == 426 ? "Upgrade, close" : "close", fields);
	if (n < 0 || (size_t)n >= size || body.len > size - (size_t)n)
		return 0;
	if (body.len > 0)
		memcpy(to + n, body.s, body.len);
	return (size_t)n + body.len;
}

size_t handshake_error_body(const char *code, const char *message, char *to, size_t size)
{
	struct par_json w;
	size_t len = 0;

	par_json_init(&w);
	par_json_object_begin(&w);
	par_json_key(&w, "error");
	par_json_object_begin(&w);
	par_json_member_string(&w, "code", par_str_of(code));
	par_json_member_string(&w, "message", par_str_of(message));
	par_json_object_end(&w);
	par_json_object_end(&w);
	if (!w.failed && w.len <= size) {
		len = w.len;
		memcpy(to, par_json_text(&w).s, len);
	}
	par_json_free(&w);
	return len;
}
