/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lastSeen: when a user's last device in front went; see presence.h. Core thread.
 * One document a user, `USER: TIME`, is written when he is offline, thus not for a
 * return within the grace, and while he is online as keep.c says: those who are to be written
 * wait a moment for each other, and go into few transactions with as many documents as one
 * holds. Who is here when the server stops is written then. A server that is killed
 * writes nothing: of who was here then the time before stays.
 *
 * Request lastSeen {chatId}: the chat is asked for first, for who shares a dialog may know.
 */
#include <inttypes.h>
#include <stdio.h>

#include <parlance/chat.h>
#include <parlance/payload.h>

#include "presence.h"

#define SAVES_MAX 16
#define SAVE_MS 100
#define TIME_TEXT (SEEN_DIGITS + 1)

/* What a transaction is about. */
struct saved {
	struct person *persons[PAR_TX_OPS];
	unsigned n;
};

static void save_want(struct presence *p);

/* Who is here is seen now. */
static void add_doc(struct presence *p, struct par_tx *tx, struct saved *saved,
		    struct person *person)
{
	uint64_t seen = person->seen != 0 ? person->seen : p->api->now(p->self);
	struct par_op_doc *doc = &par_tx_add(tx, PAR_OP_DOC_PUT)->u.doc;
	char *value = p->api->tx_alloc(tx, TIME_TEXT);

	doc->plugin = par_str_of("presence");
	doc->key = person_id(person);
	doc->value.s = value;
	doc->value.len = (size_t)snprintf(value, TIME_TEXT, "%" PRIu64, seen);
	person->saving++;
	saved->persons[saved->n++] = person;
}

static void save_done(void *state, void *arg)
{
	struct presence *p = state;
	const struct par_tx *tx = arg;
	const struct saved *saved = tx->arg;
	unsigned i;

	p->saves--;
	if (tx->error == PAR_OK)
		p->api->metric_add(p->count.saved, saved->n);
	else
		p->api->metric_add(p->count.failed, 1);
	for (i = 0; i < saved->n; i++) {
		struct person *person = saved->persons[i];

		person->saving--;
		if (p->stopping)
			continue;
		if (tx->error == PAR_E_UNAVAILABLE && person->seen != 0)
			seen_save(p, person);
		person_settle(p, person);
	}
	if (!p->stopping && !TAILQ_EMPTY(&p->unsaved))
		save_want(p);
}

static struct par_tx *save_begin(struct presence *p)
{
	struct par_tx *tx = p->api->tx_new(p->self, save_done, p);
	struct saved *saved = p->api->tx_alloc(tx, sizeof(*saved));

	saved->n = 0;
	tx->arg = saved;
	return tx;
}

static void save_submit(struct presence *p, struct par_tx *tx)
{
	p->saves++;
	p->api->tx_submit(tx);
}

static void save_run(void *state, void *arg)
{
	struct presence *p = state;
	struct person *person;

	(void)arg;
	p->save = 0;
	while (p->saves < SAVES_MAX && !TAILQ_EMPTY(&p->unsaved)) {
		struct par_tx *tx = save_begin(p);

		while (tx->n_ops < PAR_TX_OPS && (person = TAILQ_FIRST(&p->unsaved)) != NULL) {
			seen_forget(p, person);
			add_doc(p, tx, tx->arg, person);
		}
		save_submit(p, tx);
	}
}

/* Unless it is due already, or what is under way looks again when it is done. */
static void save_want(struct presence *p)
{
	if (p->save == 0 && p->saves < SAVES_MAX)
		p->save = p->api->timer_start(p->self, SAVE_MS, save_run, p, NULL);
}

void seen_save(struct presence *p, struct person *person)
{
	if (person->unsaved)
		return;
	person->unsaved = true;
	TAILQ_INSERT_TAIL(&p->unsaved, person, of_unsaved);
	save_want(p);
}

