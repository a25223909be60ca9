/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the end of a connection means: whether connecting again is of any use,
 * and what the user is to be told.
 */
#ifndef PARLANCE_CLI_ENDING_H
#define PARLANCE_CLI_ENDING_H

#include <stdbool.h>
#include <stddef.h>

#include "connection.h"

/* Whether the same would only happen again. */
bool ending_is_final(const struct connection_end *end);
/* A sentence for people; it may hold what the server wrote. `was_open`: a
 * WebSocket had come about. */
void ending_describe(const struct connection_end *end, const char *url, bool was_open, char *to,
		     size_t size);

#endif
