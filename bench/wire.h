/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One WebSocket connection of a client that must cost less than the server: a
 * socket, frames decoded in place, and what is to be sent collected until it
 * goes out in one call. Masks are 0, which is allowed and saves the work. Any
 * failure ends the program.
 */
#ifndef PARLANCE_BENCH_WIRE_H
#define PARLANCE_BENCH_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ws/frame.h"

struct wire {
	int fd;
	char *in;
	size_t in_at, in_len; /* what is not decoded yet: in[in_at..in_len) */
	char *out;
	size_t out_at, out_len; /* what is not sent yet: out[out_at..out_len) */
	struct ws_decoder decoder;
};

void wire_open(struct wire *w, int port, const char *user, const char *device);
void wire_close(struct wire *w);
/* Adds a text message to what is to be sent. */
void wire_text(struct wire *w, const char *text, size_t len);
/* Likewise the answer to a ping. */
void wire_pong(struct wire *w, const struct ws_frame *ping);
/* Whether so much more can be added. */
bool wire_has_room(const struct wire *w, size_t len);
/* Sends what the socket takes; false when something is left. */
bool wire_flush(struct wire *w);
/* Reads once what has come; false when there was nothing. */
bool wire_read(struct wire *w);
/* Sends what the socket takes, waits up to `ms` for it to have something to read, and reads
 * once. False when there was nothing. */
bool wire_turn(struct wire *w, int ms);
/* The next frame of what was read; false: none is complete. Good until the next wire_turn
 * or wire_read. */
bool wire_next(struct wire *w, struct ws_frame *frame);

/* Whether the text is somewhere in it. */
bool wire_has(const struct ws_frame *frame, const char *text);
/* The number behind `key`; 0: it is not there. */
uint64_t wire_number(const struct ws_frame *frame, const char *key);
/* Adds the ack of an event to what is to be sent. */
void wire_ack(struct wire *w, uint64_t id);

#endif
