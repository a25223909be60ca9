/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a batch of transactions knows: the chats, members, users, devices, messages and
 * documents that its works are about, as they were when their rows were locked, and what
 * became of them since. index.c goes through the works and notes what each operation needs
 * (struct need), load.c asks for all of it and fills it in; the operations (ops.h) decide on it
 * and change it; write.c writes what was changed. Strings are borrowed from the results or
 * from the works, which both live until the batch is over. All else lies in one arena.
 *
 * A work that is refused after it changed something cannot be undone here: the world
 * is made anew from the same results, and the others decided again without it.
 *
 * Of a dialog both members are loaded; of a group all of them, with their users, where an
 * operation may change any of them (`every`), and else those who are named.
 */
#ifndef STORAGE_POSTGRES_WORLD_H
#define STORAGE_POSTGRES_WORLD_H

#include <obstack.h>
#include <uthash.h>

#include "../storage_common/cursor.h"
#include "../storage_common/kind.h"
#include "batch.h"

enum device_state { DEVICE_SAME, DEVICE_CHANGED, DEVICE_NEW };

struct device {
	struct par_str name;
	struct cursor cursor;
	uint64_t connected; /* number of the server that has it; 0: none */
	bool orphan; /* that one died */
	uint64_t seen;
	enum device_state state;
	struct device *next;
};

/* Whether the user has another device than this one, as loaded. */
struct others {
	struct user *user;
	struct par_str device;
	bool some;
	struct others *next; /* of the user */
};

/* A member of a group who is asked for by his name. */
struct named {
	struct chat *chat;
	struct user *user;
	struct named *next; /* of the user */
};

struct user {
	int64_t id; /* 0: there is none of this name, or his row is not locked */
	struct par_str name;
	uint64_t first_seq, last_seq, rank;
	uint64_t last_at; /* the time of his last event: the next one's is no less */
	uint64_t loaded_first_seq;
	bool forgot, behind;
	bool locked; /* his row is asked for */
	bool devices_known; /* and his devices */
	bool make; /* there must be one of this name */
	bool changed;
	struct others *others;
	struct named *named;
	const struct roster_step *step; /* of the ROSTER that is being carried out */
	unsigned noted; /* see world.notes */
	struct device *devices;
	struct device *forgotten; /* those of them that the database has */
	UT_hash_handle hh;
};

/* A message is hidden from a user. */
struct hidden {
	const struct message *message;
	int64_t user_id;
	uint64_t at;
	struct hidden *next; /* of the message */
	struct hidden *next_new; /* of the world */
};

/* A message that was asked for, or is new. Of a service message `ref` is the original. */
struct message {
	struct chat *chat;
	uint64_t id; /* with the chat the key of what was asked for */
	bool asked; /* for, by its id */
	bool in_sent; /* in the list of its client id */
	bool found;
	bool is_new; /* to be inserted */
	bool changed; /* to be updated */
	enum kind kind;
	int64_t sender;
	struct par_str sender_name; /* in a group, as loaded */
	uint64_t created, updated, deleted;
	uint64_t fingerprint;
	uint64_t ref;
	uint64_t deletion, deletion_created; /* the service message of its deletion */
	struct par_str deletion_client_id;
	struct par_str client_id, original_client_id;
	struct par_str text, attachments, forwarded, payload;
	struct hidden *hidden;
	struct message *next_sent; /* with the same client id */
	struct message *next_added, *next_changed;
	UT_hash_handle hh;
};

/* The messages of a chat with this client id: one of each user at most. */
struct sent {
	struct message *messages;
	struct par_str client_id;
	UT_hash_handle hh;
	struct chat *chat; /* the key begins here */
	char bytes[];
};

/* What a member had not read and is deleted, or hidden from him, by this batch. */
struct unmissed {
	uint64_t id;
	struct unmissed *next;
};

struct member {
	struct user *user;
	int64_t user_id;
	uint64_t read, read_at, delivered, delivered_at;
	uint64_t missed, theirs, rank;
	struct par_str theirs_client_id; /* where he marks along, and it is unread as loaded */
	struct unmissed *unmissed;
	bool changed;
	/* in a group */
	enum par_role role;
	bool promoted; /* the role is to be saved */
	bool is_new; /* to be inserted */
	uint64_t joined, since;
};

#define DIALOG_MEMBERS 2

struct chat {
	int64_t id; /* 0: there is none with this key */
	struct par_str key;
	struct user *user, *peer; /* whose dialog it is; of a group both one who acts */
	struct user *marks; /* a member whose mark goes along with something */
	bool all_mark; /* he is not the only one */
	bool make; /* there must be one with this key */
	bool changed;
	uint64_t last_id, last_time, content;
	uint64_t loaded_id; /* last_id in the database */
	struct member pair[DIALOG_MEMBERS];
	struct member *members; /* `pair`, or more */
	unsigned n_members, cap_members;
	bool group;
	bool joins; /* some may join it */
	bool every; /* all members are asked for, and their users locked */
	bool gone; /* it was deleted, and what it held is not dropped yet */
	bool remade; /* the name, how many are in it, or `gone` are to be saved */
	struct par_str name; /* of a group; s NULL: there is none */
	struct message **added; /* those behind loaded_id, in order */
	size_t cap_added;
	UT_hash_handle hh;
};

