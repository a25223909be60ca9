/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The world of test_transport.c: a real transport on 127.0.0.1, the test in
 * the place of the core behind its mailboxes, and WebSocket clients with real
 * sockets. Everything happens on the test's thread, but for the I/O thread
 * when there is one; whoever waits lets the rest of the world turn meanwhile.
 */
#ifndef PARLANCE_TEST_TRANSPORT_WORLD_H
#define PARLANCE_TEST_TRANSPORT_WORLD_H

#include <event2/event.h>

#include "transport/transport.h"
#include "ws/frame.h"

#define WORLD_MAIL 4096 /* slots of a mailbox */

struct world {
	struct settings settings;
	struct listen_address listen;
	struct metrics metrics;
	struct event_base *base;
	int core_fd;
	struct transport *transport;
	struct seam seam;
	int port;
};

struct client {
	int fd;
	size_t len; /* received and not used yet */
	struct ws_decoder decoder;
	char buf[1 << 20];
};

/* Makes a world, runs the check in it, and takes it down. The check may change
 * the settings; the transport starts with world_start or the first client. */
void world_run(unsigned io_threads, void (*check)(struct world *w));
void world_start(struct world *w);

/* Lets the world turn; waits for `fd` (or -1) or mail, a little at most. */
void world_turn(struct world *w, int fd);

/* The same without waiting. */
void world_pass(struct world *w);

/* The core's next message; kind UINT32_MAX when none comes in time. */
struct in_msg core_next(struct world *w);
/* The same, and it is of this kind and this conn (NULL: any). */
struct in_msg core_expect(struct world *w, enum in_kind kind, const struct conn *conn);
/* Whether there is no mail now, after a turn. */
bool core_has_nothing(struct world *w);
void core_put(struct world *w, const struct out_msg *msg);
void core_publish(struct world *w);
/* One of these alone, published. */
void core_say(struct world *w, enum out_kind kind, struct conn *conn);
void core_send(struct world *w, struct conn *conn, const char *text);
void core_close(struct world *w, struct conn *conn, uint16_t code, const char *reason);
/* Takes IN_CLOSED and answers it; returns its reason. */
const char *core_release(struct world *w, struct conn *conn);
struct out_frame *frame_of(const char *text, size_t len);
/* Waits until the transport has taken all that was published. */
void core_wait_taken(struct world *w);
int64_t world_metric(const struct world *w, const char *name);
void world_wait_metric(struct world *w, const char *name, int64_t least);

/* Connects and sends a request line with all that a handshake needs. */
void client_connect(struct world *w, struct client *c);
void client_hello(struct client *c, const char *target);
/* Handshake and the core's acceptance, to the end of the 101. */
struct conn *client_open(struct world *w, struct client *c, const char *target);
/* Sends the bytes to the last, while the world turns. */
void client_write(struct world *w, struct client *c, const void *bytes, size_t len);
void client_frame(struct world *w, struct client *c, enum ws_opcode opcode, bool fin,
		  const char *payload, size_t len);
void client_text(struct world *w, struct client *c, const char *text);
/* Reads until the HTTP header's end; the text, NUL-terminated, stays valid
 * until the next call. "" at the end of the stream. */
const char *client_answer(struct world *w, struct client *c);
bool client_expect_bytes(struct world *w, struct client *c, const char *text);
/* The next frame; false at the end of the stream or when none comes. Its
 * payload is copied, NUL-terminated, and freed by the next call. */
bool client_read(struct world *w, struct client *c, struct ws_frame *frame);
bool client_expect(struct world *w, struct client *c, enum ws_opcode opcode, const char *payload);
/* A close frame with this code comes; texts and pings before it are dropped. */
bool client_expect_close(struct world *w, struct client *c, uint16_t code);
/* The server's end of the stream comes, and nothing else. */
bool client_expect_end(struct world *w, struct client *c);
void client_gone(struct client *c);

/* Each check runs in a world without I/O threads and in one with a thread. */
#define WORLD_TESTS(check) \
	static void check##_alone(void) \
	{ \
		world_run(0, check); \
	} \
	static void check##_threaded(void) \
	{ \
		world_run(1, check); \
	}
#define WORLD_TEST_ENTRIES(check) \
	{ #check ", io_threads 0", check##_alone }, { #check ", io_threads 1", check##_threaded },

#endif
