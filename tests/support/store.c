/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The words of storage tests. Whatever a storage hands back is borrowed until
 * its completion returns, so each completion copies it into the store's arena.
 */
#include <dirent.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store.h"

/* What is submitted, with the place its results are copied to. */
struct pending {
	struct store *store;
	struct outcome outcome;
	struct page page;
};

static void die(const char *what, const char *why)
{
	fprintf(stderr, "store: %s: %s\n", what, why);
	abort();
}

char *store_format(struct store *s, const char *format, ...)
{
	char text[4096];
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (len < 0 || (size_t)len >= sizeof(text))
		die("too long", format);
	return memcpy(arena_alloc(&s->arena, (size_t)len + 1), text, (size_t)len + 1);
}

void store_reopen(struct store *s)
{
	const char *at = strstr(s->config, "@DIR@");
	const char *config = s->config;

	store_shut(s);
	if (at != NULL)
		config = store_format(s, "%.*s%s%s", (int)(at - config), config, s->dir, at + 5);
	s->host = host_new();
	s->plugin = host_load(s->host, s->object, config);
	if (s->plugin == NULL)
		die(s->object, s->host->error);
	if (!host_start(s->plugin))
		die(s->object, s->host->error);
}

void store_open(struct store *s, const char *object, const char *config)
{
	const char *tmp = getenv("TMPDIR");

	memset(s, 0, sizeof(*s));
	s->object = object;
	s->config = config;
	snprintf(s->dir, sizeof(s->dir), "%s/store-XXXXXX",
		 tmp != NULL && strlen(tmp) < 32 ? tmp : "/tmp");
	if (mkdtemp(s->dir) == NULL)
		die("mkdtemp", s->dir);
	store_reopen(s);
}

void store_shut(struct store *s)
{
	host_free(&s->host);
	s->plugin = NULL;
}

void store_close(struct store *s)
{
	DIR *dir;
	struct dirent *entry;

	store_shut(s);
	dir = opendir(s->dir);
	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] != '.')
			unlinkat(dirfd(dir), entry->d_name, 0);
	}
	if (dir != NULL)
		closedir(dir);
	rmdir(s->dir);
	arena_free(&s->arena);
}

/* --- transactions --- */

static const char *keep(struct store *s, struct par_str text)
{
	char *copy;

	if (text.s == NULL)
		return NULL;
	copy = arena_alloc(&s->arena, text.len + 1);
	memcpy(copy, text.s, text.len);
	copy[text.len] = '\0';
	return copy;
}

static void tx_came_back(void *state, void *arg)
{
	struct pending *p = state;
	struct store *s = p->store;
	const struct par_tx *tx = arg;
	unsigned i;

	p->outcome.done = true;
	p->outcome.error = tx->error;
	for (i = 0; i < tx->n_ops; i++) {
		const struct par_op_result *from = &tx->ops[i].result;
		struct result *to = &p->outcome.op[i];
		to->applied = from->applied;
		to->id = from->id;
		to->timestamp = from->timestamp;
		to->original_id = from->original_id;
		to->missed = from->missed;
		to->seq = from->seq;
		to->client_id = keep(s, from->client_id);
		to->original_client_id = keep(s, from->original_client_id);
		to->reply = keep(s, from->reply);
		if (tx->ops[i].kind == PAR_OP_PRUNE) {
			to->events = tx->ops[i].u.prune.events;
			to->devices = tx->ops[i].u.prune.devices;
		}
		if (tx->ops[i].kind == PAR_OP_EVENT && tx->ops[i].u.event.data != NULL)
			to->payload =
			    keep(s, s->host->api.event_data_payload(tx->ops[i].u.event.data));
	}
}

static struct pending *pending_new(struct store *s)
{
	struct pending *p = arena_alloc(&s->arena, sizeof(*p));

	memset(p, 0, sizeof(*p));
	p->store = s;
	return p;
}

struct par_tx *store_tx(struct store *s)
{
	struct pending *p = pending_new(s);
	struct par_tx *tx = s->host->api.tx_new(s->plugin, tx_came_back, p);

	tx->arg = p;
	return tx;
}

struct outcome *store_submit(struct store *s, struct par_tx *tx)
{
	struct pending *p = tx->arg;

	s->host->api.tx_submit(tx);
	return &p->outcome;
}

void store_settle(struct store *s)
{
	host_settle(s->host);
}

struct outcome *store_run(struct store *s, struct par_tx *tx)
{
	struct outcome *outcome = store_submit(s, tx);

	store_settle(s);
	return outcome;
}

struct par_chat store_chat(struct store *s, const char *user, const char *peer)
{
	struct par_chat chat;
	bool swap = strcmp(user, peer) > 0;

	chat.key = par_str_of(store_format(s, "%s\n%s", swap ? peer : user, swap ? user : peer));
	chat.user = par_str_of(user);
	chat.peer = par_str_of(peer);
	return chat;
}

