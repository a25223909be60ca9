/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * UTF-8 validation that can stop anywhere and go on with the next fragment:
 * RFC 6455 section 8.1, RFC 3629 (no overlong forms, no surrogates, nothing
 * past U+10FFFF). Pure.
 */
#ifndef PARLANCE_UTF8_H
#define PARLANCE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define UTF8_ACCEPT 0

/* `state` starts as UTF8_ACCEPT. False: invalid, for good. A text is complete
 * when the state is UTF8_ACCEPT at its end. */
bool utf8_continue(uint8_t *state, const void *bytes, size_t len);

/* The whole of it at once. */
bool utf8_valid(const void *bytes, size_t len);

#endif