void seen_forget(struct presence *p, struct person *person)
{
	if (!person->unsaved)
		return;
	person->unsaved = false;
	TAILQ_REMOVE(&p->unsaved, person, of_unsaved);
}

/* All that is not written yet; the storage completes it before it stops. */
void seen_stop(struct presence *p)
{
	struct person *person, *next;
	struct par_tx *tx = NULL;

	p->api->timer_stop(p->self, p->save);
	HASH_ITER(hh, p->persons, person, next) {
		if (!person->online && !person->unsaved)
			continue;
		seen_forget(p, person);
		if (tx == NULL)
			tx = save_begin(p);
		add_doc(p, tx, tx->arg, person);
		if (tx->n_ops == PAR_TX_OPS) {
			save_submit(p, tx);
			tx = NULL;
		}
	}
	if (tx != NULL)
		save_submit(p, tx);
}

/* --- the request --- */

static void answer(struct presence *p, par_request_id id, struct par_str user, bool online,
		   struct par_str seen)
{
	struct par_json *w = p->api->reply_open(p->self, id);

	if (w == NULL)
		return;
	par_json_object_begin(w);
	par_json_member_string(w, "userId", user);
	par_json_member_bool(w, "online", online);
	if (seen.len > 0) {
		par_json_key(w, "lastSeen");
		par_json_raw(w, seen);
	}
	par_json_object_end(w);
	p->api->reply_close(p->self, id);
}

static void doc_done(void *state, void *arg)
{
	static const struct par_str none = { NULL, 0 };
	struct presence *p = state;
	const struct par_query *query = arg;

	if (query->error != PAR_OK)
		p->api->fail(p->self, query->request, query->error, NULL, query->message);
	else
		answer(p, query->request, query->key, false,
		       query->n == 0 ? none : query->docs[0].value);
}

static void ask_doc(struct presence *p, par_request_id id, struct par_str user)
{
	struct par_query *query = p->api->query_new(p->self, doc_done, p);

	query->kind = PAR_QUERY_DOC_GET;
	query->plugin = par_str_of("presence");
	query->key = par_query_copy(p->api, query, user);
	query->limit = 1;
	query->max_bytes = SIZE_MAX;
	query->request = id;
	p->api->query_submit(query);
}

static void chat_done(void *state, void *arg)
{
	struct presence *p = state;
	const struct par_query *query = arg;
	const struct person *person = person_find(p, query->chat.peer);
	char text[TIME_TEXT];
	struct par_str seen = { text, 0 };

	if (query->error != PAR_OK) {
		p->api->fail(p->self, query->request, query->error, NULL, query->message);
	} else if (query->n == 0) {
		p->api->fail(p->self, query->request, PAR_E_NOT_FOUND, NULL,
			     "there is no such dialog");
	} else if (person == NULL) {
		ask_doc(p, query->request, query->chat.peer);
	} else {
		if (!person->online)
			seen.len = (size_t)snprintf(text, sizeof(text), "%" PRIu64, person->seen);
		answer(p, query->request, query->chat.peer, person->online, seen);
	}
}

void seen_request(void *state, const struct par_request *request)
{
	struct presence *p = state;
	struct par_query *query;
	struct par_payload payload;
	struct par_str chat_id;

	par_payload_begin(&payload, request->payload);
	chat_id = par_payload_id(&payload, "chatId", PAR_REQUIRED);
	if (payload.error == PAR_OK && par_id_is_group(chat_id))
		par_payload_refuse(&payload, PAR_E_NOT_FOUND, "chatId", "is no dialog");
	if (payload.error != PAR_OK) {
		par_payload_fail(p->api, p->self, request, &payload);
		return;
	}
	query = p->api->query_new(p->self, chat_done, p);
	query->kind = PAR_QUERY_CHAT;
	query->chat = par_chat_in_query(p->api, query, request->user, chat_id);
	query->user = query->chat.user;
	query->limit = 1;
	query->max_bytes = SIZE_MAX;
	query->request = request->id;
	p->api->query_submit(query);
}