struct par_op *add_append(struct store *s, struct par_tx *tx, const char *user, const char *peer,
			  const char *client_id, const char *text)
{
	struct par_op *op = par_tx_add(tx, PAR_OP_APPEND);

	op->u.append.chat = store_chat(s, user, peer);
	op->u.append.type = par_str_of("new");
	op->u.append.client_id = par_str_of(client_id);
	op->u.append.message = par_str_of(text);
	op->u.append.fingerprint = 0x8000000000000000u | (text == NULL ? 0 : strlen(text));
	return op;
}

struct par_op *add_change(struct store *s, struct par_tx *tx, enum par_change_kind kind,
			  const char *user, const char *peer, uint64_t target)
{
	struct par_op *op = par_tx_add(tx, PAR_OP_CHANGE);

	op->u.change.chat = store_chat(s, user, peer);
	op->u.change.kind = kind;
	op->u.change.target_id = target;
	if (kind == PAR_CHANGE_EDIT)
		op->u.change.message = par_str_of("edited");
	return op;
}

struct par_op *add_mark(struct store *s, struct par_tx *tx, enum par_mark_kind kind,
			const char *user, const char *peer, uint64_t upto)
{
	struct par_op *op = par_tx_add(tx, PAR_OP_MARK);

	op->u.mark.chat = store_chat(s, user, peer);
	op->u.mark.kind = kind;
	op->u.mark.upto = upto;
	return op;
}

struct par_op *add_event(struct store *s, struct par_tx *tx, const char *user, const char *payload)
{
	struct par_op *op = par_tx_add(tx, PAR_OP_EVENT);
	struct par_op_event *event = &op->u.event;
	struct par_hole *holes = arena_alloc(&s->arena, 16 * sizeof(*holes));
	char *text = arena_alloc(&s->arena, strlen(payload) + 1);

	event->user = par_str_of(user);
	event->type = par_str_of("new");
	event->payload.s = text;
	event->holes = holes;
	for (; *payload != '\0'; payload++) {
		if (*payload != '@') {
			text[event->payload.len++] = *payload;
			continue;
		}
		holes[event->n_holes].at = (uint32_t)event->payload.len;
		holes[event->n_holes].kind = (uint8_t)(payload[1] - '0');
		holes[event->n_holes++].op = (uint8_t)(payload[2] - '0');
		payload += 2;
	}
	return op;
}

struct par_op *add_cursor(struct par_tx *tx, const char *user, const char *device, uint64_t acked,
			  uint64_t sent)
{
	struct par_op *op = par_tx_add(tx, PAR_OP_CURSOR);

	op->u.cursor.user = par_str_of(user);
	op->u.cursor.device = par_str_of(device);
	op->u.cursor.acked = acked;
	op->u.cursor.sent = sent;
	return op;
}

struct par_op *add_doc(struct par_tx *tx, enum par_op_kind kind, const char *plugin,
		       const char *key, const char *value)
{
	struct par_op *op = par_tx_add(tx, kind);

	op->u.doc.plugin = par_str_of(plugin);
	op->u.doc.key = par_str_of(key);
	op->u.doc.value = par_str_of(value);
	return op;
}

struct outcome *do_append(struct store *s, const char *user, const char *peer,
			  const char *client_id, const char *text)
{
	struct par_tx *tx = store_tx(s);

	add_append(s, tx, user, peer, client_id, text);
	return store_run(s, tx);
}

struct outcome *do_change(struct store *s, enum par_change_kind kind, const char *user,
			  const char *peer, uint64_t target)
{
	struct par_tx *tx = store_tx(s);

	add_change(s, tx, kind, user, peer, target);
	return store_run(s, tx);
}

struct outcome *do_mark(struct store *s, enum par_mark_kind kind, const char *user,
			const char *peer, uint64_t upto)
{
	struct par_tx *tx = store_tx(s);

	add_mark(s, tx, kind, user, peer, upto);
	return store_run(s, tx);
}

struct outcome *do_event(struct store *s, const char *user, const char *payload)
{
	struct par_tx *tx = store_tx(s);

	add_event(s, tx, user, payload);
	return store_run(s, tx);
}

struct outcome *do_cursor(struct store *s, const char *user, const char *device, uint64_t acked,
			  uint64_t sent, bool closed)
{
	struct par_tx *tx = store_tx(s);

	add_cursor(tx, user, device, acked, sent)->u.cursor.closed = closed;
	return store_run(s, tx);
}

struct outcome *do_prune(struct store *s, uint64_t events_before, uint64_t devices_before,
			 unsigned limit)
{
	struct par_tx *tx = store_tx(s);
	struct par_op_prune *prune = &par_tx_add(tx, PAR_OP_PRUNE)->u.prune;

	prune->events_before = events_before;
	prune->devices_before = devices_before;
	prune->limit = limit;
	return store_run(s, tx);
}

bool str_is(struct par_str a, const char *b)
{
	return b == NULL ? a.s == NULL : a.s != NULL && par_str_equal(a, par_str_of(b));
}

