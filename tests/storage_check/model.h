/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A storage as plain as can be, to compare a real one with: everything lies in
 * arrays, is counted anew each time, and a transaction is undone by copying the
 * whole of it back. Users, devices, client ids, texts and keys are small
 * numbers, which are made into strings on the way to the real one.
 *
 * Where storage.h leaves a choice the model holds both ends of it, or adopts
 * what the storage chose: when acked events are dropped, and times in a chat
 * after a clock went back.
 */
#ifndef STORAGE_CHECK_MODEL_H
#define STORAGE_CHECK_MODEL_H

#include "check.h"

#define M_USERS 4
#define M_DEVICES 3
#define M_GROUPS 3
#define M_PEERS (M_USERS + M_GROUPS)
#define M_DIALOGS (M_USERS * (M_USERS + 1) / 2)
#define M_CHATS (M_DIALOGS + M_GROUPS)
#define M_MESSAGES 200
#define M_EVENTS 500
#define M_DOCS 8
#define M_KEYS 12 /* of one query */
#define M_ABOVE 4
#define M_PAYLOAD 128

enum model_kind { M_NEW, M_CALL, M_EDIT, M_DELETE };

/* --- what is asked of both; 0 is "none" where nothing else is said --- */

struct plan_op {
	enum par_op_kind kind;
	int when;
	/* of the chat; the user of EVENT and CURSOR. A peer from M_USERS on is a group. */
	unsigned user, peer;
	/* APPEND, CHANGE */
	bool call;
	unsigned client, text, attachments;
	uint64_t reply_to;
	uint64_t forward; /* of the chat with `forward_peer` */
	unsigned forward_peer;
	enum par_change_kind change;
	uint64_t target;
	unsigned target_client;
	/* MARK */
	enum par_mark_kind mark;
	uint64_t upto;
	/* EVENT: with holes for the results of `about`, or -1 */
	int about;
	unsigned number;
	bool own, always;
	unsigned device; /* CURSOR too */
	par_session_id session;
	/* EVENT to many: in the group `peer`, of whom chat.user is `user` */
	enum par_reach reach;
	unsigned of;
	int but; /* -1: nobody is left out */
	bool missed;
	/* CURSOR */
	uint64_t acked, sent, above[M_ABOVE];
	unsigned n_above;
	bool closed;
	/* DOC_* */
	unsigned key, value;
	bool expects;
	unsigned expected;
	/* ROSTER */
	enum par_roster_kind roster;
	unsigned users; /* a set of bits */
	unsigned name, max_members;
	enum par_role role;
	bool history;
};

struct plan {
	uint64_t now;
	unsigned n_ops;
	struct plan_op op[PAR_TX_OPS];
	struct outcome *outcome;
	/* or a query, when n_ops is 0 */
	enum par_query_kind query;
	unsigned user, peer, device, limit;
	uint64_t after, start_id, end_id;
	bool behind; /* CHATS: goes on behind the chat with `peer` */
	unsigned keys[M_KEYS], n_keys; /* DOCS; M_DOCS is one that is never there */
	size_t max_bytes;
	struct page *page;
};

/* --- what is kept --- */

struct model_message {
	unsigned sender;
	enum model_kind kind;
	unsigned client, text, attachments;
	uint64_t fingerprint;
	uint64_t ref, deletion;
	uint64_t created, updated, deleted;
	uint64_t hidden[M_USERS]; /* since when, for each member */
};

struct model_mark {
	uint64_t upto, at;
};

struct model_group {
	bool there;
	bool deleted; /* and PRUNE has not dropped it yet */
	unsigned name;
	bool in[M_USERS];
	enum par_role role[M_USERS];
	uint64_t joined[M_USERS]; /* when */
	uint64_t base[M_USERS]; /* the last message when he joined */
	uint64_t since[M_USERS]; /* messages up to this are not there for him */
	uint64_t order[M_USERS]; /* of joining */
};

/* The members of a group have the places of the users. */
struct model_chat {
	bool is_group;
	struct model_group group;
	unsigned users[M_USERS];
	unsigned n_users;
	uint64_t n;
	uint64_t time; /* of the last message: nothing later is before it */
	uint64_t late; /* the latest time of anything */
	uint64_t order;
	struct model_mark read[M_USERS], delivered[M_USERS];
	struct model_message messages[M_MESSAGES + 1]; /* from 1 */
};

struct model_event {
	uint64_t stored, after_all; /* when; and the latest time there was by then */
	bool own;
	unsigned device;
	par_session_id session;
	char payload[M_PAYLOAD];
};

