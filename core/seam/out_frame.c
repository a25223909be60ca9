/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Frames are made on the core thread and on a storage plugin's, and dropped on
 * any. The text is written straight behind the frame's header, in the writer's
 * own block, so making a frame out of a finished text copies nothing.
 */
#include <stdlib.h>

#include "base/mem.h"
#include "out_frame.h"

#define HEAD offsetof(struct out_frame, text)

void out_frame_begin(struct par_json *w)
{
	par_json_init(w);
	w->head = HEAD;
}

struct out_frame *out_frame_end(struct par_json *w)
{
	struct out_frame *frame;

	if (w->failed || w->len > UINT32_MAX) {
		par_json_free(w);
		return NULL;
	}
	frame = w->block != NULL ? (struct out_frame *)w->block : mem_alloc(sizeof(*frame));
	atomic_init(&frame->refs, 1);
	frame->len = (uint32_t)w->len;
	frame->payload_at = 0;
	frame->payload_len = 0;
	par_json_init(w);
	return frame;
}

/* One allocation of the exact size, unless the type needs escapes. */
struct out_frame *out_frame_event(struct par_str event_type, struct par_str payload)
{
	static const char before_type[] = ",\"eventType\":";
	static const char before_payload[] = ",\"payload\":";
	struct out_frame *frame;
	struct par_json w;
	size_t payload_at;

	out_frame_begin(&w);
	w.cap = sizeof(before_type) + sizeof(before_payload) + event_type.len + payload.len + 1;
	w.block = mem_alloc(HEAD + w.cap);
	w.limit = UINT32_MAX;
	par_json_bytes(&w, before_type, sizeof(before_type) - 1);
	par_json_quoted(&w, event_type.s, event_type.len);
	if (payload.s != NULL)
		par_json_bytes(&w, before_payload, sizeof(before_payload) - 1);
	payload_at = w.len;
	par_json_bytes(&w, payload.s, payload.len);
	par_json_bytes(&w, "}", 1);
	frame = out_frame_end(&w);
	if (frame == NULL)
		abort();
	frame->payload_at = (uint32_t)payload_at;
	frame->payload_len = (uint32_t)payload.len;
	return frame;
}

struct out_frame *out_frame_ref(struct out_frame *frame)
{
	atomic_fetch_add_explicit(&frame->refs, 1, memory_order_relaxed);
	return frame;
}

/* Who holds the only reference cannot be raced by anybody, and is spared the
 * locked instruction. */
void out_frame_unref(struct out_frame *frame)
{
	if (frame == NULL)
		return;
	if (atomic_load_explicit(&frame->refs, memory_order_acquire) == 1 ||
	    atomic_fetch_sub_explicit(&frame->refs, 1, memory_order_acq_rel) == 1)
		free(frame);
}
