/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading fields of JSON messages leniently, and hashing what they hold. What the server may
 * write anew in another form (the order of keys, 1 or 1.0) has the same hash.
 */
#ifndef PARLANCE_TESTS_HISTORY_CONTENT_H
#define PARLANCE_TESTS_HISTORY_CONTENT_H

#include "model.h"

/* NULL, or 0: not there, or of another type. */
struct json_object *field_get(struct json_object *object, const char *key);
const char *field_string(struct json_object *object, const char *key);
uint64_t field_number(struct json_object *object, const char *key);
bool field_is(struct json_object *object, const char *key, const char *value);

uint64_t content_hash(struct json_object *value);
/* Of a request, an event or a row: message, attachments, forwardedFrom, replyTo. */
struct content content_read(struct json_object *object);
/* Of a request `call`, as its text. */
struct content content_read_call(struct json_object *payload);
bool content_equal(const struct content *a, const struct content *b);

#endif
