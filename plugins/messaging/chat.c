/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The chatId of a request. How a chat is named is <parlance/chat.h>'s to know.
 */
#include "messaging.h"

struct par_str chat_id_read(struct par_payload *p, const char *key)
{
	struct par_str id = par_payload_id(p, key, PAR_REQUIRED);

	if (p->error == PAR_OK && par_id_is_group(id))
		par_payload_refuse(p, PAR_E_NOT_FOUND, key, "is no chat of yours");
	return id;
}
