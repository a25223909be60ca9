/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A step is one change of one call that somebody asks for, or that time brings about. It
 * owns copies of all that it needs, so it can be tried again when another was faster.
 */
#ifndef CALLS_STEP_H
#define CALLS_STEP_H

#include "calls.h"

enum step_kind {
	STEP_NEW,
	STEP_JOIN,
	STEP_LEAVE,
	STEP_CLOSE,
	STEP_RING, /* nobody joined in time */
	STEP_GONE, /* a participant did not come back */
	STEP_BEAT /* who is connected here is written down */
};

/* What is to become of the call's document. */
enum step_way { WAY_NOTHING, WAY_REFUSE, WAY_WRITE, WAY_CLOSE };

struct step {
	UT_hash_handle hh; /* by the chat's key, when it is under way */
	struct step *next; /* it waits for this one's end */
	struct step *last; /* when it is under way: who came last, itself or another, */
	unsigned waiting; /* and how many there are behind it */
	struct calls *calls;
	enum step_kind kind;
	par_request_id request; /* 0: nobody asked */
	par_session_id session;
	struct par_chat chat; /* .user is who acts */
	struct par_str device;
	struct par_str call_id;
	struct par_str type; /* NEW */
	struct person *caller; /* NEW: of whom this is counted as a call until it ends */
	uint64_t since; /* GONE: when he was seen last */
	unsigned tries;
	bool fresh; /* the document is as it was a moment ago */
	bool nameless; /* the message gets no client id: another call had this callId once */
	bool absent; /* he is no longer in the group: the others are told in the caller's name */
	bool quiet; /* nobody can be told: the caller is no longer in it either, or it is gone */

	/* decide.c's verdict, of the try under way */
	enum step_way way;
	enum par_error error; /* REFUSE; of the conflict of two calls, PAR_E_CONFLICT */
	const char *message;
	struct json_object *doc; /* the step's own: as it is to be, or was when it is closed */
	struct par_str expected; /* as it is now; s NULL: there is none */
	uint64_t duration; /* CLOSE: seconds */

	char bytes[];
};

/* Makes a copy of all; nobody is answered. */
struct step *step_new(struct calls *calls, enum step_kind kind, struct par_str user,
		      struct par_str chat_id, struct par_str device, struct par_str call_id);
/* Takes it. It begins when no other one of its chat is under way. */
void step_run(struct step *step);

/* decide.c: fills in the verdict, from the document as it is now (NULL: there is none). */
void step_decide(struct step *step, struct json_object *now_doc, uint64_t now);

/* tell.c: the operations of a verdict that is WRITE or CLOSE. */
void step_tell(struct step *step, struct par_tx *tx);
/* The index of the message in the tx of a CLOSE. */
#define TELL_MESSAGE 1

/* request.c: it is done, or was refused; the answer, if somebody asked. `tx` may be NULL. */
void step_answer(struct step *step, const struct par_tx *tx);

#endif
