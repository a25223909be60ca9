/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One connection: which answer belongs to which request, the ids and seqs of its
 * events, the server's clock, the window. What the messages mean is told.c's and request.c's.
 */
#ifndef PARLANCE_TESTS_HISTORY_CONN_H
#define PARLANCE_TESTS_HISTORY_CONN_H

#include "model.h"

/* A request id, or the id of something else that may be answered. */
struct asked {
	UT_hash_handle hh;
	struct spot first;
	struct request *waiting, **waiting_end;
	unsigned n_waiting, sent, answered;
};

/* An event that is not acked. */
struct unacked {
	UT_hash_handle hh, hh_seq;
	uint64_t id, seq;
};

/* An ack that was sent before its event was received. */
struct ahead {
	UT_hash_handle hh;
	uint64_t id;
};

struct conn {
	UT_hash_handle hh; /* by name, the one that was opened last */
	struct conn *next; /* all of them */
	const char *name;
	struct device *device;
	struct spot opened, closed;
	struct asked *asked;
	struct unacked *by_id, *by_seq;
	struct ahead *ahead;
	uint64_t last_event_id, last_timestamp;
	struct spot last_stamped;
	uint64_t last_seq, max_seq, closed_high;
	size_t got_from; /* of the device's */
	bool window_told;
	bool unread; /* something was sent that is no JSON object: who knows how it is answered */
};

void conn_free(struct conn *conn);
void conn_open(struct history *h, const char *name, struct device *device);
void conn_close(struct history *h, struct conn *conn);
void conn_out(struct history *h, struct conn *conn, struct json_object *message);
void conn_in(struct history *h, struct conn *conn, struct json_object *message);
/* Requests that ought to be answered by now. */
void conn_judge(struct history *h, struct conn *conn);

#endif
