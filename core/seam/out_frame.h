/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The bytes of one outgoing message: immutable once made, counted by
 * reference, shared by all connections that it goes to. The core makes them,
 * I/O threads put them on the wire and drop them, so the count is atomic.
 *
 * Of a response it is the whole text. Of an event it is the part that all
 * receivers share, `,"eventType":"new","payload":{...}}`; the part in front
 * of it differs by connection and is written by the I/O thread from the
 * fields of struct out_msg (seam.h); and where each has a number of his own at the
 * payload's end, so is that.
 *
 * The public name of the same thing is struct par_event_data.
 */
#ifndef PARLANCE_OUT_FRAME_H
#define PARLANCE_OUT_FRAME_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include <parlance/json.h>

struct out_frame {
	_Atomic uint32_t refs;
	uint32_t len;
	uint32_t payload_at; /* of an event: where its payload begins ... */
	uint32_t payload_len;
	char text[];
};

/* A writer whose text becomes a frame without a copy. */
void out_frame_begin(struct par_json *w);
/* Ends it: one reference, or NULL when the writer failed. The writer is empty. */
struct out_frame *out_frame_end(struct par_json *w);

/* The shared part of an event. One reference. */
struct out_frame *out_frame_event(struct par_str event_type, struct par_str payload);

struct out_frame *out_frame_ref(struct out_frame *frame);
void out_frame_unref(struct out_frame *frame);

#endif
