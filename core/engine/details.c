/* SPDX-License-Identifier: BSD-2-Clause */
/* Details of chats; see details.h. Core thread. */
#include "engine/details.h"

#include <string.h>

#include "base/log.h"
#include "engine/core_internal.h"
#include "engine/storage.h"
#include "plugin/plugin.h"
#include "seam/json_scan.h"

/* Of what one plugin adds to one chat. */
#define TEXT_MAX ((size_t)64 << 10)

/* Kept in the query's memory, like all that is copied here. */
struct details {
	struct core *core;
	struct par_query *query;
	unsigned at; /* the one in core->registry.details that is asked for */
	unsigned *chats; /* of each key that is asked for: whose it is */
	struct par_str *values[PAR_CHAT_DETAILS_MAX]; /* one a chat; NULL: no key was named */
};

static void *zalloc(struct par_query *query, size_t size)
{
	return memset(storage_query_alloc(query, size), 0, size);
}

/* The page ends before chat `n`: the rest is for the next one. */
static void cut_page(struct par_query *query, unsigned n)
{
	query->n = n;
	query->has_more = true;
}

/* What the plugin names, into `keys`. Returns how many. */
static unsigned name_keys(struct details *d, const struct chat_detail *detail, struct par_str *keys)
{
	struct par_query *query = d->query;
	struct par_plugin *outer = call_begin(d->core, detail->plugin);
	unsigned i, n = 0;

	for (i = 0; i < query->n; i++) {
		struct par_str key =
		    detail->detail.key(detail->state, query->user, &query->chats[i]);

		if (key.s == NULL)
			continue;
		if (n == PAR_DOCS_MAX) {
			cut_page(query, i);
			break;
		}
		d->chats[n] = i;
		keys[n++] = storage_query_copy(query, key);
	}
	call_end(d->core, outer, "keys of chats", "");
	return n;
}

static void docs_done(void *state, void *arg);

/* False: this plugin wants no document. */
static bool ask_docs(struct details *d, const struct chat_detail *detail)
{
	struct par_query *query = d->query, *docs;
	struct par_str *keys;
	unsigned n;

	if (detail->plugin->phase != PLUGIN_RUNNING)
		return false;
	keys = storage_query_alloc(query, query->n * sizeof(*keys));
	d->chats = storage_query_alloc(query, query->n * sizeof(*d->chats));
	n = name_keys(d, detail, keys);
	if (n == 0)
		return false;
	docs = storage_query_new(d->core, NULL, docs_done, d);
	docs->kind = PAR_QUERY_DOCS;
	docs->plugin = par_str_of(detail->plugin->descriptor.name);
	docs->keys = keys;
	docs->n_keys = n;
	docs->limit = n;
	docs->max_bytes = query->max_bytes;
	storage_query_submit(docs);
	return true;
}

/* Asks for those of the next plugin that wants some; false: all are there. */
static bool ask_next(struct details *d)
{
	struct registry *r = &d->core->registry;

	for (; d->at < r->n_details; d->at++) {
		if (ask_docs(d, &r->details[d->at]))
			return true;
	}
	return false;
}

static void keep_docs(struct details *d, const struct par_query *docs)
{
	struct par_str *values = zalloc(d->query, d->query->n * sizeof(*values));
	unsigned i;

	d->values[d->at] = values;
	for (i = 0; i < docs->n; i++) {
		if (docs->docs[i].value.s != NULL)
			values[d->chats[i]] = storage_query_copy(d->query, docs->docs[i].value);
	}
	if (docs->n < docs->n_keys)
		cut_page(d->query, d->chats[docs->n]);
}

/* As the one for the documents did, with its message, which goes with that one. */
static void fail(struct par_query *query, const struct par_query *docs)
{
	struct par_str message = { docs->message, 0 };

	if (message.s != NULL)
		message.len = strlen(message.s) + 1;
	query->error = docs->error;
	query->message = message.s == NULL ? NULL : storage_query_copy(query, message).s;
}

static void docs_done(void *state, void *arg)
{
	struct details *d = state;
	struct par_query *query = d->query, *docs = arg;

	if (docs->error != PAR_OK) {
		fail(query, docs);
		storage_query_finish(query);
		return;
	}
	keep_docs(d, docs);
	d->at++;
	if (!ask_next(d))
		storage_query_finish(query);
}

static struct par_str kept(struct par_query *query, struct par_str s)
{
	return s.len == 0 ? s : storage_query_copy(query, s);
}

/* A storage may take back what it has given when it is told that its work is done. */
static void keep_chats(struct par_query *query)
{
	unsigned i;

	for (i = 0; i < query->n; i++) {
		struct par_chat_entry *entry = &query->chats[i];

		entry->peer = kept(query, entry->peer);
		entry->last_text = kept(query, entry->last_text);
		entry->last_author = kept(query, entry->last_author);
		entry->name = kept(query, entry->name);
	}
}

void details_init(struct core *core)
{
	par_json_init(&core->detail);
	core->detail.limit = TEXT_MAX;
}

bool details_ask(struct core *core, struct par_query *query)
{
	struct details *d;

	if (!query->details || query->error != PAR_OK || query->n == 0 ||
	    core->registry.n_details == 0)
		return false;
	d = zalloc(query, sizeof(*d));
	d->core = core;
	d->query = query;
	*storage_query_details(query) = d;
	if (!ask_next(d))
		return false;
	keep_chats(query);
	return true;
}

/* What stands between the braces of what was written; s NULL: it is no object. */
static struct par_str members_of(const struct par_json *text)
{
	struct par_str all = par_json_text(text);
	struct json_scan scan = { .at = all.s, .end = all.s + all.len };

	if (text->failed || !json_scan_value(&scan, JSON_DEPTH_MAX) || scan.at != scan.end)
		return (struct par_str){ NULL, 0 };
	scan.at = all.s + 1;
	json_scan_space(&scan); /* white space alone is no member */
	return (struct par_str){ scan.at, (size_t)(scan.end - scan.at) - 1 };
}

static struct par_str ask_members(struct core *core, const struct chat_detail *detail,
				  const struct par_query *query, unsigned i, struct par_str value)
{
	struct par_json *w = &core->detail;
	struct par_plugin *outer = call_begin(core, detail->plugin);

	par_json_reset(w);
	w->failed = false;
	par_json_object_begin(w);
	detail->detail.write(detail->state, w, query->user, &query->chats[i], value);
	par_json_object_end(w);
	call_end(core, outer, "details of a chat", "");
	return members_of(w);
}

/* A plugin that is wrong harms its own members, and not the answer that they are for. */
static void complain(struct chat_detail *detail)
{
	if (!detail->complained)
		log_line(PAR_LOG_ERROR, "plugin", 0, detail->plugin->descriptor.name,
			 "adds to a chat what are no members of an object; left out");
	detail->complained = true;
}

void details_write(struct core *core, struct par_json *w, const struct par_query *query, unsigned i)
{
	const struct details *d = *storage_query_details(query);
	struct registry *r = &core->registry;
	unsigned k;

	for (k = 0; d != NULL && k < r->n_details; k++) {
		struct chat_detail *detail = &r->details[k];
		struct par_str value = { NULL, 0 }, members;

		if (detail->plugin->phase != PLUGIN_RUNNING)
			continue;
		if (d->values[k] != NULL)
			value = d->values[k][i];
		members = ask_members(core, detail, query, i, value);
		if (members.s == NULL) {
			complain(detail);
		} else if (members.len > 0) {
			par_json_separate(w);
			par_json_bytes(w, members.s, members.len);
		}
	}
}
