/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From JSON text to json_objects, in one pass over text that json_scan_value has
 * taken already. json-c's own parser does the same at several times the cost, and
 * replaces some surrogate pairs: it reads \ud837\ude00 as U+FFFD. Pure.
 *
 * A number that is written as an integer and fits an int64_t becomes one; every
 * other number becomes a double that keeps its text, and is written again as the
 * client wrote it: 99999999999999999999, and also 1e999, whose value as a double
 * is infinite. Of the same key twice the last counts.
 */
#ifndef PARLANCE_JSON_BUILD_H
#define PARLANCE_JSON_BUILD_H

#include <json-c/json.h>

#include <parlance/json.h>

/* `text` is exactly one value without NUL in a key, at most JSON_DEPTH_MAX arrays
 * and objects deep, and shorter than 2 GiB. Half a surrogate pair in it becomes
 * U+FFFD. Returns one reference; NULL is JSON's null, for want of memory aborts. */
struct json_object *json_build(struct par_str text);

#endif
