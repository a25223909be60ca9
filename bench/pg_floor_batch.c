/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A batch as storage_postgres has it for messages (`new`), with the same statements
 * and the same rows: what is loaded is both users, chat, members, whether the sender has another
 * device and whether the message was sent before; written are message, event, chat, the receiver's
 * membership and end of stream. Every cursor_interval the receivers' cursors are written
 * and what they have acked is dropped, in the next batch, as the server does.
 *
 * It knows beforehand what will happen, so nothing is decided: that is the part that a
 * server may cost.
 */
#include "pg_floor.h"

#include "../plugins/storage_postgres/rows.h"
#include "../plugins/storage_postgres/server.h"
#include "server.h"

void floor_connect(struct floor_lane *lane)
{
	struct connect c = { .options = &lane->o->postgres, .first = true };

	connect_make(&c);
	if (c.outcome != CONNECT_DONE)
		bench_die("%s", c.error);
	lane->connection = c.connection;
	PQsetnonblocking(lane->connection.conn, 0);
}

void floor_leave(struct floor_lane *lane)
{
	PQexitPipelineMode(lane->connection.conn);
	server_leave(lane->connection.conn, lane->connection.server);
	connect_close(lane->connection.conn, false);
}

/* --- asking, and what comes --- */

void floor_ask(struct floor_lane *lane, enum statement statement)
{
	struct params *p = &lane->params;

	if (!params_finish(p) ||
	    PQsendQueryPrepared(lane->connection.conn, statement_name(statement), (int)p->n,
				p->values, p->lengths, p->formats, 1) != 1)
		bench_die("%s: %s", statement_name(statement),
			  PQerrorMessage(lane->connection.conn));
	params_clear(p);
}

static PGresult *next_result(struct floor_lane *lane)
{
	PGresult *result = PQgetResult(lane->connection.conn), *end;
	ExecStatusType status = PQresultStatus(result);

	if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
		bench_die("%s", PQerrorMessage(lane->connection.conn));
	end = PQgetResult(lane->connection.conn);
	if (end != NULL)
		bench_die("two results of one statement");
	return result;
}

static void skip_results(struct floor_lane *lane, unsigned n)
{
	while (n-- > 0)
		PQclear(next_result(lane));
}

static void sync_asked(struct floor_lane *lane)
{
	if (PQpipelineSync(lane->connection.conn) != 1)
		bench_die("%s", PQerrorMessage(lane->connection.conn));
}

static void sync_answered(struct floor_lane *lane)
{
	PGresult *result = PQgetResult(lane->connection.conn);

	if (PQresultStatus(result) != PGRES_PIPELINE_SYNC)
		bench_die("%s", PQerrorMessage(lane->connection.conn));
	PQclear(result);
}

/* --- loading --- */

/* Which messages of which chats, and whose cursors. */
static void choose(struct floor_lane *lane, unsigned n)
{
	const struct floor_options *o = lane->o;
	double now = bench_clock();
	unsigned i;

	lane->batches++;
	lane->n = n;
	lane->n_written = lane->n_acked = 0;
	for (i = 0; i < n; i++, lane->n_messages++) {
		struct floor_chat *chat =
		    &lane->chats[lane->n_messages / o->together % lane->n_chats];
		if (!floor_writes(lane, chat))
			lane->written[lane->n_written++] = chat;
		chat->batch = lane->batches;
		lane->messages[i].chat = chat;
		lane->messages[i].number = ++chat->number;
	}
	if (now < lane->acked_at + o->cursor_interval)
		return;
	lane->acked_at = now;
	for (i = 0; i < lane->n_chats; i++) {
		if (lane->chats[i].first_seq <= lane->chats[i].last_seq)
			lane->acked[lane->n_acked++] = &lane->chats[i];
	}
}

static void ask_chats(struct floor_lane *lane)
{
	unsigned i, key = params_array(&lane->params, PARAM_TEXT);

	for (i = 0; i < lane->n_written; i++)
		params_text(&lane->params, key, par_str_of(lane->written[i]->key));
	floor_ask(lane, ST_CHATS);
}

/* A message marks what its sender has received as read: his is the membership whose peer
 * is the receiver. */
static void ask_members(struct floor_lane *lane)
{
	struct params *p = &lane->params;
	unsigned i, key = params_array(p, PARAM_TEXT), peer = params_array(p, PARAM_TEXT);
	unsigned every = params_array(p, PARAM_BOOL);

	for (i = 0; i < lane->n_written; i++) {
		params_text(p, key, par_str_of(lane->written[i]->key));
		params_text(p, peer, par_str_of(lane->written[i]->receiver));
		params_bool(p, every, false);
	}
	floor_ask(lane, ST_MEMBERS);
}

/* Two by two those who write and who are written to, then those who only ack. */
static void ask_users(struct floor_lane *lane)
{
	unsigned i, name = params_array(&lane->params, PARAM_TEXT);

	for (i = 0; i < lane->n_written; i++) {
		params_text(&lane->params, name, par_str_of(lane->written[i]->sender));
		params_text(&lane->params, name, par_str_of(lane->written[i]->receiver));
	}
	for (i = 0; i < lane->n_acked; i++) {
		if (!floor_writes(lane, lane->acked[i]))
			params_text(&lane->params, name, par_str_of(lane->acked[i]->receiver));
	}
	floor_ask(lane, ST_USERS);
}

