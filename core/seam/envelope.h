/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading the envelope of a client's message: docs/protocol.md, Messages. The text
 * is checked to be exactly one JSON object (RFC 8259, strictly, at most
 * JSON_DEPTH_MAX deep) by a scanner that builds nothing; the few fields of the
 * envelope are picked up on the way. Only then, and only for a request or a
 * client event, is the payload made into a json_object (json_build.h says which
 * number becomes what). An ack costs the scan.
 *
 * Pure: no socket, no clock, no state between messages.
 */
#ifndef PARLANCE_ENVELOPE_H
#define PARLANCE_ENVELOPE_H

#include <stddef.h>
#include <stdint.h>

#include "message.h"

enum envelope_kind {
	ENVELOPE_REQUEST, /* *message is set */
	ENVELOPE_CLIENT_EVENT, /* *message is set */
	ENVELOPE_ACK, /* *ack_id is set; 0 for an id that is no event's */
	ENVELOPE_REFUSED /* *message is set, with its error, path and detail */
};

/* `text` is valid UTF-8 (the frame codec saw to it); it is not changed. An
 * integer beyond 2^53 is refused as an id, and is the plugin's care in a payload. */
enum envelope_kind envelope_read(const char *text, size_t len, struct message **message,
				 uint64_t *ack_id);

#endif
