/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Parses addresses to listen on, and tells those that only this machine can
 * reach: plugins that trust everybody depend on it, so in doubt an address is
 * not loopback. Main thread, at start.
 */
#include "listen_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define HOST_MAX 253 /* of a name in the DNS */

static bool is_loopback(const char *host)
{
	struct in_addr v4;
	struct in6_addr v6;

	if (inet_pton(AF_INET, host, &v4) == 1)
		return (ntohl(v4.s_addr) >> 24) == IN_LOOPBACKNET;
	if (inet_pton(AF_INET6, host, &v6) == 1)
		return IN6_IS_ADDR_LOOPBACK(&v6) ||
		       (IN6_IS_ADDR_V4MAPPED(&v6) && v6.s6_addr[12] == IN_LOOPBACKNET);
	return strcmp(host, "localhost") == 0;
}

/* Between brackets: an address, perhaps with the zone it is in (fe80::1%eth0). */
static bool is_ipv6(const char *host)
{
	char address[INET6_ADDRSTRLEN];
	size_t len = strcspn(host, "%");
	struct in6_addr v6;

	if (len >= sizeof(address) || (host[len] == '%' && host[len + 1] == '\0'))
		return false;
	memcpy(address, host, len);
	address[len] = '\0';
	return inet_pton(AF_INET6, address, &v6) == 1;
}

static bool is_name(const char *host)
{
	return strspn(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.") ==
	       strlen(host);
}

static bool is_port(const char *port)
{
	size_t len = strlen(port);

	return len > 0 && len <= 5 && strspn(port, "0123456789") == len &&
	       (len == 1 || port[0] != '0') && atoi(port) <= 65535;
}

bool listen_address_parse(struct listen_address *address, const char *scheme, const char *text,
			  char *what, size_t what_size)
{
	bool schemed = strncmp(text, scheme, strlen(scheme)) == 0;
	const char *host = schemed ? text + strlen(scheme) : text;
	const char *colon = strrchr(text, ':'), *end = colon;
	bool bracketed;

	memset(address, 0, sizeof(*address));
	address->text = mem_strdup(text);
	if (strncmp(text, "wss://", 6) == 0) {
		snprintf(what, what_size,
			 "\"%.100s\" asks for TLS, which is not in this version; expected "
			 "ws://HOST:PORT, with a proxy in front of it that speaks TLS",
			 text);
		return false;
	}
	if (schemed && colon != NULL && colon > host) {
		bracketed = host[0] == '[' && colon[-1] == ']';
		host += bracketed;
		end -= bracketed;
		if (end > host && end - host <= HOST_MAX) {
			address->host = mem_strndup(host, (size_t)(end - host));
			address->port = mem_strdup(colon + 1);
			address->loopback = is_loopback(address->host);
			if (is_port(address->port) &&
			    (bracketed ? is_ipv6(address->host) : is_name(address->host)))
				return true;
		}
	}
	snprintf(what, what_size,
		 "\"%.100s\" is no address; expected %sHOST:PORT or %s[IPV6]:PORT%s", text, scheme,
		 scheme, scheme[0] == '\0' ? ", or off" : "");
	return false;
}

void listen_address_free(struct listen_address *address)
{
	free(address->text);
	free(address->host);
	free(address->port);
	memset(address, 0, sizeof(*address));
}