/* Of those who ack. */
static void ask_devices(struct floor_lane *lane)
{
	unsigned i, name = params_array(&lane->params, PARAM_TEXT);

	for (i = 0; i < lane->n_acked; i++)
		params_text(&lane->params, name, par_str_of(lane->acked[i]->receiver));
	floor_ask(lane, ST_DEVICES);
}

/* Whether those who write are to be told themselves, on another device. */
static void ask_others(struct floor_lane *lane)
{
	struct params *p = &lane->params;
	unsigned i, name = params_array(p, PARAM_TEXT), device = params_array(p, PARAM_TEXT);

	for (i = 0; i < lane->n_written; i++) {
		params_text(p, name, par_str_of(lane->written[i]->sender));
		params_text(p, device, par_str_of("bench"));
	}
	floor_ask(lane, ST_OTHERS);
}

static void ask_sent(struct floor_lane *lane)
{
	struct params *p = &lane->params;
	unsigned i, key = params_array(p, PARAM_TEXT), id = params_array(p, PARAM_TEXT);
	char text[64];

	for (i = 0; i < lane->n; i++) {
		params_text(p, key, par_str_of(lane->messages[i].chat->key));
		params_text(p, id, floor_client_id(lane, lane->messages[i].number, text));
	}
	floor_ask(lane, ST_SENT);
}

static void ask_load(struct floor_lane *lane)
{
	struct params *p = &lane->params;

	floor_ask(lane, ST_BEGIN);
	params_int8(p, params_value(p, PARAM_INT8), lane->connection.lane);
	params_int8(p, params_value(p, PARAM_INT8), (int64_t)lane->batches);
	floor_ask(lane, ST_LANE_MARK);
	ask_chats(lane);
	ask_users(lane);
	ask_members(lane);
	if (lane->n_acked > 0)
		ask_devices(lane);
	ask_others(lane);
	ask_sent(lane);
	sync_asked(lane);
}

/* The numbers of a row: the first says whose it is, counted from 1. */
static const char *numbers_of(const PGresult *r, int row, unsigned n, unsigned of, uint64_t *whose)
{
	const char *numbers = row_numbers(r, row, 0);

	if (row_array_len(r, row, 0) != n)
		bench_die("a row has other columns than this program knows");
	*whose = row_number(numbers, 0) - 1;
	if (*whose >= of)
		bench_die("a row that was not asked for");
	return numbers;
}

static void take_chats(struct floor_lane *lane)
{
	PGresult *r = next_result(lane);
	uint64_t whose;
	int i;

	if (PQntuples(r) != (int)lane->n_written)
		bench_die("%d of %u chats are there", PQntuples(r), lane->n_written);
	for (i = 0; i < PQntuples(r); i++) {
		const char *numbers = numbers_of(r, i, 5, lane->n_written, &whose);
		struct floor_chat *chat = lane->written[whose];

		chat->id = row_number(numbers, 1);
		chat->last_id = row_number(numbers, 2);
		chat->last_time = row_number(numbers, 3);
	}
	PQclear(r);
}

static void take_users(struct floor_lane *lane)
{
	PGresult *r = next_result(lane);
	uint64_t whose;
	int i;

	for (i = 0; i < PQntuples(r); i++) {
		const char *numbers =
		    numbers_of(r, i, 8, 2 * lane->n_written + lane->n_acked, &whose);
		struct floor_chat *chat;

		if (whose >= 2 * (uint64_t)lane->n_written)
			continue; /* what is to be known of those is known */
		chat = lane->written[whose / 2];
		if (whose % 2 == 0) {
			chat->sender_id = row_number(numbers, 1);
			continue;
		}
		chat->receiver_id = row_number(numbers, 1);
		chat->first_seq = row_number(numbers, 2);
		chat->last_seq = row_number(numbers, 3);
		chat->rank = row_number(numbers, 4);
	}
	PQclear(r);
}

static void take_members(struct floor_lane *lane)
{
	PGresult *r = next_result(lane);
	uint64_t whose;
	int i;

	for (i = 0; i < PQntuples(r); i++) {
		const char *numbers = numbers_of(r, i, 9, lane->n_written, &whose);
		struct floor_chat *chat = lane->written[whose];

		if (row_number(numbers, 1) != chat->receiver_id)
			continue;
		chat->read = row_number(numbers, 2);
		chat->missed = row_number(numbers, 6);
		chat->member_rank = row_number(numbers, 8);
	}
	PQclear(r);
}

static void take_sent(struct floor_lane *lane)
{
	PGresult *r = next_result(lane);

	if (PQntuples(r) != 0)
		bench_die("a message was sent before");
	PQclear(r);
}

static void take_load(struct floor_lane *lane)
{
	skip_results(lane, 2); /* BEGIN, the mark */
	take_chats(lane);
	take_users(lane);
	take_members(lane);
	skip_results(lane, lane->n_acked > 0 ? 2 : 1); /* devices, others */
	take_sent(lane);
	sync_answered(lane);
}

void floor_batch(struct floor_lane *lane, unsigned n)
{
	double start = bench_clock();
	unsigned statements;

	choose(lane, n);
	ask_load(lane);
	take_load(lane);
	statements = floor_ask_write(lane);
	sync_asked(lane);
	skip_results(lane, statements);
	sync_answered(lane);
	lane->took[lane->batches - 1] = bench_clock() - start;
}
