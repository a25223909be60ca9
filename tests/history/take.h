/* SPDX-License-Identifier: BSD-2-Clause */
/* What requests, answers, events and pages of the history say about the chats. */
#ifndef PARLANCE_TESTS_HISTORY_TAKE_H
#define PARLANCE_TESTS_HISTORY_TAKE_H

#include "conn.h"

struct request *take_request(struct history *h, struct conn *conn, struct json_object *message);
void take_answer(struct history *h, struct request *request, struct json_object *response);

/* The event of the stream; the same one again is the same struct. */
struct event *take_event(struct history *h, struct device *device, struct json_object *message,
			 uint64_t seq);
void take_resync(struct history *h, struct device *device, struct json_object *message);
void take_page(struct history *h, struct request *request, struct json_object *payload);

#endif
