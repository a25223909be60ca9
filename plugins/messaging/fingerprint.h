/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fingerprints: 64 bits that say whether a request that comes again under the
 * same clientMessageId is the same request. Pure functions.
 *
 * THEY ARE STORED, with each message, and compared with what later servers
 * make of the same request. Were they to change, a client's honest resend
 * across an upgrade would be refused as a conflict. So they are made from the
 * values that the client wrote, never from a text that a library or our own
 * writer made of them, and what this file does is never changed; a test pins
 * it. A new version may add fields to a request: a field that a request does
 * not have adds nothing, so the fingerprints of those that went before stay.
 */
#ifndef MESSAGING_FINGERPRINT_H
#define MESSAGING_FINGERPRINT_H

#include <stdint.h>

#include <json-c/json.h>

/* A field of the protocol. The list of an object's fields ends with NULL. */
struct print_field {
	const char *name;
	/* The fields of the object, or of each object of the array, that it holds;
	 * NULL: everything counts, whatever it is. */
	const struct print_field *inside;
};

/*
 * Of the fields listed that `payload` has. The order of an object's members,
 * white space and escapes do not matter; neither do fields that are not listed.
 * Left out is not the same as empty. An integer is its value, any other number
 * its text. `what` tells requests of different kinds apart. The payload has been
 * read, so it is not deeper than the transport allows.
 */
uint64_t fingerprint(const char *what, struct json_object *payload,
		     const struct print_field *fields);

#endif
