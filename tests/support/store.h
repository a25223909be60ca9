/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Writing tests of a storage plugin in few words: operations and queries with
 * C strings, run to their end at once, and what came back, copied, so that it
 * lives as long as the store. A chat is named by the two users of a dialog, or by a user and
 * a group.
 */
#ifndef PARLANCE_TESTS_STORE_H
#define PARLANCE_TESTS_STORE_H

#include "base/mem.h"
#include "host.h"

struct store {
	struct host *host;
	struct par_plugin *plugin;
	const char *object; /* path of the shared object */
	const char *config; /* JSON; @DIR@ in it becomes `dir`, @NAME@ the last part of that */
	const char *prepare; /* a command for the shell, likewise; NULL: there is none */
	unsigned n_done; /* transactions and queries that came back */
	char dir[128]; /* a fresh folder, removed in the end with all that is in it */
	struct arena arena;
};

/* Loads and starts the plugin of s->object in a fresh folder, s->config and s->prepare
 * being set; aborts when that fails. */
void store_open_fresh(struct store *s);
/* The same, with nothing to prepare. */
void store_open(struct store *s, const char *object, const char *config);
/* The same in the same folder, as after a restart of the server; the clock begins anew. */
void store_reopen(struct store *s);
/* And with a clock that goes on. */
void store_restart(struct store *s);
void store_shut(struct store *s);
void store_close(struct store *s);
/* The parts of opening: a fresh folder, prepared, and the config with its place filled in. */
void store_folder(struct store *s);
const char *store_config(struct store *s);
char *store_format(struct store *s, const char *format, ...) __attribute__((format(printf, 2, 3)));

struct received {
	const char *user;
	uint64_t seq, missed;
};

struct result {
	bool applied;
	uint64_t id, timestamp, original_id, missed, seq;
	const char *client_id, *original_client_id, *reply; /* NULL: absent */
	const char *payload; /* of an EVENT; NULL: no data */
	uint64_t events, devices; /* of a PRUNE */
	unsigned n_receivers; /* of an EVENT that reaches many */
	const struct received *receivers;
	unsigned n_changed, members; /* of a ROSTER */
	const char *const *changed;
	const char *name, *owner;
};

struct outcome {
	bool done;
	unsigned order; /* of its completion among all of the store, from 1 */
	enum par_error error;
	struct result op[PAR_TX_OPS];
};

/* Building a tx. */
struct par_tx *store_tx(struct store *s);
struct par_chat store_chat(struct store *s, const char *user, const char *peer);
struct par_op *add_append(struct store *s, struct par_tx *tx, const char *user, const char *peer,
			  const char *client_id, const char *text);
struct par_op *add_change(struct store *s, struct par_tx *tx, enum par_change_kind kind,
			  const char *user, const char *peer, uint64_t target);
struct par_op *add_mark(struct store *s, struct par_tx *tx, enum par_mark_kind kind,
			const char *user, const char *peer, uint64_t upto);
/* In the payload `@` with two digits is a hole: kind and operation. Kind 10 is ':', which
 * follows 9. */
struct par_op *add_event(struct store *s, struct par_tx *tx, const char *user, const char *payload);
struct par_op *add_cursor(struct par_tx *tx, const char *user, const char *device, uint64_t acked,
			  uint64_t sent);
struct par_op *add_prune(struct par_tx *tx, uint64_t events_before, uint64_t devices_before,
			 unsigned limit);
struct par_op *add_doc(struct par_tx *tx, enum par_op_kind kind, const char *plugin,
		       const char *key, const char *value);

/* A ROSTER: `users` are names with a space between them, or NULL. CREATE and NAME give the name
 * "name of GROUP"; up to 1,000 may be in it. */
struct par_op *add_roster(struct store *s, struct par_tx *tx, enum par_roster_kind kind,
			  const char *user, const char *group, const char *users);
/* An event to many, with holes as with add_event. */
struct par_op *add_reach(struct store *s, struct par_tx *tx, enum par_reach reach, const char *user,
			 const char *group, const char *payload);

/* Submits; the outcome is there after store_settle. */
struct outcome *store_submit(struct store *s, struct par_tx *tx);
void store_settle(struct store *s);
/* Both. */
struct outcome *store_run(struct store *s, struct par_tx *tx);

/* A tx of one operation. */
struct outcome *do_append(struct store *s, const char *user, const char *peer,
			  const char *client_id, const char *text);
struct outcome *do_change(struct store *s, enum par_change_kind kind, const char *user,
			  const char *peer, uint64_t target);
struct outcome *do_mark(struct store *s, enum par_mark_kind kind, const char *user,
			const char *peer, uint64_t upto);
struct outcome *do_event(struct store *s, const char *user, const char *payload);
struct outcome *do_cursor(struct store *s, const char *user, const char *device, uint64_t acked,
			  uint64_t sent, bool closed);
/* One step; of what was stored or seen before these times. */
struct outcome *do_prune(struct store *s, uint64_t events_before, uint64_t devices_before,
			 unsigned limit);
/* One step after the other, as the core does it; the sum of what they dropped.
 * Aborts when there is no end to it. */
struct result do_prune_all(struct store *s, uint64_t events_before, uint64_t devices_before,
			   unsigned limit);
struct outcome *do_put(struct store *s, const char *plugin, const char *key, const char *value);

struct outcome *do_roster(struct store *s, enum par_roster_kind kind, const char *user,
			  const char *group, const char *users);

struct stored_event {
	uint64_t seq;
	const char *type; /* as in JSON, without the quotes */
	const char *payload;
	bool origin;
	par_session_id origin_session;
};

struct page {
	bool done;
	enum par_error error;
	unsigned n;
	bool has_more;
	uint64_t my_read, my_delivered, peer_read, peer_delivered;
	struct par_stored_message *messages;
	struct par_chat_entry *chats;
	struct par_op_doc *docs;
	struct par_member *members;
	struct par_str *peers;
	struct stored_event *events;
	struct par_device_state device;
};

/* A query with limit 100 and 1 MB; the strings are the caller's. */
struct par_query *store_query(struct store *s, enum par_query_kind kind, const char *user);
/* DOCS of so many keys; the array is copied. */
struct par_query *store_docs_query(struct store *s, const char *plugin, const char *const *keys,
				   unsigned n);
struct page *store_ask(struct store *s, struct par_query *query);
struct page *store_run_query(struct store *s, struct par_query *query);

struct page *ask_messages(struct store *s, const char *user, const char *peer);
struct page *ask_chats(struct store *s, const char *user);
struct page *ask_chat(struct store *s, const char *user, const char *peer);
struct page *ask_members(struct store *s, const char *user, const char *group);
struct page *ask_device(struct store *s, const char *user, const char *device);
/* The value, or NULL. */
const char *ask_doc(struct store *s, const char *plugin, const char *key);
struct page *ask_events(struct store *s, const char *user, const char *device, uint64_t after);

/* Whether `a` is these bytes; NULL is absent. */
bool str_is(struct par_str a, const char *b);
bool text_is(const char *a, const char *b);

#endif
