/* SPDX-License-Identifier: BSD-2-Clause */
/* Watching one connection; see wire.h. */
#include "wire.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "sim.h"
#include "taken.h"

/* Between a request's arrival and the turn in which the core looks at the clock. */
#define LAG (20 * MS)
/* Until the core has read its mail. */
#define CONGESTED_TURNS 3

/* --- requests and answers --- */

static void asked_add(struct conn *conn, char *id)
{
	if (conn->n_asked == conn->size_asked) {
		conn->size_asked = conn->size_asked == 0 ? 8 : conn->size_asked * 2;
		conn->asked = mem_realloc(conn->asked, conn->size_asked * sizeof(*conn->asked));
	}
	conn->asked[conn->n_asked++] = (struct asked){ id, conn->sim->world.us };
}

static bool same_id(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/* The id in the text of a response; NULL: it is null. */
static char *answer_id(const char *text)
{
	const char *at = strstr(text, "\"id\":\"");

	if (at == NULL)
		return NULL;
	at += strlen("\"id\":\"");
	return mem_strndup(at, strcspn(at, "\""));
}

static void answered(struct conn *conn, const char *text)
{
	struct sim *sim = conn->sim;
	uint64_t patience = sim->server.settings.request_timeout * MS + LAG;
	char *id = answer_id(text);
	unsigned i = 0;

	while (i < conn->n_asked && !same_id(conn->asked[i].id, id))
		i++;
	if (i == conn->n_asked) {
		if (id == NULL || id[0] != CLIENT_EVENT_ID)
			sim_fail(sim, "%s got an answer that nobody waits for: %s", conn->name,
				 text);
	} else {
		if (sim->world.us - conn->asked[i].at > patience)
			sim_fail(sim, "%s was answered after request_timeout: %s", conn->name,
				 text);
		free(conn->asked[i].id);
		memmove(&conn->asked[i], &conn->asked[i + 1],
			(--conn->n_asked - i) * sizeof(*conn->asked));
	}
	free(id);
}

/* --- events and acks --- */

static void wired_remove(struct conn *conn, unsigned i)
{
	memmove(&conn->wired[i], &conn->wired[i + 1], (--conn->n_wired - i) * sizeof(*conn->wired));
}

static void acked(struct conn *conn, uint64_t id)
{
	unsigned i = 0;

	while (i < conn->n_wired && conn->wired[i].id != id)
		i++;
	if (i == conn->n_wired)
		return;
	taken_reached(conn->taken, conn->wired[i].seq, conn->sim->world.us);
	wired_remove(conn, i);
}

static bool is_resync(const struct out_msg *out)
{
	static const char resync[] = ",\"eventType\":\"resync\"";

	return out->frame->len > sizeof(resync) &&
	       memcmp(out->frame->text, resync, sizeof(resync) - 1) == 0;
}

/* The server may go back to what it has sent before on this connection: what came after it
 * is to come again, and a resync stands for all that came before. */
static void went_back(struct conn *conn, const struct out_msg *out)
{
	if (is_resync(out))
		conn->n_wired = 0;
	while (conn->n_wired > 0 && conn->wired[conn->n_wired - 1].seq >= out->seq)
		conn->n_wired--;
}

/* Acks may have been lost, or could not be stored, or named what the server has gone back
 * behind. */
static bool is_forgetful(const struct sim *sim)
{
	const struct plan *plan = &sim->plan;

	return sim->server.forgetful || sim->server.settings.redeliver_after > 0 ||
	       plan->lost_one > 0 || plan->lost_all > 0 || plan->unsure_one > 0 ||
	       plan->unsure_all > 0 || plan->downs > 0;
}

/* Where the server may go back, what we still count may be gone from its own count: acked
 * through another connection of the device, say. Then watch.c alone looks at the window. */
static void wired_judge(struct conn *conn, const struct out_msg *out)
{
	struct sim *sim = conn->sim;
	const struct settings *settings = &sim->server.settings;
	uint64_t bytes = 0;
	unsigned i;

	for (i = 0; i < conn->n_wired; i++)
		bytes += conn->wired[i].bytes;
	if (!is_forgetful(sim) && !is_resync(out) &&
	    !taken_may_be_sent(conn->taken, out->seq, conn->hello_us))
		sim_fail(sim, "%s gets seq %" PRIu64 ", which its device had acked before",
			 conn->name, out->seq);
	if (conn->n_wired == 0 || settings->redeliver_after > 0)
		return;
	if (conn->n_wired >= settings->ack_window)
		sim_fail(sim, "%s has %u events unacked on the wire, and gets seq %" PRIu64,
			 conn->name, conn->n_wired, out->seq);
	if (bytes >= sim->plan.max_backlog / 2)
		sim_fail(sim, "%s has %" PRIu64 " bytes unacked on the wire, and gets more",
			 conn->name, bytes);
}

static void wired_add(struct conn *conn, const struct out_msg *out)
{
	went_back(conn, out);
	wired_judge(conn, out);
	if (conn->n_wired == conn->size_wired) {
		conn->size_wired = conn->size_wired == 0 ? 8 : conn->size_wired * 2;
		conn->wired = mem_realloc(conn->wired, conn->size_wired * sizeof(*conn->wired));
	}
	conn->wired[conn->n_wired++] = (struct wired){ out->u.id, out->seq, out_event_len(out) };
}

/* --- the two directions --- */

void wire_in(struct conn *conn, const struct in_msg *in)
{
	struct par_str id;

	if (in->kind == IN_ACK) {
		acked(conn, in->u.ack_id);
	} else if (conn->state == CONN_OPEN && (in->kind == IN_REQUEST || in->kind == IN_REFUSED)) {
		id = message_id(in->u.message);
		asked_add(conn, in->kind == IN_REQUEST || in->u.message->has_id
				    ? mem_strndup(id.s, id.len)
				    : NULL);
	}
}

static char *event_text(const struct out_msg *out)
{
	size_t shared = out->frame->len - (out->has_missed ? strlen("}}") : 0), end;
	char head[160], tail[40] = "", *text;
	int len = snprintf(head, sizeof(head),
			   "{\"type\":\"event\",\"timestamp\":%" PRIu64 ",\"id\":%" PRIu64,
			   out->timestamp, out->u.id);

	if (out->seq != 0)
		len +=
		    snprintf(head + len, sizeof(head) - (size_t)len, ",\"seq\":%" PRIu64, out->seq);
	if (out->redelivered)
		len += snprintf(head + len, sizeof(head) - (size_t)len, ",\"redelivered\":true");
	if (out->has_missed)
		snprintf(tail, sizeof(tail), ",\"missed\":%" PRIu64 "}}", out->missed);
	end = strlen(tail);
	text = mem_alloc((size_t)len + shared + end + 1);
	memcpy(text, head, (size_t)len);
	memcpy(text + len, out->frame->text, shared);
	memcpy(text + len + shared, tail, end + 1);
	return text;
}

/* A full outbox keeps the core from its mail, and what it said before from us. */
static bool knows_congestion(const struct conn *conn)
{
	const struct server *server = &conn->sim->server;

	return server->n_turns > conn->congested_turn + CONGESTED_TURNS &&
	       server->n_turns > server->full_turn + CONGESTED_TURNS;
}

char *wire_out(struct conn *conn, const struct out_msg *out)
{
	char *text;

	if (conn->state == CONN_CLOSING)
		sim_fail(conn->sim, "%s was spoken to after its close frame", conn->name);
	if (out->kind == OUT_SEND) {
		text = mem_strndup(out->frame->text, out->frame->len);
		if (conn->state == CONN_OPEN)
			answered(conn, text);
		return text;
	}
	if (out->u.id != ++conn->last_event_id)
		sim_fail(conn->sim, "%s got event id %" PRIu64 " where %" PRIu64 " was next",
			 conn->name, out->u.id, conn->last_event_id);
	/* a page of durable ones may have been on its way: the window bounds them */
	if (out->seq == 0 && conn->congested && knows_congestion(conn))
		sim_fail(conn->sim, "%s is congested, and gets an ephemeral event", conn->name);
	if (out->seq != 0)
		wired_add(conn, out);
	return event_text(out);
}

void wire_forget(struct conn *conn)
{
	while (conn->n_asked > 0)
		free(conn->asked[--conn->n_asked].id);
	free(conn->asked);
	free(conn->wired);
	conn->asked = NULL;
	conn->wired = NULL;
	conn->n_wired = conn->size_asked = conn->size_wired = 0;
}
