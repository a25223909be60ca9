/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `delivering`: whom a message of one's own in a group has reached, and who read it. It is
 * made from the members' marks, which say how far each has come and when he came that far; nothing
 * is kept for a single message. In a group of more than DELIVERING_MAX it is left out: there
 * request `participants` gives the same marks once for all messages.
 */
#include "messaging.h"

/* Of how many members a page says something, with so many messages. */
#define DELIVERING_ENTRIES 2500

unsigned delivering_limit(const struct delivering *delivering, unsigned count)
{
	unsigned most = delivering->n == 0 ? count : DELIVERING_ENTRIES / delivering->n;

	return count < most ? count : most;
}

void delivering_keep(struct messaging *m, struct delivering *to, struct par_query *query,
		     const struct par_query *members)
{
	struct par_member *kept;
	unsigned i;

	if (members->has_more)
		return;
	kept = m->api->query_alloc(query, sizeof(*kept) * (members->n + 1));
	for (i = 0; i < members->n; i++) {
		kept[i] = members->members[i];
		kept[i].user = par_query_copy(m->api, query, kept[i].user);
	}
	to->members = kept;
	to->n = members->n;
}

/* Who joined later, or has not got it yet, is not among them. */
void delivering_write(struct par_json *w, const struct delivering *delivering,
		      const struct par_stored_message *message)
{
	unsigned i;

	par_json_key(w, "delivering");
	par_json_array_begin(w);
	for (i = 0; i < delivering->n; i++) {
		const struct par_member *member = &delivering->members[i];
		bool got = member->delivered >= message->id && member->delivered_at != 0;
		bool read = member->read >= message->id && member->read_at != 0;

		if ((!got && !read) || member->joined > message->created ||
		    par_str_equal(member->user, message->sender))
			continue;
		par_json_object_begin(w);
		par_json_member_string(w, "userId", member->user);
		if (got)
			par_json_member_u64(w, "dlvrd", member->delivered_at);
		if (read)
			par_json_member_u64(w, "read", member->read_at);
		par_json_object_end(w);
	}
	par_json_array_end(w);
}