/* A message that a mark covers, as loaded, and the member of the group who wrote it. */
struct author {
	uint64_t id;
	struct user *user;
	struct author *next; /* the one before it */
};

/* Where a mark is asked to stand, and what is missed behind it, as loaded. */
struct mark {
	struct chat *chat;
	struct user *user;
	uint64_t upto;
	uint64_t id; /* 0: there is nothing to mark */
	struct par_str client_id;
	uint64_t missed;
	/* in a group */
	bool read; /* and not just delivered */
	bool tells; /* the authors are asked for */
	struct author *authors, **authors_end;
	uint64_t from, to; /* where it stood before it was carried out, and stands since */
};

struct event {
	const struct user *user;
	uint64_t seq, at;
	const struct par_op_event *op;
	struct par_str payload;
	struct event *next;
};

/* One event to many: what all of them get, and whose streams got it. */
struct shared {
	const struct par_op_event *op;
	struct par_str payload;
	const struct user *own; /* who did it; NULL: he is none of them */
	struct share *shares;
	unsigned n;
	struct shared *next;
};

struct share {
	struct user *user;
	uint64_t seq, at, missed;
};

/* A member who is no more, and what he had hidden. */
struct dropped {
	int64_t chat_id, user_id;
	struct dropped *next;
};

struct doc {
	struct par_str plugin, key, value; /* value: as far as it is asked for */
	bool expects; /* the value is asked for; where there is none nobody else may put one */
	bool stored; /* the database has one */
	bool there; /* it is to have it */
	bool changed;
	UT_hash_handle hh;
	char bytes[];
};

/* What an operation, or a DEVICE query, is about. */
struct need {
	struct chat *chat;
	struct user *user; /* who acts; whose stream it is */
	struct sent *sent; /* what was sent with its client id */
	struct message *message; /* by its id: replied to, to be changed */
	struct sent *target; /* to be changed, by its client id */
	struct mark *mark;
	struct others *others;
	struct doc *doc;
	struct chat *forward_chat; /* where the message is that is forwarded */
	struct message *forward;
};

/* Things in the order in which they are asked for: rows say by number whose they are. */
struct list {
	void **of;
	size_t n, cap;
};

struct world {
	struct batch *batch;
	const struct par_api *api;
	struct obstack memory;
	struct par_json writer;
	bool fresh; /* nothing was loaded into it */
	bool made; /* missing names were made */
	bool decided;
	bool *refused; /* by work: it must not be decided again */
	unsigned n_asked;
	unsigned asked[ST_COUNT]; /* which lane_ask of the step it was, plus one; 0: none */
	struct need **needs; /* by work, then by operation */
	struct chat *chats;
	struct user *users;
	struct sent *sents;
	struct message *messages;
	struct doc *docs;
	struct list chat_list, sent_list, message_list, mark_list, doc_list;
	struct list lock_list, device_list, others_list; /* of users */
	struct list group_list, named_list;
	struct list id_list; /* where there are groups: the users locked, ascending by id */
	struct message *added, **added_end;
	struct message *changed, **changed_end;
	struct event *events, **events_end;
	struct shared *shared, **shared_end;
	struct dropped *dropped;
	unsigned notes; /* counts what users are noted for */
	struct hidden *hides; /* to be inserted */
};

/* world.c. A world for the batch; its needs are noted. */
struct world *world_new(struct batch *batch);
void world_free(struct world *w);
/* As it was when it was new. */
void world_again(struct world *w);
void *world_alloc(struct world *w, size_t size); /* zeroed; never NULL */
void list_add(struct world *w, struct list *list, void *item);
/* The writer, empty. */
struct par_json *world_writer(struct world *w);
/* A copy that lives as long as the tx. s NULL stays so. */
struct par_str world_tx_copy(struct world *w, struct par_tx *tx, struct par_str s);

/* index.c: notes what the works need. */
void world_index(struct world *w);
/* The user of this name; made known where he is not. */
struct user *world_user(struct world *w, struct par_str name);
/* His row is asked for, and is written when it is changed. */
void world_lock(struct world *w, struct user *user);
/* The message of this id, which may not be there. */
struct message *world_message(struct world *w, struct chat *chat, uint64_t id);

/* world.c: one more member. */
struct member *world_member(struct world *w, struct chat *chat);

/* load.c */
void load_ask(struct world *w);
void load_take(struct world *w);

/* create.c: names that must be there and are not. */
bool create_needed(const struct world *w);
void create_ask(struct world *w);

/* write.c. False when there is nothing to write. */
bool write_ask(struct world *w);

/* Asks, and keeps in mind where the result will be. */
static inline void world_ask(struct world *w, enum statement statement)
{
	lane_ask(w->batch->lane, statement);
	w->asked[statement] = ++w->n_asked;
}

/* Where the first array is empty there is nothing to ask. */
static inline void world_ask_some(struct world *w, const struct params *p, enum statement statement)
{
	if (p->param[0].n > 0)
		world_ask(w, statement);
}

static inline struct params *world_params(struct world *w)
{
	return lane_params(w->batch->lane);
}

#endif
