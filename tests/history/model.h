/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the checker knows while it reads: users, their devices and streams, chats and
 * their messages, and each request with its answer. Everything lives in the arena
 * of the history until its end; tables are by uthash.
 *
 * An intent is what one client meant to do once: all requests of one sender with one
 * clientMessageId in one chat, or a single request without one. A message is
 * what the server said about one messageId of a chat: in an answer, in an event, in a page of the
 * history. These three must agree, which model_fact() checks as they come.
 */
#ifndef PARLANCE_TESTS_HISTORY_MODEL_H
#define PARLANCE_TESTS_HISTORY_MODEL_H

#include <uthash.h>

#include "base/mem.h"
#include "history.h"

/* A line. `line` 0: none. */
struct spot {
	uint64_t t;
	uint32_t file, line;
};

enum kind {
	KIND_OTHER,
	KIND_NEW,
	KIND_EDIT,
	KIND_DELETE, /* for all */
	KIND_CALL,
	KIND_HIDE, /* delete, for oneself */
	KIND_DLVRD,
	KIND_READ,
	KIND_PAGE, /* request `messages` */
	KIND_RESYNC
};

/* Hashes; 0: empty or absent. */
struct content {
	uint64_t text, attachments, forwarded;
	uint64_t reply; /* a messageId */
	bool has_text, has_attachments; /* of an edit: it changes them */
};

struct name {
	UT_hash_handle hh;
	const char *s;
};

/* A durable event of a user's stream. */
struct event {
	UT_hash_handle hh;
	uint64_t seq, payload;
	struct chat *chat; /* NULL: of no chat that is judged */
	struct user *by; /* the sender, or who marked; NULL: not said */
	uint64_t id, original;
	struct spot first;
	enum kind kind;
};

struct user {
	UT_hash_handle hh;
	const char *id;
	struct device *devices;
	struct device *first; /* the first one on record here */
	bool first_unsure; /* another one connected before it was heard of */
	struct event *events;
	struct event **by_seq; /* sorted, for judging */
};

struct got {
	struct event *event;
	struct spot spot;
};

struct device {
	struct device *next; /* of the user */
	struct user *user;
	const char *id;
	struct spot settled; /* the first message that proves it to be on record */
	struct spot caught_up; /* the last time that was said */
	struct got *got; /* as received; sorted by seq for judging */
	size_t n_got, got_room;
	uint64_t closed_high; /* highest seq of connections that are closed */
	uint64_t resync_from, resync_least; /* highest, lowest fromSeq; 0: none */
	struct spot resynced; /* the last one */
};

enum source { BY_ANSWER, BY_EVENT, BY_PAGE, SOURCES };

struct message {
	UT_hash_handle hh;
	uint64_t id;
	struct chat *chat;
	struct spot seen[SOURCES]; /* where it was said first */
	struct spot known; /* the first of these; line 0: nobody said that it is there */
	struct user *sender; /* NULL: not known */
	struct name *client_id; /* if known at all; NULL: it has none */
	bool client_id_known, content_known;
	enum kind kind;
	uint64_t created;
	uint64_t original; /* of a service message; 0: not known */
	struct content content;
	struct intent *intent; /* NULL: not known */
	struct event *told[2]; /* to each member of the chat */
	bool hidden[2]; /* a member may have hidden it */
	bool doubted; /* a fault was found: no more is judged of it */
	/* for judging */
	struct message *edits, *next_edit; /* ascending */
	struct message *deleted_by;
	struct spot delete_asked, delete_refused; /* the first requests that may have deleted it */
	bool edits_open; /* some edit may or may not have been applied */
};

struct chat {
	UT_hash_handle hh;
	struct user *members[2]; /* in the order of their ids; the same one twice: with oneself */
	struct message *messages;
	struct message **by_id; /* sorted, for judging */
	size_t n_messages;
	bool hides_unknown[2], edits_unknown, deletes_unknown;
	uint64_t last_id[2], last_mark[2][2][2]; /* of the streams of the members */
};

/* What one device did and was told in a chat. */
struct seat_key {
	struct device *device;
	struct chat *chat;
};

struct seat {
	UT_hash_handle hh;
	struct seat_key key;
	bool acted;
	uint64_t dlvrd, read; /* the highest marks of the other that it was told */
};

enum outcome { OUTCOME_OPEN, OUTCOME_OK, OUTCOME_REFUSED };

struct request {
	struct request *next; /* as sent */
	struct request *next_of_intent, *next_waiting;
	struct intent *intent;
	struct conn *conn;
	struct device *device;
	struct chat *chat;
	struct spot sent, answered;
	struct name *target_client_id;
	uint64_t target; /* originalMessageId, or startId of a page */
	uint64_t end; /* endId of a page */
	uint64_t id; /* the messageId of the answer */
	struct content content;
	enum kind kind;
	enum outcome outcome;
	bool unclear; /* several with its id were in flight: no answer is attributed */
};

struct intent_key {
	struct chat *chat;
	struct user *sender;
	struct name *client_id;
};

struct intent {
	UT_hash_handle hh;
	struct intent_key key; /* client_id NULL: in no table */
	struct request *first, *last;
	struct message *message; /* NULL: not known to be stored */
};

/* A page of the history, and what of its rows is judged in the end. */
struct row {
	struct message *message;
	uint64_t text, attachments;
	bool updated, deleted;
};

struct page {
	struct page *next;
	struct request *request;
	struct spot spot;
	bool more;
	size_t n;
	struct row rows[];
};

struct history {
	struct arena arena;
	struct spot at; /* of the next line */
	char **files;
	uint32_t n_files;
	unsigned window;
	bool born; /* the recording begins with the storage empty */
	struct name *names;
	struct user *users;
	struct chat *chats;
	struct intent *intents;
	struct seat *seats;
	struct conn *conns, *all_conns;
	struct request *requests, **requests_end;
	struct page *pages, **pages_end;
	struct faults *faults;
	uint64_t n_lines, n_conns, n_requests, n_answers, n_events, n_acks;
};

/* Whether `a` is known to come before `b`: between files only the clock says so. */
bool spot_before(struct spot a, struct spot b);

struct name *model_name(struct history *h, const char *s); /* NULL: NULL */
struct user *model_user(struct history *h, const char *id);
struct device *model_device(struct history *h, struct user *user, const char *id);
/* The chat that `user` calls `id`; NULL: none that is judged. */
struct chat *model_chat(struct history *h, struct user *user, const char *id);
unsigned chat_member(const struct chat *chat, const struct user *user);
struct message *model_message(struct history *h, struct chat *chat, uint64_t id);
struct seat *model_seat(struct history *h, struct device *device, struct chat *chat);
/* client_id NULL: a new one. */
struct intent *model_intent(struct history *h, struct chat *chat, struct user *sender,
			    struct name *client_id);
struct intent *model_find_intent(struct history *h, struct chat *chat, struct user *sender,
				 struct name *client_id);

struct fact {
	enum source source;
	enum kind kind;
	struct user *sender; /* NULL: not said */
	struct name *client_id;
	bool client_id_known;
	uint64_t created, original; /* 0: not said */
	const struct content *content; /* NULL: not said */
	struct intent *intent; /* NULL: not said */
};

struct message *model_fact(struct history *h, struct chat *chat, uint64_t id,
			   const struct fact *fact);

#endif
