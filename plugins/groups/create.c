/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Request `newChat`. With a clientMessageId the group is made once, however often the request
 * comes: the plugin's document "new", the user, the clientMessageId, each behind a separator, is
 * put in the same transaction, on condition that it is not there yet. When it is, the
 * transaction fails with PAR_E_CONFLICT, and what was answered the first time is read from it.
 *
 * The document outlives its group, so that a request on its way for long does not make
 * another one.
 */
#include <stdlib.h>
#include <sys/random.h>

#include "groups.h"

#define ID_BYTES 16
#define ID_PREFIX "grp_"
#define ID_LEN (sizeof(ID_PREFIX) - 1 + 2 * ID_BYTES)

/* What is known of the request when the transaction is done. */
struct creation {
	struct par_str key; /* of the document; s NULL: there is none */
	uint64_t print; /* of the content, to tell a resend from a reuse */
};

/* Not to be guessed, and never the same twice. */
static bool id_make(char *to)
{
	static const char hex[] = "0123456789abcdef";
	unsigned char bytes[ID_BYTES];
	unsigned i;

	if (getrandom(bytes, sizeof(bytes), GRND_NONBLOCK) != sizeof(bytes))
		return false;
	memcpy(to, ID_PREFIX, sizeof(ID_PREFIX) - 1);
	to += sizeof(ID_PREFIX) - 1;
	for (i = 0; i < ID_BYTES; i++) {
		*to++ = hex[bytes[i] >> 4];
		*to++ = hex[bytes[i] & 15];
	}
	return true;
}

/* FNV-1a. Who makes two that are alike deceives himself alone. */
static uint64_t print_add(uint64_t print, struct par_str s)
{
	size_t i;

	for (i = 0; i < s.len; i++)
		print = (print ^ (unsigned char)s.s[i]) * UINT64_C(0x100000001b3);
	return (print ^ 0xff) * UINT64_C(0x100000001b3); /* no byte of UTF-8 */
}

static uint64_t print_of(struct par_str name, const struct users *users)
{
	uint64_t print = print_add(UINT64_C(0xcbf29ce484222325), name);
	unsigned i;

	for (i = 0; i < users->n; i++)
		print = print_add(print, users->list[i]);
	return print;
}

static struct par_str creation_key(struct groups *g, struct par_tx *tx, struct par_str user,
				   struct par_str client_id)
{
	struct par_str key;
	char *to;

	key.len = sizeof("new") - 1 + 1 + user.len + 1 + client_id.len;
	key.s = to = g->api->tx_alloc(tx, key.len);
	memcpy(to, "new", 3);
	to[3] = PAR_CHAT_SEPARATOR;
	memcpy(to + 4, user.s, user.len);
	to[4 + user.len] = PAR_CHAT_SEPARATOR;
	memcpy(to + 5 + user.len, client_id.s, client_id.len);
	return key;
}

/* The answer, and the print as text: JSON's numbers do not hold it. */
static void creation_doc(struct groups *g, struct par_tx *tx, const struct creation *creation,
			 struct par_str id, unsigned members)
{
	struct par_op_doc *doc = &par_tx_add(tx, PAR_OP_DOC_PUT)->u.doc;
	struct par_json *w = &g->event;
	char print[20];

	snprintf(print, sizeof(print), "%016" PRIx64, creation->print);
	par_json_reset(w);
	par_json_object_begin(w);
	par_json_member_string(w, "chatId", id);
	par_json_member_u64(w, "timestamp", tx->now);
	par_json_member_u64(w, "members", members);
	par_json_member_string(w, "print", par_str_of(print));
	par_json_object_end(w);
	doc->plugin = par_str_of("groups");
	doc->key = creation->key;
	doc->value = par_tx_copy(g->api, tx, par_json_text(w));
	doc->expects = true;
}

/* NULL: it is not what creation_doc wrote, or memory did not suffice. */
static struct json_object *doc_parse(struct par_str value)
{
	struct json_tokener *tokener = json_tokener_new();
	struct json_object *doc;

	if (tokener == NULL)
		return NULL;
	doc = json_tokener_parse_ex(tokener, value.s, (int)value.len);
	json_tokener_free(tokener);
	return doc;
}

