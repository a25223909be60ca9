/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One message of a client after its envelope was read (docs/protocol.md, Messages),
 * on its way from an I/O thread to the core. An ack needs none: its id travels
 * in the mailbox slot itself.
 */
#ifndef PARLANCE_MESSAGE_H
#define PARLANCE_MESSAGE_H

#include <stdbool.h>
#include <stdint.h>

#include <parlance/plugin.h>

#define MESSAGE_ID_MAX 128
#define MESSAGE_TYPE_MAX 64

struct message {
	struct json_object *payload; /* one reference, or NULL: left out */
	enum par_error error; /* PAR_OK, or why it was refused ... */
	const char *path; /* ... the envelope's field, static, or NULL */
	const char *detail; /* ... and a sentence, static */
	bool has_id;
	uint16_t id_len;
	uint16_t type_len;
	char text[]; /* id NUL payloadType NUL */
};

static inline struct par_str message_id(const struct message *m)
{
	struct par_str id = { m->text, m->id_len };
	return id;
}

static inline struct par_str message_type(const struct message *m)
{
	struct par_str type = { m->text + m->id_len + 1, m->type_len };
	return type;
}

/* Both strings are copied; payload is taken. Never NULL. */
struct message *message_new(struct par_str id, bool has_id, struct par_str type,
			    struct json_object *payload);
/* Drops the payload too. Nulls the pointer. */
void message_free(struct message **message);

#endif
