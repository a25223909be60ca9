/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A step is one change of one call that somebody asks for, or that time brings about. It
 * owns copies of all that it needs, so it can be tried again when another was faster.
 */
#ifndef CALLS_STEP_H
#define CALLS_STEP_H

#include "calls.h"

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
	bool named; /* NEW: the callId is the client's, so he may be asking once more */
	struct person *caller; /* NEW: of whom this is counted as a call until it ends */
	uint64_t since; /* GONE: when he was seen last */
	unsigned tries;
	bool asks; /* the copy of the document that is known here is not good enough */
	bool looks; /* it has to know who is in the group */
	bool nameless; /* the message gets no client id: another call had this callId once */
	struct par_str lost; /* its own: the document of which it was said that it is another */

	/* what it found in the storage, for the try under way */
	bool fresh; /* the document is as it was a moment ago */
	bool gone; /* there is no such group */
	bool recalled; /* NEW: the calls that are over were looked at; */
	uint64_t over; /* this one is, and began then; 0: it is not */
	struct json_object *roster; /* roster.c; NULL: not known, all are taken to be members */
	size_t anybody_len; /* 0: none was seen yet */
	char anybody[PAR_ID_MAX]; /* a member */

	/* decide.c's verdict, of the try under way */
	enum step_way way;
	struct par_str who; /* whom it is about */
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
/* For look.c: goes on with what it has found, or ends. `tx` may be NULL. */
void step_try(struct step *step);
void step_end(struct step *step, const struct par_tx *tx);
void step_fail(struct step *step, enum par_error error, const char *message,
	       const struct par_tx *tx);

/* look.c: each asks the storage. */

/* For the document, then tries again. */
void look_ask(struct step *step);
/* Who of those in the call is a member of the group, then tries again. */
void look_roster(struct step *step, struct json_object *doc);
/* Whether the call that he asks for has been and is over, then tries again. */
void look_over(struct step *step);
/* Whether he who acts is a member, and then ends; if not, so that he learns nothing else. */
void look_member(struct step *step);

/* roster.c */

/* The step has to know of all whom this call names, and of nobody yet. */
void roster_begin(struct step *step, struct json_object *doc);
void roster_forget(struct step *step);
/* He is a member. */
void roster_note(struct step *step, struct par_str user);
/* Whether he is; who joined the call since it was looked at is one. */
bool roster_has(const struct step *step, struct par_str user);
/* A member in whose name the others are told: who acts, the caller, who takes part, who once did,
 * or else anybody. */
struct par_str roster_teller(const struct step *step);
/* One who takes part and is no member; s NULL: there is none. */
struct par_str roster_out(const struct step *step);

/* decide.c: fills in the verdict, from the document as it is now (NULL: there is none). */
void step_decide(struct step *step, struct json_object *now_doc, uint64_t now);

/* tell.c: the operations of a verdict that is WRITE or CLOSE. */
void step_tell(struct step *step, struct par_tx *tx);
/* The index of the message in the tx of a CLOSE. */
#define TELL_MESSAGE 1

/* request.c: it is done, or was refused; the answer, if somebody asked. `tx` may be NULL. */
void step_answer(struct step *step, const struct par_tx *tx);

#endif
