/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Addresses to listen on, as the config writes them. Private to core/config
 * and its tests; resolving and binding are their users' work.
 */
#ifndef PARLANCE_LISTEN_ADDRESS_H
#define PARLANCE_LISTEN_ADDRESS_H

#include "settings.h"

/* Reads "HOST:PORT" or "[IPV6]:PORT" behind `scheme` ("ws://" or ""). False
 * with what is wrong, and what was expected, in `what`; listen_address_free is
 * right in both cases. */
bool listen_address_parse(struct listen_address *address, const char *scheme, const char *text,
			  char *what, size_t what_size);
void listen_address_free(struct listen_address *address);

#endif
