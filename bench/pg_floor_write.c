/* SPDX-License-Identifier: BSD-2-Clause */
/* What a batch of pg_floor writes; see pg_floor_batch.c. */
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "pg_floor.h"

struct par_str floor_client_id(const struct floor_lane *lane, uint64_t number, char text[64])
{
	struct par_str s = { text, 0 };

	s.len = (size_t)snprintf(text, 64, "%s-%" PRIu64, lane->o->salt, number);
	return s;
}

static uint64_t clock_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static unsigned arrays(struct params *p, unsigned n, enum param_type type)
{
	unsigned first = params_array(p, type);

	while (--n > 0)
		params_array(p, type);
	return first;
}

static void write_messages(struct floor_lane *lane, struct par_str text, uint64_t now)
{
	struct params *p = &lane->params;
	unsigned m, k, i = arrays(p, 7, PARAM_INT8), t = arrays(p, 5, PARAM_TEXT);
	char id[64];

	for (m = 0; m < lane->n; m++) {
		struct floor_chat *chat = lane->messages[m].chat;
		params_int8(p, i, (int64_t)chat->id);
		params_int8(p, i + 1, (int64_t)++chat->last_id);
		params_int8(p, i + 2, (int64_t)chat->sender_id);
		params_int8(p, i + 3, (int64_t)now);
		params_int8(p, i + 4, 0);
		params_null(p, i + 5);
		params_int8(p, i + 6, (int64_t)(now * UINT64_C(0x9e3779b97f4a7c15)));
		params_text(p, t, floor_client_id(lane, lane->messages[m].number, id));
		params_text(p, t + 1, text);
		for (k = 2; k < 5; k++)
			params_null(p, t + k);
		chat->last_time = now;
		chat->missed++;
	}
	floor_ask(lane, ST_MESSAGES_ADD);
}

/* As messaging writes it. */
static void write_events(struct floor_lane *lane, struct par_str text, uint64_t now)
{
	struct params *p = &lane->params;
	unsigned m, i = arrays(p, 4, PARAM_INT8), t = arrays(p, 3, PARAM_TEXT);
	char payload[FLOOR_TEXT + 512];

	for (m = 0; m < lane->n; m++) {
		struct floor_chat *chat = lane->messages[m].chat;
		struct par_str s = { payload, 0 };

		s.len = (size_t)snprintf(
		    payload, sizeof(payload),
		    "{\"chatId\":\"%s\",\"sender\":\"%s\",\"messageId\":%" PRIu64
		    ",\"clientMessageId\":\"%s-%" PRIu64
		    "\",\"message\":\"%.*s\",\"timestamp\":%" PRIu64 ",\"missed\":%" PRIu64 "}",
		    chat->sender, chat->sender, chat->last_id, lane->o->salt,
		    lane->messages[m].number, (int)text.len, text.s, now, chat->missed);
		params_int8(p, i, (int64_t)chat->receiver_id);
		params_int8(p, i + 1, (int64_t)++chat->last_seq);
		params_int8(p, i + 2, (int64_t)now);
		params_null(p, i + 3);
		params_text(p, t, par_str_of("new"));
		params_text(p, t + 1, s);
		params_null(p, t + 2);
	}
	floor_ask(lane, ST_EVENTS_ADD);
}

static void write_chats(struct floor_lane *lane)
{
	struct params *p = &lane->params;
	unsigned n, i = arrays(p, 4, PARAM_INT8);

	for (n = 0; n < lane->n_written; n++) {
		const struct floor_chat *chat = lane->written[n];
		params_int8(p, i, (int64_t)chat->id);
		params_int8(p, i + 1, (int64_t)chat->last_id);
		params_int8(p, i + 2, (int64_t)chat->last_time);
		params_int8(p, i + 3, (int64_t)chat->last_id);
	}
	floor_ask(lane, ST_CHATS_SAVE);
}

