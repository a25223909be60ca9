/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where to connect: ws://HOST[:PORT][/PATH[?QUERY]] taken apart, and the
 * target of the handshake with user and device in its query.
 */
#ifndef PARLANCE_CLI_URL_H
#define PARLANCE_CLI_URL_H

struct url {
	char *host; /* without the brackets of an IPv6 address */
	char *port; /* digits */
	char *authority; /* for the Host header: as it was given */
	char *target; /* path and query, percent-encoded */
};

/* NULL, or what is wrong with the url (static text). `user` and `device` may be NULL. */
const char *url_parse(struct url *url, const char *text, const char *user, const char *device);
void url_free(struct url *url);

#endif
