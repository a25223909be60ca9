/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading what the server sent: a message as a json-c object, its members with
 * their types checked, so that a server of another version cannot crash us.
 */
#ifndef PARLANCE_CLI_MESSAGE_H
#define PARLANCE_CLI_MESSAGE_H

#include <stdbool.h>
#include <stdint.h>

#include <json-c/json.h>

#include <parlance/json.h>

/* One JSON object and nothing after it; NULL when the text is anything else. The
 * caller owns the reference. */
struct json_object *message_parse(const char *text, size_t len);

/* NULL when it is absent or of another type. */
struct json_object *message_object(struct json_object *from, const char *key);
struct json_object *message_array(struct json_object *from, const char *key);
/* s NULL likewise; lives as long as `from`. */
struct par_str message_string(struct json_object *from, const char *key);
/* False likewise, or when it is negative. */
bool message_u64(struct json_object *from, const char *key, uint64_t *value);
bool message_true(struct json_object *from, const char *key);

/* Whether the string member equals `value`. */
bool message_is(struct json_object *from, const char *key, const char *value);

/* What the `error` member of a response or of a refusal's body says: its message,
 * else its code; s NULL when there is none. */
struct par_str message_error(struct json_object *from);

#endif