static void write_members(struct floor_lane *lane)
{
	struct params *p = &lane->params;
	unsigned n, i = arrays(p, 9, PARAM_INT8);

	for (n = 0; n < lane->n_written; n++) {
		struct floor_chat *chat = lane->written[n];
		if (chat->member_rank == 0 || chat->member_rank != chat->rank)
			chat->member_rank = ++chat->rank;
		params_int8(p, i, (int64_t)chat->id);
		params_int8(p, i + 1, (int64_t)chat->receiver_id);
		params_int8(p, i + 2, (int64_t)chat->read);
		params_int8(p, i + 3, 0);
		params_int8(p, i + 4, (int64_t)chat->read);
		params_int8(p, i + 5, 0);
		params_int8(p, i + 6, (int64_t)chat->missed);
		params_int8(p, i + 7, (int64_t)chat->last_id);
		params_int8(p, i + 8, (int64_t)chat->member_rank);
	}
	floor_ask(lane, ST_MEMBERS_SAVE);
}

/* What the receivers have acked, which is all that was stored before this batch. */
static void write_drops(struct floor_lane *lane, const uint64_t *upto)
{
	struct params *p = &lane->params;
	unsigned n, i = arrays(p, 3, PARAM_INT8);

	for (n = 0; n < lane->n_acked; n++) {
		struct floor_chat *chat = lane->acked[n];
		params_int8(p, i, (int64_t)chat->receiver_id);
		params_int8(p, i + 1, (int64_t)chat->first_seq);
		params_int8(p, i + 2, (int64_t)upto[n]);
		chat->first_seq = upto[n] + 1;
	}
	floor_ask(lane, ST_EVENTS_DROP);
}

static void write_devices(struct floor_lane *lane, const uint64_t *upto, uint64_t now)
{
	struct params *p = &lane->params;
	unsigned n, i = params_array(p, PARAM_INT8), name = params_array(p, PARAM_TEXT);
	unsigned v = arrays(p, 5, PARAM_INT8), above = params_array(p, PARAM_TEXT);

	for (n = 0; n < lane->n_acked; n++) {
		params_int8(p, i, (int64_t)lane->acked[n]->receiver_id);
		params_text(p, name, par_str_of("bench"));
		params_int8(p, v, (int64_t)upto[n]);
		params_int8(p, v + 1, (int64_t)upto[n]);
		params_int8(p, v + 2, 0);
		params_int8(p, v + 3, 0);
		params_int8(p, v + 4, (int64_t)now);
		params_null(p, above);
	}
	floor_ask(lane, ST_DEVICES_SAVE);
}

static void write_user(struct params *p, const struct floor_chat *chat)
{
	const unsigned i = 0, b = 4, at = 6;

	params_int8(p, i, (int64_t)chat->receiver_id);
	params_int8(p, i + 1, (int64_t)chat->first_seq);
	params_int8(p, i + 2, (int64_t)chat->last_seq);
	params_int8(p, i + 3, (int64_t)chat->rank);
	params_bool(p, b, false);
	params_bool(p, b + 1, false);
	params_int8(p, at, (int64_t)chat->last_time);
}

static void write_users(struct floor_lane *lane)
{
	struct params *p = &lane->params;
	unsigned n;

	arrays(p, 4, PARAM_INT8);
	arrays(p, 2, PARAM_BOOL);
	params_array(p, PARAM_INT8);
	for (n = 0; n < lane->n_written; n++)
		write_user(p, lane->written[n]);
	for (n = 0; n < lane->n_acked; n++) {
		if (!floor_writes(lane, lane->acked[n]))
			write_user(p, lane->acked[n]);
	}
	floor_ask(lane, ST_USERS_SAVE);
}

unsigned floor_ask_write(struct floor_lane *lane)
{
	static const char words[FLOOR_TEXT + 1] = { [0 ... FLOOR_TEXT - 1] = 'x' };
	struct par_str text = { words, lane->o->text };
	uint64_t now = clock_ms(), upto[FLOOR_CHATS];
	unsigned n;

	for (n = 0; n < lane->n_acked; n++)
		upto[n] = lane->acked[n]->last_seq;
	write_messages(lane, text, now);
	write_chats(lane);
	write_members(lane);
	write_events(lane, text, now);
	if (lane->n_acked > 0)
		write_drops(lane, upto);
	write_users(lane);
	if (lane->n_acked > 0)
		write_devices(lane, upto, now);
	floor_ask(lane, ST_COMMIT);
	return lane->n_acked > 0 ? 8 : 6;
}
