/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A request in flight: from dispatch to its one response. It is completed
 * exactly once, by reply, by error, by time-out, or silently when its session
 * ends; whatever comes after that finds nothing under its id.
 *
 * The requests of a session wait until the storage has its device on record:
 * what a new device is answered before that could be of a time from which on no
 * events are kept for it.
 */
#ifndef PARLANCE_REQUEST_H
#define PARLANCE_REQUEST_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include <parlance/plugin.h>

#include "seam/message.h"

struct core;
struct session;

struct request {
	par_request_id id;
	struct session *session;
	struct par_plugin *plugin;
	struct message *message; /* has the client's id, and the payload */
	uint64_t deadline_us;
	uint32_t id_hash;
	LIST_ENTRY(request) of_session;
	TAILQ_ENTRY(request) of_inflight;
};

/* Dispatches a message that is a request. Takes it. */
void request_begin(struct core *core, struct session *session, struct message *message);

/* See struct par_api: reply, reply_open, reply_close, fail, fail_details. */
bool request_reply(struct core *core, struct par_plugin *by, par_request_id id,
		   struct json_object *payload);
struct par_json *request_reply_open(struct core *core, struct par_plugin *by, par_request_id id);
bool request_reply_close(struct core *core, struct par_plugin *by, par_request_id id);
bool request_fail(struct core *core, struct par_plugin *by, par_request_id id, enum par_error error,
		  const char *path, const char *message);
bool request_fail_details(struct core *core, struct par_plugin *by, par_request_id id,
			  enum par_error error, struct par_str details, const char *message);

/* The session's device is on record: its requests go to their handlers, in the order they
 * came. */
void requests_run(struct core *core, struct session *session);
/* It could not be put on record: what waits for it is answered `unavailable`. */
void requests_refuse(struct core *core, struct session *session);
/* The session ends: its requests are forgotten. */
void requests_abandon(struct core *core, struct session *session);
/* The server ends and waits no longer: all in flight are answered `unavailable`. */
void requests_give_up(struct core *core);

#endif
