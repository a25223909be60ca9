/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One option of a declaration: its numbers with units (64k, 20s) and its words
 * for messages, help and docs. Private to core/config and its tests.
 */
#ifndef PARLANCE_OPTION_VALUE_H
#define PARLANCE_OPTION_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <parlance/plugin.h>

#define OPTION_TEXT_MAX 512

enum option_verdict { VALUE_OK, VALUE_MALFORMED, VALUE_OUT_OF_RANGE };

/* The value of an integer, a size in bytes or a duration in milliseconds. */
enum option_verdict option_number(const struct par_option *option, const char *text,
				  int64_t *value);
/* Whether `text` is one of the choices of an enum. */
bool option_is_choice(const struct par_option *option, const char *text);
/* The choice that was probably meant, written to `text`; false when none was. */
bool option_nearest_choice(const struct par_option *option, const char *word,
			   char text[OPTION_TEXT_MAX]);

const char *option_type_name(enum par_option_type type);
/* "1k to 16m", "allow, replace", or "" when everything of the type is allowed. */
void option_range(const struct par_option *option, char text[OPTION_TEXT_MAX]);
/* "a size like 64k, 4m or 1g, from 1k to 16m". */
void option_expected(const struct par_option *option, char text[OPTION_TEXT_MAX]);
/* "64k", "empty", or "required". */
const char *option_default(const struct par_option *option);

#endif