bool text_is(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/* --- queries --- */

static struct par_str keep_str(struct store *s, struct par_str text)
{
	text.s = keep(s, text);
	return text;
}

static void *keep_rows(struct store *s, const void *rows, unsigned n, size_t size)
{
	void *copy = arena_alloc(&s->arena, n * size + 1);

	if (n > 0)
		memcpy(copy, rows, n * size);
	return copy;
}

static void keep_messages(struct store *s, const struct par_query *q, struct page *page)
{
	unsigned i;

	page->messages = keep_rows(s, q->messages, q->n, sizeof(*q->messages));
	for (i = 0; i < q->n; i++) {
		struct par_stored_message *m = &page->messages[i];
		m->client_id = keep_str(s, m->client_id);
		m->sender = keep_str(s, m->sender);
		m->type = keep_str(s, m->type);
		m->message = keep_str(s, m->message);
		m->attachments = keep_str(s, m->attachments);
		m->forwarded = keep_str(s, m->forwarded);
		m->payload = keep_str(s, m->payload);
		m->reply = keep_str(s, m->reply);
	}
}

static void keep_chats(struct store *s, const struct par_query *q, struct page *page)
{
	unsigned i;

	page->chats = keep_rows(s, q->chats, q->n, sizeof(*q->chats));
	for (i = 0; i < q->n; i++) {
		page->chats[i].peer = keep_str(s, page->chats[i].peer);
		page->chats[i].last_text = keep_str(s, page->chats[i].last_text);
		page->chats[i].last_author = keep_str(s, page->chats[i].last_author);
	}
}

static void keep_docs(struct store *s, const struct par_query *q, struct page *page)
{
	unsigned i;

	page->docs = keep_rows(s, q->docs, q->n, sizeof(*q->docs));
	for (i = 0; i < q->n; i++) {
		page->docs[i].key = keep_str(s, page->docs[i].key);
		page->docs[i].value = keep_str(s, page->docs[i].value);
	}
}

static void keep_events(struct store *s, const struct par_query *q, struct page *page)
{
	unsigned i;

	page->events = arena_alloc(&s->arena, q->n * sizeof(*page->events) + 1);
	for (i = 0; i < q->n; i++) {
		page->events[i].seq = q->events[i].seq;
		page->events[i].origin = q->events[i].origin;
		page->events[i].origin_session = q->events[i].origin_session;
		page->events[i].payload =
		    keep(s, s->host->api.event_data_payload(q->events[i].data));
	}
}

static void query_came_back(void *state, void *arg)
{
	struct pending *p = state;
	struct page *page = &p->page;
	const struct par_query *q = arg;

	page->done = true;
	page->error = q->error;
	page->n = q->n;
	page->has_more = q->has_more;
	page->my_read = q->my_read;
	page->my_delivered = q->my_delivered;
	page->peer_read = q->peer_read;
	page->peer_delivered = q->peer_delivered;
	page->device = q->device_state;
	page->device.above = keep_rows(p->store, q->device_state.above, q->device_state.n_above,
				       sizeof(*q->device_state.above));
	if (q->kind == PAR_QUERY_MESSAGES)
		keep_messages(p->store, q, page);
	else if (q->kind == PAR_QUERY_CHATS || q->kind == PAR_QUERY_CHAT)
		keep_chats(p->store, q, page);
	else if (q->kind == PAR_QUERY_EVENTS)
		keep_events(p->store, q, page);
	else if (q->kind != PAR_QUERY_DEVICE)
		keep_docs(p->store, q, page);
}

struct par_query *store_query(struct store *s, enum par_query_kind kind, const char *user)
{
	struct pending *p = pending_new(s);
	struct par_query *q = s->host->api.query_new(s->plugin, query_came_back, p);

	q->arg = p;
	q->kind = kind;
	q->user = par_str_of(user);
	q->limit = 100;
	q->max_bytes = 1 << 20;
	return q;
}

struct page *store_ask(struct store *s, struct par_query *query)
{
	struct pending *p = query->arg;

	s->host->api.query_submit(query);
	return &p->page;
}

struct page *store_run_query(struct store *s, struct par_query *query)
{
	struct page *page = store_ask(s, query);

	store_settle(s);
	return page;
}

struct page *ask_messages(struct store *s, const char *user, const char *peer)
{
	struct par_query *q = store_query(s, PAR_QUERY_MESSAGES, user);

	q->chat = store_chat(s, user, peer);
	return store_run_query(s, q);
}

struct page *ask_chat(struct store *s, const char *user, const char *peer)
{
	struct par_query *q = store_query(s, PAR_QUERY_CHAT, user);

	q->chat = store_chat(s, user, peer);
	return store_run_query(s, q);
}

struct page *ask_chats(struct store *s, const char *user)
{
	return store_run_query(s, store_query(s, PAR_QUERY_CHATS, user));
}

struct page *ask_device(struct store *s, const char *user, const char *device)
{
	struct par_query *q = store_query(s, PAR_QUERY_DEVICE, user);

	q->device = par_str_of(device);
	return store_run_query(s, q);
}

struct page *ask_events(struct store *s, const char *user, const char *device, uint64_t after)
{
	struct par_query *q = store_query(s, PAR_QUERY_EVENTS, user);

	q->device = par_str_of(device);
	q->after = after;
	return store_run_query(s, q);
}
