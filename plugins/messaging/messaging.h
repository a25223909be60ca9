/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of the messaging plugin share. Each verb of docs/protocol.md,
 * Chats and messages, has a file: new.c, change.c (edit, delete), mark.c (dlvrd, read),
 * call.c, history.c (messages, chats, chat) with delivering.c. A request goes the same way in all of
 * them: read the payload strictly (content.c), make one
 * transaction with its events (template.c), submit it, and answer from its
 * results (messaging.c). Everything runs on the core thread.
 *
 * Invariant: nothing is kept between a request and its answer but what is in
 * the transaction or query; the scratch writers are empty between callbacks.
 */
#ifndef MESSAGING_H
#define MESSAGING_H

#include <parlance/chat.h>
#include <parlance/payload.h>

#include "fingerprint.h"

#define EVENT_HOLES 8

struct messaging {
	const struct par_api *api;
	struct par_plugin *self;
	uint64_t max_text;
	uint64_t max_attachments;

	struct par_json scratch; /* JSON that is to be stored */
	/* The event in hand: template.c. */
	struct par_json head;
	struct par_json tail;
	struct par_hole holes[EVENT_HOLES];
	unsigned n_holes;

	struct par_metric *sent;
	struct par_metric *edited;
	struct par_metric *deleted;
	struct par_metric *marked;
	struct par_metric *calls;
	struct par_metric *repeated;
};

/* Handlers of requests: par_request_fn, `state` is struct messaging. */
void messaging_new(void *state, const struct par_request *request);
void messaging_edit(void *state, const struct par_request *request);
void messaging_delete(void *state, const struct par_request *request);
void messaging_dlvrd(void *state, const struct par_request *request);
void messaging_read(void *state, const struct par_request *request);
void messaging_call(void *state, const struct par_request *request);
void messaging_messages(void *state, const struct par_request *request);
void messaging_chats(void *state, const struct par_request *request);
void messaging_chat(void *state, const struct par_request *request);

/* messaging.c: the ends of a request. */

/* Answers a payload that was refused. */
void messaging_refuse(struct messaging *m, const struct par_request *request,
		      const struct par_payload *p);
struct par_tx *messaging_begin(struct messaging *m, const struct par_request *request,
			       par_callback_fn done);
/* Takes the tx. */
void messaging_submit(struct messaging *m, struct par_tx *tx);
/*
 * Opens the answer to a tx that is done: an object with the messageId and the
 * timestamp of its first operation; what else belongs there is the caller's to
 * write. NULL when there is nothing more to write: it failed, which is answered, or
 * the request is gone. `applied` counts what was done for the first time.
 */
struct par_json *messaging_answer(struct messaging *m, struct par_tx *tx,
				  struct par_metric *applied);
void messaging_answered(struct messaging *m, struct par_tx *tx, struct par_json *w);
/* The member, when there is such an id. */
void messaging_client_id(struct par_json *w, const char *key, struct par_str id);

/* Moves what is in the scratch writer into the tx. */
struct par_str messaging_keep_scratch(struct messaging *m, struct par_tx *tx);

/* content.c: what an author can put into a message, or put in its place. */
struct content {
	struct par_str message; /* s NULL: not given */
	bool has_attachments; /* then they are in the scratch writer, an array */
};
void content_read(struct messaging *m, struct par_payload *p, struct content *content);
extern const struct print_field attachment_fields[];

/* template.c: an event is begun, its members but chatId are written to m->tail,
 * then it is added to the tx for its receivers. `when` is the index of the operation
 * that must have been applied. */
struct par_json *event_begin(struct messaging *m);
void event_hole(struct messaging *m, const char *key, enum par_hole_kind kind, unsigned op);
/* To the other member of a dialog, unless that is the user himself. */
void event_to_peer(struct messaging *m, struct par_tx *tx, const struct par_chat *chat,
		   const char *type, unsigned when);
/* To the user of the chat, a group, who is not the one that asked, and must be in it. */
void event_to_member(struct messaging *m, struct par_tx *tx, const struct par_chat *chat,
		     const char *type, unsigned when);
/* To the user's devices but the one that asked. */
void event_to_own(struct messaging *m, struct par_tx *tx, const struct par_chat *chat,
		  const struct par_request *request, const char *type, unsigned when);
/* To those members of a group; the user himself is among them as with event_to_own. */
struct par_op_event *event_to_group(struct messaging *m, struct par_tx *tx,
				    const struct par_chat *chat, const struct par_request *request,
				    const char *type, enum par_reach reach, unsigned when);
/* To all who are in the chat, of whatever kind it is. */
void event_to_all(struct messaging *m, struct par_tx *tx, const struct par_chat *chat,
		  const struct par_request *request, const char *type, unsigned when);

/* mark.c: the events that tell of the MARK operation with that index. */
void mark_events(struct messaging *m, struct par_tx *tx, const struct par_chat *chat,
		 const struct par_request *request, enum par_mark_kind kind, unsigned op);

/* delivering.c */
#define DELIVERING_MAX 50

struct delivering {
	const struct par_member *members; /* NULL: too many to be told, or a dialog */
	unsigned n;
};

/* Copies the rows of a MEMBERS query into the memory of the other query. */
void delivering_keep(struct messaging *m, struct delivering *to, struct par_query *query,
		     const struct par_query *members);
/* `count`, or fewer messages: each may have all the members in it. */
unsigned delivering_limit(const struct delivering *delivering, unsigned count);
/* The member `delivering` of a message. */
void delivering_write(struct par_json *w, const struct delivering *delivering,
		      const struct par_stored_message *message);

/* call.c: CallPayload of a stored call as `reader` sees it, one value. */
void call_write_stored(struct par_json *w, struct par_str stored, struct par_str reader);

#endif
