/* SPDX-License-Identifier: BSD-2-Clause */
/* Lines of the trace; see trace.h. */
#include "trace.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#define LINE_MAX_BYTES 2048

static void trace_text(struct trace *t, uint64_t us, const char *text)
{
	uint64_t hash = t->hash ^ us;

	/* FNV-1a, of 64 bits */
	for (; *text != '\0'; text++)
		hash = (hash ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
	t->hash = hash;
}

void trace_line(struct trace *t, uint64_t us, const char *format, ...)
{
	char line[LINE_MAX_BYTES];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	trace_text(t, us, line);
	if (t->out != NULL)
		fprintf(t->out, "%4" PRIu64 ".%06" PRIu64 " %s\n", us / 1000000, us % 1000000,
			line);
}

static void op_text(FILE *out, const struct par_op *op)
{
	static const char *const kinds[] = { "append",  "change",  "mark",  "event", "cursor",
					     "doc_put", "doc_del", "prune", "roster" };
	const struct par_chat *chat = par_op_chat(op);
	const struct par_op_event *event = &op->u.event;
	const struct par_op_cursor *cursor = &op->u.cursor;

	fprintf(out, " %s", kinds[op->kind]);
	if (chat != NULL)
		fprintf(out, " %.*s>%.*s#%" PRIu64, (int)chat->user.len, chat->user.s,
			(int)chat->peer.len, chat->peer.s, op->result.id);
	if (op->kind == PAR_OP_EVENT)
		fprintf(out, " %.*s %.*s seq %" PRIu64 "%s", (int)event->type.len, event->type.s,
			(int)event->user.len, event->user.s, op->result.seq,
			event->own ? " own" : "");
	if (op->kind == PAR_OP_CURSOR)
		fprintf(out, " %.*s/%.*s acked %" PRIu64 " sent %" PRIu64 " above %u%s",
			(int)cursor->user.len, cursor->user.s, (int)cursor->device.len,
			cursor->device.s, cursor->acked, cursor->sent, cursor->n_above,
			cursor->closed ? " closed" : "");
	if (op->kind == PAR_OP_PRUNE)
		fprintf(out, " dropped %" PRIu64 " forgot %" PRIu64, op->u.prune.events,
			op->u.prune.devices);
	fputs(op->result.applied ? ";" : " (no);", out);
}

void trace_tx(struct trace *t, uint64_t us, const char *what, const struct par_tx *tx)
{
	char text[LINE_MAX_BYTES] = "";
	FILE *out = fmemopen(text, sizeof(text), "w");
	unsigned i;

	for (i = 0; i < tx->n_ops; i++)
		op_text(out, &tx->ops[i]);
	fclose(out);
	trace_line(t, us, "storage %s%s error %d", what, text, tx->error);
}

void trace_query(struct trace *t, uint64_t us, const char *what, const struct par_query *q)
{
	static const char *const kinds[] = { "device",  "events",   "messages", "chats", "chat",
					     "doc_get", "doc_scan", "members",  "peers" };
	const struct par_device_state *at = &q->device_state;

	trace_line(t, us,
		   "storage %s %s of %.*s/%.*s after %" PRIu64 ": %u rows, acked %" PRIu64
		   " sent %" PRIu64 " last %" PRIu64 " resync %" PRIu64 " error %d",
		   what, kinds[q->kind], (int)q->user.len, q->user.s == NULL ? "" : q->user.s,
		   (int)q->device.len, q->device.s == NULL ? "" : q->device.s, q->after, q->n,
		   at->acked, at->sent, at->last_seq, at->resync_from, q->error);
}
