/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * PROTOCOL: close codes 1001, 1011 and 1013 ask for another connection; 1008 and
 * 4000 forbid it; the codes that say we sent rubbish would come again,
 * because we would send it again. Of HTTP answers 5xx, 408 and 429 pass.
 */
#include <stdio.h>
#include <string.h>

#include "ending.h"
#include "message.h"
#include "ws/close_code.h"

bool ending_is_final(const struct connection_end *end)
{
	switch (end->fate) {
	case FATE_NOT_WEBSOCKET:
		return true;
	case FATE_REFUSED:
		return end->code < 500 && end->code != 408 && end->code != 429;
	case FATE_CLOSED:
		return end->code == WS_CLOSE_REPLACED || end->code == WS_CLOSE_POLICY ||
		       end->code == WS_CLOSE_PROTOCOL_ERROR || end->code == WS_CLOSE_UNSUPPORTED ||
		       end->code == WS_CLOSE_BAD_TEXT || end->code == WS_CLOSE_TOO_BIG;
	case FATE_UNREACHABLE:
	case FATE_LOST:
		break;
	}
	return false;
}

static const char *ending_reason(const struct connection_end *end)
{
	if (end->fate == FATE_CLOSED && end->code == WS_CLOSE_REPLACED)
		return "replaced by a newer connection of the same device";
	if (end->fate == FATE_CLOSED && end->code == WS_CLOSE_TOO_BIG)
		return "a message was too big";
	if (end->reason[0] != '\0')
		return end->reason;
	return "no reason given";
}

void ending_describe(const struct connection_end *end, const char *url, bool was_open, char *to,
		     size_t size)
{
	struct json_object *body = NULL;
	struct par_str said;

	switch (end->fate) {
	case FATE_REFUSED:
		body = message_parse(end->reason, strlen(end->reason));
		said = message_error(body);
		snprintf(to, size, "%s refused: %s (HTTP status %d)", url,
			 said.s != NULL ? said.s : ending_reason(end), end->code);
		json_object_put(body);
		break;
	case FATE_CLOSED:
		snprintf(to, size, "%s closed the connection: %s (code %d)", url,
			 ending_reason(end), end->code);
		break;
	default:
		snprintf(to, size, "%s %s: %s",
			 was_open ? "lost the connection to" : "cannot connect to", url,
			 ending_reason(end));
	}
}
