/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The list of users that a request names, in the order that the storage works in. It is the
 * client's: of any length that a message can have, in any order, with anybody in it.
 */
#include <stdlib.h>

#include "groups.h"

struct named {
	struct par_str user;
	unsigned at; /* in the request */
};

static int named_order(const void *a, const void *b)
{
	const struct named *x = a, *y = b;

	if (par_str_equal(x->user, y->user))
		return x->at < y->at ? -1 : 1;
	return par_chat_comes_first(x->user, y->user) ? -1 : 1;
}

static void named_read(struct par_payload *p, struct json_object *array, struct named *named,
		       unsigned n)
{
	char key[32];
	unsigned i;

	for (i = 0; i < n && p->error == PAR_OK; i++) {
		named[i].user = par_payload_id_at(p, "participants", array, i);
		named[i].at = i;
		snprintf(key, sizeof(key), "participants[%u]", i);
		if (named[i].user.s != NULL && par_id_is_group(named[i].user))
			par_payload_refuse(p, PAR_E_BAD_PAYLOAD, key,
					   "must be a user, not a group");
	}
	if (p->error != PAR_OK)
		return;
	qsort(named, n, sizeof(*named), named_order);
	for (i = 1; i < n; i++) {
		snprintf(key, sizeof(key), "participants[%u]", named[i].at);
		if (par_str_equal(named[i - 1].user, named[i].user))
			par_payload_refuse(p, PAR_E_BAD_PAYLOAD, key, "is named already");
	}
}

struct users users_read(struct groups *g, struct par_payload *p, struct par_tx *tx)
{
	struct json_object *array =
	    par_payload_field(p, "participants", json_type_array, PAR_REQUIRED);
	struct users users = { NULL, 0 };
	struct named *named;
	size_t n;

	if (array == NULL)
		return users;
	n = json_object_array_length(array);
	if (n > g->max_members) {
		par_payload_refuse(p, PAR_E_TOO_LARGE, "participants", "must be at most %u",
				   g->max_members);
		return users;
	}
	named = g->api->tx_alloc(tx, sizeof(*named) * (n + 1));
	named_read(p, array, named, (unsigned)n);
	if (p->error != PAR_OK)
		return users;
	users.list = g->api->tx_alloc(tx, sizeof(*users.list) * (n + 1));
	for (; users.n < n; users.n++)
		users.list[users.n] = par_tx_copy(g->api, tx, named[users.n].user);
	return users;
}
