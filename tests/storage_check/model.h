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
#define M_CHATS (M_USERS * (M_USERS + 1) / 2)
#define M_MESSAGES 200
#define M_EVENTS 500
#define M_DOCS 8
#define M_ABOVE 4
#define M_PAYLOAD 80

enum model_kind { M_NEW, M_CALL, M_EDIT, M_DELETE };

/* --- what is asked of both; 0 is "none" where nothing else is said --- */

struct plan_op {
	enum par_op_kind kind;
	int when;
	unsigned user, peer; /* of the chat; the user of EVENT and CURSOR */
	/* APPEND, CHANGE */
	bool call;
	unsigned client, text, attachments;
	uint64_t reply_to;
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
	/* CURSOR */
	uint64_t acked, sent, above[M_ABOVE];
	unsigned n_above;
	bool closed;
	/* DOC_* */
	unsigned key, value;
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
	uint64_t hidden[2]; /* since when, for each member */
};

struct model_mark {
	uint64_t upto, at;
};

struct model_chat {
	unsigned users[2];
	unsigned n_users;
	uint64_t n;
	uint64_t time; /* of the last message: nothing later is before it */
	uint64_t late; /* the latest time of anything */
	uint64_t order;
	struct model_mark read[2], delivered[2];
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
uint64_t model_missed(const struct model_chat *chat, unsigned member);
uint64_t model_fingerprint(const struct plan_op *op);
/* Carries out the plan's transaction, comparing result for result. */
void model_run(struct model *m, const struct plan *plan);
_Noreturn void model_differs(const struct plan *plan, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* model_stream.c */
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
