/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What an I/O thread hands to the core: made there, freed by the core. Each is
 * one block.
 */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "base/mem.h"
#include "message.h"
#include "seam.h"

static char *put(char *to, struct par_str s)
{
	if (s.len > 0)
		memcpy(to, s.s, s.len);
	to[s.len] = '\0';
	return to + s.len + 1;
}

struct message *message_new(struct par_str id, bool has_id, struct par_str type,
			    struct json_object *payload)
{
	struct message *m = mem_alloc(offsetof(struct message, text) + id.len + 1 + type.len + 1);

	m->payload = payload;
	m->error = PAR_OK;
	m->path = NULL;
	m->detail = NULL;
	m->has_id = has_id;
	m->id_len = (uint16_t)id.len;
	m->type_len = (uint16_t)type.len;
	put(put(m->text, id), type);
	return m;
}

void message_free(struct message **message)
{
	if (*message == NULL)
		return;
	json_object_put((*message)->payload);
	free(*message);
	*message = NULL;
}

void hello_free(struct hello *hello)
{
	free(hello);
}
