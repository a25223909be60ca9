/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lastSeen in the list of chats: a detail of each dialog with somebody who is not
 * online; see presence.h. Core thread. Of who is still known it is taken from memory, which
 * is newer than what is stored; of the others from their documents.
 */
#include "presence.h"

static bool is_of_another(struct par_str user, const struct par_chat_entry *entry)
{
	return !par_id_is_group(entry->peer) && !par_str_equal(entry->peer, user);
}

/* Who has a session does not leave memory before the answer is written, or only by being
 * stored; of who has none that may happen any moment. */
static struct par_str detail_key(void *state, struct par_str user,
				 const struct par_chat_entry *entry)
{
	static const struct par_str none = { NULL, 0 };
	const struct person *person;

	if (!is_of_another(user, entry))
		return none;
	person = person_find(state, entry->peer);
	return person != NULL && (person->online || person->seats != NULL) ? none : entry->peer;
}

/* The document is digits alone; whatever else it is, is nothing that was stored here. */
static void write_stored(struct par_json *w, struct par_str value)
{
	uint64_t seen = 0;
	size_t i;

	for (i = 0; i < value.len && i < SEEN_DIGITS; i++) {
		if (value.s[i] < '0' || value.s[i] > '9')
			return;
		seen = seen * 10 + (uint64_t)(value.s[i] - '0');
	}
	if (i > 0 && i == value.len)
		par_json_member_u64(w, "lastSeen", seen);
}

static void detail_write(void *state, struct par_json *w, struct par_str user,
			 const struct par_chat_entry *entry, struct par_str value)
{
	const struct person *person;

	if (!is_of_another(user, entry))
		return;
	person = person_find(state, entry->peer);
	if (person == NULL)
		write_stored(w, value);
	else if (!person->online)
		par_json_member_u64(w, "lastSeen", person->seen);
}

const struct par_chat_detail seen_detail = {
	.size = sizeof(struct par_chat_detail),
	.key = detail_key,
	.write = detail_write,
};
