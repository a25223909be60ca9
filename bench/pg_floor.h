/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bench/pg_floor: what PostgreSQL and libpq alone make of the statements that
 * storage_postgres has for a message. pg_floor.c has the options, threads and
 * figures; pg_floor_batch.c and pg_floor_write.c one connection and its batches.
 */
#ifndef PARLANCE_BENCH_PG_FLOOR_H
#define PARLANCE_BENCH_PG_FLOOR_H

#include <stdbool.h>
#include <stdint.h>

#include "../plugins/storage_postgres/connect.h"
#include "../plugins/storage_postgres/params.h"
#include "../plugins/storage_postgres/statements.h"

#define FLOOR_BATCH 5000
#define FLOOR_CHATS 5000
#define FLOOR_TEXT 4096

struct floor_options {
	struct postgres_options postgres;
	uint64_t messages;
	double seconds; /* no more batches after that */
	unsigned batch; /* messages */
	unsigned together; /* of them one behind the other are of one chat */
	unsigned connections;
	unsigned chats;
	unsigned text; /* bytes of a message */
	double cursor_interval; /* seconds */
	char salt[17]; /* makes this run's client ids its own */
};

/* A dialog in which one writes to the other, as its rows were when they were loaded and as
 * they became since. */
struct floor_chat {
	char key[80], sender[32], receiver[32];
	uint64_t id, last_id, last_time, sender_id;
	uint64_t member_rank, read, missed; /* of the receiver's membership */
	uint64_t receiver_id, first_seq, last_seq, rank; /* of the receiver */
	uint64_t number; /* of messages that this run sent */
	uint64_t batch; /* the number of the last batch that had a message of it */
};

struct floor_message {
	struct floor_chat *chat;
	uint64_t number; /* makes its client id */
};

/* A connection with chats of its own. One thread. */
struct floor_lane {
	const struct floor_options *o;
	struct connection connection;
	struct params params;
	struct floor_chat *chats;
	unsigned n_chats;
	uint64_t n_messages; /* so far */
	/* the batch under way */
	struct floor_message *messages;
	unsigned n;
	struct floor_chat **written; /* the chats that it has messages of */
	unsigned n_written;
	struct floor_chat **acked; /* the chats whose receivers' cursors it writes */
	unsigned n_acked;
	double acked_at; /* when that was last done */
	uint64_t batches;
	double *took; /* seconds of each batch */
};

/* Connects as the server does, with the same settings. */
void floor_connect(struct floor_lane *lane);
/* Stores the lane's next `n` messages: two round trips, one commit. */
void floor_batch(struct floor_lane *lane, unsigned n);
void floor_leave(struct floor_lane *lane);

/* Between the parts of a batch: pg_floor_batch.c ... */
void floor_ask(struct floor_lane *lane, enum statement statement);
/* ... and pg_floor_write.c, which returns the number of statements asked for. */
unsigned floor_ask_write(struct floor_lane *lane);
struct par_str floor_client_id(const struct floor_lane *lane, uint64_t number, char text[64]);

/* Whether the batch under way has a message of the chat. */
static inline bool floor_writes(const struct floor_lane *lane, const struct floor_chat *chat)
{
	return chat->batch == lane->batches;
}

#endif
