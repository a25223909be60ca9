/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The presence plugin: docs/protocol.md, Presence. Users who share a dialog are told when one
 * of them comes and when he has gone. Everything runs on the core thread.
 *
 *   presence.c  the descriptor, options, hooks and client events
 *   person.c    who is here, and what the others are to know of him
 *   errand.c    telling them, little by little: one queue for all users
 *   page.c      what is told of one page of peers
 *   seen.c      lastSeen: kept in documents, and the request for it
 *   keep.c      who is online and is to be stored now and then
 *   detail.c    lastSeen in the list of chats
 */
#ifndef PRESENCE_H
#define PRESENCE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include <uthash.h>

#include <parlance/storage.h>

/* Sessions of a user that one errand greets; more of them make another. */
#define ERRAND_SEATS 4
/* Errands of a user. A session that would make one more is told of nobody. */
#define ERRANDS_MAX 64
/* Users of whom something is kept though they have no session: in the grace, waiting to be
 * told of, or for their lastSeen to be written. */
#define ABSENT_MAX 100000
/* Rows of peers that are on their way from the storage at a time, and so the most that are
 * looked at in one turn. The first page is small: most users need no other. */
#define ROWS_MAX 256
#define ROWS_FIRST 32
#define ROWS_PAGE 128

/* One session of a person. */
struct seat {
	struct seat *next;
	par_session_id session;
	uint64_t opened; /* a tick of presence.ticks */
	bool away; /* its device is in the background */
};

/* A user who is here, or about whom something is still to be done. */
struct person {
	UT_hash_handle hh;
	struct seat *seats;
	unsigned n_front; /* seats that are not away */
	unsigned n_errands;
	bool online; /* as it is: with a seat in front, or in the grace after the last one */
	bool told; /* as the last notice that began says */
	bool again; /* changed while the notice was under way */
	bool unsaved; /* in presence.unsaved */
	unsigned saving; /* transactions under way with his lastSeen */
	struct errand *notice; /* the one that tells the others; NULL: none */
	struct errand *waiting; /* the one that has not begun; NULL: none */
	par_timer_id grace;
	uint64_t noticed; /* the tick when the last notice of his coming began */
	uint64_t seen; /* when the last seat in front went; 0: it is there */
	uint64_t kept; /* when he was last in the list of those to be stored, as online */
	TAILQ_ENTRY(person) of_unsaved;
	TAILQ_ENTRY(person) of_kept; /* while online, with an interval */
	size_t id_len;
	char id[];
};

/*
 * A walk through the peers of a person, page by page: `notice` tells them of him, and each
 * seat listed is told who of them is online. It is in the queue, or its page is on its
 * way (`asked`), or it waits for a seat that is congested (`held`).
 */
struct errand {
	TAILQ_ENTRY(errand) of_queue;
	LIST_ENTRY(errand) of_all;
	struct person *person;
	bool notice;
	bool begun; /* a page was dealt with, or a part of one */
	bool queued;
	bool asked;
	par_timer_id held; /* 0: it is not */
	uint64_t hold; /* ms, for how long it was held the last time */
	unsigned n_seats;
	par_session_id seats[ERRAND_SEATS];
	size_t after_len; /* 0: from the start */
	char after[PAR_ID_MAX]; /* the last peer dealt with */
};

struct presence {
	const struct par_api *api;
	struct par_plugin *self;
	uint64_t grace;
	uint64_t interval; /* 0: who is online is not stored */
	struct person *persons;
	unsigned n_absent;
	uint64_t ticks; /* counts sessions that opened and notices that began: which was first */
	bool stopping;
	/* errand.c */
	TAILQ_HEAD(, errand) queue;
	LIST_HEAD(, errand) errands; /* all of them */
	unsigned rows; /* asked for and not answered */
	par_timer_id turn; /* the next look at the queue */
	bool failing; /* the storage was not there for the last page */
	bool complained;
	uint64_t turn_events; /* sent since the last look */
	uint64_t turn_most;
	/* seen.c */
	TAILQ_HEAD(, person) unsaved;
	unsigned saves; /* transactions under way */
	par_timer_id save;
	/* keep.c */
	TAILQ_HEAD(, person) kept; /* in the order of person.kept */
	unsigned n_kept;
	uint64_t keep_share;
	par_timer_id keep;
	struct {
		struct par_metric *online, *told, *greeted, *coalesced, *pages, *waiting,
		    *turn_most, *held, *failed, *dropped, *saved, *kept;
	} count;
};

static inline struct par_str person_id(const struct person *person)
{
	struct par_str id = { person->id, person->id_len };
	return id;
}

/* person.c */
struct person *person_find(const struct presence *p, struct par_str id);
struct seat *person_seat(const struct person *person, par_session_id session);
/* A session of the user came, or went. */
void person_enter(struct presence *p, struct par_str id, par_session_id session);
void person_leave(struct presence *p, struct par_str id, par_session_id session);
/* A session's device went to the background, or came back from there. */
void person_away(struct presence *p, struct par_str id, par_session_id session, bool away);
/* Frees him when nothing is left to be done about him. */
void person_settle(struct presence *p, struct person *person);
void person_free(struct presence *p, struct person *person);

/* errand.c */
/* What the others are to know of him has changed. */
void errand_notice(struct presence *p, struct person *person);
/* The session is told who of his peers is online. */
void errand_greet(struct presence *p, struct person *person, par_session_id session);
/* The seat goes on behind `after` when it has room again. */
void errand_hold(struct presence *p, const struct errand *errand, par_session_id session,
		 struct par_str after);
/* What waits to be told of him is not told. */
void errand_forget(struct presence *p, struct person *person);
void errands_stop(struct presence *p);

/* page.c: tells what the page gives cause for. */
void page_tell(struct presence *p, struct errand *errand, const struct par_query *page);

/* seen.c */
#define SEEN_DIGITS 20 /* of a time, at most */
void seen_save(struct presence *p, struct person *person);
void seen_forget(struct presence *p, struct person *person);
void seen_stop(struct presence *p);
void seen_request(void *state, const struct par_request *request);

/* keep.c */
/* He is online; he is not any more. */
void keep_begin(struct presence *p, struct person *person);
void keep_end(struct presence *p, struct person *person);
void keep_stop(struct presence *p);

/* detail.c */
extern const struct par_chat_detail seen_detail;

#endif