static void again_answer(struct groups *g, const struct par_query *query)
{
	const struct creation *creation = query->arg;
	struct json_object *doc = doc_parse(query->docs[0].value);
	struct par_payload p;
	struct par_str id, print;
	uint64_t timestamp = 0, members = 0;
	char expected[20];

	snprintf(expected, sizeof(expected), "%016" PRIx64, creation->print);
	par_payload_begin(&p, doc);
	id = par_payload_id(&p, "chatId", PAR_REQUIRED);
	print = par_payload_id(&p, "print", PAR_REQUIRED);
	par_payload_number(&p, "timestamp", 0, PAR_NUMBER_MAX, PAR_REQUIRED, &timestamp);
	par_payload_number(&p, "members", 0, PAR_NUMBER_MAX, PAR_REQUIRED, &members);
	if (p.error != PAR_OK) {
		g->api->fail(g->self, query->request, PAR_E_INTERNAL, NULL, p.message);
	} else if (!par_str_equal(print, par_str_of(expected))) {
		g->api->fail(g->self, query->request, PAR_E_CONFLICT, NULL,
			     "this clientMessageId was used for another group");
	} else {
		g->api->metric_add(g->repeated, 1);
		groups_answer(g, query->request, id, timestamp, (unsigned)members);
	}
	json_object_put(doc);
}

static void again_done(void *state, void *arg)
{
	struct groups *g = state;
	struct par_query *query = arg;

	if (query->error != PAR_OK)
		g->api->fail(g->self, query->request, query->error, NULL, query->message);
	else if (query->n == 0)
		g->api->fail(g->self, query->request, PAR_E_UNAVAILABLE, NULL,
			     "the group could not be made, try again");
	else
		again_answer(g, query);
}

static void again_submit(struct groups *g, const struct par_tx *tx, const struct creation *creation)
{
	struct par_query *query = g->api->query_new(g->self, again_done, g);
	struct creation *kept = g->api->query_alloc(query, sizeof(*kept));

	kept->key = par_query_copy(g->api, query, creation->key);
	kept->print = creation->print;
	query->kind = PAR_QUERY_DOC_GET;
	query->plugin = par_str_of("groups");
	query->key = kept->key;
	query->limit = 1;
	query->request = tx->request;
	query->arg = kept;
	g->api->query_submit(query);
}

static void new_done(void *state, void *arg)
{
	struct groups *g = state;
	struct par_tx *tx = arg;
	const struct creation *creation = tx->arg;
	const struct par_op *op = &tx->ops[creation->key.s != NULL ? 1 : 0];

	if (tx->error == PAR_E_CONFLICT && creation->key.s != NULL) {
		again_submit(g, tx, creation);
		return;
	}
	if (tx->error != PAR_OK) {
		g->api->fail(g->self, tx->request, tx->error, NULL, tx->message);
		return;
	}
	g->api->metric_add(g->created, 1);
	g->api->metric_add(g->added, op->u.roster.members);
	groups_answer(g, tx->request, op->u.roster.chat.key, op->result.timestamp,
		      op->u.roster.members);
}

/* How many there will be: who makes it is in it, whether he names himself or not. */
static unsigned members_count(const struct users *users, struct par_str user)
{
	unsigned i;

	for (i = 0; i < users->n; i++) {
		if (par_str_equal(users->list[i], user))
			return users->n;
	}
	return users->n + 1;
}

static void new_fill(struct groups *g, struct par_tx *tx, const struct par_request *request,
		     struct par_str name, const struct users *users, struct par_str id)
{
	struct creation *creation = tx->arg;
	struct par_op_roster *roster;
	unsigned op;

	if (creation->key.s != NULL) {
		creation->print = print_of(name, users);
		creation_doc(g, tx, creation, id, members_count(users, request->user));
	}
	op = tx->n_ops;
	roster = groups_roster(g, tx, request, id, PAR_ROSTER_CREATE);
	roster->name = par_tx_copy(g->api, tx, name);
	roster->users = users->list;
	roster->n_users = users->n;
	event_begin(g, &roster->chat);
	event_hole(g, "name", PAR_HOLE_NAME, op);
	event_hole(g, "members", PAR_HOLE_COUNT, op);
	event_end(g, tx, request, "newChat", PAR_REACH_CHANGED, op);
}

void groups_new_chat(void *state, const struct par_request *request)
{
	struct groups *g = state;
	struct par_tx *tx = groups_begin(g, request, new_done);
	struct creation *creation = g->api->tx_alloc(tx, sizeof(*creation));
	struct par_str name, client_id, id;
	struct users users;
	struct par_payload p;
	char id_text[ID_LEN];

	memset(creation, 0, sizeof(*creation));
	tx->arg = creation;
	par_payload_begin(&p, request->payload);
	name = par_payload_name(&p, "name", NAME_MAX_BYTES, PAR_REQUIRED);
	client_id = par_payload_id(&p, "clientMessageId", PAR_OPTIONAL);
	users = users_read(g, &p, tx);
	id.s = id_text;
	id.len = ID_LEN;
	if (p.error == PAR_OK && !id_make(id_text))
		par_payload_refuse(&p, PAR_E_UNAVAILABLE, "",
				   "the system has no random numbers yet");
	if (p.error == PAR_OK) {
		if (client_id.s != NULL)
			creation->key = creation_key(g, tx, request->user, client_id);
		new_fill(g, tx, request, name, &users, id);
	}
	groups_submit(g, request, &p, tx);
}
