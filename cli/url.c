/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Parses the little of RFC 3986 that a WebSocket address needs. The text is
 * the user's own, so the checks are there to explain mistakes; only what would
 * break out of the request line is refused for safety's sake.
 */
#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "url.h"

#define DEFAULT_PORT "80"
#define DEFAULT_PATH "/ws"

/* Appends the percent-encoded `value`; returns the new end. */
static char *url_encode(char *to, const char *value)
{
	static const char hex[] = "0123456789ABCDEF";

	for (; *value != '\0'; value++) {
		unsigned char c = (unsigned char)*value;

		if (isalnum(c) || strchr("-._~", c) != NULL) {
			*to++ = (char)c;
			continue;
		}
		*to++ = '%';
		*to++ = hex[c >> 4];
		*to++ = hex[c & 15];
	}
	return to;
}

static char *url_target(const char *path, const char *user, const char *device)
{
	size_t size = strlen(path) + sizeof("?user=&device=") +
		      3 * (user == NULL ? 0 : strlen(user)) +
		      3 * (device == NULL ? 0 : strlen(device));
	char *target = mem_alloc(size);
	char *at = stpcpy(target, path);
	char join = strchr(path, '?') == NULL ? '?' : '&';

	if (user != NULL) {
		*at++ = join;
		at = url_encode(stpcpy(at, "user="), user);
		join = '&';
	}
	if (device != NULL) {
		*at++ = join;
		at = url_encode(stpcpy(at, "device="), device);
	}
	*at = '\0';
	return target;
}

static bool url_printable(const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text <= ' ' || *text > '~' || *text == '#')
			return false;
	}
	return true;
}

static const char *url_split_authority(struct url *url)
{
	const char *host = url->authority;
	const char *host_end, *port;

	if (*host == '[') {
		host++;
		host_end = strchr(host, ']');
		if (host_end == NULL || (host_end[1] != '\0' && host_end[1] != ':'))
			return "an IPv6 address is written [ADDRESS] or [ADDRESS]:PORT";
		port = host_end[1] == ':' ? host_end + 2 : DEFAULT_PORT;
	} else {
		host_end = host + strcspn(host, ":");
		port = *host_end == ':' ? host_end + 1 : DEFAULT_PORT;
	}
	if (host_end == host)
		return "the host is missing";
	if (*port == '\0' || strspn(port, "0123456789") != strlen(port) || strlen(port) > 5)
		return "the port must be a number";
	url->host = mem_strndup(host, (size_t)(host_end - host));
	url->port = mem_strdup(port);
	return NULL;
}

const char *url_parse(struct url *url, const char *text, const char *user, const char *device)
{
	const char *path, *wrong;

	memset(url, 0, sizeof(*url));
	if (strncasecmp(text, "wss://", 6) == 0)
		return "wss:// is not supported by this version";
	if (strncasecmp(text, "ws://", 5) != 0)
		return "it must begin with ws://";
	if (!url_printable(text))
		return "it has characters that must be percent-encoded, or a fragment";
	text += 5;
	path = text + strcspn(text, "/?");
	if (*path == '?')
		return "a query needs a path before it";
	url->authority = mem_strndup(text, (size_t)(path - text));
	wrong = url_split_authority(url);
	if (wrong != NULL) {
		url_free(url);
		return wrong;
	}
	url->target =
	    url_target(*path == '\0' || strcmp(path, "/") == 0 ? DEFAULT_PATH : path, user, device);
	return NULL;
}

void url_free(struct url *url)
{
	free(url->host);
	free(url->port);
	free(url->authority);
	free(url->target);
	memset(url, 0, sizeof(*url));
}
