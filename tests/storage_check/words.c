/* SPDX-License-Identifier: BSD-2-Clause */
/* Groups in few words; see words.h. */
#include "words.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* `text` and one word more. */
static const char *join(const char *text, const char *word)
{
	return text[0] == '\0' ? word : store_format(&store, "%s %s", text, word);
}

void group_new(const char *owner, const char *group, const char *users)
{
	NEED(do_roster(&store, PAR_ROSTER_CREATE, owner, group, users)->error == PAR_OK);
}

uint64_t group_say(const char *user, const char *group, const char *client_id)
{
	struct outcome *out = do_append(&store, user, group, client_id, "text");

	NEED(out->error == PAR_OK);
	return out->op[0].id;
}

const char *group_members(const char *user, const char *group)
{
	struct page *page = ask_members(&store, user, group);
	const char *text = "";
	unsigned i;

	if (page->error != PAR_OK)
		return check_error_name(page->error);
	for (i = 0; i < page->n; i++)
		text = join(text, store_format(&store, "%s=%c", page->members[i].user.s,
					       "mao"[page->members[i].role]));
	return text;
}

const char *group_messages(const char *user, const char *group)
{
	struct page *page = ask_messages(&store, user, group);
	const char *text = "";
	unsigned i;

	if (page->error != PAR_OK)
		return check_error_name(page->error);
	for (i = 0; i < page->n; i++)
		text = join(text, store_format(&store, "%" PRIu64, page->messages[i].id));
	return text;
}

const char *group_chats(const char *user)
{
	struct page *page = ask_chats(&store, user);
	const char *text = "";
	unsigned i;

	for (i = 0; i < page->n; i++)
		text = join(text, store_format(&store, "%s:%" PRIu64, page->chats[i].peer.s,
					       page->chats[i].missed));
	return text;
}

const char *group_marks(const char *asker, const char *group, const char *user)
{
	struct page *page = ask_members(&store, asker, group);
	unsigned i;

	for (i = 0; i < page->n; i++) {
		const struct par_member *member = &page->members[i];
		if (str_is(member->user, user))
			return store_format(&store, "%" PRIu64 "/%" PRIu64, member->delivered,
					    member->read);
	}
	return NULL;
}

const char *changed_text(const struct result *result)
{
	const char *text = "";
	unsigned i;

	for (i = 0; i < result->n_changed; i++)
		text = join(text, result->changed[i]);
	return text;
}

static int by_user(const void *a, const void *b)
{
	return strcmp(((const struct received *)a)->user, ((const struct received *)b)->user);
}

static const char *reached(const struct result *result, bool missed)
{
	struct received *sorted = calloc(result->n_receivers + 1, sizeof(*sorted));
	const char *text = "";
	unsigned i;

	memcpy(sorted, result->receivers, result->n_receivers * sizeof(*sorted));
	qsort(sorted, result->n_receivers, sizeof(*sorted), by_user);
	for (i = 0; i < result->n_receivers; i++) {
		text =
		    join(text, store_format(&store, "%s:%" PRIu64, sorted[i].user, sorted[i].seq));
		if (missed)
			text = store_format(&store, "%s/%" PRIu64, text, sorted[i].missed);
	}
	free(sorted);
	return text;
}

const char *reached_text(const struct result *result)
{
	return reached(result, false);
}

const char *reached_missed_text(const struct result *result)
{
	return reached(result, true);
}

const char *stream_text(const char *user, uint64_t after)
{
	struct page *page = ask_events(&store, user, "", after);
	const char *text = "";
	unsigned i;

	for (i = 0; i < page->n; i++)
		text = join(text, page->events[i].payload);
	return text;
}