struct model_device {
	bool on_record, connected;
	bool orphan; /* its server died: `sent` is the end at the next DEVICE */
	uint64_t acked, sent;
	uint64_t seen, seen_late; /* the last time, and the latest: a clock may go back */
	uint64_t lost; /* to be told until all up to this is acked; 0: nothing */
	bool lost_unsure;
	bool got[M_EVENTS + 2]; /* acked one by one */
};

struct model_user {
	uint64_t last_seq;
	uint64_t first_min, first_max; /* the first event kept is one of these */
	bool forgot;
	struct model_device devices[M_DEVICES];
	struct model_event events[M_EVENTS + 1]; /* from 1 */
};

struct model {
	unsigned round; /* part of all names */
	uint64_t order; /* of chats */
	uint64_t clock; /* as far as it ever came */
	struct model_chat chats[M_CHATS];
	struct model_user users[M_USERS];
	unsigned docs[M_DOCS];
};

/* What an operation must give. `errors` is a set of bits; 0: it must succeed. */
struct wanted {
	bool applied;
	bool bare; /* nothing but `applied` is said */
	uint64_t id, timestamp, original_id, missed, seq;
	unsigned client, original_client;
	char payload[M_PAYLOAD];
	uint32_t errors;
	uint32_t open; /* errors that may come as well */
	uint64_t covered; /* by a mark, before this one */
	unsigned changed, members, name; /* of a ROSTER; `changed` is a set of bits */
	const char *owner; /* likewise: who became it; NULL: nobody */
	/* of an EVENT to many, by user; seq 0: he gets none */
	uint64_t seqs[M_USERS], counts[M_USERS];
};

/* model.c */
void model_begin(struct model *m, unsigned round);
const char *model_user(const struct model *m, unsigned user);
const char *model_device(unsigned device);
const char *model_client(unsigned client); /* NULL: none */
const char *model_text(unsigned text);
const char *model_attachments(unsigned attachments);
const char *model_plugin(const struct model *m);
struct model_chat *model_chat(struct model *m, unsigned user, unsigned peer);
unsigned model_member(const struct model_chat *chat, unsigned user);
bool model_is_service(const struct model_message *message);
uint64_t model_time(const struct plan *plan, struct model_chat *chat, const struct result *came);
uint64_t model_missed(const struct model_chat *chat, unsigned member);
uint64_t model_fingerprint(const struct plan_op *op);
/* Carries out the plan's transaction, comparing result for result. */
void model_run(struct model *m, const struct plan *plan);

/* model_say.c */
_Noreturn void model_differs(const struct plan *plan, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void model_compare(const struct model *m, const struct plan *plan, unsigned i,
		   const struct wanted *w);

/* model_group.c */
bool model_is_in(const struct model_chat *chat, unsigned user);
/* Whether the message is there for the member: not hidden, and not from before he joined. */
bool model_sees(const struct model_chat *chat, unsigned member, uint64_t id);
/* Up to where nothing is there for him. */
uint64_t model_since(const struct model_chat *chat, unsigned user);
/* The place in the user's list of chats, the highest first; 0: not in it. */
uint64_t model_order(const struct model_chat *chat, unsigned user);
const char *model_name(unsigned name); /* of a group */
void model_roster(struct model *m, const struct plan *plan, const struct plan_op *op,
		  const struct result *came, struct wanted *w);
void model_reach(struct model *m, const struct plan *plan, const struct plan_op *op,
		 const struct wanted *all, struct wanted *w);
void model_compare_group(const struct model *m, const struct plan *plan, unsigned i,
			 const struct wanted *w);
void model_check_members(struct model *m, const struct plan *plan);
/* All steps of a PRUNE. */
void model_prune_groups(struct model *m);

/* model_stream.c */
/* False when he has no other device to tell. */
bool model_push(struct model *m, const struct plan *plan, const struct plan_op *op, unsigned user,
		bool own, const char *payload);
void model_event(struct model *m, const struct plan *plan, const struct plan_op *op,
		 const struct wanted *all, struct wanted *w);
void model_cursor(struct model *m, const struct plan *plan, const struct plan_op *op,
		  struct wanted *w);
void model_restart(struct model *m, uint64_t now);
/* After all steps of a PRUNE, which forgot so many devices of these users. */
void model_prune(struct model *m, uint64_t events_before, uint64_t devices_before,
		 uint64_t devices);
void model_check_device(struct model *m, const struct plan *plan);
void model_check_events(struct model *m, const struct plan *plan);

/* model_query.c: compares the answer. */
void model_check(struct model *m, const struct plan *plan);

#endif
